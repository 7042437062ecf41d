package graph

import (
	"context"
	"time"

	"campaignql/ent"
	"campaignql/graph/loader"
	"campaignql/internal/caller"
	"campaignql/internal/schedule"
	"campaignql/internal/statistics"
)

// seriesKey, linksKey and domainsKey identify data that is read once for a page of campaigns.
type (
	seriesKey struct {
		from, to time.Time
		interval statistics.Interval
		zone     string
	}
	linksKey struct {
		by    statistics.LinkOrder
		first int32
		after string
	}
	domainsKey struct{ first int32 }
)

func (r statisticsResolver) Series(
	ctx context.Context, c *statistics.Counters, from, to *time.Time, interval statistics.Interval, timeZone *string,
) ([]*statistics.Point, error) {
	span, err := spanOf(ctx, from, to, interval, timeZone)
	if err != nil {
		return nil, err
	}
	points, err := ofPage(
		ctx, c, seriesKey{value(from), value(to), interval, span.Zone.String()},
		func(rows []*ent.Campaign) (map[int64][]statistics.Point, error) {
			return r.Statistics.Series(ctx, rows, span, r.Campaigns.Now())
		},
	)
	return pointers(points), err
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
	ctx context.Context, c *statistics.Counters, first int32, after *string, orderBy statistics.LinkOrder,
) ([]*statistics.Link, error) {
	links, err := ofPage(
		ctx, c, linksKey{orderBy, first, value(after)},
		func(rows []*ent.Campaign) (map[int64][]statistics.Link, error) {
			return r.Statistics.Links(ctx, campaignIDs(rows), orderBy, int(first), value(after))
		},
	)
	return pointers(links), err
}

func (r statisticsResolver) Domains(
	ctx context.Context, c *statistics.Counters, first int32,
) ([]*statistics.Domain, error) {
	domains, err := ofPage(
		ctx, c, domainsKey{first},
		func(rows []*ent.Campaign) (map[int64][]statistics.Domain, error) {
			return r.Statistics.Domains(ctx, campaignIDs(rows), int(first))
		},
	)
	return pointers(domains), err
}

// ofPage loads data for all campaigns of the same page in one call, and returns the data of this
// campaign.
func ofPage[V any](
	ctx context.Context, c *statistics.Counters, key any, load func(rows []*ent.Campaign) (map[int64]V, error),
) (V, error) {
	l, err := loaders(ctx)
	if err != nil {
		var none V
		return none, err
	}
	return loader.Whole(l, (*ent.Campaign)(c), key, load)
}

func campaignIDs(rows []*ent.Campaign) []int64 {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids
}
