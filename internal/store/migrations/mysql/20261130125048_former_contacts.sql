-- +goose Up
-- create "former_contacts" table
CREATE TABLE `former_contacts` (`id` bigint NOT NULL AUTO_INCREMENT, `user_id` bigint NOT NULL, `subscriber_id` bigint NOT NULL, `contact_id` bigint NOT NULL, `moved_at` datetime(6) NOT NULL, PRIMARY KEY (`id`), INDEX `formercontact_contact_id` (`contact_id`), UNIQUE INDEX `formercontact_subscriber_id_contact_id` (`subscriber_id`, `contact_id`)) CHARSET utf8mb4 COLLATE utf8mb4_bin;

-- +goose Down
-- reverse: create "former_contacts" table
DROP TABLE `former_contacts`;
