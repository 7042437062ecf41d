// Package event owns what happened to the recipients of campaigns: which events are accepted, that
// each event is recorded once, which counters it changes, how it changes contacts and their
// subscriptions, and how the counters are recomputed. It must not know GraphQL or HTTP, or how the numbers are displayed.
//
// A transaction locks the row of a campaign before it changes the counters of that campaign. The
// effects of an event are therefore computed from the events already counted and from those of the
// batch, and concurrent calls cannot change the result.
package event

import (
	"context"
	"sync/atomic"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/store"
)

// MaxEvents is the maximum number of events in one call of Record.
const MaxEvents = 5000

// Options are the settings of a Service. The zero value selects the defaults.
type Options struct {
	// Now is the clock. Default store.Now.
	Now func() time.Time
	// SoftBounceLimit is how many campaigns in a row may end in a soft bounce before nothing is sent
	// to the contact any more. Default DefaultSoftBounceLimit.
	SoftBounceLimit int
}

// People are the contacts of events. The methods act in the running transaction.
type People interface {
	// Lock returns contacts by their ids, and locks them. Hold locks them too, but other
	// transactions may hold the same contacts. A contact that is gone is absent.
	Lock(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Contact, error)
	Hold(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Contact, error)
	// Mark changes whether mail can be delivered to locked contacts.
	Mark(ctx context.Context, states map[int64]contact.State) error
	// SetDeliverability sets the deliverability of a contact because its owner said so. With
	// kind.BounceNone the bounces that are recorded no longer count.
	SetDeliverability(ctx context.Context, contactID int64, to kind.BounceType) error
}

// Subscriptions ends subscriptions because of events, in the running transaction, and knows which
// of them were merged.
type Subscriptions interface {
	// Left unsubscribes subscribers from their lists, each at the given time.
	Left(ctx context.Context, when map[int64]time.Time) error
	// Survivors returns, for ids of merged subscriptions, the ids of those that stay.
	Survivors(ctx context.Context, ids []int64) (map[int64]int64, error)
}

// Suppressions suppresses addresses in the running transaction.
type Suppressions interface {
	// Left suppresses the addresses of people who want no more mail. Each entry has the account, the
	// address, its key, the reason and the time.
	Left(ctx context.Context, people []*ent.Suppression) error
}

// Services are the domains that events change.
type Services struct {
	People        People
	Subscriptions Subscriptions
	Suppressions  Suppressions
}

// Service records events. Its methods are safe for concurrent use, also by several servers on one
// database.
type Service struct {
	db              *store.Store
	people          People
	subscriptions   Subscriptions
	suppressions    Suppressions
	now             func() time.Time
	softBounceLimit int
	// received counts the events of this process by outcome, for metrics.
	received map[Outcome]*atomic.Int64
	// recountedAtOnce is how many events of a kind a recount reads per batch, unless one contact has
	// more.
	recountedAtOnce int
}

// New returns a service that uses an open database.
func New(db *store.Store, services Services, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	if opts.SoftBounceLimit == 0 {
		opts.SoftBounceLimit = DefaultSoftBounceLimit
	}
	received := map[Outcome]*atomic.Int64{
		Recorded: new(atomic.Int64), Duplicate: new(atomic.Int64), Rejected: new(atomic.Int64),
	}
	return &Service{
		db: db, people: services.People, subscriptions: services.Subscriptions, suppressions: services.Suppressions,
		now: opts.Now, softBounceLimit: opts.SoftBounceLimit, received: received, recountedAtOnce: 10_000,
	}
}

// Received returns how many events had this outcome since the process started.
func (s *Service) Received(outcome Outcome) int64 { return s.received[outcome].Load() }

// Event is something that happened to one recipient of a campaign, as the sender reports it.
type Event struct {
	// ID is the id that the sender chose. An id is recorded once per campaign.
	ID         string
	Kind       kind.EventKind
	CampaignID int64
	// SubscriberID, ContactID or Email is the recipient; the others are 0 or empty. Whichever is
	// given, the event belongs to the contact.
	SubscriberID, ContactID int64
	Email                   string
	// At is the time of the event, as RFC 3339 text.
	At string
	// URL is the clicked link, for clicks only. A URL that is no link is ignored.
	URL                   string
	Reason, UserAgent, IP string
	// Amount is the value of a conversion, in units of Currency.
	Amount   float64
	Currency string
	// Scope says what an unsubscription ends, for unsubscriptions only. The zero value is
	// kind.LeaveCampaign.
	Scope kind.LeaveScope
	// Sent is set by the built-in sender alone: what it knows of the mail.
	Sent *Sent
	// Fault is the error of a surface that could not read the event, or nil. An event with a Fault
	// is rejected with this error.
	Fault error
	// fit is the link of a URL that Fit has cut, or nil.
	fit *target
}

// Sent says which mail of the built-in sender an event is about. The event names a contact.
type Sent struct {
	RunID int64
	// Variation is that of the A/B test, or 0.
	Variation int64
	// SubscriberID is the subscription through which the mail came.
	SubscriberID int64
	// Lists are those that the audience of the run names: an unsubscription ends the subscriptions to
	// them. Nil means the lists of the campaign's audience as it is stored.
	Lists []int64
}

// Outcome is the result of recording an event.
type Outcome string

const (
	// Recorded means that the event is recorded and counted.
	Recorded Outcome = "recorded"
	// Duplicate means that the event was recorded before, or is earlier in the same batch.
	Duplicate Outcome = "duplicate"
	// Rejected means that the event cannot be recorded; see Result.Err.
	Rejected Outcome = "rejected"
)

// Result is the outcome of one event.
type Result struct {
	// ID is the id that the sender chose.
	ID      string
	Outcome Outcome
	// Err is why the event was rejected: Invalid with the field at fault, or NotFound if the
	// campaign or the person does not belong to the account.
	Err *apperr.Error
}

// Record records up to MaxEvents events with all their effects, in one transaction and a bounded
// number of statements. It returns the result of each event, in the order of the events. An invalid
// event is rejected without affecting the others. The caller needs the scope delivery. More than
// MaxEvents events are Invalid on the field events, reason "too_many_events".
//
// Record retries transactions that the database aborted. After any other error nothing is recorded,
// with one exception: if the connection was lost during the commit, everything may be recorded. The
// caller may therefore send the same events again after any error.
//
// Events are counted for the campaign, for the hour and for the mail domain. SENT, FAILED,
// DELIVERED, bounces and conversions count each time. Opens, clicks, forwards and views count each
// time, and the first one of a person also counts as unique. Unsubscriptions and complaints count
// once per person. A person who clicked without an open counts as one open in the hour of the first
// click. Automated opens and clicks have their own counters and change no others.
//
// UNSUBSCRIBED takes the contact off the lists of the campaign's audience and off the list of the
// subscriber that the event names, or with kind.LeaveAccount off all lists and suppresses the
// address. COMPLAINED takes the contact off all lists and suppresses the address. Both leave
// subscriptions that began or were confirmed after the event. HARD_BOUNCED makes the contact
// undeliverable, and so do soft bounces of Options.SoftBounceLimit campaigns in a row.
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
	recording := NewRecording()
	return s.db.TxLatest(ctx, func(ctx context.Context) error {
		return s.recordWithin(ctx, recording, read, results)
	})
}

func (s *Service) recordWithin(ctx context.Context, r *Recording, read []*entry, results []Result) error {
	b := &batch{Service: s, sql: s.sql(ctx), results: results, earlier: r.earlier}
	return b.record(ctx, read)
}

// Recording is what the attempts at a transaction with RecordWithin have learned.
type Recording struct{ earlier attempts }

// NewRecording returns the Recording of a transaction that was not tried yet.
func NewRecording() *Recording {
	return &Recording{attempts{softened: map[int64]bool{}, vanished: map[int64]bool{}}}
}

// RecordWithin is Record within a transaction of the caller, which must be one of store.TxLatest, and
// must be run again if the error is store.ErrStale. All its attempts share r. It locks contacts,
// subscriptions and campaigns, in this order. Events that cannot be recorded are left out: the
// campaign or the person is gone.
func (s *Service) RecordWithin(ctx context.Context, r *Recording, events []Event) error {
	if _, err := caller.Authorize(ctx, kind.ScopeDelivery); err != nil {
		return err
	}
	return s.recordAll(ctx, r, events)
}

// recordAll records events in the running transaction.
func (s *Service) recordAll(ctx context.Context, r *Recording, events []Event) error {
	if len(events) == 0 {
		return nil
	}
	results := make([]Result, len(events))
	read := s.read(events, results)
	if len(read) == 0 {
		return nil
	}
	return s.recordWithin(ctx, r, read, results)
}
