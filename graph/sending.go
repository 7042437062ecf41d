package graph

import (
	"context"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/sending"
)

func (r mutationResolver) RetryRecipients(
	ctx context.Context, input model.RetryRecipientsInput,
) (*model.RetryRecipientsPayload, error) {
	which := sending.Selection{Codes: input.Codes.Value()}
	for _, state := range input.States.Value() {
		which.States = append(which.States, kind.RecipientState(strings.ToLower(string(state))))
	}
	shown, n, problems, err := r.decide(
		ctx, input.CampaignID, given(input.ExpectedVersion),
		func(call campaign.Call) (*ent.Campaign, int64, error) {
			return r.Services.Sending.Retry(ctx, call, which)
		},
	)
	return &model.RetryRecipientsPayload{Campaign: shown, Retried: int32(n), UserErrors: problems}, err
}

func (r mutationResolver) ResolveUnknown(
	ctx context.Context, input model.ResolveUnknownInput,
) (*model.ResolveUnknownPayload, error) {
	as := kind.RecipientState(strings.ToLower(string(input.As)))
	shown, n, problems, err := r.decide(
		ctx, input.CampaignID, given(input.ExpectedVersion),
		func(call campaign.Call) (*ent.Campaign, int64, error) {
			return r.Services.Sending.Resolve(ctx, call, as)
		},
	)
	return &model.ResolveUnknownPayload{Campaign: shown, Resolved: int32(n), UserErrors: problems}, err
}

// decide runs an action on recipients of a campaign. It returns the campaign and their number.
func (r mutationResolver) decide(
	ctx context.Context, id string, expected *int32, do func(campaign.Call) (*ent.Campaign, int64, error),
) (*model.Campaign, int64, []*model.UserError, error) {
	if err := beforeWriting(ctx, payloadCampaign); err != nil {
		return nil, 0, nil, err
	}
	number, err := identify(gid.Campaign, "campaignId", id)
	var c *ent.Campaign
	var n int64
	if err == nil {
		c, n, err = do(campaign.Call{ID: number, ExpectedVersion: wide64(expected)})
	}
	shown, problems, err := r.outcome(ctx, c, err)
	return shown, n, problems, err
}

func (r mutationResolver) SendTest(ctx context.Context, input model.SendTestInput) (*model.SendTestPayload, error) {
	test := sending.Test{To: input.To}
	var faults apperr.Faults
	for _, named := range []struct {
		field string
		is    gid.Kind
		id    *string
		into  *int64
	}{
		{"emailId", gid.Email, given(input.EmailID), &test.EmailID},
		{"campaignId", gid.Campaign, given(input.CampaignID), &test.CampaignID},
		{"subscriberId", gid.Subscriber, given(input.SubscriberID), &test.SubscriberID},
	} {
		if named.id != nil {
			var err error
			*named.into, err = identify(named.is, named.field, *named.id)
			faults.Add(err)
		}
	}
	err := faults.Err()
	var outcomes []sending.TestOutcome
	if err == nil {
		outcomes, err = r.Services.Sending.SendTest(ctx, test)
	}
	problems, err := toUserErrors(ctx, err)
	shown := mapped(outcomes, func(o sending.TestOutcome) *model.TestOutcome { return (*model.TestOutcome)(&o) })
	return &model.SendTestPayload{Outcomes: shown, UserErrors: problems}, err
}

func (r runResolver) Pace(ctx context.Context, runs []*model.CampaignRun) ([]float64, error) {
	paces, err := r.paces(ctx, runs)
	return mapped(runs, func(run *model.CampaignRun) float64 { return paces[run.ID].PerSecond }), err
}

func (r runResolver) EstimatedFinish(ctx context.Context, runs []*model.CampaignRun) ([]*time.Time, error) {
	paces, err := r.paces(ctx, runs)
	return mapped(runs, func(run *model.CampaignRun) *time.Time { return paces[run.ID].Finish }), err
}

func (r runResolver) paces(ctx context.Context, runs []*model.CampaignRun) (map[int64]sending.Pace, error) {
	return r.Sending.Paces(ctx, mapped(runs, func(run *model.CampaignRun) *ent.CampaignRun { return run.CampaignRun }))
}
