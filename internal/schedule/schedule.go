// Package schedule owns the send time of campaigns: the schedule as the user entered it (wall clock
// and zone), the parsing of zones, and the resulting instants in UTC. It is pure: it must not know
// a database, a clock or a surface. Callers pass the current time and store the result
// (next_send_at).
package schedule

import (
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
)

// MaxUpcoming is the maximum number of instants that one call of Upcoming lists.
const MaxUpcoming = 100

// Schedule is the send time of a campaign as the user entered it. The wall clock time is
// authoritative, so nothing here is in UTC, and instants are computed again whenever they are
// needed. An empty text means "not given". Type determines which fields are used: Future uses Date,
// Time and Zone; Recurring uses Recurrence and Zone; the other types use none.
type Schedule struct {
	Type kind.ScheduleType
	// Date is "2006-01-02", from 1970 to 9999 (legacy column SendDate).
	Date string
	// Time is "15:04:05" or "15:04" (legacy column SendTime).
	Time string
	// Zone is any text that ParseZone accepts, stored as entered (legacy column SendTimeZone).
	Zone string
	// Recurrence holds the legacy ScheduleRec… columns.
	Recurrence Recurrence
}

// Normalized returns the schedule in its stored form: fields that the type does not use are empty,
// the time has seconds, and the number lists are sorted without duplicates. The zone stays as
// entered. A field that cannot be parsed is unchanged, so that Validate rejects it. A schedule of
// an unknown type is returned unchanged.
func (s Schedule) Normalized() Schedule {
	switch s.Type {
	case kind.ScheduleNone, kind.ScheduleImmediate:
		return Schedule{Type: s.Type}
	case kind.ScheduleFuture:
		s.Recurrence = Recurrence{}
		if _, err := parseClock(s.Time); err == nil && len(s.Time) == len("15:04") {
			s.Time += ":00"
		}
	case kind.ScheduleRecurring:
		s.Date, s.Time = "", ""
		s.Recurrence = s.Recurrence.normalized()
	}
	return s
}

// Next returns the next instant at which the campaign is to be sent, in UTC, and whether there is
// one. sentInstances is the number of sendings so far (legacy column ScheduleRecSentInstances).
//
//   - Not scheduled: none.
//   - Immediate: after itself, because the campaign is due as soon as it is Ready; none after it
//     was sent.
//   - Future: its one instant, even if that is before after, so that a sender still finds it after
//     a downtime; none after it was sent.
//   - Recurring: the first instant strictly after after, while sentInstances is below
//     Recurrence.MaxInstances; none if the recurrence names only days that never come, for example
//     30 February.
//
// If the schedule cannot be parsed, the error is the *apperr.Error of Validate.
func (s Schedule) Next(after time.Time, sentInstances int) (time.Time, bool, error) {
	list, err := s.Upcoming(after, sentInstances, 1)
	if err != nil || len(list) == 0 {
		return time.Time{}, false, err
	}
	return list[0], true, nil
}

// Upcoming returns the next instants in UTC, ascending and without duplicates: at most n, or fewer
// if the schedule ends. The first is the result of Next. n is 0 to MaxUpcoming; any other n is
// Invalid with Reason apperr.ReasonScheduleUpcomingCountInvalid.
func (s Schedule) Upcoming(after time.Time, sentInstances, n int) ([]time.Time, error) {
	if n < 0 || n > MaxUpcoming {
		return nil, apperr.InvalidField("schedule.upcoming", apperr.ReasonScheduleUpcomingCountInvalid,
			"%d instants cannot be listed; ask for 0 to %d", n, MaxUpcoming)
	}
	switch s.Type {
	case kind.ScheduleNone:
		return nil, nil
	case kind.ScheduleImmediate:
		return once(after.UTC().Round(0), sentInstances, n), nil
	case kind.ScheduleFuture:
		at, err := s.futureInstant()
		if err != nil {
			return nil, err
		}
		return once(at, sentInstances, n), nil
	case kind.ScheduleRecurring:
		return s.recurring(after, sentInstances, n)
	default:
		return nil, unknownType(s.Type)
	}
}

func once(at time.Time, sentInstances, n int) []time.Time {
	if sentInstances > 0 || n == 0 {
		return nil
	}
	return []time.Time{at}
}

func (s Schedule) futureInstant() (time.Time, error) {
	// Date and time are parsed before the zone, because their faults come first in the documented
	// order.
	wall, err := parseWall(s.Date, s.Time)
	if err != nil {
		return time.Time{}, err
	}
	loc, err := s.location()
	if err != nil {
		return time.Time{}, err
	}
	return wallInstant(wall, loc)
}

func (s Schedule) recurring(after time.Time, sentInstances, n int) ([]time.Time, error) {
	p, err := compile(s.Recurrence)
	if err != nil {
		return nil, err
	}
	loc, err := s.location()
	if err != nil {
		return nil, err
	}
	if limit := s.Recurrence.MaxInstances; limit != nil && *limit > 0 {
		n = min(n, max(0, *limit-max(0, sentInstances)))
	}
	var list []time.Time
	for len(list) < n {
		at, ok := p.next(after, loc)
		if !ok {
			break
		}
		list = append(list, at)
		after = at
	}
	return list, nil
}

// location parses the zone and reports a fault on the schedule.
func (s Schedule) location() (*time.Location, error) {
	if s.Zone == "" {
		return nil, apperr.InvalidField(
			"schedule.timeZone", apperr.ReasonScheduleZoneRequired, "a time zone is required, such as Europe/Berlin",
		)
	}
	loc, err := ParseZone(s.Zone)
	if err != nil {
		return nil, apperr.InvalidField("schedule.timeZone", apperr.ReasonScheduleZoneRequired, "%s", err.Error())
	}
	return loc, nil
}

// Equal reports whether two schedules are equal.
func (s Schedule) Equal(other Schedule) bool {
	a, b := s.Recurrence.MaxInstances, other.Recurrence.MaxInstances
	s.Recurrence.MaxInstances, other.Recurrence.MaxInstances = nil, nil
	return s == other && (a == nil) == (b == nil) && (a == nil || *a == *b)
}
