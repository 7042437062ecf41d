-- +goose Up
-- create "former_contacts" table
CREATE TABLE `former_contacts` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `user_id` integer NOT NULL, `subscriber_id` integer NOT NULL, `contact_id` integer NOT NULL, `moved_at` datetime NOT NULL);
-- create index "formercontact_subscriber_id_contact_id" to table: "former_contacts"
CREATE UNIQUE INDEX `formercontact_subscriber_id_contact_id` ON `former_contacts` (`subscriber_id`, `contact_id`);
-- create index "formercontact_contact_id" to table: "former_contacts"
CREATE INDEX `formercontact_contact_id` ON `former_contacts` (`contact_id`);

-- +goose Down
-- reverse: create index "formercontact_contact_id" to table: "former_contacts"
DROP INDEX `formercontact_contact_id`;
-- reverse: create index "formercontact_subscriber_id_contact_id" to table: "former_contacts"
DROP INDEX `formercontact_subscriber_id_contact_id`;
-- reverse: create "former_contacts" table
DROP TABLE `former_contacts`;
