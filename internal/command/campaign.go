package command

import (
	"context"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
)

func (b *Bridge) campaignCommands() []Command {
	return []Command{
		{
			Name: "Campaign.Create", Operation: "createCampaign", Scope: kind.ScopeWrite,
			Doc:        "Creates a campaign: a Draft, not scheduled.",
			Parameters: []Parameter{required("CampaignName", "The name, 1 to 250 characters; it need not be unique.")},
			Codes: []Code{
				{
					Number: 1, Text: "The campaign name is required.", Missing: "CampaignName",
					Reasons: []apperr.Reason{apperr.ReasonNameRequired},
				},
				{
					Number: 1, Text: "The campaign name must have at most 250 characters.",
					Reasons: []apperr.Reason{apperr.ReasonNameTooLong},
				},
			},
			run: b.createCampaign,
		},
		{
			Name: "Campaign.Get", Operation: "campaign", Scope: kind.ScopeRead,
			Doc: "Returns one campaign. One that does not exist is not an error: Campaign is an empty array then.",
			Parameters: []Parameter{
				required("campaignid", "The campaign."),
				optional("retrievestatistics", "Whether to add the statistics by day: true or false."),
				optional("retrievetags", "Whether to add the names of its tags: true or false."),
				optional("StatisticsDays", "The length of the statistics in days, 1 to 365; 15 if not given."),
				optional("FailOnNotFound", "Whether a campaign that does not exist is error 3: true or false."),
			},
			Codes: []Code{
				{Number: 1, Shape: Message, Text: "Required parameter 'campaignid' is missing.", Missing: "campaignid"},
				{
					Number: 2, Shape: Message, Text: "The 'campaignid' parameter must be numeric.",
					Reasons: []apperr.Reason{apperr.ReasonNotNumeric},
				},
				{Number: 3, Text: "Campaign not found", Reasons: []apperr.Reason{apperr.ReasonCampaignNotFound}},
			},
			run: b.campaign,
		},
		{
			Name: "Campaigns.Get", Operation: "campaigns", Scope: kind.ScopeRead,
			Doc: "Lists campaigns. It has no error codes: a value that cannot be understood is as good as not given.",
			Parameters: []Parameter{
				optional("RecordsPerRequest", "The size of the page; 0, or not given, for all."),
				optional("RecordsFrom", "How many campaigns to pass over."),
				optional(
					"CampaignStatus",
					"All, Draft, Ready, Sending, Paused, Pending (or Pending Approval), Sent, Failed or Scheduled.",
				),
				optional(
					"SearchKeyword",
					"A part of the name or of the subject of the email, without regard to case. SearchKeyowrd is another name for it.",
				),
				optional(
					"OrderField",
					"A column of a campaign, sort-by-status or sort-by-send-date; CampaignName for anything else and for texts without limit.",
				),
				optional("OrderType", "ASC or DESC."),
				optional("RetrieveTags", "Whether to add the tags of each: true or false."),
				optional("Tags", "Comma-separated ids of tags: campaigns that have any of them."),
				optional("CampaignIDs", "Comma-separated ids of campaigns, at most 10,000: only these."),
				optional(
					"ScheduleType",
					"Not Scheduled, Immediate, Future or Recursive, or several of them: campaigns with such a schedule.",
				),
				optional("CountOnly", "Whether to count them only: true or false. Campaigns is empty then."),
				optional("ExcludeColumns", "Comma-separated columns that rows leave out; CampaignID always stays."),
				optional("RetrieveStatistics", "Whether to add the statistics by day of each: true or false."),
				optional("StatisticsDays", "The length of the statistics in days, 1 to 365; 15 if not given."),
			},
			run: b.campaigns,
		},
		{
			Name: "Campaign.Update", Operation: "updateCampaign", Scope: kind.ScopeWrite,
			Doc:        "Changes what it names of a campaign, all or nothing.",
			Parameters: updateParameters, Codes: updateCodes,
			run: b.updateCampaign,
		},
		{
			Name:       "Campaign.Copy",
			Operation:  "copyCampaign",
			Scope:      kind.ScopeWrite,
			Doc:        "Copies a campaign with its settings, audience, tags and email; the copy is a Draft, not scheduled.",
			Parameters: []Parameter{required("CampaignID", "The campaign to copy.")},
			Codes: []Code{
				{
					Number: 1, Shape: Array, Text: "Invalid source campaign", Missing: "CampaignID",
					Reasons: []apperr.Reason{apperr.ReasonCampaignNotFound},
				},
			},
			run: b.copyCampaign,
		},
		{
			Name: "Campaign.Approve", Operation: "approveCampaign", Scope: kind.ScopeApprove,
			Doc:        "Makes a campaign that waits for approval Ready.",
			Parameters: []Parameter{required("CampaignID", "The campaign.")},
			Codes: []Code{
				{Number: 1, Text: "Missing required parameter: CampaignID", Missing: "CampaignID"},
				{Number: 2, Text: "Campaign not found", Reasons: []apperr.Reason{apperr.ReasonCampaignNotFound}},
				{Number: 3, Text: "Campaign cannot be approved", Detail: true, Reasons: append([]apperr.Reason{
					apperr.ReasonStatusTransition, apperr.ReasonScheduleInPast,
				}, sendingReasons...)},
			},
			run: b.move(func(ctx context.Context, call campaign.Call) (*ent.Campaign, error) {
				return b.Campaigns.Approve(ctx, call, "")
			}),
		},
		{
			Name: "Campaign.Pause", Operation: "pauseCampaign", Scope: kind.ScopeWrite,
			Doc:        "Holds a campaign that is being sent.",
			Parameters: []Parameter{required("CampaignID", "The campaign.")},
			Codes: []Code{
				{Number: 1, Text: "Missing required parameter: CampaignID", Missing: "CampaignID"},
				{
					Number: 2, Text: "Campaign does not belong to the user",
					Reasons: []apperr.Reason{apperr.ReasonCampaignNotFound},
				},
				{
					Number: 3, Text: "Campaign is not in a 'Sending' state",
					Reasons: []apperr.Reason{apperr.ReasonStatusTransition},
				},
				{Number: 3, Text: "Campaign cannot be paused", Detail: true, Reasons: sendingReasons},
			},
			run: b.move(func(ctx context.Context, call campaign.Call) (*ent.Campaign, error) {
				return b.Campaigns.Pause(ctx, call, "")
			}),
		},
		{
			Name: "Campaign.Resume", Operation: "resumeCampaign", Scope: kind.ScopeWrite,
			Doc:        "Lets a paused campaign go on with those it has not reached yet.",
			Parameters: []Parameter{required("CampaignID", "The campaign.")},
			Codes: []Code{
				{Number: 1, Text: "Missing required parameter: CampaignID", Missing: "CampaignID"},
				{
					Number: 2, Text: "Campaign does not belong to the user",
					Reasons: []apperr.Reason{apperr.ReasonCampaignNotFound},
				},
				{
					Number: 3, Text: "Campaign is not in a 'Paused' state",
					Reasons: []apperr.Reason{apperr.ReasonStatusTransition},
				},
				{Number: 3, Text: "Campaign cannot be resumed", Detail: true, Reasons: sendingReasons},
			},
			run: b.move(b.Campaigns.Resume),
		},
		{
			Name:       "Campaign.Cancel",
			Operation:  "cancelCampaign",
			Scope:      kind.ScopeWrite,
			Doc:        "Ends a campaign: before anything was sent it is a Draft again, after that it is Sent and the rest never goes out.",
			Parameters: []Parameter{required("CampaignID", "The campaign.")},
			Codes: []Code{
				{Number: 1, Text: "Missing required field: CampaignID", Missing: "CampaignID"},
				{
					Number: 2, Text: "Campaign does not belong to the user or does not exist",
					Reasons: []apperr.Reason{apperr.ReasonCampaignNotFound},
				},
				{
					Number: 3, Text: "Campaign cannot be canceled in its present state",
					Reasons: []apperr.Reason{apperr.ReasonStatusTransition},
				},
				{Number: 3, Text: "Campaign cannot be canceled", Detail: true, Reasons: sendingReasons},
			},
			run: b.move(func(ctx context.Context, call campaign.Call) (*ent.Campaign, error) {
				return b.Campaigns.Cancel(ctx, call, "")
			}),
		},
		{
			Name: "Campaigns.Delete", Operation: "deleteCampaigns", Scope: kind.ScopeWrite,
			Doc:        "Deletes campaigns, all or nothing. Those that are not the caller's are left alone.",
			Parameters: []Parameter{required("Campaigns", "Comma-separated ids, at most 10,000.")},
			Codes: []Code{
				{
					Number: 1, Shape: Keyed, Text: "The 'campaigns' parameter is missing or invalid.",
					Missing: "Campaigns", Reasons: []apperr.Reason{apperr.ReasonCampaignsInvalid},
				},
				{
					Number: 1, Shape: Keyed, Text: "The 'campaigns' parameter is missing or invalid", Detail: true,
					Reasons: []apperr.Reason{apperr.ReasonTooManyIDs},
				},
			},
			run: b.deleteCampaigns,
		},
	}
}

func (b *Bridge) createCampaign(ctx context.Context, p Parameters) (Object, error) {
	if err := notSent(p, "CampaignName"); err != nil {
		return nil, err
	}
	c, err := b.Campaigns.Create(ctx, p.Text("CampaignName"), nil)
	if err != nil {
		return nil, err
	}
	return success(Member{"CampaignID", c.ID}), nil
}

func (b *Bridge) copyCampaign(ctx context.Context, p Parameters) (Object, error) {
	if err := absent(p, "CampaignID"); err != nil {
		return nil, err
	}
	c, err := b.Campaigns.Copy(ctx, p.ID("CampaignID"), "", nil)
	if err != nil {
		return nil, err
	}
	return success(Member{"NewCampaignID", numberOf(c.ID).asString()}), nil
}

// move returns the handler of a command that changes the status of a campaign.
func (b *Bridge) move(
	action func(ctx context.Context, call campaign.Call) (*ent.Campaign, error),
) func(context.Context, Parameters) (Object, error) {
	return func(ctx context.Context, p Parameters) (Object, error) {
		if err := absent(p, "CampaignID"); err != nil {
			return nil, err
		}
		if _, err := action(ctx, campaign.Call{ID: p.ID("CampaignID")}); err != nil {
			return nil, err
		}
		return success(), nil
	}
}

func (b *Bridge) deleteCampaigns(ctx context.Context, p Parameters) (Object, error) {
	if err := absent(p, "Campaigns"); err != nil {
		return nil, err
	}
	ids, pure := p.IDs("Campaigns")
	if !pure {
		return nil, apperr.InvalidField("Campaigns", apperr.ReasonCampaignsInvalid, "holds something else than ids")
	}
	if _, err := b.Campaigns.Delete(ctx, ids); err != nil {
		return nil, err
	}
	return success(Member{"ErrorText", ""}), nil
}
