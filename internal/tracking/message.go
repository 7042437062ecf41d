package tracking

import (
	"context"
	"slices"

	"campaignql/ent"
	"campaignql/ent/campaignrun"
	entcontact "campaignql/ent/contact"
	"campaignql/ent/runcontent"
	"campaignql/ent/runrecipient"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/event"
	"campaignql/internal/store"
)

// message is what is known of the message whose link somebody follows.
type message struct {
	contact *ent.Contact
	// run is nil if it is gone.
	run *ent.CampaignRun
	// through is the subscription through which the message came, as the run has it, or 0.
	// subscription is the same, or the one with which it was merged since, or 0 if it is gone.
	through, subscription int64
	// variation is that of the A/B test, or 0.
	variation int64
	// people are the contact, and the one to whom the subscription belongs now.
	people []int64
	// lists are those of the run's audience, empty if it is not known.
	lists []int64
}

// find returns what is known of a message.
func (s *Service) find(ctx context.Context, runID, contactID int64) (*message, error) {
	client := s.db.Client(ctx)
	m := &message{people: []int64{contactID}}
	var err error
	m.contact, err = client.Contact.Query().Where(entcontact.ID(contactID)).
		Select(entcontact.FieldID, entcontact.FieldUserID, entcontact.FieldEmail, entcontact.FieldEmailKey).Only(ctx)
	if ent.IsNotFound(err) || err == nil && m.contact.EmailKey == nil {
		return nil, apperr.NotFoundf("contact")
	}
	if err != nil {
		return nil, err
	}
	m.run, err = client.CampaignRun.Query().
		Where(campaignrun.ID(runID), campaignrun.UserID(m.contact.UserID)).
		Select(campaignrun.FieldID, campaignrun.FieldCampaignID, campaignrun.FieldAudience).Only(ctx)
	if ent.IsNotFound(err) {
		m.run = nil
		return m, nil
	}
	if err != nil {
		return nil, err
	}
	m.lists = event.ListsOf(m.run.Audience)
	return m, s.findSubscription(ctx, m)
}

// findSubscription finds the subscription through which a message came, and to whom it belongs now.
func (s *Service) findSubscription(ctx context.Context, m *message) error {
	client := s.db.Client(ctx)
	r, err := client.RunRecipient.Query().
		Where(runrecipient.RunID(m.run.ID), runrecipient.ContactID(m.contact.ID)).
		Select(runrecipient.FieldSubscriberID, runrecipient.FieldContent).Only(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	m.through = r.SubscriberID
	if m.variation, err = s.variation(ctx, m.run.ID, int(r.Content)); err != nil {
		return err
	}
	survivors, err := s.Subscriptions.Survivors(ctx, []int64{m.through})
	if err != nil {
		return err
	}
	id := m.through
	if survivor, merged := survivors[id]; merged {
		id = survivor
	}
	p, err := client.Subscriber.Query().
		Where(entsubscriber.ID(id), entsubscriber.UserID(m.contact.UserID)).
		Select(entsubscriber.FieldID, entsubscriber.FieldContactID).Only(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	m.subscription = p.ID
	if p.ContactID != m.contact.ID {
		m.people = append(m.people, p.ContactID)
	}
	return nil
}

// variation returns the variation of a content that was sent, or 0.
func (s *Service) variation(ctx context.Context, runID int64, number int) (int64, error) {
	if number == 0 {
		return 0, nil
	}
	c, err := s.db.Client(ctx).RunContent.Query().
		Where(runcontent.RunID(runID), runcontent.Number(number)).
		Select(runcontent.FieldVariation).Only(ctx)
	if ent.IsNotFound(err) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return int64(c.Variation), nil
}

// subscriptions returns the subscriptions that leaving ends, also those that have ended before, in
// the order of their ids. If it locks them, the people must be locked.
func (s *Service) subscriptions(ctx context.Context, m *message, lock bool) ([]*ent.Subscriber, error) {
	query := s.db.Client(ctx).Subscriber.Query().
		Where(entsubscriber.ContactIDIn(m.people...)).Order(entsubscriber.ByID())
	if lock {
		query.Modify(store.Lock)
	}
	rows, err := query.
		Select(entsubscriber.FieldID, entsubscriber.FieldListID, entsubscriber.FieldStatus).All(ctx)
	if err != nil {
		return nil, err
	}
	is := func(p *ent.Subscriber) bool { return p.ID == m.subscription }
	if lock && m.subscription != 0 && !slices.ContainsFunc(rows, is) {
		return nil, store.ErrStale // it was deleted, or got another address, before the people were locked
	}
	return slices.DeleteFunc(rows, func(p *ent.Subscriber) bool {
		return len(m.lists) > 0 && !is(p) && !slices.Contains(m.lists, p.ListID)
	}), nil
}
