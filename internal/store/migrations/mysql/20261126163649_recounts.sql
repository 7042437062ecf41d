-- +goose Up
-- modify "campaigns" table
ALTER TABLE `campaigns` ADD COLUMN `recounts` bigint NOT NULL DEFAULT 0;

-- +goose Down
-- reverse: modify "campaigns" table
ALTER TABLE `campaigns` DROP COLUMN `recounts`;
