package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The canonical JSON, with its keys in the order in which they are written. It has the legacy
// format, in which the depth determines the connectors of nested lists. The key "form" is an
// addition: it is written only for FormLists and read only by UnmarshalJSON.
type (
	audienceJSON struct {
		Form     Form            `json:"form,omitempty"`
		Operator Connector       `json:"operator"`
		Criteria []criterionJSON `json:"criteria,omitempty"`
		Exclude  []criterionJSON `json:"exclude,omitempty"`
	}
	criterionJSON struct {
		ListID   int64     `json:"list_id"`
		Operator Connector `json:"operator,omitempty"`
		Rules    []any     `json:"rules,omitempty"`
	}
	groupJSON struct {
		Operator Connector `json:"operator,omitempty"`
		Rules    []any     `json:"rules"`
	}
	ruleJSON struct {
		Type        string           `json:"type"`
		FieldID     string           `json:"field_id,omitempty"`
		Operator    string           `json:"operator"`
		Value       any              `json:"value,omitempty"`
		TimeFilter  *timeFilterJSON  `json:"time_filter,omitempty"`
		Aggregation *aggregationJSON `json:"aggregation,omitempty"`
	}
	timeFilterJSON struct {
		Type  TimeFilterType `json:"type"`
		Value any            `json:"value"`
	}
	aggregationJSON struct {
		Operator AggregationOperator `json:"operator"`
		Count    int                 `json:"count"`
	}
)

// MarshalJSON returns the canonical JSON. Equal trees give equal bytes, and UnmarshalJSON returns
// the same tree. An audience of FormRules is written as a RulesJsonBundle. An audience without
// criteria and exclusions is written as null. MarshalJSON fails for a tree that the parsers cannot
// return: a group whose connector does not alternate, an empty group within another, or a nil rule.
func (a Audience) MarshalJSON() ([]byte, error) {
	if len(a.Criteria)+len(a.Exclude) == 0 {
		return []byte("null"), nil
	}
	out := audienceJSON{Operator: a.Operator}
	if a.Form == FormLists {
		out.Form = FormLists
	}
	var err error
	if out.Criteria, err = encodeCriteria(a.Criteria); err != nil {
		return nil, err
	}
	if out.Exclude, err = encodeCriteria(a.Exclude); err != nil {
		return nil, err
	}
	return encode(out)
}

// UnmarshalJSON parses the output of MarshalJSON, including the form. Unlike ParseRules it has no
// limit on bytes, because the canonical JSON may be longer than its source text.
func (a *Audience) UnmarshalJSON(text []byte) error {
	if string(bytes.TrimSpace(text)) == "null" {
		*a = Audience{}
		return nil
	}
	var head struct {
		Form Form `json:"form"`
	}
	if err := json.Unmarshal(text, &head); err != nil || head.Form != FormLists {
		head.Form = FormRules
	}
	p := &parser{field: fieldRules}
	read := p.bundle(text, head.Form)
	if head.Form == FormLists {
		p.checkLists(read)
	}
	if err := p.err(); err != nil {
		return err
	}
	*a = read
	return nil
}

// checkLists adds faults for everything that ListID:SegmentID pairs cannot express.
func (p *parser) checkLists(a Audience) {
	if a.Operator != Or {
		p.fault("operator", "lists are always joined by %q", Or)
	}
	for _, l := range a.criteria() {
		if _, ok := l.criterion.pairedSegment(); !ok {
			p.fault(l.path, "expected a whole list or one segment of it")
		}
	}
}

// MarshalJSON writes the rules of a segment as {"operator","rules"}. ParseSegmentRules and
// UnmarshalJSON return the same group. It fails in the same cases as Audience.MarshalJSON.
func (g Group) MarshalJSON() ([]byte, error) {
	rules, err := encodeRules(g)
	if err != nil {
		return nil, err
	}
	return encode(groupJSON{Operator: operatorOf(g), Rules: rules})
}

// UnmarshalJSON parses the output of MarshalJSON, without a limit on bytes.
func (g *Group) UnmarshalJSON(text []byte) error {
	p := &parser{field: fieldSegment}
	read := p.segment(text, "")
	if err := p.err(); err != nil {
		return err
	}
	*g = read
	return nil
}

// encode is json.Marshal without HTML escapes, which would triple the length of some rules.
func encode(value any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

func encodeCriteria(criteria []Criterion) ([]criterionJSON, error) {
	out := make([]criterionJSON, len(criteria))
	for i, c := range criteria {
		rules, err := encodeRules(c.Where)
		if err != nil {
			return nil, err
		}
		out[i] = criterionJSON{ListID: c.ListID, Operator: operatorOf(c.Where), Rules: rules}
	}
	return out, nil
}

// operatorOf returns the operator of a group, or "" if the group is empty.
func operatorOf(g Group) Connector {
	if len(g.Rules) == 0 {
		return ""
	}
	return g.Operator
}

func encodeRules(g Group) ([]any, error) {
	out := make([]any, len(g.Rules))
	for i, r := range g.Rules {
		var err error
		if out[i], err = encodeRule(r, g.Operator); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func encodeRule(rule Rule, outer Connector) (any, error) {
	switch r := rule.(type) {
	case Group:
		if r.Operator != outer.Alternate() {
			return nil, fmt.Errorf("audience: a group joined by %q within one joined by %q", r.Operator, outer)
		}
		if len(r.Rules) == 0 {
			return nil, errors.New("audience: an empty group within a group")
		}
		return encodeRules(r)
	case Field:
		return encodeField(r), nil
	case Segment:
		return ruleJSON{Type: typeSegments, Operator: string(r.Operator), Value: r.ID}, nil
	case Tags:
		return encodeTags(r), nil
	case Suppression:
		return ruleJSON{Type: typeSuppressions, Operator: string(r.Operator)}, nil
	case CampaignEvent:
		return encodeEvent(r), nil
	default:
		return nil, fmt.Errorf("audience: no JSON for a rule of type %T", rule)
	}
}

// RuleJSON returns one rule in canonical JSON: an object, or for a group the list of its rules. It
// fails in the same cases as Audience.MarshalJSON.
func RuleJSON(rule Rule) ([]byte, error) {
	outer := Connector("")
	if g, ok := rule.(Group); ok {
		outer = g.Operator.Alternate()
	}
	value, err := encodeRule(rule, outer)
	if err != nil {
		return nil, err
	}
	return encode(value)
}

func encodeField(f Field) ruleJSON {
	out := ruleJSON{Type: typeFields, FieldID: string(f.Name), Operator: string(f.Operator)}
	if f.CustomID > 0 {
		out.FieldID = "CustomField" + strconv.FormatInt(f.CustomID, 10)
	}
	if f.Operator != IsSet && f.Operator != IsNotSet {
		out.Value = f.Value
	}
	return out
}

func encodeTags(t Tags) ruleJSON {
	out := ruleJSON{Type: typeTags, Operator: string(t.Operator)}
	if len(t.IDs) > 0 {
		ids := make([]string, len(t.IDs))
		for i, id := range t.IDs {
			ids[i] = strconv.FormatInt(id, 10)
		}
		out.Value = strings.Join(ids, ",")
	}
	return out
}

func encodeEvent(e CampaignEvent) ruleJSON {
	out := ruleJSON{Type: typeCampaignEvents, Operator: string(e.Event), Value: append([]int64{}, e.CampaignIDs...)}
	if e.Not {
		out.Operator = "not " + out.Operator
	}
	if e.Time != nil {
		out.TimeFilter = &timeFilterJSON{Type: e.Time.Type, Value: timeFilterValue(*e.Time)}
	}
	if e.Count != nil {
		out.Aggregation = &aggregationJSON{Operator: e.Count.Operator, Count: e.Count.Count}
	}
	return out
}

func timeFilterValue(f TimeFilter) any {
	switch f.Type {
	case Between, NotBetween:
		return []string{f.From.String(), f.To.String()}
	case After:
		return f.From.String()
	case Before:
		return f.To.String()
	default:
		return f.Days
	}
}
