// Package model holds the views through which GraphQL shows what the domains return: wrappers
// without rules, whose methods name one field each. Inputs and payloads beside them are generated
// from the schema.
package model

import (
	"strconv"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/scalar"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/statistics"
)

// Node is anything with a global id.
type Node any

// Campaign shows a campaign.
type Campaign struct{ *ent.Campaign }

// Number is the legacy id.
func (c *Campaign) Number() int64 { return c.ID }

// GlobalID is the opaque id.
func (c *Campaign) GlobalID() string { return gid.Encode(gid.Campaign, c.ID) }

// StatusReason is nil where no reason was given.
func (c *Campaign) StatusReason() *string { return text(c.Campaign.StatusReason) }

// ApprovalExplanation is nil where nothing was said.
func (c *Campaign) ApprovalExplanation() *string { return text(c.Campaign.ApprovalExplanation) }

// GoogleAnalyticsDomains is nil where there are none.
func (c *Campaign) GoogleAnalyticsDomains() *string { return text(c.Campaign.GoogleAnalyticsDomains) }

// Schedule shows when it is sent.
func (c *Campaign) Schedule() *Schedule { return &Schedule{c.Campaign} }

// Audience shows who it goes to.
func (c *Campaign) Audience() (*Audience, error) { return newAudience(c.Campaign) }

// Statistics are its own counters.
func (c *Campaign) Statistics() *statistics.Counters { return statistics.Of(c.Campaign) }

// AbTest is nil without one.
func (c *Campaign) AbTest() (*ABTest, error) {
	test, err := campaign.ParseABTest(c.Campaign.AbTest)
	if test == nil {
		return nil, err
	}
	return &ABTest{c.ID, test}, nil
}

// AutoResend shows the second sending.
func (c *Campaign) AutoResend() *AutoResend { return (*AutoResend)(c.Campaign) }

// Schedule shows the schedule columns of a campaign.
type Schedule struct{ Row *ent.Campaign }

// GlobalID returns the opaque id.
func (s *Schedule) GlobalID() string { return gid.Encode(gid.CampaignSchedule, s.Row.ID) }

// Type returns the kind of schedule.
func (s *Schedule) Type() kind.ScheduleType { return s.Row.ScheduleType }

// SendDate returns nil if the schedule has no date.
func (s *Schedule) SendDate() *string { return text(s.Row.SendDate) }

// SendTime returns nil if the schedule has no time.
func (s *Schedule) SendTime() *string { return text(s.Row.SendTime) }

// TimeZone returns nil if the schedule has no zone.
func (s *Schedule) TimeZone() *string { return text(s.Row.SendTimeZone) }

// SentInstances returns how often the campaign was sent.
func (s *Schedule) SentInstances() int { return s.Row.SentInstances }

// NextSendAt returns when the campaign is due, nil if it is not.
func (s *Schedule) NextSendAt() *time.Time { return s.Row.NextSendAt }

// Recurrence returns nil if the schedule does not recur.
func (s *Schedule) Recurrence() *Recurrence {
	if s.Row.ScheduleType != kind.ScheduleRecurring {
		return nil
	}
	return (*Recurrence)(s.Row)
}

// Recurrence shows the pattern of a recurring schedule.
type Recurrence ent.Campaign

// DaysOfWeek returns the days on which it is sent, Monday to Sunday.
func (r *Recurrence) DaysOfWeek() []DayOfWeek {
	numbers := numbers(r.RecurDaysOfWeek)
	days := make([]DayOfWeek, 0, len(AllDayOfWeek))
	if len(numbers) == 1 && numbers[0] == 0 {
		return append(days, AllDayOfWeek...)
	}
	for _, n := range numbers {
		days = append(days, AllDayOfWeek[(n+6)%7])
	}
	return days
}

// DaysOfMonth returns the days on which it is sent; empty for every day.
func (r *Recurrence) DaysOfMonth() []int { return chosen(r.RecurDaysOfMonth) }

// Months returns the months in which it is sent; empty for every month.
func (r *Recurrence) Months() []int { return chosen(r.RecurMonths) }

// Hours returns the hours of the day, parsed.
func (r *Recurrence) Hours() []int { return numbers(r.RecurHours) }

// Minutes returns the minutes of the hour, parsed.
func (r *Recurrence) Minutes() []int { return numbers(r.RecurMinutes) }

// MaxInstances returns the number of sendings after which it ends, 0 for no limit.
func (r *Recurrence) MaxInstances() int { return r.RecurMaxInstances }

// numbers parses a stored list, which the schedule has validated.
func numbers(list string) []int {
	out := []int{}
	for part := range strings.SplitSeq(list, ",") {
		if n, err := strconv.Atoi(part); err == nil {
			out = append(out, n)
		}
	}
	return out
}

// chosen is like numbers, but returns an empty list for "0", which means every.
func chosen(list string) []int {
	if list == "0" {
		return []int{}
	}
	return numbers(list)
}

// AnyAudience is an Audience or an AudienceDraft.
type AnyAudience any

// AudienceDraft shows an audience that is not saved.
type AudienceDraft Audience

// Audience shows who a campaign goes to.
type Audience struct {
	// CampaignID is the campaign, 0 of an audience that is not saved.
	CampaignID       int64
	Form             AudienceForm
	Include, Exclude []*AudiencePart
	// RulesJSON is the canonical JSON, empty if no audience was chosen.
	RulesJSON scalar.JSON
	// Target is evaluated to count, preview or explain the audience.
	Target query.Target
}

func newAudience(c *ent.Campaign) (*Audience, error) {
	target, err := query.OfCampaign(c)
	if err != nil {
		return nil, err
	}
	shown := NewAudience(target, []byte(c.Audience))
	shown.CampaignID = c.ID
	return shown, nil
}

// GlobalID returns the opaque id.
func (a *Audience) GlobalID() string { return gid.Encode(gid.CampaignAudience, a.CampaignID) }

// Rules returns the audience as rules, or nil if no audience was chosen.
func (a *Audience) Rules() *AudienceRules {
	if len(a.RulesJSON) == 0 {
		return nil
	}
	return &AudienceRules{a.Target.Audience}
}

// Rules returns the audience as rules, or nil if no audience was chosen.
func (a *AudienceDraft) Rules() *AudienceRules { return (*Audience)(a).Rules() }

// NewAudience returns the view of an audience. canonical is its canonical JSON, empty if no audience
// was chosen.
func NewAudience(target query.Target, canonical []byte) *Audience {
	shown := &Audience{
		Form: AudienceFormNone, Include: []*AudiencePart{}, Exclude: []*AudiencePart{},
		RulesJSON: scalar.JSON(canonical), Target: target,
	}
	switch {
	case len(canonical) == 0:
	case target.Audience.Form == rules.FormRules:
		shown.Form = AudienceFormRules
	default:
		shown.Form = AudienceFormLists
		shown.Include, shown.Exclude = parts(target.Audience.Criteria), parts(target.Audience.Exclude)
	}
	return shown
}

// AudienceRecipient shows a person whom an audience includes.
type AudienceRecipient struct {
	EmailAddress string
	Subscriber   *Subscriber
	List         *SubscriberList
}

// AudiencePart shows a list or a segment of it.
type AudiencePart struct {
	ListID int64
	// SegmentID is nil for the whole list.
	SegmentID *int64
}

// Segmented reports whether it is a segment.
func (p *AudiencePart) Segmented() bool { return p.SegmentID != nil }

func parts(criteria []rules.Criterion) []*AudiencePart {
	out := make([]*AudiencePart, len(criteria))
	for i, criterion := range criteria {
		out[i] = &AudiencePart{ListID: criterion.ListID}
		for _, rule := range criterion.Where.Rules {
			if segment, ok := rule.(rules.Segment); ok {
				out[i].SegmentID = &segment.ID
			}
		}
	}
	return out
}

// ABTest shows an A/B test.
type ABTest struct {
	campaignID int64
	test       *campaign.ABTest
}

// GlobalID returns the opaque id.
func (t *ABTest) GlobalID() string { return gid.Encode(gid.ABTest, t.campaignID) }

// TestSize returns the share of the audience that takes part, in percent, nil for everybody.
func (t *ABTest) TestSize() *int { return t.test.TestSize }

// TestDurationHours returns how long a sample is tested, nil if that was not chosen.
func (t *ABTest) TestDurationHours() *int { return t.test.TestDuration }

// Winner returns how the better variation is found, nil if that was not chosen.
func (t *ABTest) Winner() *campaign.ABWinner {
	if t.test.Winner == "" {
		return nil
	}
	return &t.test.Winner
}

// Variations returns the emails that are compared.
func (t *ABTest) Variations() []*ABTestVariation {
	out := make([]*ABTestVariation, len(t.test.Variations))
	shares := t.test.Shares()
	for i, v := range t.test.Variations {
		out[i] = &ABTestVariation{EmailID: v.EmailID, Weight: v.Weight, Share: shares[i]}
	}
	return out
}

// ABTestVariation shows one email of an A/B test.
type ABTestVariation struct {
	EmailID int64
	// Weight is relative to the other weights, and Share is between 0 and 1.
	Weight, Share float64
}

// AutoResend shows the second sending of a campaign.
type AutoResend ent.Campaign

// GlobalID returns the opaque id.
func (a *AutoResend) GlobalID() string { return gid.Encode(gid.AutoResend, a.ID) }

// Enabled reports whether the campaign is sent a second time.
func (a *AutoResend) Enabled() bool { return a.AutoResendEnabled }

// WaitDays returns the days between the two sendings.
func (a *AutoResend) WaitDays() int { return a.AutoResendWaitDays }

// Subject returns nil if there is none.
func (a *AutoResend) Subject() *string { return text(a.AutoResendSubject) }

// Preheader returns nil if there is none.
func (a *AutoResend) Preheader() *string { return text(a.AutoResendPreheader) }

// CampaignChange shows an entry of the history.
type CampaignChange struct{ *ent.CampaignChange }

// Action returns the operation that caused the change.
func (c *CampaignChange) Action() CampaignAction {
	return CampaignAction(strings.ToUpper(string(c.CampaignChange.Action)))
}

// GlobalID returns the opaque id.
func (c *CampaignChange) GlobalID() string { return gid.Encode(gid.CampaignChange, c.ID) }

// From returns the status before the change.
func (c *CampaignChange) From() *kind.CampaignStatus { return c.FromStatus }

// To returns the status after the change.
func (c *CampaignChange) To() kind.CampaignStatus { return c.ToStatus }

// Fields returns the names of the changed fields.
func (c *CampaignChange) Fields() []string {
	if c.CampaignChange.Fields == "" {
		return []string{}
	}
	return strings.Split(c.CampaignChange.Fields, ",")
}

// Reason returns nil if none was given.
func (c *CampaignChange) Reason() *string { return text(c.CampaignChange.Reason) }

func text(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
