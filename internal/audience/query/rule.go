package query

import (
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent/audiencepurge"
	entevent "campaignql/ent/event"
	"campaignql/ent/purge"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/ent/subscribertagging"
	entsuppression "campaignql/ent/suppression"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
)

// tags returns the condition of a rule on subscriber tags. The tags that a rule names are the
// owner's. In a rule on all tags, deleted tags that still wait to be purged do not count.
func (b *binder) tags(t rules.Tags) condition {
	carried := func(more func(s *statement, tag string) []*sql.Predicate) condition {
		return func(s *statement, r row) *sql.Predicate {
			return s.exists(subscribertagging.Table, func(s *statement, c row) *sql.Predicate {
				own := sql.ColumnsEQ(c.C(subscribertagging.FieldSubscriberID), r.C(entsubscriber.FieldID))
				return all(append(more(s, c.C(subscribertagging.FieldSubscriberTagID)), own)...)
			})
		}
	}
	anyOfThese := carried(
		func(_ *statement, tag string) []*sql.Predicate { return []*sql.Predicate{among(tag, t.IDs...)} },
	)
	switch t.Operator {
	case rules.LacksTag:
		return negated(true, anyOfThese)
	case rules.HasNoTags:
		return negated(true, carried(func(s *statement, tag string) []*sql.Predicate {
			if !b.known.purgingTags {
				return nil
			}
			return []*sql.Predicate{not(s.exists(audiencepurge.Table, func(_ *statement, p row) *sql.Predicate {
				return all(
					sql.EQ(p.C(audiencepurge.FieldKind), string(kind.DeletedTag)),
					sql.ColumnsEQ(p.C(audiencepurge.FieldTargetID), tag),
				)
			}))}
		}))
	case rules.HasAllTags:
		return func(s *statement, r row) *sql.Predicate {
			count, c := s.from(subscribertagging.Table)
			count.SelectExpr(sql.Raw("COUNT(*)")).
				Where(sql.ColumnsEQ(c.C(subscribertagging.FieldSubscriberID), r.C(entsubscriber.FieldID))).
				Where(among(c.C(subscribertagging.FieldSubscriberTagID), t.IDs...))
			return compared(count, "=", len(t.IDs))
		}
	default: // HasTag, HasAnyTag
		return anyOfThese
	}
}

// compared compares the count of a SELECT with a number.
func compared(count *sql.Selector, operator string, with int) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		b.Wrap(func(b *sql.Builder) {
			b.Wrap(func(b *sql.Builder) { b.Join(count) }).WriteString(" " + operator + " ").Arg(with)
		})
	})
}

// suppressed is true for addresses on the account's suppression list.
func suppressed(s *statement, r row) *sql.Predicate {
	return s.exists(entsuppression.Table, func(_ *statement, x row) *sql.Predicate {
		return sql.ColumnsEQ(x.C(entsuppression.FieldEmailKey), r.C(entsubscriber.FieldEmailKey))
	})
}

// kindsOf maps an event of a rule to the stored kinds of events.
var kindsOf = map[rules.Event][]any{
	rules.EventOpened:       {string(kind.EventOpened)},
	rules.EventClicked:      {string(kind.EventClicked)},
	rules.EventUnsubscribed: {string(kind.EventUnsubscribed)},
	rules.EventComplained:   {string(kind.EventComplained)},
	rules.EventBounced:      {string(kind.EventHardBounced), string(kind.EventSoftBounced)},
	rules.EventDelivered:    {string(kind.EventDelivered)},
	rules.EventFailed:       {string(kind.EventFailed)},
}

// event returns the condition of a rule on campaign events of the contact. Events caused by
// machines do not count. Of the campaigns that the rule names, only those of the owner count; if
// none is left, there are no events. Events of deleted campaigns that still wait to be purged do
// not count.
func (b *binder) event(e rules.CampaignEvent) condition {
	when := b.within(e.Time)
	b.byRows = true
	owned := slices.DeleteFunc(
		slices.Clone(e.CampaignIDs), func(id int64) bool { _, ok := b.known.campaigns[id]; return !ok },
	)
	events := func(s *statement) (*sql.Selector, row) {
		var found *sql.Selector
		var v row
		if len(owned) > 0 {
			found, v = s.ofOwned(entevent.Table, entevent.FieldCampaignID, owned...)
		} else {
			found, v = s.from(entevent.Table)
		}
		if len(owned) == 0 && len(e.CampaignIDs) > 0 {
			found.Where(holds(false))
		}
		if len(e.CampaignIDs) == 0 && b.known.purging {
			found.Where(not(s.exists(purge.Table, func(_ *statement, p row) *sql.Predicate {
				return sql.ColumnsEQ(p.C(purge.FieldCampaignID), v.C(entevent.FieldCampaignID))
			})))
		}
		if kinds := kindsOf[e.Event]; len(kinds) == 1 {
			found.Where(sql.EQ(v.C(entevent.FieldKind), kinds[0]))
		} else {
			found.Where(sql.In(v.C(entevent.FieldKind), kinds...))
		}
		if when != nil {
			found.Where(when(v.C(entevent.FieldAt)))
		}
		return found.Where(sql.EQ(v.C(entevent.FieldAutomated), false)), v
	}
	some := func(s *statement, r row) *sql.Predicate {
		found, v := events(s)
		if len(owned) == 0 {
			// No index holds the events of an account by their kind.
			return sql.Exists(
				found.SelectExpr(sql.Raw("1")).
					Where(sql.ColumnsEQ(v.C(entevent.FieldContactID), r.C(entsubscriber.FieldContactID))),
			)
		}
		return s.some(found, v.C(entevent.FieldContactID), r.C(entsubscriber.FieldContactID), alongFirsts(s, v))
	}
	return negated(e.Not, counted(e.Count, some, events))
}

// alongFirsts makes MySQL read the events of named campaigns along their index. Without the hint it
// reads the whole table to find people without an event. The hint is used only where the people are
// found by a join. Where MySQL looks up each person separately, that index is the wrong one.
func alongFirsts(s *statement, events row) string {
	if !s.whole || s.beneath > 0 {
		return ""
	}
	return "INDEX(" + alias(events) + " `event_firsts`)"
}

// counted compares the number of events. Searching for one event is cheaper than counting them.
func counted(a *rules.Aggregation, some condition, events func(*statement) (*sql.Selector, row)) condition {
	switch {
	case a == nil || a.Operator == rules.AtLeast && a.Count == 1:
		return some
	case a.Operator == rules.AtLeast && a.Count == 0:
		return func(*statement, row) *sql.Predicate { return holds(true) }
	case a.Operator != rules.AtLeast && a.Count == 0:
		return negated(true, some)
	}
	operator := map[rules.AggregationOperator]string{
		rules.AtLeast: ">=", rules.AtMost: "<=", rules.Exactly: "=",
	}[a.Operator]
	return func(s *statement, r row) *sql.Predicate {
		found, v := events(s)
		return compared(
			found.SelectExpr(sql.Raw("COUNT(*)")).
				Where(sql.ColumnsEQ(v.C(entevent.FieldContactID), r.C(entsubscriber.FieldContactID))),
			operator,
			a.Count,
		)
	}
}

// within returns the condition of a time filter on an instant, or nil if there is no filter. Days
// are spans of 24 hours back from the instant of the target. Dates are dates of the owner's clock.
func (b *binder) within(f *rules.TimeFilter) func(at string) *sql.Predicate {
	if f == nil {
		return nil
	}
	back := kept(b.at.Add(-time.Duration(f.Days) * 24 * time.Hour))
	start := func(m rules.Moment) time.Time { return kept(m.Start(b.zone)) }
	end := func(m rules.Moment) time.Time { return kept(m.End(b.zone)) }
	return func(at string) *sql.Predicate {
		switch f.Type {
		case rules.InLastDays:
			return sql.GTE(at, back)
		case rules.NotInLastDays:
			return sql.LT(at, back)
		case rules.Between:
			return all(sql.GTE(at, start(f.From)), sql.LT(at, end(f.To)))
		case rules.NotBetween:
			return anyOf(sql.LT(at, start(f.From)), sql.GTE(at, end(f.To)))
		case rules.After:
			return sql.GTE(at, end(f.From))
		default: // Before
			return sql.LT(at, start(f.To))
		}
	}
}
