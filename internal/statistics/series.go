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

// MaxPoints is the maximum number of points of a series.
const MaxPoints = 1000

// Interval is the length of a point of a series.
type Interval string

// A week begins on Monday.
const (
	ByHour Interval = "HOUR"
	ByDay  Interval = "DAY"
	ByWeek Interval = "WEEK"
)

// Span is a period and the interval of its points. From and To are optional. From is inclusive, To
// is exclusive.
type Span struct {
	From, To *time.Time
	Interval Interval
	// Zone is the time zone in which days and weeks begin at midnight. Hours are UTC hours.
	Zone *time.Location
	// Amounts says that Series reads the sums of money, too.
	Amounts bool
}

// Point holds the numbers of a campaign from Start to End.
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
	// amounts are the sums of the conversion amounts by currency, if they were read.
	amounts purse
}

// ConversionAmounts returns what the conversions are worth: a sum for each currency, ordered by
// currency.
func (p *Point) ConversionAmounts() []kind.Money { return p.amounts.money() }

// ConversionHundredths returns what the conversions are worth in one currency, in hundredths.
func (p *Point) ConversionHundredths(currency string) int64 { return p.amounts[currency] }

// Series returns for each campaign one point per interval, oldest first, with zeros for intervals
// without events.
//
// Without From a series begins when sending began, or else with the first hour in which anything
// was counted. It is absent if neither is known. Without To it ends now, or after MaxPoints points.
// The first point is the interval that contains From, and the last point is the last interval that
// begins before To. An hour counts for the interval in which it begins. Without From, the hour that
// contains the beginning of the series counts for the first point. More than MaxPoints points, or
// To not after From, is Invalid. The campaigns need the columns id and sending_started_at. It runs
// one statement, and one more for amounts, whatever the number of campaigns.
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
	within := func(sel *sql.Selector) *sql.Predicate { return span.within(sel, campaigns, end) }
	rows, err := s.db.Client(ctx).HourlyCounter.Query().
		Where(func(sel *sql.Selector) { sel.Where(within(sel)) }).
		Order(hourlycounter.ByCampaignID(), hourlycounter.ByHour()).All(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	hours := map[int64][]*ent.HourlyCounter{}
	for _, row := range rows {
		hours[row.CampaignID] = append(hours[row.CampaignID], row)
	}
	var amounts map[int64][]*ent.ConversionAmount
	if span.Amounts {
		if amounts, err = s.amountsWithin(ctx, within); err != nil {
			return nil, err
		}
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
		fillHours(points, hours[c.ID], start, span.From == nil)
		fillAmounts(points, amounts[c.ID], start, span.From == nil)
		found[c.ID] = points
	}
	return found, nil
}

// bounded reports whether the span has From or To.
func (s Span) bounded() bool { return s.From != nil || s.To != nil }

// Order returns an error if the span does not end after it begins.
func (s Span) Order() error {
	if s.From != nil && s.To != nil && !s.To.After(*s.From) {
		return apperr.InvalidField("to", apperr.ReasonRangeEmpty, "must be after from")
	}
	return nil
}

// Holds reports whether the span contains a time.
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

// within returns the condition on the hours of all campaigns, in the table of hours or of amounts.
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

// begin returns where the series of a campaign begins, given its hours in order. It returns false
// if that is unknown.
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

// points returns the empty points for the intervals that begin before to, from the interval that
// contains from. It returns at most MaxPoints points; over is true if there would be more.
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

// floor returns the beginning of the interval that contains at.
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

// next returns the beginning of the next interval. start is the beginning of an interval.
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

// fillHours is fill for hours.
func fillHours(points []Point, hours []*ent.HourlyCounter, start time.Time, early bool) {
	fill(points, hours, func(row *ent.HourlyCounter) time.Time { return row.Hour }, (*Point).add, start, early)
}

// fill adds each row to the point in which its hour begins. The rows are ordered, oldest first. If
// early is true, the hour that contains start counts for the first point.
func fill[R any](
	points []Point, rows []R, hour func(R) time.Time, add func(*Point, R), start time.Time, early bool,
) {
	i := 0
	for _, row := range rows {
		at := hour(row)
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
			add(&points[i], row)
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
	p.AutomatedOpens += row.AutomatedOpens
	p.AutomatedClicks += row.AutomatedClicks
}
