package statistics

import (
	"context"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/hourlycounter"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// MaxPoints is the most points of a series.
const MaxPoints = 1000

// Interval is the length of a point of a series.
type Interval string

// The intervals. A week begins on Monday.
const (
	ByHour Interval = "HOUR"
	ByDay  Interval = "DAY"
	ByWeek Interval = "WEEK"
)

// Span says which points of time a series has. From and To are optional; To is not part of the span.
type Span struct {
	From, To *time.Time
	Interval Interval
	// Zone is where days and weeks begin at midnight. Hours are those of UTC.
	Zone *time.Location
}

// Point is what happened to a campaign from Start to End.
type Point struct {
	Start, End                       time.Time
	Sent, Failed                     int64
	Opens, UniqueOpens               int64
	Clicks, UniqueClicks             int64
	Forwards, UniqueForwards         int64
	BrowserViews, UniqueBrowserViews int64
	Unsubscriptions, Complaints      int64
	HardBounces, SoftBounces         int64
	Conversions                      int64
	AutomatedOpens, AutomatedClicks  int64
	// hundredths is the sum of the amounts of conversions.
	hundredths int64
}

// ConversionCents is the sum of the amounts in hundredths.
func (p *Point) ConversionCents() int64 { return p.hundredths }

// ConversionAmount is the sum of the amounts in units of the currency.
func (p *Point) ConversionAmount() float64 { return float64(p.hundredths) / 100 }

// Series returns for each campaign a point per interval, oldest first, zeros where nothing
// happened. Without From it begins when sending began, or with the first hour in which anything was
// counted, and has no point when neither is known; without To it ends now, or after MaxPoints. The
// first point is the interval that From lies in, the last the one before which To lies. An hour of
// the counters counts for the interval in which it begins; that in which a series without From
// begins counts for its first point. More than MaxPoints, or To not after From, is Invalid. The
// campaigns need id and sending_started_at. It costs one statement whatever the number of
// campaigns.
func (s *Service) Series(
	ctx context.Context, campaigns []*ent.Campaign, span Span, now time.Time,
) (map[int64][]Point, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	if err := span.validate(now); err != nil || len(campaigns) == 0 {
		return nil, err
	}
	end := now
	if span.To != nil {
		end = *span.To
	}
	rows, err := s.db.Client(ctx).HourlyCounter.Query().
		Where(func(sel *sql.Selector) { sel.Where(span.within(sel, campaigns, end)) }).
		Order(hourlycounter.ByCampaignID(), hourlycounter.ByHour()).All(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	hours := map[int64][]*ent.HourlyCounter{}
	for _, row := range rows {
		hours[row.CampaignID] = append(hours[row.CampaignID], row)
	}
	found := make(map[int64][]Point, len(campaigns))
	for _, c := range campaigns {
		start, known := span.begin(c, hours[c.ID])
		if !known {
			continue
		}
		points, over := span.points(start, end)
		if over && span.To != nil {
			return nil, span.tooMany("from")
		}
		fill(points, hours[c.ID], start, span.From == nil)
		found[c.ID] = points
	}
	return found, nil
}

// bounded reports whether the span is not all time.
func (s Span) bounded() bool { return s.From != nil || s.To != nil }

// Order reports a span that ends before it begins.
func (s Span) Order() error {
	if s.From != nil && s.To != nil && !s.To.After(*s.From) {
		return apperr.InvalidField("to", apperr.ReasonRangeEmpty, "must be after from")
	}
	return nil
}

// Holds reports whether an instant lies in the span.
func (s Span) Holds(at time.Time) bool {
	return (s.From == nil || !at.Before(*s.From)) && (s.To == nil || at.Before(*s.To))
}

func (s Span) validate(now time.Time) error {
	if s.From == nil {
		return nil
	}
	if s.To == nil {
		if _, over := s.points(*s.From, now); over {
			return s.tooMany("from")
		}
		return nil
	}
	if err := s.Order(); err != nil {
		return err
	}
	if _, over := s.points(*s.From, *s.To); over {
		return s.tooMany("to")
	}
	return nil
}

func (s Span) tooMany(argument string) error {
	return apperr.InvalidField(
		argument, apperr.ReasonTooManyPoints, "makes more than %d points; ask for a shorter span or a longer interval",
		MaxPoints,
	)
}

// within is the condition on the hours of all campaigns.
func (s Span) within(sel *sql.Selector, campaigns []*ent.Campaign, end time.Time) *sql.Predicate {
	id, hour := sel.C(hourlycounter.FieldCampaignID), sel.C(hourlycounter.FieldHour)
	parts := make([]*sql.Predicate, 0, len(campaigns))
	for _, c := range campaigns {
		part := []*sql.Predicate{sql.EQ(id, c.ID), sql.LT(hour, s.next(s.floor(end)).UTC())}
		if start, known := s.begin(c, nil); known {
			part = append(part, sql.GTE(hour, s.floor(start).Add(-time.Hour).UTC()))
		}
		parts = append(parts, sql.And(part...))
	}
	return sql.Or(parts...)
}

// begin is where the series of a campaign begins, given its hours in order.
func (s Span) begin(c *ent.Campaign, hours []*ent.HourlyCounter) (time.Time, bool) {
	switch {
	case s.From != nil:
		return *s.From, true
	case c.SendingStartedAt != nil:
		return *c.SendingStartedAt, true
	case len(hours) > 0:
		return hours[0].Hour, true
	}
	return time.Time{}, false
}

// points are the empty points from one instant to before another, at most MaxPoints, and whether there would be more.
func (s Span) points(from, to time.Time) (points []Point, over bool) {
	for start := s.floor(from); start.Before(to); {
		if len(points) == MaxPoints {
			return points, true
		}
		end := s.next(start)
		points = append(points, Point{Start: start.UTC(), End: end.UTC()})
		start = end
	}
	return points, false
}

// floor is when the interval begins that an instant lies in.
func (s Span) floor(at time.Time) time.Time {
	switch s.Interval {
	case ByHour:
		return at.UTC().Truncate(time.Hour)
	case ByWeek:
		y, m, d := at.In(s.Zone).Date()
		return kind.DayStart(y, m, d-(int(at.In(s.Zone).Weekday())+6)%7, s.Zone)
	default:
		return midnight(at, s.Zone)
	}
}

// next is when the interval after the one that begins at an instant begins.
func (s Span) next(start time.Time) time.Time {
	y, m, d := start.In(s.Zone).Date()
	switch s.Interval {
	case ByHour:
		return start.Add(time.Hour)
	case ByWeek:
		return kind.DayStart(y, m, d+7, s.Zone)
	default:
		return kind.DayStart(y, m, d+1, s.Zone)
	}
}

// fill adds hours, oldest first, to the points they begin in; with early also the hour in which the
// series begins to its first point.
func fill(points []Point, hours []*ent.HourlyCounter, start time.Time, early bool) {
	i := 0
	for _, row := range hours {
		at := row.Hour
		if early && at.Before(start) && at.Add(time.Hour).After(start) {
			at = start
		}
		for i < len(points) && !at.Before(points[i].End) {
			i++
		}
		if i == len(points) {
			return
		}
		if !at.Before(points[i].Start) {
			points[i].add(row)
		}
	}
}

func (p *Point) add(row *ent.HourlyCounter) {
	p.Sent += row.Sent
	p.Failed += row.Failed
	p.Opens += row.Opens
	p.UniqueOpens += row.UniqueOpens
	p.Clicks += row.Clicks
	p.UniqueClicks += row.UniqueClicks
	p.Forwards += row.Forwards
	p.UniqueForwards += row.UniqueForwards
	p.BrowserViews += row.BrowserViews
	p.UniqueBrowserViews += row.UniqueBrowserViews
	p.Unsubscriptions += row.Unsubscriptions
	p.HardBounces += row.HardBounces
	p.SoftBounces += row.SoftBounces
	p.Complaints += row.Complaints
	p.Conversions += row.Conversions
	p.hundredths += row.ConversionAmount
	p.AutomatedOpens += row.AutomatedOpens
	p.AutomatedClicks += row.AutomatedClicks
}
