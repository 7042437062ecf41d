package subscriber

import (
	"context"
	"fmt"
	"slices"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/idempotency"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// MaxRows is the maximum number of rows in one call of Add.
const MaxRows = 5000

// Row is one person to add to a list.
type Row struct {
	// Email, IP and Fields are as in Subscription. Only fields of the list are allowed.
	Email  string
	IP     string
	Fields map[int64]string
	// SubscribedAt is the time of the subscription. Default: now.
	SubscribedAt *time.Time
	// OptedInAt is the time of the confirmation. If it is set, the person is subscribed at once,
	// even on a list with double opt-in.
	OptedInAt *time.Time
}

// Addition adds people to a list.
type Addition struct {
	ListID int64
	// Rows are the people to add, at most MaxRows.
	Rows []Row
	// Update writes the fields of people who are already on the list. Otherwise those people stay
	// unchanged.
	Update bool
	// Resubscribe subscribes people again who had unsubscribed or not confirmed yet. Otherwise
	// those people stay unchanged.
	Resubscribe bool
	// WithoutIDs leaves out the ids of people who are added without fields. It spares an import of
	// new people a statement that reads them.
	WithoutIDs bool `json:",omitempty"`
}

// Outcome is the result of a row.
type Outcome string

const (
	// Added means that the person is on the list now and was not before.
	Added Outcome = "added"
	// Resubscribed means that the person had unsubscribed or not confirmed yet, and is subscribed
	// again.
	Resubscribed Outcome = "resubscribed"
	// Updated means that the person was on the list and the fields were written.
	Updated Outcome = "updated"
	// Exists means that the person is on the list and was not changed.
	Exists Outcome = "exists"
	// Left means that the person has unsubscribed from the list and was not changed.
	Left Outcome = "left"
	// Rejected means that the row cannot be added; see Result.Err.
	Rejected Outcome = "rejected"
)

// Result is the result of one row.
type Result struct {
	Outcome Outcome
	// SubscriberID is the id of the person's subscription, or 0 for a rejected row and where
	// Addition.WithoutIDs leaves it out.
	SubscriberID int64
	// ContactID is the id of the person, or 0 for a rejected row.
	ContactID int64
	// Err holds the faults of a rejected row, on the fields of Subscribe: email, ip and
	// fields.<id>. An instant outside the years 1000 to 9999 is a fault on subscribedAt or
	// optedInAt, reason "instant_out_of_range".
	Err error
}

// Add adds up to MaxRows people to a list, in one transaction. The number of statements does not
// depend on the number of rows. It returns the result of each row, in their order. An invalid row
// does not affect the others: it is rejected with the faults of Subscribe. If an earlier row has
// the same address, the row is rejected with Conflict on email, reason "subscriber_repeated".
// People who are subscribed again are changed as in Subscribe.
//
// A list of another account is NotFound on listId, reason "list_not_found". More than MaxRows rows
// are Invalid on rows, reason "too_many_rows". A second call with the same idempotency key within
// one day writes nothing: the rows that the first call added get the result Added, and all others
// get a result by their current state on the list.
func (s *Service) Add(ctx context.Context, in Addition, idempotencyKey *string) ([]Result, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(in.Rows) > MaxRows {
		return nil, apperr.InvalidField(
			"rows", apperr.ReasonTooManyRows, "%d rows, at most %d are allowed", len(in.Rows), MaxRows,
		)
	}
	now := store.Truncate(s.now())
	var results []Result
	// The stored result of the idempotency key is the instant: subscribers created at this instant
	// were added by the first call.
	var at int64
	var replayed bool
	// TxLatest takes no gap locks, so that concurrent calls can insert people between those of this
	// call.
	err := s.db.TxLatest(ctx, func(ctx context.Context) (err error) {
		at, replayed, err = idempotency.Do(
			ctx, s.db, now, "addSubscribers", idempotencyKey, in,
			func(ctx context.Context) (int64, error) {
				b, err := s.batch(ctx, in, now)
				if err != nil {
					return 0, err
				}
				if err := b.write(ctx); err != nil {
					return 0, err
				}
				if err := b.hold(ctx); err != nil {
					return 0, onField(err, "listId")
				}
				results = b.results
				return now.UnixMicro(), nil
			},
		)
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

// batch is the state of one call of Add.
type batch struct {
	*Service
	list     *ent.SubscriberList
	now      time.Time
	options  Addition
	rows     []entry
	present  map[string]*ent.Subscriber
	results  []Result
	position map[string]int
	// looks says that write first looks up who of the rows is on the list. Otherwise it inserts them,
	// and looks only if the database reports a duplicate, as imports are mostly of new people.
	looks bool
	// contacts are the contacts of the rows, by the key of the address.
	contacts map[string]*ent.Contact
	// written are the values that were written.
	written []personValue
}

// batch checks the rows.
func (s *Service) batch(ctx context.Context, in Addition, now time.Time) (*batch, error) {
	b := &batch{
		Service: s, now: now, options: in, results: make([]Result, len(in.Rows)),
		position: make(map[string]int, len(in.Rows)),
	}
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
		if first, repeated := b.position[e.address.Key]; repeated && err == nil {
			err = &apperr.Error{
				Code: apperr.Conflict, Field: "email", Reason: apperr.ReasonSubscriberRepeated,
				Message: fmt.Sprintf("row %d has the same address", first),
			}
		}
		if err != nil {
			b.results[i] = Result{Outcome: Rejected, Err: err}
			continue
		}
		b.position[e.address.Key] = i
		b.rows = append(b.rows, e)
	}
	return b, nil
}

// hold locks the list, and the fields whose values were written, until the transaction ends. The
// locks are shared, so that concurrent calls can write to the same list. If the list was deleted, the call
// fails. If the list was changed, the transaction runs again.
func (b *batch) hold(ctx context.Context) error {
	now, err := b.Service.list(ctx, b.list.ID, store.Share)
	if err != nil {
		return err
	}
	if now.DoubleOptIn != b.list.DoubleOptIn {
		return store.ErrStale
	}
	return b.holdFields(ctx, b.written)
}

// readRow checks one row. The entry has its key even if other parts of the row are invalid.
func readRow(row Row, fields []*ent.CustomField) (entry, error) {
	var faults apperr.Faults
	e := entry{subscribedAt: row.SubscribedAt, optedInAt: row.OptedInAt}
	e.address = readAddress(&faults, row.Email)
	e.ip = readIP(&faults, row.IP)
	readInstant(&faults, "subscribedAt", row.SubscribedAt)
	readInstant(&faults, "optedInAt", row.OptedInAt)
	var err error
	e.values, err = readValues(fields, row.Fields, false)
	faults.Add(err)
	return e, faults.Err()
}

// readInstant adds a fault for an instant that not every database can store.
func readInstant(faults *apperr.Faults, field string, at *time.Time) {
	if at != nil && (at.UTC().Year() < firstYear || at.UTC().Year() > lastYear) {
		faults.Add(apperr.InvalidField(
			field, apperr.ReasonInstantOutOfRange, "must be in the years %d to %d", firstYear, lastYear,
		))
	}
}

// again returns the results of an addition that was already written at the given instant.
func (s *Service) again(ctx context.Context, in Addition, at time.Time) ([]Result, error) {
	var b *batch
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if b, err = s.batch(ctx, in, at); err != nil {
			return err
		}
		b.present, err = s.onList(ctx, b.list.ID, b.rows)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, e := range b.rows {
		switch p := b.present[e.address.Key]; {
		case p == nil: // deleted or moved to another address since then
			b.note(e, Exists, 0, 0)
		case p.CreatedAt.Equal(at):
			b.note(e, Added, p.ID, p.ContactID)
		case p.Status == kind.SubscriberUnsubscribed:
			b.note(e, Left, p.ID, p.ContactID)
		default:
			b.note(e, Exists, p.ID, p.ContactID)
		}
	}
	return b.results, nil
}

// onField sets the input field of an error that comes from a domain without a field.
func onField(err error, field string) error {
	if all := apperr.All(err); len(all) == 1 && all[0].Field == "" {
		named := *all[0]
		named.Field = field
		return &named
	}
	return err
}
