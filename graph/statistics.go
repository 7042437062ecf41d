package graph

import (
	"context"
	"time"

	"campaignql/ent"
	"campaignql/internal/caller"
	"campaignql/internal/schedule"
	"campaignql/internal/statistics"
)

func (r statisticsResolver) Series(
	ctx context.Context, campaigns []*statistics.Counters, from, to *time.Time, interval statistics.Interval,
	timeZone *string,
) ([][]*statistics.Point, error) {
	span, err := spanOf(ctx, from, to, interval, timeZone)
	if err != nil {
		return nil, err
	}
	series, err := r.Statistics.Series(ctx, rowsOf(campaigns), span, r.Campaigns.Now())
	return perCampaign(campaigns, series), err
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
	ctx context.Context, campaigns []*statistics.Counters, first int32, after *string, orderBy statistics.LinkOrder,
) ([][]*statistics.Link, error) {
	links, err := r.Statistics.Links(ctx, campaignIDs(campaigns), orderBy, int(first), value(after))
	return perCampaign(campaigns, links), err
}

func (r statisticsResolver) Domains(
	ctx context.Context, campaigns []*statistics.Counters, first int32,
) ([][]*statistics.Domain, error) {
	domains, err := r.Statistics.Domains(ctx, campaignIDs(campaigns), int(first))
	return perCampaign(campaigns, domains), err
}

// rowsOf returns the rows of campaigns, each once.
func rowsOf(campaigns []*statistics.Counters) []*ent.Campaign {
	rows := mapped(campaigns, func(c *statistics.Counters) *ent.Campaign { return (*ent.Campaign)(c) })
	return each(rows, func(c *ent.Campaign) int64 { return c.ID })
}

func campaignIDs(campaigns []*statistics.Counters) []int64 {
	return idsOf(campaigns, func(c *statistics.Counters) int64 { return c.ID })
}

// perCampaign returns the values of each campaign.
func perCampaign[V any](campaigns []*statistics.Counters, values map[int64][]V) [][]*V {
	return mapped(campaigns, func(c *statistics.Counters) []*V { return pointers(values[c.ID]) })
}
