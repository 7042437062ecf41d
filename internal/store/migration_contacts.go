package store

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"time"

	"campaignql/internal/kind"
	"campaignql/internal/people/address"
)

const (
	// ContactsVersion is the migration that makes one contact of all subscriptions of a person.
	ContactsVersion = 20261130061451
	// PendingContacts is the row of pending_recounts that stands for the contacts: their soft bounces
	// in a row are to be counted. The other rows are campaigns, whose ids are lower. After the highest
	// number of all, the next id of the table would not be one that Go can read.
	PendingContacts = math.MaxInt64 - 1
)

// contactKey identifies a contact.
type contactKey struct {
	userID int64
	key    string
}

// contact is a row of contacts.
type contact struct {
	id             int64
	email, domain  string
	deliverability kind.BounceType
	createdAt      time.Time
	// isNew says that the row is to be inserted, changed that it is to be updated.
	isNew, changed bool
}

// severity orders what is known of an address: the worst of its subscriptions counts.
func severity(b kind.BounceType) int {
	return slices.Index([]kind.BounceType{kind.BounceSoft, kind.BounceHard, kind.BounceInvalid}, b)
}

// note adds what a subscription says to its contact.
func (c *contact) note(bounce kind.BounceType, createdAt time.Time) {
	if severity(bounce) > severity(c.deliverability) {
		c.deliverability, c.changed = bounce, true
	}
	if createdAt.Before(c.createdAt) {
		c.createdAt, c.changed = createdAt, true
	}
}

// subscription is a row of subscribers, with its address as it is parsed now.
type subscription struct {
	id        int64
	oldKey    string
	bounce    kind.BounceType
	createdAt time.Time
	contactKey
	address address.Address
	email   string
	// invalid is the reason for which the address is refused.
	invalid error
}

// contactsOfSubscribers makes the contacts of a batch of subscribers and writes their keys. The
// statement sets contact_id by user and key.
//
// A contact has the address of its lowest subscriber, the earliest time and the worst bounce. An
// address that is refused keeps its row, with a key that no address has.
func contactsOfSubscribers(rows int) dataStep {
	return portionsByID("subscribers", "id", rows,
		func(ctx context.Context, tx *sql.Tx, statement string, part idRange) error {
			return makeContacts(ctx, tx, statement, part.selection())
		})
}

// makeContacts is contactsOfSubscribers for the subscribers with the selected ids.
func makeContacts(ctx context.Context, tx *sql.Tx, statement string, chosen selection) error {
	read, err := readSubscriptions(ctx, tx, chosen)
	if err != nil {
		return err
	}
	if err := writeKeys(ctx, tx, read); err != nil {
		return err
	}
	contacts, err := readContacts(ctx, tx, chosen)
	if err != nil {
		return err
	}
	if err := addContacts(ctx, tx, read, contacts); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, statement+" WHERE "+chosen.of("`id`"), chosen.args...); err != nil {
		return err
	}
	return reportInvalid(ctx, tx, read)
}

func readSubscriptions(ctx context.Context, tx *sql.Tx, chosen selection) ([]subscription, error) {
	query := "SELECT `id`, `user_id`, `email`, `email_key`, `bounce`, `created_at` FROM `subscribers` " +
		"WHERE " + chosen.of("`id`") + " ORDER BY `id`"
	var read []subscription
	err := eachRow(ctx, tx, query, chosen.args, func(rows *sql.Rows) error {
		var s subscription
		if err := rows.Scan(&s.id, &s.userID, &s.email, &s.oldKey, &s.bounce, &s.createdAt); err != nil {
			return err
		}
		if s.address, s.invalid = address.Parse(s.email); s.invalid != nil {
			s.address, s.bounce = address.Address{Key: address.Key(s.email)}, kind.BounceInvalid
		}
		s.key = s.address.Key
		read = append(read, s)
		return nil
	})
	return read, err
}

func writeKeys(ctx context.Context, tx *sql.Tx, read []subscription) error {
	var ids []int64
	var keys []any
	for _, s := range read {
		if s.key != s.oldKey { // few
			ids, keys = append(ids, s.id), append(keys, s.key)
		}
	}
	return updateEach(ctx, tx, "subscribers", "email_key", "id", ids, keys)
}

// readContacts returns the contacts of a batch that subscribers before it have made.
func readContacts(ctx context.Context, tx *sql.Tx, chosen selection) (map[contactKey]*contact, error) {
	query := "SELECT `c`.`id`, `c`.`user_id`, `c`.`email_key`, `c`.`deliverability`, `c`.`created_at` " +
		"FROM `subscribers` AS `s` JOIN `contacts` AS `c` ON `c`.`user_id` = `s`.`user_id` AND " +
		"`c`.`email_key` = `s`.`email_key` WHERE " + chosen.of("`s`.`id`")
	found := map[contactKey]*contact{}
	err := eachRow(ctx, tx, query, chosen.args, func(rows *sql.Rows) error {
		var key contactKey
		c := &contact{}
		err := rows.Scan(&c.id, &key.userID, &key.key, &c.deliverability, &c.createdAt)
		found[key] = c
		return err
	})
	return found, err
}

// addContacts inserts the contacts that are missing, in the order of the subscribers, and updates
// those that a subscriber of the batch changes.
func addContacts(ctx context.Context, tx *sql.Tx, read []subscription, contacts map[contactKey]*contact) error {
	next, err := nextID(ctx, tx, "contacts")
	if err != nil {
		return err
	}
	var fresh []contactKey
	for _, s := range read {
		c := contacts[s.contactKey]
		if c == nil {
			c = &contact{
				id: next, email: s.email, domain: s.address.Domain, deliverability: kind.BounceNone,
				createdAt: s.createdAt, isNew: true,
			}
			next++
			contacts[s.contactKey] = c
			fresh = append(fresh, s.contactKey)
		}
		c.note(s.bounce, s.createdAt)
	}
	added := newInsert("contacts", "id", "user_id", "email", "email_key", "domain", "deliverability", "created_at")
	for _, key := range fresh {
		c := contacts[key]
		added.add(c.id, key.userID, c.email, key.key, c.domain, c.deliverability, c.createdAt)
	}
	if err := added.exec(ctx, tx); err != nil {
		return err
	}
	var ids []int64
	var deliverability, createdAt []any
	for _, c := range contacts {
		if c.changed && !c.isNew {
			ids = append(ids, c.id)
			deliverability, createdAt = append(deliverability, c.deliverability), append(createdAt, c.createdAt)
		}
	}
	if err := updateEach(ctx, tx, "contacts", "deliverability", "id", ids, deliverability); err != nil {
		return err
	}
	return updateEach(ctx, tx, "contacts", "created_at", "id", ids, createdAt)
}

func reportInvalid(ctx context.Context, tx *sql.Tx, read []subscription) error {
	var found []finding
	for _, s := range read {
		if s.invalid != nil {
			text := fmt.Sprintf("the address %+q %v: it stays, and nothing is sent to it", s.email, s.invalid)
			found = append(found, finding{s.userID, kind.FindingInvalid, s.id, text})
		}
	}
	return report(ctx, tx, found)
}

// finding is a row of migration_findings.
type finding struct {
	userID   int64
	kind     kind.Finding
	targetID int64
	text     string
}

func report(ctx context.Context, tx *sql.Tx, found []finding) error {
	if len(found) == 0 {
		return nil
	}
	next, err := nextID(ctx, tx, "migration_findings")
	if err != nil {
		return err
	}
	rows := newInsert("migration_findings", "id", "user_id", "version", "kind", "target_id", "text")
	for i, f := range found {
		rows.add(next+int64(i), f.userID, ContactsVersion, f.kind, f.targetID, kind.Cut(f.text, 2000))
	}
	return rows.exec(ctx, tx)
}
