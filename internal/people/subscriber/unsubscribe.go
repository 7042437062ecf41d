package subscriber

import (
	"context"
	"slices"
	"time"

	"campaignql/ent"
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
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		client := s.db.Client(ctx)
		exists, err := client.SubscriberList.Query().Where(entlist.ID(in.ListID)).Exist(ctx)
		if err != nil {
			return err
		}
		if !exists {
			return apperr.NotFoundf("list")
		}
		found, err := client.Subscriber.Query().
			Where(entsubscriber.ListID(in.ListID), entsubscriber.EmailKey(key)).
			Only(ctx)
		if ent.IsNotFound(err) {
			return notSubscribed()
		}
		if err != nil {
			return err
		}
		n, err := client.Subscriber.Update().
			Where(entsubscriber.ID(found.ID), entsubscriber.StatusNEQ(kind.SubscriberUnsubscribed)).
			SetStatus(kind.SubscriberUnsubscribed).SetUnsubscribedAt(now).
			Save(ctx)
		switch {
		case err != nil:
			return err
		case n == 0:
			return notSubscribed()
		}
		found.Status, found.UnsubscribedAt = kind.SubscriberUnsubscribed, &now
		left = &Departure{Subscriber: found, Lists: []int64{in.ListID}}
		if in.CampaignID == 0 {
			return nil
		}
		lists, err := s.counter.Unsubscribed(ctx, in.CampaignID, found, now)
		// A person can always unsubscribe, even if the link names a campaign that no longer exists.
		if apperr.CodeOf(err) == apperr.NotFound {
			return nil
		}
		if err != nil || !slices.Contains(lists, in.ListID) {
			return err
		}
		others, err := s.leave(ctx, found.ContactID, lists, now)
		left.Lists = store.Distinct(append(others, in.ListID))
		return err
	})
	if err != nil {
		return nil, err
	}
	return left, nil
}

// leave unsubscribes a contact from those of the lists that it has not left yet, and returns them.
func (s *Service) leave(ctx context.Context, contactID int64, lists []int64, at time.Time) ([]int64, error) {
	client := s.db.Client(ctx)
	query := client.Subscriber.Query().
		Where(
			entsubscriber.ContactID(contactID), entsubscriber.ListIDIn(lists...),
			entsubscriber.StatusNEQ(kind.SubscriberUnsubscribed),
		).
		Order(entsubscriber.ByID())
	query.Modify(store.Lock)
	rows, err := query.Select(entsubscriber.FieldID, entsubscriber.FieldListID).All(ctx)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	ids, left := make([]int64, len(rows)), make([]int64, len(rows))
	for i, row := range rows {
		ids[i], left[i] = row.ID, row.ListID
	}
	err = client.Subscriber.Update().Where(entsubscriber.IDIn(ids...)).
		SetStatus(kind.SubscriberUnsubscribed).SetUnsubscribedAt(at).
		Exec(ctx)
	return left, err
}

func notSubscribed() error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "email", Reason: apperr.ReasonNotSubscribed,
		Message: "the address is not subscribed to the list",
	}
}
