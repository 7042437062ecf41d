-- +goose Up
-- create "conversion_amounts" table
CREATE TABLE `conversion_amounts` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `campaign_id` integer NOT NULL, `hour` datetime NOT NULL, `currency` text NOT NULL, `amount` integer NOT NULL DEFAULT (0));
-- create index "conversionamount_campaign_id_hour_currency" to table: "conversion_amounts"
CREATE UNIQUE INDEX `conversionamount_campaign_id_hour_currency` ON `conversion_amounts` (`campaign_id`, `hour`, `currency`);
-- create index "conversionamount_user_id_hour" to table: "conversion_amounts"
CREATE INDEX `conversionamount_user_id_hour` ON `conversion_amounts` (`user_id`, `hour`);
-- fill "conversion_amounts" with the conversions of all campaigns, summed by hour and currency
UPDATE `conversion_amounts` SET `amount` = `amount`;

-- +goose Down
-- reverse: create index "conversionamount_user_id_hour" to table: "conversion_amounts"
DROP INDEX `conversionamount_user_id_hour`;
-- reverse: create index "conversionamount_campaign_id_hour_currency" to table: "conversion_amounts"
DROP INDEX `conversionamount_campaign_id_hour_currency`;
-- reverse: create "conversion_amounts" table
DROP TABLE `conversion_amounts`;
