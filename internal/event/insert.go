package event

import (
	"context"
	"slices"
	"strings"

	entevent "campaignql/ent/event"
	"campaignql/internal/store"
)

var eventColumns = []string{
	entevent.FieldID,
	entevent.FieldUserID,
	entevent.FieldCampaignID,
	entevent.FieldContactID,
	entevent.FieldSubscriberID,
	entevent.FieldRunID,
	entevent.FieldVariation,
	entevent.FieldKind,
	entevent.FieldAt,
	entevent.FieldAutomated,
	entevent.FieldLinkID,
	entevent.FieldReason,
	entevent.FieldUserAgent,
	entevent.FieldIP,
	entevent.FieldAmount,
	entevent.FieldCurrency,
	entevent.FieldDomain,
}

func (e *entry) row() []any {
	var link, subscription, run, variation any
	if e.link != 0 {
		link = e.link
	}
	if e.subscription != 0 {
		subscription = e.subscription
	}
	if e.Sent != nil {
		run = e.Sent.RunID
		if e.Sent.Variation != 0 {
			variation = e.Sent.Variation
		}
	}
	return []any{
		e.key, e.owner, e.CampaignID, e.contactID, subscription, run, variation, string(e.Kind), e.at, e.automated, link, e.Reason,
		e.UserAgent, e.IP, e.cents, e.Currency, e.domain,
	}
}

// insertedAtOnce returns how many events one statement inserts. SQLite binds at most 32,766 values;
// an event needs up to 8, because integers are written into the text.
func (s statements) insertedAtOnce() int {
	if s.lite {
		return 2000
	}
	return MaxEvents
}

// insert inserts the events and returns those that were not recorded before. It queries which
// events exist only after the database reported a duplicate.
func (b *batch) insert(ctx context.Context, events []*entry) ([]*entry, error) {
	ordered := slices.Clone(events)
	slices.SortFunc(ordered, func(x, y *entry) int { return strings.Compare(x.key, y.key) })
	fresh := make([]*entry, 0, len(events))
	for rows := range store.Portions(rowsOf(ordered), b.sql.insertedAtOnce()) {
		var some []*entry
		some, ordered = ordered[:len(rows)], ordered[len(rows):]
		_, err := b.sql.Insert(ctx, entevent.Table, eventColumns, rows)
		if store.IsDuplicate(err) {
			if some, err = b.unknown(ctx, some); err != nil {
				return nil, err
			}
			if _, err = b.sql.Insert(ctx, entevent.Table, eventColumns, rowsOf(some)); store.IsDuplicate(err) {
				return nil, store.ErrStale
			}
		}
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, some...)
	}
	for _, e := range fresh {
		b.results[e.index].Outcome, b.results[e.index].Err = Recorded, nil
	}
	// Restore the order of the batch: the effects on people follow that order.
	slices.SortFunc(fresh, func(x, y *entry) int { return x.index - y.index })
	return fresh, nil
}

func rowsOf(events []*entry) [][]any {
	rows := make([][]any, len(events))
	for i, e := range events {
		rows[i] = e.row()
	}
	return rows
}

// unknown returns the events that are not recorded yet; the others are duplicates.
func (b *batch) unknown(ctx context.Context, events []*entry) ([]*entry, error) {
	keys := make([]any, len(events))
	for i, e := range events {
		keys[i] = e.key
	}
	known := map[string]bool{}
	t := b.sql.Text()
	t.WriteString("SELECT id FROM events WHERE id IN (")
	t.List(keys)
	t.WriteString(")")
	err := b.sql.Query(ctx, t, func(rows store.Rows) error {
		var id string
		err := rows.Scan(&id)
		known[id] = true
		return err
	})
	out := make([]*entry, 0, len(events)-len(known))
	for _, e := range events {
		if !known[e.key] {
			out = append(out, e)
			continue
		}
		b.results[e.index].Outcome, b.results[e.index].Err = Duplicate, nil
	}
	return out, err
}
