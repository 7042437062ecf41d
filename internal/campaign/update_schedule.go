package campaign

import (
	"strings"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

// schedule computes the schedule and adds its faults. It returns the fault of an instant in the
// past instead of adding it, because that fault comes later in the legacy order.
func (u *update) schedule() error {
	before := scheduleOf(u.c)
	u.plan = before
	if p := u.patch.Schedule; p != nil {
		u.plan = p.apply(before).Normalized()
	}
	scheduled := !u.plan.Equal(before)
	becomesReady := u.draft.to == kind.StatusReady && u.c.Status != kind.StatusReady && u.c.Status != kind.StatusPaused
	if !scheduled && !becomesReady {
		return nil
	}
	if scheduled {
		u.changed("schedule")
		u.material = append(u.material, "schedule")
	}
	if n := u.plan.Recurrence.MaxInstances; n != nil && *n > maxScheduleInstanceCount {
		u.faults.Add(apperr.InvalidField(
			"schedule.recurrence.maxInstances", apperr.ReasonScheduleMaxInstancesRequired,
			"at most %d, 0 for no limit", maxScheduleInstanceCount,
		))
		return nil
	}
	now := u.now()
	if err := schedule.Validate(u.plan, now); err != nil {
		if all := apperr.All(err); len(all) == 1 && all[0].Reason == apperr.ReasonScheduleInPast {
			return err
		}
		u.faults.Add(err)
		return nil
	}
	next, ok, err := u.plan.Next(now, u.c.SentInstances)
	if err != nil {
		u.faults.Add(err)
		return nil
	}
	// An immediate campaign is due from the moment it becomes Ready.
	due := &next
	if !ok || u.plan.Type == kind.ScheduleImmediate && u.draft.to != kind.StatusReady {
		due = nil
	}
	switch {
	case scheduled:
		setSchedule(u.draft.write, u.plan, due)
	case due != nil:
		u.draft.write.SetNextSendAt(*due)
	default:
		u.draft.write.ClearNextSendAt()
	}
	return nil
}

// apply returns the schedule before with the changes of the patch.
func (p *SchedulePatch) apply(before schedule.Schedule) schedule.Schedule {
	plan := before
	if p.Whole || p.Type != nil && *p.Type != before.Type {
		plan = schedule.Schedule{Type: before.Type}
	}
	if p.Type != nil {
		plan.Type = *p.Type
	}
	for _, part := range []struct {
		to   *string
		from *string
	}{
		{&plan.Date, p.Date}, {&plan.Time, p.Time}, {&plan.Zone, p.Zone},
		{&plan.Recurrence.DaysOfWeek, p.DaysOfWeek}, {&plan.Recurrence.DaysOfMonth, p.DaysOfMonth},
		{&plan.Recurrence.Months, p.Months}, {&plan.Recurrence.Hours, p.Hours}, {&plan.Recurrence.Minutes, p.Minutes},
	} {
		if part.from != nil {
			*part.to = strings.TrimSpace(kind.Clean(*part.from))
		}
	}
	if p.MaxInstances != nil {
		plan.Recurrence.MaxInstances = p.MaxInstances
	}
	return plan
}

func (u *update) autoResend() {
	p := u.patch.AutoResend
	enabled := pick(p.Enabled, u.c.AutoResendEnabled)
	days := pick(p.WaitDays, u.c.AutoResendWaitDays)
	subject := strings.TrimSpace(kind.Clean(pick(p.Subject, u.c.AutoResendSubject)))
	preheader := strings.TrimSpace(kind.Clean(pick(p.Preheader, u.c.AutoResendPreheader)))
	if enabled == u.c.AutoResendEnabled && days == u.c.AutoResendWaitDays && subject == u.c.AutoResendSubject &&
		preheader == u.c.AutoResendPreheader {
		return
	}
	switch {
	case days < 0 || enabled && days < 1 || days > maxAutoResendWaitDays:
		u.faults.Add(apperr.InvalidField(
			"autoResend.waitDays", apperr.ReasonAutoResendWaitDays,
			"the number of days to wait, 1 to %d, is required", maxAutoResendWaitDays,
		))
	case enabled && subject == "":
		u.faults.Add(apperr.InvalidField(
			"autoResend.subject", apperr.ReasonAutoResendSubject, "the subject of the second sending is required",
		))
	}
	u.fits("autoResend.subject", subject, maxResendTextLength)
	u.fits("autoResend.preheader", preheader, maxResendTextLength)
	u.draft.write.SetAutoResendEnabled(enabled).
		SetAutoResendWaitDays(days).
		SetAutoResendSubject(subject).
		SetAutoResendPreheader(preheader)
	u.changed("autoResend")
}

// resendOnce rejects a second sending for a recurring campaign.
func (u *update) resendOnce() {
	touched := u.patch.Schedule != nil || u.patch.AutoResend.Enabled != nil
	if touched && pick(u.patch.AutoResend.Enabled, u.c.AutoResendEnabled) && u.plan.Type == kind.ScheduleRecurring {
		u.faults.Add(apperr.InvalidField(
			"autoResend.enabled", apperr.ReasonAutoResendRecurring,
			"a recurring campaign cannot be sent a second time automatically",
		))
	}
}
