package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"campaignql/internal/kind"
)

// mergeSubscribers merges the subscriptions of one contact to one list, a batch of contacts at a
// time. They were two rows because their addresses are written differently, for example with a
// domain in letters and as an A-label. The statement deletes rows of subscribers.
//
// The row with the lowest id stays. It gets the most restrictive status, and the values and labels
// of the newest row, completed by those of the others. The ids of the others go to
// merged_subscribers, and their events to the row that stays. Campaigns with such events are noted
// in pending_recounts.
func mergeSubscribers(rows int) dataStep {
	return portionsByID("subscribers", "contact_id", rows,
		func(ctx context.Context, tx *sql.Tx, statement string, part idRange) error {
			return mergePairs(ctx, tx, statement, part.selection())
		})
}

// mergePairs is mergeSubscribers for the contacts with the selected ids.
func mergePairs(ctx context.Context, tx *sql.Tx, statement string, chosen selection) error {
	query := "SELECT `contact_id`, `list_id` FROM `subscribers` WHERE " + chosen.of("`contact_id`") +
		" GROUP BY `contact_id`, `list_id` HAVING COUNT(*) > 1 ORDER BY `contact_id`, `list_id`"
	var pairs [][]any
	err := eachRow(ctx, tx, query, chosen.args, func(rows *sql.Rows) error {
		var contactID, listID int64
		err := rows.Scan(&contactID, &listID)
		pairs = append(pairs, []any{contactID, listID})
		return err
	})
	for _, pair := range pairs {
		if err == nil {
			err = mergePair(ctx, tx, statement, pair)
		}
	}
	return err
}

// merging is a row of subscribers that is merged.
type merging struct {
	id, userID, listID                      int64
	email, ip                               string
	status                                  kind.SubscriberStatus
	subscribedAt, optedInAt, unsubscribedAt sql.NullTime
}

// merger merges rows of subscribers into the first of them.
type merger struct {
	tx *sql.Tx
	// rows are in the order of their ids, newest in the order of their age.
	rows, newest []merging
	// others are the ids that go.
	others []any
}

func mergePair(ctx context.Context, tx *sql.Tx, statement string, pair []any) error {
	m := merger{tx: tx}
	const query = "SELECT `id`, `user_id`, `list_id`, `email`, `subscription_ip`, `status`, `subscribed_at`, " +
		"`opted_in_at`, `unsubscribed_at` FROM `subscribers` WHERE `contact_id` = ? AND `list_id` = ? ORDER BY `id`"
	err := eachRow(ctx, tx, query, pair, func(rows *sql.Rows) error {
		var s merging
		err := rows.Scan(&s.id, &s.userID, &s.listID, &s.email, &s.ip, &s.status, &s.subscribedAt, &s.optedInAt,
			&s.unsubscribedAt)
		m.rows = append(m.rows, s)
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range m.rows[1:] {
		m.others = append(m.others, s.id)
	}
	m.newest = slices.SortedFunc(slices.Values(m.rows), func(a, b merging) int {
		return cmp.Or(b.subscribedAt.Time.Compare(a.subscribedAt.Time), cmp.Compare(b.id, a.id))
	})
	for _, change := range []func(context.Context) error{
		m.mergeColumns, m.mergeValues, m.mergeLabels, m.mergeEvents, m.keepIDs,
	} {
		if err := change(ctx); err != nil {
			return err
		}
	}
	_, err = tx.ExecContext(ctx, statement+" AND `id` IN ("+placeholders(len(m.others))+")", m.others...)
	return err
}

// restriction orders statuses: the most restrictive counts.
func restriction(s kind.SubscriberStatus) int {
	return slices.Index([]kind.SubscriberStatus{kind.SubscriberPending, kind.SubscriberUnsubscribed}, s)
}

// mergeColumns writes the status, and what the row that stays lacks. If both unsubscribed, the last
// time counts.
func (m merger) mergeColumns(ctx context.Context) error {
	stay := m.rows[0]
	for _, s := range m.newest {
		if restriction(s.status) > restriction(stay.status) {
			stay.status = s.status
		}
		if s.unsubscribedAt.Time.After(stay.unsubscribedAt.Time) {
			stay.unsubscribedAt = s.unsubscribedAt
		}
		if !stay.subscribedAt.Valid {
			stay.subscribedAt = s.subscribedAt
		}
		if !stay.optedInAt.Valid {
			stay.optedInAt = s.optedInAt
		}
		stay.ip = cmp.Or(stay.ip, s.ip)
	}
	const update = "UPDATE `subscribers` SET `status` = ?, `subscription_ip` = ?, `subscribed_at` = ?, " +
		"`opted_in_at` = ?, `unsubscribed_at` = ? WHERE `id` = ?"
	_, err := m.tx.ExecContext(ctx, update, stay.status, stay.ip, stay.subscribedAt, stay.optedInAt,
		stay.unsubscribedAt, stay.id)
	return err
}

// mergeValues keeps, of each custom field, the value of the newest row that has one. A value
// without text is none if another row has one.
func (m merger) mergeValues(ctx context.Context) error {
	source := map[int64]int64{} // of a field, the row whose value is kept
	const query = "SELECT `custom_field_id`, `text` = '' FROM `field_values` WHERE `subscriber_id` = ?"
	for _, without := range []bool{false, true} {
		for _, s := range m.newest {
			err := eachRow(ctx, m.tx, query, []any{s.id}, func(rows *sql.Rows) error {
				var fieldID int64
				var isEmpty bool
				err := rows.Scan(&fieldID, &isEmpty)
				if _, known := source[fieldID]; !known && isEmpty == without {
					source[fieldID] = s.id
				}
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	stay := m.rows[0].id
	for fieldID, from := range source {
		if from == stay {
			continue
		}
		err := m.exec(ctx, "DELETE FROM `field_values` WHERE `custom_field_id` = ? AND `subscriber_id` = ?", fieldID, stay)
		if err != nil {
			return err
		}
		const update = "UPDATE `field_values` SET `subscriber_id` = ? WHERE `custom_field_id` = ? AND `subscriber_id` = ?"
		if err := m.exec(ctx, update, stay, fieldID, from); err != nil {
			return err
		}
	}
	return m.exec(ctx, "DELETE FROM `field_values` WHERE `subscriber_id` IN (%s)", m.others...)
}

func (m merger) mergeLabels(ctx context.Context) error {
	stay := m.rows[0]
	ids := append([]any{stay.id}, m.others...)
	missing := newInsert("subscriber_taggings", "user_id", "subscriber_id", "subscriber_tag_id")
	query := "SELECT `subscriber_tag_id` FROM `subscriber_taggings` WHERE `subscriber_id` IN (" +
		placeholders(len(ids)) + ") GROUP BY `subscriber_tag_id` HAVING MIN(`subscriber_id`) > ? " +
		"ORDER BY `subscriber_tag_id`"
	err := eachRow(ctx, m.tx, query, append(ids, stay.id), func(rows *sql.Rows) error {
		var tagID int64
		err := rows.Scan(&tagID)
		missing.add(stay.userID, stay.id, tagID)
		return err
	})
	if err != nil {
		return err
	}
	if err := missing.exec(ctx, m.tx); err != nil {
		return err
	}
	return m.exec(ctx, "DELETE FROM `subscriber_taggings` WHERE `subscriber_id` IN (%s)", m.others...)
}

// mergeEvents gives the events to the row that stays. A person who was counted twice in a campaign
// is one now, so the campaign is noted.
func (m merger) mergeEvents(ctx context.Context) error {
	const note = "INSERT INTO `pending_recounts` (`id`, `user_id`) SELECT `id`, `user_id` FROM `campaigns` " +
		"WHERE `id` IN (SELECT `campaign_id` FROM `events` WHERE `subscriber_id` IN (%s)) AND " +
		"`id` NOT IN (SELECT `id` FROM `pending_recounts`)"
	if err := m.exec(ctx, note, m.others...); err != nil {
		return err
	}
	for _, other := range m.others {
		const update = "UPDATE `events` SET `subscriber_id` = ? WHERE `subscriber_id` = ?"
		if err := m.exec(ctx, update, m.rows[0].id, other); err != nil {
			return err
		}
	}
	return nil
}

// keepIDs records the ids that go, and reports them.
func (m merger) keepIDs(ctx context.Context) error {
	stay := m.rows[0]
	merged := newInsert("merged_subscribers", "id", "user_id", "subscriber_id")
	var found []finding
	for _, s := range m.rows[1:] {
		merged.add(s.id, s.userID, stay.id)
		text := fmt.Sprintf("subscriber %d (%s) is the same person on list %d as subscriber %d (%s), and was merged into it",
			s.id, s.email, s.listID, stay.id, stay.email)
		found = append(found, finding{s.userID, kind.FindingMerged, s.id, text})
	}
	if err := merged.exec(ctx, m.tx); err != nil {
		return err
	}
	return report(ctx, m.tx, found)
}

// exec runs a statement. %s in it becomes the placeholders of all arguments.
func (m merger) exec(ctx context.Context, statement string, args ...any) error {
	_, err := m.tx.ExecContext(ctx, strings.Replace(statement, "%s", placeholders(len(args)), 1), args...)
	return err
}
