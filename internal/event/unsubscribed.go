package event

import (
	"context"
	"fmt"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	entcontact "campaignql/ent/contact"
	"campaignql/ent/domaincounter"
	entevent "campaignql/ent/event"
	"campaignql/ent/hourlycounter"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Unsubscribed records that a person left because of a campaign, through a subscription: the event,
// and the counters of the campaign, of the hour and of the mail domain. It returns the lists of the
// campaign's audience, and the contact for whom it counts: the one that the subscription had when
// the campaign went out. It uses the running transaction, or one of its own. A person counts once per
// campaign, however often the method is called. It does not check whether the person received the
// campaign. If the campaign is not of the subscription's account, the error is NotFound, reason
// "campaign_not_found". The caller needs the scope write, and must have locked the contacts and the
// subscription in the running transaction if others may move or delete them. The subscription needs
// id, user_id and contact_id.
func (s *Service) Unsubscribed(
	ctx context.Context, campaignID int64, of *ent.Subscriber, at time.Time,
) (lists []int64, contactID int64, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, 0, err
	}
	at = store.Truncate(at)
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		client := s.db.Client(ctx)
		// The lock comes first, so that concurrent writers change the counters of a campaign one
		// after another.
		query := client.Campaign.Query().Where(entcampaign.ID(campaignID), entcampaign.UserID(of.UserID))
		query.Modify(store.Lock)
		c, err := query.Select(entcampaign.FieldID, entcampaign.FieldAudience).Only(ctx)
		if ent.IsNotFound(err) {
			return apperr.NotFoundf("campaign")
		}
		if err != nil {
			return err
		}
		lists, contactID = listsOf(c), of.ContactID
		r := route{campaignID, of.ID}
		former, err := s.formerContacts(ctx, map[route]int64{r: contactID})
		if err != nil {
			return err
		}
		if c := former[r]; c != nil {
			contactID = c.ContactID
		}
		known := client.Event.Query().
			Where(
				entevent.CampaignID(campaignID), entevent.KindEQ(kind.EventUnsubscribed),
				entevent.ContactID(contactID),
			)
		// A locking read, because a plain read in a transaction that has read before would not see
		// events recorded since.
		known.Modify(store.Lock)
		if some, err := known.Exist(ctx); err != nil || some {
			return err
		}
		return s.unsubscribed(ctx, campaignID, of, contactID, at)
	})
	return lists, contactID, err
}

// unsubscribed records the first unsubscription of a contact in a locked campaign.
func (s *Service) unsubscribed(
	ctx context.Context, campaignID int64, of *ent.Subscriber, contactID int64, at time.Time,
) error {
	client, ownerID := s.db.Client(ctx), of.UserID
	contact, err := client.Contact.Query().
		Where(entcontact.ID(contactID), entcontact.UserID(ownerID)).
		Select(entcontact.FieldDomain).
		Only(ctx)
	if err != nil {
		return err
	}
	// No sender can choose this id, because of the NUL.
	key := Key(campaignID, fmt.Sprintf("\x00unsubscribed/contact/%d", contactID))
	err = client.Event.Create().
		SetID(key).SetUserID(ownerID).
		SetCampaignID(campaignID).
		SetContactID(contactID).
		SetSubscriberID(of.ID).SetKind(kind.EventUnsubscribed).SetAt(at).SetDomain(contact.Domain).
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
	if err := unsubscribedAt(ctx, client, ownerID, campaignID, contact.Domain); err != nil {
		return err
	}
	return client.Campaign.Update().Where(entcampaign.ID(campaignID)).AddTotalUnsubscriptions(1).Exec(ctx)
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
