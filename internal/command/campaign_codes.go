package command

import "campaignql/internal/apperr"

// sendingReasons are the remaining reasons with which the state machine rejects a change, because
// of the sending or the approval of a campaign.
var sendingReasons = []apperr.Reason{
	apperr.ReasonAlreadyBegun, apperr.ReasonNotBegun, apperr.ReasonApprovalWithdrawn, apperr.ReasonNotInStatus,
}

// updateCodes is the error table of Campaign.Update, in the order in which its parameters are
// validated.
var updateCodes = []Code{
	{Number: 1, Text: "Campaign ID is required", Missing: "CampaignID"},
	{Number: 2, Text: "Campaign does not belong to the user", Reasons: []apperr.Reason{apperr.ReasonCampaignNotFound}},
	{Number: 3, Text: "Invalid campaign status", Detail: true, Reasons: []apperr.Reason{
		apperr.ReasonStatusInvalid,
		apperr.ReasonStatusTransition,
		apperr.ReasonApprovalRequired,
		apperr.ReasonDeliveryRequired,
		apperr.ReasonAlreadyBegun,
		apperr.ReasonRunOpen,
		apperr.ReasonNotBegun,
		apperr.ReasonApprovalWithdrawn,
	}},
	{Number: 4, Text: "Email ID does not belong to the user", Reasons: []apperr.Reason{apperr.ReasonEmailNotFound}},
	{
		Number: 5, Text: "Invalid schedule type: use Not Scheduled, Immediate, Future or Recursive",
		Reasons: []apperr.Reason{apperr.ReasonScheduleTypeInvalid},
	},
	{
		Number: 6, Text: "Send date is required for future scheduled campaigns", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonScheduleDateRequired},
	},
	{
		Number: 7, Text: "Send time is required for future scheduled campaigns", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonScheduleTimeRequired},
	},
	{
		Number: 8, Text: "Either days of the week or days of the month must be specified for recursive campaigns",
		Detail: true, Reasons: []apperr.Reason{apperr.ReasonScheduleDaysRequired},
	},
	{
		Number: 9, Text: "Months are required for recursive campaigns", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonScheduleMonthsRequired},
	},
	{
		Number: 10, Text: "Hours are required for recursive campaigns", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonScheduleHoursRequired},
	},
	{
		Number: 11, Text: "Minutes are required for recursive campaigns", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonScheduleMinutesRequired},
	},
	{
		Number: 12, Text: "Maximum instances are required for recursive campaigns", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonScheduleMaxInstancesRequired},
	},
	{
		Number: 13, Text: "Timezone is required for scheduled campaigns", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonScheduleZoneRequired},
	},
	{
		Number: 14, Text: "The days to wait are required for automatic resending", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonAutoResendWaitDays},
	},
	{
		Number: 15, Text: "The subject is required for automatic resending", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonAutoResendSubject},
	},
	{Number: 17, Text: "The A/B test is not an array", Reasons: []apperr.Reason{apperr.ReasonABTestShape}},
	{
		Number: 18, Text: "The variations of the A/B test are not an array",
		Reasons: []apperr.Reason{apperr.ReasonABTestVariationsShape},
	},
	{
		Number: 19, Text: "An email of the A/B test does not belong to the user",
		Reasons: []apperr.Reason{apperr.ReasonABTestEmailNotFound},
	},
	{
		Number: 21, Text: "The A/B test has too few variations", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonABTestTooFewVariations},
	},
	{
		Number: 22, Text: "The A/B test has too many variations", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonABTestTooManyVariations},
	},
	{
		Number: 23, Text: "A field of the A/B test is missing", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonABTestFieldMissing},
	},
	{
		Number: 24, Text: "A value of the A/B test cannot be accepted", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonABTestValue},
	},
	{
		Number: 25, Text: "The share of the A/B test is too small", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonABTestShare},
	},
	{
		Number: 26, Text: "Automatic resending is not possible for recursive campaigns",
		Reasons: []apperr.Reason{apperr.ReasonAutoResendRecurring},
	},
	{
		Number: 27, Text: "The campaign is scheduled in the past", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonScheduleInPast},
	},
	{
		Number: 28, Text: "The target audience cannot be understood", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonAudienceInvalid, apperr.ReasonAudienceTooLarge},
	},
	{
		Number: 29, Text: "A list or segment of the target audience does not belong to the user", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonAudienceNotFound},
	},
	{
		Number: 30, Text: "Not possible in the present status of the campaign", Detail: true,
		Reasons: []apperr.Reason{apperr.ReasonNotInStatus, apperr.ReasonABTestHasEmails},
	},
	{Number: 31, Text: "A value cannot be accepted", Detail: true, NamesField: true, Reasons: []apperr.Reason{
		apperr.ReasonNameRequired, apperr.ReasonNameTooLong, apperr.ReasonTextTooLong, apperr.ReasonValueInvalid,
	}},
}
