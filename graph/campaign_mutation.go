package graph

import (
	"context"
	"time"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

func (r mutationResolver) CreateCampaign(
	ctx context.Context, input model.CreateCampaignInput,
) (*model.CreateCampaignPayload, error) {
	if err := beforeWriting(ctx, payloadCampaign); err != nil {
		return nil, err
	}
	c, err := r.Campaigns.Create(ctx, input.Name, given(input.IdempotencyKey))
	shown, problems, err := r.outcome(ctx, c, err)
	return &model.CreateCampaignPayload{Campaign: shown, UserErrors: problems}, err
}

func (r mutationResolver) CopyCampaign(
	ctx context.Context, input model.CopyCampaignInput,
) (*model.CopyCampaignPayload, error) {
	if err := beforeWriting(ctx, payloadCampaign); err != nil {
		return nil, err
	}
	id, err := identify(gid.Campaign, "id", input.ID)
	var c *ent.Campaign
	if err == nil {
		c, err = r.Campaigns.Copy(ctx, id, value(given(input.Name)), given(input.IdempotencyKey))
	}
	shown, problems, err := r.outcome(ctx, c, err)
	return &model.CopyCampaignPayload{Campaign: shown, UserErrors: problems}, err
}

func (r mutationResolver) UpdateCampaign(
	ctx context.Context, input model.UpdateCampaignInput,
) (*model.UpdateCampaignPayload, error) {
	if err := beforeWriting(ctx, payloadCampaign); err != nil {
		return nil, err
	}
	var faults apperr.Faults
	id, err := identify(gid.Campaign, "id", input.ID)
	faults.Add(err)
	patch, err := campaignPatch(input)
	faults.Add(err)
	updated := &campaign.Updated{}
	if err = faults.Err(); err == nil {
		updated, err = r.Campaigns.Update(
			ctx, campaign.Call{ID: id, ExpectedVersion: wide64(given(input.ExpectedVersion))}, patch,
		)
	}
	payload := &model.UpdateCampaignPayload{}
	if err == nil {
		payload.RequestedStatus = updated.Requested
		payload.Campaign, payload.UserErrors, err = r.outcome(ctx, updated.Campaign, nil)
		return payload, err
	}
	payload.UserErrors, err = toUserErrors(ctx, inForm(err, input.Audience.Value()))
	return payload, err
}

func (r mutationResolver) ApproveCampaign(
	ctx context.Context, input model.ApproveCampaignInput,
) (*model.ApproveCampaignPayload, error) {
	shown, problems, err := r.act(
		ctx, input.ID, given(input.ExpectedVersion),
		func(call campaign.Call) (*ent.Campaign, error) {
			return r.Campaigns.Approve(ctx, call, value(given(input.Explanation)))
		},
	)
	return &model.ApproveCampaignPayload{Campaign: shown, UserErrors: problems}, err
}

func (r mutationResolver) PauseCampaign(
	ctx context.Context, input model.PauseCampaignInput,
) (*model.PauseCampaignPayload, error) {
	shown, problems, err := r.act(
		ctx, input.ID, given(input.ExpectedVersion),
		func(call campaign.Call) (*ent.Campaign, error) {
			return r.Campaigns.Pause(ctx, call, value(given(input.Reason)))
		},
	)
	return &model.PauseCampaignPayload{Campaign: shown, UserErrors: problems}, err
}

func (r mutationResolver) ResumeCampaign(
	ctx context.Context, input model.ResumeCampaignInput,
) (*model.ResumeCampaignPayload, error) {
	shown, problems, err := r.act(
		ctx, input.ID, given(input.ExpectedVersion),
		func(call campaign.Call) (*ent.Campaign, error) {
			return r.Campaigns.Resume(ctx, call)
		},
	)
	return &model.ResumeCampaignPayload{Campaign: shown, UserErrors: problems}, err
}

func (r mutationResolver) CancelCampaign(
	ctx context.Context, input model.CancelCampaignInput,
) (*model.CancelCampaignPayload, error) {
	shown, problems, err := r.act(
		ctx, input.ID, given(input.ExpectedVersion),
		func(call campaign.Call) (*ent.Campaign, error) {
			return r.Campaigns.Cancel(ctx, call, value(given(input.Reason)))
		},
	)
	return &model.CancelCampaignPayload{Campaign: shown, UserErrors: problems}, err
}

func (r mutationResolver) DeleteCampaigns(
	ctx context.Context, input model.DeleteCampaignsInput,
) (*model.DeleteCampaignsPayload, error) {
	ids, err := identifyAll(gid.Campaign, "ids", input.Ids, maxIDs)
	var deleted []int64
	if err == nil {
		deleted, err = r.Campaigns.Delete(ctx, ids)
	}
	problems, err := toUserErrors(ctx, err)
	return &model.DeleteCampaignsPayload{DeletedIds: globalIDs(gid.Campaign, deleted), UserErrors: problems}, err
}

// act runs an action on one campaign.
func (r mutationResolver) act(
	ctx context.Context, id string, expected *int32, do func(campaign.Call) (*ent.Campaign, error),
) (*model.Campaign, []*model.UserError, error) {
	if err := beforeWriting(ctx, payloadCampaign); err != nil {
		return nil, nil, err
	}
	number, err := identify(gid.Campaign, "id", id)
	var c *ent.Campaign
	if err == nil {
		c, err = do(campaign.Call{ID: number, ExpectedVersion: wide64(expected)})
	}
	return r.outcome(ctx, c, err)
}

// outcome returns the parts of a payload with a campaign: the campaign, the user errors, or an
// error.
func (r mutationResolver) outcome(
	ctx context.Context, c *ent.Campaign, err error,
) (*model.Campaign, []*model.UserError, error) {
	if err != nil {
		problems, err := toUserErrors(ctx, err)
		return nil, problems, err
	}
	return shownCampaign(c), []*model.UserError{}, nil
}

func (r queryResolver) SchedulePreview(
	ctx context.Context, input model.ScheduleInput, first int32,
) (*model.SchedulePreview, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	if first < 1 || first > schedule.MaxUpcoming {
		return nil, apperr.InvalidField("first", apperr.ReasonPageSize, "must be 1 to %d", schedule.MaxUpcoming)
	}
	preview, err := r.preview(scheduleOf(&input), int(first))
	if err == nil {
		return preview, nil
	}
	problems, err := toUserErrors(ctx, err)
	if err != nil {
		return nil, err
	}
	return &model.SchedulePreview{Upcoming: []*time.Time{}, UserErrors: problems}, nil
}

func (r queryResolver) preview(plan schedule.Schedule, first int) (*model.SchedulePreview, error) {
	now := r.resolver.Campaigns.Now()
	if err := schedule.Validate(plan, now); err != nil {
		return nil, err
	}
	instants, err := plan.Normalized().Upcoming(now, 0, first)
	return &model.SchedulePreview{Upcoming: pointers(instants), UserErrors: []*model.UserError{}}, err
}
