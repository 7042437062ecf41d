// Package event owns what happened to the recipients of campaigns: which events are accepted, that
// each is recorded once, what they count, what they do to people, and how the counters are computed
// anew. It knows nothing of GraphQL or HTTP, nor of how the numbers are shown.
//
// Whoever changes counters of a campaign has locked its row before: so all that follows from an
// event is worked out from events that have been counted and from those of the batch, whoever else
// is recording.
package event

import (
	"context"
	"sync/atomic"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// MaxEvents is the most events that one call of Record takes.
const MaxEvents = 5000

// Options are the settings of a Service. The zero value takes the defaults.
type Options struct {
	// Now is the clock; store.Now otherwise.
	Now func() time.Time
}

// People changes subscribers as events demand it, in the running transaction.
type People interface {
	// Bounced marks subscribers whose mail bounced for good.
	Bounced(ctx context.Context, ids []int64) error
	// Left takes subscribers off their lists, each at an instant.
	Left(ctx context.Context, when map[int64]time.Time) error
}

// Suppressions suppresses addresses in the running transaction.
type Suppressions interface {
	// Complained suppresses the addresses of people who complained: the account, the address, its
	// key and the instant of each.
	Complained(ctx context.Context, complaints []*ent.Suppression) error
}

// Service records events. Its methods may be used from many goroutines and by many servers at once.
type Service struct {
	db           *store.Store
	people       People
	suppressions Suppressions
	now          func() time.Time
	// received counts what came in, for metrics.
	received map[Outcome]*atomic.Int64
	// recountedAtOnce is how many events of a kind a recount reads at a time, unless one subscriber has more.
	recountedAtOnce int
}

// New returns the service over an open database.
func New(db *store.Store, people People, suppressions Suppressions, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	received := map[Outcome]*atomic.Int64{
		Recorded: new(atomic.Int64), Duplicate: new(atomic.Int64), Rejected: new(atomic.Int64),
	}
	return &Service{
		db: db, people: people, suppressions: suppressions, now: opts.Now, received: received, recountedAtOnce: 10_000,
	}
}

// Received returns of how many events this came since the start of the process.
func (s *Service) Received(outcome Outcome) int64 { return s.received[outcome].Load() }

// Event is something that happened to one recipient of a campaign, as its sender tells it.
type Event struct {
	// ID is the sender's own id: the same id of the same campaign is recorded once.
	ID         string
	Kind       kind.EventKind
	CampaignID int64
	// SubscriberID is the recipient, 0 where only Email, the address in any case, is known.
	SubscriberID int64
	Email        string
	// At is when it happened, in text of RFC 3339.
	At string
	// URL is the link of a click.
	URL                   string
	Reason, UserAgent, IP string
	// Amount is what a conversion is worth in units of Currency.
	Amount   float64
	Currency string
	// Fault, if not nil, is why the surface could not read the event: it is rejected with that.
	Fault error
}

// Outcome is what came of an event.
type Outcome string

const (
	// Recorded: is recorded and counted.
	Recorded Outcome = "recorded"
	// Duplicate: was recorded before, or stands earlier in the batch.
	Duplicate Outcome = "duplicate"
	// Rejected: cannot be recorded; see Result.Err.
	Rejected Outcome = "rejected"
)

// Result is what came of one event.
type Result struct {
	// ID is the sender's own.
	ID      string
	Outcome Outcome
	// Err is why an event was rejected: Invalid with the field at fault, or NotFound for a campaign
	// or a subscriber that is not the account's.
	Err *apperr.Error
}

// Record records up to MaxEvents events with all that follows from them, in one transaction and a
// bounded number of statements, and tells what came of each, in their order. An event that cannot
// be recorded is rejected by itself. The caller needs the scope delivery; over MaxEvents are
// Invalid on events, reason "too_many_events". What the database broke off runs again inside; after
// any other error nothing is recorded, or all of it where the connection was lost at the end, so
// that the same events may be sent again in any case.
//
// Counted are, for the campaign, the hour and the mail domain: SENT, FAILED, DELIVERED, bounces and
// conversions each time; opens, clicks, forwards and views each time and, at the first, each
// person; unsubscriptions and complaints each person. Whoever clicked and has no open counts as one
// open in the hour of the first click. Opens and clicks of machines count as such alone.
//
// At or after the person subscribed and confirmed it, UNSUBSCRIBED and COMPLAINED take the
// subscriber off the list, and COMPLAINED suppresses the address. HARD_BOUNCED marks the
// subscriber.
func (s *Service) Record(ctx context.Context, events []Event) ([]Result, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeDelivery); err != nil {
		return nil, err
	}
	if len(events) > MaxEvents {
		return nil, apperr.InvalidField(
			"events", apperr.ReasonTooManyEvents, "%d events, at most %d are allowed", len(events), MaxEvents,
		)
	}
	results := make([]Result, len(events))
	read := s.read(events, results)
	err := s.record(ctx, read, results)
	if err != nil {
		return nil, err
	}
	for _, result := range results {
		s.received[result.Outcome].Add(1)
	}
	return results, nil
}

func (s *Service) record(ctx context.Context, read []*entry, results []Result) error {
	if len(read) == 0 {
		return nil
	}
	return s.db.TxLatest(ctx, func(ctx context.Context) error {
		b := &batch{Service: s, sql: s.sql(ctx), results: results}
		return b.record(ctx, read)
	})
}
