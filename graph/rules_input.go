package graph

import (
	"bytes"
	"encoding/json"

	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/audience/rules"
)

// maxGroups is the maximum number of groups around a rule. Connectors may alternate less often.
const maxGroups = 20

// typedRules writes typed rules in the legacy syntax, so that rules are checked in one place whatever their
// form, and remembers where in the typed input each part stands.
type typedRules struct{ places }

// jsonRule is a rule in the legacy syntax.
type jsonRule map[string]any

// typedAudience returns the canonical RulesJsonBundle of typed rules. Faults name places below base, the path of
// the rules in the input.
func typedAudience(in *model.AudienceRulesInput, base string) (string, places, error) {
	t := &typedRules{placesBelow(base, "criteria", "exclude")}
	text, err := t.text(jsonRule{
		"operator": or(in.Connector, rules.Or),
		"criteria": t.criteria("criteria", in.Criteria),
		"exclude":  t.criteria("exclude", in.Exclude.Value()),
	})
	if err != nil {
		return "", t.places, err
	}
	read, err := rules.ParseRules(text)
	if err != nil {
		return "", t.places, t.moved(err)
	}
	text, err = read.MarshalJSON() // without the escapes that json.Marshal adds
	return string(text), t.places, err
}

// typedSegment returns the canonical RulesJson of typed rules.
func typedSegment(in *model.RuleGroupInput, base string) (string, places, error) {
	t := &typedRules{placesBelow(base, "rules")}
	joined := or(in.Connector, rules.And)
	text, err := t.text(jsonRule{
		"operator": joined, "rules": t.appended([]any{}, "rules", "rules", joined, 0, in.Rules),
	})
	if err != nil {
		return "", t.places, err
	}
	read, err := rules.ParseSegmentRules(text)
	if err != nil {
		return "", t.places, t.moved(err)
	}
	text, err = read.MarshalJSON() // without the escapes that json.Marshal adds
	return string(text), t.places, err
}

// text returns rules as JSON, without the escapes for HTML, which would triple the length of some.
func (t *typedRules) text(rules jsonRule) ([]byte, error) {
	if err := t.faults.Err(); err != nil {
		return nil, err
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(rules)
	return bytes.TrimRight(text.Bytes(), "\n"), err
}

func (t *typedRules) criteria(name string, in []*model.AudienceCriterionInput) []any {
	out := make([]any, len(in))
	for i, criterion := range in {
		at, joined := element(name, i), or(criterion.Connector, rules.And)
		t.put(at, at, "list_id", "listId", "rules", "rules")
		out[i] = jsonRule{
			"list_id":  t.id(gid.SubscriberList, at+".listId", criterion.ListID),
			"operator": joined,
			"rules":    t.appended([]any{}, at+".rules", at+".rules", joined, 0, criterion.Rules.Value()),
		}
	}
	return out
}

// appended adds rules to a list that is joined by a connector. legacy is the path of the list in the legacy
// syntax and at that of the rules in the typed input. The legacy syntax has no connector for a list within a
// list: it alternates with the depth. So the rules of a group with the connector of the list are added to the
// list itself. groups is the number of groups around the rules.
func (t *typedRules) appended(
	out []any, legacy, at string, joined rules.Connector, groups int, in []*model.AudienceRuleInput,
) []any {
	if groups > maxGroups {
		t.fault(at, "groups nest deeper than %d levels", maxGroups)
		return out
	}
	for i, rule := range in {
		place, typed := element(legacy, len(out)), element(at, i)
		group, below := rule.Group.Value(), typed+".group.rules"
		switch {
		case group == nil:
			out = append(out, t.rule(place, typed, rule))
		case len(group.Rules) == 0:
			t.fault(below, "must have at least one rule")
		case or(group.Connector, rules.And) == joined:
			out = t.appended(out, legacy, below, joined, groups+1, group.Rules)
		default:
			t.put(place, below)
			out = append(out, t.appended([]any{}, place, below, or(group.Connector, rules.And), groups+1, group.Rules))
		}
	}
	return out
}

// rule writes one rule that is not a group.
func (t *typedRules) rule(place, at string, in *model.AudienceRuleInput) jsonRule {
	switch {
	case in.Field.Value() != nil:
		return t.field(place, at+".field", in.Field.Value())
	case in.Event.Value() != nil:
		return t.event(place, at+".event", in.Event.Value())
	case in.Tag.Value() != nil:
		tag := in.Tag.Value()
		at += ".tag"
		t.put(place, at, "operator", "match", "value", "tagIds")
		return jsonRule{
			"type": "tags", "operator": tag.Match, "value": t.ids(gid.SubscriberTag, at+".tagIds", tag.TagIds.Value()),
		}
	case in.Segment.Value() != nil:
		segment, operator := in.Segment.Value(), rules.BelongsTo
		if or(segment.Not, false) {
			operator = rules.DoesNotBelongTo
		}
		at += ".segment"
		t.put(place, at, "value", "segmentId")
		return jsonRule{
			"type": "segments", "operator": operator, "value": t.id(gid.Segment, at+".segmentId", segment.SegmentID),
		}
	case in.Suppression.Value() != nil:
		operator := rules.Suppressed
		if or(in.Suppression.Value().Not, false) {
			operator = rules.NotSuppressed
		}
		t.put(place, at+".suppression")
		return jsonRule{"type": "suppressions", "operator": operator}
	}
	t.fault(at, "must be one kind of rule")
	return nil
}

func (t *typedRules) field(place, at string, in *model.FieldRuleInput) jsonRule {
	out := jsonRule{"type": "fields", "operator": in.Operator}
	if id := in.Of.CustomFieldID.Value(); id != nil {
		t.put(place, at, "field_id", "of.customFieldId", "value", "value")
		out["field_id"] = t.id(gid.CustomField, at+".of.customFieldId", *id)
	} else {
		t.put(place, at, "field_id", "of", "value", "value")
		out["field_id"] = in.Of.Name.Value()
	}
	text := in.Value.Value()
	if text != nil && (in.Operator == rules.IsSet || in.Operator == rules.IsNotSet) {
		t.fault(at+".value", "not possible for %q", in.Operator)
	}
	out["value"] = text
	return out
}

func (t *typedRules) event(place, at string, in *model.EventRuleInput) jsonRule {
	t.put(place, at, "operator", "event", "value", "campaignIds", "time_filter", "time", "aggregation", "count")
	operator := string(in.Event)
	if or(in.Not, false) {
		operator = "not " + operator
	}
	out := jsonRule{
		"type": "campaign-events", "operator": operator,
		"value": t.ids(gid.Campaign, at+".campaignIds", in.CampaignIds.Value()),
	}
	if when := in.Time.Value(); when != nil {
		out["time_filter"] = t.time(place+".time_filter", at+".time", when)
	}
	if count := in.Count.Value(); count != nil {
		out["aggregation"] = t.count(place+".aggregation", at+".count", count)
	}
	return out
}

func (t *typedRules) time(place, at string, in *model.EventRuleTimeInput) jsonRule {
	filter := func(kind rules.TimeFilterType, name string, value any) jsonRule {
		t.put(place, at, "value", name)
		return jsonRule{"type": kind, "value": value}
	}
	span := func(kind rules.TimeFilterType, name string, span *model.EventRuleSpanInput) jsonRule {
		t.put(place, at, "value[0]", name+".from", "value[1]", name+".to")
		return filter(kind, name, []string{span.From, span.To})
	}
	switch {
	case in.InLastDays.Value() != nil:
		return filter(rules.InLastDays, "inLastDays", in.InLastDays.Value())
	case in.NotInLastDays.Value() != nil:
		return filter(rules.NotInLastDays, "notInLastDays", in.NotInLastDays.Value())
	case in.Between.Value() != nil:
		return span(rules.Between, "between", in.Between.Value())
	case in.NotBetween.Value() != nil:
		return span(rules.NotBetween, "notBetween", in.NotBetween.Value())
	case in.After.Value() != nil:
		return filter(rules.After, "after", in.After.Value())
	case in.Before.Value() != nil:
		return filter(rules.Before, "before", in.Before.Value())
	}
	t.fault(at, "must be one kind of time")
	return nil
}

func (t *typedRules) count(place, at string, in *model.EventRuleCountInput) jsonRule {
	for _, of := range []struct {
		operator rules.AggregationOperator
		name     string
		count    *int32
	}{
		{rules.AtLeast, "atLeast", in.AtLeast.Value()},
		{rules.AtMost, "atMost", in.AtMost.Value()},
		{rules.Exactly, "exactly", in.Exactly.Value()},
	} {
		if of.count != nil {
			t.put(place, at, "count", of.name)
			return jsonRule{"operator": of.operator, "count": of.count}
		}
	}
	t.fault(at, "must be one kind of count")
	return nil
}

func (t *typedRules) id(kind gid.Kind, at, text string) int64 {
	id, err := identify(kind, t.base+"."+at, text)
	t.faults.Add(err)
	return id
}

func (t *typedRules) ids(kind gid.Kind, at string, texts []string) []int64 {
	out := make([]int64, len(texts))
	for i, text := range texts {
		out[i] = t.id(kind, element(at, i), text)
	}
	return out
}
