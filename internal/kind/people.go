package kind

import "strings"

// SubscriberStatus is the subscription state of a person on a list.
type SubscriberStatus string

const (
	SubscriberSubscribed   SubscriberStatus = "subscribed"
	SubscriberPending      SubscriberStatus = "pending"
	SubscriberUnsubscribed SubscriberStatus = "unsubscribed"
)

var subscriberStatuses = []spelling[SubscriberStatus]{
	{SubscriberSubscribed, "Subscribed"},
	{SubscriberPending, "Opt-In Pending"},
	{SubscriberUnsubscribed, "Unsubscribed"},
}

// Values lists the stored values.
func (SubscriberStatus) Values() []string { return values(subscriberStatuses) }

// Legacy returns the legacy spelling, for example "Opt-In Pending".
func (s SubscriberStatus) Legacy() string { return legacy(subscriberStatuses, s) }

// BounceType says whether and how mail to a subscriber bounced (legacy BounceType).
type BounceType string

const (
	BounceNone BounceType = "none"
	BounceSoft BounceType = "soft"
	BounceHard BounceType = "hard"
	// BounceInvalid is an address from before the present rules of addresses, which they refuse.
	// Nothing can be sent to it.
	BounceInvalid BounceType = "invalid"
)

var bounceTypes = []spelling[BounceType]{
	{BounceNone, "Not Bounced"},
	{BounceSoft, "Soft"},
	{BounceHard, "Hard"},
	{BounceInvalid, "Hard"},
}

// Values lists the stored values.
func (BounceType) Values() []string { return values(bounceTypes) }

// Legacy returns the legacy spelling, for example "Not Bounced".
func (b BounceType) Legacy() string { return legacy(bounceTypes, b) }

// FieldType is the type of a custom field. It determines how values are compared.
type FieldType string

const (
	FieldText    FieldType = "text"
	FieldNumber  FieldType = "number"
	FieldDate    FieldType = "date"
	FieldBoolean FieldType = "boolean"
	FieldChoice  FieldType = "choice"
)

// Values lists the stored values.
func (FieldType) Values() []string {
	return []string{
		string(FieldText), string(FieldNumber), string(FieldDate), string(FieldBoolean), string(FieldChoice),
	}
}

// SuppressionReason is the reason why an address is suppressed.
type SuppressionReason string

const (
	SuppressedManually    SuppressionReason = "manual"
	SuppressedByComplaint SuppressionReason = "complaint"
	SuppressedByBounce    SuppressionReason = "hard_bounce"
)

// Values lists the stored values.
func (SuppressionReason) Values() []string {
	return []string{string(SuppressedManually), string(SuppressedByComplaint), string(SuppressedByBounce)}
}

// LeaveScope is what an unsubscription ends.
type LeaveScope string

const (
	// LeaveCampaign ends the subscriptions through which the campaign would find the person again.
	LeaveCampaign LeaveScope = "campaign"
	// LeaveAccount ends all subscriptions and suppresses the address.
	LeaveAccount LeaveScope = "account"
)

// Values lists the values.
func (LeaveScope) Values() []string { return []string{string(LeaveCampaign), string(LeaveAccount)} }

// Finding is the kind of a line in the report of a migration.
type Finding string

const (
	// FindingMerged is a subscription that was merged with another one of its list.
	FindingMerged Finding = "merged"
	// FindingInvalid is an address that the present rules refuse.
	FindingInvalid Finding = "invalid_address"
	// FindingRecount is a counter of a campaign that was corrected.
	FindingRecount Finding = "recount"
)

// Values lists the stored values.
func (Finding) Values() []string {
	return []string{string(FindingMerged), string(FindingInvalid), string(FindingRecount)}
}

// EventKind is the kind of an event of one recipient of a campaign.
type EventKind string

const (
	EventSent            EventKind = "sent"
	EventFailed          EventKind = "failed"
	EventDelivered       EventKind = "delivered"
	EventOpened          EventKind = "opened"
	EventClicked         EventKind = "clicked"
	EventUnsubscribed    EventKind = "unsubscribed"
	EventHardBounced     EventKind = "hard_bounced"
	EventSoftBounced     EventKind = "soft_bounced"
	EventComplained      EventKind = "complained"
	EventForwarded       EventKind = "forwarded"
	EventViewedInBrowser EventKind = "viewed_in_browser"
	EventConverted       EventKind = "converted"
)

// Name returns the name in the API, for example SOFT_BOUNCED.
func (k EventKind) Name() string { return strings.ToUpper(string(k)) }

// Values lists the stored values.
func (EventKind) Values() []string {
	return []string{
		string(EventSent), string(EventFailed), string(EventDelivered), string(EventOpened), string(EventClicked),
		string(EventUnsubscribed), string(EventHardBounced), string(EventSoftBounced), string(EventComplained),
		string(EventForwarded), string(EventViewedInBrowser), string(EventConverted),
	}
}

// Deleted is a kind of object whose deletion leaves many rows, which are purged later.
type Deleted string

const (
	// DeletedList leaves the people of the list, with their values and tags.
	DeletedList Deleted = "list"
	// DeletedField leaves the values of the field.
	DeletedField Deleted = "custom_field"
	// DeletedTag leaves the taggings of people.
	DeletedTag Deleted = "subscriber_tag"
	// DeletedContact leaves the events of the contact, which stay and lose what tells of the person.
	DeletedContact Deleted = "contact"
)

// Values lists the stored values.
func (Deleted) Values() []string {
	return []string{string(DeletedList), string(DeletedField), string(DeletedTag), string(DeletedContact)}
}
