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
	"campaignql/ent/predicate"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/store"
)

// resolve looks up the campaigns and the subscribers of the events, and rejects events whose
// campaign or subscriber does not belong to the caller's account. It returns the remaining events,
// each key once: the first event with a key is recorded, the others in the batch are duplicates.
func (b *batch) resolve(ctx context.Context, read []*entry) ([]*entry, error) {
	campaigns, err := b.campaignsOf(ctx, read)
	if err != nil {
		return nil, err
	}
	ids, keys := map[int64]bool{}, map[string]bool{}
	for _, e := range read {
		if campaigns[e.CampaignID] == nil {
			continue
		}
		if e.emailKey != "" {
			keys[e.emailKey] = true
		} else {
			ids[e.SubscriberID] = true
		}
	}
	found, err := store.ByIDs(
		ctx, slices.Collect(maps.Keys(ids)), subscriberColumns, func(p *ent.Subscriber) int64 { return p.ID },
		func(some ...int64) *ent.SubscriberQuery {
			return b.db.Client(ctx).Subscriber.Query().Where(entsubscriber.IDIn(some...))
		},
	)
	if err != nil {
		return nil, err
	}
	named, err := b.byAddress(ctx, campaigns, slices.Collect(maps.Keys(keys)))
	if err != nil {
		return nil, err
	}
	fresh, seen := make([]*entry, 0, len(read)), make(map[string]bool, len(read))
	for _, e := range read {
		c := campaigns[e.CampaignID]
		if c == nil {
			b.reject(e, "campaign", apperr.NotFoundf("campaign"))
			continue
		}
		p := found[e.SubscriberID]
		if e.emailKey != "" {
			p = named(c, e.emailKey)
		}
		if p == nil || p.UserID != c.UserID {
			b.reject(e, "subscriber", apperr.NotFoundf("subscriber"))
			continue
		}
		if seen[e.key] {
			b.results[e.index].Outcome, b.results[e.index].Err = Duplicate, nil
			continue
		}
		seen[e.key] = true
		e.SubscriberID, e.owner, e.domain = p.ID, c.UserID, p.Domain
		fresh = append(fresh, e)
	}
	return fresh, nil
}

func (b *batch) reject(e *entry, field string, err *apperr.Error) {
	err.Field = field
	b.results[e.index].Outcome, b.results[e.index].Err = Rejected, err
}

// campaignsOf returns the campaigns that belong to the caller. It also reads their audiences if an
// event names its recipient by address.
func (b *batch) campaignsOf(ctx context.Context, read []*entry) (map[int64]*ent.Campaign, error) {
	ids := map[int64]bool{}
	columns := []string{entcampaign.FieldID, entcampaign.FieldUserID}
	for _, e := range read {
		ids[e.CampaignID] = true
		if e.emailKey != "" && len(columns) == 2 {
			columns = append(columns, entcampaign.FieldAudience)
		}
	}
	rows, err := b.db.Client(ctx).
		Campaign.Query().
		Where(entcampaign.IDIn(slices.Collect(maps.Keys(ids))...)).
		Select(columns...).
		All(ctx)
	found := make(map[int64]*ent.Campaign, len(rows))
	for _, c := range rows {
		found[c.ID] = c
	}
	return found, err
}

// subscriberColumns are the columns that are read of the subscribers of events.
var subscriberColumns = []string{entsubscriber.FieldID, entsubscriber.FieldUserID, entsubscriber.FieldDomain}

// byAddress returns a function that maps an address to a subscriber of the campaign's account. It
// prefers subscribers on a list of the campaign's audience, and among equals the one with the
// lowest id. It returns nil if the account has no subscriber with this address.
func (b *batch) byAddress(
	ctx context.Context, campaigns map[int64]*ent.Campaign, keys []string,
) (func(*ent.Campaign, string) *ent.Subscriber, error) {
	owners := map[int64]bool{}
	for _, c := range campaigns {
		owners[c.UserID] = true
	}
	which := predicate.Subscriber(func(s *sql.Selector) {
		entsubscriber.UserIDIn(slices.Collect(maps.Keys(owners))...)(s)
		entsubscriber.EmailKeyIn(keys...)(s)
	})
	var rows []*ent.Subscriber
	if len(keys) > 0 {
		var err error
		columns := append(slices.Clone(subscriberColumns), entsubscriber.FieldListID, entsubscriber.FieldEmailKey)
		if rows, err = b.db.Client(ctx).Subscriber.Query().Where(which).Select(columns...).All(ctx); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(rows, func(x, y *ent.Subscriber) int { return cmp.Compare(x.ID, y.ID) })
	type address struct {
		owner int64
		key   string
	}
	people := map[address][]*ent.Subscriber{}
	for _, p := range rows {
		a := address{p.UserID, p.EmailKey}
		people[a] = append(people[a], p)
	}
	lists := map[int64]map[int64]bool{}
	return func(c *ent.Campaign, key string) *ent.Subscriber {
		all := people[address{c.UserID, key}]
		if len(all) == 0 {
			return nil
		}
		if lists[c.ID] == nil {
			lists[c.ID] = listsOf(c)
		}
		for _, p := range all {
			if lists[c.ID][p.ListID] {
				return p
			}
		}
		return all[0]
	}, nil
}

// listsOf returns the lists of a campaign's audience.
func listsOf(c *ent.Campaign) map[int64]bool {
	lists := map[int64]bool{}
	var read rules.Audience
	if c.Audience == "" || json.Unmarshal([]byte(c.Audience), &read) != nil {
		return lists // no mail was sent to an audience that cannot be read
	}
	for _, criterion := range read.Criteria {
		lists[criterion.ListID] = true
	}
	return lists
}
