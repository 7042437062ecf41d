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
