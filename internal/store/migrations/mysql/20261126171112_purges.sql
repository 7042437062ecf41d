-- +goose Up
-- create "purges" table
CREATE TABLE `purges` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `campaign_id` bigint NOT NULL, PRIMARY KEY (`id`), UNIQUE INDEX `purge_campaign_id` (`campaign_id`), INDEX `purge_user_id_campaign_id` (`user_id`, `campaign_id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
-- reverse: create "purges" table
DROP TABLE `purges`;
