package graph

import (
	"context"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/tag"
)

var tagFields = columnsOf("Tag", fields{"campaignCount": reads("id"), "campaigns": reads("id")})

func (r queryResolver) Tag(ctx context.Context, id string) (*ent.Tag, error) {
	number, err := identify(gid.Tag, "id", id)
	if err != nil {
		return nil, err
	}
	return r.tagByID(ctx, number)
}

func (r *resolver) tagByID(ctx context.Context, id int64) (*ent.Tag, error) {
	t, err := r.Tags.Get(ctx, id, selected(ctx, tagFields, itself).columns()...)
	return t, absent(err)
}

func (r queryResolver) Tags(
	ctx context.Context, search *string, first *int32, after *string, last *int32, before *string,
) (*model.TagConnection, error) {
	filter := tag.Filter{Search: value(search)}
	shown := &model.TagConnection{
		Count: func(ctx context.Context) (int, error) { return r.resolver.Tags.Count(ctx, filter) },
	}
	request := pageRequest(first, after, last, before, nil)
	if !asks(ctx, "nodes", "edges", "pageInfo") {
		return shown, request.Validate()
	}
	var err error
	shown.Result, err = r.resolver.Tags.List(ctx, filter, request, selected(ctx, tagFields, connection).columns()...)
	return shown, err
}

func (r tagResolver) ID(_ context.Context, t *ent.Tag) (string, error) {
	return gid.Encode(gid.Tag, t.ID), nil
}

func (r tagResolver) CampaignCount(ctx context.Context, tags []*ent.Tag) ([]int32, error) {
	counts, err := r.Tags.CampaignCounts(ctx, idsOf(tags, func(t *ent.Tag) int64 { return t.ID }))
	return mapped(tags, func(t *ent.Tag) int32 { return int32(counts[t.ID]) }), err
}

func (r tagResolver) Campaigns(
	ctx context.Context, tags []*ent.Tag, first *int32, after *string, last *int32, before *string,
) ([]*model.CampaignConnection, error) {
	number := func(t *ent.Tag) int64 { return t.ID }
	ids := idsOf(tags, number)
	return r.campaignsBelow(ctx, mapped(tags, number), pageRequest(first, after, last, before, nil),
		func() (map[int64]int, error) { return r.Tags.CampaignCounts(ctx, ids) },
		func(request page.Request, columns ...string) (campaign.Pages, error) {
			return r.resolver.Campaigns.OfTags(ctx, ids, request, columns...)
		})
}

func (r mutationResolver) CreateTag(ctx context.Context, input model.CreateTagInput) (*model.CreateTagPayload, error) {
	if err := beforeWriting(ctx, payloadTag); err != nil {
		return nil, err
	}
	t, err := r.Tags.Create(ctx, tag.Input{Name: input.Name}, given(input.IdempotencyKey))
	problems, err := toUserErrors(ctx, err)
	return &model.CreateTagPayload{Tag: t, UserErrors: problems}, err
}

func (r mutationResolver) UpdateTag(ctx context.Context, input model.UpdateTagInput) (*model.UpdateTagPayload, error) {
	if err := beforeWriting(ctx, payloadTag); err != nil {
		return nil, err
	}
	id, err := identify(gid.Tag, "id", input.ID)
	var t *ent.Tag
	if err == nil {
		t, err = r.Tags.Rename(ctx, id, input.Name)
	}
	problems, err := toUserErrors(ctx, err)
	return &model.UpdateTagPayload{Tag: t, UserErrors: problems}, err
}

func (r mutationResolver) DeleteTags(
	ctx context.Context, input model.DeleteTagsInput,
) (*model.DeleteTagsPayload, error) {
	ids, err := identifyAll(gid.Tag, "ids", input.Ids, maxIDs)
	var deleted []int64
	if err == nil {
		deleted, err = r.Tags.Delete(ctx, ids)
	}
	problems, err := toUserErrors(ctx, err)
	return &model.DeleteTagsPayload{DeletedIds: globalIDs(gid.Tag, deleted), UserErrors: problems}, err
}

func (r mutationResolver) TagCampaigns(
	ctx context.Context, input model.TagCampaignsInput,
) (*model.TagCampaignsPayload, error) {
	campaigns, problems, err := r.retag(ctx, input.CampaignIds, input.TagIds, r.Tags.AssignMany)
	return &model.TagCampaignsPayload{Campaigns: campaigns, UserErrors: problems}, err
}

func (r mutationResolver) UntagCampaigns(
	ctx context.Context, input model.UntagCampaignsInput,
) (*model.UntagCampaignsPayload, error) {
	campaigns, problems, err := r.retag(ctx, input.CampaignIds, input.TagIds, r.Tags.UnassignMany)
	return &model.UntagCampaignsPayload{Campaigns: campaigns, UserErrors: problems}, err
}

// retag adds tags to campaigns or removes them, and returns the campaigns in the order of their
// ids.
func (r mutationResolver) retag(
	ctx context.Context, campaignTexts, tagTexts []string,
	do func(ctx context.Context, campaignIDs, tagIDs []int64) (int, error),
) ([]*model.Campaign, []*model.UserError, error) {
	shows := asks(ctx, "campaigns")
	if shows {
		if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
			return nil, nil, err // before anything is written
		}
	}
	campaignIDs, err := identifyAll(gid.Campaign, "campaignIds", campaignTexts, maxIDs)
	var tagIDs []int64
	if err == nil {
		tagIDs, err = identifyAll(gid.Tag, "tagIds", tagTexts, maxFilterTags)
	}
	if err == nil {
		_, err = do(ctx, campaignIDs, tagIDs)
	}
	if err != nil {
		problems, err := toUserErrors(ctx, err)
		return []*model.Campaign{}, problems, err
	}
	if !shows {
		return []*model.Campaign{}, []*model.UserError{}, nil
	}
	asked := selected(ctx, campaignFields, [][]string{{"campaigns"}})
	found, err := r.Campaigns.ByIDs(ctx, campaignIDs, asked.columns()...)
	if err != nil {
		return nil, nil, err
	}
	rows := make([]*ent.Campaign, 0, len(campaignIDs))
	for _, id := range campaignIDs {
		if c := found[id]; c != nil {
			rows = append(rows, c)
		}
	}
	return shownCampaigns(rows), []*model.UserError{}, nil
}
