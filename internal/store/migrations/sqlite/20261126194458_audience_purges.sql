-- +goose Up
-- create "audience_purges" table
CREATE TABLE `audience_purges` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `kind` text NOT NULL, `target_id` integer NOT NULL);
-- create index "audiencepurge_kind_target_id" to table: "audience_purges"
CREATE UNIQUE INDEX `audiencepurge_kind_target_id` ON `audience_purges` (`kind`, `target_id`);

-- +goose Down
-- reverse: create index "audiencepurge_kind_target_id" to table: "audience_purges"
DROP INDEX `audiencepurge_kind_target_id`;
-- reverse: create "audience_purges" table
DROP TABLE `audience_purges`;
