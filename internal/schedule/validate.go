package schedule

import (
	"fmt"
	"time"
	"unicode/utf8"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
)

// Validate returns nil if the schedule is valid. Otherwise it returns the first fault in the order
// in which Campaign.Update reports them: type, date, time, days, months, hours, minutes, maximum of
// instances, zone, and last an instant that is not after now. The error is an *apperr.Error with
// code Invalid. Its Field is the invalid input, and its Reason is one of the apperr.ReasonSchedule…
// constants. Fields that the type does not use are not checked. A recurrence that never comes (30
// February) is valid; Next finds no instant for it.
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

// quoted returns an input value for a message: quoted, with control characters escaped, and
// shortened.
func quoted(text string) string {
	const limit = 40
	if utf8.RuneCountInString(text) > limit {
		text = string([]rune(text)[:limit]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
