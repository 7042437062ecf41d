INSERT INTO `audience_purges` (`id`, `user_id`, `kind`, `target_id`) VALUES (1, 1, 'kind-1', 1);
INSERT INTO `audience_purges` (`id`, `user_id`, `kind`, `target_id`) VALUES (2, 1, 'kind-2', 2);
INSERT INTO `audience_purges` (`id`, `user_id`, `kind`, `target_id`) VALUES (3, 1, 'kind-3', 3);
