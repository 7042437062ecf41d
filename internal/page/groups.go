package page

import (
	"strconv"

	"entgo.io/ent/dialect/sql"
)

// Groups selects one page of each of several groups of a list, for example the first ten people of
// each list. Each part selects the ids of one group, with its conditions. One statement returns the
// rows of all groups, mixed, in the order of the list, and reads no more rows of a group than its
// page. Groups replaces Apply. Result turns the rows of one group into its page.
func (p Plan[T]) Groups(parts []*sql.Selector) func(*sql.Selector) { return p.groups(parts, idColumn) }

// GroupsBy is Groups for parts that select from a table of pairs, such as the tags of campaigns, which
// has the id of a row of the list in the given column. The plan must order by id alone: then an index
// on the pairs has the order of each group.
func (p Plan[T]) GroupsBy(column string, parts []*sql.Selector) func(*sql.Selector) {
	if p.order.Column != idColumn {
		panic("page: pairs of ids have no order " + p.order.Name)
	}
	return p.groups(parts, column)
}

func (p Plan[T]) groups(parts []*sql.Selector, id string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		s.Where(sql.In(s.C(idColumn), p.chosen(s.Dialect(), parts, id, id)))
		p.sort(s, idColumn)
	}
}

// Pairs is Groups for a table without an id, whose key are the columns group and id. Each part selects
// both. by is what the parts order by: id, or an expression of its value. The plan must order by id alone,
// which means the column that is named here.
func (p Plan[T]) Pairs(group, id, by string, parts []*sql.Selector) func(*sql.Selector) {
	if p.order.Column != idColumn {
		panic("page: pairs of ids have no order " + p.order.Name)
	}
	return func(s *sql.Selector) {
		chosen := p.chosen(s.Dialect(), parts, by, group, id)
		s.Where(sql.P(func(b *sql.Builder) {
			b.Wrap(func(b *sql.Builder) { b.IdentComma(s.C(group), s.C(id)) })
			b.WriteOp(sql.OpIn).Wrap(func(b *sql.Builder) { b.Join(chosen) })
		}))
		p.sort(s, id)
	}
}

// chosen selects columns of the rows of the page of each part. by is the id that is ordered by.
func (p Plan[T]) chosen(dialect string, parts []*sql.Selector, by string, columns ...string) *sql.Selector {
	var whole *sql.Selector
	for i, part := range parts {
		part.SetDialect(dialect)
		p.apply(part, by)
		// Use a derived table: neither database accepts a LIMIT inside IN or in a part of a UNION.
		own := sql.Dialect(dialect).Select(columns...).From(part.As("g" + strconv.Itoa(i)))
		if whole == nil {
			whole = own
			continue
		}
		whole.UnionAll(own)
	}
	return sql.Dialect(dialect).Select(columns...).From(whole.As("chosen"))
}

// Sums selects one page of rows that a query with GROUP BY adds up. value and id are the SQL
// expressions of the order's column and of the id of a group; value is never NULL. Sums replaces
// Apply.
func (p Plan[T]) Sums(s *sql.Selector, value, id string) {
	var bounds []*sql.Predicate
	bound := func(c *cursor, up bool) {
		if c == nil {
			return
		}
		than := " < ?"
		if up {
			than = " > ?"
		}
		bounds = append(bounds, sql.ExprP(
			"("+value+than+" OR ("+value+" = ? AND "+id+than+"))", c.value(), c.value(), c.id,
		))
	}
	bound(p.after, !p.order.Desc)
	bound(p.before, p.order.Desc)
	if len(bounds) > 0 {
		s.Having(sql.And(bounds...))
	}
	direction := " ASC"
	if p.order.Desc != p.request.backward() {
		direction = " DESC"
	}
	s.ClearOrder()
	s.OrderBy(value+direction, id+direction)
	s.Limit(p.request.size() + 1)
}
