package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The canonical JSON, in the order its keys are written. It is in the legacy format, which says the
// connectors of nested lists by depth; "form" is ours, written for FormLists only, and known to
// nobody but UnmarshalJSON.
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

// MarshalJSON writes the canonical JSON: equal trees give equal bytes, and UnmarshalJSON reads the
// same tree back. An audience of FormRules is written as a RulesJsonBundle; one without criteria
// and exclusions as null. It fails for a tree that the parsers could not have returned: a group
// whose connector does not alternate, an empty group within another, or a nil rule.
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

// UnmarshalJSON reads what MarshalJSON wrote, including the form. Unlike ParseRules it has no limit on bytes, since the
// canonical JSON may be longer than the text it came from.
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

// checkLists faults what pairs of ListID:SegmentID cannot say.
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

// MarshalJSON writes the rules of a segment as {"operator","rules"}; ParseSegmentRules and
// UnmarshalJSON read the same group back. It fails as Audience.MarshalJSON does.
func (g Group) MarshalJSON() ([]byte, error) {
	rules, err := encodeRules(g)
	if err != nil {
		return nil, err
	}
	return encode(groupJSON{Operator: operatorOf(g), Rules: rules})
}

// UnmarshalJSON reads what MarshalJSON wrote, without limit on bytes.
func (g *Group) UnmarshalJSON(text []byte) error {
	p := &parser{field: fieldSegment}
	read := p.segment(text)
	if err := p.err(); err != nil {
		return err
	}
	*g = read
	return nil
}

// encode is json.Marshal without the escapes for HTML, which would triple the text of some rules.
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

// operatorOf leaves the operator of nothing out.
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

// RuleJSON writes one rule as it stands in canonical JSON: an object, or for a group the list of
// its rules. It fails as Audience.MarshalJSON does.
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
