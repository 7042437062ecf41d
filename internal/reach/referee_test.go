package reach_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"campaignql/internal/audience"
	"campaignql/internal/kind"
	"campaignql/internal/reach"
)

// The referee evaluates audiences over a world in memory, person by person, by the contract alone.
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
		r.suppressed[kind.Fold(email, 254)] = true
	}
	return r
}

func (r referee) isSuppressed(p *person) bool { return r.suppressed[p.key] }

// writable reports whether a person may be written to.
func (r referee) writable(p *person) bool {
	return p.status == kind.SubscriberSubscribed && p.bounce != kind.BounceHard && !r.isSuppressed(p)
}

// meets reports whether a criterion chooses a person.
func (r referee) meets(c audience.Criterion, p *person) bool {
	return r.lists[p.list] == c.ListID && r.rule(c.Where, p)
}

// address reports whether a criterion chooses anybody with the address of a person.
func (r referee) address(c audience.Criterion, p *person) bool {
	return slices.ContainsFunc(r.byKey[p.key], func(q *person) bool { return r.meets(c, q) })
}

// chosen reports whether the criteria choose a person.
func (r referee) chosen(a audience.Audience, p *person) bool {
	any, every := false, len(a.Criteria) > 0
	for _, c := range a.Criteria {
		any = any || r.meets(c, p)
		every = every && r.address(c, p)
	}
	return any && (a.Operator == audience.Or || every)
}

func (r referee) excluded(a audience.Audience, p *person) bool {
	return slices.ContainsFunc(a.Exclude, func(c audience.Criterion) bool { return r.address(c, p) })
}

// reached returns who is written to, in the order of their ids.
func (r referee) reached(a audience.Audience) []*person {
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

func (r referee) waterfall(a audience.Audience) reach.Waterfall {
	w := reach.Waterfall{Reached: int64(len(r.reached(a)))}
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
		case p.bounce == kind.BounceHard:
			w.Bounced++
		default:
			w.Duplicates++
		}
	}
	w.Duplicates -= w.Reached
	return w
}

// explain explains by evaluating each beginning of the audience and of its groups anew.
func (r referee) explain(a audience.Audience) *reach.Explanation {
	out := &reach.Explanation{Reached: int64(len(r.reached(a)))}
	path := "criteria"
	if a.Form == audience.FormLists {
		path = "include"
	}
	for i, c := range a.Criteria {
		short := a
		short.Criteria, short.Exclude = a.Criteria[:i+1], nil
		out.Criteria = append(out.Criteria, r.criterion(c, fmt.Sprintf("%s[%d]", path, i), a.Form, r.writable, len(r.reached(short))))
	}
	for i, c := range a.Exclude {
		short := a
		short.Exclude = a.Exclude[:i+1]
		everybody := func(*person) bool { return true }
		out.Exclude = append(out.Exclude, r.criterion(c, fmt.Sprintf("exclude[%d]", i), a.Form, everybody, len(r.reached(short))))
	}
	return out
}

func (r referee) criterion(c audience.Criterion, path string, form audience.Form, from func(*person) bool, left int) reach.ExplainedCriterion {
	var people []*person
	for _, p := range r.people {
		if r.lists[p.list] == c.ListID && from(p) {
			people = append(people, p)
		}
	}
	rules := path + ".rules"
	if form == audience.FormLists {
		rules = path
	}
	return reach.ExplainedCriterion{
		Path: path, ListID: c.ListID, People: int64(len(people)), Chosen: r.count(c.Where, people), Left: int64(left),
		Rules: r.rules(c.Where, rules, form, people, people),
	}
}

func (r referee) count(rule audience.Rule, people []*person) int64 {
	return int64(len(r.filter(rule, people)))
}

func (r referee) filter(rule audience.Rule, people []*person) []*person {
	var out []*person
	for _, p := range people {
		if r.rule(rule, p) {
			out = append(out, p)
		}
	}
	return out
}

func (r referee) rules(g audience.Group, path string, form audience.Form, people, entering []*person) []reach.ExplainedRule {
	var out []reach.ExplainedRule
	for i, rule := range g.Rules {
		at := fmt.Sprintf("%s[%d]", path, i)
		if form == audience.FormLists {
			at = path
		}
		left := r.filter(audience.Group{Operator: g.Operator, Rules: g.Rules[:i+1]}, entering)
		e := reach.ExplainedRule{Path: at, Rule: rule, Matches: r.count(rule, people), Left: int64(len(left))}
		if inner, ok := rule.(audience.Group); ok {
			before := entering
			if g.Operator == audience.And {
				before = r.filter(audience.Group{Operator: audience.And, Rules: g.Rules[:i]}, entering)
			}
			e.Rules = r.rules(inner, at, form, people, before)
		}
		out = append(out, e)
	}
	return out
}

// rule reports whether a rule holds for a person.
func (r referee) rule(rule audience.Rule, p *person) bool {
	switch rule := rule.(type) {
	case audience.Group:
		for _, inner := range rule.Rules {
			if r.rule(inner, p) == (rule.Operator == audience.Or) {
				return rule.Operator == audience.Or
			}
		}
		return len(rule.Rules) == 0 || rule.Operator == audience.And
	case audience.Segment:
		i := slices.Index(r.segmentIDs, rule.ID)
		return r.rule(r.segments[i].where, p) == (rule.Operator == audience.BelongsTo)
	case audience.Suppression:
		return r.isSuppressed(p) == (rule.Operator == audience.Suppressed)
	case audience.Tags:
		return r.tagRule(rule, p)
	case audience.CampaignEvent:
		return r.eventRule(rule, p) != rule.Not
	case audience.Field:
		return r.fieldRule(rule, p)
	}
	panic(fmt.Sprintf("a rule of type %T", rule))
}

func (r referee) tagRule(rule audience.Tags, p *person) bool {
	n := 0
	for tag := range p.tags {
		if slices.Contains(rule.IDs, r.tags[tag]) {
			n++
		}
	}
	switch rule.Operator {
	case audience.LacksTag:
		return n == 0
	case audience.HasAllTags:
		return n == len(rule.IDs)
	case audience.HasNoTags:
		return len(p.tags) == 0
	default:
		return n > 0
	}
}

func (r referee) eventRule(rule audience.CampaignEvent, p *person) bool {
	n := 0
	for _, e := range p.events {
		kinds := map[audience.Event]string{audience.EventBounced: "hard_bounced soft_bounced"}[rule.Event]
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
	case audience.AtLeast:
		return n >= rule.Count.Count
	case audience.AtMost:
		return n <= rule.Count.Count
	default:
		return n == rule.Count.Count
	}
}

func (r referee) inTime(f audience.TimeFilter, at time.Time) bool {
	recent := present.Sub(at) <= time.Duration(f.Days)*24*time.Hour
	within := func() bool { return !at.Before(f.From.Start(r.zone)) && at.Before(f.To.End(r.zone)) }
	switch f.Type {
	case audience.InLastDays:
		return recent
	case audience.NotInLastDays:
		return !recent
	case audience.Between:
		return within()
	case audience.NotBetween:
		return !within()
	case audience.After:
		return !at.Before(f.From.End(r.zone))
	default:
		return at.Before(f.To.Start(r.zone))
	}
}

func (r referee) fieldRule(f audience.Field, p *person) bool {
	opposites := map[audience.FieldOperator]audience.FieldOperator{
		audience.IsNot: audience.Is, audience.DoesNotContain: audience.Contains, audience.IsNotSet: audience.IsSet,
	}
	if opposite, ok := opposites[f.Operator]; ok {
		f.Operator = opposite
		return !r.fieldRule(f, p)
	}
	if f.Operator == audience.Is && f.Value == "" {
		return !r.fieldRule(audience.Field{Name: f.Name, CustomID: f.CustomID, Operator: audience.IsSet}, p)
	}
	text, typ, set := "", kind.FieldText, true
	switch f.Name {
	case audience.EmailAddress:
		text = p.email
	case audience.SubscriptionIP:
		text, set = p.ip, p.ip != ""
		if ip, err := netip.ParseAddr(f.Value); err == nil && set && f.Operator == audience.Is {
			return ip == netip.MustParseAddr(p.ip)
		}
	case audience.SubscriberID:
		text, typ = strconv.FormatInt(p.id, 10), kind.FieldNumber
	case audience.SubscriptionDate, audience.OptInDate:
		at := p.subscribed
		if f.Name == audience.OptInDate {
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
	if !set || f.Operator == audience.IsSet {
		return set
	}
	switch typ {
	case kind.FieldNumber, kind.FieldBoolean:
		if !isText(f.Operator) {
			return ordered(f.Operator, compare(numberOf(text), numberOf(strings.TrimSpace(f.Value))))
		}
	case kind.FieldDate:
		m, _ := audience.ParseMoment(text)
		return compareMoment(f, m.Wall, text, time.UTC)
	}
	return compareText(f, text)
}

func isText(op audience.FieldOperator) bool {
	return op == audience.Contains || op == audience.BeginsWith || op == audience.EndsWith
}

func compareMoment(f audience.Field, at time.Time, text string, zone *time.Location) bool {
	if f.Operator == audience.IsSet {
		return true
	}
	if isText(f.Operator) {
		return compareText(f, text)
	}
	m, ok := audience.ParseMoment(strings.TrimSpace(f.Value))
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

// compareText compares without regard to case, by the first 255 characters of the text.
func compareText(f audience.Field, text string) bool {
	text = kind.Fold(text, 255)
	part := kind.FoldPart(kind.Clean(f.Value))
	switch f.Operator {
	case audience.Contains:
		return strings.Contains(text, part)
	case audience.BeginsWith:
		return strings.HasPrefix(text, part)
	case audience.EndsWith:
		return strings.HasSuffix(text, part)
	default:
		return ordered(f.Operator, strings.Compare(text, strings.TrimSpace(part)))
	}
}

func ordered(op audience.FieldOperator, sign int) bool {
	switch op {
	case audience.Is:
		return sign == 0
	case audience.IsLessThan:
		return sign < 0
	case audience.IsLessOrEqual:
		return sign <= 0
	case audience.IsGreaterThan:
		return sign > 0
	case audience.IsGreaterOrEqual:
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

// numberOf reads numbers and booleans.
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
