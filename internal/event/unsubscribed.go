package event

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/domaincounter"
	entevent "campaignql/ent/event"
	"campaignql/ent/hourlycounter"
	"campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Unsubscribed records that a subscriber left a list because of a campaign: the event, and the
// counters of the campaign, of the hour and of the mail domain. It uses the running transaction, or
// one of its own. A person counts once per campaign, however often the method is called. It does
// not check whether the person received the campaign. Both must belong to the account ownerID. If
// the campaign does not, the error is NotFound, reason "campaign_not_found". The caller needs the
// scope write.
func (s *Service) Unsubscribed(ctx context.Context, ownerID, campaignID, subscriberID int64, at time.Time) error {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return err
	}
	at = store.Truncate(at)
	return s.db.Tx(ctx, func(ctx context.Context) error {
		client := s.db.Client(ctx)
		// The lock comes first, so that concurrent writers change the counters of a campaign one
		// after another.
		query := client.Campaign.Query().Where(entcampaign.ID(campaignID), entcampaign.UserID(ownerID))
		query.Modify(store.Lock)
		if _, err := query.Select(entcampaign.FieldID).Only(ctx); ent.IsNotFound(err) {
			return apperr.NotFoundf("campaign")
		} else if err != nil {
			return err
		}
		known := client.Event.Query().
			Where(entevent.CampaignID(campaignID), entevent.KindEQ(kind.EventUnsubscribed), entevent.SubscriberID(subscriberID))
		// A locking read, because a plain read in a transaction that has read before would not see
		// events recorded since.
		known.Modify(store.Lock)
		if some, err := known.Exist(ctx); err != nil || some {
			return err
		}
		domain, err := readDomain(ctx, client, ownerID, subscriberID)
		if err != nil {
			return err
		}
		// No sender can choose this id, because of the NUL.
		key := Key(campaignID, fmt.Sprintf("\x00unsubscribed/%d", subscriberID))
		err = client.Event.Create().
			SetID(key).SetUserID(ownerID).
			SetCampaignID(campaignID).
			SetSubscriberID(subscriberID).SetKind(kind.EventUnsubscribed).SetAt(at).SetDomain(domain).
			Exec(ctx)
		if store.IsDuplicate(err) {
			return store.ErrStale
		}
		if err != nil {
			return err
		}
		err = client.HourlyCounter.Create().
			SetUserID(ownerID).
			SetCampaignID(campaignID).
			SetHour(at.Truncate(time.Hour)).
			SetUnsubscriptions(1).
			OnConflict(sql.ConflictColumns(hourlycounter.FieldCampaignID, hourlycounter.FieldHour)).
			Update(func(u *ent.HourlyCounterUpsert) { u.AddUnsubscriptions(1) }).
			Exec(ctx)
		if err != nil {
			return err
		}
		if err := unsubscribedAt(ctx, client, ownerID, campaignID, domain); err != nil {
			return err
		}
		return client.Campaign.Update().Where(entcampaign.ID(campaignID)).AddTotalUnsubscriptions(1).Exec(ctx)
	})
}

// readDomain returns the mail domain of the subscriber, or "" if the subscriber no longer exists.
func readDomain(ctx context.Context, client *ent.Client, ownerID, subscriberID int64) (string, error) {
	found, err := client.Subscriber.Query().
		Where(subscriber.ID(subscriberID), subscriber.UserID(ownerID)).
		Select(subscriber.FieldDomain).
		Only(ctx)
	if ent.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return found.Domain, nil
}

// unsubscribedAt counts the unsubscription for the mail domain. It is a no-op if the domain is
// unknown.
func unsubscribedAt(ctx context.Context, client *ent.Client, ownerID, campaignID int64, domain string) error {
	if domain == "" {
		return nil
	}
	return client.DomainCounter.Create().
		SetUserID(ownerID).
		SetCampaignID(campaignID).
		SetDomain(domain).
		SetUnsubscriptions(1).
		OnConflict(sql.ConflictColumns(domaincounter.FieldCampaignID, domaincounter.FieldDomain)).
		Update(func(u *ent.DomainCounterUpsert) { u.AddUnsubscriptions(1) }).
		Exec(ctx)
}
