package campaign

import (
	"strings"

	"campaignql/ent"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

// Patch is a partial update; a nil field stays unchanged. Both surfaces fill it. Update applies the
// rules.
type Patch struct {
	Name *string
	// Status is the requested status. The resulting status may differ, see Update.
	Status *kind.CampaignStatus
	// StatusReason is the reason for the history and the legacy column CampaignStatusReason.
	StatusReason *string
	// EmailID sets the content; 0 removes it. A campaign with an A/B test has no email of its own: a
	// call that sets a test removes the email, and setting an email needs the test to be removed
	// before or in the same call.
	EmailID  *int64
	Schedule *SchedulePatch
	Audience *AudiencePatch
	// ABTest sets the A/B test, or removes it if its Test is nil.
	ABTest *ABTestPatch
	// OneContent rejects a patch that sets both EmailID and a test, with Conflict on emailId, reason
	// "ab_test_has_emails". Without it the test wins, as in the legacy command.
	OneContent bool
	// AutoResend configures the automatic second sending to recipients who did not open the first.
	AutoResend AutoResendPatch
	// ApprovalExplanation is the owner's message to the approver.
	ApprovalExplanation    *string
	GoogleAnalyticsDomains *string
	PublishOnRSS           *bool
	S2SEnabled             *bool
	// Err holds faults that the surface found while reading the input. Update reports them together
	// with its own faults, so that the caller gets all faults at once. If Err is set, nothing is
	// written.
	Err error
}

// SchedulePatch changes the schedule. With Whole, nil parts are cleared. Without it, nil parts keep
// their values while the type stays the same, as in the legacy command.
type SchedulePatch struct {
	Whole bool
	// Type may hold an unknown value; Update reports it.
	Type                                            *kind.ScheduleType
	Date, Time, Zone                                *string
	DaysOfWeek, DaysOfMonth, Months, Hours, Minutes *string
	MaxInstances                                    *int
}

// Alone returns the schedule that the patch sets on a campaign without a schedule. Parts that the
// patch does not name are empty.
func (p *SchedulePatch) Alone() schedule.Schedule { return p.apply(schedule.Schedule{}) }

// AudiencePatch replaces the audience of a campaign. A campaign has one audience, from either Rules
// or lists.
type AudiencePatch struct {
	// Rules is a RulesJsonBundle.
	Rules *string
	// Include and Exclude are ListID:SegmentID pairs, separated by commas. They are used only if
	// Rules is nil or empty. If only one of them is given, the other stays unchanged.
	Include, Exclude *string
}

// ABTestPatch sets the A/B test, or removes it if Test is nil. Err is a fault in the shape of the
// input that the surface found. It is reported at its place in the order of faults. If Test is set
// too, it holds what could be parsed, and Err comes after the faults of the emails and their
// number. A variation without a readable email then has the EmailID 0.
type ABTestPatch struct {
	Test *ABTest
	Err  error
}

// AutoResendPatch changes the automatic second sending.
type AutoResendPatch struct {
	Enabled            *bool
	WaitDays           *int
	Subject, Preheader *string
}

// settings changes the settings that need no more than a check of their own.
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

// copySettings gives a copy the settings of its source.
func copySettings(create *ent.CampaignCreate, source *ent.Campaign) {
	create.SetApprovalExplanation(source.ApprovalExplanation).
		SetGoogleAnalyticsDomains(source.GoogleAnalyticsDomains).
		SetPublishOnRss(source.PublishOnRss).
		SetS2sEnabled(source.S2sEnabled)
}
