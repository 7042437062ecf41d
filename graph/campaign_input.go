package graph

import (
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

// maxFilterTags is the maximum number of tags in one condition.
const maxFilterTags = 100

// campaignFilter reads a filter. A condition that is absent or null does not restrict.
func campaignFilter(in *model.CampaignFilter) (campaign.Filter, error) {
	var faults apperr.Faults
	out := readFilter(in, &faults)
	return out, faults.Err()
}

func readFilter(in *model.CampaignFilter, faults *apperr.Faults) campaign.Filter {
	if in == nil {
		return campaign.Filter{}
	}
	out := campaign.Filter{
		Statuses:  in.Status.Value(),
		Bucket:    value(in.Bucket.Value()),
		Schedules: in.ScheduleType.Value(),
		Search:    value(in.Search.Value()), SearchSubject: true,
		IDs:       filterIDs(in.Ids, gid.Campaign, "filter.ids", maxIDs, faults),
		OwnerIDs:  filterIDs(in.OwnerIds, gid.User, "filter.ownerIds", maxIDs, faults),
		CreatedAt: span(in.CreatedAt), SendAt: span(in.SendAt), FinishedAt: span(in.FinishedAt),
		HasEmail: in.HasEmail.Value(), HasAudience: in.HasAudience.Value(),
		Recipients: numbers(in.Recipients), Sent: numbers(in.Sent),
		OpenRate: rates(in.OpenRate), ClickRate: rates(in.ClickRate), BounceRate: rates(in.BounceRate),
	}
	if tags := in.Tags.Value(); tags != nil {
		out.TagsAnyOf = filterIDs(tags.AnyOf, gid.Tag, "filter.tags.anyOf", maxFilterTags, faults)
		out.TagsAllOf = filterIDs(tags.AllOf, gid.Tag, "filter.tags.allOf", maxFilterTags, faults)
		out.TagsNoneOf = filterIDs(tags.NoneOf, gid.Tag, "filter.tags.noneOf", maxFilterTags, faults)
	}
	for _, part := range in.And.Value() {
		out.And = append(out.And, readFilter(part, faults))
	}
	if parts := in.Or.Value(); parts != nil {
		out.Or = []campaign.Filter{}
		for _, part := range parts {
			out.Or = append(out.Or, readFilter(part, faults))
		}
	}
	if part := in.Not.Value(); part != nil {
		not := readFilter(part, faults)
		out.Not = &not
	}
	return out
}

func filterIDs(in graphql.Omittable[[]string], kind gid.Kind, name string, limit int, faults *apperr.Faults) []int64 {
	texts := in.Value()
	if texts == nil {
		return nil
	}
	ids, err := identifyAll(kind, name, texts, limit)
	faults.Add(err)
	return ids
}

func span(in graphql.Omittable[*model.DateTimeRange]) campaign.Span {
	if r := in.Value(); r != nil {
		return campaign.Span{From: r.From.Value(), To: r.To.Value()}
	}
	return campaign.Span{}
}

func numbers(in graphql.Omittable[*model.IntRange]) campaign.Range[int64] {
	if r := in.Value(); r != nil {
		return campaign.Range[int64]{Min: r.Min, Max: r.Max}
	}
	return campaign.Range[int64]{}
}

func rates(in graphql.Omittable[*model.FloatRange]) campaign.Range[float64] {
	if r := in.Value(); r != nil {
		return campaign.Range[float64]{Min: r.Min.Value(), Max: r.Max.Value()}
	}
	return campaign.Range[float64]{}
}

// campaignPatch reads a partial update.
func campaignPatch(in model.UpdateCampaignInput) (campaign.Patch, error) {
	var faults apperr.Faults
	clear := clears(in.Clear, "", &faults)
	patch := campaign.Patch{
		Name:         given(in.Name),
		Status:       given(in.Status),
		StatusReason: patched(clear, model.CampaignFieldStatusReason, "statusReason", in.StatusReason),
		ApprovalExplanation: patched(
			clear, model.CampaignFieldApprovalExplanation, "approvalExplanation", in.ApprovalExplanation,
		),
		GoogleAnalyticsDomains: patched(
			clear, model.CampaignFieldGoogleAnalyticsDomains, "googleAnalyticsDomains", in.GoogleAnalyticsDomains,
		),
		PublishOnRSS: given(in.PublishOnRss),
		S2SEnabled:   given(in.S2sEnabled),
		OneContent:   true,
	}
	patch.EmailID = emailPatch(clear, in.EmailID.Value())
	patch.Schedule = planPatch(clear, in.Schedule.Value())
	patch.Audience = audiencePatch(clear, in.Audience.Value())
	patch.ABTest = abTestPatch(clear, in.AbTest.Value())
	patch.AutoResend = autoResendPatch(clear, in.AutoResend.Value())
	return patch, faults.Err()
}

// campaignClearing is the list `clear` of updateCampaign.
type campaignClearing = clearing[model.CampaignField]

func emailPatch(clear campaignClearing, text *string) *int64 {
	switch {
	case clear.has(model.CampaignFieldEmail, "emailId", text != nil):
		return new(int64)
	case text == nil:
		return nil
	}
	id, err := identify(gid.Email, "emailId", *text)
	clear.faults.Add(err)
	return &id
}

func planPatch(clear campaignClearing, plan *model.ScheduleInput) *campaign.SchedulePatch {
	switch {
	case clear.has(model.CampaignFieldSchedule, "schedule", plan != nil):
		return &campaign.SchedulePatch{Whole: true, Type: new(kind.ScheduleNone)}
	case plan == nil:
		return nil
	}
	patch, err := schedulePatch(plan)
	clear.faults.Add(err)
	return patch
}

// schedulePatch reads the given kind of schedule.
func schedulePatch(in *model.ScheduleInput) (*campaign.SchedulePatch, error) {
	plan := scheduleOf(in)
	return &campaign.SchedulePatch{
		Whole:        true,
		Type:         &plan.Type,
		Date:         &plan.Date,
		Time:         &plan.Time,
		Zone:         &plan.Zone,
		DaysOfWeek:   &plan.Recurrence.DaysOfWeek,
		DaysOfMonth:  &plan.Recurrence.DaysOfMonth,
		Months:       &plan.Recurrence.Months,
		Hours:        &plan.Recurrence.Hours,
		Minutes:      &plan.Recurrence.Minutes,
		MaxInstances: plan.Recurrence.MaxInstances,
	}, nil
}

// every is the value of a list in a recurring schedule that means "all".
const every = "0"

// scheduleOf reads a schedule without validating it; the domain validates it.
func scheduleOf(in *model.ScheduleInput) schedule.Schedule {
	switch {
	case in.At.Value() != nil:
		at := in.At.Value()
		return schedule.Schedule{Type: kind.ScheduleFuture, Date: at.Date, Time: at.Time, Zone: at.TimeZone}
	case in.Recurring.Value() != nil:
		return recurring(in.Recurring.Value())
	default:
		return schedule.Schedule{Type: value(in.Kind.Value())}
	}
}

func recurring(in *model.RecurringScheduleInput) schedule.Schedule {
	instances := int(or(in.MaxInstances, 0))
	plan := schedule.Schedule{Type: kind.ScheduleRecurring, Zone: in.TimeZone, Recurrence: schedule.Recurrence{
		DaysOfMonth:  list(in.DaysOfMonth.Value()),
		Months:       list(in.Months.Value()),
		Hours:        list(in.Hours),
		Minutes:      list(in.Minutes),
		MaxInstances: &instances,
	}}
	var days []int32
	for _, day := range in.DaysOfWeek.Value() {
		for i, known := range model.AllDayOfWeek {
			if day == known {
				days = append(days, int32(i+1))
			}
		}
	}
	plan.Recurrence.DaysOfWeek = list(days)
	if plan.Recurrence.DaysOfWeek == "" && plan.Recurrence.DaysOfMonth == "" {
		plan.Recurrence.DaysOfWeek = every
	}
	if plan.Recurrence.Months == "" {
		plan.Recurrence.Months = every
	}
	return plan
}

func list(numbers []int32) string {
	parts := make([]string, len(numbers))
	for i, n := range numbers {
		parts[i] = strconv.Itoa(int(n))
	}
	return strings.Join(parts, ",")
}

func abTestPatch(clear campaignClearing, test *model.ABTestInput) *campaign.ABTestPatch {
	switch {
	case clear.has(model.CampaignFieldAbTest, "abTest", test != nil):
		return &campaign.ABTestPatch{}
	case test == nil:
		return nil
	}
	out := campaign.ABTest{
		TestSize:     wide(given(test.TestSize)),
		TestDuration: wide(given(test.TestDurationHours)),
		Winner:       value(test.Winner.Value()),
	}
	for i, v := range test.Variations {
		id, err := identify(gid.Email, "abTest.variations["+strconv.Itoa(i)+"].emailId", v.EmailID)
		clear.faults.Add(err)
		out.Variations = append(out.Variations, campaign.ABVariation{EmailID: id, Weight: or(v.Weight, 1)})
	}
	return &campaign.ABTestPatch{Test: &out}
}

func autoResendPatch(clear campaignClearing, resend *model.AutoResendInput) campaign.AutoResendPatch {
	switch {
	case clear.has(model.CampaignFieldAutoResend, "autoResend", resend != nil):
		return campaign.AutoResendPatch{
			Enabled: new(bool), WaitDays: new(int), Subject: new(string), Preheader: new(string),
		}
	case resend == nil:
		return campaign.AutoResendPatch{}
	}
	parts := clears(resend.Clear, "autoResend.", clear.faults)
	return campaign.AutoResendPatch{
		Enabled:   given(resend.Enabled),
		WaitDays:  wide(given(resend.WaitDays)),
		Subject:   patched(parts, model.AutoResendFieldSubject, "subject", resend.Subject),
		Preheader: patched(parts, model.AutoResendFieldPreheader, "preheader", resend.Preheader),
	}
}
