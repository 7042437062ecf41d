package rules

import "strings"

// FieldName is a built-in field that every subscriber has, in legacy spelling.
type FieldName string

const (
	EmailAddress     FieldName = "EmailAddress"
	SubscriptionDate FieldName = "SubscriptionDate"
	SubscriptionIP   FieldName = "SubscriptionIP"
	OptInDate        FieldName = "OptInDate"
	SubscriberID     FieldName = "SubscriberID"
)

// FieldOperator compares a field with a value.
type FieldOperator string

const (
	Is               FieldOperator = "is"
	IsNot            FieldOperator = "is not"
	Contains         FieldOperator = "contains"
	DoesNotContain   FieldOperator = "does not contain"
	BeginsWith       FieldOperator = "begins with"
	EndsWith         FieldOperator = "ends with"
	IsLessThan       FieldOperator = "is less than"
	IsLessOrEqual    FieldOperator = "is less than or equal to"
	IsGreaterThan    FieldOperator = "is greater than"
	IsGreaterOrEqual FieldOperator = "is greater than or equal to"
	IsSet            FieldOperator = "is set"
	IsNotSet         FieldOperator = "is not set"
)

// SegmentOperator selects members or non-members of a segment.
type SegmentOperator string

const (
	BelongsTo       SegmentOperator = "belongs to"
	DoesNotBelongTo SegmentOperator = "does not belong to"
)

// TagOperator says which tags a subscriber must have.
type TagOperator string

const (
	HasTag     TagOperator = "has this tag"
	LacksTag   TagOperator = "does not have this tag"
	HasAnyTag  TagOperator = "has any of these tags"
	HasAllTags TagOperator = "has all of these tags"
	HasNoTags  TagOperator = "has no tags"
)

// SuppressionOperator says whether a suppression must exist.
type SuppressionOperator string

const (
	Suppressed    SuppressionOperator = "exist"
	NotSuppressed SuppressionOperator = "not exist"
)

// Event is something that can happen to a recipient of a campaign.
type Event string

// EventBounced is a hard or a soft bounce.
const (
	EventOpened       Event = "opened"
	EventClicked      Event = "clicked"
	EventUnsubscribed Event = "unsubscribed"
	EventComplained   Event = "complained"
	EventBounced      Event = "bounced"
	EventDelivered    Event = "delivered"
	EventFailed       Event = "failed"
)

// TimeFilterType is the comparison of a TimeFilter.
type TimeFilterType string

const (
	InLastDays    TimeFilterType = "in_last_x_days"
	NotInLastDays TimeFilterType = "not_in_last_x_days"
	Between       TimeFilterType = "between"
	NotBetween    TimeFilterType = "not_between"
	After         TimeFilterType = "after"
	Before        TimeFilterType = "before"
)

// AggregationOperator compares a number of events.
type AggregationOperator string

const (
	AtLeast AggregationOperator = "at_least"
	AtMost  AggregationOperator = "at_most"
	Exactly AggregationOperator = "exactly"
)

// The values of the key "type" of a rule.
const (
	typeFields         = "fields"
	typeSegments       = "segments"
	typeTags           = "tags"
	typeSuppressions   = "suppressions"
	typeCampaignEvents = "campaign-events"
	typeJourneys       = "journeys"
	typeWebsiteEvents  = "website-events"
)

// The vocabularies map a folded word to its meaning.
var (
	connectors = vocabulary(nil, And, Or)

	// Some versions of the legacy reference call the address "email".
	fieldNames = vocabulary(map[string]FieldName{"email": EmailAddress},
		EmailAddress, SubscriptionDate, SubscriptionIP, OptInDate, SubscriberID)

	fieldOperators = vocabulary(
		map[string]FieldOperator{"equals": Is, "is empty": IsNotSet, "is not empty": IsSet, "starts with": BeginsWith},
		Is, IsNot, Contains, DoesNotContain, BeginsWith, EndsWith, IsLessThan, IsLessOrEqual, IsGreaterThan,
		IsGreaterOrEqual, IsSet, IsNotSet,
	)

	segmentOperators     = vocabulary(nil, BelongsTo, DoesNotBelongTo)
	tagOperators         = vocabulary(nil, HasTag, LacksTag, HasAnyTag, HasAllTags, HasNoTags)
	suppressionOperators = vocabulary(nil, Suppressed, NotSuppressed)
	events               = vocabulary(
		nil, EventOpened, EventClicked, EventUnsubscribed, EventComplained, EventBounced, EventDelivered, EventFailed,
	)
	timeFilterTypes      = vocabulary(nil, InLastDays, NotInLastDays, Between, NotBetween, After, Before)
	aggregationOperators = vocabulary(nil, AtLeast, AtMost, Exactly)
)

func vocabulary[T ~string](synonyms map[string]T, words ...T) map[string]T {
	out := make(map[string]T, len(words)+len(synonyms))
	for _, word := range words {
		out[fold(string(word))] = word
	}
	for synonym, word := range synonyms {
		out[fold(synonym)] = word
	}
	return out
}

// fold returns a word in the spelling of the vocabulary keys: lower case, "_" as a space, single
// spaces.
func fold(word string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(strings.ToLower(word), "_", " ")), " ")
}
