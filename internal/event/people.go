package event

import (
	"context"
	"maps"
	"slices"
	"time"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// lockSubscribers locks the subscribers that events may change, in the order of their ids, and
// returns them.
func (b *batch) lockSubscribers(ctx context.Context, events []*entry) (map[int64]*ent.Subscriber, error) {
	ids := distinct(events, func(e *entry) (int64, bool) {
		return e.SubscriberID, e.Kind == kind.EventUnsubscribed || e.Kind == kind.EventComplained ||
			e.Kind == kind.EventHardBounced
	})
	found := make(map[int64]*ent.Subscriber, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	query := b.db.Client(ctx).Subscriber.Query().Where(entsubscriber.IDIn(ids...)).Order(entsubscriber.ByID())
	query.Modify(store.Lock)
	rows, err := query.Select(entsubscriber.FieldID, entsubscriber.FieldUserID, entsubscriber.FieldEmail, entsubscriber.FieldEmailKey, entsubscriber.FieldStatus,
		entsubscriber.FieldBounce, entsubscriber.FieldSubscribedAt, entsubscriber.FieldOptedInAt).
		All(ctx)
	for _, p := range rows {
		found[p.ID] = p
	}
	return found, err
}

// changePeople applies new events to the locked subscribers.
func (b *batch) changePeople(ctx context.Context, events []*entry, locked map[int64]*ent.Subscriber) error {
	leaves, suppressed := map[int64]time.Time{}, map[int64]time.Time{}
	var bounced []int64
	for _, e := range events {
		p := locked[e.SubscriberID]
		if p == nil {
			continue
		}
		if e.Kind == kind.EventHardBounced && p.Bounce != kind.BounceHard {
			p.Bounce = kind.BounceHard
			bounced = append(bounced, p.ID)
		}
		// A late event must not unsubscribe a person who has subscribed again since.
		if e.Kind != kind.EventUnsubscribed && e.Kind != kind.EventComplained || e.at.Add(maxClockSkew).Before(since(p)) {
			continue
		}
		if at, known := leaves[p.ID]; p.Status != kind.SubscriberUnsubscribed && (!known || e.at.Before(at)) {
			leaves[p.ID] = e.at
		}
		if at, known := suppressed[p.ID]; e.Kind == kind.EventComplained && (!known || e.at.Before(at)) {
			suppressed[p.ID] = e.at
		}
	}
	if len(bounced) > 0 {
		if err := b.people.Bounced(ctx, bounced); err != nil {
			return err
		}
	}
	if err := b.people.Left(ctx, leaves); err != nil {
		return err
	}
	return b.suppress(ctx, suppressed, locked)
}

// since returns when the person last asked for mail.
func since(p *ent.Subscriber) time.Time {
	var last time.Time
	for _, at := range []*time.Time{p.SubscribedAt, p.OptedInAt} {
		if at != nil && at.After(last) {
			last = *at
		}
	}
	return last
}

// suppress suppresses the addresses in the accounts of the subscribers.
func (b *batch) suppress(ctx context.Context, when map[int64]time.Time, locked map[int64]*ent.Subscriber) error {
	complaints := make([]*ent.Suppression, 0, len(when))
	for _, id := range slices.Sorted(maps.Keys(when)) {
		p := locked[id]
		complaints = append(complaints, &ent.Suppression{
			UserID: p.UserID, Email: p.Email, EmailKey: p.EmailKey, CreatedAt: when[id],
		})
	}
	return b.suppressions.Complained(ctx, complaints)
}
