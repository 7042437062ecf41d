-- +goose Up
-- create "api_keys" table
CREATE TABLE `api_keys` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `hash` varchar(64) NOT NULL, `hint` varchar(16) NOT NULL, `scopes` varchar(100) NOT NULL, `note` varchar(200) NOT NULL DEFAULT "", `expires_at` datetime(6) NULL, `last_used_at` datetime(6) NULL, `revoked_at` datetime(6) NULL, `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), INDEX `apikey_user_id` (`user_id`), UNIQUE INDEX `hash` (`hash`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "campaigns" table
CREATE TABLE `campaigns` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `name` varchar(1000) NOT NULL, `name_key` varchar(500) NOT NULL, `status` varchar(24) NOT NULL DEFAULT "draft", `status_rank` tinyint NOT NULL DEFAULT 5, `status_reason` varchar(1000) NOT NULL DEFAULT "", `email_id` bigint NULL, `version` bigint NOT NULL DEFAULT 1, `schedule_type` varchar(24) NOT NULL DEFAULT "not_scheduled", `send_date` varchar(10) NOT NULL DEFAULT "", `send_time` varchar(8) NOT NULL DEFAULT "", `send_time_zone` varchar(400) NOT NULL DEFAULT "", `recur_days_of_week` varchar(40) NOT NULL DEFAULT "", `recur_days_of_month` varchar(100) NOT NULL DEFAULT "", `recur_months` varchar(40) NOT NULL DEFAULT "", `recur_hours` varchar(80) NOT NULL DEFAULT "", `recur_minutes` varchar(200) NOT NULL DEFAULT "", `recur_max_instances` bigint NOT NULL DEFAULT 0, `sent_instances` bigint NOT NULL DEFAULT 0, `next_send_at` datetime(6) NULL, `approval_explanation` longtext NOT NULL, `google_analytics_domains` longtext NOT NULL, `publish_on_rss` bool NOT NULL DEFAULT 0, `s2s_enabled` bool NOT NULL DEFAULT 0, `auto_resend_enabled` bool NOT NULL DEFAULT 0, `auto_resend_wait_days` bigint NOT NULL DEFAULT 0, `auto_resend_subject` varchar(1000) NOT NULL DEFAULT "", `auto_resend_preheader` varchar(1000) NOT NULL DEFAULT "", `audience` longtext NOT NULL, `audience_source` longtext NOT NULL, `recipient_lists` varchar(4000) NOT NULL DEFAULT "", `excluded_lists` varchar(4000) NOT NULL DEFAULT "", `has_audience` bool NOT NULL DEFAULT 0, `ab_test` longtext NOT NULL, `total_recipients` bigint NOT NULL DEFAULT 0, `total_sent` bigint NOT NULL DEFAULT 0, `total_failed` bigint NOT NULL DEFAULT 0, `total_delivered` bigint NOT NULL DEFAULT 0, `total_opens` bigint NOT NULL DEFAULT 0, `unique_opens` bigint NOT NULL DEFAULT 0, `total_clicks` bigint NOT NULL DEFAULT 0, `unique_clicks` bigint NOT NULL DEFAULT 0, `total_forwards` bigint NOT NULL DEFAULT 0, `unique_forwards` bigint NOT NULL DEFAULT 0, `total_browser_views` bigint NOT NULL DEFAULT 0, `unique_browser_views` bigint NOT NULL DEFAULT 0, `total_unsubscriptions` bigint NOT NULL DEFAULT 0, `total_hard_bounces` bigint NOT NULL DEFAULT 0, `total_soft_bounces` bigint NOT NULL DEFAULT 0, `total_complaints` bigint NOT NULL DEFAULT 0, `total_conversions` bigint NOT NULL DEFAULT 0, `conversion_amount` bigint NOT NULL DEFAULT 0, `automated_opens` bigint NOT NULL DEFAULT 0, `automated_clicks` bigint NOT NULL DEFAULT 0, `benchmark_emails_per_second` bigint NOT NULL DEFAULT 0, `sending_started_at` datetime(6) NULL, `sending_finished_at` datetime(6) NULL, `last_activity_at` datetime(6) NOT NULL, `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), INDEX `campaign_status_rank_next_send_at` (`status_rank`, `next_send_at`), INDEX `campaign_user_id` (`user_id`), INDEX `campaign_user_id_created_at` (`user_id`, `created_at`), INDEX `campaign_user_id_email_id` (`user_id`, `email_id`), INDEX `campaign_user_id_last_activity_at` (`user_id`, `last_activity_at`), INDEX `campaign_user_id_name_key` (`user_id`, `name_key`), INDEX `campaign_user_id_next_send_at` (`user_id`, `next_send_at`), INDEX `campaign_user_id_schedule_type` (`user_id`, `schedule_type`), INDEX `campaign_user_id_sending_finished_at` (`user_id`, `sending_finished_at`), INDEX `campaign_user_id_sending_started_at` (`user_id`, `sending_started_at`), INDEX `campaign_user_id_status_rank` (`user_id`, `status_rank`), INDEX `campaign_user_id_total_recipients` (`user_id`, `total_recipients`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "campaign_changes" table
CREATE TABLE `campaign_changes` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `campaign_id` bigint NOT NULL, `version` bigint NOT NULL, `action` varchar(24) NOT NULL, `actor_id` bigint NOT NULL, `api_key_id` bigint NULL, `surface` varchar(24) NOT NULL, `from_status` varchar(24) NULL, `to_status` varchar(24) NOT NULL, `fields` varchar(1000) NOT NULL DEFAULT "", `reason` varchar(1000) NOT NULL DEFAULT "", `at` datetime(6) NOT NULL, PRIMARY KEY (`id`), UNIQUE INDEX `campaignchange_campaign_id_version` (`campaign_id`, `version`), INDEX `campaignchange_user_id_at` (`user_id`, `at`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "campaign_tags" table
CREATE TABLE `campaign_tags` (`user_id` bigint NOT NULL, `campaign_id` bigint NOT NULL, `tag_id` bigint NOT NULL, PRIMARY KEY (`campaign_id`, `tag_id`), INDEX `campaigntag_tag_id_campaign_id` (`tag_id`, `campaign_id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "custom_fields" table
CREATE TABLE `custom_fields` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `list_id` bigint NULL, `name` varchar(1000) NOT NULL, `name_key` varchar(500) NOT NULL, `type` varchar(24) NOT NULL DEFAULT "text", `choices` longtext NOT NULL, `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), UNIQUE INDEX `customfield_user_id_list_id_name_key` (`user_id`, `list_id`, `name_key`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "emails" table
CREATE TABLE `emails` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `name` varchar(1000) NOT NULL DEFAULT "", `name_key` varchar(500) NOT NULL DEFAULT "", `subject` varchar(2000) NOT NULL DEFAULT "", `subject_key` varchar(1000) NOT NULL DEFAULT "", `preheader` varchar(2000) NOT NULL DEFAULT "", `from_name` varchar(1000) NOT NULL DEFAULT "", `from_email` varchar(254) NOT NULL DEFAULT "", `reply_to_name` varchar(1000) NOT NULL DEFAULT "", `reply_to_email` varchar(254) NOT NULL DEFAULT "", `html` longtext NOT NULL, `plain` longtext NOT NULL, `mode` varchar(24) NOT NULL DEFAULT "empty", `open_tracking` bool NOT NULL DEFAULT 1, `link_tracking` bool NOT NULL DEFAULT 1, `created_at` datetime(6) NOT NULL, `updated_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), INDEX `email_user_id` (`user_id`), INDEX `email_user_id_name_key` (`user_id`, `name_key`), INDEX `email_user_id_updated_at` (`user_id`, `updated_at`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "events" table
CREATE TABLE `events` (`id` varchar(48) NOT NULL, `user_id` bigint NOT NULL, `campaign_id` bigint NOT NULL, `subscriber_id` bigint NOT NULL, `kind` varchar(24) NOT NULL, `at` datetime(6) NOT NULL, `automated` bool NOT NULL DEFAULT 0, `link_id` bigint NULL, `reason` varchar(1000) NOT NULL DEFAULT "", `user_agent` varchar(1000) NOT NULL DEFAULT "", `ip` varchar(45) NOT NULL DEFAULT "", `amount` bigint NOT NULL DEFAULT 0, `currency` varchar(3) NOT NULL DEFAULT "", PRIMARY KEY (`id`), INDEX `event_campaign_id_kind_subscriber_id_at` (`campaign_id`, `kind`, `subscriber_id`, `at`), INDEX `event_subscriber_id_kind_at` (`subscriber_id`, `kind`, `at`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "field_values" table
CREATE TABLE `field_values` (`user_id` bigint NOT NULL, `text` longtext NOT NULL, `text_key` varchar(255) NOT NULL DEFAULT "", `number` decimal(30,10) NULL, `date` datetime(6) NULL, `subscriber_id` bigint NOT NULL, `custom_field_id` bigint NOT NULL, PRIMARY KEY (`subscriber_id`, `custom_field_id`), INDEX `fieldvalue_custom_field_id_date` (`custom_field_id`, `date`), INDEX `fieldvalue_custom_field_id_number` (`custom_field_id`, `number`), INDEX `fieldvalue_custom_field_id_text_key` (`custom_field_id`, `text_key`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "hourly_counters" table
CREATE TABLE `hourly_counters` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `campaign_id` bigint NOT NULL, `hour` datetime(6) NOT NULL, `sent` bigint NOT NULL DEFAULT 0, `failed` bigint NOT NULL DEFAULT 0, `delivered` bigint NOT NULL DEFAULT 0, `opens` bigint NOT NULL DEFAULT 0, `unique_opens` bigint NOT NULL DEFAULT 0, `clicks` bigint NOT NULL DEFAULT 0, `unique_clicks` bigint NOT NULL DEFAULT 0, `forwards` bigint NOT NULL DEFAULT 0, `unique_forwards` bigint NOT NULL DEFAULT 0, `browser_views` bigint NOT NULL DEFAULT 0, `unique_browser_views` bigint NOT NULL DEFAULT 0, `unsubscriptions` bigint NOT NULL DEFAULT 0, `hard_bounces` bigint NOT NULL DEFAULT 0, `soft_bounces` bigint NOT NULL DEFAULT 0, `complaints` bigint NOT NULL DEFAULT 0, `conversions` bigint NOT NULL DEFAULT 0, `conversion_amount` bigint NOT NULL DEFAULT 0, `automated_opens` bigint NOT NULL DEFAULT 0, `automated_clicks` bigint NOT NULL DEFAULT 0, PRIMARY KEY (`id`), UNIQUE INDEX `hourlycounter_campaign_id_hour` (`campaign_id`, `hour`), INDEX `hourlycounter_user_id_hour` (`user_id`, `hour`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "idempotency_keys" table
CREATE TABLE `idempotency_keys` (`id` varchar(64) NOT NULL, `user_id` bigint NOT NULL, `operation` varchar(60) NOT NULL, `fingerprint` varchar(64) NOT NULL, `result_id` bigint NOT NULL, `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), INDEX `idempotencykey_created_at` (`created_at`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "link_counters" table
CREATE TABLE `link_counters` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `campaign_id` bigint NOT NULL, `url_hash` varchar(64) NOT NULL, `url` longtext NOT NULL, `clicks` bigint NOT NULL DEFAULT 0, `unique_clicks` bigint NOT NULL DEFAULT 0, PRIMARY KEY (`id`), INDEX `linkcounter_campaign_id_clicks` (`campaign_id`, `clicks`), UNIQUE INDEX `linkcounter_campaign_id_url_hash` (`campaign_id`, `url_hash`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "login_attempts" table
CREATE TABLE `login_attempts` (`id` varchar(80) NOT NULL, `failures` bigint NOT NULL DEFAULT 0, `expires_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), INDEX `loginattempt_expires_at` (`expires_at`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "segments" table
CREATE TABLE `segments` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `list_id` bigint NOT NULL, `name` varchar(1000) NOT NULL, `name_key` varchar(500) NOT NULL, `rules` longtext NOT NULL, `rules_source` longtext NOT NULL, `created_at` datetime(6) NOT NULL, `updated_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), INDEX `segment_list_id` (`list_id`), INDEX `segment_user_id_list_id_name_key` (`user_id`, `list_id`, `name_key`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "sessions" table
CREATE TABLE `sessions` (`id` varchar(64) NOT NULL, `user_id` bigint NOT NULL, `api_key_id` bigint NULL, `expires_at` datetime(6) NOT NULL, `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), INDEX `session_expires_at` (`expires_at`), INDEX `session_user_id` (`user_id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "subscribers" table
CREATE TABLE `subscribers` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `list_id` bigint NOT NULL, `email` varchar(254) NOT NULL, `email_key` varchar(254) NOT NULL, `domain` varchar(254) NOT NULL DEFAULT "", `status` varchar(24) NOT NULL DEFAULT "subscribed", `bounce` varchar(24) NOT NULL DEFAULT "none", `subscription_ip` varchar(45) NOT NULL DEFAULT "", `subscribed_at` datetime(6) NULL, `opted_in_at` datetime(6) NULL, `unsubscribed_at` datetime(6) NULL, `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), UNIQUE INDEX `subscriber_list_id_email_key` (`list_id`, `email_key`), INDEX `subscriber_list_id_status` (`list_id`, `status`), INDEX `subscriber_list_id_subscribed_at` (`list_id`, `subscribed_at`), INDEX `subscriber_user_id_email_key` (`user_id`, `email_key`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "subscriber_lists" table
CREATE TABLE `subscriber_lists` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `name` varchar(1000) NOT NULL, `name_key` varchar(500) NOT NULL, `double_opt_in` bool NOT NULL DEFAULT 0, `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), INDEX `subscriberlist_user_id` (`user_id`), INDEX `subscriberlist_user_id_name_key` (`user_id`, `name_key`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "subscriber_tags" table
CREATE TABLE `subscriber_tags` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `name` varchar(400) NOT NULL, `name_key` varchar(200) NOT NULL, `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), UNIQUE INDEX `subscribertag_user_id_name_key` (`user_id`, `name_key`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "subscriber_taggings" table
CREATE TABLE `subscriber_taggings` (`user_id` bigint NOT NULL, `subscriber_id` bigint NOT NULL, `subscriber_tag_id` bigint NOT NULL, PRIMARY KEY (`subscriber_id`, `subscriber_tag_id`), INDEX `subscribertagging_subscriber_tag_id_subscriber_id` (`subscriber_tag_id`, `subscriber_id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "suppressions" table
CREATE TABLE `suppressions` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `email` varchar(254) NOT NULL, `email_key` varchar(254) NOT NULL, `reason` varchar(24) NOT NULL DEFAULT "manual", `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), UNIQUE INDEX `suppression_user_id_email_key` (`user_id`, `email_key`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "tags" table
CREATE TABLE `tags` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `name` varchar(400) NOT NULL, `name_key` varchar(200) NOT NULL, `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), UNIQUE INDEX `tag_user_id_name_key` (`user_id`, `name_key`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "users" table
CREATE TABLE `users` (`id` bigint NOT NULL AUTO_INCREMENT, `username` varchar(100) NOT NULL, `username_key` varchar(200) NOT NULL, `email` varchar(254) NOT NULL, `email_key` varchar(254) NOT NULL, `password_hash` varchar(255) NOT NULL, `first_name` varchar(100) NOT NULL DEFAULT "", `last_name` varchar(100) NOT NULL DEFAULT "", `time_zone` varchar(100) NOT NULL DEFAULT "UTC", `role` varchar(24) NOT NULL DEFAULT "user", `reputation` varchar(24) NOT NULL DEFAULT "trusted", `created_at` datetime(6) NOT NULL, `updated_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), UNIQUE INDEX `email_key` (`email_key`), UNIQUE INDEX `username_key` (`username_key`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
-- reverse: create "users" table
DROP TABLE `users`;
-- reverse: create "tags" table
DROP TABLE `tags`;
-- reverse: create "suppressions" table
DROP TABLE `suppressions`;
-- reverse: create "subscriber_taggings" table
DROP TABLE `subscriber_taggings`;
-- reverse: create "subscriber_tags" table
DROP TABLE `subscriber_tags`;
-- reverse: create "subscriber_lists" table
DROP TABLE `subscriber_lists`;
-- reverse: create "subscribers" table
DROP TABLE `subscribers`;
-- reverse: create "sessions" table
DROP TABLE `sessions`;
-- reverse: create "segments" table
DROP TABLE `segments`;
-- reverse: create "login_attempts" table
DROP TABLE `login_attempts`;
-- reverse: create "link_counters" table
DROP TABLE `link_counters`;
-- reverse: create "idempotency_keys" table
DROP TABLE `idempotency_keys`;
-- reverse: create "hourly_counters" table
DROP TABLE `hourly_counters`;
-- reverse: create "field_values" table
DROP TABLE `field_values`;
-- reverse: create "events" table
DROP TABLE `events`;
-- reverse: create "emails" table
DROP TABLE `emails`;
-- reverse: create "custom_fields" table
DROP TABLE `custom_fields`;
-- reverse: create "campaign_tags" table
DROP TABLE `campaign_tags`;
-- reverse: create "campaign_changes" table
DROP TABLE `campaign_changes`;
-- reverse: create "campaigns" table
DROP TABLE `campaigns`;
-- reverse: create "api_keys" table
DROP TABLE `api_keys`;
