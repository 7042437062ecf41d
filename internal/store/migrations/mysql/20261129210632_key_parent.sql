-- +goose Up
-- modify "api_keys" table
ALTER TABLE `api_keys` ADD COLUMN `parent_id` bigint NULL;

-- +goose Down
-- reverse: modify "api_keys" table
ALTER TABLE `api_keys` DROP COLUMN `parent_id`;
