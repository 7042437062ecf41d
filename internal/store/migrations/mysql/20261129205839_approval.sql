-- +goose Up
-- modify "campaigns" table
ALTER TABLE `campaigns` ADD COLUMN `approved_digest` varchar(255) NULL;

-- +goose Down
-- reverse: modify "campaigns" table
ALTER TABLE `campaigns` DROP COLUMN `approved_digest`;
