package query

import (
	"slices"

	"entgo.io/ent/dialect/sql"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
)

// plan is a target that was read and checked. Its methods are the conditions an audience is made
// of, on a row of subscribers.
type plan struct {
	dialect  string
	owner    int64
	operator rules.Connector
	criteria []criterion
	exclude  []criterion
	// byAddress tells that criteria compare the address, which an index of the list may serve.
	byAddress bool
	// byRows tells that criteria ask for values or events, of which there may be many.
	byRows bool
	// few tells that the rows of each person are looked up, as there are few people.
	few bool
}

func (p *plan) statement() *statement {
	return &statement{dialect: p.dialect, owner: p.owner, few: p.few}
}

// part is all that is asked of one list. An address is on a list once, so criteria of the same list
// are about the same row.
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

// lists returns the lists of the criteria, each once.
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

// severalLists reports whether an address can be chosen more than once.
func (p *plan) severalLists() bool { return len(lists(p.criteria)) > 1 }

// chosen holds for the rows that the criteria choose, in whatever state.
func (p *plan) chosen(s *statement, r row) *sql.Predicate {
	asked := parts(p.criteria, p.operator)
	if p.operator == rules.Or || len(asked) == 1 {
		return onAny(asked)(s, r)
	}
	// The row itself is found on its own list, since an address is there once.
	out := []*sql.Predicate{among(r.C(entsubscriber.FieldListID), lists(p.criteria)...)}
	for _, a := range asked {
		out = append(out, sameAddress([]part{a}, "")(s, r))
	}
	return all(out...)
}

// onAny holds for a row on one of the lists for which what is asked of that list holds.
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
		// The lists together are what an index can be read by.
		return all(among(list, ids...), anyOf(some...))
	}
}

// isEmpty reports whether a rule holds for everybody by its form.
func (n *node) isEmpty() bool {
	if n.holds != nil {
		return false
	}
	if n.operator == rules.Or && len(n.children) > 0 {
		return slices.ContainsFunc(n.children, (*node).isEmpty)
	}
	return !slices.ContainsFunc(n.children, func(child *node) bool { return !child.isEmpty() })
}

// sameAddress holds where the address is on one of the lists in a row for which what is asked of
// that list holds. The hint is for MySQL.
func sameAddress(asked []part, hint string) condition {
	return func(s *statement, r row) *sql.Predicate {
		rows, other := s.ofOwned(entsubscriber.Table, entsubscriber.FieldListID, listsOf(asked)...)
		return sql.Exists(rows.SelectExpr(s.one(hint)).
			Where(sql.ColumnsEQ(other.C(entsubscriber.FieldEmailKey), r.C(entsubscriber.FieldEmailKey))).
			Where(apart(onAny(asked))(s, other)))
	}
}

// excluded holds for rows whose address an exclusion chooses. Where all are of one list, what is
// asked of that list is asked of the row itself.
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
		out = append(out, sameAddress(asked, hint)(s, r))
	}
	if len(out) == 0 {
		return holds(false)
	}
	return anyOf(out...)
}

// subscribed holds for rows that are written to as far as the row alone tells.
func subscribed(r row) *sql.Predicate {
	return all(
		sql.EQ(r.C(entsubscriber.FieldStatus), string(kind.SubscriberSubscribed)),
		sql.NEQ(r.C(entsubscriber.FieldBounce), string(kind.BounceHard)),
	)
}

// reachable holds for rows that are written to.
func reachable(s *statement, r row) *sql.Predicate {
	return all(subscribed(r), not(suppressed(s, r)))
}

// reached is a SELECT of the rows that are written to, several of one address where it is chosen on several lists.
func (p *plan) reached(s *statement) (*sql.Selector, row) {
	query, r := s.from(entsubscriber.Table)
	query.Where(p.chosen(s, r)).Where(reachable(s, r))
	if len(p.exclude) > 0 {
		query.Where(not(p.excluded(s, r)))
	}
	return query, r
}

// repeated holds for rows of whose address another, with a lower id, is reached. Suppressions,
// exclusions and criteria joined by And are about the address, so they hold for both or neither.
func (p *plan) repeated(s *statement, r row) *sql.Predicate {
	return s.exists(entsubscriber.Table, func(s *statement, earlier row) *sql.Predicate {
		chosen := among(earlier.C(entsubscriber.FieldListID), lists(p.criteria)...)
		if p.operator == rules.Or {
			chosen = p.chosen(s, earlier)
		}
		return all(
			sql.ColumnsEQ(earlier.C(entsubscriber.FieldEmailKey), r.C(entsubscriber.FieldEmailKey)),
			sql.ColumnsLT(earlier.C(entsubscriber.FieldID), r.C(entsubscriber.FieldID)),
			subscribed(earlier), chosen,
		)
	})
}
