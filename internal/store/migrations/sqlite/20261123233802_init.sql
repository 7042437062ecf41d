-- +goose Up
-- create "api_keys" table
CREATE TABLE `api_keys` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `hash` text NOT NULL, `hint` text NOT NULL, `scopes` text NOT NULL, `note` text NOT NULL DEFAULT (''), `expires_at` datetime NULL, `last_used_at` datetime NULL, `revoked_at` datetime NULL, `created_at` datetime NOT NULL);
-- create index "api_keys_hash_key" to table: "api_keys"
CREATE UNIQUE INDEX `api_keys_hash_key` ON `api_keys` (`hash`);
-- create index "apikey_user_id" to table: "api_keys"
CREATE INDEX `apikey_user_id` ON `api_keys` (`user_id`);
-- create "campaigns" table
CREATE TABLE `campaigns` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `name` text NOT NULL, `name_key` text NOT NULL, `status` text NOT NULL DEFAULT ('draft'), `status_rank` integer NOT NULL DEFAULT (5), `status_reason` text NOT NULL DEFAULT (''), `email_id` integer NULL, `version` integer NOT NULL DEFAULT (1), `schedule_type` text NOT NULL DEFAULT ('not_scheduled'), `send_date` text NOT NULL DEFAULT (''), `send_time` text NOT NULL DEFAULT (''), `send_time_zone` text NOT NULL DEFAULT (''), `recur_days_of_week` text NOT NULL DEFAULT (''), `recur_days_of_month` text NOT NULL DEFAULT (''), `recur_months` text NOT NULL DEFAULT (''), `recur_hours` text NOT NULL DEFAULT (''), `recur_minutes` text NOT NULL DEFAULT (''), `recur_max_instances` integer NOT NULL DEFAULT (0), `sent_instances` integer NOT NULL DEFAULT (0), `next_send_at` datetime NULL, `approval_explanation` text NOT NULL, `google_analytics_domains` text NOT NULL, `publish_on_rss` bool NOT NULL DEFAULT (false), `s2s_enabled` bool NOT NULL DEFAULT (false), `auto_resend_enabled` bool NOT NULL DEFAULT (false), `auto_resend_wait_days` integer NOT NULL DEFAULT (0), `auto_resend_subject` text NOT NULL DEFAULT (''), `auto_resend_preheader` text NOT NULL DEFAULT (''), `audience` text NOT NULL, `audience_source` text NOT NULL, `recipient_lists` text NOT NULL DEFAULT (''), `excluded_lists` text NOT NULL DEFAULT (''), `has_audience` bool NOT NULL DEFAULT (false), `ab_test` text NOT NULL, `total_recipients` integer NOT NULL DEFAULT (0), `total_sent` integer NOT NULL DEFAULT (0), `total_failed` integer NOT NULL DEFAULT (0), `total_delivered` integer NOT NULL DEFAULT (0), `total_opens` integer NOT NULL DEFAULT (0), `unique_opens` integer NOT NULL DEFAULT (0), `total_clicks` integer NOT NULL DEFAULT (0), `unique_clicks` integer NOT NULL DEFAULT (0), `total_forwards` integer NOT NULL DEFAULT (0), `unique_forwards` integer NOT NULL DEFAULT (0), `total_browser_views` integer NOT NULL DEFAULT (0), `unique_browser_views` integer NOT NULL DEFAULT (0), `total_unsubscriptions` integer NOT NULL DEFAULT (0), `total_hard_bounces` integer NOT NULL DEFAULT (0), `total_soft_bounces` integer NOT NULL DEFAULT (0), `total_complaints` integer NOT NULL DEFAULT (0), `total_conversions` integer NOT NULL DEFAULT (0), `conversion_amount` integer NOT NULL DEFAULT (0), `automated_opens` integer NOT NULL DEFAULT (0), `automated_clicks` integer NOT NULL DEFAULT (0), `benchmark_emails_per_second` integer NOT NULL DEFAULT (0), `sending_started_at` datetime NULL, `sending_finished_at` datetime NULL, `last_activity_at` datetime NOT NULL, `created_at` datetime NOT NULL);
-- create index "campaign_user_id" to table: "campaigns"
CREATE INDEX `campaign_user_id` ON `campaigns` (`user_id`);
-- create index "campaign_user_id_name_key" to table: "campaigns"
CREATE INDEX `campaign_user_id_name_key` ON `campaigns` (`user_id`, `name_key`);
-- create index "campaign_user_id_status_rank" to table: "campaigns"
CREATE INDEX `campaign_user_id_status_rank` ON `campaigns` (`user_id`, `status_rank`);
-- create index "campaign_user_id_schedule_type" to table: "campaigns"
CREATE INDEX `campaign_user_id_schedule_type` ON `campaigns` (`user_id`, `schedule_type`);
-- create index "campaign_user_id_created_at" to table: "campaigns"
CREATE INDEX `campaign_user_id_created_at` ON `campaigns` (`user_id`, `created_at`);
-- create index "campaign_user_id_last_activity_at" to table: "campaigns"
CREATE INDEX `campaign_user_id_last_activity_at` ON `campaigns` (`user_id`, `last_activity_at`);
-- create index "campaign_user_id_next_send_at" to table: "campaigns"
CREATE INDEX `campaign_user_id_next_send_at` ON `campaigns` (`user_id`, `next_send_at`);
-- create index "campaign_user_id_sending_started_at" to table: "campaigns"
CREATE INDEX `campaign_user_id_sending_started_at` ON `campaigns` (`user_id`, `sending_started_at`);
-- create index "campaign_user_id_sending_finished_at" to table: "campaigns"
CREATE INDEX `campaign_user_id_sending_finished_at` ON `campaigns` (`user_id`, `sending_finished_at`);
-- create index "campaign_user_id_total_recipients" to table: "campaigns"
CREATE INDEX `campaign_user_id_total_recipients` ON `campaigns` (`user_id`, `total_recipients`);
-- create index "campaign_user_id_email_id" to table: "campaigns"
CREATE INDEX `campaign_user_id_email_id` ON `campaigns` (`user_id`, `email_id`);
-- create index "campaign_status_rank_next_send_at" to table: "campaigns"
CREATE INDEX `campaign_status_rank_next_send_at` ON `campaigns` (`status_rank`, `next_send_at`);
-- create "campaign_changes" table
CREATE TABLE `campaign_changes` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `campaign_id` integer NOT NULL, `version` integer NOT NULL, `action` text NOT NULL, `actor_id` integer NOT NULL, `api_key_id` integer NULL, `surface` text NOT NULL, `from_status` text NULL, `to_status` text NOT NULL, `fields` text NOT NULL DEFAULT (''), `reason` text NOT NULL DEFAULT (''), `at` datetime NOT NULL);
-- create index "campaignchange_campaign_id_version" to table: "campaign_changes"
CREATE UNIQUE INDEX `campaignchange_campaign_id_version` ON `campaign_changes` (`campaign_id`, `version`);
-- create index "campaignchange_user_id_at" to table: "campaign_changes"
CREATE INDEX `campaignchange_user_id_at` ON `campaign_changes` (`user_id`, `at`);
-- create "campaign_tags" table
CREATE TABLE `campaign_tags` (`user_id` integer NOT NULL, `campaign_id` integer NOT NULL, `tag_id` integer NOT NULL, PRIMARY KEY (`campaign_id`, `tag_id`));
-- create index "campaigntag_tag_id_campaign_id" to table: "campaign_tags"
CREATE INDEX `campaigntag_tag_id_campaign_id` ON `campaign_tags` (`tag_id`, `campaign_id`);
-- create "custom_fields" table
CREATE TABLE `custom_fields` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `list_id` integer NULL, `name` text NOT NULL, `name_key` text NOT NULL, `type` text NOT NULL DEFAULT ('text'), `choices` text NOT NULL, `created_at` datetime NOT NULL);
-- create index "customfield_user_id_list_id_name_key" to table: "custom_fields"
CREATE UNIQUE INDEX `customfield_user_id_list_id_name_key` ON `custom_fields` (`user_id`, `list_id`, `name_key`);
-- create "emails" table
CREATE TABLE `emails` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `name` text NOT NULL DEFAULT (''), `name_key` text NOT NULL DEFAULT (''), `subject` text NOT NULL DEFAULT (''), `subject_key` text NOT NULL DEFAULT (''), `preheader` text NOT NULL DEFAULT (''), `from_name` text NOT NULL DEFAULT (''), `from_email` text NOT NULL DEFAULT (''), `reply_to_name` text NOT NULL DEFAULT (''), `reply_to_email` text NOT NULL DEFAULT (''), `html` text NOT NULL, `plain` text NOT NULL, `mode` text NOT NULL DEFAULT ('empty'), `open_tracking` bool NOT NULL DEFAULT (true), `link_tracking` bool NOT NULL DEFAULT (true), `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL);
-- create index "email_user_id" to table: "emails"
CREATE INDEX `email_user_id` ON `emails` (`user_id`);
-- create index "email_user_id_name_key" to table: "emails"
CREATE INDEX `email_user_id_name_key` ON `emails` (`user_id`, `name_key`);
-- create index "email_user_id_updated_at" to table: "emails"
CREATE INDEX `email_user_id_updated_at` ON `emails` (`user_id`, `updated_at`);
-- create "events" table
CREATE TABLE `events` (`id` text NOT NULL, `user_id` integer NOT NULL, `campaign_id` integer NOT NULL, `subscriber_id` integer NOT NULL, `kind` text NOT NULL, `at` datetime NOT NULL, `automated` bool NOT NULL DEFAULT (false), `link_id` integer NULL, `reason` text NOT NULL DEFAULT (''), `user_agent` text NOT NULL DEFAULT (''), `ip` text NOT NULL DEFAULT (''), `amount` integer NOT NULL DEFAULT (0), `currency` text NOT NULL DEFAULT (''), PRIMARY KEY (`id`));
-- create index "event_campaign_id_kind_subscriber_id_at" to table: "events"
CREATE INDEX `event_campaign_id_kind_subscriber_id_at` ON `events` (`campaign_id`, `kind`, `subscriber_id`, `at`);
-- create index "event_subscriber_id_kind_at" to table: "events"
CREATE INDEX `event_subscriber_id_kind_at` ON `events` (`subscriber_id`, `kind`, `at`);
-- create "field_values" table
CREATE TABLE `field_values` (`user_id` integer NOT NULL, `text` text NOT NULL, `text_key` text NOT NULL DEFAULT (''), `number` real NULL, `date` datetime NULL, `subscriber_id` integer NOT NULL, `custom_field_id` integer NOT NULL, PRIMARY KEY (`subscriber_id`, `custom_field_id`));
-- create index "fieldvalue_custom_field_id_text_key" to table: "field_values"
CREATE INDEX `fieldvalue_custom_field_id_text_key` ON `field_values` (`custom_field_id`, `text_key`);
-- create index "fieldvalue_custom_field_id_number" to table: "field_values"
CREATE INDEX `fieldvalue_custom_field_id_number` ON `field_values` (`custom_field_id`, `number`);
-- create index "fieldvalue_custom_field_id_date" to table: "field_values"
CREATE INDEX `fieldvalue_custom_field_id_date` ON `field_values` (`custom_field_id`, `date`);
-- create "hourly_counters" table
CREATE TABLE `hourly_counters` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `campaign_id` integer NOT NULL, `hour` datetime NOT NULL, `sent` integer NOT NULL DEFAULT (0), `failed` integer NOT NULL DEFAULT (0), `delivered` integer NOT NULL DEFAULT (0), `opens` integer NOT NULL DEFAULT (0), `unique_opens` integer NOT NULL DEFAULT (0), `clicks` integer NOT NULL DEFAULT (0), `unique_clicks` integer NOT NULL DEFAULT (0), `forwards` integer NOT NULL DEFAULT (0), `unique_forwards` integer NOT NULL DEFAULT (0), `browser_views` integer NOT NULL DEFAULT (0), `unique_browser_views` integer NOT NULL DEFAULT (0), `unsubscriptions` integer NOT NULL DEFAULT (0), `hard_bounces` integer NOT NULL DEFAULT (0), `soft_bounces` integer NOT NULL DEFAULT (0), `complaints` integer NOT NULL DEFAULT (0), `conversions` integer NOT NULL DEFAULT (0), `conversion_amount` integer NOT NULL DEFAULT (0), `automated_opens` integer NOT NULL DEFAULT (0), `automated_clicks` integer NOT NULL DEFAULT (0));
-- create index "hourlycounter_campaign_id_hour" to table: "hourly_counters"
CREATE UNIQUE INDEX `hourlycounter_campaign_id_hour` ON `hourly_counters` (`campaign_id`, `hour`);
-- create index "hourlycounter_user_id_hour" to table: "hourly_counters"
CREATE INDEX `hourlycounter_user_id_hour` ON `hourly_counters` (`user_id`, `hour`);
-- create "idempotency_keys" table
CREATE TABLE `idempotency_keys` (`id` text NOT NULL, `user_id` integer NOT NULL, `operation` text NOT NULL, `fingerprint` text NOT NULL, `result_id` integer NOT NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "idempotencykey_created_at" to table: "idempotency_keys"
CREATE INDEX `idempotencykey_created_at` ON `idempotency_keys` (`created_at`);
-- create "link_counters" table
CREATE TABLE `link_counters` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `campaign_id` integer NOT NULL, `url_hash` text NOT NULL, `url` text NOT NULL, `clicks` integer NOT NULL DEFAULT (0), `unique_clicks` integer NOT NULL DEFAULT (0));
-- create index "linkcounter_campaign_id_url_hash" to table: "link_counters"
CREATE UNIQUE INDEX `linkcounter_campaign_id_url_hash` ON `link_counters` (`campaign_id`, `url_hash`);
-- create index "linkcounter_campaign_id_clicks" to table: "link_counters"
CREATE INDEX `linkcounter_campaign_id_clicks` ON `link_counters` (`campaign_id`, `clicks`);
-- create "login_attempts" table
CREATE TABLE `login_attempts` (`id` text NOT NULL, `failures` integer NOT NULL DEFAULT (0), `expires_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "loginattempt_expires_at" to table: "login_attempts"
CREATE INDEX `loginattempt_expires_at` ON `login_attempts` (`expires_at`);
-- create "segments" table
CREATE TABLE `segments` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `list_id` integer NOT NULL, `name` text NOT NULL, `name_key` text NOT NULL, `rules` text NOT NULL, `rules_source` text NOT NULL, `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL);
-- create index "segment_user_id_list_id_name_key" to table: "segments"
CREATE INDEX `segment_user_id_list_id_name_key` ON `segments` (`user_id`, `list_id`, `name_key`);
-- create index "segment_list_id" to table: "segments"
CREATE INDEX `segment_list_id` ON `segments` (`list_id`);
-- create "sessions" table
CREATE TABLE `sessions` (`id` text NOT NULL, `user_id` integer NOT NULL, `api_key_id` integer NULL, `expires_at` datetime NOT NULL, `created_at` datetime NOT NULL, PRIMARY KEY (`id`));
-- create index "session_user_id" to table: "sessions"
CREATE INDEX `session_user_id` ON `sessions` (`user_id`);
-- create index "session_expires_at" to table: "sessions"
CREATE INDEX `session_expires_at` ON `sessions` (`expires_at`);
-- create "subscribers" table
CREATE TABLE `subscribers` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `list_id` integer NOT NULL, `email` text NOT NULL, `email_key` text NOT NULL, `domain` text NOT NULL DEFAULT (''), `status` text NOT NULL DEFAULT ('subscribed'), `bounce` text NOT NULL DEFAULT ('none'), `subscription_ip` text NOT NULL DEFAULT (''), `subscribed_at` datetime NULL, `opted_in_at` datetime NULL, `unsubscribed_at` datetime NULL, `created_at` datetime NOT NULL);
-- create index "subscriber_list_id_email_key" to table: "subscribers"
CREATE UNIQUE INDEX `subscriber_list_id_email_key` ON `subscribers` (`list_id`, `email_key`);
-- create index "subscriber_list_id_status" to table: "subscribers"
CREATE INDEX `subscriber_list_id_status` ON `subscribers` (`list_id`, `status`);
-- create index "subscriber_list_id_subscribed_at" to table: "subscribers"
CREATE INDEX `subscriber_list_id_subscribed_at` ON `subscribers` (`list_id`, `subscribed_at`);
-- create index "subscriber_user_id_email_key" to table: "subscribers"
CREATE INDEX `subscriber_user_id_email_key` ON `subscribers` (`user_id`, `email_key`);
-- create "subscriber_lists" table
CREATE TABLE `subscriber_lists` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `name` text NOT NULL, `name_key` text NOT NULL, `double_opt_in` bool NOT NULL DEFAULT (false), `created_at` datetime NOT NULL);
-- create index "subscriberlist_user_id" to table: "subscriber_lists"
CREATE INDEX `subscriberlist_user_id` ON `subscriber_lists` (`user_id`);
-- create index "subscriberlist_user_id_name_key" to table: "subscriber_lists"
CREATE INDEX `subscriberlist_user_id_name_key` ON `subscriber_lists` (`user_id`, `name_key`);
-- create "subscriber_tags" table
CREATE TABLE `subscriber_tags` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `name` text NOT NULL, `name_key` text NOT NULL, `created_at` datetime NOT NULL);
-- create index "subscribertag_user_id_name_key" to table: "subscriber_tags"
CREATE UNIQUE INDEX `subscribertag_user_id_name_key` ON `subscriber_tags` (`user_id`, `name_key`);
-- create "subscriber_taggings" table
CREATE TABLE `subscriber_taggings` (`user_id` integer NOT NULL, `subscriber_id` integer NOT NULL, `subscriber_tag_id` integer NOT NULL, PRIMARY KEY (`subscriber_id`, `subscriber_tag_id`));
-- create index "subscribertagging_subscriber_tag_id_subscriber_id" to table: "subscriber_taggings"
CREATE INDEX `subscribertagging_subscriber_tag_id_subscriber_id` ON `subscriber_taggings` (`subscriber_tag_id`, `subscriber_id`);
-- create "suppressions" table
CREATE TABLE `suppressions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `email` text NOT NULL, `email_key` text NOT NULL, `reason` text NOT NULL DEFAULT ('manual'), `created_at` datetime NOT NULL);
-- create index "suppression_user_id_email_key" to table: "suppressions"
CREATE UNIQUE INDEX `suppression_user_id_email_key` ON `suppressions` (`user_id`, `email_key`);
-- create "tags" table
CREATE TABLE `tags` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `name` text NOT NULL, `name_key` text NOT NULL, `created_at` datetime NOT NULL);
-- create index "tag_user_id_name_key" to table: "tags"
CREATE UNIQUE INDEX `tag_user_id_name_key` ON `tags` (`user_id`, `name_key`);
-- create "users" table
CREATE TABLE `users` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `username` text NOT NULL, `username_key` text NOT NULL, `email` text NOT NULL, `email_key` text NOT NULL, `password_hash` text NOT NULL, `first_name` text NOT NULL DEFAULT (''), `last_name` text NOT NULL DEFAULT (''), `time_zone` text NOT NULL DEFAULT ('UTC'), `role` text NOT NULL DEFAULT ('user'), `reputation` text NOT NULL DEFAULT ('trusted'), `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL);
-- create index "users_username_key_key" to table: "users"
CREATE UNIQUE INDEX `users_username_key_key` ON `users` (`username_key`);
-- create index "users_email_key_key" to table: "users"
CREATE UNIQUE INDEX `users_email_key_key` ON `users` (`email_key`);

-- +goose Down
-- reverse: create index "users_email_key_key" to table: "users"
DROP INDEX `users_email_key_key`;
-- reverse: create index "users_username_key_key" to table: "users"
DROP INDEX `users_username_key_key`;
-- reverse: create "users" table
DROP TABLE `users`;
-- reverse: create index "tag_user_id_name_key" to table: "tags"
DROP INDEX `tag_user_id_name_key`;
-- reverse: create "tags" table
DROP TABLE `tags`;
-- reverse: create index "suppression_user_id_email_key" to table: "suppressions"
DROP INDEX `suppression_user_id_email_key`;
-- reverse: create "suppressions" table
DROP TABLE `suppressions`;
-- reverse: create index "subscribertagging_subscriber_tag_id_subscriber_id" to table: "subscriber_taggings"
DROP INDEX `subscribertagging_subscriber_tag_id_subscriber_id`;
-- reverse: create "subscriber_taggings" table
DROP TABLE `subscriber_taggings`;
-- reverse: create index "subscribertag_user_id_name_key" to table: "subscriber_tags"
DROP INDEX `subscribertag_user_id_name_key`;
-- reverse: create "subscriber_tags" table
DROP TABLE `subscriber_tags`;
-- reverse: create index "subscriberlist_user_id_name_key" to table: "subscriber_lists"
DROP INDEX `subscriberlist_user_id_name_key`;
-- reverse: create index "subscriberlist_user_id" to table: "subscriber_lists"
DROP INDEX `subscriberlist_user_id`;
-- reverse: create "subscriber_lists" table
DROP TABLE `subscriber_lists`;
-- reverse: create index "subscriber_user_id_email_key" to table: "subscribers"
DROP INDEX `subscriber_user_id_email_key`;
-- reverse: create index "subscriber_list_id_subscribed_at" to table: "subscribers"
DROP INDEX `subscriber_list_id_subscribed_at`;
-- reverse: create index "subscriber_list_id_status" to table: "subscribers"
DROP INDEX `subscriber_list_id_status`;
-- reverse: create index "subscriber_list_id_email_key" to table: "subscribers"
DROP INDEX `subscriber_list_id_email_key`;
-- reverse: create "subscribers" table
DROP TABLE `subscribers`;
-- reverse: create index "session_expires_at" to table: "sessions"
DROP INDEX `session_expires_at`;
-- reverse: create index "session_user_id" to table: "sessions"
DROP INDEX `session_user_id`;
-- reverse: create "sessions" table
DROP TABLE `sessions`;
-- reverse: create index "segment_list_id" to table: "segments"
DROP INDEX `segment_list_id`;
-- reverse: create index "segment_user_id_list_id_name_key" to table: "segments"
DROP INDEX `segment_user_id_list_id_name_key`;
-- reverse: create "segments" table
DROP TABLE `segments`;
-- reverse: create index "loginattempt_expires_at" to table: "login_attempts"
DROP INDEX `loginattempt_expires_at`;
-- reverse: create "login_attempts" table
DROP TABLE `login_attempts`;
-- reverse: create index "linkcounter_campaign_id_clicks" to table: "link_counters"
DROP INDEX `linkcounter_campaign_id_clicks`;
-- reverse: create index "linkcounter_campaign_id_url_hash" to table: "link_counters"
DROP INDEX `linkcounter_campaign_id_url_hash`;
-- reverse: create "link_counters" table
DROP TABLE `link_counters`;
-- reverse: create index "idempotencykey_created_at" to table: "idempotency_keys"
DROP INDEX `idempotencykey_created_at`;
-- reverse: create "idempotency_keys" table
DROP TABLE `idempotency_keys`;
-- reverse: create index "hourlycounter_user_id_hour" to table: "hourly_counters"
DROP INDEX `hourlycounter_user_id_hour`;
-- reverse: create index "hourlycounter_campaign_id_hour" to table: "hourly_counters"
DROP INDEX `hourlycounter_campaign_id_hour`;
-- reverse: create "hourly_counters" table
DROP TABLE `hourly_counters`;
-- reverse: create index "fieldvalue_custom_field_id_date" to table: "field_values"
DROP INDEX `fieldvalue_custom_field_id_date`;
-- reverse: create index "fieldvalue_custom_field_id_number" to table: "field_values"
DROP INDEX `fieldvalue_custom_field_id_number`;
-- reverse: create index "fieldvalue_custom_field_id_text_key" to table: "field_values"
DROP INDEX `fieldvalue_custom_field_id_text_key`;
-- reverse: create "field_values" table
DROP TABLE `field_values`;
-- reverse: create index "event_subscriber_id_kind_at" to table: "events"
DROP INDEX `event_subscriber_id_kind_at`;
-- reverse: create index "event_campaign_id_kind_subscriber_id_at" to table: "events"
DROP INDEX `event_campaign_id_kind_subscriber_id_at`;
-- reverse: create "events" table
DROP TABLE `events`;
-- reverse: create index "email_user_id_updated_at" to table: "emails"
DROP INDEX `email_user_id_updated_at`;
-- reverse: create index "email_user_id_name_key" to table: "emails"
DROP INDEX `email_user_id_name_key`;
-- reverse: create index "email_user_id" to table: "emails"
DROP INDEX `email_user_id`;
-- reverse: create "emails" table
DROP TABLE `emails`;
-- reverse: create index "customfield_user_id_list_id_name_key" to table: "custom_fields"
DROP INDEX `customfield_user_id_list_id_name_key`;
-- reverse: create "custom_fields" table
DROP TABLE `custom_fields`;
-- reverse: create index "campaigntag_tag_id_campaign_id" to table: "campaign_tags"
DROP INDEX `campaigntag_tag_id_campaign_id`;
-- reverse: create "campaign_tags" table
DROP TABLE `campaign_tags`;
-- reverse: create index "campaignchange_user_id_at" to table: "campaign_changes"
DROP INDEX `campaignchange_user_id_at`;
-- reverse: create index "campaignchange_campaign_id_version" to table: "campaign_changes"
DROP INDEX `campaignchange_campaign_id_version`;
-- reverse: create "campaign_changes" table
DROP TABLE `campaign_changes`;
-- reverse: create index "campaign_status_rank_next_send_at" to table: "campaigns"
DROP INDEX `campaign_status_rank_next_send_at`;
-- reverse: create index "campaign_user_id_email_id" to table: "campaigns"
DROP INDEX `campaign_user_id_email_id`;
-- reverse: create index "campaign_user_id_total_recipients" to table: "campaigns"
DROP INDEX `campaign_user_id_total_recipients`;
-- reverse: create index "campaign_user_id_sending_finished_at" to table: "campaigns"
DROP INDEX `campaign_user_id_sending_finished_at`;
-- reverse: create index "campaign_user_id_sending_started_at" to table: "campaigns"
DROP INDEX `campaign_user_id_sending_started_at`;
-- reverse: create index "campaign_user_id_next_send_at" to table: "campaigns"
DROP INDEX `campaign_user_id_next_send_at`;
-- reverse: create index "campaign_user_id_last_activity_at" to table: "campaigns"
DROP INDEX `campaign_user_id_last_activity_at`;
-- reverse: create index "campaign_user_id_created_at" to table: "campaigns"
DROP INDEX `campaign_user_id_created_at`;
-- reverse: create index "campaign_user_id_schedule_type" to table: "campaigns"
DROP INDEX `campaign_user_id_schedule_type`;
-- reverse: create index "campaign_user_id_status_rank" to table: "campaigns"
DROP INDEX `campaign_user_id_status_rank`;
-- reverse: create index "campaign_user_id_name_key" to table: "campaigns"
DROP INDEX `campaign_user_id_name_key`;
-- reverse: create index "campaign_user_id" to table: "campaigns"
DROP INDEX `campaign_user_id`;
-- reverse: create "campaigns" table
DROP TABLE `campaigns`;
-- reverse: create index "apikey_user_id" to table: "api_keys"
DROP INDEX `apikey_user_id`;
-- reverse: create index "api_keys_hash_key" to table: "api_keys"
DROP INDEX `api_keys_hash_key`;
-- reverse: create "api_keys" table
DROP TABLE `api_keys`;
