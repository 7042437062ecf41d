-- +goose Up
-- create "conversion_amounts" table
CREATE TABLE `conversion_amounts` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `campaign_id` bigint NOT NULL, `hour` datetime(6) NOT NULL, `currency` varchar(3) NOT NULL, `amount` bigint NOT NULL DEFAULT 0, PRIMARY KEY (`id`), UNIQUE INDEX `conversionamount_campaign_id_hour_currency` (`campaign_id`, `hour`, `currency`), INDEX `conversionamount_user_id_hour` (`user_id`, `hour`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- fill "conversion_amounts" with the conversions of all campaigns, summed by hour and currency
UPDATE `conversion_amounts` SET `amount` = `amount`;

-- +goose Down
-- reverse: create "conversion_amounts" table
DROP TABLE `conversion_amounts`;
