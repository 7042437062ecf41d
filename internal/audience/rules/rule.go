package rules

// Rule is one node of the tree: Field, Segment, Tags, Suppression, CampaignEvent or Group, always as a value.
type Rule interface{ isRule() }

// Group joins rules by one connector. The connector of a Group within a Group is always the Alternate of the outer one,
// because the legacy format says it by depth alone. A group without rules holds for everybody; the parsers return it as
// the zero Group, only at the top, and never nest it.
type Group struct {
	Operator Connector
	Rules    []Rule
}

// Field compares a field of the subscriber. Exactly one of Name and CustomID is set. Value is empty
// for IsSet and IsNotSet; for Is and IsNot an empty Value means a field that is empty. Where Name
// is a date, Value is a Moment in writing for all comparisons that are not about text, and where it
// is SubscriberID a whole number.
type Field struct {
	Name     FieldName
	CustomID int64
	Operator FieldOperator
	Value    string
}

// Segment holds for subscribers that belong, or do not belong, to the segment.
type Segment struct {
	Operator SegmentOperator
	ID       int64
}

// Tags holds for subscribers by the subscriber tags they carry. IDs are distinct, in the order they were named: one for
// HasTag and LacksTag, none for HasNoTags, at least one for the others.
type Tags struct {
	Operator TagOperator
	IDs      []int64
}

// Suppression holds for subscribers whose address is, or is not, on the account's suppression list.
type Suppression struct {
	Operator SuppressionOperator
}

// CampaignEvent holds for subscribers to whom the event happened, with Not for all others.
// CampaignIDs are distinct and in the order they were named; none means any campaign. Time narrows
// the events that count, Count says how many of them there must be; both nil otherwise, and always
// for EventDelivered and EventFailed. Not negates the whole: "not opened" at least twice in the
// last 30 days holds for those with fewer than two such opens.
type CampaignEvent struct {
	Event       Event
	Not         bool
	CampaignIDs []int64
	Time        *TimeFilter
	Count       *Aggregation
}

// TimeFilter narrows events by when they happened. Days is set for InLastDays and NotInLastDays, From for After, To for
// Before, both for Between and NotBetween, where From does not come later than To. Between includes both ends: a To
// without a time of day includes its whole day, as After such a day begins with the next one.
type TimeFilter struct {
	Type     TimeFilterType
	Days     int
	From, To Moment
}

// Aggregation says how many events there must be. Count is zero or more.
type Aggregation struct {
	Operator AggregationOperator
	Count    int
}

func (Group) isRule()         {}
func (Field) isRule()         {}
func (Segment) isRule()       {}
func (Tags) isRule()          {}
func (Suppression) isRule()   {}
func (CampaignEvent) isRule() {}
