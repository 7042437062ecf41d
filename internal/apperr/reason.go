package apperr

// Reason is a stable, machine-readable detail of a failure within its code. GraphQL returns it as
// written here; the Command bridge maps it to the codes of each command. Reasons are public: the
// text of a reason never changes. Every reason of the product is declared in this file.
type Reason string

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
	ReasonContactNotFound           Reason = "contact_not_found"
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
	ReasonScopeUnexpected      Reason = "scope_unexpected"
	ReasonScopeUnknown         Reason = "scope_unknown"
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
