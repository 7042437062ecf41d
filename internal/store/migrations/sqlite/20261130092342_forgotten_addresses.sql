-- +goose Up
-- create "forgotten_addresses" table
CREATE TABLE `forgotten_addresses` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `key_id` text NOT NULL, `digest` text NOT NULL, `reason` text NOT NULL DEFAULT ('manual'), `created_at` datetime NOT NULL);
-- create index "forgottenaddress_user_id_key_id_digest" to table: "forgotten_addresses"
CREATE UNIQUE INDEX `forgottenaddress_user_id_key_id_digest` ON `forgotten_addresses` (`user_id`, `key_id`, `digest`);

-- +goose Down
-- reverse: create index "forgottenaddress_user_id_key_id_digest" to table: "forgotten_addresses"
DROP INDEX `forgottenaddress_user_id_key_id_digest`;
-- reverse: create "forgotten_addresses" table
DROP TABLE `forgotten_addresses`;
