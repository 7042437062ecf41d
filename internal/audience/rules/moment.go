package rules

import (
	"time"

	"campaignql/internal/kind"
)

const (
	layoutDate     = time.DateOnly
	layoutDateTime = time.DateTime
)

// Moment is a date, or a date and a time to the second, on the wall clock of the account. Wall
// carries it in UTC; use Start and End for the instants it means in a time zone.
type Moment struct {
	Wall     time.Time
	DateOnly bool
}

// ParseMoment reads "YYYY-MM-DD" or "YYYY-MM-DD HH:MM:SS" and reports whether text is exactly one
// of them and exists in the calendar.
func ParseMoment(text string) (Moment, bool) {
	m := Moment{DateOnly: len(text) == len(layoutDate)}
	wall, err := time.Parse(m.layout(), text)
	m.Wall = wall
	// time.Parse is more generous than the format: it takes fractions of seconds and hours of one digit.
	if err != nil || m.String() != text {
		return Moment{}, false
	}
	return m, true
}

// String writes the moment as ParseMoment reads it.
func (m Moment) String() string { return m.Wall.Format(m.layout()) }

// Start returns the first instant of the moment in loc: midnight for a date alone, or the end of
// the gap where clocks are put forward over it.
func (m Moment) Start(loc *time.Location) time.Time {
	y, month, d := m.Wall.Date()
	if m.DateOnly {
		return kind.DayStart(y, month, d, loc)
	}
	return time.Date(y, month, d, m.Wall.Hour(), m.Wall.Minute(), m.Wall.Second(), 0, loc)
}

// End returns the first instant after the moment in loc: the next midnight for a date alone,
// otherwise one second after Start.
func (m Moment) End(loc *time.Location) time.Time {
	if !m.DateOnly {
		return m.Start(loc).Add(time.Second)
	}
	y, month, d := m.Wall.Date()
	return kind.DayStart(y, month, d+1, loc)
}

func (m Moment) layout() string {
	if m.DateOnly {
		return layoutDate
	}
	return layoutDateTime
}
