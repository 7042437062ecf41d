package schedule

import (
	"time"

	"campaignql/internal/apperr"
)

const (
	firstYear = 1970
	lastYear  = 9999
)

// lastInstant is the last second that a MySQL datetime can hold.
var lastInstant = time.Date(lastYear, time.December, 31, 23, 59, 59, 0, time.UTC)

// reach is the maximum distance between a wall clock time, read as UTC, and its instant. No zone
// differs from UTC by more than 16 hours, and no change of a zone has moved a clock by more than a
// day.
const reach = 48 * time.Hour

// Instant returns the instant in UTC at which clocks in loc show date ("2006-01-02", 1970 to 9999)
// and clock ("15:04" or "15:04:05").
//
// It is the first instant at which a clock in loc shows this time or a later one. A time that does
// not exist because clocks were put forward gives the first instant after the gap. A time that
// exists twice because clocks were put back gives the first of the two. The result is monotonic: a
// later wall clock time never gives an earlier instant.
//
// Errors are *apperr.Error: apperr.ReasonScheduleDateRequired for a date that does not exist or
// whose instant is after the year 9999 in UTC, and apperr.ReasonScheduleTimeRequired for an invalid
// clock. loc must not be nil.
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
// holds the fields of the clock as UTC. time.Date cannot be used, because for a time inside a gap
// it does not specify which of the two offsets it uses.
func firstReached(wall time.Time, loc *time.Location) time.Time {
	at := wall.Add(-reach).In(loc)
	for {
		// The offset is constant until end, so the clock shows wall at no more than one instant
		// before end.
		_, offset := at.Zone()
		shown := wall.Add(-time.Duration(offset) * time.Second)
		if shown.Before(at) {
			return at.UTC() // the previous period ended before wall and this one starts after it
		}
		end := periodEnd(at)
		if end.IsZero() || shown.Before(end) {
			return shown
		}
		at = end
	}
}

// periodEnd returns an instant after at until which the offset of its zone stays the same, or zero
// if it never changes. It need not be the last such instant.
func periodEnd(at time.Time) time.Time {
	_, end := at.ZoneBounds()
	if !end.IsZero() && !end.After(at) {
		// For zones with a yearly rule, package time ends the year after 365 days. On the 366th day
		// it returns an end in the past. No rule changes the clocks on that day.
		return at.Truncate(24 * time.Hour).Add(24 * time.Hour)
	}
	return end
}

// wallClock returns the time that a clock shows at t, to the second, with its fields as UTC.
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

// parseClock parses HH:MM or HH:MM:SS. It is stricter than time.Parse, which also accepts 9:05 and
// fractions of a second.
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
