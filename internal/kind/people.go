package kind

import "strings"

// SubscriberStatus says whether a person on a list may be written to.
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

// Legacy returns the legacy spelling, such as "Opt-In Pending".
func (s SubscriberStatus) Legacy() string { return legacy(subscriberStatuses, s) }

// BounceType says how mail to a subscriber came back, if it did (legacy BounceType).
type BounceType string

const (
	BounceNone BounceType = "none"
	BounceSoft BounceType = "soft"
	BounceHard BounceType = "hard"
)

var bounceTypes = []spelling[BounceType]{
	{BounceNone, "Not Bounced"},
	{BounceSoft, "Soft"},
	{BounceHard, "Hard"},
}

// Values lists the stored values.
func (BounceType) Values() []string { return values(bounceTypes) }

// Legacy returns the legacy spelling, such as "Not Bounced".
func (b BounceType) Legacy() string { return legacy(bounceTypes, b) }

// FieldType is the type of a custom field, which decides how its values are compared.
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

// SuppressionReason says why an address is never written to.
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

// EventKind is what happened to one recipient of a campaign.
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

// Name is what the API calls it, such as SOFT_BOUNCED.
func (k EventKind) Name() string { return strings.ToUpper(string(k)) }

// Values lists the stored values.
func (EventKind) Values() []string {
	return []string{
		string(
			EventSent,
		),
		string(EventFailed),
		string(EventDelivered),
		string(EventOpened),
		string(EventClicked),
		string(EventUnsubscribed),
		string(
			EventHardBounced,
		),
		string(EventSoftBounced),
		string(EventComplained),
		string(EventForwarded),
		string(EventViewedInBrowser),
		string(EventConverted),
	}
}

// Deleted is a kind of what leaves many rows behind when it is deleted, which are purged afterwards.
type Deleted string

const (
	// DeletedList leaves its people, with their values and tags.
	DeletedList Deleted = "list"
	// DeletedField leaves the values that people have in it.
	DeletedField Deleted = "custom_field"
	// DeletedTag leaves its place on people.
	DeletedTag Deleted = "subscriber_tag"
)

// Values lists the stored values.
func (Deleted) Values() []string {
	return []string{string(DeletedList), string(DeletedField), string(DeletedTag)}
}
