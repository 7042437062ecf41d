package statistics

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/hourlycounter"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Bounds of the number of days (legacy parameter StatisticsDays).
const (
	DefaultDays = 15
	MaxDays     = 365
)

// Day is what happened to a campaign on one day of its owner's zone.
type Day struct {
	// Date is the day, YYYY-MM-DD.
	Date                                      string
	Opens, Clicks, Forwards, BrowserViews     Unique
	Unsubscriptions, HardBounces, SoftBounces int64
}

// Service keeps and reads the statistics that lie beside a campaign.
type Service struct {
	db *store.Store
	// summed is MaxSummed.
	summed int
}

// New returns the service over a database.
func New(db *store.Store) *Service { return &Service{db, MaxSummed} }

// Days returns, for each campaign of which anything is known, the given number of days (1–365) from
// the start of its sending, or from the first event where sending was never started, in the zone,
// with zeros where nothing happened. Campaigns without any event in those days are absent. The
// campaigns need id and sending_started_at. It costs one statement whatever the number of
// campaigns.
func (s *Service) Days(
	ctx context.Context, campaigns []*ent.Campaign, days int, zone *time.Location,
) (map[int64][]Day, error) {
	return store.HeavyIf(ctx, s.db, len(campaigns) > 1, func(ctx context.Context) (map[int64][]Day, error) {
		return s.days(ctx, campaigns, days, zone)
	})
}

func (s *Service) days(
	ctx context.Context, campaigns []*ent.Campaign, days int, zone *time.Location,
) (map[int64][]Day, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	if len(campaigns) == 0 {
		return map[int64][]Day{}, nil
	}
	starts := make(map[int64]time.Time, len(campaigns))
	for _, c := range campaigns {
		if c.SendingStartedAt != nil {
			starts[c.ID] = midnight(*c.SendingStartedAt, zone)
		}
	}
	rows, err := s.db.Client(ctx).HourlyCounter.Query().
		Where(func(sel *sql.Selector) { sel.Where(within(sel, campaigns, starts, days)) }).
		Order(hourlycounter.ByCampaignID(), hourlycounter.ByHour()).All(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	found := map[int64][]Day{}
	for _, row := range rows {
		start, ok := starts[row.CampaignID]
		if !ok {
			start = midnight(row.Hour, zone)
			starts[row.CampaignID] = start
		}
		list := found[row.CampaignID]
		if list == nil {
			list = calendar(start, days)
		}
		if i := dayIndex(list, dayOf(row.Hour, start, zone)); i >= 0 {
			list[i].add(row)
			found[row.CampaignID] = list
		}
	}
	return found, nil
}

// within is the condition on the hours of each campaign: its own days where they are known, any
// where they follow from the first event.
func within(sel *sql.Selector, campaigns []*ent.Campaign, starts map[int64]time.Time, days int) *sql.Predicate {
	id, hour := sel.C(hourlycounter.FieldCampaignID), sel.C(hourlycounter.FieldHour)
	var parts []*sql.Predicate
	var unknown []any
	for _, c := range campaigns {
		start, ok := starts[c.ID]
		if !ok {
			unknown = append(unknown, c.ID)
			continue
		}
		// An hour to spare on both sides: the first may have begun before midnight in a zone with a
		// broken offset, and where clocks are put back there are two midnights. What is not of
		// these days is left out when it is added up.
		y, m, d := start.Date()
		end := kind.DayStart(y, m, d+days, start.Location())
		parts = append(
			parts,
			sql.And(
				sql.EQ(id, c.ID), sql.GTE(hour, start.Add(-time.Hour).UTC()), sql.LT(hour, end.Add(time.Hour).UTC()),
			),
		)
	}
	if len(unknown) > 0 {
		parts = append(parts, sql.In(id, unknown...))
	}
	return sql.Or(parts...)
}

func midnight(at time.Time, zone *time.Location) time.Time {
	y, m, d := at.In(zone).Date()
	return kind.DayStart(y, m, d, zone)
}

// dayOf is the date an hour counts for: the one it begins on, but of the hour in which the first day begins, that day.
func dayOf(hour, start time.Time, zone *time.Location) string {
	if hour.Before(start) && hour.Add(time.Hour).After(start) {
		hour = start
	}
	return hour.In(zone).Format(time.DateOnly)
}

func calendar(start time.Time, days int) []Day {
	list := make([]Day, days)
	for i := range list {
		// Noon exists on every day of every zone.
		list[i].Date = time.Date(start.Year(), start.Month(), start.Day()+i, 12, 0, 0, 0, time.UTC).
			Format(time.DateOnly)
	}
	return list
}

// dayIndex finds a date in a calendar, which has every day from its first.
func dayIndex(list []Day, date string) int {
	for i := range list {
		if list[i].Date == date {
			return i
		}
	}
	return -1
}

func (d *Day) add(row *ent.HourlyCounter) {
	d.Opens.Total += row.Opens
	d.Opens.Unique += row.UniqueOpens
	d.Clicks.Total += row.Clicks
	d.Clicks.Unique += row.UniqueClicks
	d.Forwards.Total += row.Forwards
	d.Forwards.Unique += row.UniqueForwards
	d.BrowserViews.Total += row.BrowserViews
	d.BrowserViews.Unique += row.UniqueBrowserViews
	d.Unsubscriptions += row.Unsubscriptions
	d.HardBounces += row.HardBounces
	d.SoftBounces += row.SoftBounces
}
