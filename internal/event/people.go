package event

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/store"
)

// changes reports whether an event may change its contact or the contact's subscriptions, whatever
// their state.
func (e *entry) changes() bool {
	switch e.Kind {
	case kind.EventUnsubscribed, kind.EventComplained, kind.EventHardBounced, kind.EventSoftBounced:
		return true
	default:
		return false
	}
}

// leaves reports whether an event may unsubscribe its contact.
func (e *entry) leaves() bool {
	return e.Kind == kind.EventUnsubscribed || e.Kind == kind.EventComplained
}

// people returns the contact of an event, and the present contact of the subscription that the event
// names, if the subscription has got another address since. An event that ends subscriptions ends
// those of both.
func (e *entry) people() []int64 {
	if e.present == 0 {
		return []int64{e.contactID}
	}
	return []int64{e.contactID, e.present}
}

// leaving returns the contacts that events may unsubscribe, each once.
func leaving(events []*entry) (ids []int64) {
	for _, e := range events {
		if e.leaves() {
			ids = append(ids, e.people()...)
		}
	}
	return store.Distinct(ids)
}

// lockSubscriptions locks the subscriptions of the contacts that events may unsubscribe, in the
// order of their ids, and returns them by contact. If such an event names a subscription that is
// not the contact's any more, because it was deleted or got another address before the contact was
// locked, the transaction runs again. Other events stay with the contact: they are recorded as if
// they had come before the change.
func (b *batch) lockSubscriptions(ctx context.Context, events []*entry) (map[int64][]*ent.Subscriber, error) {
	found := map[int64][]*ent.Subscriber{}
	ids := leaving(events)
	if len(ids) == 0 {
		return found, nil
	}
	query := b.db.Client(ctx).Subscriber.Query().
		Where(entsubscriber.ContactIDIn(ids...)).
		Order(entsubscriber.ByID())
	query.Modify(store.Lock)
	rows, err := query.
		Select(
			entsubscriber.FieldID, entsubscriber.FieldContactID, entsubscriber.FieldListID, entsubscriber.FieldStatus,
			entsubscriber.FieldSubscribedAt, entsubscriber.FieldOptedInAt,
		).
		All(ctx)
	if err != nil {
		return nil, err
	}
	of := make(map[int64]int64, len(rows))
	for _, p := range rows {
		found[p.ContactID] = append(found[p.ContactID], p)
		of[p.ID] = p.ContactID
	}
	for _, e := range events {
		if e.leaves() && e.SubscriberID != 0 && of[e.subscription] != cmp.Or(e.present, e.contactID) {
			return nil, store.ErrStale
		}
	}
	return found, nil
}

// changePeople applies new events to the locked contacts and subscriptions.
func (b *batch) changePeople(ctx context.Context, events []*entry, locked map[int64][]*ent.Subscriber) error {
	leaves, suppressed := map[int64]time.Time{}, map[int64]*ent.Suppression{}
	for _, e := range events {
		if !e.leaves() {
			continue
		}
		for _, id := range e.people() {
			asked := b.leave(leaves, e, locked[id])
			suppresses := e.Kind == kind.EventComplained || e.Scope == kind.LeaveAccount
			if suppresses && !e.at.Add(maxClockSkew).Before(asked) {
				b.suppress(suppressed, e, b.contacts[id])
			}
		}
	}
	if err := b.subscriptions.Left(ctx, leaves); err != nil {
		return err
	}
	rows := make([]*ent.Suppression, 0, len(suppressed))
	for _, id := range slices.Sorted(maps.Keys(suppressed)) {
		rows = append(rows, suppressed[id])
	}
	if err := b.suppressions.Left(ctx, rows); err != nil {
		return err
	}
	return b.changeDeliverability(ctx, events)
}

// leave notes which subscriptions of a contact an event ends, and when. It returns when the person
// last asked for mail of this account.
func (b *batch) leave(leaves map[int64]time.Time, e *entry, of []*ent.Subscriber) (asked time.Time) {
	for _, p := range of {
		asked = latest(asked, since(p))
		// A late event must not unsubscribe a person who has subscribed again since.
		if !b.leavesThrough(e, p) || e.at.Add(maxClockSkew).Before(since(p)) {
			continue
		}
		if at, known := leaves[p.ID]; p.Status != kind.SubscriberUnsubscribed && (!known || e.at.Before(at)) {
			leaves[p.ID] = e.at
		}
	}
	return asked
}

// leavesThrough reports whether an event unsubscribes a subscription of its contact. A complaint
// and a wish to leave the account end all of them. Otherwise those end through which the campaign
// would find the person again, and the one that the event names. If the audience is not known, all
// of them end unless the event names one.
func (b *batch) leavesThrough(e *entry, p *ent.Subscriber) bool {
	if e.Kind == kind.EventComplained || e.Scope == kind.LeaveAccount || p.ID == e.subscription {
		return true
	}
	lists := b.listsOf(e.CampaignID)
	if e.Sent != nil && e.Sent.Lists != nil {
		lists = e.Sent.Lists
	}
	if len(lists) == 0 {
		return e.SubscriberID == 0
	}
	return slices.Contains(lists, p.ListID)
}

// suppress notes that the address of a contact is to be suppressed, since the earliest such event. A
// complaint is the reason that stays.
func (b *batch) suppress(rows map[int64]*ent.Suppression, e *entry, c *ent.Contact) {
	if c.EmailKey == nil {
		return // the address is not known any more
	}
	row := rows[c.ID]
	if row == nil {
		row = &ent.Suppression{
			UserID: c.UserID, Email: c.Email, EmailKey: *c.EmailKey, Reason: kind.SuppressedManually, CreatedAt: e.at,
		}
		rows[c.ID] = row
	}
	if e.Kind == kind.EventComplained {
		row.Reason = kind.SuppressedByComplaint
	}
	if e.at.Before(row.CreatedAt) {
		row.CreatedAt = e.at
	}
}

// since returns when the person last asked for mail through a subscription.
func since(p *ent.Subscriber) time.Time {
	var last time.Time
	for _, at := range []*time.Time{p.SubscribedAt, p.OptedInAt} {
		if at != nil {
			last = latest(last, *at)
		}
	}
	return last
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// changeDeliverability applies the bounces among new events, and the signs of life of contacts with
// soft bounces.
func (b *batch) changeDeliverability(ctx context.Context, events []*entry) error {
	hard, ids := map[int64]bool{}, map[int64]bool{}
	for _, e := range events {
		c := b.contacts[e.contactID]
		if e.Kind == kind.EventHardBounced && !bouncedBefore(e.at, c) {
			hard[c.ID] = true
		}
		if e.Kind == kind.EventSoftBounced || c.SoftBounces > 0 {
			ids[c.ID] = true
		}
	}
	of, err := b.sql.bouncesOf(ctx, slices.Sorted(maps.Keys(ids)), b.contacts)
	if err != nil {
		return err
	}
	states := map[int64]contact.State{}
	for id := range ids {
		states[id] = b.after(b.contacts[id], of[id].row)
	}
	for id := range hard {
		state, counted := states[id]
		if !counted {
			state = stateOf(b.contacts[id])
		}
		if state.Deliverability != kind.BounceInvalid {
			state.Deliverability = kind.BounceHard
		}
		states[id] = state
	}
	maps.DeleteFunc(states, func(id int64, to contact.State) bool { return to == stateOf(b.contacts[id]) })
	return b.people.Mark(ctx, states)
}

// bouncedBefore reports whether a bounce is from before the contact became deliverable again.
func bouncedBefore(at time.Time, c *ent.Contact) bool {
	return c.DeliverableSince != nil && at.Add(maxClockSkew).Before(*c.DeliverableSince)
}

func stateOf(c *ent.Contact) contact.State {
	return contact.State{Deliverability: c.Deliverability, SoftBounces: c.SoftBounces}
}
