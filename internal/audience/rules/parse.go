package rules

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"campaignql/internal/apperr"
)

// The fields that faults name, and their one reason.
const (
	fieldRules   = "audience.rules"
	fieldLists   = "audience.lists"
	fieldSegment = "rules"
)

// ParseRules reads RulesJsonBundle:
//
//	{"operator":"or","criteria":[{"list_id":1,"operator":"and","rules":[…]}, …],"exclude":[…]}
//
// There must be at least one criterion, each with a list_id. Lists may nest in "rules", and the
// connector alternates with depth: under "or", [[A,B],[C,D]] is (A and B) or (C and D), and
// [A,[B,C]] is A or (B and C). No rules, or only empty lists, are the whole list; an empty list
// beside rules is a fault. "exclude" is our extension: criteria whose people are left out, a person
// being left out when any of them holds.
//
// Operators may be missing: "or" between criteria; within a criterion "or" where the list holds a
// list and "and" where it is flat, so that a bare [[…],[…]] means what it means in a segment.
//
// Words are matched without regard to case and with "_" as a space. Numbers may be strings; numbers
// and booleans as the value of a field stand for their spelling. Of a repeated key the last counts.
// null and "" are the same as a missing key, except for the value of a field. Unknown keys are
// ignored when they hold a scalar (names, notes); an unknown key that holds an object or a list may
// be a misspelt condition, without which more people would be mailed than meant, and is a fault.
//
// Faults are *apperr.Error of code Invalid, field "audience.rules" and reason "audience_invalid";
// several are reported together as an apperr.List, at most maxFaults. A message begins with the
// path of what is wrong, "$" being the whole text:
//
//	criteria[1].rules[0].operator: unknown operator "has"
func ParseRules(text []byte) (Audience, error) {
	p := &parser{field: fieldRules}
	if !p.fits(len(text), root) {
		return Audience{}, p.err()
	}
	a := p.bundle(text, FormRules)
	if err := p.err(); err != nil {
		return Audience{}, err
	}
	return a, nil
}

// ParseSegmentRules reads the RulesJson of a segment: {"operator","rules"}, or the bare list that
// would stand in "rules". What is said at ParseRules holds, with field "rules"; paths begin with
// "rules" for the bare list too. The zero Group is returned where there are no rules: the whole
// list.
func ParseSegmentRules(text []byte) (Group, error) {
	p := &parser{field: fieldSegment}
	if !p.fits(len(text), root) {
		return Group{}, p.err()
	}
	g := p.segment(text)
	if err := p.err(); err != nil {
		return Group{}, err
	}
	return g, nil
}

// maxFaults ends parsing: nobody mends more at once, and each costs memory.
const maxFaults = 20

// parser collects the faults of one input. Its methods go on after a fault with a zero value, and
// the input as a whole is then refused; once stopped, they end as soon as they can. Each level
// decodes only its own keys or elements and leaves what is below as raw text, so recursion never
// goes deeper than the limits, whatever the text.
type parser struct {
	field    string
	faults   []*apperr.Error
	rules    int
	criteria int
	stopped  bool
}

func (p *parser) fault(path, format string, args ...any) {
	if p.stopped {
		return
	}
	p.faults = append(
		p.faults,
		apperr.InvalidField(p.field, apperr.ReasonAudienceInvalid, "%s: %s", path, fmt.Sprintf(format, args...)),
	)
	p.stopped = len(p.faults) >= maxFaults
}

func (p *parser) stop(path, format string, args ...any) {
	p.fault(path, format, args...)
	p.stopped = true
}

func (p *parser) err() error {
	var faults apperr.Faults
	for _, f := range p.faults {
		faults.Add(f)
	}
	return faults.Err()
}

func (p *parser) fits(size int, path string) bool {
	if size > MaxBytes {
		p.stop(path, "%d bytes long, at most %d are allowed", size, MaxBytes)
	}
	return !p.stopped
}

func (p *parser) countCriterion(path string) bool {
	if p.criteria++; p.criteria > MaxCriteria {
		p.stop(path, "more than %d criteria", MaxCriteria)
	}
	return !p.stopped
}

func (p *parser) countRule(path string) bool {
	if p.rules++; p.rules > MaxRules {
		p.stop(path, "more than %d rules", MaxRules)
	}
	return !p.stopped
}

// document checks the syntax of the whole text, after which every part of it decodes.
func (p *parser) document(text []byte) (json.RawMessage, bool) {
	text = bytes.TrimSpace(text)
	if len(text) == 0 {
		p.stop(root, "empty")
		return nil, false
	}
	var raw json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			p.stop(root, "not valid JSON, as of byte %d", syntax.Offset)
		} else {
			p.stop(root, "not valid JSON")
		}
		return nil, false
	}
	return raw, true
}

// bundle reads a RulesJsonBundle. Only an audience of FormLists may do without criteria.
func (p *parser) bundle(text []byte, form Form) Audience {
	raw, ok := p.document(text)
	if !ok {
		return Audience{}
	}
	keys, ok := p.object(raw, root)
	if !ok {
		return Audience{}
	}
	p.refuseUnknown(keys, "", "operator", "criteria", "exclude")
	a := Audience{Form: form, Operator: Or}
	if given(keys["operator"]) {
		a.Operator = word(p, keys["operator"], "operator", "operator", connectors)
	}
	before := len(p.faults)
	a.Criteria = p.criterionList(keys["criteria"], "criteria")
	if len(a.Criteria) == 0 && len(p.faults) == before && form != FormLists {
		p.fault("criteria", "missing: name at least one list")
	}
	a.Exclude = p.criterionList(keys["exclude"], "exclude")
	return a
}

func (p *parser) criterionList(raw json.RawMessage, path string) []Criterion {
	if !given(raw) {
		return nil
	}
	items, _ := p.array(raw, path)
	var out []Criterion
	for i, item := range items {
		at := element(path, i)
		if !p.countCriterion(at) {
			break
		}
		out = append(out, p.criterion(item, at))
	}
	return out
}

func (p *parser) criterion(raw json.RawMessage, path string) Criterion {
	keys, ok := p.object(raw, path)
	if !ok {
		return Criterion{}
	}
	p.refuseUnknown(keys, path, "list_id", "operator", "rules")
	return Criterion{
		ListID: p.id(keys["list_id"], key(path, "list_id")),
		Where:  p.where(keys, path),
	}
}

func (p *parser) segment(text []byte) Group {
	raw, ok := p.document(text)
	if !ok {
		return Group{}
	}
	if raw[0] == '[' {
		return p.group(raw, "rules", "", 1)
	}
	keys, ok := p.object(raw, root)
	if !ok {
		return Group{}
	}
	p.refuseUnknown(keys, "", "operator", "rules")
	return p.where(keys, "")
}

// where reads the operator and the rules of a criterion or a segment.
func (p *parser) where(keys map[string]json.RawMessage, path string) Group {
	var operator Connector
	if given(keys["operator"]) {
		operator = word(p, keys["operator"], key(path, "operator"), "operator", connectors)
	}
	if !given(keys["rules"]) {
		return Group{}
	}
	return p.group(keys["rules"], key(path, "rules"), operator, 1)
}

// group reads a list of rules and lists. An empty operator is decided by whether the list holds a list.
func (p *parser) group(raw json.RawMessage, path string, operator Connector, depth int) Group {
	if depth > MaxDepth {
		p.stop(path, "lists of rules nest deeper than %d levels", MaxDepth)
		return Group{}
	}
	items, _ := p.array(raw, path)
	if operator == "" {
		operator = impliedConnector(items)
	}
	var (
		rules []Rule
		empty string
	)
	for i, item := range items {
		if p.stopped {
			break
		}
		at := element(path, i)
		if item[0] != '[' {
			rules = append(rules, p.rule(item, at))
			continue
		}
		inner := p.group(item, at, operator.Alternate(), depth+1)
		switch {
		case len(inner.Rules) > 0:
			rules = append(rules, inner)
		case empty == "":
			empty = at
		}
	}
	if len(rules) == 0 {
		return Group{}
	}
	if empty != "" {
		p.fault(empty, "an empty list beside rules")
	}
	return Group{Operator: operator, Rules: rules}
}

func impliedConnector(items []json.RawMessage) Connector {
	for _, item := range items {
		if item[0] == '[' {
			return Or
		}
	}
	return And
}
