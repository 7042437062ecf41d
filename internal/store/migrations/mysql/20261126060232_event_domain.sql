-- +goose Up
-- modify "events" table
ALTER TABLE `events` ADD COLUMN `domain` varchar(254) NOT NULL DEFAULT "", DROP INDEX `event_campaign_id_kind_subscriber_id_automated_link_id_at`, ADD INDEX `event_firsts` (`campaign_id`, `kind`, `subscriber_id`, `automated`, `link_id`, `domain`, `at`);
-- fill "domain" of what was recorded before
UPDATE `events` AS `e` JOIN `subscribers` AS `s` ON `s`.`id` = `e`.`subscriber_id` SET `e`.`domain` = `s`.`domain`;

-- +goose Down
-- reverse: modify "events" table
ALTER TABLE `events` DROP INDEX `event_firsts`, ADD INDEX `event_campaign_id_kind_subscriber_id_automated_link_id_at` (`campaign_id`, `kind`, `subscriber_id`, `automated`, `link_id`, `at`), DROP COLUMN `domain`;
