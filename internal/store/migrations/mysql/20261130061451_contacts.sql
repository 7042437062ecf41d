-- +goose Up
-- create "contacts" table
CREATE TABLE `contacts` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `email` varchar(254) NOT NULL DEFAULT "", `email_key` varchar(254) NULL, `domain` varchar(254) NOT NULL DEFAULT "", `deliverability` varchar(24) NOT NULL DEFAULT "none", `soft_bounces` bigint NOT NULL DEFAULT 0, `deliverable_since` datetime(6) NULL, `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), INDEX `contact_user_id_deliverability` (`user_id`, `deliverability`), UNIQUE INDEX `contact_user_id_email_key` (`user_id`, `email_key`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "merged_subscribers" table
CREATE TABLE `merged_subscribers` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `subscriber_id` bigint NOT NULL, PRIMARY KEY (`id`), INDEX `mergedsubscriber_subscriber_id` (`subscriber_id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "migration_findings" table
CREATE TABLE `migration_findings` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `version` bigint NOT NULL, `kind` varchar(24) NOT NULL, `target_id` bigint NOT NULL, `text` varchar(2000) NOT NULL, PRIMARY KEY (`id`), INDEX `migrationfinding_version_kind_target_id` (`version`, `kind`, `target_id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "pending_recounts" table
CREATE TABLE `pending_recounts` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, PRIMARY KEY (`id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- add what says who the person is; instant
ALTER TABLE `subscribers` ADD COLUMN `contact_id` bigint NULL;
-- keys change one by one, and two may be equal for a while; made again below
ALTER TABLE `subscribers` DROP INDEX `subscriber_list_id_email_key`;
-- in portions, in Go: parse each address, write its "email_key", make its contact, and set "contact_id"
UPDATE `subscribers` SET `contact_id` = (SELECT `c`.`id` FROM `contacts` AS `c` WHERE `c`.`user_id` = `subscribers`.`user_id` AND `c`.`email_key` = `subscribers`.`email_key`);
-- find the subscriptions of a contact; dropped below
ALTER TABLE `subscribers` ADD INDEX `subscriber_contact_id` (`contact_id`, `list_id`);
-- in portions, in Go: merge the subscriptions of one contact to one list; the lowest id stays
DELETE FROM `subscribers` WHERE `id` IN (SELECT `id` FROM `merged_subscribers`);
-- in portions: a bounce on one list counts on all
UPDATE `subscribers` AS `s` JOIN `contacts` AS `c` ON `c`.`id` = `s`.`contact_id` SET `s`.`bounce` = `c`.`deliverability`;
-- modify "subscribers" table; each time before, in Go: the steps above for rows that were added meanwhile
ALTER TABLE `subscribers` MODIFY COLUMN `contact_id` bigint NOT NULL, DROP COLUMN `domain`, DROP INDEX `subscriber_user_id_email_key`, DROP INDEX `subscriber_contact_id`, ADD UNIQUE INDEX `subscriber_list_id_email_key` (`list_id`, `email_key`), ADD UNIQUE INDEX `subscriber_contact_id_list_id` (`contact_id`, `list_id`);
-- in portions, in Go: where the key of a suppressed address changes, free the old key
UPDATE `suppressions` SET `email_key` = `email_key`;
-- in portions, in Go: write the keys that changed, and merge the suppressions of one address
UPDATE `suppressions` SET `email_key` = `email_key`;
-- add columns to "events" table; instant
ALTER TABLE `events` ADD COLUMN `contact_id` bigint NULL, ADD COLUMN `run_id` bigint NULL, ADD COLUMN `variation` bigint NULL;
-- in portions, in Go: make a contact without address for each subscriber who is gone, and set it in the events
UPDATE `events` SET `contact_id` = `contact_id`;
-- in portions: set the contact of the other events
UPDATE `events` AS `e` JOIN `subscribers` AS `s` ON `s`.`id` = `e`.`subscriber_id` SET `e`.`contact_id` = `s`.`contact_id`;
-- in portions, in Go: note the campaigns in which one contact has events through two subscriptions
INSERT INTO `pending_recounts` (`id`, `user_id`) SELECT `id`, `user_id` FROM `campaigns`;
-- modify "events" table; each time before, in Go: the contacts of rows that were added meanwhile
ALTER TABLE `events` MODIFY COLUMN `subscriber_id` bigint NULL, MODIFY COLUMN `contact_id` bigint NOT NULL, DROP INDEX `event_firsts`, DROP INDEX `event_subscriber_id_kind_at`, ADD INDEX `event_firsts` (`campaign_id`, `kind`, `contact_id`, `automated`, `link_id`, `domain`, `at`), ADD INDEX `event_contact_id_kind_at_automated` (`contact_id`, `kind`, `at`, `automated`);
-- in Go: write the keys of the addresses of accounts
UPDATE `users` SET `email_key` = `email_key`;

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
ALTER TABLE `events` DROP INDEX `event_contact_id_kind_at_automated`, ADD INDEX `event_subscriber_id_kind_at` (`subscriber_id`, `kind`, `at`), DROP INDEX `event_firsts`, DROP COLUMN `variation`, DROP COLUMN `run_id`, DROP COLUMN `contact_id`, MODIFY COLUMN `subscriber_id` bigint NOT NULL;
-- reverse: modify "events" table
ALTER TABLE `events` ADD INDEX `event_firsts` (`campaign_id`, `kind`, `subscriber_id`, `automated`, `link_id`, `domain`, `at`);
