package apperr

import "slices"

// Reason is a stable detail of a failure within its code, for programs: GraphQL answers it as it is
// written here, and the Command bridge maps it to the codes of each command. Reasons are public:
// the text of one never changes, and every reason of the product is declared in this file.
type Reason string

// Registered is what is known of a reason.
type Registered struct {
	Reason Reason
	// Codes are the codes of the failures that have the reason, mostly one.
	Codes []Code
	// Meaning says what is wrong, in one line.
	Meaning string
}

// Requests: paging, ids and bounds that every domain shares.
const (
	ReasonCursorInvalid        Reason = "cursor_invalid"
	ReasonCursorOfAnotherOrder Reason = "cursor_of_another_order"
	ReasonPageBothEnds         Reason = "page_both_ends"
	ReasonPageOffset           Reason = "page_offset"
	ReasonPageOffsetWithCursor Reason = "page_offset_with_cursor"
	ReasonPageSize             Reason = "page_size"
	ReasonIDInvalid            Reason = "id_invalid"
	ReasonIDRepeated           Reason = "id_repeated"
	ReasonIDsRequired          Reason = "ids_required"
	ReasonNumberOfIDs          Reason = "number_of_ids"
	ReasonTooManyIDs           Reason = "too_many_ids"
	ReasonSearchRequired       Reason = "search_required"
	ReasonTextTooLong          Reason = "text_too_long"
	ReasonValueInvalid         Reason = "value_invalid"
	ReasonVariableInvalid      Reason = "variable_invalid"
	ReasonParameterMissing     Reason = "parameter_missing"
	ReasonNotNumeric           Reason = "not_numeric"
	ReasonCampaignsInvalid     Reason = "campaigns_invalid"
	ReasonInstantInvalid       Reason = "instant_invalid"
	ReasonInstantOutOfRange    Reason = "instant_out_of_range"
	ReasonIntervalUnknown      Reason = "interval_unknown"
	ReasonUnknownZone          Reason = "unknown_zone"
	ReasonRangeEmpty           Reason = "range_empty"
	ReasonIdempotencyKeyLength Reason = "idempotency_key_length"
	ReasonIdempotencyKeyReused Reason = "idempotency_key_reused"
	ReasonStaleVersion         Reason = "stale_version"
	ReasonTooManyChanges       Reason = "too_many_changes"
	ReasonAnswerTooLarge       Reason = "answer_too_large"
	ReasonAnswersTooLarge      Reason = "answers_too_large"
)

// Accounts, sessions and keys.
const (
	ReasonUserNotFound      Reason = "user_not_found"
	ReasonAccountNotFound   Reason = "account_not_found"
	ReasonAPIKeyNotFound    Reason = "api_key_not_found"
	ReasonUsernameRequired  Reason = "username_required"
	ReasonUsernameInvalid   Reason = "username_invalid"
	ReasonUsernameTooLong   Reason = "username_too_long"
	ReasonUsernameIsAddress Reason = "username_is_address"
	ReasonUsernameTaken     Reason = "username_taken"
	ReasonEmailRequired     Reason = "email_required"
	ReasonEmailInvalid      Reason = "email_invalid"
	ReasonEmailTaken        Reason = "email_taken"
	ReasonFirstNameTooLong  Reason = "first_name_too_long"
	ReasonLastNameTooLong   Reason = "last_name_too_long"
	ReasonTimeZoneUnknown   Reason = "time_zone_unknown"
	ReasonRoleUnknown       Reason = "role_unknown"
	ReasonReputationUnknown Reason = "reputation_unknown"
	ReasonPasswordRequired  Reason = "password_required"
	ReasonPasswordTooShort  Reason = "password_too_short"
	ReasonPasswordTooLong   Reason = "password_too_long"
	ReasonLoginInvalid      Reason = "login_invalid"
	ReasonLoginLimited      Reason = "login_limited"
	ReasonScopesRequired    Reason = "scopes_required"
	ReasonNoteTooLong       Reason = "note_too_long"
	ReasonExpiryPast        Reason = "expiry_past"
	ReasonExpiryInvalid     Reason = "expiry_invalid"

	ReasonDescendantsUnknown Reason = "descendants_unknown"
)

// Campaigns.
const (
	ReasonCampaignNotFound        Reason = "campaign_not_found"
	ReasonNameRequired            Reason = "name_required"
	ReasonNameTooLong             Reason = "name_too_long"
	ReasonStatusInvalid           Reason = "status_invalid"
	ReasonStatusTransition        Reason = "status_transition"
	ReasonNotInStatus             Reason = "not_in_status"
	ReasonApprovalRequired        Reason = "approval_required"
	ReasonApprovalWithdrawn       Reason = "approval_withdrawn"
	ReasonApproveScopeRequired    Reason = "approve_scope_required"
	ReasonDeliveryRequired        Reason = "delivery_required"
	ReasonWriteScopeRequired      Reason = "write_scope_required"
	ReasonAlreadyBegun            Reason = "already_begun"
	ReasonNotBegun                Reason = "not_begun"
	ReasonAutoResendWaitDays      Reason = "auto_resend_wait_days"
	ReasonAutoResendSubject       Reason = "auto_resend_subject"
	ReasonAutoResendRecurring     Reason = "auto_resend_recurring"
	ReasonABTestShape             Reason = "ab_test_shape"
	ReasonABTestVariationsShape   Reason = "ab_test_variations_shape"
	ReasonABTestEmailNotFound     Reason = "ab_test_email_not_found"
	ReasonABTestTooFewVariations  Reason = "ab_test_too_few_variations"
	ReasonABTestTooManyVariations Reason = "ab_test_too_many_variations"
	ReasonABTestFieldMissing      Reason = "ab_test_field_missing"
	ReasonABTestValue             Reason = "ab_test_value"
	ReasonABTestShare             Reason = "ab_test_share"
	ReasonFilterTooDeep           Reason = "filter_too_deep"
	ReasonFilterTooLarge          Reason = "filter_too_large"
)

// Schedules.
const (
	ReasonScheduleTypeInvalid          Reason = "schedule_type_invalid"
	ReasonScheduleDateRequired         Reason = "schedule_date_required"
	ReasonScheduleTimeRequired         Reason = "schedule_time_required"
	ReasonScheduleDaysRequired         Reason = "schedule_days_required"
	ReasonScheduleMonthsRequired       Reason = "schedule_months_required"
	ReasonScheduleHoursRequired        Reason = "schedule_hours_required"
	ReasonScheduleMinutesRequired      Reason = "schedule_minutes_required"
	ReasonScheduleMaxInstancesRequired Reason = "schedule_max_instances_required"
	ReasonScheduleZoneRequired         Reason = "schedule_zone_required"
	ReasonScheduleInPast               Reason = "schedule_in_past"
	ReasonScheduleUpcomingCountInvalid Reason = "schedule_upcoming_count_invalid"
	ReasonTimeZoneInvalid              Reason = "time_zone_invalid"
)

// Audiences and segments.
const (
	ReasonAudienceInvalid     Reason = "audience_invalid"
	ReasonAudienceTooLarge    Reason = "audience_too_large"
	ReasonAudienceNotFound    Reason = "audience_not_found"
	ReasonSegmentNotFound     Reason = "segment_not_found"
	ReasonSegmentNameRequired Reason = "segment_name_required"
	ReasonSegmentNameTooLong  Reason = "segment_name_too_long"
	ReasonSegmentCycle        Reason = "segment_cycle"
	ReasonSegmentInUse        Reason = "segment_in_use"
)

// Emails.
const (
	ReasonEmailNotFound             Reason = "email_not_found"
	ReasonEmailInUse                Reason = "email_in_use"
	ReasonEmailModeUnknown          Reason = "email_mode_unknown"
	ReasonEmailTextTooLong          Reason = "email_text_too_long"
	ReasonEmailLineBreak            Reason = "email_line_break"
	ReasonEmailAddressInvalid       Reason = "email_address_invalid"
	ReasonEmailContentTooLarge      Reason = "email_content_too_large"
	ReasonEmailContentRequired      Reason = "email_content_required"
	ReasonEmailHTMLUnsubscribeLink  Reason = "email_html_unsubscribe_link"
	ReasonEmailPlainUnsubscribeLink Reason = "email_plain_unsubscribe_link"
	ReasonEmailScopeRequired        Reason = "email_scope_required"
	ReasonEmailScopeUnknown         Reason = "email_scope_unknown"
)

// Lists, subscribers and custom fields.
const (
	ReasonListNotFound              Reason = "list_not_found"
	ReasonListNameRequired          Reason = "list_name_required"
	ReasonListNameTooLong           Reason = "list_name_too_long"
	ReasonListInUse                 Reason = "list_in_use"
	ReasonSubscriberNotFound        Reason = "subscriber_not_found"
	ReasonSubscriberAddressRequired Reason = "subscriber_address_required"
	ReasonSubscriberAddressInvalid  Reason = "subscriber_address_invalid"
	ReasonSubscriberIPInvalid       Reason = "subscriber_ip_invalid"
	ReasonSubscriberExists          Reason = "subscriber_exists"
	ReasonNotSubscribed             Reason = "not_subscribed"
	ReasonSubscriberRepeated        Reason = "subscriber_repeated"
	ReasonSubscriberBounceInvalid   Reason = "subscriber_bounce_invalid"
	ReasonSubscriberStatusInvalid   Reason = "subscriber_status_invalid"
	ReasonRowsRequired              Reason = "rows_required"
	ReasonTooManyRows               Reason = "too_many_rows"
	ReasonCustomFieldNotFound       Reason = "custom_field_not_found"
	ReasonCustomFieldExists         Reason = "custom_field_exists"
	ReasonCustomFieldInUse          Reason = "custom_field_in_use"
	ReasonCustomFieldInvalid        Reason = "custom_field_invalid"
	ReasonCustomFieldRepeated       Reason = "custom_field_repeated"
	ReasonCustomFieldLimit          Reason = "custom_field_limit"
	ReasonCustomFieldTypeUnknown    Reason = "custom_field_type_unknown"
	ReasonCustomFieldNameRequired   Reason = "custom_field_name_required"
	ReasonCustomFieldNameTooLong    Reason = "custom_field_name_too_long"
	ReasonCustomFieldChoicesInvalid Reason = "custom_field_choices_invalid"
	ReasonFilterSearches            Reason = "filter_searches"
	ReasonTooManyAddresses          Reason = "too_many_addresses"
	ReasonSuppressionReasonUnknown  Reason = "suppression_reason_unknown"
	ReasonSuppressionAddressInvalid Reason = "suppression_address_invalid"
)

// Tags.
const (
	ReasonTagNotFound           Reason = "tag_not_found"
	ReasonTagExists             Reason = "tag_exists"
	ReasonTagNameRequired       Reason = "tag_name_required"
	ReasonTagNameEmpty          Reason = "tag_name_empty"
	ReasonTagNameTooLong        Reason = "tag_name_too_long"
	ReasonTagNameCharacters     Reason = "tag_name_characters"
	ReasonSubscriberTagNotFound Reason = "subscriber_tag_not_found"
	ReasonSubscriberTagExists   Reason = "subscriber_tag_exists"
	ReasonSubscriberTagInUse    Reason = "subscriber_tag_in_use"
)

// Events, statistics, exports and imports.
const (
	ReasonEventsRequired       Reason = "events_required"
	ReasonTooManyEvents        Reason = "too_many_events"
	ReasonEventIDInvalid       Reason = "event_id_invalid"
	ReasonEventKindUnknown     Reason = "event_kind_unknown"
	ReasonCampaignRequired     Reason = "campaign_required"
	ReasonSubscriberRequired   Reason = "subscriber_required"
	ReasonSubscriberTwice      Reason = "subscriber_twice"
	ReasonURLInvalid           Reason = "url_invalid"
	ReasonURLUnexpected        Reason = "url_unexpected"
	ReasonIPInvalid            Reason = "ip_invalid"
	ReasonAmountInvalid        Reason = "amount_invalid"
	ReasonAmountUnexpected     Reason = "amount_unexpected"
	ReasonCurrencyInvalid      Reason = "currency_invalid"
	ReasonNotByHour            Reason = "not_by_hour"
	ReasonNumberOfPoints       Reason = "number_of_points"
	ReasonTooManyPoints        Reason = "too_many_points"
	ReasonFormatUnknown        Reason = "format_unknown"
	ReasonContentUnknown       Reason = "content_unknown"
	ReasonTooManySubscriptions Reason = "too_many_subscriptions"
	ReasonImportRunning        Reason = "import_running"
	ReasonImportEncodingWrong  Reason = "import_encoding_wrong"
	ReasonImportReportTaken    Reason = "import_report_taken"
	ReasonImportMapInvalid     Reason = "import_map_invalid"
)

var registered = []Registered{
	{ReasonCursorInvalid, []Code{Invalid}, "a cursor is not one of this server"},
	{ReasonCursorOfAnotherOrder, []Code{Invalid}, "a cursor belongs to a list in another order"},
	{ReasonPageBothEnds, []Code{Invalid}, "first and last are both given"},
	{ReasonPageOffset, []Code{Invalid}, "an offset is negative"},
	{ReasonPageOffsetWithCursor, []Code{Invalid}, "an offset is combined with a cursor or with last"},
	{ReasonPageSize, []Code{Invalid}, "the size of a page is out of bounds"},
	{ReasonIDInvalid, []Code{Invalid}, "an id is malformed or names another type"},
	{ReasonIDRepeated, []Code{Invalid}, "an id stands twice in a list of distinct ones"},
	{ReasonIDsRequired, []Code{Invalid}, "a list of ids is empty"},
	{ReasonNumberOfIDs, []Code{Invalid}, "a list has fewer or more ids than allowed"},
	{ReasonTooManyIDs, []Code{Invalid}, "a list has more ids than allowed"},
	{ReasonSearchRequired, []Code{Invalid}, "a search has no text"},
	{ReasonTextTooLong, []Code{Invalid}, "a text is longer than allowed"},
	{ReasonValueInvalid, []Code{Invalid}, "a value is none of those that are allowed"},
	{ReasonVariableInvalid, []Code{Invalid}, "a variable of a GraphQL request does not fit its type"},
	{ReasonParameterMissing, []Code{Invalid}, "a required parameter of a command is missing; Field names it"},
	{ReasonNotNumeric, []Code{Invalid}, "the id of a command is no number"},
	{ReasonCampaignsInvalid, []Code{Invalid}, "the ids of Campaigns.Delete hold something else than ids"},
	{ReasonInstantInvalid, []Code{Invalid}, "an instant is not one of RFC 3339"},
	{ReasonInstantOutOfRange, []Code{Invalid}, "an instant lies outside of the years that are kept"},
	{ReasonIntervalUnknown, []Code{Invalid}, "an interval is none of those that are known"},
	{ReasonUnknownZone, []Code{Invalid}, "a time zone of a download is not known"},
	{ReasonRangeEmpty, []Code{Invalid}, "a range ends before it begins"},
	{ReasonIdempotencyKeyLength, []Code{Invalid}, "an idempotency key is empty or too long"},
	{ReasonIdempotencyKeyReused, []Code{Invalid}, "an idempotency key was used with another input"},
	{ReasonStaleVersion, []Code{Precondition}, "the object changed since the version that the caller expects"},
	{ReasonTooManyChanges, []Code{Conflict}, "the object changed at every attempt to change it"},
	{ReasonAnswerTooLarge, []Code{Invalid}, "an answer would hold more than one may"},
	{
		ReasonAnswersTooLarge, []Code{Unavailable},
		"all answers of the account or of the server together hold what they may",
	},
	{ReasonUserNotFound, []Code{NotFound}, "no such user"},
	{ReasonAccountNotFound, []Code{NotFound}, "no such account"},
	{ReasonAPIKeyNotFound, []Code{NotFound}, "no such API key"},
	{ReasonUsernameRequired, []Code{Invalid}, "the user name is missing"},
	{ReasonUsernameInvalid, []Code{Invalid}, "the user name holds control or invisible characters"},
	{ReasonUsernameTooLong, []Code{Invalid}, "the user name is too long"},
	{ReasonUsernameIsAddress, []Code{Invalid}, "the user name is an email address of somebody else"},
	{ReasonUsernameTaken, []Code{Invalid}, "the user name is taken"},
	{ReasonEmailRequired, []Code{Invalid}, "the email address of an account is missing"},
	{ReasonEmailInvalid, []Code{Invalid}, "the email address of an account is malformed"},
	{ReasonEmailTaken, []Code{Invalid}, "another account has the email address"},
	{ReasonFirstNameTooLong, []Code{Invalid}, "the first name is too long"},
	{ReasonLastNameTooLong, []Code{Invalid}, "the last name is too long"},
	{ReasonTimeZoneUnknown, []Code{Invalid}, "the time zone of an account is not known"},
	{ReasonRoleUnknown, []Code{Invalid}, "a role is none of those that are known"},
	{ReasonReputationUnknown, []Code{Invalid}, "a reputation is none of those that are known"},
	{ReasonPasswordRequired, []Code{Invalid}, "the password is missing"},
	{ReasonPasswordTooShort, []Code{Invalid}, "the password is too short"},
	{ReasonPasswordTooLong, []Code{Invalid}, "the password is too long"},
	{ReasonLoginInvalid, []Code{Unauthenticated}, "user name, password or key are wrong"},
	{ReasonLoginLimited, []Code{Limited}, "too many logins have failed"},
	{ReasonScopesRequired, []Code{Invalid}, "a key has no scope"},
	{ReasonNoteTooLong, []Code{Invalid}, "the note of a key is too long"},
	{ReasonExpiryPast, []Code{Invalid}, "a key would have expired already"},
	{ReasonExpiryInvalid, []Code{Invalid}, "a key would expire after the year 9999"},
	{
		ReasonDescendantsUnknown, []Code{Invalid},
		"what becomes of the keys made by a revoked key is neither REVOKE nor KEEP",
	},
	{ReasonCampaignNotFound, []Code{NotFound}, "no such campaign"},
	{ReasonNameRequired, []Code{Invalid}, "the name of a campaign is missing"},
	{ReasonNameTooLong, []Code{Invalid}, "the name of a campaign is too long"},
	{ReasonStatusInvalid, []Code{Invalid}, "a status is none of those that are known"},
	{ReasonStatusTransition, []Code{Conflict}, "the present status does not allow the change"},
	{ReasonApprovalWithdrawn, []Code{Conflict}, "the content or the audience is not what was approved"},
	{ReasonNotInStatus, []Code{Conflict}, "the present status does not allow to change this part of a campaign"},
	{ReasonApprovalRequired, []Code{Denied}, "an admin has to approve the campaign"},
	{ReasonApproveScopeRequired, []Code{Denied}, "the key lacks the scope approve"},
	{ReasonDeliveryRequired, []Code{Denied}, "only the sender may do this"},
	{ReasonWriteScopeRequired, []Code{Denied}, "the key lacks the scope write"},
	{ReasonAlreadyBegun, []Code{Conflict}, "some recipients have been sent to already"},
	{ReasonNotBegun, []Code{Conflict}, "nothing has been sent"},
	{
		ReasonAutoResendWaitDays, []Code{Invalid},
		"automatic resending lacks its days to wait, or they are out of bounds",
	},
	{ReasonAutoResendSubject, []Code{Invalid}, "automatic resending lacks its subject"},
	{ReasonAutoResendRecurring, []Code{Invalid}, "a recurring campaign cannot be resent automatically"},
	{ReasonABTestShape, []Code{Invalid}, "an A/B test is not an array"},
	{ReasonABTestVariationsShape, []Code{Invalid}, "the variations of an A/B test are not an array"},
	{ReasonABTestEmailNotFound, []Code{NotFound}, "no such email for a variation of an A/B test"},
	{ReasonABTestTooFewVariations, []Code{Invalid}, "an A/B test has too few variations"},
	{ReasonABTestTooManyVariations, []Code{Invalid}, "an A/B test has too many variations"},
	{ReasonABTestFieldMissing, []Code{Invalid}, "a part of an A/B test is missing"},
	{ReasonABTestValue, []Code{Invalid}, "a value of an A/B test cannot be accepted"},
	{ReasonABTestShare, []Code{Invalid}, "a share of an A/B test is below one percent"},
	{ReasonFilterTooDeep, []Code{Invalid}, "a filter of campaigns is nested too deep"},
	{ReasonFilterTooLarge, []Code{Invalid}, "a filter of campaigns has too many parts"},
	{ReasonScheduleTypeInvalid, []Code{Invalid}, "the type of a schedule is not known"},
	{ReasonScheduleDateRequired, []Code{Invalid}, "the date is missing, not a real one or out of range"},
	{ReasonScheduleTimeRequired, []Code{Invalid}, "the time of day is missing or not a real one"},
	{ReasonScheduleDaysRequired, []Code{Invalid}, "a recurrence names no day, or one that does not exist"},
	{ReasonScheduleMonthsRequired, []Code{Invalid}, "a recurrence names no month, or one that does not exist"},
	{ReasonScheduleHoursRequired, []Code{Invalid}, "a recurrence names no hour, or one that does not exist"},
	{ReasonScheduleMinutesRequired, []Code{Invalid}, "a recurrence names no minute, or one that does not exist"},
	{ReasonScheduleMaxInstancesRequired, []Code{Invalid}, "the number of times to send is missing or out of range"},
	{ReasonScheduleZoneRequired, []Code{Invalid}, "the time zone is missing or not understood"},
	{
		ReasonScheduleInPast, []Code{Invalid, Conflict},
		"the time to send has passed: Invalid for a new schedule, Conflict where a campaign has it already",
	},
	{ReasonScheduleUpcomingCountInvalid, []Code{Invalid}, "the number of instants to preview is out of bounds"},
	{ReasonTimeZoneInvalid, []Code{Invalid}, "a text is no time zone"},
	{ReasonAudienceInvalid, []Code{Invalid}, "an audience or the rules of a segment cannot be understood or evaluated"},
	{ReasonAudienceTooLarge, []Code{Invalid}, "an audience passes a limit"},
	{ReasonAudienceNotFound, []Code{NotFound}, "an audience names something that the account does not have"},
	{ReasonSegmentNotFound, []Code{NotFound}, "no such segment"},
	{ReasonSegmentNameRequired, []Code{Invalid}, "the name of a segment is missing"},
	{ReasonSegmentNameTooLong, []Code{Invalid}, "the name of a segment is too long"},
	{ReasonSegmentCycle, []Code{Invalid}, "a segment would contain itself"},
	{ReasonSegmentInUse, []Code{Conflict}, "rules or audiences name the segment"},
	{ReasonEmailNotFound, []Code{NotFound}, "no such email"},
	{ReasonEmailInUse, []Code{Conflict}, "a campaign that is no draft uses the email"},
	{ReasonEmailModeUnknown, []Code{Invalid}, "the mode of an email is not known"},
	{ReasonEmailTextTooLong, []Code{Invalid}, "a text of an email is too long"},
	{ReasonEmailLineBreak, []Code{Invalid}, "a text of an email has more than one line"},
	{ReasonEmailAddressInvalid, []Code{Invalid}, "an email address is malformed"},
	{ReasonEmailContentTooLarge, []Code{Invalid}, "the content of an email is too large"},
	{ReasonEmailContentRequired, []Code{Invalid}, "an email has no content"},
	{ReasonEmailHTMLUnsubscribeLink, []Code{Invalid}, "the HTML of an email has no link to unsubscribe"},
	{ReasonEmailPlainUnsubscribeLink, []Code{Invalid}, "the plain text of an email has no link to unsubscribe"},
	{ReasonEmailScopeRequired, []Code{Invalid}, "what the content of an email is for is missing"},
	{ReasonEmailScopeUnknown, []Code{Invalid}, "what the content of an email is for is not known"},
	{ReasonListNotFound, []Code{NotFound}, "no such list"},
	{ReasonListNameRequired, []Code{Invalid}, "the name of a list is missing"},
	{ReasonListNameTooLong, []Code{Invalid}, "the name of a list is too long"},
	{ReasonListInUse, []Code{Conflict}, "audiences name the list"},
	{ReasonSubscriberNotFound, []Code{NotFound}, "no such subscriber"},
	{ReasonSubscriberAddressRequired, []Code{Invalid}, "the address of a subscriber is missing"},
	{ReasonSubscriberAddressInvalid, []Code{Invalid}, "the address of a subscriber is malformed"},
	{ReasonSubscriberIPInvalid, []Code{Invalid}, "the IP address of a subscriber is malformed"},
	{ReasonSubscriberExists, []Code{Conflict}, "the address is subscribed to the list already"},
	{ReasonNotSubscribed, []Code{Conflict}, "the address is not subscribed to the list"},
	{ReasonSubscriberRepeated, []Code{Conflict}, "the address stands in an earlier row"},
	{ReasonSubscriberBounceInvalid, []Code{Invalid}, "a kind of bounce is not known"},
	{ReasonSubscriberStatusInvalid, []Code{Invalid}, "the status of a subscriber is not known"},
	{ReasonRowsRequired, []Code{Invalid}, "a list of people is empty"},
	{ReasonTooManyRows, []Code{Invalid}, "a list of rows is longer than allowed, or there are too many to add up"},
	{
		ReasonCustomFieldNotFound, []Code{NotFound, Invalid},
		"no such custom field; Invalid where a value names one that the list does not have",
	},
	{ReasonCustomFieldExists, []Code{Conflict}, "a custom field of the name exists already"},
	{ReasonCustomFieldInUse, []Code{Conflict}, "rules name the custom field"},
	{ReasonCustomFieldInvalid, []Code{Invalid}, "the value of a custom field does not fit its type"},
	{ReasonCustomFieldRepeated, []Code{Invalid}, "a custom field is named twice"},
	{ReasonCustomFieldLimit, []Code{Conflict}, "a list has as many custom fields as it may"},
	{ReasonCustomFieldTypeUnknown, []Code{Invalid}, "the type of a custom field is not known"},
	{ReasonCustomFieldNameRequired, []Code{Invalid}, "the name of a custom field is missing"},
	{ReasonCustomFieldNameTooLong, []Code{Invalid}, "the name of a custom field is too long"},
	{ReasonCustomFieldChoicesInvalid, []Code{Invalid}, "the choices of a custom field cannot be accepted"},
	{ReasonFilterSearches, []Code{Invalid}, "a filter of people searches in two ways"},
	{ReasonTooManyAddresses, []Code{Invalid}, "a list of addresses is longer than allowed"},
	{ReasonSuppressionReasonUnknown, []Code{Invalid}, "the reason of a suppression is not known"},
	{ReasonSuppressionAddressInvalid, []Code{Invalid}, "the address to suppress is malformed"},
	{ReasonTagNotFound, []Code{NotFound}, "no such tag"},
	{ReasonTagExists, []Code{Conflict}, "a tag of the name exists already"},
	{ReasonTagNameRequired, []Code{Invalid}, "the name of a tag is missing"},
	{ReasonTagNameEmpty, []Code{Invalid}, "the name of a tag is blank"},
	{ReasonTagNameTooLong, []Code{Invalid}, "the name of a tag is too long"},
	{ReasonTagNameCharacters, []Code{Invalid}, "the name of a tag holds characters that are not allowed"},
	{ReasonSubscriberTagNotFound, []Code{NotFound}, "no such subscriber tag"},
	{ReasonSubscriberTagExists, []Code{Conflict}, "a subscriber tag of the name exists already"},
	{ReasonSubscriberTagInUse, []Code{Conflict}, "rules name the subscriber tag"},
	{ReasonEventsRequired, []Code{Invalid}, "a list of events is empty"},
	{ReasonTooManyEvents, []Code{Invalid}, "a list of events is longer than allowed"},
	{ReasonEventIDInvalid, []Code{Invalid}, "the id of an event is empty, too long or holds control characters"},
	{ReasonEventKindUnknown, []Code{Invalid}, "the kind of an event is not known"},
	{ReasonCampaignRequired, []Code{Invalid}, "an event names no campaign"},
	{ReasonSubscriberRequired, []Code{Invalid}, "an event names no recipient"},
	{ReasonSubscriberTwice, []Code{Invalid}, "an event names its recipient in two ways"},
	{ReasonURLInvalid, []Code{Invalid}, "the URL of a click is malformed"},
	{ReasonURLUnexpected, []Code{Invalid}, "an event has a URL and is no click"},
	{ReasonIPInvalid, []Code{Invalid}, "an IP address is malformed"},
	{ReasonAmountInvalid, []Code{Invalid}, "the amount of a conversion cannot be accepted"},
	{ReasonAmountUnexpected, []Code{Invalid}, "an event has an amount and is no conversion"},
	{ReasonCurrencyInvalid, []Code{Invalid}, "a currency is not three letters"},
	{ReasonNotByHour, []Code{Invalid}, "what is not counted by hour is asked for with from or to"},
	{ReasonNumberOfPoints, []Code{Invalid}, "the number of points is out of bounds"},
	{ReasonTooManyPoints, []Code{Invalid}, "a series would have too many points"},
	{ReasonFormatUnknown, []Code{Invalid}, "the format of an export is not known"},
	{ReasonContentUnknown, []Code{Invalid}, "the content of an export is not known"},
	{ReasonTooManySubscriptions, []Code{Limited}, "the account has as many subscriptions open as it may"},
	{ReasonImportRunning, []Code{Conflict}, "another process imports the same file"},
	{ReasonImportEncodingWrong, []Code{Invalid}, "the encoding of an import does not fit the file"},
	{ReasonImportReportTaken, []Code{Invalid}, "the report of an import would replace another file"},
	{ReasonImportMapInvalid, []Code{Invalid}, "the columns of an import cannot be mapped"},
}

// Reasons returns every reason, in the order of declaration.
func Reasons() []Registered { return slices.Clone(registered) }
