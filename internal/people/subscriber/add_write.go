package subscriber

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// onList returns the entries that are already on a list, by their keys.
func (s *Service) onList(
	ctx context.Context, listID int64, rows []entry, modifiers ...func(*sql.Selector),
) (map[string]*ent.Subscriber, error) {
	found := make(map[string]*ent.Subscriber)
	if len(rows) == 0 {
		return found, nil
	}
	keys := make([]string, len(rows))
	for i, e := range rows {
		keys[i] = e.address.Key
	}
	query := s.db.Client(ctx).Subscriber.Query().Where(entsubscriber.ListID(listID), entsubscriber.EmailKeyIn(keys...))
	query.Modify(modifiers...)
	present, err := query.
		Select(
			entsubscriber.FieldID, entsubscriber.FieldUserID, entsubscriber.FieldEmailKey, entsubscriber.FieldStatus,
			entsubscriber.FieldCreatedAt, entsubscriber.FieldContactID,
		).All(ctx)
	for _, p := range present {
		found[p.EmailKey] = p
	}
	return found, err
}

// write writes the rows to the list and records the result of each. It locks the contacts first, as
// everybody does who changes a subscription and its contact.
func (b *batch) write(ctx context.Context) error {
	addresses := make([]address.Address, len(b.rows))
	for i, e := range b.rows {
		addresses[i] = e.address
	}
	var err error
	if b.contacts, err = b.Service.contacts.Enter(ctx, b.list.UserID, addresses); err != nil {
		return err
	}
	if b.looks {
		if b.present, err = b.onList(ctx, b.list.ID, b.rows, store.Lock); err != nil {
			return err
		}
	}
	fresh := slices.DeleteFunc(slices.Clone(b.rows), func(e entry) bool { return b.present[e.address.Key] != nil })
	if err := b.insert(ctx, fresh); err != nil {
		return err
	}
	var again []entry
	for _, e := range b.rows {
		present := b.present[e.address.Key]
		if present == nil {
			continue // insert has recorded the result
		}
		outcome := b.outcome(e, present)
		if outcome == Resubscribed {
			again = append(again, e)
		}
		b.note(e, outcome, present.ID, present.ContactID)
	}
	if err := b.reenter(ctx, again); err != nil {
		return err
	}
	if err := b.confirm(ctx, again); err != nil {
		return err
	}
	var values []personValue
	for _, e := range b.rows {
		result := b.results[b.position[e.address.Key]]
		if result.Outcome == Exists || result.Outcome == Left {
			continue
		}
		for _, v := range e.values {
			values = append(values, personValue{result.SubscriberID, v})
		}
	}
	b.written = values
	return b.writeValues(ctx, b.list.UserID, values)
}

// outcome returns the result of an entry. present is the subscriber who is on the list.
func (b *batch) outcome(e entry, present *ent.Subscriber) Outcome {
	switch {
	case present.Status != kind.SubscriberSubscribed && b.options.Resubscribe:
		return Resubscribed
	case b.options.Update && len(e.values) > 0:
		return Updated
	case present.Status == kind.SubscriberUnsubscribed:
		return Left
	default:
		return Exists
	}
}

func (b *batch) note(e entry, outcome Outcome, id, contactID int64) {
	b.results[b.position[e.address.Key]] = Result{Outcome: outcome, SubscriberID: id, ContactID: contactID}
}

// insertedAtOnce is the number of people per INSERT statement. SQLite accepts 32,766 arguments, and
// a person has up to 8.
func (b *batch) insertedAtOnce() int {
	if b.db.Dialect() == dialect.SQLite {
		return 2000
	}
	return MaxRows
}

// insert inserts people who are probably not on the list yet, in the order of the unique index.
// Only if the database reports a duplicate, it reads which of them are on the list and adds those
// to present.
func (b *batch) insert(ctx context.Context, fresh []entry) error {
	slices.SortFunc(fresh, func(x, y entry) int { return strings.Compare(x.address.Key, y.address.Key) })
	for some := range slices.Chunk(fresh, b.insertedAtOnce()) {
		err := b.insertSome(ctx, some)
		if store.IsDuplicate(err) {
			if some, err = b.unknown(ctx, some); err != nil {
				return err
			}
			if err = b.insertSome(ctx, some); store.IsDuplicate(err) {
				return store.ErrStale
			}
		}
		if err != nil {
			return err
		}
		if err := b.number(ctx, some); err != nil {
			return err
		}
	}
	return nil
}

// insertSome inserts people in one statement.
func (b *batch) insertSome(ctx context.Context, some []entry) error {
	if len(some) == 0 {
		return nil
	}
	rows, raw := b.people(some), b.db.Raw(ctx)
	if first, ok := b.copyable(some, rows); ok {
		concurrently, err := raw.CopiesConcurrently(ctx)
		if err != nil {
			return err
		}
		if concurrently {
			return b.copy(ctx, first, rows)
		}
	}
	columns, rows := store.WithoutDefaults(personColumns, rows, personDefaults)
	_, err := raw.Insert(ctx, entsubscriber.Table, columns, rows)
	return err
}

// unknown returns the entries that are not on the list, and locks the rows of the others.
func (b *batch) unknown(ctx context.Context, some []entry) ([]entry, error) {
	found, err := b.onList(ctx, b.list.ID, some, store.Lock)
	if b.present == nil {
		b.present = make(map[string]*ent.Subscriber, len(found))
	}
	maps.Copy(b.present, found)
	return slices.DeleteFunc(slices.Clone(some), func(e entry) bool { return found[e.address.Key] != nil }), err
}

// number records the inserted people with their ids, or without them if nobody asks for them.
func (b *batch) number(ctx context.Context, some []entry) error {
	if len(some) == 0 {
		return nil
	}
	if b.options.WithoutIDs && !slices.ContainsFunc(some, func(e entry) bool { return len(e.values) > 0 }) {
		for _, e := range some {
			b.note(e, Added, 0, b.contacts[e.address.Key].ID)
		}
		return nil
	}
	of := make(map[int64]entry, len(some))
	ids := make([]int64, len(some))
	for i, e := range some {
		ids[i] = b.contacts[e.address.Key].ID
		of[ids[i]] = e
	}
	raw := b.db.Raw(ctx)
	t := raw.Text()
	t.WriteString("SELECT contact_id,id FROM subscribers WHERE list_id=")
	t.Value(b.list.ID)
	t.WriteString(" AND contact_id")
	if slices.Sort(ids); ids[len(ids)-1]-ids[0] == int64(len(ids)-1) {
		t.WriteString(" BETWEEN ")
		t.Value(ids[0])
		t.WriteString(" AND ")
		t.Value(ids[len(ids)-1])
	} else {
		t.WriteString(" IN (")
		t.List(store.Args(ids))
		t.WriteString(")")
	}
	n := 0
	err := raw.Query(ctx, t, func(rows store.Rows) error {
		var contactID, id int64
		if err := rows.Scan(&contactID, &id); err != nil {
			return err
		}
		b.note(of[contactID], Added, id, contactID)
		n++
		return nil
	})
	if err == nil && n != len(some) {
		return store.ErrStale
	}
	return err
}

// confirm makes those people deliverable again who were pending and have confirmed now, unless their
// opt-in date is from before a bounce. An opt-in date of anybody else changes nothing.
func (b *batch) confirm(ctx context.Context, again []entry) error {
	confirmed := map[int64]time.Time{}
	for _, e := range again {
		contact := b.contacts[e.address.Key]
		if e.optedInAt != nil && b.present[e.address.Key].Status == kind.SubscriberPending &&
			contact.Deliverability != kind.BounceNone {
			confirmed[contact.ID] = store.Truncate(*e.optedInAt)
		}
	}
	return b.Service.contacts.Confirmed(ctx, confirmed)
}

// reenter subscribes people again: it overwrites everything in their rows that a subscription sets.
func (b *batch) reenter(ctx context.Context, again []entry) error {
	for some := range slices.Chunk(again, changedAtOnce) {
		rows := b.people(some)
		changes := make([][]any, len(rows))
		for i, row := range rows {
			changes[i] = []any{b.present[some[i].address.Key].ID}
			for _, column := range enteredColumns {
				changes[i] = append(changes[i], row[slices.Index(personColumns, column)])
			}
		}
		if err := b.db.Raw(ctx).Change(ctx, entsubscriber.Table, enteredColumns, changes); err != nil {
			return err
		}
	}
	return nil
}
