-- +goose Up
-- modify "campaign_changes" table
ALTER TABLE `campaign_changes` ADD INDEX `campaignchange_user_id_actor_id_at` (`user_id`, `actor_id`, `at`);

-- +goose Down
-- reverse: modify "campaign_changes" table
ALTER TABLE `campaign_changes` DROP INDEX `campaignchange_user_id_actor_id_at`;
