package campaign

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"campaignql/ent"
	"campaignql/ent/email"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
	"campaignql/internal/store"
)

// Limits of the settings of a campaign.
const (
	maxSettingLength         = 4000
	maxResendTextLength      = 250
	maxAutoResendWaitDays    = 365
	maxScheduleInstanceCount = 1_000_000
)

// Updated is the result of an update.
type Updated struct {
	Campaign *ent.Campaign
	// Requested is the requested status, or nil if none was requested. Campaign.Status may differ:
	// Pending Approval instead of Ready.
	Requested *kind.CampaignStatus
}

// Update changes the fields that the patch names, all or nothing (legacy Campaign.Update). Faults
// are in the order of the legacy codes: status, email, schedule, automatic second sending, A/B
// test, instant in the past, audience, and fields that the current status does not allow to change.
// Audience, content and schedule of a Sending or Sent campaign cannot change. Setting a field to
// its current value is no change, and neither is requesting the current status.
func (s *Service) Update(ctx context.Context, call Call, patch Patch) (*Updated, error) {
	c, err := s.change(ctx, call, func(ctx context.Context, id caller.Identity, c *ent.Campaign) (*draft, error) {
		u := &update{
			Service: s, ctx: ctx, caller: id, c: c, patch: patch,
			draft: s.transition(ctx, c, ActionUpdate, c.Status, ""),
		}
		u.status()
		u.email()
		past := u.schedule()
		u.autoResend()
		u.abTest()
		u.resendOnce()
		u.faults.Add(past)
		u.audience()
		u.settings()
		u.faults.Add(patch.Err)
		u.frozen()
		if err := u.faults.Err(); err != nil {
			return nil, err
		}
		if len(u.draft.fields) == 0 {
			return nil, nil
		}
		return u.draft, nil
	})
	if err != nil {
		return nil, err
	}
	return &Updated{Campaign: c, Requested: patch.Status}, nil
}

// update collects the faults and the columns of one call of Update.
type update struct {
	*Service
	ctx    context.Context //nolint:containedctx // lives within one call
	caller caller.Identity
	c      *ent.Campaign
	patch  Patch
	draft  *draft
	faults apperr.Faults
	// plan is the schedule that the campaign will have.
	plan schedule.Schedule
	// material holds the names of changed fields that a Sending or Sent campaign must keep.
	material []string
}

func (u *update) changed(field string) { u.draft.fields = append(u.draft.fields, field) }

func (u *update) status() {
	if u.patch.StatusReason != nil {
		reason, err := cleanReason("statusReason", *u.patch.StatusReason, MaxReasonLength)
		u.faults.Add(err)
		u.draft.reason = reason
	}
	if u.patch.Status == nil {
		u.statusReason()
		return
	}
	requested := *u.patch.Status
	if requested.Rank() == 0 {
		u.faults.Add(apperr.InvalidField(
			"status", apperr.ReasonStatusInvalid, "%q is not a status of a campaign", string(requested),
		))
		return
	}
	to := effective(u.caller, u.c, requested)
	if to == u.c.Status {
		u.statusReason()
		return
	}
	if refused := check(u.caller, u.c, ActionUpdate, to); refused != nil {
		refused.Field = "status"
		u.faults.Add(refused)
		return
	}
	u.draft.to = to
	u.changed("status")
}

// statusReason sets the reason if the status stays the same.
func (u *update) statusReason() {
	if u.patch.StatusReason != nil && u.draft.reason != u.c.StatusReason {
		u.draft.write.SetStatusReason(u.draft.reason)
		u.changed("statusReason")
	}
}

func (u *update) email() {
	if u.patch.EmailID == nil {
		return
	}
	id := *u.patch.EmailID
	if u.c.EmailID != nil && *u.c.EmailID == id || u.c.EmailID == nil && id == 0 {
		return
	}
	if id == 0 {
		u.draft.write.ClearEmailID()
	} else {
		if !u.ownsEmails(id) {
			u.faults.Add(
				&apperr.Error{
					Code: apperr.NotFound, Field: "emailId", Reason: apperr.ReasonEmailNotFound,
					Message: "email not found",
				},
			)
			return
		}
		u.draft.write.SetEmailID(id)
	}
	u.changed("email")
	u.material = append(u.material, "email")
}

// ownsEmails reports whether all emails belong to the owner of the campaign. The caller may be an
// admin and not the owner.
func (u *update) ownsEmails(ids ...int64) bool {
	ids = slices.Compact(slices.Sorted(slices.Values(ids)))
	query := u.db.Client(u.ctx).Email.Query().Where(email.IDIn(ids...), email.UserID(u.c.UserID))
	query.Modify(store.Lock) // so that none is deleted before the campaign names it
	found, err := query.IDs(u.ctx)
	if err != nil {
		u.faults.Add(err)
		return true
	}
	return len(found) == len(ids)
}

// schedule computes the schedule and adds its faults. It returns the fault of an instant in the
// past instead of adding it, because that fault comes later in the legacy order.
func (u *update) schedule() error {
	before := scheduleOf(u.c)
	u.plan = before
	if p := u.patch.Schedule; p != nil {
		u.plan = p.apply(before).Normalised()
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

func (u *update) abTest() {
	p := u.patch.ABTest
	if p == nil {
		return
	}
	if p.Err != nil {
		if p.Test != nil {
			u.faults.Add(u.validVariations(*p.Test, true))
		}
		u.faults.Add(p.Err)
		return
	}
	text := ""
	if p.Test != nil {
		if err := u.validABTest(*p.Test); err != nil {
			u.faults.Add(err)
			return
		}
		var err error
		if text, err = p.Test.encode(); err != nil {
			u.faults.Add(err)
			return
		}
	}
	if text != u.c.AbTest {
		u.draft.write.SetAbTest(text)
		u.changed("abTest")
		u.material = append(u.material, "abTest")
	}
}

func (u *update) validABTest(test ABTest) error {
	if err := u.validVariations(test, false); err != nil {
		return err
	}
	return test.Validate()
}

// validVariations checks the emails of an A/B test and their number. In a partial test, variations
// without an email are skipped.
func (u *update) validVariations(test ABTest, partial bool) error {
	for i, v := range test.Variations {
		if i >= MaxVariations {
			break
		}
		if partial && v.EmailID == 0 {
			continue
		}
		if v.EmailID <= 0 || !u.ownsEmails(v.EmailID) {
			return &apperr.Error{
				Code:    apperr.NotFound,
				Field:   fmt.Sprintf("abTest.variations[%d].emailId", i),
				Reason:  apperr.ReasonABTestEmailNotFound,
				Message: "email not found",
			}
		}
	}
	return test.validCount()
}

func (u *update) settings() {
	if u.patch.Name != nil {
		name, err := cleanName(*u.patch.Name)
		u.faults.Add(err)
		if name != u.c.Name {
			u.draft.write.SetName(name).SetNameKey(kind.Fold(name, nameKeyLength))
			u.changed("name")
		}
	}
	u.text(
		"approvalExplanation", u.patch.ApprovalExplanation, u.c.ApprovalExplanation,
		u.draft.write.SetApprovalExplanation,
	)
	u.text(
		"googleAnalyticsDomains", u.patch.GoogleAnalyticsDomains, u.c.GoogleAnalyticsDomains,
		u.draft.write.SetGoogleAnalyticsDomains,
	)
	u.flag("publishOnRss", u.patch.PublishOnRSS, u.c.PublishOnRss, u.draft.write.SetPublishOnRss)
	u.flag("s2sEnabled", u.patch.S2SEnabled, u.c.S2sEnabled, u.draft.write.SetS2sEnabled)
}

func (u *update) text(field string, value *string, before string, set func(string) *ent.CampaignUpdate) {
	if value == nil {
		return
	}
	text := strings.TrimSpace(kind.Clean(*value))
	u.fits(field, text, maxSettingLength)
	if text != before {
		set(text)
		u.changed(field)
	}
}

func (u *update) flag(field string, value *bool, before bool, set func(bool) *ent.CampaignUpdate) {
	if value != nil && *value != before {
		set(*value)
		u.changed(field)
	}
}

func (u *update) fits(field, text string, limit int) {
	if n := utf8.RuneCountInString(text); n > limit {
		u.faults.Add(apperr.InvalidField(
			field, apperr.ReasonTextTooLong, "%d characters, at most %d are allowed", n, limit,
		))
	}
}

// fixed reports whether audience, content and schedule cannot change in a status.
func fixed(status kind.CampaignStatus) bool {
	return status == kind.StatusSending || status == kind.StatusSent
}

// frozen rejects changes of content that is being or has been sent.
func (u *update) frozen() {
	if len(u.material) == 0 || !fixed(u.c.Status) {
		return
	}
	u.faults.Add(&apperr.Error{
		Code:   apperr.Conflict,
		Field:  u.material[0],
		Reason: apperr.ReasonNotInStatus,
		Message: fmt.Sprintf(
			"%s of a campaign that is %s cannot change", strings.Join(u.material, ", "), u.c.Status.Legacy(),
		),
	})
}

func pick[T any](given *T, otherwise T) T {
	if given != nil {
		return *given
	}
	return otherwise
}
