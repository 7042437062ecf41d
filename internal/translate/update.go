package translate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"campaignql/internal/audience/rules"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

// updateCampaign translates the parameters of Campaign.Update, part by part.
func updateCampaign(r *reading) (string, map[string]any, error) {
	patch := r.CampaignPatch()
	if patch.Err != nil {
		return "", nil, refused(patch.Err)
	}
	input := map[string]any{"id": r.id("CampaignID")}
	for _, part := range []func(*reading, campaign.Patch, map[string]any) error{setTexts, setStatus, setEmail, setSchedule, setAudience, setABTest, setAutoResend} {
		if err := part(r, patch, input); err != nil {
			return "", nil, err
		}
	}
	document := mutation("updateCampaign", "campaign {\n  legacyId\n  status\n  version\n}\nrequestedStatus")
	return document, withInput(input), nil
}

// clearPart names a part of the campaign that the update clears, because a null leaves it alone.
func clearPart(input map[string]any, part string) {
	named, _ := input["clear"].([]string)
	input["clear"] = append(named, part)
}

// set puts a value into an input if the value was given.
func set[T any](input map[string]any, name string, value *T) {
	if value != nil {
		input[name] = *value
	}
}

func setTexts(_ *reading, patch campaign.Patch, input map[string]any) error {
	set(input, "name", patch.Name)
	set(input, "statusReason", patch.StatusReason)
	set(input, "approvalExplanation", patch.ApprovalExplanation)
	set(input, "googleAnalyticsDomains", patch.GoogleAnalyticsDomains)
	set(input, "publishOnRss", patch.PublishOnRSS)
	set(input, "s2sEnabled", patch.S2SEnabled)
	return nil
}

func setStatus(r *reading, patch campaign.Patch, input map[string]any) error {
	if patch.Status == nil {
		return nil
	}
	if patch.Status.Rank() == 0 {
		return refused(fmt.Errorf("CampaignStatus: %s is not a status of a campaign", quote(r.Text("CampaignStatus"))))
	}
	input["status"] = constant(*patch.Status)
	return nil
}

func setEmail(r *reading, patch campaign.Patch, input map[string]any) error {
	switch {
	case patch.EmailID == nil || patch.ABTest != nil && patch.ABTest.Test != nil: // the test wins
	case *patch.EmailID == 0:
		clearPart(input, "EMAIL")
	default:
		input["emailId"] = r.id("RelEmailID")
	}
	return nil
}

// schedulePart is one of the legacy parameters of a schedule.
type schedulePart struct {
	name  string
	given bool
}

// setSchedule translates a complete schedule. GraphQL always sets the whole schedule; the legacy
// command keeps the parts that the request does not have. An incomplete schedule is therefore left
// out with a note.
func setSchedule(r *reading, patch campaign.Patch, input map[string]any) error {
	given := patch.Schedule
	if given == nil {
		return nil
	}
	if given.Type == nil {
		r.notef(
			"The schedule is left out: GraphQL sets it whole, and a request without ScheduleType changes a part of what the campaign has. Give ScheduleType and all of its parts.",
		)
		return nil
	}
	plan := given.Alone().Normalized()
	reads, others := scheduleParts(given, plan.Type)
	for _, part := range others {
		if part.given {
			r.notef(
				"%s: a schedule of the type %s does not have it: it was ignored, and is left out.", part.name,
				plan.Type.Legacy(),
			)
		}
	}
	if missing := missingParts(reads, plan.Type); missing != "" {
		r.notef(
			"The schedule is left out: GraphQL sets it whole, and the request lacks %s, which a campaign that is %s already would keep. Add what is missing.",
			missing,
			plan.Type.Legacy(),
		)
		return nil
	}
	if err := schedule.Validate(plan, time.Time{}); err != nil {
		return refused(err)
	}
	switch plan.Type {
	case kind.ScheduleNone:
		input["schedule"] = map[string]any{"kind": "UNSCHEDULED"}
	case kind.ScheduleImmediate:
		input["schedule"] = map[string]any{"kind": "IMMEDIATE"}
	case kind.ScheduleFuture:
		input["schedule"] = map[string]any{
			"at": map[string]any{"date": plan.Date, "time": plan.Time, "timeZone": plan.Zone},
		}
	case kind.ScheduleRecurring:
		if given.DaysOfWeek == nil || given.DaysOfMonth == nil {
			r.notef(
				"The schedule: GraphQL sets it whole; a campaign that is Recursive already and has the other kind of days loses them.",
			)
		}
		recurring, err := recurrence(plan)
		if err != nil {
			return err
		}
		input["schedule"] = map[string]any{"recurring": recurring}
	}
	return nil
}

// scheduleParts returns the parameters that a type of schedule reads, and the others.
func scheduleParts(given *campaign.SchedulePatch, plan kind.ScheduleType) (reads, others []schedulePart) {
	future := []schedulePart{{"SendDate", given.Date != nil}, {"SendTime", given.Time != nil}}
	zone := []schedulePart{{"SendTimeZone", given.Zone != nil}}
	recurring := []schedulePart{
		{"ScheduleRecDaysOfWeek", given.DaysOfWeek != nil},
		{"ScheduleRecDaysOfMonth", given.DaysOfMonth != nil},
		{"ScheduleRecMonths", given.Months != nil},
		{"ScheduleRecHours", given.Hours != nil},
		{"ScheduleRecMinutes", given.Minutes != nil},
		{"ScheduleRecSendMaxInstance", given.MaxInstances != nil},
	}
	switch plan {
	case kind.ScheduleFuture:
		return append(future, zone...), recurring
	case kind.ScheduleRecurring:
		return append(recurring, zone...), future
	default:
		return nil, append(append(future, zone...), recurring...)
	}
}

// missingParts names the parts that a schedule needs and that were not given. One of the two kinds
// of days is enough.
func missingParts(reads []schedulePart, plan kind.ScheduleType) string {
	var missing []string
	for i, part := range reads {
		if plan == kind.ScheduleRecurring && i < 2 {
			if i == 1 && !reads[0].given && !reads[1].given {
				missing = append(missing, "ScheduleRecDaysOfWeek or ScheduleRecDaysOfMonth")
			}
			continue
		}
		if !part.given {
			missing = append(missing, part.name)
		}
	}
	return strings.Join(missing, ", ")
}

// weekdays are the days of the week in GraphQL; the legacy API counts them from 1.
var weekdays = [...]string{"MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"}

// recurrence returns a valid pattern. A list with the value 0, which means "every", is left out,
// because GraphQL expresses "every" by an absent list.
func recurrence(plan schedule.Schedule) (map[string]any, error) {
	out := map[string]any{"timeZone": plan.Zone, "maxInstances": small(*plan.Recurrence.MaxInstances)}
	for _, list := range []struct {
		name string
		set  schedule.Set
		text string
	}{
		{"daysOfWeek", schedule.DaysOfWeek, plan.Recurrence.DaysOfWeek},
		{"daysOfMonth", schedule.DaysOfMonth, plan.Recurrence.DaysOfMonth},
		{"months", schedule.Months, plan.Recurrence.Months},
		{"hours", schedule.Hours, plan.Recurrence.Hours},
		{"minutes", schedule.Minutes, plan.Recurrence.Minutes},
	} {
		numbers, err := schedule.ParseSet(list.set, list.text)
		if err != nil {
			return nil, refused(err)
		}
		every := list.set <= schedule.Months && len(numbers) == 1 && numbers[0] == 0
		switch {
		case every, numbers == nil:
		case list.set == schedule.DaysOfWeek:
			days := make([]string, len(numbers))
			for i, n := range numbers {
				days[i] = weekdays[n-1]
			}
			out[list.name] = days
		default:
			out[list.name] = numbers
		}
	}
	return out, nil
}

// setAudience translates a complete audience, because GraphQL always sets the whole audience.
func setAudience(r *reading, patch campaign.Patch, input map[string]any) error {
	given := patch.Audience
	if given == nil {
		return nil
	}
	if given.Rules != nil {
		if _, err := rules.ParseRules([]byte(*given.Rules)); err != nil {
			return refused(err)
		}
		if given.Include != nil || given.Exclude != nil {
			r.notef(
				"RecipientListsAndSegments and Exclude_RecipientListsAndSegments: with RulesJsonBundle they were ignored, and are left out.",
			)
		}
		input["audience"] = map[string]any{"rulesJson": *given.Rules}
		return nil
	}
	if given.Include == nil {
		r.notef(
			"Exclude_RecipientListsAndSegments is left out: GraphQL sets the audience whole. Give RecipientListsAndSegments as well.",
		)
		return nil
	}
	excluded := ""
	if given.Exclude != nil {
		excluded = *given.Exclude
	} else {
		r.notef(
			"RecipientListsAndSegments: GraphQL sets the audience whole; lists that the campaign leaves out by now are left out no more.",
		)
	}
	target, err := rules.ParseLists(*given.Include, excluded)
	if err != nil {
		return refused(err)
	}
	include, exclude := target.Lists()
	lists := map[string]any{"include": parts(include)}
	if exclude != "" {
		lists["exclude"] = parts(exclude)
	}
	input["audience"] = map[string]any{"lists": lists}
	return nil
}

// parts reads the output of rules.Audience.Lists.
func parts(pairs string) []map[string]any {
	out := []map[string]any{}
	for pair := range strings.SplitSeq(pairs, ",") {
		list, segment, found := strings.Cut(pair, ":")
		if !found {
			continue
		}
		part := map[string]any{"listId": list}
		if segment != "0" {
			part["segmentId"] = segment
		}
		out = append(out, part)
	}
	return out
}

func setABTest(_ *reading, patch campaign.Patch, input map[string]any) error {
	given := patch.ABTest
	if given == nil {
		return nil
	}
	if given.Err != nil {
		return refused(given.Err)
	}
	if given.Test == nil {
		clearPart(input, "AB_TEST")
		return nil
	}
	if err := given.Test.Validate(); err != nil {
		return refused(err)
	}
	variations := make([]map[string]any, len(given.Test.Variations))
	for i, v := range given.Test.Variations {
		variations[i] = map[string]any{"emailId": strconv.FormatInt(v.EmailID, 10), "weight": v.Weight}
	}
	test := map[string]any{"variations": variations}
	set(test, "testSize", given.Test.TestSize)
	set(test, "testDurationHours", given.Test.TestDuration)
	if given.Test.Winner != "" {
		test["winner"] = constant(given.Test.Winner)
	}
	input["abTest"] = test
	return nil
}

func setAutoResend(_ *reading, patch campaign.Patch, input map[string]any) error {
	given := patch.AutoResend
	out := map[string]any{}
	set(out, "enabled", given.Enabled)
	set(out, "subject", given.Subject)
	set(out, "preheader", given.Preheader)
	if given.WaitDays != nil {
		if *given.WaitDays < 0 {
			return refused(errors.New("AutoResendWaitDays is not a number of days"))
		}
		out["waitDays"] = small(*given.WaitDays)
	}
	if len(out) > 0 {
		input["autoResend"] = out
	}
	return nil
}
