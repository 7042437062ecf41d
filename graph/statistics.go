package graph

import (
	"context"
	"sync"
	"time"
	"unsafe"

	"campaignql/ent"
	"campaignql/graph/model"
	"campaignql/internal/budget"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/schedule"
	"campaignql/internal/statistics"
)

var deliveredColumns = []string{"total_sent", "total_hard_bounces", "total_soft_bounces"}

// counterFields says what the numbers read that one campaign and an account have alike.
var counterFields = fields{
	"recipients":      reads("total_recipients"),
	"sent":            reads("total_sent"),
	"failed":          reads("total_failed"),
	"delivered":       reads(deliveredColumns...),
	"opens":           unique("total_opens", "unique_opens"),
	"clicks":          unique("total_clicks", "unique_clicks"),
	"clickToOpenRate": reads("unique_opens", "unique_clicks"),
	"unsubscriptions": count("total_unsubscriptions"),
	"bounces": holds(fields{
		"hard": reads("total_hard_bounces"),
		"soft": reads("total_soft_bounces"),
		"rate": reads(deliveredColumns...),
	}),
	"complaints":   count("total_complaints"),
	"forwards":     unique("total_forwards", "unique_forwards"),
	"browserViews": unique("total_browser_views", "unique_browser_views"),
	"conversions":  holds(fields{"count": reads("total_conversions"), "amounts": reads("id")}),
	"automated":    holds(fields{"opens": reads("automated_opens"), "clicks": reads("automated_clicks")}),
}

// amountsOfPoint is the field of a point that reads the sums of money.
const amountsOfPoint = "conversionAmounts"

func unique(total, unique string) field {
	return holds(fields{
		"total":  reads(total),
		"unique": reads(unique),
		"rate":   reads(append([]string{unique}, deliveredColumns...)...),
	})
}

func count(total string) field {
	return holds(fields{"total": reads(total), "rate": reads(append([]string{total}, deliveredColumns...)...)})
}

func (r statisticsResolver) Conversions(
	ctx context.Context, campaigns []*statistics.Counters,
) ([]*statistics.Conversions, error) {
	var amounts map[int64][]kind.Money
	if asks(ctx, "amounts") {
		var err error
		if amounts, err = r.Statistics.Amounts(ctx, campaignIDs(campaigns)); err != nil {
			return nil, err
		}
	}
	return mapped(campaigns, func(c *statistics.Counters) *statistics.Conversions {
		return &statistics.Conversions{Count: c.TotalConversions, Amounts: amounts[c.ID]}
	}), nil
}

func (r statisticsResolver) Series(
	ctx context.Context, campaigns []*statistics.Counters, from, to *time.Time, interval statistics.Interval,
	timeZone *string,
) ([][]*statistics.Point, error) {
	span, err := spanOf(ctx, from, to, interval, timeZone)
	if err != nil {
		return nil, err
	}
	span.Amounts = asks(ctx, amountsOfPoint)
	series, err := r.Statistics.Series(ctx, rowsOf(campaigns), span, r.Campaigns.Now())
	if err == nil {
		err = chargePoints(ctx, series)
	}
	return perCampaign(campaigns, series), err
}

// chargePoints charges the memory of points to the answer. There may be many more of them than of the
// hours that were read.
func chargePoints(ctx context.Context, series map[int64][]statistics.Point) error {
	n := 0
	for _, points := range series {
		n += len(points)
	}
	return budget.From(ctx).Charge(int64(n)*int64(unsafe.Sizeof(statistics.Point{})), "")
}

// spanOf reads a time span. If timeZone is not given, it uses the zone of the account.
func spanOf(
	ctx context.Context, from, to *time.Time, interval statistics.Interval, timeZone *string,
) (statistics.Span, error) {
	span := statistics.Span{From: from, To: to, Interval: interval}
	zone := value(timeZone)
	if zone == "" {
		id, err := caller.From(ctx)
		if err != nil {
			return span, err
		}
		zone = id.TimeZone
	}
	var err error
	span.Zone, err = schedule.ParseZone(zone)
	return span, err
}

func (r statisticsResolver) Links(
	ctx context.Context, campaigns []*statistics.Counters, orderBy statistics.LinkOrder, first *int32, after *string,
	last *int32, before *string,
) ([]*model.LinkStatisticConnection, error) {
	ids, request := campaignIDs(campaigns), pageRequest(first, after, last, before, nil)
	pages, err := pagesOf(ctx, request, func() (map[int64]page.Result[*ent.LinkCounter], error) {
		return r.Statistics.Links(ctx, ids, orderBy, request)
	})
	count := countsOf(ids, r.Statistics.CountLinks)
	return mapped(campaigns, func(c *statistics.Counters) *model.LinkStatisticConnection {
		return model.PageOf(pages[c.ID], pages[c.ID].Items, count(c.ID))
	}), err
}

func (r statisticsResolver) Domains(
	ctx context.Context, campaigns []*statistics.Counters, first *int32, after *string, last *int32, before *string,
) ([]*model.DomainStatisticConnection, error) {
	ids, request := campaignIDs(campaigns), pageRequest(first, after, last, before, nil)
	pages, err := pagesOf(ctx, request, func() (map[int64]page.Result[*statistics.Domain], error) {
		return r.Statistics.Domains(ctx, ids, request)
	})
	count := countsOf(ids, r.Statistics.CountDomains)
	return mapped(campaigns, func(c *statistics.Counters) *model.DomainStatisticConnection {
		return model.PageOf(pages[c.ID], pages[c.ID].Items, count(c.ID))
	}), err
}

// pagesOf reads the pages of a connection, unless only their number of rows is selected.
func pagesOf[P any](ctx context.Context, request page.Request, read func() (P, error)) (pages P, err error) {
	if !asks(ctx, "nodes", "edges", "pageInfo") {
		return pages, request.Validate()
	}
	return read()
}

// countsOf returns the counter of each object. The first that counts reads the counts of all, in one
// statement.
func countsOf(
	ids []int64, read func(context.Context, []int64) (map[int64]int, error),
) func(id int64) model.Counter {
	var once sync.Once
	var counts map[int64]int
	var failed error
	return func(id int64) model.Counter {
		return func(ctx context.Context) (int, error) {
			once.Do(func() { counts, failed = read(ctx, ids) })
			return counts[id], failed
		}
	}
}

// rowsOf returns the rows of campaigns, each once.
func rowsOf(campaigns []*statistics.Counters) []*ent.Campaign {
	rows := mapped(campaigns, func(c *statistics.Counters) *ent.Campaign { return (*ent.Campaign)(c) })
	return distinctBy(rows, func(c *ent.Campaign) int64 { return c.ID })
}

func campaignIDs(campaigns []*statistics.Counters) []int64 {
	return idsOf(campaigns, func(c *statistics.Counters) int64 { return c.ID })
}

// perCampaign returns the values of each campaign.
func perCampaign[V any](campaigns []*statistics.Counters, values map[int64][]V) [][]*V {
	return mapped(campaigns, func(c *statistics.Counters) []*V { return pointers(values[c.ID]) })
}
