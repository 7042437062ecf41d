-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
-- create "new_events" table
CREATE TABLE `new_events` (`id` text NOT NULL, `user_id` integer NOT NULL, `campaign_id` integer NOT NULL, `subscriber_id` integer NOT NULL, `kind` text NOT NULL, `at` datetime NOT NULL, `automated` bool NOT NULL DEFAULT (false), `link_id` integer NULL, `reason` text NOT NULL DEFAULT (''), `user_agent` text NOT NULL DEFAULT (''), `ip` text NOT NULL DEFAULT (''), `amount` integer NOT NULL DEFAULT (0), `currency` text NOT NULL DEFAULT (''), `domain` text NOT NULL DEFAULT (''), PRIMARY KEY (`id`));
-- copy rows from old table "events" to new temporary table "new_events"
INSERT INTO `new_events` (`id`, `user_id`, `campaign_id`, `subscriber_id`, `kind`, `at`, `automated`, `link_id`, `reason`, `user_agent`, `ip`, `amount`, `currency`) SELECT `id`, `user_id`, `campaign_id`, `subscriber_id`, `kind`, `at`, `automated`, `link_id`, `reason`, `user_agent`, `ip`, `amount`, `currency` FROM `events`;
-- drop "events" table after copying rows
DROP TABLE `events`;
-- rename temporary table "new_events" to "events"
ALTER TABLE `new_events` RENAME TO `events`;
-- fill "domain" of what was recorded before
UPDATE `events` SET `domain` = coalesce((SELECT `domain` FROM `subscribers` WHERE `subscribers`.`id` = `events`.`subscriber_id`), '');
-- create index "event_firsts" to table: "events"
CREATE INDEX `event_firsts` ON `events` (`campaign_id`, `kind`, `subscriber_id`, `automated`, `link_id`, `domain`, `at`);
-- create index "event_subscriber_id_kind_at" to table: "events"
CREATE INDEX `event_subscriber_id_kind_at` ON `events` (`subscriber_id`, `kind`, `at`);
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;

-- +goose Down
-- reverse: create index "event_subscriber_id_kind_at" to table: "events"
DROP INDEX `event_subscriber_id_kind_at`;
-- reverse: create index "event_firsts" to table: "events"
DROP INDEX `event_firsts`;
-- reverse: create "new_events" table
DROP TABLE `new_events`;
