package subscriber

import (
	"context"
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/idempotency"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// MaxRows is the most people that one call of Add takes.
const MaxRows = 5000

// Row is one person that Add puts onto a list.
type Row struct {
	// Email, IP and Fields are those of Subscription; the fields of the list alone are allowed.
	Email  string
	IP     string
	Fields map[int64]string
	// SubscribedAt is when the person subscribed; now if nil.
	SubscribedAt *time.Time
	// OptedInAt is when the person confirmed it. Who has is subscribed at once, also on a list with double opt-in.
	OptedInAt *time.Time
}

// Addition puts people onto a list.
type Addition struct {
	ListID int64
	// Rows are the people, at most MaxRows.
	Rows []Row
	// Update writes the fields of people who are on the list already; they are left alone otherwise.
	Update bool
	// Resubscribe lets people enter again who had left, or have not confirmed yet; they stay as they are otherwise.
	Resubscribe bool
}

// Outcome is what came of a row.
type Outcome string

const (
	// Added: the person is on the list now, and was not before.
	Added Outcome = "added"
	// Resubscribed: had left or had not confirmed yet, and entered again.
	Resubscribed Outcome = "resubscribed"
	// Updated: was on the list; the fields were written.
	Updated Outcome = "updated"
	// Exists: is on the list, and was left alone.
	Exists Outcome = "exists"
	// Left: has left the list, and was left alone.
	Left Outcome = "left"
	// Rejected: cannot be put onto the list; see Result.Err.
	Rejected Outcome = "rejected"
)

// Result is what came of one row.
type Result struct {
	Outcome Outcome
	// SubscriberID is the person, 0 for a rejected row.
	SubscriberID int64
	// Err holds the faults of a rejected row, on the fields of Subscribe: email, ip and fields.<id>.
	Err error
}

// Add puts people onto a list, up to MaxRows at a time, in one transaction and a number of statements that does not depend on how many they are, and
// tells what came of each row, in their order. A row that cannot be written is rejected by itself, with the faults that Subscribe tells; one whose
// address stands in an earlier row is a Conflict on email, reason "subscriber_repeated". People who enter again do so as in Subscribe.
//
// The list of another account is NotFound on listId, reason "list_not_found"; over MaxRows are Invalid on rows, reason "too_many_rows". With the same
// idempotency key within a day nothing is written again: the rows that the first call added are told as added, all others by how they are on the list.
func (s *Service) Add(ctx context.Context, in Addition, idempotencyKey *string) ([]Result, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(in.Rows) > MaxRows {
		return nil, apperr.InvalidField("rows", "too_many_rows", "%d rows, at most %d are allowed", len(in.Rows), MaxRows)
	}
	now := store.Truncate(s.now())
	var results []Result
	// The result that is remembered is the instant: whoever was added then was made at it.
	var at int64
	var replayed bool
	// No locks on gaps: other calls put people between those of this one at the same time.
	err := s.db.TxLatest(ctx, func(ctx context.Context) (err error) {
		at, replayed, err = idempotency.Do(ctx, s.db, now, "addSubscribers", idempotencyKey, in, func(ctx context.Context) (int64, error) {
			b, err := s.batch(ctx, in, now)
			if err != nil {
				return 0, err
			}
			if err := b.write(ctx); err != nil {
				return 0, err
			}
			results = b.results
			return now.UnixMicro(), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	if replayed {
		return s.again(ctx, in, time.UnixMicro(at).UTC())
	}
	return results, nil
}

// batch is one call of Add on its way.
type batch struct {
	*Service
	list     *ent.SubscriberList
	now      time.Time
	options  Addition
	rows     []entry
	present  map[string]*ent.Subscriber
	results  []Result
	position map[string]int
}

// batch checks the rows and finds who of them is on the list.
func (s *Service) batch(ctx context.Context, in Addition, now time.Time) (*batch, error) {
	b := &batch{Service: s, now: now, options: in, results: make([]Result, len(in.Rows)), position: make(map[string]int, len(in.Rows))}
	var err error
	if b.list, err = s.list(ctx, in.ListID); err != nil {
		return nil, onField(err, "listId")
	}
	var fields []*ent.CustomField
	if slices.ContainsFunc(in.Rows, func(r Row) bool { return len(r.Fields) > 0 }) {
		if fields, err = s.fields(ctx, b.list); err != nil {
			return nil, err
		}
	}
	for i, row := range in.Rows {
		e, err := readRow(row, fields)
		if first, repeated := b.position[e.key]; repeated && err == nil {
			err = &apperr.Error{Code: apperr.Conflict, Field: "email", Reason: "subscriber_repeated", Message: fmt.Sprintf("row %d has the same address", first)}
		}
		if err != nil {
			b.results[i] = Result{Outcome: Rejected, Err: err}
			continue
		}
		b.position[e.key] = i
		b.rows = append(b.rows, e)
	}
	b.present, err = s.onList(ctx, b.list.ID, b.rows, store.Lock)
	return b, err
}

// onList returns those of the entries that are on a list, by their keys.
func (s *Service) onList(ctx context.Context, listID int64, rows []entry, modifiers ...func(*sql.Selector)) (map[string]*ent.Subscriber, error) {
	found := make(map[string]*ent.Subscriber)
	if len(rows) == 0 {
		return found, nil
	}
	keys := make([]string, len(rows))
	for i, e := range rows {
		keys[i] = e.key
	}
	query := s.db.Client(ctx).Subscriber.Query().Where(entsubscriber.ListID(listID), entsubscriber.EmailKeyIn(keys...))
	query.Modify(modifiers...)
	present, err := query.
		Select(entsubscriber.FieldID, entsubscriber.FieldUserID, entsubscriber.FieldEmailKey, entsubscriber.FieldStatus, entsubscriber.FieldCreatedAt).All(ctx)
	for _, p := range present {
		found[p.EmailKey] = p
	}
	return found, err
}

// readRow checks one row. Its own key is in the entry also where something else is wrong.
func readRow(row Row, fields []*ent.CustomField) (entry, error) {
	var faults apperr.Faults
	e := entry{subscribedAt: row.SubscribedAt, optedInAt: row.OptedInAt}
	e.email, e.key = readAddress(&faults, row.Email)
	e.ip = readIP(&faults, row.IP)
	var err error
	e.values, err = readValues(fields, row.Fields, false)
	faults.Add(err)
	return e, faults.Err()
}

// write puts the rows onto the list and notes what came of each.
func (b *batch) write(ctx context.Context) error {
	var fresh, again []entry
	for _, e := range b.rows {
		present := b.present[e.key]
		switch outcome := b.outcome(e, present); outcome {
		case Added:
			fresh = append(fresh, e)
			b.note(e, Added, 0)
		case Resubscribed:
			again = append(again, e)
			b.note(e, outcome, present.ID)
		default:
			b.note(e, outcome, present.ID)
		}
	}
	if err := b.insert(ctx, fresh); err != nil {
		return err
	}
	if err := b.reenter(ctx, again); err != nil {
		return err
	}
	var values []personValue
	for _, e := range b.rows {
		result := b.results[b.position[e.key]]
		if result.Outcome == Exists || result.Outcome == Left {
			continue
		}
		for _, v := range e.values {
			values = append(values, personValue{result.SubscriberID, v})
		}
	}
	return b.writeValues(ctx, b.list.UserID, values)
}

// outcome decides what is to come of an entry; present is the person on the list, or nil.
func (b *batch) outcome(e entry, present *ent.Subscriber) Outcome {
	switch {
	case present == nil:
		return Added
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

func (b *batch) note(e entry, outcome Outcome, id int64) {
	b.results[b.position[e.key]] = Result{Outcome: outcome, SubscriberID: id}
}

// insert puts new people onto the list. Their ids are read back by their addresses: not every engine numbers the rows of one insert without gaps. What
// another call did meanwhile, on an engine without locks, makes the transaction run again.
func (b *batch) insert(ctx context.Context, fresh []entry) error {
	for some := range slices.Chunk(fresh, rowsAtOnce) {
		client := b.db.Client(ctx).Subscriber
		rows := make([]*ent.SubscriberCreate, len(some))
		for i, e := range some {
			rows[i] = b.create(client, e).SetCreatedAt(b.now)
		}
		if err := client.CreateBulk(rows...).Exec(ctx); store.IsDuplicate(err) {
			return store.ErrStale
		} else if err != nil {
			return err
		}
	}
	made, err := b.onList(ctx, b.list.ID, fresh) // they are held already: this transaction wrote them
	if err != nil {
		return err
	}
	for _, e := range fresh {
		p := made[e.key]
		if p == nil {
			return store.ErrStale
		}
		b.note(e, Added, p.ID)
	}
	return nil
}

// reenter lets people enter the list again: all that a subscription tells is written over their rows.
func (b *batch) reenter(ctx context.Context, again []entry) error {
	for some := range slices.Chunk(again, rowsAtOnce) {
		client := b.db.Client(ctx).Subscriber
		rows := make([]*ent.SubscriberCreate, len(some))
		for i, e := range some {
			rows[i] = b.create(client, e).SetCreatedAt(b.now)
		}
		err := client.CreateBulk(rows...).OnConflictColumns(entsubscriber.FieldListID, entsubscriber.FieldEmailKey).Update(func(u *ent.SubscriberUpsert) {
			u.UpdateEmail().UpdateStatus().UpdateSubscriptionIP().UpdateSubscribedAt().UpdateOptedInAt().UpdateUnsubscribedAt()
		}).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// again tells the results of an addition that was written at the instant.
func (s *Service) again(ctx context.Context, in Addition, at time.Time) ([]Result, error) {
	var b *batch
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		b, err = s.batch(ctx, in, at)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, e := range b.rows {
		switch p := b.present[e.key]; {
		case p == nil: // deleted since, or under another address now
			b.note(e, Exists, 0)
		case p.CreatedAt.Equal(at):
			b.note(e, Added, p.ID)
		case p.Status == kind.SubscriberUnsubscribed:
			b.note(e, Left, p.ID)
		default:
			b.note(e, Exists, p.ID)
		}
	}
	return b.results, nil
}

// onField names the field of the input that an error is about, where it is one of a domain's without any.
func onField(err error, field string) error {
	if all := apperr.All(err); len(all) == 1 && all[0].Field == "" {
		named := *all[0]
		named.Field = field
		return &named
	}
	return err
}
