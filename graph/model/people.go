package model

import (
	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/scalar"
	"campaignql/internal/kind"
	"campaignql/internal/people/field"
)

// SubscriberList shows a list of people. Its relations are loaded for all lists of a page at once,
// before they are shown.
type SubscriberList struct {
	*ent.SubscriberList
	// Active is how many people are written to, Fields what they may have a value in.
	Active int
	Fields []*CustomField
	// SegmentPages and SubscriberPages are the pages that were asked for, by their arguments.
	SegmentPages    Pages[*Segment]
	SubscriberPages Pages[*Subscriber]
	// Err is why the other relations are not there, if so.
	Err error
}

// GlobalID is the opaque id.
func (l *SubscriberList) GlobalID() string { return gid.Encode(gid.SubscriberList, l.ID) }

// SubscriberCount is how many people are written to.
func (l *SubscriberList) SubscriberCount() (int, error) { return l.Active, l.Err }

// CustomFields are what its people may have a value in.
func (l *SubscriberList) CustomFields() ([]*CustomField, error) { return list(l.Fields), l.Err }

// Subscriber shows a person on a list. Its relations are loaded for all people of a page at once,
// before they are shown.
type Subscriber struct {
	*ent.Subscriber
	OnList     *SubscriberList
	Values     []*CustomFieldValue
	TagList    []*SubscriberTag
	Suppressed *Suppression
	// Err is why the relations are not there, if so.
	Err error
}

// GlobalID is the opaque id.
func (s *Subscriber) GlobalID() string { return gid.Encode(gid.Subscriber, s.ID) }

// SubscriptionIP is the IP address; nil when it is not known.
func (s *Subscriber) SubscriptionIP() *string { return text(s.Subscriber.SubscriptionIP) }

// List is the list.
func (s *Subscriber) List() (*SubscriberList, error) { return s.OnList, s.Err }

// Fields are the values of custom fields.
func (s *Subscriber) Fields() ([]*CustomFieldValue, error) { return list(s.Values), s.Err }

// Tags are the labels.
func (s *Subscriber) Tags() ([]*SubscriberTag, error) { return list(s.TagList), s.Err }

// Suppression is why the account never writes to the address; nil when it may.
func (s *Subscriber) Suppression() (*Suppression, error) { return s.Suppressed, s.Err }

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
type CustomField struct {
	*ent.CustomField
	// OfList is its list, nil for every list.
	OfList *SubscriberList
	// Err is why the list is not there, if so.
	Err error
}

// GlobalID is the opaque id.
func (f *CustomField) GlobalID() string { return gid.Encode(gid.CustomField, f.ID) }

// Choices are the values that it allows.
func (f *CustomField) Choices() []string { return field.Choices(f.CustomField) }

// List is its list, nil for every list.
func (f *CustomField) List() (*SubscriberList, error) { return f.OfList, f.Err }

// Segment shows a segment.
type Segment struct {
	*ent.Segment
	OfList *SubscriberList
	// Err is why the list is not there, if so.
	Err error
}

// GlobalID is the opaque id.
func (s *Segment) GlobalID() string { return gid.Encode(gid.Segment, s.ID) }

// List is its list.
func (s *Segment) List() (*SubscriberList, error) { return s.OfList, s.Err }

// Rules are the rules, normalised.
func (s *Segment) Rules() scalar.JSON { return scalar.JSON(s.Segment.Rules) }

// SubscriberTag shows a label of people.
type SubscriberTag struct {
	*ent.SubscriberTag
	// Carriers is how many people carry it.
	Carriers int
	// Err is why that is not known, if so.
	Err error
}

// GlobalID is the opaque id.
func (t *SubscriberTag) GlobalID() string { return gid.Encode(gid.SubscriberTag, t.ID) }

// SubscriberCount is how many people carry it.
func (t *SubscriberTag) SubscriberCount() (int, error) { return t.Carriers, t.Err }

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
