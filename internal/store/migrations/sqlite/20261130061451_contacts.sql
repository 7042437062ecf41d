-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- create "contacts" table
CREATE TABLE `contacts` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `email` text NOT NULL DEFAULT (''), `email_key` text NULL, `domain` text NOT NULL DEFAULT (''), `deliverability` text NOT NULL DEFAULT ('none'), `soft_bounces` integer NOT NULL DEFAULT (0), `deliverable_since` datetime NULL, `created_at` datetime NOT NULL);
-- create index "contact_user_id_email_key" to table: "contacts"
CREATE UNIQUE INDEX `contact_user_id_email_key` ON `contacts` (`user_id`, `email_key`);
-- create "merged_subscribers" table
CREATE TABLE `merged_subscribers` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `subscriber_id` integer NOT NULL);
-- create index "mergedsubscriber_subscriber_id" to table: "merged_subscribers"
CREATE INDEX `mergedsubscriber_subscriber_id` ON `merged_subscribers` (`subscriber_id`);
-- create "migration_findings" table
CREATE TABLE `migration_findings` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `version` integer NOT NULL, `kind` text NOT NULL, `target_id` integer NOT NULL, `text` text NOT NULL);
-- create index "migrationfinding_version_kind_target_id" to table: "migration_findings"
CREATE INDEX `migrationfinding_version_kind_target_id` ON `migration_findings` (`version`, `kind`, `target_id`);
-- create "pending_recounts" table
CREATE TABLE `pending_recounts` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL);
-- add what says who the person is
ALTER TABLE `subscribers` ADD COLUMN `contact_id` integer NULL;
-- keys change one by one, and two may be equal for a while; made again below
DROP INDEX `subscriber_list_id_email_key`;
-- in portions, in Go: parse each address, write its "email_key", make its contact, and set "contact_id"
UPDATE `subscribers` SET `contact_id` = (SELECT `c`.`id` FROM `contacts` AS `c` WHERE `c`.`user_id` = `subscribers`.`user_id` AND `c`.`email_key` = `subscribers`.`email_key`);
-- find the subscriptions of a contact; goes with the table
CREATE INDEX `subscriber_contact_id` ON `subscribers` (`contact_id`, `list_id`);
-- in portions, in Go: merge the subscriptions of one contact to one list; the lowest id stays
DELETE FROM `subscribers` WHERE `id` IN (SELECT `id` FROM `merged_subscribers`);
-- in portions, in Go: where the key of a suppressed address changes, free the old key
UPDATE `suppressions` SET `email_key` = `email_key`;
-- in portions, in Go: write the keys that changed, and merge the suppressions of one address
UPDATE `suppressions` SET `email_key` = `email_key`;
-- add the contact of subscribers who are gone
ALTER TABLE `events` ADD COLUMN `contact_id` integer NULL;
-- in portions, in Go: make a contact without address for each subscriber who is gone, and set it in the events
UPDATE `events` SET `contact_id` = `contact_id`;
-- in portions, in Go: note the campaigns in which one contact has events through two subscriptions
INSERT INTO `pending_recounts` (`id`, `user_id`) SELECT `id`, `user_id` FROM `campaigns`;
-- create "new_events" table
CREATE TABLE `new_events` (`id` text NOT NULL, `user_id` integer NOT NULL, `campaign_id` integer NOT NULL, `contact_id` integer NOT NULL, `subscriber_id` integer NULL, `run_id` integer NULL, `variation` integer NULL, `kind` text NOT NULL, `at` datetime NOT NULL, `automated` bool NOT NULL DEFAULT (false), `link_id` integer NULL, `reason` text NOT NULL DEFAULT (''), `user_agent` text NOT NULL DEFAULT (''), `ip` text NOT NULL DEFAULT (''), `amount` integer NOT NULL DEFAULT (0), `currency` text NOT NULL DEFAULT (''), `domain` text NOT NULL DEFAULT (''), PRIMARY KEY (`id`));
-- copy rows from old table "events" to new temporary table "new_events", in the order of their ids
INSERT INTO `new_events` (`id`, `user_id`, `campaign_id`, `contact_id`, `subscriber_id`, `kind`, `at`, `automated`, `link_id`, `reason`, `user_agent`, `ip`, `amount`, `currency`, `domain`) SELECT `e`.`id`, `e`.`user_id`, `e`.`campaign_id`, coalesce(`s`.`contact_id`, `e`.`contact_id`), `e`.`subscriber_id`, `e`.`kind`, `e`.`at`, `e`.`automated`, `e`.`link_id`, `e`.`reason`, `e`.`user_agent`, `e`.`ip`, `e`.`amount`, `e`.`currency`, `e`.`domain` FROM `events` AS `e` LEFT JOIN `subscribers` AS `s` ON `s`.`id` = `e`.`subscriber_id` ORDER BY `e`.`id`;
-- drop "events" table after copying rows
DROP TABLE `events`;
-- rename temporary table "new_events" to "events"
ALTER TABLE `new_events` RENAME TO `events`;
-- create index "event_firsts" to table: "events"
CREATE INDEX `event_firsts` ON `events` (`campaign_id`, `kind`, `contact_id`, `automated`, `link_id`, `domain`, `at`);
-- create index "event_contact_id_kind_automated_at" to table: "events"
CREATE INDEX `event_contact_id_kind_automated_at` ON `events` (`contact_id`, `kind`, `automated`, `at`);
-- create "new_subscribers" table
CREATE TABLE `new_subscribers` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `list_id` integer NOT NULL, `contact_id` integer NOT NULL, `email` text NOT NULL, `email_key` text NOT NULL, `status` text NOT NULL DEFAULT ('subscribed'), `bounce` text NOT NULL DEFAULT ('none'), `subscription_ip` text NOT NULL DEFAULT (''), `subscribed_at` datetime NULL, `opted_in_at` datetime NULL, `unsubscribed_at` datetime NULL, `created_at` datetime NOT NULL);
-- no id of a subscriber who is gone is given again
INSERT INTO `sqlite_sequence` (`name`, `seq`) SELECT 'new_subscribers', `seq` FROM `sqlite_sequence` WHERE `name` = 'subscribers';
-- copy rows from old table "subscribers" to new temporary table "new_subscribers"; a bounce on one list counts on all
INSERT INTO `new_subscribers` (`id`, `user_id`, `list_id`, `contact_id`, `email`, `email_key`, `status`, `bounce`, `subscription_ip`, `subscribed_at`, `opted_in_at`, `unsubscribed_at`, `created_at`) SELECT `s`.`id`, `s`.`user_id`, `s`.`list_id`, `s`.`contact_id`, `s`.`email`, `s`.`email_key`, `s`.`status`, `c`.`deliverability`, `s`.`subscription_ip`, `s`.`subscribed_at`, `s`.`opted_in_at`, `s`.`unsubscribed_at`, `s`.`created_at` FROM `subscribers` AS `s` LEFT JOIN `contacts` AS `c` ON `c`.`id` = `s`.`contact_id` ORDER BY `s`.`id`;
-- drop "subscribers" table after copying rows
DROP TABLE `subscribers`;
-- rename temporary table "new_subscribers" to "subscribers"
ALTER TABLE `new_subscribers` RENAME TO `subscribers`;
-- create index "subscriber_list_id_email_key" to table: "subscribers"
CREATE UNIQUE INDEX `subscriber_list_id_email_key` ON `subscribers` (`list_id`, `email_key`);
-- create index "subscriber_list_id_status" to table: "subscribers"
CREATE INDEX `subscriber_list_id_status` ON `subscribers` (`list_id`, `status`);
-- create index "subscriber_list_id_subscribed_at" to table: "subscribers"
CREATE INDEX `subscriber_list_id_subscribed_at` ON `subscribers` (`list_id`, `subscribed_at`);
-- create index "subscriber_contact_id_list_id" to table: "subscribers"
CREATE UNIQUE INDEX `subscriber_contact_id_list_id` ON `subscribers` (`contact_id`, `list_id`);
-- create index "contact_user_id_deliverability" to table: "contacts"
CREATE INDEX `contact_user_id_deliverability` ON `contacts` (`user_id`, `deliverability`);
-- in Go: write the keys of the addresses of accounts
UPDATE `users` SET `email_key` = `email_key`;
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;

-- +goose Down
-- reverse: create "pending_recounts" table
DROP TABLE `pending_recounts`;
-- reverse: create index "migrationfinding_version_kind_target_id" to table: "migration_findings"
DROP INDEX `migrationfinding_version_kind_target_id`;
-- reverse: create "migration_findings" table
DROP TABLE `migration_findings`;
-- reverse: create index "mergedsubscriber_subscriber_id" to table: "merged_subscribers"
DROP INDEX `mergedsubscriber_subscriber_id`;
-- reverse: create "merged_subscribers" table
DROP TABLE `merged_subscribers`;
-- reverse: create index "contact_user_id_deliverability" to table: "contacts"
DROP INDEX `contact_user_id_deliverability`;
-- reverse: create index "contact_user_id_email_key" to table: "contacts"
DROP INDEX `contact_user_id_email_key`;
-- reverse: create "contacts" table
DROP TABLE `contacts`;
-- reverse: create index "subscriber_contact_id_list_id" to table: "subscribers"
DROP INDEX `subscriber_contact_id_list_id`;
-- reverse: create index "subscriber_list_id_subscribed_at" to table: "subscribers"
DROP INDEX `subscriber_list_id_subscribed_at`;
-- reverse: create index "subscriber_list_id_status" to table: "subscribers"
DROP INDEX `subscriber_list_id_status`;
-- reverse: create index "subscriber_list_id_email_key" to table: "subscribers"
DROP INDEX `subscriber_list_id_email_key`;
-- reverse: create "new_subscribers" table
DROP TABLE `new_subscribers`;
-- reverse: create index "event_contact_id_kind_automated_at" to table: "events"
DROP INDEX `event_contact_id_kind_automated_at`;
-- reverse: create index "event_firsts" to table: "events"
DROP INDEX `event_firsts`;
-- reverse: create "new_events" table
DROP TABLE `new_events`;
