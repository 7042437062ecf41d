-- +goose Up
-- create "forgotten_addresses" table
CREATE TABLE `forgotten_addresses` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `key_id` varchar(16) NOT NULL, `digest` varchar(64) NOT NULL, `reason` varchar(24) NOT NULL DEFAULT "manual", `created_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), UNIQUE INDEX `forgottenaddress_user_id_key_id_digest` (`user_id`, `key_id`, `digest`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
-- reverse: create "forgotten_addresses" table
DROP TABLE `forgotten_addresses`;
