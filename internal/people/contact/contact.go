// Package contact owns the people of an account: one contact for each address, whatever lists it is
// on. What is true of the person stands here: the address, and whether mail can be delivered to it.
// Events and suppressions belong to the contact too. What is true of one list, such as the status
// and the values of custom fields, belongs to the subscription, see package subscriber.
package contact

import (
	"context"
	"time"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/people/suppression"
	"campaignql/internal/store"
)

// Options are the settings of a Service. The zero value uses the defaults.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
	// Forgotten recognizes the addresses of people who were forgotten. By default it knows no secret,
	// so that no address can be entered into an account that has forgotten some.
	Forgotten Forgotten
}

// Forgotten recognizes the addresses of people who were forgotten.
type Forgotten interface {
	// Restore suppresses, in the running transaction, those of the addresses that the account has
	// forgotten.
	Restore(ctx context.Context, ownerID int64, addresses []address.Address) error
}

// Service implements the rules of contacts. Its methods are safe for concurrent use. Each method
// acts for the caller in its context, and requires the scope read to read and write to write. A
// contact of another account is NotFound, reason "contact_not_found", exactly like a contact that
// does not exist.
type Service struct {
	db        *store.Store
	now       func() time.Time
	forgotten Forgotten
}

// New returns a Service for an open database.
func New(db *store.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	if opts.Forgotten == nil {
		opts.Forgotten = suppression.New(db, suppression.Options{Now: opts.Now})
	}
	return &Service{db: db, now: opts.Now, forgotten: opts.Forgotten}
}

// Get returns the contact with the given id.
func (s *Service) Get(ctx context.Context, id int64, columns ...string) (*ent.Contact, error) {
	found, err := s.ByIDs(ctx, []int64{id}, columns...)
	if err != nil {
		return nil, err
	}
	if found[id] == nil {
		return nil, apperr.NotFoundf("contact")
	}
	return found[id], nil
}

// ByIDs returns the contacts with the given ids, in one statement per 5,000 ids. An id that the
// caller does not have is absent. Without columns it selects all columns.
func (s *Service) ByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Contact, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return store.ByIDs(
		ctx, ids, columns, func(row *ent.Contact) int64 { return row.ID },
		func(some ...int64) *ent.ContactQuery {
			return s.db.Client(ctx).Contact.Query().Where(entcontact.IDIn(some...))
		},
	)
}
