-- +goose Up
-- modify "events" table
ALTER TABLE `events` DROP INDEX `event_firsts`;
-- modify "events" table
ALTER TABLE `events` MODIFY COLUMN `subscriber_id` bigint NULL, ADD COLUMN `contact_id` bigint NOT NULL, ADD COLUMN `run_id` bigint NULL, ADD COLUMN `variation` bigint NULL, ADD INDEX `event_firsts` (`campaign_id`, `kind`, `contact_id`, `automated`, `link_id`, `domain`, `at`), DROP INDEX `event_subscriber_id_kind_at`, ADD INDEX `event_contact_id_kind_automated_at` (`contact_id`, `kind`, `automated`, `at`);
-- modify "subscribers" table
ALTER TABLE `subscribers` DROP COLUMN `domain`, ADD COLUMN `contact_id` bigint NOT NULL, DROP INDEX `subscriber_user_id_email_key`, ADD UNIQUE INDEX `subscriber_contact_id_list_id` (`contact_id`, `list_id`);
-- create "contacts" table
CREATE TABLE `contacts` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `email` varchar(254) NOT NULL DEFAULT "", `email_key` varchar(254) NULL, `domain` varchar(254) NOT NULL DEFAULT "", `deliverability` varchar(24) NOT NULL DEFAULT "none", `soft_bounces` bigint NOT NULL DEFAULT 0, `deliverable_since` datetime(6) NULL, `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), INDEX `contact_user_id_deliverability` (`user_id`, `deliverability`), UNIQUE INDEX `contact_user_id_email_key` (`user_id`, `email_key`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "merged_subscribers" table
CREATE TABLE `merged_subscribers` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `subscriber_id` bigint NOT NULL, PRIMARY KEY (`id`), INDEX `mergedsubscriber_subscriber_id` (`subscriber_id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "migration_findings" table
CREATE TABLE `migration_findings` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `version` bigint NOT NULL, `kind` varchar(24) NOT NULL, `target_id` bigint NOT NULL, `text` varchar(2000) NOT NULL, PRIMARY KEY (`id`), INDEX `migrationfinding_version_kind_target_id` (`version`, `kind`, `target_id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "pending_recounts" table
CREATE TABLE `pending_recounts` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, PRIMARY KEY (`id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
-- reverse: create "pending_recounts" table
DROP TABLE `pending_recounts`;
-- reverse: create "migration_findings" table
DROP TABLE `migration_findings`;
-- reverse: create "merged_subscribers" table
DROP TABLE `merged_subscribers`;
-- reverse: create "contacts" table
DROP TABLE `contacts`;
-- reverse: modify "subscribers" table
ALTER TABLE `subscribers` DROP INDEX `subscriber_contact_id_list_id`, ADD INDEX `subscriber_user_id_email_key` (`user_id`, `email_key`), DROP COLUMN `contact_id`, ADD COLUMN `domain` varchar(254) NOT NULL DEFAULT "";
-- reverse: modify "events" table
ALTER TABLE `events` DROP INDEX `event_contact_id_kind_automated_at`, ADD INDEX `event_subscriber_id_kind_at` (`subscriber_id`, `kind`, `at`), DROP INDEX `event_firsts`, DROP COLUMN `variation`, DROP COLUMN `run_id`, DROP COLUMN `contact_id`, MODIFY COLUMN `subscriber_id` bigint NOT NULL;
-- reverse: modify "events" table
ALTER TABLE `events` ADD INDEX `event_firsts` (`campaign_id`, `kind`, `subscriber_id`, `automated`, `link_id`, `domain`, `at`);
