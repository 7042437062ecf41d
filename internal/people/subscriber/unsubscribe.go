package subscriber

import (
	"context"
	"slices"
	"time"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	entsubscriber "campaignql/ent/subscriber"
	entlist "campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

// Unsubscription unsubscribes an address from a list.
type Unsubscription struct {
	ListID int64
	// Email is the address in any spelling with the same key.
	Email string
	// CampaignID is the campaign because of which the person unsubscribes, or 0. The campaign
	// counts it once. If the list is one of the campaign's audience, the person is unsubscribed
	// from all lists of that audience, so that the campaign does not find the person again. A
	// campaign that the account does not have counts nothing.
	CampaignID int64
}

// Departure is the result of an unsubscription.
type Departure struct {
	// Subscriber is the subscription to the list, after the change.
	Subscriber *ent.Subscriber
	// Lists are the ids of the lists that the person left by it, in ascending order: those on which
	// the person was subscribed or pending before.
	Lists []int64
}

// Unsubscribe unsubscribes an address from a list (legacy Subscriber.Unsubscribe), even if it was
// still pending. The row stays, with all data of the person, and the campaign counts the
// unsubscription in the same transaction.
//
// A list of another account is NotFound, reason "list_not_found". An address that is not on the
// list, or has already unsubscribed, is a Conflict, reason "not_subscribed". Of concurrent calls
// exactly one unsubscribes the address.
func (s *Service) Unsubscribe(ctx context.Context, in Unsubscription) (*Departure, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	key, now := address.Key(in.Email), store.Truncate(s.now())
	var left *Departure
	err := s.db.TxLatest(ctx, func(ctx context.Context) (err error) {
		left, err = s.unsubscribe(ctx, in, key, now)
		return err
	})
	if err != nil {
		return nil, err
	}
	return left, nil
}

// unsubscribe is Unsubscribe within a transaction, for the key of an address.
func (s *Service) unsubscribe(ctx context.Context, in Unsubscription, key string, now time.Time) (*Departure, error) {
	found, others, err := s.lockAddress(ctx, in, key)
	if err != nil {
		return nil, err
	}
	if found.Status == kind.SubscriberUnsubscribed {
		return nil, notSubscribed()
	}
	left := &Departure{Subscriber: found, Lists: []int64{in.ListID}}
	going := []*ent.Subscriber{found}
	if in.CampaignID != 0 {
		lists, reached, err := s.counter.Unsubscribed(ctx, in.CampaignID, found, now)
		// A person can always unsubscribe, even if the link names a campaign that no longer exists.
		if err != nil && apperr.CodeOf(err) != apperr.NotFound {
			return nil, err
		}
		if err == nil && slices.Contains(lists, in.ListID) {
			for _, p := range others {
				same := p.ContactID == found.ContactID || p.ContactID == reached
				if same && p.Status != kind.SubscriberUnsubscribed && slices.Contains(lists, p.ListID) {
					going, left.Lists = append(going, p), append(left.Lists, p.ListID)
				}
			}
			left.Lists = store.Distinct(left.Lists)
		}
	}
	when := make(map[int64]time.Time, len(going))
	for _, p := range going {
		when[p.ID] = now
	}
	found.Status, found.UnsubscribedAt = kind.SubscriberUnsubscribed, &now
	return left, s.Left(ctx, when)
}

// lockAddress locks the contact with an address that is on a list, and then all subscriptions of the
// contact. If a campaign is named, it does so for the former contacts of the subscription too. It
// returns the subscription to the list, and the other ones.
func (s *Service) lockAddress(
	ctx context.Context, in Unsubscription, key string,
) (found *ent.Subscriber, others []*ent.Subscriber, err error) {
	client, listID := s.db.Client(ctx), in.ListID
	exists, err := client.SubscriberList.Query().Where(entlist.ID(listID)).Exist(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !exists {
		return nil, nil, apperr.NotFoundf("list")
	}
	seen, err := client.Subscriber.Query().
		Where(entsubscriber.ListID(listID), entsubscriber.EmailKey(key)).
		Select(entsubscriber.FieldID, entsubscriber.FieldContactID).
		Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil, notSubscribed()
	}
	if err != nil {
		return nil, nil, err
	}
	contacts := []int64{seen.ContactID}
	if in.CampaignID != 0 {
		former, err := s.contacts.Former(ctx, seen.ID)
		if err != nil {
			return nil, nil, err
		}
		contacts = append(contacts, former...)
	}
	if _, err := s.contacts.Lock(ctx, contacts, entcontact.FieldID); err != nil {
		return nil, nil, err
	}
	query := client.Subscriber.Query().Where(entsubscriber.ContactIDIn(contacts...)).Order(entsubscriber.ByID())
	query.Modify(store.Lock)
	all, err := query.All(ctx)
	for _, p := range all {
		if p.ListID == listID && p.EmailKey == key {
			found = p
		} else {
			others = append(others, p)
		}
	}
	if err == nil && found == nil { // it was deleted, or has got another address
		err = store.ErrStale
	}
	return found, others, err
}

func notSubscribed() error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "email", Reason: apperr.ReasonNotSubscribed,
		Message: "the address is not subscribed to the list",
	}
}
