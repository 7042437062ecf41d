package graph

import (
	"context"
	"fmt"
	"slices"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/statistics"
)

// minCompared and maxCompared limit the number of campaigns in a comparison.
const (
	minCompared = 2
	maxCompared = 10
)

func (r queryResolver) Compare(ctx context.Context, texts []string) (*model.CampaignComparison, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	ids, err := comparedIDs(texts)
	if err != nil {
		return nil, err
	}
	asked := selected(ctx, campaignFields, [][]string{{"campaigns", "campaign"}})
	byID, err := r.resolver.Campaigns.ByIDs(ctx, ids, asked.columnsAnd(statistics.ElapsedColumns...)...)
	if err != nil {
		return nil, err
	}
	rows := make([]*ent.Campaign, len(ids))
	for i, id := range ids {
		if rows[i] = byID[id]; rows[i] == nil {
			fault := apperr.NotFoundf("campaign")
			fault.Field = comparedName(i)
			return nil, fault
		}
	}
	shown := shownCampaigns(rows)
	comparison := &model.CampaignComparison{Campaigns: make([]*model.ComparedCampaign, len(shown))}
	for i, c := range shown {
		comparison.Campaigns[i] = &model.ComparedCampaign{Campaign: c}
	}
	if !asks(ctx, "total") {
		return comparison, nil
	}
	span, err := spanOf(ctx, nil, nil, statistics.ByDay, nil)
	if err != nil {
		return nil, err
	}
	comparison.Total, err = r.overview(
		ctx, campaign.Filter{IDs: ids}, span, selected(ctx, accountFields, [][]string{{"total"}}),
	)
	return comparison, err
}

// comparedIDs reads ids of campaigns. Each campaign may occur only once.
func comparedIDs(texts []string) ([]int64, error) {
	if len(texts) < minCompared || len(texts) > maxCompared {
		return nil, apperr.InvalidField(
			"campaignIds", apperr.ReasonNumberOfIDs, "%d ids, %d to %d are allowed", len(texts), minCompared, maxCompared,
		)
	}
	ids := make([]int64, len(texts))
	var faults apperr.Faults
	for i, text := range texts {
		id, err := identify(gid.Campaign, comparedName(i), text)
		faults.Add(err)
		if err == nil && slices.Contains(ids[:i], id) {
			faults.Add(apperr.InvalidField(
				comparedName(i), apperr.ReasonIDRepeated, "names a campaign that stands there before",
			))
		}
		ids[i] = id
	}
	return ids, faults.Err()
}

// comparedName returns the name of an id in the arguments, for errors.
func comparedName(i int) string { return fmt.Sprintf("campaignIds[%d]", i) }

func (r comparedResolver) Elapsed(
	ctx context.Context, compared []*model.ComparedCampaign, interval statistics.Interval, points int32,
) ([][]*statistics.Point, error) {
	campaigns := mapped(compared, func(c *model.ComparedCampaign) *statistics.Counters { return c.Campaign.Statistics() })
	series, err := r.Statistics.Elapsed(
		ctx, rowsOf(campaigns), interval, int(points), asks(ctx, amountsOfPoint), r.Campaigns.Now(),
	)
	if err == nil {
		err = chargePoints(ctx, series)
	}
	return perCampaign(campaigns, series), err
}
