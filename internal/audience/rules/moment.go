package rules

import (
	"time"

	"campaignql/internal/kind"
)

const (
	layoutDate     = time.DateOnly
	layoutDateTime = time.DateTime
)

// Moment is a date, or a date and a time with a resolution of one second, on the wall clock of the
// account. Wall stores this wall clock time as UTC. Use Start and End to get the instants in a time
// zone.
type Moment struct {
	Wall     time.Time
	DateOnly bool
}

// ParseMoment parses "YYYY-MM-DD" or "YYYY-MM-DD HH:MM:SS". It returns false if the text has
// another format or the date does not exist.
func ParseMoment(text string) (Moment, bool) {
	m := Moment{DateOnly: len(text) == len(layoutDate)}
	wall, err := time.Parse(m.layout(), text)
	m.Wall = wall
	// time.Parse accepts more than the format: fractions of seconds and hours of one digit.
	if err != nil || m.String() != text {
		return Moment{}, false
	}
	return m, true
}

// String returns the moment in the format that ParseMoment accepts.
func (m Moment) String() string { return m.Wall.Format(m.layout()) }

// Start returns the first instant of the moment in loc. For a date without a time this is midnight,
// or the end of the gap if clocks are put forward over midnight.
func (m Moment) Start(loc *time.Location) time.Time {
	y, month, d := m.Wall.Date()
	if m.DateOnly {
		return kind.DayStart(y, month, d, loc)
	}
	return time.Date(y, month, d, m.Wall.Hour(), m.Wall.Minute(), m.Wall.Second(), 0, loc)
}

// End returns the first instant after the moment in loc: the next midnight for a date without a
// time, otherwise one second after Start.
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
