package statistics

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/hourlycounter"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// ElapsedColumns are the columns of a campaign that Elapsed reads.
var ElapsedColumns = []string{entcampaign.FieldSendingStartedAt}

// Elapsed returns for each campaign the numbers of the first intervals after its sending began, at
// most points of them. Intervals are hours (ByHour) or 24 hours (ByDay), and the first one begins
// with the UTC hour in which sending began. Intervals without events have zeros. Intervals that
// begin after now are left out. Campaigns whose sending has not begun are absent. If points is not
// between 1 and MaxPoints, the error is Invalid. It runs one statement, and one more if amounts are
// wanted, whatever the number of campaigns, and none if no sending has begun.
func (s *Service) Elapsed(
	ctx context.Context, campaigns []*ent.Campaign, interval Interval, points int, amounts bool, now time.Time,
) (map[int64][]Point, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	if points < 1 || points > MaxPoints {
		return nil, apperr.InvalidField("points", apperr.ReasonNumberOfPoints, "must be 1 to %d", MaxPoints)
	}
	step := time.Hour
	if interval == ByDay {
		step = 24 * time.Hour
	}
	found := make(map[int64][]Point, len(campaigns))
	for _, c := range campaigns {
		if c.SendingStartedAt != nil && !c.SendingStartedAt.After(now) {
			found[c.ID] = elapsed(c.SendingStartedAt.UTC().Truncate(time.Hour), step, points, now)
		}
	}
	if len(found) == 0 {
		return found, nil
	}
	within := func(sel *sql.Selector) *sql.Predicate { return elapsedHours(sel, campaigns, found) }
	rows, err := s.db.Client(ctx).HourlyCounter.Query().
		Where(func(sel *sql.Selector) { sel.Where(within(sel)) }).All(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	for _, row := range rows {
		list := found[row.CampaignID]
		list[row.Hour.Sub(list[0].Start)/step].add(row)
	}
	if !amounts {
		return found, nil
	}
	money, err := s.amountsWithin(ctx, within)
	for id, rows := range money {
		list := found[id]
		for _, row := range rows {
			list[row.Hour.Sub(list[0].Start)/step].addAmount(row)
		}
	}
	return found, err
}

// elapsed returns the empty points from start on that begin before now.
func elapsed(start time.Time, step time.Duration, points int, now time.Time) []Point {
	var list []Point
	for len(list) < points && !start.After(now) {
		list = append(list, Point{Start: start, End: start.Add(step)})
		start = start.Add(step)
	}
	return list
}

// elapsedHours returns the condition on the hours within the points of each campaign, in the table
// of hours or of amounts.
func elapsedHours(sel *sql.Selector, campaigns []*ent.Campaign, points map[int64][]Point) *sql.Predicate {
	id, hour := sel.C(hourlycounter.FieldCampaignID), sel.C(hourlycounter.FieldHour)
	var parts []*sql.Predicate
	for _, c := range campaigns {
		if list := points[c.ID]; list != nil {
			parts = append(
				parts, sql.And(sql.EQ(id, c.ID), sql.GTE(hour, list[0].Start), sql.LT(hour, list[len(list)-1].End)),
			)
		}
	}
	return sql.Or(parts...)
}
