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

// Day holds the numbers of a campaign for one day in its owner's time zone.
type Day struct {
	// Date has the form YYYY-MM-DD.
	Date                                      string
	Opens, Clicks, Forwards, BrowserViews     Unique
	Unsubscriptions, HardBounces, SoftBounces int64
}

// Service reads the statistics that are stored outside the row of a campaign.
type Service struct {
	db *store.Store
	// summed is MaxSummed; tests lower it.
	summed int
}

// New returns a service that uses a database.
func New(db *store.Store) *Service { return &Service{db, MaxSummed} }

// Days returns the given number of days (1–365) for each campaign, in the given zone. The first day
// is the day on which sending began, or the day of the first event if sending never started. Days
// without events have zeros. Campaigns without any event in these days are absent from the map. The
// campaigns need the columns id and sending_started_at. It runs one statement, whatever the number
// of campaigns.
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

// within returns the condition on the hours of the campaigns: the hours of its days if the first
// day of the campaign is known, and all hours if the first day depends on the first event.
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
		// The bounds include one more hour on both sides: the first hour may have begun before
		// midnight in a zone whose offset is not a whole number of hours, and there are two
		// midnights if clocks are set back. Hours outside the days are skipped when they are added
		// up.
		y, m, d := start.Date()
		end := kind.DayStart(y, m, d+days, start.Location())
		parts = append(parts, sql.And(
			sql.EQ(id, c.ID), sql.GTE(hour, start.Add(-time.Hour).UTC()), sql.LT(hour, end.Add(time.Hour).UTC()),
		))
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

// dayOf returns the date that an hour counts for: the date on which it begins. The hour that
// contains start counts for the day of start.
func dayOf(hour, start time.Time, zone *time.Location) string {
	if hour.Before(start) && hour.Add(time.Hour).After(start) {
		hour = start
	}
	return hour.In(zone).Format(time.DateOnly)
}

func calendar(start time.Time, days int) []Day {
	list := make([]Day, days)
	for i := range list {
		// Noon exists on every day in every zone.
		list[i].Date = time.Date(start.Year(), start.Month(), start.Day()+i, 12, 0, 0, 0, time.UTC).
			Format(time.DateOnly)
	}
	return list
}

// dayIndex returns the index of a date in a calendar, which has every day from its first day on.
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
