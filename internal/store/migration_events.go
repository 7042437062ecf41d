package store

import (
	"context"
	"database/sql"
	"slices"
	"time"
)

// goneSubscriber is a subscriber who was deleted and has events.
type goneSubscriber struct {
	id, userID int64
	firstAt    time.Time
}

// contactsOfGone makes a contact without an address for each subscriber of a batch who is gone, and
// sets it in all events of that subscriber. The batches are ranges of subscribers, not of events, so
// a subscriber gets one contact and no mapping has to be kept.
func contactsOfGone(rows int) dataStep {
	return portionsByID("events", "subscriber_id", rows,
		func(ctx context.Context, tx *sql.Tx, _ string, part idRange) error {
			const query = "SELECT DISTINCT `e`.`subscriber_id` FROM `events` AS `e` " +
				"LEFT JOIN `subscribers` AS `s` ON `s`.`id` = `e`.`subscriber_id` " +
				"WHERE `e`.`subscriber_id` > ? AND `e`.`subscriber_id` <= ? AND `s`.`id` IS NULL ORDER BY `e`.`subscriber_id`"
			var ids []any
			err := eachRow(ctx, tx, query, []any{part.from, part.to}, func(rows *sql.Rows) error {
				var id int64
				err := rows.Scan(&id)
				ids = append(ids, id)
				return err
			})
			for some := range slices.Chunk(ids, rowsOfCase) {
				if err == nil {
					err = addGone(ctx, tx, some)
				}
			}
			return err
		})
}

func addGone(ctx context.Context, tx *sql.Tx, ids []any) error {
	query := "SELECT `subscriber_id`, `user_id`, `at` FROM `events` WHERE `subscriber_id` IN (" +
		placeholders(len(ids)) + ") ORDER BY `subscriber_id`"
	var gone []goneSubscriber
	err := eachRow(ctx, tx, query, ids, func(rows *sql.Rows) error {
		var s goneSubscriber
		err := rows.Scan(&s.id, &s.userID, &s.firstAt)
		last := len(gone) - 1
		switch {
		case last < 0 || gone[last].id != s.id:
			gone = append(gone, s)
		case s.firstAt.Before(gone[last].firstAt):
			gone[last].firstAt = s.firstAt
		}
		return err
	})
	if err != nil {
		return err
	}
	next, err := nextID(ctx, tx, "contacts")
	if err != nil {
		return err
	}
	contacts := newInsert("contacts", "id", "user_id", "created_at")
	var subscriberIDs []int64
	var contactIDs []any
	for i, s := range gone {
		contacts.add(next+int64(i), s.userID, s.firstAt)
		subscriberIDs, contactIDs = append(subscriberIDs, s.id), append(contactIDs, next+int64(i))
	}
	if err := contacts.exec(ctx, tx); err != nil {
		return err
	}
	return updateEach(ctx, tx, "events", "contact_id", "subscriber_id", subscriberIDs, contactIDs)
}

// campaignsOfPortion is the number of campaigns in a batch. Each costs a statement that reads the
// index of its events.
const campaignsOfPortion = 20

// noteRecounts notes the campaigns of a batch in which a contact has events through two
// subscriptions: it was counted twice as a unique. The statement notes all campaigns. join is a join
// that keeps the order of its tables. Where there are campaigns, there may be bounces, so it also
// notes the contacts.
func noteRecounts(rows int, join string) dataStep {
	twice := "SELECT COUNT(*) FROM (SELECT `s`.`contact_id` FROM `events` AS `e` " + join +
		" `subscribers` AS `s` ON `s`.`id` = `e`.`subscriber_id` WHERE `e`.`campaign_id` = ? " +
		"GROUP BY `s`.`contact_id` HAVING MIN(`e`.`subscriber_id`) <> MAX(`e`.`subscriber_id`) LIMIT 1) AS `twice`"
	return portionsByID("campaigns", "id", min(rows, campaignsOfPortion),
		func(ctx context.Context, tx *sql.Tx, statement string, part idRange) error {
			const contacts = "INSERT INTO `pending_recounts` (`id`, `user_id`) SELECT ?, 0 FROM `campaigns` " +
				"WHERE `id` = ? AND ? NOT IN (SELECT `id` FROM `pending_recounts`)"
			if _, err := tx.ExecContext(ctx, contacts, int64(PendingContacts), part.to, int64(PendingContacts)); err != nil {
				return err
			}
			const query = "SELECT `id` FROM `campaigns` WHERE `id` > ? AND `id` <= ? AND " +
				"`id` NOT IN (SELECT `id` FROM `pending_recounts`) ORDER BY `id`"
			var ids []int64
			err := eachRow(ctx, tx, query, []any{part.from, part.to}, func(rows *sql.Rows) error {
				var id int64
				err := rows.Scan(&id)
				ids = append(ids, id)
				return err
			})
			for _, id := range ids {
				var found int
				if err == nil {
					err = tx.QueryRowContext(ctx, twice, id).Scan(&found)
				}
				if err == nil && found > 0 {
					_, err = tx.ExecContext(ctx, statement+" WHERE `id` = ?", id)
				}
			}
			return err
		})
}
