package query

import (
	"slices"

	"entgo.io/ent/dialect/sql"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
)

// plan is a target whose objects were read and checked. Its methods return the conditions of an
// audience on a row of subscribers.
type plan struct {
	dialect  string
	owner    int64
	operator rules.Connector
	criteria []criterion
	exclude  []criterion
	// byAddress means that criteria compare the address, so that an index of the list may help.
	byAddress bool
	// byRows means that criteria read field values or events, which may be many.
	byRows bool
	// few means that there are few people, so that the statement looks up the rows of each person.
	few bool
}

func (p *plan) statement() *statement {
	return &statement{dialect: p.dialect, owner: p.owner, few: p.few}
}

// part holds all conditions on one list. A contact is on a list only once, so that criteria on the
// same list are conditions on the same row.
type part struct {
	listID int64
	where  *node
}

// parts joins the criteria of each list, in the order in which the lists are named.
func parts(criteria []criterion, operator rules.Connector) []part {
	var out []part
	for _, c := range criteria {
		i := slices.IndexFunc(out, func(known part) bool { return known.listID == c.listID })
		if i < 0 {
			out = append(out, part{listID: c.listID, where: &node{operator: operator}})
			i = len(out) - 1
		}
		out[i].where.children = append(out[i].where.children, c.where)
	}
	return out
}

// lists returns the lists of the criteria without duplicates.
func lists(criteria []criterion) []int64 {
	ids := make([]int64, len(criteria))
	for i, c := range criteria {
		ids[i] = c.listID
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

func listsOf(asked []part) []int64 {
	ids := make([]int64, len(asked))
	for i, a := range asked {
		ids[i] = a.listID
	}
	return ids
}

// severalLists reports whether a contact can be selected more than once.
func (p *plan) severalLists() bool { return len(lists(p.criteria)) > 1 }

// chosen is true for the rows that the criteria select, in any state.
func (p *plan) chosen(s *statement, r row) *sql.Predicate {
	asked := parts(p.criteria, p.operator)
	if p.operator == rules.Or || len(asked) == 1 {
		return onAny(asked)(s, r)
	}
	// This also covers the list of the row itself, because a contact is on a list only once.
	out := []*sql.Predicate{among(r.C(entsubscriber.FieldListID), lists(p.criteria)...)}
	for _, a := range asked {
		out = append(out, sameContact([]part{a}, "")(s, r))
	}
	return all(out...)
}

// onAny is true for a row on one of the lists that meets the conditions on that list.
func onAny(asked []part) condition {
	return func(s *statement, r row) *sql.Predicate {
		list := r.C(entsubscriber.FieldListID)
		if len(asked) == 1 {
			return all(sql.EQ(list, asked[0].listID), asked[0].where.on(s, r))
		}
		var ids, whole []int64
		var some []*sql.Predicate
		for _, a := range asked {
			ids = append(ids, a.listID)
			if a.where.isEmpty() {
				whole = append(whole, a.listID)
				continue
			}
			some = append(some, all(sql.EQ(list, a.listID), apart(a.where.on)(s, r)))
		}
		if len(some) == 0 {
			return among(list, ids...)
		}
		if len(whole) > 0 {
			some = append(some, among(list, whole...))
		}
		// All list ids in one condition, so that the database can read an index by them.
		return all(among(list, ids...), anyOf(some...))
	}
}

// isEmpty reports whether a rule matches everybody because it has no conditions.
func (n *node) isEmpty() bool {
	if n.holds != nil {
		return false
	}
	if n.operator == rules.Or && len(n.children) > 0 {
		return slices.ContainsFunc(n.children, (*node).isEmpty)
	}
	return !slices.ContainsFunc(n.children, func(child *node) bool { return !child.isEmpty() })
}

// sameContact is true if one of the lists has a row of the same contact that meets the conditions
// on that list. The hint is for MySQL.
func sameContact(asked []part, hint string) condition {
	return func(s *statement, r row) *sql.Predicate {
		rows, other := s.ofOwned(entsubscriber.Table, entsubscriber.FieldListID, listsOf(asked)...)
		return sql.Exists(rows.SelectExpr(s.one(hint)).
			Where(sql.ColumnsEQ(other.C(entsubscriber.FieldContactID), r.C(entsubscriber.FieldContactID))).
			Where(apart(onAny(asked))(s, other)))
	}
}

// excluded is true for rows whose contact an exclusion selects. If all criteria are on one list,
// the exclusions of that list are conditions on the row itself.
func (p *plan) excluded(s *statement, r row) *sql.Predicate {
	asked := parts(p.exclude, rules.Or)
	var out []*sql.Predicate
	if only := lists(p.criteria); len(only) == 1 {
		if i := slices.IndexFunc(asked, func(a part) bool { return a.listID == only[0] }); i >= 0 {
			out = append(out, apart(asked[i].where.on)(s, r))
			asked = slices.Delete(asked, i, i+1)
		}
	}
	if len(asked) > 0 {
		hint := ""
		if s.whole &&
			!slices.ContainsFunc(
				listsOf(asked), func(id int64) bool { return !slices.Contains(lists(p.criteria), id) },
			) {
			hint = collected
		}
		out = append(out, sameContact(asked, hint)(s, r))
	}
	if len(out) == 0 {
		return holds(false)
	}
	return anyOf(out...)
}

// subscribed is true for rows that are reachable as far as the row alone shows.
func subscribed(r row) *sql.Predicate {
	return all(
		sql.EQ(r.C(entsubscriber.FieldStatus), string(kind.SubscriberSubscribed)),
		sql.Not(undeliverable(r)),
	)
}

// undeliverable is true for rows of contacts to whom nothing can be sent. The column repeats what
// the contact says, so that an audience reads no contacts.
func undeliverable(r row) *sql.Predicate {
	return sql.In(r.C(entsubscriber.FieldBounce), string(kind.BounceHard), string(kind.BounceInvalid))
}

// reachable is true for rows to which campaigns may be sent: people/subscriber calls them active.
func reachable(s *statement, r row) *sql.Predicate {
	return all(subscribed(r), not(suppressed(s, r)))
}

// reached is a SELECT of the reachable selected rows. It returns several rows of a contact that is
// selected on several lists.
func (p *plan) reached(s *statement) (*sql.Selector, row) {
	query, r := s.from(entsubscriber.Table)
	query.Where(p.chosen(s, r)).Where(reachable(s, r))
	if len(p.exclude) > 0 {
		query.Where(not(p.excluded(s, r)))
	}
	return query, r
}

// repeated is true for rows whose contact is also reached through a row with a lower id.
// Suppressions, exclusions and criteria joined by And depend only on the contact, so they give the
// same result for both rows.
func (p *plan) repeated(s *statement, r row) *sql.Predicate {
	return s.exists(entsubscriber.Table, func(s *statement, earlier row) *sql.Predicate {
		chosen := among(earlier.C(entsubscriber.FieldListID), lists(p.criteria)...)
		if p.operator == rules.Or {
			chosen = p.chosen(s, earlier)
		}
		return all(
			sql.ColumnsEQ(earlier.C(entsubscriber.FieldContactID), r.C(entsubscriber.FieldContactID)),
			sql.ColumnsLT(earlier.C(entsubscriber.FieldID), r.C(entsubscriber.FieldID)),
			subscribed(earlier), chosen,
		)
	})
}
