package graph

import (
	"context"
	"time"

	"campaignql/graph/model"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/statistics"
)

// accountFields says which sums the fields of the statistics of an account read. A field with "id" reads
// none.
var accountFields = columnsOf("AccountStatistics", counterFields, fields{
	"campaigns": reads(statistics.CampaignsColumn),
	"series":    reads("id"),
	"links":     reads("id"),
	"domains":   reads("id"),
})

// pointFields says which sums of an hour the fields of a point read. A field with "id" reads none.
var pointFields = fields{
	"start":              reads("id"),
	"end":                reads("id"),
	"sent":               reads("sent"),
	"failed":             reads("failed"),
	"opens":              reads("opens"),
	"uniqueOpens":        reads("unique_opens"),
	"clicks":             reads("clicks"),
	"uniqueClicks":       reads("unique_clicks"),
	"forwards":           reads("forwards"),
	"uniqueForwards":     reads("unique_forwards"),
	"browserViews":       reads("browser_views"),
	"uniqueBrowserViews": reads("unique_browser_views"),
	"unsubscriptions":    reads("unsubscriptions"),
	"complaints":         reads("complaints"),
	"hardBounces":        reads("hard_bounces"),
	"softBounces":        reads("soft_bounces"),
	"conversions":        reads("conversions"),
	"conversionAmount":   reads("conversion_amount"),
	"automatedOpens":     reads("automated_opens"),
	"automatedClicks":    reads("automated_clicks"),
}

func (r queryResolver) Statistics(
	ctx context.Context, filter *model.CampaignFilter, from, to *time.Time, interval statistics.Interval,
	timeZone *string,
) (*model.AccountStatistics, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	conditions, err := campaignFilter(filter)
	if err != nil {
		return nil, err
	}
	span, err := spanOf(ctx, from, to, interval, timeZone)
	if err != nil {
		return nil, err
	}
	return r.overview(ctx, conditions, span, selected(ctx, accountFields, itself))
}

// overview reads the selected sums.
func (r *resolver) overview(
	ctx context.Context, filter campaign.Filter, span statistics.Span, asked selection,
) (*model.AccountStatistics, error) {
	total, err := r.Services.Statistics.Sum(ctx, filter, span, asked.sums())
	if err != nil {
		return nil, err
	}
	return &model.AccountStatistics{
		Counters: total.Counters, Campaigns: total.Campaigns, Filter: filter, Span: span,
	}, nil
}

func (r accountResolver) Series(ctx context.Context, s *model.AccountStatistics) ([]*statistics.Point, error) {
	points, err := r.Statistics.SumSeries(
		ctx, s.Filter, s.Span, selected(ctx, pointFields, itself).sums(), r.Campaigns.Now(),
	)
	return pointers(points), err
}

func (r accountResolver) Links(
	ctx context.Context, s *model.AccountStatistics, first int32, orderBy statistics.LinkOrder,
) ([]*statistics.Link, error) {
	links, err := r.Statistics.SumLinks(ctx, s.Filter, s.Span, orderBy, int(first))
	return pointers(links), err
}

func (r accountResolver) Domains(
	ctx context.Context, s *model.AccountStatistics, first int32,
) ([]*statistics.Domain, error) {
	domains, err := r.Statistics.SumDomains(ctx, s.Filter, s.Span, int(first))
	return pointers(domains), err
}
