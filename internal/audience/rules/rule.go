package rules

// Rule is one node of the tree: a Field, Segment, Tags, Suppression, CampaignEvent or Group, always
// as a value.
type Rule interface{ isRule() }

// Group joins rules by one connector. The connector of a Group within a Group is always the
// Alternate of the outer one, because the legacy format expresses the connector only by depth. A
// group without rules matches everybody. The parsers return it as the zero Group, only at the top
// level, and never nest it.
type Group struct {
	Operator Connector
	Rules    []Rule
}

// Field compares a field of the subscriber. Exactly one of Name and CustomID is set. Value is empty
// for IsSet and IsNotSet. An empty Value for Is and IsNot means an empty field. If Name is a date,
// Value is the text of a Moment, except in text comparisons. If Name is SubscriberID, Value is a
// whole number, except in text comparisons.
type Field struct {
	Name     FieldName
	CustomID int64
	Operator FieldOperator
	Value    string
}

// Segment matches subscribers that belong, or do not belong, to the segment.
type Segment struct {
	Operator SegmentOperator
	ID       int64
}

// Tags matches subscribers by their subscriber tags. IDs are distinct, in the order of the input:
// one for HasTag and LacksTag, none for HasNoTags, at least one for the others.
type Tags struct {
	Operator TagOperator
	IDs      []int64
}

// Suppression matches subscribers whose address is, or is not, on the account's suppression list.
type Suppression struct {
	Operator SuppressionOperator
}

// CampaignEvent matches subscribers with the event, or with Not all others. CampaignIDs
// are distinct, in the order of the input; none means any campaign. Time restricts the events that
// count, and Count restricts their number. Both may be nil, and both are always nil for
// EventDelivered and EventFailed. Not negates the whole rule: "not opened" at least twice in the
// last 30 days matches subscribers with fewer than two opens in that time.
type CampaignEvent struct {
	Event       Event
	Not         bool
	CampaignIDs []int64
	Time        *TimeFilter
	Count       *Aggregation
}

// TimeFilter restricts events by their time. Days is set for InLastDays and NotInLastDays, From for
// After, To for Before, and both for Between and NotBetween, where From is not later than To.
// Between includes both ends. A To without a time includes its whole day, and After a date without
// a time begins with the next day.
type TimeFilter struct {
	Type     TimeFilterType
	Days     int
	From, To Moment
}

// Aggregation restricts the number of events. Count is zero or more.
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
