// Package subscriber owns subscriptions, the members of lists: how an address is added to a list and
// removed from it, the custom field values of people, and the selection of a list's people by state
// or by a segment. The person behind a subscription is a contact, which package contact owns. Another
// package evaluates rules. The package must not know how a campaign is sent or counted: it reports
// unsubscriptions because of a campaign to a Counter.
package subscriber

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entlist "campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// Contacts are the people behind subscriptions.
type Contacts interface {
	// Lock returns contacts by their ids, and locks them in the running transaction, in the order of
	// their ids. A contact that is gone is absent.
	Lock(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Contact, error)
	// Enter returns the contacts of an account with the given addresses, by the key of the address,
	// and makes the missing ones. It locks them in the running transaction. The contacts have id and
	// deliverability.
	Enter(ctx context.Context, ownerID int64, addresses []address.Address) (map[string]*ent.Contact, error)
	// Known returns the id of the contact of an account with the key of an address, if there is one. It
	// takes no lock.
	Known(ctx context.Context, ownerID int64, key string) ([]int64, error)
	// SetDeliverability sets the deliverability of a contact in the running transaction.
	SetDeliverability(ctx context.Context, contactID int64, to kind.BounceType) error
	// Confirmed makes contacts deliverable again, in the running transaction, because the people
	// confirmed a subscription at the given instants, unless their mail came back since. The caller
	// must have locked the contacts.
	Confirmed(ctx context.Context, when map[int64]time.Time) error
	// Copy repeats the deliverability of contacts in their subscriptions, in the running transaction.
	Copy(ctx context.Context, contactIDs []int64, to kind.BounceType) error
	// Rename shows the address of a contact in another spelling.
	Rename(ctx context.Context, contactID int64, email string) error
	// Moved notes that a subscription has moved away from a contact, and drops the contact if nothing
	// remembers it.
	Moved(ctx context.Context, subscriberID, from int64) error
	// Former returns the contacts from which a subscription has moved away. It takes no lock.
	Former(ctx context.Context, subscriberID int64) ([]int64, error)
	// Drop deletes those of the contacts, in the running transaction, that nothing remembers.
	Drop(ctx context.Context, contactIDs []int64) error
}

// Counter updates the statistics of campaigns.
type Counter interface {
	// Unsubscribed counts, in the running transaction, that a person unsubscribed through a
	// subscription because of a campaign of the account. It returns the lists of the campaign's
	// audience, and the contact to whom the campaign was sent: a former one of the subscription, if it
	// has moved since. It returns NotFound, reason "campaign_not_found", if the account has no such
	// campaign.
	Unsubscribed(
		ctx context.Context, campaignID int64, of *ent.Subscriber, at time.Time,
	) (lists []int64, contactID int64, err error)
}

// Rules evaluates rules about people.
type Rules interface {
	// Members returns a condition on the rows of a SELECT on subscribers. It may be used in several
	// SELECTs. The condition is true if the subscriber is on the segment's list and matches its
	// rules. Members reads the id, user_id, list_id and rules of the segment, which the caller can
	// see.
	Members(ctx context.Context, segment *ent.Segment) (func(*sql.Selector), error)
	// Matching is Members for rules that are not saved, of people on a list. It reads the id and the
	// user_id of the list.
	Matching(ctx context.Context, list *ent.SubscriberList, where rules.Group) (func(*sql.Selector), error)
}

// Options are the settings of a Service. The zero value uses the defaults.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
}

// Service implements the rules of subscribers. Its methods are safe for concurrent use. Each method
// acts for the caller in its context, and requires the scope read to read and write to write. A
// list of another account is NotFound, reason "list_not_found", exactly like a list that does not
// exist. What an admin creates on the list of an account belongs to that account.
//
// A contact is on a list only once: package address decides whether two addresses are equal.
type Service struct {
	db       *store.Store
	contacts Contacts
	counter  Counter
	rules    Rules
	now      func() time.Time
}

// New returns a Service for an open database.
func New(db *store.Store, contacts Contacts, counter Counter, rules Rules, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	return &Service{db: db, contacts: contacts, counter: counter, rules: rules, now: opts.Now}
}

// list reads the settings of a list that a person enters. The caller must also lock the list before
// the end of the transaction, so that nobody enters a list that is being deleted.
func (s *Service) list(ctx context.Context, id int64, modifiers ...func(*sql.Selector)) (*ent.SubscriberList, error) {
	query := s.db.Client(ctx).SubscriberList.Query().Where(entlist.ID(id))
	query.Modify(modifiers...)
	found, err := query.Select(entlist.FieldID, entlist.FieldUserID, entlist.FieldDoubleOptIn).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, apperr.NotFoundf("list")
	}
	return found, err
}
