// Package schedule owns when a campaign is sent: the schedule as the user said it (wall clock and
// zone), the reading of zones, and the instants in UTC that follow from both. It is pure: no
// database, no clock of its own, no surface; callers pass the time in and keep the result
// (next_send_at).
package schedule

import (
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
)

// MaxUpcoming is the most instants Upcoming lists in one call.
const MaxUpcoming = 100

// Schedule says when a campaign is sent, in the words of the user: the wall clock is the promise,
// so nothing here is in UTC and the instants are derived again whenever they are needed. An empty
// text means "not given". Which fields count depends on Type: Future reads Date, Time and Zone;
// Recurring reads Recurrence and Zone; the other types read none.
type Schedule struct {
	Type kind.ScheduleType
	// Date is "2006-01-02", from 1970 to 9999 (legacy column SendDate).
	Date string
	// Time is "15:04:05" or "15:04" (legacy column SendTime).
	Time string
	// Zone is any text ParseZone reads, kept as it was written (legacy column SendTimeZone).
	Zone string
	// Recurrence holds the legacy ScheduleRec… columns.
	Recurrence Recurrence
}

// Normalised returns the schedule as it is to be stored: parts that its type does not read are
// empty, the time has seconds, and the number lists are sorted without duplicates. The zone stays
// as written. A part that cannot be read is left as it is, for Validate to refuse. A schedule of an
// unknown type is returned unchanged.
func (s Schedule) Normalised() Schedule {
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
		s.Recurrence = s.Recurrence.normalised()
	}
	return s
}

// Next returns the next instant at which the campaign is to be sent, in UTC, and whether there is
// one. sentInstances is how often it was sent already (legacy column ScheduleRecSentInstances).
//
//   - not scheduled: none.
//   - immediate: after itself, because such a campaign is due as soon as it is Ready; none once it was sent.
//   - future: its one instant, also when that is before after (a sender that was down must still find it); none once it was sent.
//   - recurring: the first instant strictly after after, while sentInstances is below Recurrence.MaxInstances; none when the
//     recurrence names only days that never come, such as 30 February.
//
// The error is the *apperr.Error that Validate gives for a schedule that cannot be read.
func (s Schedule) Next(after time.Time, sentInstances int) (time.Time, bool, error) {
	list, err := s.Upcoming(after, sentInstances, 1)
	if err != nil || len(list) == 0 {
		return time.Time{}, false, err
	}
	return list[0], true, nil
}

// Upcoming lists the next instants in UTC, ascending and without duplicates: at most n, fewer when
// the schedule ends sooner. The first is the one Next returns. n is 0 to MaxUpcoming; another n is
// an Invalid error with Reason apperr.ReasonScheduleUpcomingCountInvalid.
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
	// Date and time are read before the zone, so that the first fault is the one the contract names first.
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

// location reads the zone and reports a fault as one of the schedule.
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

// Equal reports whether two schedules say the same.
func (s Schedule) Equal(other Schedule) bool {
	a, b := s.Recurrence.MaxInstances, other.Recurrence.MaxInstances
	s.Recurrence.MaxInstances, other.Recurrence.MaxInstances = nil, nil
	return s == other && (a == nil) == (b == nil) && (a == nil || *a == *b)
}
