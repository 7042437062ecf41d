package rules

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// maxDays is the upper bound of InLastDays and NotInLastDays, about a century.
const maxDays = 36500

func (p *parser) rule(raw json.RawMessage, path string) Rule {
	if !p.countRule(path) {
		return nil
	}
	if raw[0] != '{' {
		p.fault(path, "expected a rule or a list of rules")
		return nil
	}
	keys, ok := p.object(raw, path)
	if !ok {
		return nil
	}
	typ, ok := p.text(keys["type"], key(path, "type"))
	if !ok {
		return nil
	}
	switch strings.ReplaceAll(fold(typ), " ", "-") {
	case typeFields:
		return p.fieldRule(keys, path)
	case typeSegments:
		return p.segmentRule(keys, path)
	case typeTags:
		return p.tagsRule(keys, path)
	case typeSuppressions:
		p.refuseUnknown(keys, path, "operator", "value")
		return Suppression{Operator: word(p, keys["operator"], key(path, "operator"), "operator", suppressionOperators)}
	case typeCampaignEvents:
		return p.eventRule(keys, path)
	case typeJourneys:
		p.fault(
			key(path, "type"), "rules of type %q are not possible: this server does not keep journeys", typeJourneys,
		)
	case typeWebsiteEvents:
		p.fault(
			key(path, "type"), "rules of type %q are not possible: this server does not keep website events",
			typeWebsiteEvents,
		)
	default:
		p.fault(key(path, "type"), "unknown rule type %s", quote(typ))
	}
	return nil
}

func (p *parser) fieldRule(keys map[string]json.RawMessage, path string) Rule {
	p.refuseUnknown(keys, path, "field_id", "operator", "value")
	var f Field
	f.Name, f.CustomID = p.fieldID(keys["field_id"], key(path, "field_id"))
	f.Operator = word(p, keys["operator"], key(path, "operator"), "operator", fieldOperators)
	switch f.Operator {
	case "", IsSet, IsNotSet:
		return f
	}
	at := key(path, "value")
	if raw := keys["value"]; len(raw) == 0 || string(raw) == "null" {
		p.fault(at, "missing")
		return f
	}
	value, ok := p.scalar(keys["value"], at)
	if !ok {
		return f
	}
	f.Value = p.comparable(f, value, at)
	return f
}

// comparable checks that the operator can compare a value with the field. An empty text is
// contained in every text, so a rule with one would silently select everything or nothing.
func (p *parser) comparable(f Field, value, path string) string {
	equality := f.Operator == Is || f.Operator == IsNot
	if value == "" {
		if !equality || f.Name == SubscriberID {
			p.fault(path, "empty")
		}
		return value
	}
	switch f.Operator {
	case Contains, DoesNotContain, BeginsWith, EndsWith:
		return value
	}
	trimmed := strings.TrimSpace(value)
	switch f.Name {
	case SubscriptionDate, OptInDate:
		p.moment(trimmed, path)
		return trimmed
	case SubscriberID:
		if _, err := strconv.ParseInt(trimmed, 10, 64); err != nil {
			p.fault(path, "expected a whole number, not %s", quote(value))
		}
		return trimmed
	}
	return value
}

// fieldID parses the name of a built-in field, or the number of a custom field with or without the
// prefix "CustomField".
func (p *parser) fieldID(raw json.RawMessage, path string) (FieldName, int64) {
	if !given(raw) {
		p.fault(path, "missing")
		return "", 0
	}
	text, ok := p.scalar(raw, path)
	if !ok {
		return "", 0
	}
	folded := fold(text)
	if name, ok := fieldNames[folded]; ok {
		return name, 0
	}
	if id, ok := parseID(strings.TrimPrefix(folded, "customfield")); ok {
		return "", id
	}
	p.fault(path, "unknown field %s", quote(text))
	return "", 0
}

func (p *parser) segmentRule(keys map[string]json.RawMessage, path string) Rule {
	p.refuseUnknown(keys, path, "operator", "value")
	return Segment{
		Operator: word(p, keys["operator"], key(path, "operator"), "operator", segmentOperators),
		ID:       p.onlyID(keys["value"], key(path, "value"), "segment"),
	}
}

func (p *parser) onlyID(raw json.RawMessage, path, what string) int64 {
	before := len(p.faults)
	ids := p.ids(raw, path)
	switch {
	case len(ids) == 1:
		return ids[0]
	case len(ids) > 1:
		p.fault(path, "expected one %s, not %d", what, len(ids))
	case len(p.faults) == before:
		p.fault(path, "missing")
	}
	return 0
}

func (p *parser) tagsRule(keys map[string]json.RawMessage, path string) Rule {
	p.refuseUnknown(keys, path, "operator", "value")
	t := Tags{Operator: word(p, keys["operator"], key(path, "operator"), "operator", tagOperators)}
	raw, at := keys["value"], key(path, "value")
	switch t.Operator {
	case HasTag, LacksTag:
		t.IDs = []int64{p.onlyID(raw, at, "tag")}
	case HasAnyTag, HasAllTags:
		before := len(p.faults)
		t.IDs = p.ids(raw, at)
		if len(t.IDs) == 0 && len(p.faults) == before {
			p.fault(at, "missing")
		}
	case HasNoTags:
		// A caller who names tags here wants "none of these", which selects different people.
		if len(p.ids(raw, at)) > 0 {
			p.fault(at, "%q is about all tags and takes no value", HasNoTags)
		}
	}
	return t
}

func (p *parser) eventRule(keys map[string]json.RawMessage, path string) Rule {
	p.refuseUnknown(keys, path, "operator", "value", "time_filter", "aggregation")
	var e CampaignEvent
	e.Event, e.Not = p.event(keys["operator"], key(path, "operator"))
	e.CampaignIDs = p.ids(keys["value"], key(path, "value"))
	for _, name := range []string{"time_filter", "aggregation"} {
		if (e.Event == EventDelivered || e.Event == EventFailed) && !emptyOrMissing(keys[name]) {
			p.fault(key(path, name), "not possible for %q", e.Event)
			return e
		}
	}
	if raw := keys["time_filter"]; !emptyOrMissing(raw) {
		e.Time = p.timeFilter(raw, key(path, "time_filter"))
	}
	if raw := keys["aggregation"]; !emptyOrMissing(raw) {
		e.Count = p.aggregation(raw, key(path, "aggregation"))
	}
	return e
}

func (p *parser) event(raw json.RawMessage, path string) (event Event, not bool) {
	text, ok := p.text(raw, path)
	if !ok {
		return "", false
	}
	name, not := strings.CutPrefix(fold(text), "not ")
	event, ok = events[name]
	if !ok {
		p.fault(path, "unknown operator %s", quote(text))
	}
	return event, not
}

func (p *parser) timeFilter(raw json.RawMessage, path string) *TimeFilter {
	keys, ok := p.object(raw, path)
	if !ok {
		return nil
	}
	p.refuseUnknown(keys, path, "type", "value")
	f := &TimeFilter{Type: word(p, keys["type"], key(path, "type"), "time filter", timeFilterTypes)}
	raw, at := keys["value"], key(path, "value")
	switch f.Type {
	case InLastDays, NotInLastDays:
		f.Days = p.number(raw, at, 1, maxDays)
	case Between, NotBetween:
		f.From, f.To = p.span(raw, at)
	case After:
		f.From = p.onlyMoment(raw, at)
	case Before:
		f.To = p.onlyMoment(raw, at)
	}
	return f
}

// span parses two moments: a list of two, or a string with a comma between them.
func (p *parser) span(raw json.RawMessage, path string) (from, to Moment) {
	if !given(raw) {
		p.fault(path, "missing")
		return from, to
	}
	var texts, paths []string
	if raw[0] == '[' {
		items, _ := p.array(raw, path)
		for i := range items[:min(len(items), 3)] {
			at := element(path, i)
			text, ok := p.scalar(items[i], at)
			if !ok {
				return from, to
			}
			texts, paths = append(texts, text), append(paths, at)
		}
	} else {
		text, ok := p.scalar(raw, path)
		if !ok {
			return from, to
		}
		texts, paths = strings.SplitN(text, ",", 3), []string{path, path, path}
	}
	if len(texts) != 2 {
		p.fault(path, "expected two dates")
		return from, to
	}
	before := len(p.faults)
	from = p.moment(strings.TrimSpace(texts[0]), paths[0])
	to = p.moment(strings.TrimSpace(texts[1]), paths[1])
	// An end without a time includes its whole day, so that its midnight may be before From.
	if len(p.faults) == before && from.Wall.After(to.Wall) && !(to.DateOnly && sameDay(from, to)) {
		p.fault(path, "%s comes after %s", from, to)
	}
	return from, to
}

func sameDay(a, b Moment) bool { return a.Wall.Format(layoutDate) == b.Wall.Format(layoutDate) }

func (p *parser) onlyMoment(raw json.RawMessage, path string) Moment {
	if !given(raw) {
		p.fault(path, "missing")
		return Moment{}
	}
	text, ok := p.scalar(raw, path)
	if !ok {
		return Moment{}
	}
	return p.moment(strings.TrimSpace(text), path)
}

func (p *parser) moment(text, path string) Moment {
	m, ok := ParseMoment(text)
	if !ok {
		p.fault(path, "expected a date as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS, not %s", quote(text))
	}
	return m
}

func (p *parser) aggregation(raw json.RawMessage, path string) *Aggregation {
	keys, ok := p.object(raw, path)
	if !ok {
		return nil
	}
	p.refuseUnknown(keys, path, "operator", "count")
	return &Aggregation{
		Operator: word(p, keys["operator"], key(path, "operator"), "operator", aggregationOperators),
		Count:    p.number(keys["count"], key(path, "count"), 0, math.MaxInt32),
	}
}
