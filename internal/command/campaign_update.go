package command

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
)

var updateParameters = []Parameter{
	required("CampaignID", "The campaign."),
	optional("CampaignStatus", "The status to reach: Draft, Ready, Sending, Paused, …"),
	optional("CampaignStatusReason", "Why, for the history; at most 250 characters."),
	optional("CampaignName", "The name, at most 250 characters."),
	optional("RelEmailID", "The email; 0 for none."),
	optional("ScheduleType", "Not Scheduled, Immediate, Future or Recursive."),
	optional("SendDate", "YYYY-MM-DD, for Future."),
	optional("SendTime", "HH:MM or HH:MM:SS, for Future."),
	optional("SendTimeZone", "The time zone of both: Europe/Berlin, UTC, +03:00 or (GMT-03:00) Brasilia."),
	optional("ScheduleRecDaysOfWeek", "1 (Monday) to 7, comma-separated; 0 for every day."),
	optional("ScheduleRecDaysOfMonth", "1 to 31, comma-separated; 0 for every day."),
	optional("ScheduleRecMonths", "1 to 12, comma-separated; 0 for every month."),
	optional("ScheduleRecHours", "0 to 23, comma-separated."),
	optional("ScheduleRecMinutes", "0 to 59, comma-separated."),
	optional("ScheduleRecSendMaxInstance", "How often to send it; 0 for no limit."),
	optional("ApprovalUserExplanation", "What the owner tells the one who approves."),
	optional("GoogleAnalyticsDomains", "Domains whose links are marked for Google Analytics."),
	optional("PublishOnRSS", "Enabled or Disabled."),
	optional("RulesJsonBundle", "The audience as rules; the two lists are ignored then."),
	optional("RecipientListsAndSegments", "The audience as comma-separated ListID:SegmentID."),
	optional(
		"Exclude_RecipientListsAndSegments",
		"Who is left out, in the same form. ExcludeRecipientListsAndSegments is another name for it.",
	),
	optional("S2SEnabled", "true or false."),
	optional("AutoResendEnabled", "Whether to send it again to those who did not open it: true or false."),
	optional("AutoResendWaitDays", "How many days later, 1 to 365."),
	optional("AutoResendSubject", "The subject of the second sending."),
	optional("AutoResendPreHeaderText", "The preheader of the second sending."),
	optional(
		"ABTesting",
		"ABTesting[Variations][0][EmailID] and [Weight], two to five times; or {\"variations\":[{\"emailid\":1,\"weight\":50},…]} as JSON; empty to remove the test.",
	),
}

// updateCampaign answers Campaign.Update.
func (b *Bridge) updateCampaign(ctx context.Context, p Parameters) (Object, error) {
	if err := absent(p, "CampaignID"); err != nil {
		return nil, err
	}
	if _, err := b.Campaigns.Update(ctx, campaign.Call{ID: p.ID("CampaignID")}, campaignPatch(p)); err != nil {
		return nil, err
	}
	return success(), nil
}

// campaignPatch reads the changes of Campaign.Update. It passes invalid values on, so that the
// domain reports them in its order.
func campaignPatch(p Parameters) campaign.Patch {
	var faults apperr.Faults
	patch := campaign.Patch{
		Name:         p.Optional("CampaignName"),
		StatusReason: p.Optional("CampaignStatusReason"),
		EmailID:      emailID(p),
		Schedule:     schedulePatch(p),
		Audience:     audiencePatch(p),
		ABTest:       abTestPatch(p),
		AutoResend: campaign.AutoResendPatch{
			Enabled:   flag(p, &faults, "AutoResendEnabled"),
			WaitDays:  p.Number("AutoResendWaitDays"),
			Subject:   p.Optional("AutoResendSubject"),
			Preheader: p.Optional("AutoResendPreHeaderText"),
		},
		ApprovalExplanation:    p.Optional("ApprovalUserExplanation"),
		GoogleAnalyticsDomains: p.Optional("GoogleAnalyticsDomains"),
		PublishOnRSS:           publishOnRSS(p, &faults),
		S2SEnabled:             flag(p, &faults, "S2SEnabled"),
	}
	if text := strings.TrimSpace(p.Text("CampaignStatus")); text != "" {
		status, ok := kind.ParseCampaignStatus(text)
		if !ok {
			status = kind.CampaignStatus(unknown(text, status.Values()))
		}
		patch.Status = &status
	}
	patch.Err = faults.Err()
	return patch
}

// unknown returns a text that is not a legacy spelling, changed if necessary so that it is not a
// stored value either.
func unknown(text string, stored []string) string {
	if slices.Contains(stored, text) {
		return strings.ToUpper(text)
	}
	return text
}

// emailID reads RelEmailID. 0 removes the email. A text that is not a number becomes -1, an id that
// no email has.
func emailID(p Parameters) *int64 {
	if !p.Has("RelEmailID") {
		return nil
	}
	n, err := strconv.ParseInt(strings.TrimSpace(p.Text("RelEmailID")), 10, 64)
	if err != nil {
		n = -1
	}
	return &n
}

func schedulePatch(p Parameters) *campaign.SchedulePatch {
	patch := campaign.SchedulePatch{
		Date:         p.Optional("SendDate"),
		Time:         p.Optional("SendTime"),
		Zone:         p.Optional("SendTimeZone"),
		DaysOfWeek:   p.Optional("ScheduleRecDaysOfWeek"),
		DaysOfMonth:  p.Optional("ScheduleRecDaysOfMonth"),
		Months:       p.Optional("ScheduleRecMonths"),
		Hours:        p.Optional("ScheduleRecHours"),
		Minutes:      p.Optional("ScheduleRecMinutes"),
		MaxInstances: p.Number("ScheduleRecSendMaxInstance"),
	}
	if text := strings.TrimSpace(p.Text("ScheduleType")); text != "" {
		plan, ok := kind.ParseScheduleType(text)
		if !ok {
			plan = kind.ScheduleType(unknown(text, plan.Values()))
		}
		patch.Type = &plan
	}
	if patch == (campaign.SchedulePatch{}) {
		return nil
	}
	return &patch
}

func audiencePatch(p Parameters) *campaign.AudiencePatch {
	patch := campaign.AudiencePatch{
		Rules:   p.Optional("RulesJsonBundle"),
		Include: p.Optional("RecipientListsAndSegments"),
		Exclude: p.Optional("Exclude_RecipientListsAndSegments"),
	}
	if patch.Exclude == nil {
		patch.Exclude = p.Optional("ExcludeRecipientListsAndSegments") // the name of older versions
	}
	if patch == (campaign.AudiencePatch{}) {
		return nil
	}
	return &patch
}

func flag(p Parameters, faults *apperr.Faults, name string) *bool {
	if !p.Has(name) {
		return nil
	}
	value, ok := parseBool(p.Text(name))
	if !ok {
		faults.Add(apperr.InvalidField(name, apperr.ReasonValueInvalid, "write true or false"))
		return nil
	}
	return &value
}

func publishOnRSS(p Parameters, faults *apperr.Faults) *bool {
	const name = "PublishOnRSS"
	text := strings.TrimSpace(p.Text(name))
	enabled := strings.EqualFold(text, "Enabled")
	switch {
	case text == "":
		return nil
	case !enabled && !strings.EqualFold(text, "Disabled"):
		faults.Add(apperr.InvalidField(name, apperr.ReasonValueInvalid, "write Enabled or Disabled"))
		return nil
	}
	return &enabled
}
