-- +goose Up
-- modify "events" table
ALTER TABLE `events` DROP INDEX `event_campaign_id_kind_subscriber_id_at`, ADD INDEX `event_campaign_id_kind_subscriber_id_automated_link_id_at` (`campaign_id`, `kind`, `subscriber_id`, `automated`, `link_id`, `at`);
-- create "domain_counters" table
CREATE TABLE `domain_counters` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `campaign_id` bigint NOT NULL, `domain` varchar(254) NOT NULL, `sent` bigint NOT NULL DEFAULT 0, `failed` bigint NOT NULL DEFAULT 0, `delivered` bigint NOT NULL DEFAULT 0, `unique_opens` bigint NOT NULL DEFAULT 0, `unique_clicks` bigint NOT NULL DEFAULT 0, `unsubscriptions` bigint NOT NULL DEFAULT 0, `hard_bounces` bigint NOT NULL DEFAULT 0, `soft_bounces` bigint NOT NULL DEFAULT 0, `complaints` bigint NOT NULL DEFAULT 0, PRIMARY KEY (`id`), UNIQUE INDEX `domaincounter_campaign_id_domain` (`campaign_id`, `domain`), INDEX `domaincounter_campaign_id_sent` (`campaign_id`, `sent`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
-- reverse: create "domain_counters" table
DROP TABLE `domain_counters`;
-- reverse: modify "events" table
ALTER TABLE `events` DROP INDEX `event_campaign_id_kind_subscriber_id_automated_link_id_at`, ADD INDEX `event_campaign_id_kind_subscriber_id_at` (`campaign_id`, `kind`, `subscriber_id`, `at`);
