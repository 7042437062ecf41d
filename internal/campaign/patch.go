package campaign

import (
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

// Patch is a partial update: nil leaves a field alone. Both surfaces fill it; the rules are Update's.
type Patch struct {
	Name *string
	// Status asks for a status; the one reached may differ, see Update.
	Status *kind.CampaignStatus
	// StatusReason says why, for the history and the legacy column CampaignStatusReason.
	StatusReason *string
	// EmailID sets the content; 0 takes it away.
	EmailID  *int64
	Schedule *SchedulePatch
	Audience *AudiencePatch
	// ABTest sets or, with an empty one, removes the A/B test.
	ABTest *ABTestPatch
	// AutoResend sends the campaign again to those who did not open it.
	AutoResend AutoResendPatch
	// ApprovalExplanation is what the owner tells the one who approves.
	ApprovalExplanation    *string
	GoogleAnalyticsDomains *string
	PublishOnRSS           *bool
	S2SEnabled             *bool
	// Err holds faults that the surface found while reading the input. They are reported beside
	// those of the rules, so that the caller learns of all at once; nothing is written then.
	Err error
}

// SchedulePatch changes the schedule. With Whole the parts that are nil are cleared; without it
// they keep what they were, as long as the type stays, as the legacy command does.
type SchedulePatch struct {
	Whole bool
	// Type may hold a value that is none; Update reports it.
	Type                                            *kind.ScheduleType
	Date, Time, Zone                                *string
	DaysOfWeek, DaysOfMonth, Months, Hours, Minutes *string
	MaxInstances                                    *int
}

// Alone is the schedule that the patch makes of a campaign that has none yet: what it does not name is empty.
func (p *SchedulePatch) Alone() schedule.Schedule { return p.apply(schedule.Schedule{}) }

// AudiencePatch says anew who a campaign goes to. Rules and lists exclude each other: there is one audience.
type AudiencePatch struct {
	// Rules is a RulesJsonBundle.
	Rules *string
	// Include and Exclude are ListID:SegmentID pairs, separated by commas; they count only without
	// Rules. One given alone leaves the other as it was.
	Include, Exclude *string
}

// ABTestPatch sets the A/B test, or removes it when Test is nil. Err is a fault in its shape that
// the surface found while reading it; it is reported in its place among the faults: with a Test
// beside it, which holds what could be read, after those of the emails and their number. A
// variation without email has the EmailID 0 there.
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
