package subscriber

import (
	"context"
	"slices"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/store"
)

// Unreachable is a reason why no mail is sent to a person, whatever the status of the subscription.
type Unreachable string

const (
	// UnreachableBounced means that mail to the address came back for good. A confirmation by the
	// person, or the owner, makes the address deliverable again.
	UnreachableBounced Unreachable = "hard_bounced"
	// UnreachableInvalid means that the address is from before the present rules of addresses.
	UnreachableInvalid Unreachable = "invalid"
	// UnreachableSuppressed means that the address is on the account's suppression list.
	UnreachableSuppressed Unreachable = "suppressed"
)

// undeliverable are the states of a contact to which no mail is sent.
var undeliverable = []kind.BounceType{kind.BounceHard, kind.BounceInvalid}

// Unreachable returns why no mail is sent to contacts, in up to two statements per 5,000 contacts.
// Those to whom mail is sent when they are subscribed are absent. It is the answer to a sign-up and
// requires the scope write. An account without any such address costs two statements, however many
// contacts are asked for.
func (s *Service) Unreachable(ctx context.Context, contactIDs []int64) (map[int64][]Unreachable, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	found := map[int64][]Unreachable{}
	if some, err := s.anyUnreachable(ctx); err != nil || !some {
		return found, store.Translate(err)
	}
	for some := range slices.Chunk(contactIDs, MaxRows) {
		of, err := s.contactsOf(ctx, some).
			Where(entcontact.Or(entcontact.DeliverabilityIn(undeliverable...), contact.Suppressed)).
			Select(entcontact.FieldID, entcontact.FieldDeliverability).All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		if len(of) == 0 {
			continue
		}
		all := make([]int64, len(of))
		for i, c := range of {
			all[i] = c.ID
			switch c.Deliverability {
			case kind.BounceInvalid:
				found[c.ID] = append(found[c.ID], UnreachableInvalid)
			case kind.BounceHard:
				found[c.ID] = append(found[c.ID], UnreachableBounced)
			}
		}
		listed, err := s.contactsOf(ctx, all).Where(contact.Suppressed).IDs(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, id := range listed {
			found[id] = append(found[id], UnreachableSuppressed)
		}
	}
	return found, nil
}

// anyUnreachable reports whether the account has addresses to which no mail is sent at all.
func (s *Service) anyUnreachable(ctx context.Context) (bool, error) {
	client := s.db.Client(ctx)
	some, err := client.Contact.Query().Where(entcontact.DeliverabilityIn(undeliverable...)).Exist(ctx)
	if err != nil || some {
		return some, err
	}
	return client.Suppression.Query().Exist(ctx)
}

func (s *Service) contactsOf(ctx context.Context, ids []int64) *ent.ContactQuery {
	return s.db.Client(ctx).Contact.Query().Where(entcontact.IDIn(ids...))
}
