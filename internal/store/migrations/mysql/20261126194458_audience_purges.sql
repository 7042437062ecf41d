-- +goose Up
-- create "audience_purges" table
CREATE TABLE `audience_purges` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `kind` varchar(24) NOT NULL, `target_id` bigint NOT NULL, PRIMARY KEY (`id`), UNIQUE INDEX `audiencepurge_kind_target_id` (`kind`, `target_id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
-- reverse: create "audience_purges" table
DROP TABLE `audience_purges`;
