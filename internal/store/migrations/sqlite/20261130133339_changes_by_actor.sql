-- +goose Up
-- create index "campaignchange_user_id_actor_id_at" to table: "campaign_changes"
CREATE INDEX `campaignchange_user_id_actor_id_at` ON `campaign_changes` (`user_id`, `actor_id`, `at`);

-- +goose Down
-- reverse: create index "campaignchange_user_id_actor_id_at" to table: "campaign_changes"
DROP INDEX `campaignchange_user_id_actor_id_at`;
