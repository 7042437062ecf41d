package query_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
)

// The referee evaluates audiences on a world in memory, person by person, according to the
// documentation.
type referee struct {
	*world
	zone       *time.Location
	byKey      map[string][]*person
	suppressed map[string]bool
}

func newReferee(w *world) referee {
	zone, err := time.LoadLocation(w.zone)
	if err != nil {
		panic(err)
	}
	r := referee{w, zone, map[string][]*person{}, map[string]bool{}}
	for _, p := range w.people {
		r.byKey[p.key] = append(r.byKey[p.key], p)
	}
	for _, email := range w.suppressed {
		r.suppressed[address.Key(email)] = true
	}
	return r
}

func (r referee) isSuppressed(p *person) bool { return r.suppressed[p.key] }

// writable reports whether a person is reachable.
func (r referee) writable(p *person) bool {
	return p.status == kind.SubscriberSubscribed && !undeliverable(p) && !r.isSuppressed(p)
}

// undeliverable reports whether nothing can be delivered to a person.
func undeliverable(p *person) bool {
	return p.bounce == kind.BounceHard || p.bounce == kind.BounceInvalid
}

// happened returns the events of a person, through whichever list they came.
func (r referee) happened(p *person) (all []happening) {
	for _, q := range r.byKey[p.key] {
		all = append(all, q.events...)
	}
	return all
}

// meets reports whether a criterion selects a person.
func (r referee) meets(c rules.Criterion, p *person) bool {
	return r.lists[p.list] == c.ListID && r.rule(c.Where, p)
}

// address reports whether a criterion selects anybody with the address of a person.
func (r referee) address(c rules.Criterion, p *person) bool {
	return slices.ContainsFunc(r.byKey[p.key], func(q *person) bool { return r.meets(c, q) })
}

// chosen reports whether the criteria select a person.
func (r referee) chosen(a rules.Audience, p *person) bool {
	any, every := false, len(a.Criteria) > 0
	for _, c := range a.Criteria {
		any = any || r.meets(c, p)
		every = every && r.address(c, p)
	}
	return any && (a.Operator == rules.Or || every)
}

func (r referee) excluded(a rules.Audience, p *person) bool {
	return slices.ContainsFunc(a.Exclude, func(c rules.Criterion) bool { return r.address(c, p) })
}

// reached returns the reached people, in the order of their ids.
func (r referee) reached(a rules.Audience) []*person {
	first := map[string]*person{}
	for _, p := range r.people {
		if r.chosen(a, p) && !r.excluded(a, p) && r.writable(p) && (first[p.key] == nil || p.id < first[p.key].id) {
			first[p.key] = p
		}
	}
	var out []*person
	for _, p := range first {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b *person) int { return int(a.id - b.id) })
	return out
}

func (r referee) waterfall(a rules.Audience) query.Waterfall {
	w := query.Waterfall{Reached: int64(len(r.reached(a)))}
	for _, p := range r.people {
		if !r.chosen(a, p) {
			continue
		}
		w.Matched++
		switch {
		case r.excluded(a, p):
			w.Excluded++
		case p.status != kind.SubscriberSubscribed:
			w.NotSubscribed++
		case r.isSuppressed(p):
			w.Suppressed++
		case undeliverable(p):
			w.Bounced++
		default:
			w.Duplicates++
		}
	}
	w.Duplicates -= w.Reached
	return w
}

// explain evaluates each prefix of the audience and of its groups from scratch.
func (r referee) explain(a rules.Audience) *query.Explanation {
	out := &query.Explanation{Reached: int64(len(r.reached(a)))}
	path := "criteria"
	if a.Form == rules.FormLists {
		path = "include"
	}
	for i, c := range a.Criteria {
		short := a
		short.Criteria, short.Exclude = a.Criteria[:i+1], nil
		out.Criteria = append(
			out.Criteria, r.criterion(c, fmt.Sprintf("%s[%d]", path, i), a.Form, r.writable, len(r.reached(short))),
		)
	}
	for i, c := range a.Exclude {
		short := a
		short.Exclude = a.Exclude[:i+1]
		everybody := func(*person) bool { return true }
		out.Exclude = append(
			out.Exclude, r.criterion(c, fmt.Sprintf("exclude[%d]", i), a.Form, everybody, len(r.reached(short))),
		)
	}
	return out
}

func (r referee) criterion(
	c rules.Criterion, path string, form rules.Form, from func(*person) bool, left int,
) query.ExplainedCriterion {
	var people []*person
	for _, p := range r.people {
		if r.lists[p.list] == c.ListID && from(p) {
			people = append(people, p)
		}
	}
	place := path + ".rules"
	if form == rules.FormLists {
		place = path
	}
	return query.ExplainedCriterion{
		Path: path, ListID: c.ListID, People: int64(len(people)), Chosen: r.count(c.Where, people), Left: int64(left),
		Rules: r.rules(c.Where, place, form, people, people),
	}
}

func (r referee) count(rule rules.Rule, people []*person) int64 {
	return int64(len(r.filter(rule, people)))
}

func (r referee) filter(rule rules.Rule, people []*person) []*person {
	var out []*person
	for _, p := range people {
		if r.rule(rule, p) {
			out = append(out, p)
		}
	}
	return out
}

func (r referee) rules(g rules.Group, path string, form rules.Form, people, entering []*person) []query.ExplainedRule {
	var out []query.ExplainedRule
	for i, rule := range g.Rules {
		at := fmt.Sprintf("%s[%d]", path, i)
		if form == rules.FormLists {
			at = path
		}
		left := r.filter(rules.Group{Operator: g.Operator, Rules: g.Rules[:i+1]}, entering)
		e := query.ExplainedRule{Path: at, Rule: rule, Matches: r.count(rule, people), Left: int64(len(left))}
		if inner, ok := rule.(rules.Group); ok {
			before := entering
			if g.Operator == rules.And {
				before = r.filter(rules.Group{Operator: rules.And, Rules: g.Rules[:i]}, entering)
			}
			e.Rules = r.rules(inner, at, form, people, before)
		}
		out = append(out, e)
	}
	return out
}

// rule reports whether a rule matches a person.
func (r referee) rule(rule rules.Rule, p *person) bool {
	switch rule := rule.(type) {
	case rules.Group:
		for _, inner := range rule.Rules {
			if r.rule(inner, p) == (rule.Operator == rules.Or) {
				return rule.Operator == rules.Or
			}
		}
		return len(rule.Rules) == 0 || rule.Operator == rules.And
	case rules.Segment:
		i := slices.Index(r.segmentIDs, rule.ID)
		return r.rule(r.segments[i].where, p) == (rule.Operator == rules.BelongsTo)
	case rules.Suppression:
		return r.isSuppressed(p) == (rule.Operator == rules.Suppressed)
	case rules.Tags:
		return r.tagRule(rule, p)
	case rules.CampaignEvent:
		return r.eventRule(rule, p) != rule.Not
	case rules.Field:
		return r.fieldRule(rule, p)
	}
	panic(fmt.Sprintf("a rule of type %T", rule))
}

func (r referee) tagRule(rule rules.Tags, p *person) bool {
	n := 0
	for tag := range p.tags {
		if slices.Contains(rule.IDs, r.tags[tag]) {
			n++
		}
	}
	switch rule.Operator {
	case rules.LacksTag:
		return n == 0
	case rules.HasAllTags:
		return n == len(rule.IDs)
	case rules.HasNoTags:
		return len(p.tags) == 0
	default:
		return n > 0
	}
}

func (r referee) eventRule(rule rules.CampaignEvent, p *person) bool {
	n := 0
	for _, e := range r.happened(p) {
		kinds := map[rules.Event]string{rules.EventBounced: "hard_bounced soft_bounced"}[rule.Event]
		if kinds == "" {
			kinds = string(rule.Event)
		}
		if slices.Contains(strings.Fields(kinds), string(e.kind)) && !e.automated &&
			(len(rule.CampaignIDs) == 0 || slices.Contains(rule.CampaignIDs, r.campaigns[e.campaign])) && (rule.Time == nil || r.inTime(*rule.Time, e.at)) {
			n++
		}
	}
	if rule.Count == nil {
		return n > 0
	}
	switch rule.Count.Operator {
	case rules.AtLeast:
		return n >= rule.Count.Count
	case rules.AtMost:
		return n <= rule.Count.Count
	default:
		return n == rule.Count.Count
	}
}

func (r referee) inTime(f rules.TimeFilter, at time.Time) bool {
	recent := present.Sub(at) <= time.Duration(f.Days)*24*time.Hour
	within := func() bool { return !at.Before(f.From.Start(r.zone)) && at.Before(f.To.End(r.zone)) }
	switch f.Type {
	case rules.InLastDays:
		return recent
	case rules.NotInLastDays:
		return !recent
	case rules.Between:
		return within()
	case rules.NotBetween:
		return !within()
	case rules.After:
		return !at.Before(f.From.End(r.zone))
	default:
		return at.Before(f.To.Start(r.zone))
	}
}

func (r referee) fieldRule(f rules.Field, p *person) bool {
	opposites := map[rules.FieldOperator]rules.FieldOperator{
		rules.IsNot: rules.Is, rules.DoesNotContain: rules.Contains, rules.IsNotSet: rules.IsSet,
	}
	if opposite, ok := opposites[f.Operator]; ok {
		f.Operator = opposite
		return !r.fieldRule(f, p)
	}
	if f.Operator == rules.Is && f.Value == "" {
		return !r.fieldRule(rules.Field{Name: f.Name, CustomID: f.CustomID, Operator: rules.IsSet}, p)
	}
	if f.Name == rules.EmailAddress && f.Operator != rules.IsSet {
		return compareAddress(f, p.key)
	}
	text, typ, set := "", kind.FieldText, true
	switch f.Name {
	case rules.EmailAddress:
		text = p.email
	case rules.SubscriptionIP:
		text, set = p.ip, p.ip != ""
		if ip, err := netip.ParseAddr(f.Value); err == nil && set && f.Operator == rules.Is {
			return ip == netip.MustParseAddr(p.ip)
		}
	case rules.SubscriberID:
		text, typ = strconv.FormatInt(p.id, 10), kind.FieldNumber
	case rules.SubscriptionDate, rules.OptInDate:
		at := p.subscribed
		if f.Name == rules.OptInDate {
			at = p.opted
		}
		if at == nil {
			return false
		}
		return compareMoment(f, *at, at.In(r.zone).Format(time.DateTime), r.zone)
	default:
		i := slices.Index(r.fieldIDs, f.CustomID)
		typ = r.fields[i].kind
		text, set = p.values[i], p.values[i] != ""
	}
	if !set || f.Operator == rules.IsSet {
		return set
	}
	switch typ {
	case kind.FieldNumber, kind.FieldBoolean:
		if !isText(f.Operator) {
			return ordered(f.Operator, compare(numberOf(text), numberOf(strings.TrimSpace(f.Value))))
		}
	case kind.FieldDate:
		m, _ := rules.ParseMoment(text)
		return compareMoment(f, m.Wall, text, time.UTC)
	}
	return compareText(f, text)
}

func isText(op rules.FieldOperator) bool {
	return op == rules.Contains || op == rules.BeginsWith || op == rules.EndsWith
}

func compareMoment(f rules.Field, at time.Time, text string, zone *time.Location) bool {
	if f.Operator == rules.IsSet {
		return true
	}
	if isText(f.Operator) {
		return compareText(f, text)
	}
	m, ok := rules.ParseMoment(strings.TrimSpace(f.Value))
	if !ok {
		panic(f.Value)
	}
	switch {
	case at.Before(m.Start(zone)):
		return ordered(f.Operator, -1)
	case at.Before(m.End(zone)):
		return ordered(f.Operator, 0)
	default:
		return ordered(f.Operator, 1)
	}
}

// compareAddress compares a key with the value, of which each spelling of its domain counts.
func compareAddress(f rules.Field, key string) bool {
	value := kind.Clean(f.Value)
	switch f.Operator {
	case rules.Contains:
		return slices.ContainsFunc(address.Parts(value), func(part string) bool { return strings.Contains(key, part) })
	case rules.BeginsWith:
		return slices.ContainsFunc(address.Parts(value), func(part string) bool { return strings.HasPrefix(key, part) })
	case rules.EndsWith:
		return slices.ContainsFunc(address.Parts(value), func(part string) bool { return strings.HasSuffix(key, part) })
	default:
		return ordered(f.Operator, strings.Compare(key, address.Key(value)))
	}
}

// compareText compares the first 255 characters of the text, ignoring case.
func compareText(f rules.Field, text string) bool {
	text = kind.Fold(text, 255)
	part := kind.FoldPart(kind.Clean(f.Value))
	switch f.Operator {
	case rules.Contains:
		return strings.Contains(text, part)
	case rules.BeginsWith:
		return strings.HasPrefix(text, part)
	case rules.EndsWith:
		return strings.HasSuffix(text, part)
	default:
		return ordered(f.Operator, strings.Compare(text, strings.TrimSpace(part)))
	}
}

func ordered(op rules.FieldOperator, sign int) bool {
	switch op {
	case rules.Is:
		return sign == 0
	case rules.IsLessThan:
		return sign < 0
	case rules.IsLessOrEqual:
		return sign <= 0
	case rules.IsGreaterThan:
		return sign > 0
	case rules.IsGreaterOrEqual:
		return sign >= 0
	}
	panic(op)
}

func compare(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// numberOf parses numbers and booleans.
func numberOf(text string) float64 {
	switch strings.ToLower(text) {
	case "true", "yes", "on":
		return 1
	case "false", "no", "off":
		return 0
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(text)
	}
	return n
}
