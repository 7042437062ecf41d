package graph

import (
	"context"
	"sync"
	"time"

	"campaignql/ent"
	"campaignql/graph/model"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/page"
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
	"conversionAmounts":  reads(statistics.AmountsColumn),
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

func (r accountResolver) Conversions(
	ctx context.Context, s *model.AccountStatistics,
) (*statistics.Conversions, error) {
	conversions := &statistics.Conversions{Count: s.TotalConversions}
	if !asks(ctx, "amounts") {
		return conversions, nil
	}
	var err error
	conversions.Amounts, err = r.Statistics.SumAmounts(ctx, s.Filter, s.Span)
	return conversions, err
}

func (r accountResolver) Series(ctx context.Context, s *model.AccountStatistics) ([]*statistics.Point, error) {
	points, err := r.Statistics.SumSeries(
		ctx, s.Filter, s.Span, selected(ctx, pointFields, itself).sums(), r.Campaigns.Now(),
	)
	return pointers(points), err
}

func (r accountResolver) Links(
	ctx context.Context, s *model.AccountStatistics, orderBy statistics.LinkOrder, first *int32, after *string,
	last *int32, before *string,
) (*model.LinkStatisticConnection, error) {
	request := pageRequest(first, after, last, before, nil)
	found, err := pagesOf(ctx, request, func() (page.Result[*ent.LinkCounter], error) {
		return r.Statistics.SumLinks(ctx, s.Filter, s.Span, orderBy, request)
	})
	if err != nil {
		return nil, err
	}
	return model.PageOf(found, found.Items, onceCounted(func(ctx context.Context) (int, error) {
		return r.Statistics.CountSumLinks(ctx, s.Filter, s.Span)
	})), nil
}

func (r accountResolver) Domains(
	ctx context.Context, s *model.AccountStatistics, first *int32, after *string, last *int32, before *string,
) (*model.DomainStatisticConnection, error) {
	request := pageRequest(first, after, last, before, nil)
	found, err := pagesOf(ctx, request, func() (page.Result[*statistics.Domain], error) {
		return r.Statistics.SumDomains(ctx, s.Filter, s.Span, request)
	})
	if err != nil {
		return nil, err
	}
	return model.PageOf(found, found.Items, onceCounted(func(ctx context.Context) (int, error) {
		return r.Statistics.CountSumDomains(ctx, s.Filter, s.Span)
	})), nil
}

// onceCounted counts at most once, whatever the number of aliases: to count sums costs as much as to
// add them up.
func onceCounted(count model.Counter) model.Counter {
	var once sync.Once
	var n int
	var failed error
	return func(ctx context.Context) (int, error) {
		once.Do(func() { n, failed = count(ctx) })
		return n, failed
	}
}
