package graph

import (
	"context"
	"strings"
	"sync"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

func (r campaignResolver) History(
	ctx context.Context, campaigns []*model.Campaign, first *int32, after *string, last *int32, before *string,
) ([]*model.CampaignChangeConnection, error) {
	request := pageRequest(first, after, last, before, nil)
	if err := request.Validate(); err != nil {
		return nil, err
	}
	ids := store.Distinct(idsOf(campaigns, (*model.Campaign).Number))
	pages := map[int64]page.Result[*ent.CampaignChange]{}
	if asks(ctx, "nodes", "edges", "pageInfo") {
		var err error
		if pages, err = r.Campaigns.Histories(ctx, ids, request); err != nil {
			return nil, err
		}
	}
	// The first campaign whose entries are counted has those of all counted, in one statement.
	var once sync.Once
	var sizes map[int64]int
	var failed error
	size := func(id int64) model.Counter {
		return func(ctx context.Context) (int, error) {
			once.Do(func() { sizes, failed = r.Campaigns.HistorySizes(ctx, ids) })
			return sizes[id], failed
		}
	}
	return mapped(campaigns, func(c *model.Campaign) *model.CampaignChangeConnection {
		return shownChanges(pages[c.ID], size(c.ID))
	}), nil
}

func shownChanges(result page.Result[*ent.CampaignChange], count model.Counter) *model.CampaignChangeConnection {
	return model.PageOf(result, mapped(result.Items, func(row *ent.CampaignChange) *model.CampaignChange {
		return &model.CampaignChange{CampaignChange: row}
	}), count)
}

func (r queryResolver) CampaignChanges(
	ctx context.Context, filter *model.CampaignChangeFilter, first *int32, after *string, last *int32, before *string,
) (*model.CampaignChangeConnection, error) {
	request := pageRequest(first, after, last, before, nil)
	var faults apperr.Faults
	faults.Add(request.Validate())
	chosen := changeFilter(filter, &faults)
	if err := faults.Err(); err != nil {
		return nil, err
	}
	count := func(ctx context.Context) (int, error) { return r.resolver.Campaigns.CountChanges(ctx, chosen) }
	if !asks(ctx, "nodes", "edges", "pageInfo") {
		return &model.CampaignChangeConnection{Count: count}, nil
	}
	result, err := r.resolver.Campaigns.Changes(ctx, chosen, request)
	return shownChanges(result, count), err
}

func changeFilter(in *model.CampaignChangeFilter, faults *apperr.Faults) (out campaign.ChangeFilter) {
	if in == nil {
		return out
	}
	out.CampaignIDs = filterIDs(in.CampaignIds, gid.Campaign, "filter.campaignIds", maxIDs, faults)
	if actor := in.ActorID.Value(); actor != nil {
		var err error
		out.Actor, err = identify(gid.User, "filter.actorId", *actor)
		faults.Add(err)
	}
	if actions := in.Action.Value(); actions != nil {
		out.Actions = mapped(actions, func(a model.CampaignAction) campaign.Action {
			return campaign.Action(strings.ToLower(string(a)))
		})
	}
	out.At = campaign.Span{From: in.From.Value(), To: in.To.Value()}
	return out
}

func (r campaignChangeResolver) Campaign(
	ctx context.Context, changes []*model.CampaignChange,
) ([]*model.Campaign, error) {
	return r.campaignsByIDs(ctx, mapped(changes, func(c *model.CampaignChange) int64 { return c.CampaignID }))
}

// Actor returns the users who made the changes. Of those whom the caller does not see it reads the name
// alone.
func (r campaignChangeResolver) Actor(
	ctx context.Context, changes []*model.CampaignChange,
) ([]*model.Actor, error) {
	names := map[int64]string{}
	if asks(ctx, "username") {
		var err error
		ids := idsOf(changes, func(c *model.CampaignChange) int64 { return c.ActorID })
		if names, err = r.Accounts.Usernames(ctx, ids); err != nil {
			return nil, err
		}
	}
	return mapped(changes, func(c *model.CampaignChange) *model.Actor {
		if c.ActorID == 0 {
			return nil
		}
		shown := &model.Actor{ID: c.ActorID}
		if name, known := names[c.ActorID]; known {
			shown.Username = &name
		}
		return shown
	}), nil
}

func (r campaignChangeResolver) APIKey(
	ctx context.Context, changes []*model.CampaignChange,
) ([]*model.APIKey, error) {
	return r.keysOf(ctx, mapped(changes, func(c *model.CampaignChange) *int64 { return c.APIKeyID }))
}

func (r actorResolver) User(ctx context.Context, actors []*model.Actor) ([]*model.User, error) {
	return r.usersOf(ctx, mapped(actors, func(a *model.Actor) int64 { return a.ID }))
}
