package model

import (
	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/scalar"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/people/field"
)

// SubscriberList shows a list of people.
type SubscriberList struct{ *ent.SubscriberList }

// Number is the legacy id.
func (l *SubscriberList) Number() int64 { return l.ID }

// GlobalID is the opaque id.
func (l *SubscriberList) GlobalID() string { return gid.Encode(gid.SubscriberList, l.ID) }

// Subscriber shows a person on a list.
type Subscriber struct{ *ent.Subscriber }

// Number is the legacy id.
func (s *Subscriber) Number() int64 { return s.ID }

// GlobalID is the opaque id.
func (s *Subscriber) GlobalID() string { return gid.Encode(gid.Subscriber, s.ID) }

// SubscriptionIP is the IP address; nil when it is not known.
func (s *Subscriber) SubscriptionIP() *string { return text(s.Subscriber.SubscriptionIP) }

// CustomFieldValue shows the value of a field.
type CustomFieldValue struct {
	Field *CustomField
	Value *ent.FieldValue
}

// Text is the value as text.
func (v *CustomFieldValue) Text() string { return v.Value.Text }

// Number is the number of a field of numbers.
func (v *CustomFieldValue) Number() *float64 {
	if v.Field.Type != kind.FieldNumber {
		return nil
	}
	return v.Value.Number
}

// Boolean is the answer of a field of booleans.
func (v *CustomFieldValue) Boolean() *bool {
	if v.Field.Type != kind.FieldBoolean || v.Value.Number == nil {
		return nil
	}
	yes := *v.Value.Number != 0
	return &yes
}

// CustomField shows a custom field.
type CustomField struct{ *ent.CustomField }

// GlobalID is the opaque id.
func (f *CustomField) GlobalID() string { return gid.Encode(gid.CustomField, f.ID) }

// Choices are the values that it allows.
func (f *CustomField) Choices() []string { return field.Choices(f.CustomField) }

// Segment shows a segment.
type Segment struct{ *ent.Segment }

// GlobalID is the opaque id.
func (s *Segment) GlobalID() string { return gid.Encode(gid.Segment, s.ID) }

// RulesJSON are the rules in the legacy syntax, normalised.
func (s *Segment) RulesJSON() scalar.JSON { return scalar.JSON(s.Segment.Rules) }

// Rules are the rules.
func (s *Segment) Rules() (*RuleGroup, error) {
	var group rules.Group
	if err := group.UnmarshalJSON([]byte(s.Segment.Rules)); err != nil {
		return nil, apperr.Wrap(apperr.Internal, err, "internal error")
	}
	return &RuleGroup{group}, nil
}

// SubscriberTag shows a label of people.
type SubscriberTag struct{ *ent.SubscriberTag }

// Number is the legacy id.
func (t *SubscriberTag) Number() int64 { return t.ID }

// GlobalID is the opaque id.
func (t *SubscriberTag) GlobalID() string { return gid.Encode(gid.SubscriberTag, t.ID) }

// Contact shows a person of an account.
type Contact struct{ *ent.Contact }

// GlobalID is the id that is unique across all types.
func (c *Contact) GlobalID() string { return gid.Encode(gid.Contact, c.ID) }

// Number is the number of the contact.
func (c *Contact) Number() int64 { return c.ID }

// Address returns the address, or nil if it is not known any more.
func (c *Contact) Address() *string { return text(c.Email) }

// InARow returns how many campaigns in a row ended in a soft bounce.
func (c *Contact) InARow() int32 { return int32(c.SoftBounces) }

// ContactEvent shows what happened to a person.
type ContactEvent struct{ *ent.Event }

// Reason is why, or nil if it is not known.
func (e *ContactEvent) Reason() *string { return text(e.Event.Reason) }

// UserAgent is the program of the recipient, or nil if it is not known.
func (e *ContactEvent) UserAgent() *string { return text(e.Event.UserAgent) }

// IP is the address of the recipient, or nil if it is not known.
func (e *ContactEvent) IP() *string { return text(e.Event.IP) }

// Amount is what a conversion is worth, or nil of any other event.
func (e *ContactEvent) Amount() *kind.Money {
	if e.Kind != kind.EventConverted {
		return nil
	}
	return &kind.Money{Hundredths: e.Event.Amount, Code: e.Currency}
}

// Suppression shows a suppressed address.
type Suppression struct{ *ent.Suppression }

// GlobalID is the opaque id.
func (s *Suppression) GlobalID() string { return gid.Encode(gid.Suppression, s.ID) }

// list is a list that is never null.
func list[T any](of []T) []T {
	if of == nil {
		return []T{}
	}
	return of
}
