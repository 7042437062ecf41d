-- +goose Up
-- create "campaign_emails" table
CREATE TABLE `campaign_emails` (`user_id` integer NOT NULL, `campaign_id` integer NOT NULL, `email_id` integer NOT NULL, PRIMARY KEY (`campaign_id`, `email_id`));
-- create index "campaignemail_email_id_campaign_id" to table: "campaign_emails"
CREATE INDEX `campaignemail_email_id_campaign_id` ON `campaign_emails` (`email_id`, `campaign_id`);
-- create "campaign_lists" table
CREATE TABLE `campaign_lists` (`user_id` integer NOT NULL, `campaign_id` integer NOT NULL, `list_id` integer NOT NULL, PRIMARY KEY (`campaign_id`, `list_id`));
-- create index "campaignlist_list_id_campaign_id" to table: "campaign_lists"
CREATE INDEX `campaignlist_list_id_campaign_id` ON `campaign_lists` (`list_id`, `campaign_id`);
-- in portions, in Go: write the lists of each stored audience and the emails of each campaign; changes no campaign
UPDATE `campaigns` SET `version` = `version`;

-- +goose Down
-- reverse: create index "campaignlist_list_id_campaign_id" to table: "campaign_lists"
DROP INDEX `campaignlist_list_id_campaign_id`;
-- reverse: create "campaign_lists" table
DROP TABLE `campaign_lists`;
-- reverse: create index "campaignemail_email_id_campaign_id" to table: "campaign_emails"
DROP INDEX `campaignemail_email_id_campaign_id`;
-- reverse: create "campaign_emails" table
DROP TABLE `campaign_emails`;
