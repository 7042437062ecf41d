package subscriber

import (
	"context"
	"maps"
	"slices"
	"time"

	"campaignql/ent"
	"campaignql/ent/predicate"
	entsubscriber "campaignql/ent/subscriber"
	entlist "campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// Leaving unsubscribes people from lists, as the legacy command Subscriber.Unsubscribe names them.
type Leaving struct {
	// ListIDs are the lists, at least one.
	ListIDs []int64
	// Email is the address of the person, or SubscriberID a subscription with that address. Email
	// counts if both are given.
	Email        string
	SubscriberID int64
	// CampaignID is as in Unsubscription.
	CampaignID int64
	// Rules, if not blank, are rules as Removal has them. They choose the people instead of Email and
	// SubscriberID, and no campaign counts them.
	Rules, Operator string
	// Preview changes nothing, and returns the same errors.
	Preview bool
}

// Leave unsubscribes one person from those of the lists on which the person is, in one transaction, or
// all people for whom the rules hold, 500 in a transaction.
//
// A list of another account is NotFound, reason "list_not_found". An address that is on none of the
// lists is NotFound, reason "subscriber_not_found", and one that is malformed too is Invalid on email,
// reason "subscriber_address_invalid". A person who has left all of the lists already is a Conflict,
// reason "not_subscribed". Faults of the rules are those of DeleteFrom; that they hold for nobody is
// none.
func (s *Service) Leave(ctx context.Context, in Leaving) error {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return err
	}
	if in.Rules != "" {
		return s.leaveByRules(ctx, in)
	}
	now := store.Truncate(s.now())
	return s.db.TxLatest(ctx, func(ctx context.Context) error {
		rows, err := s.leaving(ctx, in)
		if err != nil || in.Preview {
			return err
		}
		ended := 0
		for _, row := range rows {
			one := Unsubscription{ListID: row.ListID, Email: row.Email, CampaignID: in.CampaignID}
			_, err := s.unsubscribe(ctx, one, row.EmailKey, now)
			switch {
			case err == nil:
				ended++
			case !left(err): // the person may have left the list with another one, because of the campaign
				return err
			}
		}
		if ended == 0 { // concurrent calls were faster
			return notSubscribed()
		}
		return nil
	})
}

// left reports whether an error says that the person is not on the list any more.
func left(err error) bool {
	all := apperr.All(err)
	return len(all) == 1 && all[0].Reason == apperr.ReasonNotSubscribed
}

// leaving returns the subscriptions that a person would end, in ascending order of their lists.
func (s *Service) leaving(ctx context.Context, in Leaving) ([]*ent.Subscriber, error) {
	if err := s.haveLists(ctx, in.ListIDs); err != nil {
		return nil, err
	}
	key := address.Key(in.Email)
	if in.Email == "" {
		found, err := finding(ctx, s, []int64{in.SubscriberID}, func(ids []int64) (map[int64]*ent.Subscriber, error) {
			return store.ByIDs(
				ctx, ids, []string{entsubscriber.FieldEmailKey}, func(row *ent.Subscriber) int64 { return row.ID },
				func(some ...int64) *ent.SubscriberQuery {
					return s.db.Client(ctx).Subscriber.Query().Where(entsubscriber.IDIn(some...))
				},
			)
		})
		if err != nil {
			return nil, err
		}
		if found[in.SubscriberID] == nil {
			return nil, apperr.NotFoundf("subscriber")
		}
		key = found[in.SubscriberID].EmailKey
	}
	rows, err := s.db.Client(ctx).Subscriber.Query().
		Where(entsubscriber.ListIDIn(in.ListIDs...), entsubscriber.EmailKey(key)).
		Order(ent.Asc(entsubscriber.FieldListID)).
		Select(
			entsubscriber.FieldListID, entsubscriber.FieldEmail, entsubscriber.FieldEmailKey, entsubscriber.FieldStatus,
		).All(ctx)
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		// Old addresses that the parser refuses can be on a list: they must be able to leave it.
		if _, err := address.Parse(in.Email); in.Email != "" && err != nil {
			return nil, apperr.InvalidField("email", apperr.ReasonSubscriberAddressInvalid, "%v", err)
		}
		return nil, apperr.NotFoundf("subscriber")
	}
	rows = slices.DeleteFunc(rows, func(r *ent.Subscriber) bool { return r.Status == kind.SubscriberUnsubscribed })
	if len(rows) == 0 {
		return nil, notSubscribed()
	}
	return rows, nil
}

// haveLists returns NotFound unless the caller has all of the lists.
func (s *Service) haveLists(ctx context.Context, ids []int64) error {
	ids = store.Distinct(ids)
	n, err := s.db.Client(ctx).SubscriberList.Query().Where(entlist.IDIn(ids...)).Count(ctx)
	if err != nil {
		return err
	}
	if n < len(ids) || n == 0 {
		return apperr.NotFoundf("list")
	}
	return nil
}

// leaveByRules unsubscribes all people on the lists for whom the rules hold. It checks the rules for
// all lists before anybody leaves.
func (s *Service) leaveByRules(ctx context.Context, in Leaving) error {
	which := make([][]predicate.Subscriber, 0, len(in.ListIDs))
	for _, id := range in.ListIDs {
		of, err := s.removal(ctx, Removal{ListID: id, Rules: in.Rules, Operator: in.Operator})
		if err != nil {
			return err
		}
		which = append(which, append(of, entsubscriber.StatusNEQ(kind.SubscriberUnsubscribed)))
	}
	if in.Preview {
		return nil
	}
	now := store.Truncate(s.now())
	for _, of := range which {
		for after, more := int64(0), true; more; {
			ids, err := s.matching(ctx, of, after)
			if err != nil {
				return err
			}
			for some := range slices.Chunk(ids, changedAtOnce) {
				if err := s.leaveSome(ctx, of, some, now); err != nil {
					return err
				}
			}
			if more = len(ids) == selectedAtOnce; more {
				after = ids[len(ids)-1]
			}
		}
	}
	return nil
}

// leaveSome unsubscribes those subscribers for whom the conditions are true, in one transaction.
func (s *Service) leaveSome(ctx context.Context, which []predicate.Subscriber, ids []int64, now time.Time) error {
	return s.db.TxLatest(ctx, func(ctx context.Context) error {
		found, err := s.lockWithContacts(ctx, which, ids, nil, entsubscriber.FieldID, entsubscriber.FieldContactID)
		if err != nil {
			return err
		}
		when := make(map[int64]time.Time, len(found))
		for row := range maps.Values(found) {
			when[row.ID] = now
		}
		return s.Left(ctx, when)
	})
}
