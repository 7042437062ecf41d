package subscriber

import (
	"context"
	"slices"

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

// Unsubscribe unsubscribes an address from a list (legacy Subscriber.Unsubscribe), even if it was
// still pending. The row stays, with all data of the person, and the campaign counts the
// unsubscription in the same transaction. Unsubscribe returns the subscriber after the change.
//
// A list of another account is NotFound, reason "list_not_found". An address that is not on the
// list, or has already unsubscribed, is a Conflict, reason "not_subscribed". Of concurrent calls
// exactly one unsubscribes the address.
func (s *Service) Unsubscribe(ctx context.Context, in Unsubscription) (*ent.Subscriber, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	key, now := address.Key(in.Email), store.Truncate(s.now())
	var left *ent.Subscriber
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
		left = found
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
		_, err = client.Subscriber.Update().
			Where(
				entsubscriber.ContactID(found.ContactID), entsubscriber.ListIDIn(lists...),
				entsubscriber.StatusNEQ(kind.SubscriberUnsubscribed),
			).
			SetStatus(kind.SubscriberUnsubscribed).SetUnsubscribedAt(now).
			Save(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return left, nil
}

func notSubscribed() error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "email", Reason: apperr.ReasonNotSubscribed,
		Message: "the address is not subscribed to the list",
	}
}
