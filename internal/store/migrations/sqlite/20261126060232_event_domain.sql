-- +goose Up
-- add column "domain" to table: "events"
ALTER TABLE `events` ADD COLUMN `domain` text NOT NULL DEFAULT '';
-- fill "domain" of what was recorded before
UPDATE `events` SET `domain` = coalesce((SELECT `domain` FROM `subscribers` WHERE `subscribers`.`id` = `events`.`subscriber_id`), '');
-- drop index "event_campaign_id_kind_subscriber_id_automated_link_id_at" from table: "events"
DROP INDEX `event_campaign_id_kind_subscriber_id_automated_link_id_at`;
-- create index "event_firsts" to table: "events"
CREATE INDEX `event_firsts` ON `events` (`campaign_id`, `kind`, `subscriber_id`, `automated`, `link_id`, `domain`, `at`);

-- +goose Down
-- reverse: create index "event_firsts" to table: "events"
DROP INDEX `event_firsts`;
-- reverse: drop index "event_campaign_id_kind_subscriber_id_automated_link_id_at" from table: "events"
CREATE INDEX `event_campaign_id_kind_subscriber_id_automated_link_id_at` ON `events` (`campaign_id`, `kind`, `subscriber_id`, `automated`, `link_id`, `at`);
-- reverse: add column "domain" to table: "events"
ALTER TABLE `events` DROP COLUMN `domain`;
