-- +goose Up
-- drop index "event_campaign_id_kind_subscriber_id_at" from table: "events"
DROP INDEX `event_campaign_id_kind_subscriber_id_at`;
-- create index "event_campaign_id_kind_subscriber_id_automated_link_id_at" to table: "events"
CREATE INDEX `event_campaign_id_kind_subscriber_id_automated_link_id_at` ON `events` (`campaign_id`, `kind`, `subscriber_id`, `automated`, `link_id`, `at`);
-- create "domain_counters" table
CREATE TABLE `domain_counters` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `campaign_id` integer NOT NULL, `domain` text NOT NULL, `sent` integer NOT NULL DEFAULT (0), `failed` integer NOT NULL DEFAULT (0), `delivered` integer NOT NULL DEFAULT (0), `unique_opens` integer NOT NULL DEFAULT (0), `unique_clicks` integer NOT NULL DEFAULT (0), `unsubscriptions` integer NOT NULL DEFAULT (0), `hard_bounces` integer NOT NULL DEFAULT (0), `soft_bounces` integer NOT NULL DEFAULT (0), `complaints` integer NOT NULL DEFAULT (0));
-- create index "domaincounter_campaign_id_domain" to table: "domain_counters"
CREATE UNIQUE INDEX `domaincounter_campaign_id_domain` ON `domain_counters` (`campaign_id`, `domain`);
-- create index "domaincounter_campaign_id_sent" to table: "domain_counters"
CREATE INDEX `domaincounter_campaign_id_sent` ON `domain_counters` (`campaign_id`, `sent`);

-- +goose Down
-- reverse: create index "domaincounter_campaign_id_sent" to table: "domain_counters"
DROP INDEX `domaincounter_campaign_id_sent`;
-- reverse: create index "domaincounter_campaign_id_domain" to table: "domain_counters"
DROP INDEX `domaincounter_campaign_id_domain`;
-- reverse: create "domain_counters" table
DROP TABLE `domain_counters`;
-- reverse: create index "event_campaign_id_kind_subscriber_id_automated_link_id_at" to table: "events"
DROP INDEX `event_campaign_id_kind_subscriber_id_automated_link_id_at`;
-- reverse: drop index "event_campaign_id_kind_subscriber_id_at" from table: "events"
CREATE INDEX `event_campaign_id_kind_subscriber_id_at` ON `events` (`campaign_id`, `kind`, `subscriber_id`, `at`);
