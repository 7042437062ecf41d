-- +goose Up
-- add column "parent_id" to table: "api_keys"
ALTER TABLE `api_keys` ADD COLUMN `parent_id` integer NULL;

-- +goose Down
-- reverse: add column "parent_id" to table: "api_keys"
ALTER TABLE `api_keys` DROP COLUMN `parent_id`;
