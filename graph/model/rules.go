package model

import (
	"campaignql/graph/gid"
	"campaignql/internal/audience/rules"
)

// AudienceRules shows an audience as rules.
type AudienceRules struct{ audience rules.Audience }

// Connector returns what joins the criteria.
func (r *AudienceRules) Connector() rules.Connector { return r.audience.Operator }

// Criteria returns what chooses people.
func (r *AudienceRules) Criteria() []*AudienceCriterion { return criteria(r.audience.Criteria) }

// Exclude returns what leaves people out.
func (r *AudienceRules) Exclude() []*AudienceCriterion { return criteria(r.audience.Exclude) }

// AudienceCriterion shows a criterion or an exclusion.
type AudienceCriterion struct{ Of rules.Criterion }

func criteria(of []rules.Criterion) []*AudienceCriterion {
	out := make([]*AudienceCriterion, len(of))
	for i, c := range of {
		out[i] = &AudienceCriterion{c}
	}
	return out
}

// ListID returns the global id of the list.
func (c *AudienceCriterion) ListID() string { return gid.Encode(gid.SubscriberList, c.Of.ListID) }

// Connector returns what joins the rules.
func (c *AudienceCriterion) Connector() rules.Connector { return connector(c.Of.Where) }

// Rules returns the rules, none for the whole list.
func (c *AudienceCriterion) Rules() []AudienceRule { return shownRules(c.Of.Where) }

// AudienceRule is one of the types of this file that show a rule.
type AudienceRule interface{ isAudienceRule() }

// NewAudienceRule returns the view of a rule.
func NewAudienceRule(rule rules.Rule) AudienceRule {
	switch rule := rule.(type) {
	case rules.Field:
		return &FieldRule{rule}
	case rules.CampaignEvent:
		return &EventRule{rule}
	case rules.Tags:
		return &TagRule{rule}
	case rules.Segment:
		return &SegmentRule{rule}
	case rules.Suppression:
		return &SuppressionRule{rule}
	case rules.Group:
		return &RuleGroup{rule}
	}
	return nil
}

// RuleGroup shows rules that are joined by a connector.
type RuleGroup struct{ Of rules.Group }

// Connector returns what joins the rules.
func (g *RuleGroup) Connector() rules.Connector { return connector(g.Of) }

// Rules returns the rules.
func (g *RuleGroup) Rules() []AudienceRule { return shownRules(g.Of) }

// connector returns what joins the rules of a group. The zero group has no connector, and any means the
// same for it.
func connector(g rules.Group) rules.Connector {
	if len(g.Rules) == 0 {
		return rules.And
	}
	return g.Operator
}

func shownRules(g rules.Group) []AudienceRule {
	out := make([]AudienceRule, len(g.Rules))
	for i, rule := range g.Rules {
		out[i] = NewAudienceRule(rule)
	}
	return out
}

// FieldRule shows a comparison of a field.
type FieldRule struct{ Of rules.Field }

// Name returns the field that every subscriber has, or nil for a custom field.
func (r *FieldRule) Name() *rules.FieldName {
	if r.Of.CustomID > 0 {
		return nil
	}
	return &r.Of.Name
}

// CustomFieldID returns the global id of the custom field, or nil.
func (r *FieldRule) CustomFieldID() *string {
	if r.Of.CustomID == 0 {
		return nil
	}
	return new(gid.Encode(gid.CustomField, r.Of.CustomID))
}

// Operator returns how the field is compared.
func (r *FieldRule) Operator() rules.FieldOperator { return r.Of.Operator }

// Value returns what the field is compared with, or nil where the operator takes no value.
func (r *FieldRule) Value() *string {
	if r.Of.Operator == rules.IsSet || r.Of.Operator == rules.IsNotSet {
		return nil
	}
	return &r.Of.Value
}

// EventRule shows a question about events.
type EventRule struct{ Of rules.CampaignEvent }

// Event returns the event.
func (r *EventRule) Event() rules.Event { return r.Of.Event }

// Not reports whether the rule is negated.
func (r *EventRule) Not() bool { return r.Of.Not }

// CampaignIds returns the global ids of the campaigns, none for every campaign.
func (r *EventRule) CampaignIds() []string { return globalIDs(gid.Campaign, r.Of.CampaignIDs) }

// Time returns when the events were, or nil for any time.
func (r *EventRule) Time() *EventRuleTime {
	of := r.Of.Time
	if of == nil {
		return nil
	}
	var out EventRuleTime
	switch of.Type {
	case rules.InLastDays:
		out.InLastDays = new(int32(of.Days))
	case rules.NotInLastDays:
		out.NotInLastDays = new(int32(of.Days))
	case rules.Between:
		out.Between = &EventRuleSpan{From: of.From.String(), To: of.To.String()}
	case rules.NotBetween:
		out.NotBetween = &EventRuleSpan{From: of.From.String(), To: of.To.String()}
	case rules.After:
		out.After = new(of.From.String())
	case rules.Before:
		out.Before = new(of.To.String())
	}
	return &out
}

// Count returns how many events there must be, or nil for one or more.
func (r *EventRule) Count() *EventRuleCount {
	of := r.Of.Count
	if of == nil {
		return nil
	}
	var out EventRuleCount
	switch n := new(int32(of.Count)); of.Operator {
	case rules.AtLeast:
		out.AtLeast = n
	case rules.AtMost:
		out.AtMost = n
	case rules.Exactly:
		out.Exactly = n
	}
	return &out
}

// TagRule shows a question about labels.
type TagRule struct{ Of rules.Tags }

// Match returns which labels a subscriber must have.
func (r *TagRule) Match() rules.TagOperator { return r.Of.Operator }

// TagIds returns the global ids of the labels.
func (r *TagRule) TagIds() []string { return globalIDs(gid.SubscriberTag, r.Of.IDs) }

// SegmentRule shows a question about a segment.
type SegmentRule struct{ Of rules.Segment }

// Not reports whether a subscriber must not be in the segment.
func (r *SegmentRule) Not() bool { return r.Of.Operator == rules.DoesNotBelongTo }

// SegmentID returns the global id of the segment.
func (r *SegmentRule) SegmentID() string { return gid.Encode(gid.Segment, r.Of.ID) }

// SuppressionRule shows a question about suppressions.
type SuppressionRule struct{ Of rules.Suppression }

// Not reports whether the address must not be suppressed.
func (r *SuppressionRule) Not() bool { return r.Of.Operator == rules.NotSuppressed }

func (*FieldRule) isAudienceRule()       {}
func (*EventRule) isAudienceRule()       {}
func (*TagRule) isAudienceRule()         {}
func (*SegmentRule) isAudienceRule()     {}
func (*SuppressionRule) isAudienceRule() {}
func (*RuleGroup) isAudienceRule()       {}

func globalIDs(kind gid.Kind, ids []int64) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = gid.Encode(kind, id)
	}
	return out
}
