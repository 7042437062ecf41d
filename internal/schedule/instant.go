package schedule

import (
	"time"

	"campaignql/internal/apperr"
)

const (
	firstYear = 1970
	lastYear  = 9999
)

// lastInstant is the last second a MySQL datetime can hold.
var lastInstant = time.Date(lastYear, time.December, 31, 23, 59, 59, 0, time.UTC)

// reach is how far around a wall clock its instant is looked for. No zone is further than 16 hours
// from UTC, and no change of a zone has moved a clock by more than a day.
const reach = 48 * time.Hour

// Instant returns the instant in UTC at which clocks in loc show date ("2006-01-02", 1970 to 9999)
// and clock ("15:04" or "15:04:05").
//
// It is the first instant at which a clock there shows that time or a later one. So a time that
// does not exist, because clocks were put forward over it, is the first instant after the gap, and
// one that exists twice, because clocks were put back, is the first of the two. It never goes
// backwards: of two wall clocks the later one never has the earlier instant.
//
// Errors are *apperr.Error: apperr.ReasonScheduleDateRequired for a date that is not real or whose
// instant lies after the year 9999 in UTC, apperr.ReasonScheduleTimeRequired for a clock that is
// not real. loc must not be nil.
func Instant(date, clock string, loc *time.Location) (time.Time, error) {
	wall, err := parseWall(date, clock)
	if err != nil {
		return time.Time{}, err
	}
	return wallInstant(wall, loc)
}

func wallInstant(wall time.Time, loc *time.Location) (time.Time, error) {
	at := firstReached(wall, loc)
	if at.After(lastInstant) {
		return time.Time{}, apperr.InvalidField("schedule.sendDate", apperr.ReasonScheduleDateRequired,
			"%s in that time zone lies after the year %d in UTC", wall.Format(time.DateTime), lastYear)
	}
	return at, nil
}

// firstReached returns the first instant, in UTC, at which a clock in loc shows wall or later. wall
// carries the fields of the clock in UTC. time.Date is no help here: for a time inside a gap it
// answers with the offset of either side, as it pleases.
func firstReached(wall time.Time, loc *time.Location) time.Time {
	at := wall.Add(-reach).In(loc)
	for {
		// Until end the offset is constant, so there the clock shows wall at exactly one instant, if at all.
		_, offset := at.Zone()
		shown := wall.Add(-time.Duration(offset) * time.Second)
		if shown.Before(at) {
			return at.UTC() // the period before ended short of wall and this one begins beyond it
		}
		end := periodEnd(at)
		if end.IsZero() || shown.Before(end) {
			return shown
		}
		at = end
	}
}

// periodEnd returns an instant after at until which the offset of its zone stays the same, zero
// when it does for ever. It need not be the last such instant.
func periodEnd(at time.Time) time.Time {
	_, end := at.ZoneBounds()
	if !end.IsZero() && !end.After(at) {
		// Where a zone follows a yearly rule, package time ends the year after 365 days, so on the
		// 366th it answers with an end that has passed. No rule changes the clocks on that day.
		return at.Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return end
}

// wallClock returns what a clock shows at t, to the second, as fields in UTC.
func wallClock(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Truncate(time.Second).Add(time.Duration(offset) * time.Second)
}

func parseWall(date, clock string) (time.Time, error) {
	day, err := parseDate(date)
	if err != nil {
		return time.Time{}, err
	}
	ofDay, err := parseClock(clock)
	if err != nil {
		return time.Time{}, err
	}
	return day.Add(ofDay), nil
}

func parseDate(text string) (time.Time, error) {
	refuse := func(format string, args ...any) (time.Time, error) {
		return time.Time{}, apperr.InvalidField("schedule.sendDate", apperr.ReasonScheduleDateRequired, format, args...)
	}
	if text == "" {
		return refuse("a date is required; write YYYY-MM-DD")
	}
	day, err := time.Parse(time.DateOnly, text)
	switch {
	case err != nil:
		return refuse("%s is not a real date; write YYYY-MM-DD", quoted(text))
	case day.Year() < firstYear || day.Year() > lastYear:
		return refuse("%s is out of range; the year must be %d to %d", quoted(text), firstYear, lastYear)
	}
	return day, nil
}

// parseClock reads HH:MM or HH:MM:SS. It is stricter than time.Parse, which also takes 9:05 and fractions of a second.
func parseClock(text string) (time.Duration, error) {
	refuse := func(format string, args ...any) (time.Duration, error) {
		return 0, apperr.InvalidField("schedule.sendTime", apperr.ReasonScheduleTimeRequired, format, args...)
	}
	if text == "" {
		return refuse("a time is required; write HH:MM or HH:MM:SS")
	}
	layout := time.TimeOnly
	if len(text) == len("15:04") {
		layout = "15:04"
	}
	clock, err := time.Parse(layout, text)
	if err != nil || len(text) != len(layout) {
		return refuse("%s is not a real time of day; write HH:MM or HH:MM:SS", quoted(text))
	}
	return time.Duration(clock.Hour())*time.Hour + time.Duration(clock.Minute())*time.Minute +
		time.Duration(clock.Second())*time.Second, nil
}
