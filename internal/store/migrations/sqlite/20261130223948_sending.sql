-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- create "new_campaigns" table
CREATE TABLE `new_campaigns` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `name` text NOT NULL, `name_key` text NOT NULL, `status` text NOT NULL DEFAULT ('draft'), `status_rank` integer NOT NULL DEFAULT (5), `status_reason` text NOT NULL DEFAULT (''), `email_id` integer NULL, `version` integer NOT NULL DEFAULT (1), `schedule_type` text NOT NULL DEFAULT ('not_scheduled'), `send_date` text NOT NULL DEFAULT (''), `send_time` text NOT NULL DEFAULT (''), `send_time_zone` text NOT NULL DEFAULT (''), `recur_days_of_week` text NOT NULL DEFAULT (''), `recur_days_of_month` text NOT NULL DEFAULT (''), `recur_months` text NOT NULL DEFAULT (''), `recur_hours` text NOT NULL DEFAULT (''), `recur_minutes` text NOT NULL DEFAULT (''), `recur_max_instances` integer NOT NULL DEFAULT (0), `sent_instances` integer NOT NULL DEFAULT (0), `next_send_at` datetime NULL, `approval_explanation` text NOT NULL, `google_analytics_domains` text NOT NULL, `publish_on_rss` bool NOT NULL DEFAULT (false), `s2s_enabled` bool NOT NULL DEFAULT (false), `auto_resend_enabled` bool NOT NULL DEFAULT (false), `auto_resend_wait_days` integer NOT NULL DEFAULT (0), `auto_resend_subject` text NOT NULL DEFAULT (''), `auto_resend_preheader` text NOT NULL DEFAULT (''), `audience` text NOT NULL, `audience_source` text NOT NULL, `recipient_lists` text NOT NULL DEFAULT (''), `excluded_lists` text NOT NULL DEFAULT (''), `has_audience` bool NOT NULL DEFAULT (false), `begun` bool NOT NULL DEFAULT (false), `ab_test` text NOT NULL, `approved_digest` text NULL, `total_recipients` integer NOT NULL DEFAULT (0), `total_sent` integer NOT NULL DEFAULT (0), `total_failed` integer NOT NULL DEFAULT (0), `total_delivered` integer NOT NULL DEFAULT (0), `total_opens` integer NOT NULL DEFAULT (0), `unique_opens` integer NOT NULL DEFAULT (0), `total_clicks` integer NOT NULL DEFAULT (0), `unique_clicks` integer NOT NULL DEFAULT (0), `total_forwards` integer NOT NULL DEFAULT (0), `unique_forwards` integer NOT NULL DEFAULT (0), `total_browser_views` integer NOT NULL DEFAULT (0), `unique_browser_views` integer NOT NULL DEFAULT (0), `total_unsubscriptions` integer NOT NULL DEFAULT (0), `total_hard_bounces` integer NOT NULL DEFAULT (0), `total_soft_bounces` integer NOT NULL DEFAULT (0), `total_complaints` integer NOT NULL DEFAULT (0), `total_conversions` integer NOT NULL DEFAULT (0), `conversion_amount` integer NOT NULL DEFAULT (0), `automated_opens` integer NOT NULL DEFAULT (0), `automated_clicks` integer NOT NULL DEFAULT (0), `recounts` integer NOT NULL DEFAULT (0), `benchmark_emails_per_second` integer NOT NULL DEFAULT (0), `sending_started_at` datetime NULL, `sending_finished_at` datetime NULL, `last_activity_at` datetime NOT NULL, `created_at` datetime NOT NULL);
-- copy rows from old table "campaigns" to new temporary table "new_campaigns"
INSERT INTO `new_campaigns` (`id`, `user_id`, `name`, `name_key`, `status`, `status_rank`, `status_reason`, `email_id`, `version`, `schedule_type`, `send_date`, `send_time`, `send_time_zone`, `recur_days_of_week`, `recur_days_of_month`, `recur_months`, `recur_hours`, `recur_minutes`, `recur_max_instances`, `sent_instances`, `next_send_at`, `approval_explanation`, `google_analytics_domains`, `publish_on_rss`, `s2s_enabled`, `auto_resend_enabled`, `auto_resend_wait_days`, `auto_resend_subject`, `auto_resend_preheader`, `audience`, `audience_source`, `recipient_lists`, `excluded_lists`, `has_audience`, `ab_test`, `approved_digest`, `total_recipients`, `total_sent`, `total_failed`, `total_delivered`, `total_opens`, `unique_opens`, `total_clicks`, `unique_clicks`, `total_forwards`, `unique_forwards`, `total_browser_views`, `unique_browser_views`, `total_unsubscriptions`, `total_hard_bounces`, `total_soft_bounces`, `total_complaints`, `total_conversions`, `conversion_amount`, `automated_opens`, `automated_clicks`, `recounts`, `benchmark_emails_per_second`, `sending_started_at`, `sending_finished_at`, `last_activity_at`, `created_at`) SELECT `id`, `user_id`, `name`, `name_key`, `status`, `status_rank`, `status_reason`, `email_id`, `version`, `schedule_type`, `send_date`, `send_time`, `send_time_zone`, `recur_days_of_week`, `recur_days_of_month`, `recur_months`, `recur_hours`, `recur_minutes`, `recur_max_instances`, `sent_instances`, `next_send_at`, `approval_explanation`, `google_analytics_domains`, `publish_on_rss`, `s2s_enabled`, `auto_resend_enabled`, `auto_resend_wait_days`, `auto_resend_subject`, `auto_resend_preheader`, `audience`, `audience_source`, `recipient_lists`, `excluded_lists`, `has_audience`, `ab_test`, `approved_digest`, `total_recipients`, `total_sent`, `total_failed`, `total_delivered`, `total_opens`, `unique_opens`, `total_clicks`, `unique_clicks`, `total_forwards`, `unique_forwards`, `total_browser_views`, `unique_browser_views`, `total_unsubscriptions`, `total_hard_bounces`, `total_soft_bounces`, `total_complaints`, `total_conversions`, `conversion_amount`, `automated_opens`, `automated_clicks`, `recounts`, `benchmark_emails_per_second`, `sending_started_at`, `sending_finished_at`, `last_activity_at`, `created_at` FROM `campaigns`;
-- drop "campaigns" table after copying rows
DROP TABLE `campaigns`;
-- rename temporary table "new_campaigns" to "campaigns"
ALTER TABLE `new_campaigns` RENAME TO `campaigns`;
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
-- create "new_users" table
CREATE TABLE `new_users` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `username` text NOT NULL, `username_key` text NOT NULL, `email` text NOT NULL, `email_key` text NOT NULL, `password_hash` text NOT NULL, `first_name` text NOT NULL DEFAULT (''), `last_name` text NOT NULL DEFAULT (''), `time_zone` text NOT NULL DEFAULT ('UTC'), `role` text NOT NULL DEFAULT ('user'), `reputation` text NOT NULL DEFAULT ('trusted'), `sender` text NOT NULL DEFAULT ('external'), `created_at` datetime NOT NULL, `updated_at` datetime NOT NULL);
-- copy rows from old table "users" to new temporary table "new_users"
INSERT INTO `new_users` (`id`, `username`, `username_key`, `email`, `email_key`, `password_hash`, `first_name`, `last_name`, `time_zone`, `role`, `reputation`, `created_at`, `updated_at`) SELECT `id`, `username`, `username_key`, `email`, `email_key`, `password_hash`, `first_name`, `last_name`, `time_zone`, `role`, `reputation`, `created_at`, `updated_at` FROM `users`;
-- drop "users" table after copying rows
DROP TABLE `users`;
-- rename temporary table "new_users" to "users"
ALTER TABLE `new_users` RENAME TO `users`;
-- create index "users_username_key_key" to table: "users"
CREATE UNIQUE INDEX `users_username_key_key` ON `users` (`username_key`);
-- create index "users_email_key_key" to table: "users"
CREATE UNIQUE INDEX `users_email_key_key` ON `users` (`email_key`);
-- create "campaign_runs" table
CREATE TABLE `campaign_runs` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `campaign_id` integer NOT NULL, `instance` integer NOT NULL, `purpose` text NOT NULL DEFAULT ('main'), `phase` text NOT NULL DEFAULT ('freezing'), `epoch` integer NOT NULL DEFAULT (1), `audience` text NOT NULL, `resolved_at` datetime NOT NULL, `frozen_through` integer NOT NULL DEFAULT (0), `batches` integer NOT NULL DEFAULT (0), `contents` integer NOT NULL DEFAULT (0), `hold_code` text NOT NULL DEFAULT (''), `hold_text` text NOT NULL DEFAULT (''), `hold_until` datetime NULL, `total` integer NOT NULL DEFAULT (0), `pending` integer NOT NULL DEFAULT (0), `begun` integer NOT NULL DEFAULT (0), `deferred` integer NOT NULL DEFAULT (0), `sent` integer NOT NULL DEFAULT (0), `failed` integer NOT NULL DEFAULT (0), `unknown` integer NOT NULL DEFAULT (0), `skipped` integer NOT NULL DEFAULT (0), `started_at` datetime NOT NULL, `frozen_at` datetime NULL, `finished_at` datetime NULL);
-- create index "campaignrun_campaign_id_instance_purpose" to table: "campaign_runs"
CREATE UNIQUE INDEX `campaignrun_campaign_id_instance_purpose` ON `campaign_runs` (`campaign_id`, `instance`, `purpose`);
-- create index "campaignrun_phase" to table: "campaign_runs"
CREATE INDEX `campaignrun_phase` ON `campaign_runs` (`phase`);
-- create "run_batches" table
CREATE TABLE `run_batches` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `run_id` integer NOT NULL, `number` integer NOT NULL, `after_contact` integer NOT NULL, `last_contact` integer NOT NULL, `size` integer NOT NULL, `closed` bool NOT NULL DEFAULT (false), `due_at` datetime NOT NULL, `owner` text NOT NULL DEFAULT (''), `fence` integer NOT NULL DEFAULT (0), `lease_until` datetime NULL);
-- create index "runbatch_run_id_number" to table: "run_batches"
CREATE UNIQUE INDEX `runbatch_run_id_number` ON `run_batches` (`run_id`, `number`);
-- create index "runbatch_run_id_closed_due_at" to table: "run_batches"
CREATE INDEX `runbatch_run_id_closed_due_at` ON `run_batches` (`run_id`, `closed`, `due_at`);
-- create "run_contents" table
CREATE TABLE `run_contents` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `run_id` integer NOT NULL, `number` integer NOT NULL, `epoch` integer NOT NULL, `variation` integer NOT NULL DEFAULT (0), `weight` integer NOT NULL DEFAULT (1), `email_id` integer NOT NULL, `subject` text NOT NULL, `preheader` text NOT NULL, `from_name` text NOT NULL, `from_email` text NOT NULL, `reply_to_name` text NOT NULL, `reply_to_email` text NOT NULL, `html` text NOT NULL, `plain` text NOT NULL);
-- create index "runcontent_run_id_number" to table: "run_contents"
CREATE UNIQUE INDEX `runcontent_run_id_number` ON `run_contents` (`run_id`, `number`);
-- create "run_recipients" table
CREATE TABLE `run_recipients` (`user_id` integer NOT NULL, `subscriber_id` integer NOT NULL, `state` text NOT NULL DEFAULT ('pending'), `trouble` text NULL, `skipped` text NULL, `content` integer NOT NULL DEFAULT (0), `attempts` integer NOT NULL DEFAULT (0), `token` integer NOT NULL DEFAULT (0), `reply_code` integer NOT NULL DEFAULT (0), `enhanced_code` text NOT NULL DEFAULT (''), `reply` text NOT NULL DEFAULT (''), `begun_at` datetime NULL, `settled_at` datetime NULL, `due_at` datetime NULL, `run_id` integer NOT NULL, `contact_id` integer NOT NULL, PRIMARY KEY (`run_id`, `contact_id`));
-- create index "runrecipient_run_id_trouble" to table: "run_recipients"
CREATE INDEX `runrecipient_run_id_trouble` ON `run_recipients` (`run_id`, `trouble`);
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;

-- +goose Down
-- reverse: create index "runrecipient_run_id_trouble" to table: "run_recipients"
DROP INDEX `runrecipient_run_id_trouble`;
-- reverse: create "run_recipients" table
DROP TABLE `run_recipients`;
-- reverse: create index "runcontent_run_id_number" to table: "run_contents"
DROP INDEX `runcontent_run_id_number`;
-- reverse: create "run_contents" table
DROP TABLE `run_contents`;
-- reverse: create index "runbatch_run_id_closed_due_at" to table: "run_batches"
DROP INDEX `runbatch_run_id_closed_due_at`;
-- reverse: create index "runbatch_run_id_number" to table: "run_batches"
DROP INDEX `runbatch_run_id_number`;
-- reverse: create "run_batches" table
DROP TABLE `run_batches`;
-- reverse: create index "campaignrun_phase" to table: "campaign_runs"
DROP INDEX `campaignrun_phase`;
-- reverse: create index "campaignrun_campaign_id_instance_purpose" to table: "campaign_runs"
DROP INDEX `campaignrun_campaign_id_instance_purpose`;
-- reverse: create "campaign_runs" table
DROP TABLE `campaign_runs`;
-- reverse: create index "users_email_key_key" to table: "users"
DROP INDEX `users_email_key_key`;
-- reverse: create index "users_username_key_key" to table: "users"
DROP INDEX `users_username_key_key`;
-- reverse: create "new_users" table
DROP TABLE `new_users`;
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
-- reverse: create "new_campaigns" table
DROP TABLE `new_campaigns`;
