-- +goose Up
-- modify "campaigns" table
ALTER TABLE `campaigns` ADD COLUMN `begun` bool NOT NULL DEFAULT 0;
-- modify "users" table
ALTER TABLE `users` ADD COLUMN `sender` varchar(24) NOT NULL DEFAULT "external";
-- create "campaign_runs" table
CREATE TABLE `campaign_runs` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `campaign_id` bigint NOT NULL, `instance` bigint NOT NULL, `purpose` varchar(24) NOT NULL DEFAULT "main", `phase` varchar(24) NOT NULL DEFAULT "freezing", `epoch` bigint NOT NULL DEFAULT 1, `audience` longtext NOT NULL, `resolved_at` datetime(6) NOT NULL, `frozen_through` bigint NOT NULL DEFAULT 0, `batches` bigint NOT NULL DEFAULT 0, `contents` bigint NOT NULL DEFAULT 0, `hold_code` varchar(40) NOT NULL DEFAULT "", `hold_text` varchar(1000) NOT NULL DEFAULT "", `hold_until` datetime(6) NULL, `total` bigint NOT NULL DEFAULT 0, `pending` bigint NOT NULL DEFAULT 0, `begun` bigint NOT NULL DEFAULT 0, `deferred` bigint NOT NULL DEFAULT 0, `sent` bigint NOT NULL DEFAULT 0, `failed` bigint NOT NULL DEFAULT 0, `unknown` bigint NOT NULL DEFAULT 0, `skipped` bigint NOT NULL DEFAULT 0, `started_at` datetime(6) NOT NULL, `frozen_at` datetime(6) NULL, `finished_at` datetime(6) NULL, PRIMARY KEY (`id`), UNIQUE INDEX `campaignrun_campaign_id_instance_purpose` (`campaign_id`, `instance`, `purpose`), INDEX `campaignrun_phase` (`phase`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "run_batches" table
CREATE TABLE `run_batches` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `run_id` bigint NOT NULL, `number` bigint NOT NULL, `after_contact` bigint NOT NULL, `last_contact` bigint NOT NULL, `size` bigint NOT NULL, `closed` bool NOT NULL DEFAULT 0, `due_at` datetime(6) NOT NULL, `owner` varchar(64) NOT NULL DEFAULT "", `fence` bigint NOT NULL DEFAULT 0, `lease_until` datetime(6) NULL, PRIMARY KEY (`id`), INDEX `runbatch_run_id_closed_due_at` (`run_id`, `closed`, `due_at`), UNIQUE INDEX `runbatch_run_id_number` (`run_id`, `number`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "run_contents" table
CREATE TABLE `run_contents` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `run_id` bigint NOT NULL, `number` bigint NOT NULL, `epoch` bigint NOT NULL, `variation` bigint NOT NULL DEFAULT 0, `weight` bigint NOT NULL DEFAULT 1, `email_id` bigint NOT NULL, `subject` varchar(2000) NOT NULL, `preheader` varchar(2000) NOT NULL, `from_name` varchar(1000) NOT NULL, `from_email` varchar(254) NOT NULL, `reply_to_name` varchar(1000) NOT NULL, `reply_to_email` varchar(254) NOT NULL, `html` longtext NOT NULL, `plain` longtext NOT NULL, PRIMARY KEY (`id`), UNIQUE INDEX `runcontent_run_id_number` (`run_id`, `number`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "run_recipients" table
CREATE TABLE `run_recipients` (`user_id` bigint NOT NULL, `subscriber_id` bigint NOT NULL, `state` varchar(24) NOT NULL DEFAULT "pending", `trouble` varchar(24) NULL, `skipped` varchar(24) NULL, `content` smallint NOT NULL DEFAULT 0, `attempts` smallint NOT NULL DEFAULT 0, `token` bigint NOT NULL DEFAULT 0, `reply_code` smallint NOT NULL DEFAULT 0, `enhanced_code` varchar(12) NOT NULL DEFAULT "", `reply` varchar(1000) NOT NULL DEFAULT "", `begun_at` datetime(6) NULL, `settled_at` datetime(6) NULL, `due_at` datetime(6) NULL, `run_id` bigint NOT NULL, `contact_id` bigint NOT NULL, PRIMARY KEY (`run_id`, `contact_id`), INDEX `runrecipient_run_id_trouble` (`run_id`, `trouble`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
-- reverse: create "run_recipients" table
DROP TABLE `run_recipients`;
-- reverse: create "run_contents" table
DROP TABLE `run_contents`;
-- reverse: create "run_batches" table
DROP TABLE `run_batches`;
-- reverse: create "campaign_runs" table
DROP TABLE `campaign_runs`;
-- reverse: modify "users" table
ALTER TABLE `users` DROP COLUMN `sender`;
-- reverse: modify "campaigns" table
ALTER TABLE `campaigns` DROP COLUMN `begun`;
