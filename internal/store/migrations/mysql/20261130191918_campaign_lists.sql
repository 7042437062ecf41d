-- +goose Up
-- create "campaign_emails" table
CREATE TABLE `campaign_emails` (`user_id` bigint NOT NULL, `campaign_id` bigint NOT NULL, `email_id` bigint NOT NULL, PRIMARY KEY (`campaign_id`, `email_id`), INDEX `campaignemail_email_id_campaign_id` (`email_id`, `campaign_id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- create "campaign_lists" table
CREATE TABLE `campaign_lists` (`user_id` bigint NOT NULL, `campaign_id` bigint NOT NULL, `list_id` bigint NOT NULL, PRIMARY KEY (`campaign_id`, `list_id`), INDEX `campaignlist_list_id_campaign_id` (`list_id`, `campaign_id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;
-- in portions, in Go: write the lists of each stored audience and the emails of each campaign; changes no campaign
UPDATE `campaigns` SET `version` = `version`;

-- +goose Down
-- reverse: create "campaign_lists" table
DROP TABLE `campaign_lists`;
-- reverse: create "campaign_emails" table
DROP TABLE `campaign_emails`;
