// Package subscriber owns who is on a list: how an address gets onto it and leaves it, what is
// known of a person in custom fields, and which people of a list are chosen by their state or by a
// segment, whose rules another evaluates. It must not know how a campaign is sent or counted; who
// leaves because of one is told to a Counter.
package subscriber

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entlist "campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/store"
)

// Counter counts for campaigns.
type Counter interface {
	// Unsubscribed counts, in the running transaction, that a subscriber left because of a campaign
	// of the account, or returns NotFound, reason "campaign_not_found", when the account has no
	// such campaign.
	Unsubscribed(ctx context.Context, ownerID, campaignID, subscriberID int64, at time.Time) error
}

// Rules evaluates the rules of segments.
type Rules interface {
	// Members returns a condition on the rows of a SELECT over subscribers, or several of them:
	// they are on the segment's list and its rules hold. It reads the id, user_id, list_id and
	// rules of the segment, which the caller sees.
	Members(ctx context.Context, segment *ent.Segment) (func(*sql.Selector), error)
}

// Options are the settings of a Service. The zero value takes the defaults.
type Options struct {
	// Now is the clock; store.Now otherwise.
	Now func() time.Time
}

// Service holds the rules of subscribers. Its methods may be used from many goroutines. Each acts
// for the caller of its context, and needs the scope read to read and write to write. A list of
// another account is NotFound, reason "list_not_found", exactly as one that does not exist; what an
// admin does on the list of an account belongs to that account.
//
// An address is on a list once, without regard to case: kind.Fold decides whether two addresses are
// the same.
type Service struct {
	db      *store.Store
	counter Counter
	rules   Rules
	now     func() time.Time
}

// New returns the service over an open database.
func New(db *store.Store, counter Counter, rules Rules, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	return &Service{db: db, counter: counter, rules: rules, now: opts.Now}
}

// list reads what the rules need of a list that somebody enters. Nobody enters a list while it is
// deleted: it is to be locked before the end of the transaction.
func (s *Service) list(ctx context.Context, id int64, modifiers ...func(*sql.Selector)) (*ent.SubscriberList, error) {
	query := s.db.Client(ctx).SubscriberList.Query().Where(entlist.ID(id))
	query.Modify(modifiers...)
	found, err := query.Select(entlist.FieldID, entlist.FieldUserID, entlist.FieldDoubleOptIn).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, apperr.NotFoundf("list")
	}
	return found, err
}
