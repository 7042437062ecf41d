-- +goose Up
-- add column "approved_digest" to table: "campaigns"
ALTER TABLE `campaigns` ADD COLUMN `approved_digest` text NULL;

-- +goose Down
-- reverse: add column "approved_digest" to table: "campaigns"
ALTER TABLE `campaigns` DROP COLUMN `approved_digest`;
