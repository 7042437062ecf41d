package rules

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"campaignql/internal/apperr"
)

// The fields that faults name.
const (
	fieldRules   = "audience.rules"
	fieldLists   = "audience.lists"
	fieldSegment = "rules"
)

// ParseRules parses RulesJsonBundle:
//
//	{"operator":"or","criteria":[{"list_id":1,"operator":"and","rules":[…]}, …],"exclude":[…]}
//
// There must be at least one criterion, and each criterion has a list_id. Lists may nest in
// "rules", and the connector alternates with depth: under "or", [[A,B],[C,D]] is (A and B) or (C
// and D), and [A,[B,C]] is A or (B and C). No rules, or only empty lists, mean the whole list. An
// empty list next to rules is a fault. "exclude" is an extension of the legacy format: an address
// that matches any of these criteria is left out.
//
// Operators may be missing. The default between criteria is "or". Within a criterion the default is
// "or" if the list contains a list, and "and" if it is flat, so that a bare [[…],[…]] has the same
// meaning as in a segment.
//
// Words are matched ignoring case, with "_" as a space. Numbers may be strings. A number or boolean
// as the value of a field is used as its text. If a key is repeated, the last one counts. null and
// "" are the same as a missing key, except for the value of a field. An unknown key with a scalar
// (a name, a note) is ignored. An unknown key with an object or a list is a fault: it may be a
// misspelled condition, and ignoring it would send the campaign to more people than intended.
//
// Faults are *apperr.Error with code Invalid, field "audience.rules" and reason "audience_invalid".
// Several faults are returned together as an apperr.List, at most maxFaults. A message begins with
// the path of the fault; "$" is the whole text:
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

// ParseSegmentRules parses the RulesJson of a segment: {"operator","rules"}, or only the list of
// rules. The format is the same as in ParseRules, with field "rules". Paths begin with "rules" in
// both cases. If there are no rules, it returns the zero Group, which matches the whole list.
func ParseSegmentRules(text []byte) (Group, error) {
	p := &parser{field: fieldSegment}
	if !p.fits(len(text), root) {
		return Group{}, p.err()
	}
	g := p.segment(text, "")
	if err := p.err(); err != nil {
		return Group{}, err
	}
	return g, nil
}

// ParseListRules parses RulesJSON with RulesOperator, with which commands select people of a list.
// The format is the same as in ParseSegmentRules. operator joins the rules of the outer list; if it
// is empty, an operator beside the rules does, or the default. Unlike there, rules without a single
// rule are a fault, so that nobody selects the whole list by an empty text.
func ParseListRules(text []byte, operator string) (Group, error) {
	p := &parser{field: fieldSegment}
	if !p.fits(len(text), root) {
		return Group{}, p.err()
	}
	var outer Connector
	if operator = strings.TrimSpace(operator); operator != "" {
		var known bool
		if outer, known = connectors[fold(operator)]; !known {
			p.fault("operator", "unknown operator %s", quote(operator))
		}
	}
	g := p.segment(text, outer)
	if len(g.Rules) == 0 && len(p.faults) == 0 {
		p.fault("rules", "missing: give at least one rule")
	}
	if err := p.err(); err != nil {
		return Group{}, err
	}
	return g, nil
}

// maxFaults is the number of faults after which parsing stops. More are of no use to the caller,
// and each one costs memory.
const maxFaults = 20

// parser collects the faults of one input. After a fault its methods continue with a zero value,
// and the input as a whole is rejected later. After stop they return as soon as they can. Each
// level decodes only its own keys or elements and keeps nested values as raw text, so that no input
// can make the recursion deeper than the limits.
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
	p.faults = append(p.faults, apperr.InvalidField(
		p.field, apperr.ReasonAudienceInvalid, "%s: %s", path, fmt.Sprintf(format, args...),
	))
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

// document checks the syntax of the whole text, so that every part of it can be decoded later.
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

// bundle parses a RulesJsonBundle. Only an audience of FormLists may have no criteria.
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
		Where:  p.where(keys, path, ""),
	}
}

// segment parses the rules of a segment. outer, if it is not empty, takes precedence over the
// operator of the rules.
func (p *parser) segment(text []byte, outer Connector) Group {
	raw, ok := p.document(text)
	if !ok {
		return Group{}
	}
	if raw[0] == '[' {
		return p.group(raw, "rules", outer, 1)
	}
	keys, ok := p.object(raw, root)
	if !ok {
		return Group{}
	}
	p.refuseUnknown(keys, "", "operator", "rules")
	return p.where(keys, "", outer)
}

// where parses the operator and the rules of a criterion or a segment. outer, if it is not empty,
// takes precedence over the operator.
func (p *parser) where(keys map[string]json.RawMessage, path string, outer Connector) Group {
	var operator Connector
	if given(keys["operator"]) {
		operator = word(p, keys["operator"], key(path, "operator"), "operator", connectors)
	}
	operator = cmp.Or(outer, operator)
	if !given(keys["rules"]) {
		return Group{}
	}
	return p.group(keys["rules"], key(path, "rules"), operator, 1)
}

// group parses a list of rules and lists. If the operator is empty, it depends on whether the list
// contains a list.
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
