package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"entgo.io/ent/dialect"
	"github.com/go-sql-driver/mysql"
)

// lateSteps are the changes of rows that run before a schema change, by dialect. A server of an
// earlier release that still writes while MySQL is migrated adds rows behind the batches that are
// done. SQLite migrates in one transaction.
var lateSteps = lateStepsOf(rowsOfCase)

// lateStepsOf returns the late steps with batches of a number of rows.
func lateStepsOf(rows int) map[string]map[stepID]dataStep {
	return map[string]map[stepID]dataStep{
		dialect.MySQL: {
			{ContactsVersion, 11}: contactsOfLateSubscribers(rows),
			{ContactsVersion, 18}: contactsOfLateEvents(rows),
		},
	}
}

// The statements of the migration that a late subscriber has missed.
const (
	setContact = "UPDATE `subscribers` SET `contact_id` = (SELECT `c`.`id` FROM `contacts` AS `c` " +
		"WHERE `c`.`user_id` = `subscribers`.`user_id` AND `c`.`email_key` = `subscribers`.`email_key`)"
	deleteMerged = "DELETE FROM `subscribers` WHERE `id` IN (SELECT `id` FROM `merged_subscribers`)"
	repeatBounce = "UPDATE `subscribers` AS `s` JOIN `contacts` AS `c` ON `c`.`id` = `s`.`contact_id` " +
		"SET `s`.`bounce` = `c`.`deliverability`"
)

// contactsOfLateSubscribers makes the contacts of subscribers that have none, merges them with other
// subscriptions of their contacts, and repeats the bounces. The index subscriber_contact_id finds
// them, so it costs little if there are none.
func contactsOfLateSubscribers(rows int) dataStep {
	return func(ctx context.Context, tx *sql.Tx, _, _ string) (string, error) {
		// No order: MySQL might read all subscribers in that order until it has found enough.
		ids, err := eachID(ctx, tx, "SELECT `id` FROM `subscribers` WHERE `contact_id` IS NULL LIMIT ?", rows)
		if err != nil || len(ids) == 0 {
			return "", err
		}
		if err := makeContacts(ctx, tx, setContact, listed(ids)); err != nil {
			return "", err
		}
		contacts, err := eachID(ctx, tx, "SELECT DISTINCT `contact_id` FROM `subscribers` WHERE "+
			"`contact_id` IS NOT NULL AND "+listed(ids).of("`id`"), ids...)
		if err != nil {
			return "", err
		}
		if err := mergePairs(ctx, tx, deleteMerged, listed(contacts)); err != nil {
			return "", err
		}
		_, err = tx.ExecContext(ctx, repeatBounce+" WHERE "+listed(contacts).of("`c`.`id`"), contacts...)
		return more(len(ids) == rows), err
	}
}

// more returns the position of a step that finds by itself what is left to do.
func more(is bool) string {
	if is {
		return "more"
	}
	return ""
}

// contactsOfLateEvents sets the contacts of events that have none, and notes their campaigns in
// pending_recounts. It reads all events once, in the order of the primary key: no index finds those
// without a contact, and one for that would cost more. The statement after it copies the table anyway.
func contactsOfLateEvents(rows int) dataStep {
	return func(ctx context.Context, tx *sql.Tx, _, position string) (string, error) {
		const query = "SELECT `id` FROM `events` WHERE `contact_id` IS NULL AND `id` > ? ORDER BY `id` LIMIT ?"
		var ids []any
		var last string
		err := eachRow(ctx, tx, query, []any{position, rows}, func(rows *sql.Rows) error {
			err := rows.Scan(&last)
			ids = append(ids, last)
			return err
		})
		if err != nil || len(ids) == 0 {
			return "", err
		}
		if len(ids) < rows {
			last = ""
		}
		return last, addLateEvents(ctx, tx, ids)
	}
}

// The statements for late events. An event of a subscription that was merged follows it, and one of
// a subscriber who is gone gets the contact of the other events of that subscriber.
const (
	ofSubscription = "UPDATE `events` AS `e` JOIN `subscribers` AS `s` ON `s`.`id` = `e`.`subscriber_id` " +
		"SET `e`.`contact_id` = `s`.`contact_id` WHERE "
	ofMerged = "UPDATE `events` AS `e` JOIN `merged_subscribers` AS `m` ON `m`.`id` = `e`.`subscriber_id` " +
		"JOIN `subscribers` AS `s` ON `s`.`id` = `m`.`subscriber_id` " +
		"SET `e`.`subscriber_id` = `s`.`id`, `e`.`contact_id` = `s`.`contact_id` WHERE "
	withoutContact = "SELECT DISTINCT `subscriber_id` FROM `events` WHERE `contact_id` IS NULL AND "
	ofOtherEvents  = "UPDATE `events` AS `e` JOIN (SELECT `subscriber_id`, MAX(`contact_id`) AS `contact_id` " +
		"FROM `events` WHERE %s AND `contact_id` IS NOT NULL GROUP BY `subscriber_id`) AS `known` " +
		"ON `known`.`subscriber_id` = `e`.`subscriber_id` SET `e`.`contact_id` = `known`.`contact_id` " +
		"WHERE `e`.`contact_id` IS NULL AND "
	noteCampaigns = "INSERT INTO `pending_recounts` (`id`, `user_id`) SELECT `id`, `user_id` FROM `campaigns` " +
		"WHERE `id` NOT IN (SELECT `id` FROM `pending_recounts`) AND " +
		"`id` IN (SELECT `campaign_id` FROM `events` WHERE %s)"
	noteContacts = "INSERT IGNORE INTO `pending_recounts` (`id`, `user_id`) VALUES (?, 0)"
)

func addLateEvents(ctx context.Context, tx *sql.Tx, ids []any) error {
	late := listed(ids)
	for _, update := range []string{ofSubscription, ofMerged} {
		if _, err := tx.ExecContext(ctx, update+late.of("`e`.`id`"), ids...); err != nil {
			return err
		}
	}
	gone, err := eachID(ctx, tx, withoutContact+late.of("`id`"), ids...)
	if err != nil {
		return err
	}
	if len(gone) > 0 {
		update := fmt.Sprintf(ofOtherEvents, listed(gone).of("`subscriber_id`")) + late.of("`e`.`id`")
		if _, err := tx.ExecContext(ctx, update, slices.Concat(gone, ids)...); err != nil {
			return err
		}
		if gone, err = eachID(ctx, tx, withoutContact+late.of("`id`"), ids...); err != nil {
			return err
		}
	}
	if len(gone) > 0 {
		if err := addGone(ctx, tx, gone); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(noteCampaigns, late.of("`id`")), ids...); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, noteContacts, int64(PendingContacts))
	return err
}

// eachID returns the ids that a query reads.
func eachID(ctx context.Context, tx *sql.Tx, query string, args ...any) (ids []any, err error) {
	err = eachRow(ctx, tx, query, args, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// lateMySQL are the errors of a schema change that the rows do not fit.
var lateMySQL = map[uint16]bool{
	1062: true, // a duplicate in a unique index
	1138: true, // NULL in a column that becomes NOT NULL
	1265: true, // the same on MariaDB
}

// explainLate adds to the error of a schema change what to do if rows were added meanwhile.
func explainLate(err error, table string) error {
	var known *mysql.MySQLError
	if errors.As(err, &known) && lateMySQL[known.Number] {
		return fmt.Errorf("%w: a server of an earlier release seems to write to the table %s still: "+
			"stop it, and start again", err, table)
	}
	return err
}
