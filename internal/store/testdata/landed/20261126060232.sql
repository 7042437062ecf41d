INSERT INTO `events` (`id`, `user_id`, `campaign_id`, `subscriber_id`, `kind`, `at`, `domain`) VALUES ('2-e8', 1, 2, 3, 'delivered', '2026-11-26 08:00:00.000001', 'kept.example');
