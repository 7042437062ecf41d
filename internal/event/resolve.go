package event

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	entcontact "campaignql/ent/contact"
	"campaignql/ent/predicate"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// resolve looks up the campaigns and the contacts of the events, and rejects events whose campaign
// or person does not belong to the caller's account. It returns the remaining events, each key
// once: the first event with a key is recorded, the others in the batch are duplicates.
func (b *batch) resolve(ctx context.Context, read []*entry) ([]*entry, error) {
	if err := b.findCampaigns(ctx, read); err != nil {
		return nil, err
	}
	known := slices.DeleteFunc(slices.Clone(read), func(e *entry) bool {
		gone := b.campaigns[e.CampaignID] == nil
		if gone {
			b.reject(e, "campaignId", apperr.NotFoundf("campaign"))
		}
		return gone
	})
	if err := b.findPersons(ctx, known); err != nil {
		return nil, err
	}
	fresh, seen := make([]*entry, 0, len(known)), make(map[string]bool, len(known))
	for _, e := range known {
		if e.contactID == 0 {
			b.rejectPerson(e)
			continue
		}
		if seen[e.key] {
			b.results[e.index].Outcome, b.results[e.index].Err = Duplicate, nil
			continue
		}
		seen[e.key] = true
		fresh = append(fresh, e)
	}
	return fresh, nil
}

func (b *batch) reject(e *entry, field string, err *apperr.Error) {
	err.Field = field
	b.results[e.index].Outcome, b.results[e.index].Err = Rejected, err
}

// rejectPerson rejects an event whose person is not there.
func (b *batch) rejectPerson(e *entry) {
	if e.ContactID != 0 {
		b.reject(e, "contactId", apperr.NotFoundf("contact"))
		return
	}
	if e.SubscriberID == 0 {
		b.reject(e, "emailAddress", apperr.NotFoundf("contact"))
		return
	}
	b.reject(e, "subscriberId", apperr.NotFoundf("subscriber"))
}

// findCampaigns finds the campaigns that belong to the caller. It reads their audiences too if an
// event may depend on them.
func (b *batch) findCampaigns(ctx context.Context, read []*entry) error {
	columns := []string{entcampaign.FieldID, entcampaign.FieldUserID}
	for _, e := range read {
		if e.SubscriberID == 0 && e.Sent == nil || e.Kind == kind.EventUnsubscribed {
			columns = append(columns, entcampaign.FieldAudience)
			break
		}
	}
	rows, err := b.db.Client(ctx).
		Campaign.Query().
		Where(entcampaign.IDIn(distinct(read, func(e *entry) (int64, bool) { return e.CampaignID, true })...)).
		Select(columns...).
		All(ctx)
	b.campaigns, b.lists = make(map[int64]*ent.Campaign, len(rows)), map[int64][]int64{}
	for _, c := range rows {
		b.campaigns[c.ID] = c
	}
	return err
}

// listsOf returns the lists of a campaign's audience. It remembers them for the batch.
func (b *batch) listsOf(campaign int64) []int64 {
	if _, known := b.lists[campaign]; !known {
		b.lists[campaign] = listsOf(b.campaigns[campaign])
	}
	return b.lists[campaign]
}

func listsOf(c *ent.Campaign) []int64 { return ListsOf(c.Audience) }

// ListsOf returns the lists that the inclusion of an audience names. The audience is a rule tree as
// JSON, as campaigns and runs store it.
func ListsOf(audience string) []int64 {
	var read rules.Audience
	if audience == "" || json.Unmarshal([]byte(audience), &read) != nil {
		return nil // no mail was sent to an audience that cannot be read
	}
	lists := make([]int64, len(read.Criteria))
	for i, criterion := range read.Criteria {
		lists[i] = criterion.ListID
	}
	return store.Distinct(lists)
}

// findPersons finds the contact of each event, and its subscription where it is known. It leaves
// contactID 0 where the account has no such person.
func (b *batch) findPersons(ctx context.Context, events []*entry) error {
	for _, e := range events {
		e.owner, e.contactID, e.subscription, e.present = b.campaigns[e.CampaignID].UserID, 0, 0, 0
	}
	if err := b.bySubscriber(ctx, events); err != nil {
		return err
	}
	if err := b.byContact(ctx, events); err != nil {
		return err
	}
	if err := b.byAddress(ctx, events); err != nil {
		return err
	}
	return b.findSubscriptions(ctx, events)
}

// bySubscriber resolves the events that name a subscriber. The id of a subscription that was merged
// with another one stands for that other one.
func (b *batch) bySubscriber(ctx context.Context, events []*entry) error {
	ids := distinct(events, func(e *entry) (int64, bool) { return e.SubscriberID, e.SubscriberID != 0 })
	found, err := b.subscribers(ctx, ids)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(ids, func(id int64) bool { return found[id] != nil })
	if len(missing) > 0 {
		survivors, err := b.subscriptions.Survivors(ctx, missing)
		if err != nil {
			return err
		}
		kept, err := b.subscribers(ctx, slices.Collect(maps.Values(survivors)))
		if err != nil {
			return err
		}
		for id, survivor := range survivors {
			found[id] = kept[survivor]
		}
	}
	for _, e := range events {
		if p := found[e.SubscriberID]; p != nil && p.UserID == e.owner {
			e.contactID, e.subscription = p.ContactID, p.ID
		}
	}
	return b.byFormer(ctx, events, found)
}

// subscribers returns subscriptions with id, owner and contact, and whether they have former contacts.
func (b *batch) subscribers(ctx context.Context, ids []int64) (map[int64]*ent.Subscriber, error) {
	columns := []string{entsubscriber.FieldID, entsubscriber.FieldUserID, entsubscriber.FieldContactID}
	return store.ByIDs(
		ctx, ids, columns, func(p *ent.Subscriber) int64 { return p.ID },
		func(some ...int64) *ent.SubscriberQuery {
			query := b.db.Client(ctx).Subscriber.Query().Where(entsubscriber.IDIn(some...))
			query.Modify(selectMoved)
			return query
		},
	)
}

// byContact resolves the events that name a contact.
func (b *batch) byContact(ctx context.Context, events []*entry) error {
	ids := distinct(events, func(e *entry) (int64, bool) { return e.ContactID, e.ContactID != 0 })
	found, err := store.ByIDs(
		ctx, ids, []string{entcontact.FieldUserID}, func(c *ent.Contact) int64 { return c.ID },
		func(some ...int64) *ent.ContactQuery {
			return b.db.Client(ctx).Contact.Query().Where(entcontact.IDIn(some...))
		},
	)
	for _, e := range events {
		if c := found[e.ContactID]; c != nil && c.UserID == e.owner {
			e.contactID = c.ID
		}
	}
	return err
}

// byAddress resolves the events that name an address.
func (b *batch) byAddress(ctx context.Context, events []*entry) error {
	keys := distinct(events, func(e *entry) (string, bool) { return e.emailKey, e.emailKey != "" })
	if len(keys) == 0 {
		return nil
	}
	owners := distinct(events, func(e *entry) (int64, bool) { return e.owner, true })
	rows, err := b.db.Client(ctx).Contact.Query().
		Where(predicate.Contact(func(s *sql.Selector) {
			entcontact.UserIDIn(owners...)(s)
			entcontact.EmailKeyIn(keys...)(s)
		})).
		Select(entcontact.FieldID, entcontact.FieldUserID, entcontact.FieldEmailKey).
		All(ctx)
	if err != nil {
		return err
	}
	type address struct {
		owner int64
		key   string
	}
	found := make(map[address]int64, len(rows))
	for _, c := range rows {
		found[address{c.UserID, *c.EmailKey}] = c.ID
	}
	for _, e := range events {
		if e.emailKey != "" {
			e.contactID = found[address{e.owner, e.emailKey}]
		}
	}
	return nil
}

// findSubscriptions finds, for events that name no subscriber, the subscription through which the
// campaign came: the one of the lowest id on a list of the campaign's audience.
func (b *batch) findSubscriptions(ctx context.Context, events []*entry) error {
	for _, e := range events {
		if e.Sent != nil {
			e.subscription = e.Sent.SubscriberID
		}
	}
	unnamed := func(e *entry) (int64, bool) {
		return e.contactID, e.SubscriberID == 0 && e.Sent == nil && e.contactID != 0
	}
	ids := distinct(events, unnamed)
	if len(ids) == 0 {
		return nil
	}
	rows, err := b.db.Client(ctx).Subscriber.Query().
		Where(entsubscriber.ContactIDIn(ids...)).
		Select(entsubscriber.FieldID, entsubscriber.FieldContactID, entsubscriber.FieldListID).
		All(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(rows, func(x, y *ent.Subscriber) int { return cmp.Compare(x.ID, y.ID) })
	of := map[int64][]*ent.Subscriber{}
	for _, p := range rows {
		of[p.ContactID] = append(of[p.ContactID], p)
	}
	for _, e := range events {
		if id, ok := unnamed(e); ok {
			for _, p := range of[id] {
				if slices.Contains(b.listsOf(e.CampaignID), p.ListID) {
					e.subscription = p.ID
					break
				}
			}
		}
	}
	return nil
}

// lockContacts locks the contacts of the events, in the order of their ids, and fills in what the
// events need of them. If no event may change its contact, the contacts are shared with concurrent
// batches: nobody changes them while their events are being recorded. Otherwise all of them are
// locked for this transaction alone, because two locks of different strength, one after the other,
// would be in no order.
//
// An event whose contact was deleted meanwhile, or is a mere number since it was forgotten, is
// rejected. If it names the person in another way, the transaction first runs again: the
// subscription or the address may have moved to another contact.
func (b *batch) lockContacts(ctx context.Context, events []*entry) ([]*entry, error) {
	columns := []string{
		entcontact.FieldID, entcontact.FieldUserID, entcontact.FieldEmail, entcontact.FieldEmailKey,
		entcontact.FieldDomain, entcontact.FieldDeliverability, entcontact.FieldSoftBounces,
		entcontact.FieldDeliverableSince,
	}
	lock, alone := b.people.Hold, false
	if slices.ContainsFunc(events, func(e *entry) bool { return e.changes() || b.earlier.softened[e.contactID] }) {
		lock, alone = b.people.Lock, true
	}
	ids := distinct(events, func(e *entry) (int64, bool) { return e.contactID, true })
	ids = append(ids, leaving(events)...)
	var err error
	if b.contacts, err = lock(ctx, ids, columns...); err != nil {
		return nil, err
	}
	stale := b.vanished(events)
	for id, c := range b.contacts {
		// A sign of life ends a row of soft bounces, so the contact must be locked as those that change.
		if c.SoftBounces > 0 && !b.earlier.softened[id] {
			b.earlier.softened[id] = true
			stale = stale || !alone
		}
	}
	if stale {
		return nil, store.ErrStale
	}
	return slices.DeleteFunc(events, func(e *entry) bool {
		if b.nobody(e) {
			b.rejectPerson(e)
			return true
		}
		e.domain = b.contacts[e.contactID].Domain
		return false
	}), nil
}

// nobody reports whether the contact of an event is gone, or is a mere number.
func (b *batch) nobody(e *entry) bool {
	c := b.contacts[e.contactID]
	return c == nil || c.EmailKey == nil
}

// vanished reports whether a contact that a subscription or an address led to is gone since, which
// was not so in an earlier attempt.
func (b *batch) vanished(events []*entry) (some bool) {
	for _, e := range events {
		if e.ContactID == 0 && b.nobody(e) && !b.earlier.vanished[e.contactID] {
			b.earlier.vanished[e.contactID], some = true, true
		}
	}
	return some
}
