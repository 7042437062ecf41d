INSERT INTO `purges` (`id`, `user_id`, `campaign_id`) VALUES (1, 1, 1);
INSERT INTO `purges` (`id`, `user_id`, `campaign_id`) VALUES (2, 1, 2);
INSERT INTO `purges` (`id`, `user_id`, `campaign_id`) VALUES (3, 1, 3);
