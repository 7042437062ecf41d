package schedule

import (
	"fmt"
	"time"
	"unicode/utf8"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
)

// Validate returns nil when the schedule can be kept, otherwise the first fault in the order in
// which Campaign.Update reports them: type, date, time, days, months, hours, minutes, maximum of
// instances, zone, and last an instant that is not after now. The error is an *apperr.Error of code
// Invalid whose Field is the input at fault and whose Reason is one of the constants above. Parts
// that the type does not read are not looked at. A recurrence that never comes (30 February) is
// valid; Next finds nothing for it.
func Validate(s Schedule, now time.Time) error {
	switch s.Type {
	case kind.ScheduleNone, kind.ScheduleImmediate:
		return nil
	case kind.ScheduleFuture:
		return validateFuture(s, now)
	case kind.ScheduleRecurring:
		return validateRecurring(s)
	default:
		return unknownType(s.Type)
	}
}

func validateFuture(s Schedule, now time.Time) error {
	at, err := s.futureInstant()
	if err != nil {
		return err
	}
	if !at.After(now) {
		return apperr.InvalidField(
			"schedule.sendDate", apperr.ReasonScheduleInPast, "%s %s in %s has passed (%s; it is now %s)", s.Date,
			s.Time, s.Zone, at.Format(time.RFC3339), now.UTC().Format(time.RFC3339),
		)
	}
	return nil
}

func validateRecurring(s Schedule) error {
	if _, err := compile(s.Recurrence); err != nil {
		return err
	}
	const field = "schedule.recurrence.maxInstances"
	switch limit := s.Recurrence.MaxInstances; {
	case limit == nil:
		return apperr.InvalidField(
			field, apperr.ReasonScheduleMaxInstancesRequired, "the number of times to send is required, 0 for no limit",
		)
	case *limit < 0:
		return apperr.InvalidField(
			field, apperr.ReasonScheduleMaxInstancesRequired, "%d is negative; write how often to send, 0 for no limit",
			*limit,
		)
	}
	_, err := s.location()
	return err
}

func unknownType(t kind.ScheduleType) error {
	return apperr.InvalidField("schedule.type", apperr.ReasonScheduleTypeInvalid,
		"%s is not a schedule type; use not scheduled, immediate, future or recurring", quoted(string(t)))
}

// quoted shows a value of the caller in a message: in quotes with control characters escaped, and cut where it is long.
func quoted(text string) string {
	const limit = 40
	if utf8.RuneCountInString(text) > limit {
		text = string([]rune(text)[:limit]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
