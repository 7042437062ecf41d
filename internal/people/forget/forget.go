// Package forget forgets people who ask for it: it has each domain delete what it knows of the
// person, in one transaction. It writes no table itself.
package forget

import (
	"context"
	"maps"
	"slices"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/suppression"
	"campaignql/internal/purge"
	"campaignql/internal/store"
)

// MaxContacts is the maximum number of contacts in one call.
const MaxContacts = 250

// Contacts are the people. The methods act in the running transaction.
type Contacts interface {
	// Lock returns contacts by their ids, and locks them. A contact that is gone is absent.
	Lock(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Contact, error)
	// Forget forgets who locked contacts without subscriptions are, and returns those that stay as
	// numbers, because events name them.
	Forget(ctx context.Context, ids []int64) (stay []int64, err error)
}

// Subscriptions are the subscriptions of people.
type Subscriptions interface {
	// Forget deletes every subscription of locked contacts.
	Forget(ctx context.Context, contactIDs []int64) error
}

// Suppressions are the addresses that get no mail.
type Suppressions interface {
	// Forget deletes the suppressions of people. With keep a digest of each address stays suppressed.
	Forget(ctx context.Context, people []suppression.Address, keep bool) error
}

// Runs are the sendings of campaigns to people.
type Runs interface {
	// Forget removes what mail servers said of contacts of accounts.
	Forget(ctx context.Context, owners, contactIDs []int64) error
}

// Purges note what is forgotten later, because there may be much of it.
type Purges interface {
	Note(ctx context.Context, what kind.Deleted, left []purge.Left) error
	Committed()
}

// Services are the domains that know something of people.
type Services struct {
	Contacts      Contacts
	Subscriptions Subscriptions
	Suppressions  Suppressions
	Runs          Runs
	Purges        Purges
}

// Service forgets people. Its methods are safe for concurrent use.
type Service struct {
	db *store.Store
	of Services
}

// New returns a Service for an open database.
func New(db *store.Store, services Services) *Service { return &Service{db: db, of: services} }

// Options say what of a person is forgotten.
type Options struct {
	// Suppression forgets that the address is suppressed. By default a digest of the address stays
	// suppressed, also if the address itself was not: if it is entered again, no mail is sent to it.
	Suppression bool
}

// Forget forgets contacts, all or nothing: the address, every subscription with its values and tags,
// and what their events tell of the person. The events stay counted; a contact that events name
// stays as a number without an address. Events lose the person in the background, in package purge,
// because there may be very many. Forget returns the ids of the contacts that it forgot, in
// ascending order. It ignores ids that the caller does not have, and contacts whose address is not
// known any more: of concurrent callers exactly one forgets a contact.
//
// The caller needs the scope write. More than MaxContacts ids are Invalid on ids, reason
// "too_many_ids". Without a secret of the installation, only Options.Suppression forgets anybody:
// otherwise the error is a Conflict, reason "secret_required".
func (s *Service) Forget(ctx context.Context, ids []int64, opts Options) (forgotten []int64, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(ids) > MaxContacts {
		return nil, apperr.InvalidField(
			"ids", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), MaxContacts,
		)
	}
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		// Contacts are locked before everything else of theirs, as by those who record events.
		locked, err := s.of.Contacts.Lock(
			ctx, ids, entcontact.FieldID, entcontact.FieldUserID, entcontact.FieldEmailKey,
		)
		if err != nil {
			return err
		}
		maps.DeleteFunc(locked, func(_ int64, c *ent.Contact) bool { return c.EmailKey == nil })
		if forgotten = slices.Sorted(maps.Keys(locked)); len(forgotten) == 0 {
			return nil
		}
		return s.forget(ctx, locked, forgotten, opts)
	})
	if err != nil {
		return nil, err
	}
	if len(forgotten) > 0 {
		s.of.Purges.Committed()
	}
	return forgotten, nil
}

func (s *Service) forget(ctx context.Context, locked map[int64]*ent.Contact, ids []int64, opts Options) error {
	if err := s.of.Subscriptions.Forget(ctx, ids); err != nil {
		return err
	}
	people := make([]suppression.Address, len(ids))
	var owners []int64
	for i, id := range ids {
		people[i] = suppression.Address{OwnerID: locked[id].UserID, Key: *locked[id].EmailKey}
		owners = append(owners, locked[id].UserID)
	}
	if err := s.of.Runs.Forget(ctx, store.Distinct(owners), ids); err != nil {
		return err
	}
	if err := s.of.Suppressions.Forget(ctx, people, !opts.Suppression); err != nil {
		return err
	}
	stay, err := s.of.Contacts.Forget(ctx, ids)
	if err != nil {
		return err
	}
	left := make([]purge.Left, len(stay))
	for i, id := range stay {
		left[i] = purge.Left{OwnerID: locked[id].UserID, ID: id}
	}
	return s.of.Purges.Note(ctx, kind.DeletedContact, left)
}
