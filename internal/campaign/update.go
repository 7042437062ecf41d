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
	// material holds the names of changed fields that may not change once sending has begun.
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
	if u.senders(to) {
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

// senders handles requests for a status that only the built-in sender sets, if it sends the campaigns
// of the account. "Send now" makes a campaign due; that it has been sent, the sender says itself.
func (u *update) senders(to kind.CampaignStatus) bool {
	starts := u.c.Status == kind.StatusReady && to == kind.StatusSending
	ends := u.c.Status == kind.StatusSending && (to == kind.StatusSent || to == kind.StatusFailed)
	switch {
	case starts:
		builtIn, err := u.sentHere(u.ctx, u.c.UserID)
		u.faults.Add(err)
		if !builtIn {
			return err != nil
		}
		if now := u.now(); u.c.NextSendAt == nil || u.c.NextSendAt.After(now) {
			u.draft.write.SetNextSendAt(now)
			u.changed("schedule")
		}
		return true
	case ends:
		open, err := u.runs.Open(u.ctx, u.c.ID)
		u.faults.Add(err)
		if open {
			u.faults.Add(&apperr.Error{
				Code: apperr.Conflict, Field: "status", Reason: apperr.ReasonRunOpen,
				Message: "the server sends this campaign and ends it by itself: pause or cancel it instead",
			})
		}
		return open || err != nil
	default:
		return false
	}
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
	setsTest := u.patch.ABTest != nil && (u.patch.ABTest.Test != nil || u.patch.ABTest.Err != nil)
	if id != 0 && setsTest && u.patch.OneContent {
		u.faults.Add(hasTest("give an email or an A/B test, which has the emails"))
		return
	}
	if u.c.EmailID != nil && *u.c.EmailID == id || u.c.EmailID == nil && id == 0 {
		return
	}
	if id != 0 && !u.ownsEmails(id) {
		u.faults.Add(&apperr.Error{
			Code: apperr.NotFound, Field: "emailId", Reason: apperr.ReasonEmailNotFound, Message: "email not found",
		})
		return
	}
	switch p := u.patch.ABTest; {
	case setsTest:
		return // the test that the same call sets has the emails
	case id == 0:
		u.draft.write.ClearEmailID()
	case p == nil && u.c.AbTest != "":
		u.faults.Add(hasTest("the campaign has an A/B test, which has the emails: remove the test in the same call"))
		return
	default:
		u.draft.write.SetEmailID(id)
	}
	u.changed("email")
	u.material = append(u.material, "email")
}

func hasTest(message string) error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "emailId", Reason: apperr.ReasonABTestHasEmails, Message: message,
	}
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

// abTest sets or removes the A/B test. A campaign with a test has no email of its own, whatever the
// same call says about it.
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
		if text, err = p.Test.Encode(); err != nil {
			u.faults.Add(err)
			return
		}
		if u.c.EmailID != nil {
			u.draft.write.ClearEmailID()
			u.changed("email")
			u.material = append(u.material, "email")
		}
	}
	if !sameTest(u.c.AbTest, text) {
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
	if len(u.material) == 0 {
		return
	}
	if !fixed(u.c.Status) {
		u.frozenRun()
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

// frozenRun rejects changes of the audience, the schedule and the A/B test while a run is open: its
// recipients and their variations are written down. The texts may change while it is paused.
func (u *update) frozenRun() {
	i := slices.IndexFunc(u.material, func(field string) bool {
		return field == "audience" || field == "schedule" || field == "abTest"
	})
	if i < 0 || u.c.Status == kind.StatusDraft || u.c.SendingStartedAt == nil {
		return
	}
	open, err := u.runs.Open(u.ctx, u.c.ID)
	u.faults.Add(err)
	if open {
		u.faults.Add(&apperr.Error{
			Code: apperr.Conflict, Field: u.material[i], Reason: apperr.ReasonNotInStatus,
			Message: "its recipients are written down: " + u.material[i] + " cannot change until it has been sent",
		})
	}
}

func pick[T any](given *T, otherwise T) T {
	if given != nil {
		return *given
	}
	return otherwise
}
