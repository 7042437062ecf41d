-- +goose Up
-- create "purges" table
CREATE TABLE `purges` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `campaign_id` integer NOT NULL);
-- create index "purge_campaign_id" to table: "purges"
CREATE UNIQUE INDEX `purge_campaign_id` ON `purges` (`campaign_id`);
-- create index "purge_user_id_campaign_id" to table: "purges"
CREATE INDEX `purge_user_id_campaign_id` ON `purges` (`user_id`, `campaign_id`);

-- +goose Down
-- reverse: create index "purge_user_id_campaign_id" to table: "purges"
DROP INDEX `purge_user_id_campaign_id`;
-- reverse: create index "purge_campaign_id" to table: "purges"
DROP INDEX `purge_campaign_id`;
-- reverse: create "purges" table
DROP TABLE `purges`;
