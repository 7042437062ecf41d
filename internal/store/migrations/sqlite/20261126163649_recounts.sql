-- +goose Up
-- add column "recounts" to table: "campaigns"
ALTER TABLE `campaigns` ADD COLUMN `recounts` integer NOT NULL DEFAULT (0);

-- +goose Down
-- reverse: add column "recounts" to table: "campaigns"
ALTER TABLE `campaigns` DROP COLUMN `recounts`;
