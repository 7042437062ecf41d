// Package campaign owns campaigns: their state machine, the rules of creating, changing, copying and deleting them, their history, what they
// still lack before they can be sent, and how they are filtered, ordered and counted. It knows nothing of GraphQL or of the Command bridge:
// both call the same methods with the same inputs. Accounts are kept apart by the store, below it.
package campaign

import (
	"context"
	"time"

	"campaignql/ent"
	"campaignql/internal/audience"
	"campaignql/internal/purge"
	"campaignql/internal/store"
)

// Emails is what the domain needs of the content of mailings.
type Emails interface {
	// Copy makes a copy of an email in the running transaction and returns it.
	Copy(ctx context.Context, id int64) (*ent.Email, error)
}

// Service answers for campaigns. Its methods may be called from many goroutines.
type Service struct {
	db     *store.Store
	emails Emails
	now    func() time.Time
	// checkAudience is that of Options.
	checkAudience func(ctx context.Context, ownerID int64, a audience.Audience) error
	purges        *purge.Service
}

// Options are the settings of a Service; the zero value is ready.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
	// CheckAudience reports why an audience could not be evaluated for an account, on the field "audience". It is called in the transaction that is to keep the
	// audience, after all that it names was found to be the account's. Only the domain of evaluating can tell; without it every such audience is kept.
	CheckAudience func(ctx context.Context, ownerID int64, a audience.Audience) error
	// Purges takes what deleted campaigns leave behind; one of its own otherwise, which a server hears of later.
	Purges *purge.Service
}

// New returns the service over a database.
func New(db *store.Store, emails Emails, opts Options) *Service {
	now := store.Now
	if opts.Now != nil {
		now = func() time.Time { return store.Truncate(opts.Now()) }
	}
	if opts.CheckAudience == nil {
		opts.CheckAudience = func(context.Context, int64, audience.Audience) error { return nil }
	}
	if opts.Purges == nil {
		opts.Purges = purge.New(db)
	}
	return &Service{db: db, emails: emails, now: now, checkAudience: opts.CheckAudience, purges: opts.Purges}
}

// Now returns the present instant by the service's clock.
func (s *Service) Now() time.Time { return s.now() }
