package graph_test

import (
	"math/rand/v2"
	"strings"
	"time"

	"campaignql/internal/audience/rules"
)

// ruleDraw draws random audiences of everything that rules can say, about the objects of a crowd.
type ruleDraw struct {
	*rand.Rand
	crowd     crowd
	campaigns []int64
}

func draw[T any](d ruleDraw, from ...T) T { return from[d.IntN(len(from))] }

func (d ruleDraw) audience() rules.Audience {
	criteria := func(n int) []rules.Criterion {
		out := make([]rules.Criterion, n)
		for i := range out {
			out[i] = rules.Criterion{ListID: d.crowd.list.ID}
			if d.IntN(6) > 0 {
				out[i].Where = d.group(draw(d, rules.And, rules.Or), 1)
			}
		}
		return out
	}
	a := rules.Audience{Form: rules.FormRules, Operator: draw(d, rules.And, rules.Or), Criteria: criteria(1 + d.IntN(3))}
	if n := d.IntN(3); n > 0 {
		a.Exclude = criteria(n)
	}
	return a
}

func (d ruleDraw) group(operator rules.Connector, depth int) rules.Group {
	g := rules.Group{Operator: operator}
	for range 1 + d.IntN(3) {
		if depth < rules.MaxDepth && d.IntN(3) == 0 {
			g.Rules = append(g.Rules, d.group(operator.Alternate(), depth+1))
		} else {
			g.Rules = append(g.Rules, d.rule())
		}
	}
	return g
}

func (d ruleDraw) rule() rules.Rule {
	switch d.IntN(8) {
	case 0:
		return rules.Suppression{Operator: draw(d, rules.Suppressed, rules.NotSuppressed)}
	case 1:
		return rules.Segment{Operator: draw(d, rules.BelongsTo, rules.DoesNotBelongTo), ID: d.crowd.segment.ID}
	case 2:
		rule := rules.Tags{
			Operator: draw(d, rules.HasTag, rules.LacksTag, rules.HasAnyTag, rules.HasAllTags, rules.HasNoTags),
		}
		if rule.Operator != rules.HasNoTags {
			rule.IDs = []int64{d.crowd.label.ID}
		}
		return rule
	case 3, 4:
		return d.event()
	default:
		return d.field()
	}
}

func (d ruleDraw) event() rules.Rule {
	rule := rules.CampaignEvent{
		Event: draw(d, rules.EventOpened, rules.EventClicked, rules.EventUnsubscribed, rules.EventComplained,
			rules.EventBounced, rules.EventDelivered, rules.EventFailed),
		Not: d.IntN(3) == 0,
	}
	for _, i := range d.Perm(len(d.campaigns))[:d.IntN(len(d.campaigns)+1)] {
		rule.CampaignIDs = append(rule.CampaignIDs, d.campaigns[i])
	}
	if rule.Event == rules.EventDelivered || rule.Event == rules.EventFailed {
		return rule
	}
	if d.IntN(2) == 0 {
		rule.Count = &rules.Aggregation{
			Operator: draw(d, rules.AtLeast, rules.AtMost, rules.Exactly), Count: draw(d, 0, 1, 2, 1<<31-1),
		}
	}
	if d.IntN(2) == 0 {
		f := &rules.TimeFilter{Type: draw(
			d, rules.InLastDays, rules.NotInLastDays, rules.Between, rules.NotBetween, rules.After, rules.Before,
		)}
		from := rules.Moment{Wall: firstDay.Add(time.Duration(d.IntN(9)) * time.Hour)}
		to := rules.Moment{Wall: time.Date(2026, 4, 1+d.IntN(20), 0, 0, 0, 0, time.UTC), DateOnly: true}
		switch f.Type {
		case rules.InLastDays, rules.NotInLastDays:
			f.Days = draw(d, 1, 30, 36500)
		case rules.After:
			f.From = draw(d, from, to)
		case rules.Before:
			f.To = draw(d, from, to)
		default:
			f.From, f.To = from, to
		}
		rule.Time = f
	}
	return rule
}

func (d ruleDraw) field() rules.Rule {
	text := draw(d, rules.Contains, rules.DoesNotContain, rules.BeginsWith, rules.EndsWith)
	operator := draw(d, rules.Is, rules.IsNot, rules.IsLessThan, rules.IsLessOrEqual, rules.IsGreaterThan,
		rules.IsGreaterOrEqual, rules.IsSet, rules.IsNotSet, text)
	rule, value := rules.Field{Operator: operator}, ""
	switch d.IntN(7) {
	case 0:
		rule.Name, value = rules.EmailAddress, draw(d, "rich", `o'<b>&"\`, "%_", "ß\u2028😀", " a ")
	case 1:
		rule.Name, value = rules.SubscriptionIP, "192.0.2.1"
	case 2:
		rule.Name, value = rules.SubscriptionDate, draw(d, "2026-03-01", "2026-03-01 13:00:00")
	case 3:
		rule.Name, value = rules.OptInDate, "2026-03-02"
	case 4:
		rule.Name, value = rules.SubscriberID, "7"
	case 5:
		rule.CustomID, value = d.crowd.number.ID, draw(d, "12.5", "-3")
	default:
		rule.CustomID, value = d.crowd.text.ID, draw(d, "köln", strings.Repeat("x", 200), "5")
	}
	switch rule.Operator {
	case rules.IsSet, rules.IsNotSet:
		return rule
	case rules.Is, rules.IsNot:
		if rule.Name == rules.EmailAddress && d.IntN(3) == 0 {
			return rule // the field is empty
		}
	}
	rule.Value = value
	return rule
}
