package page

import (
	"fmt"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/internal/apperr"
)

// idColumn is the column that breaks ties, so that every order is total and pages never overlap.
const idColumn = "id"

// Key is the place of a row in an order.
type Key struct {
	// Value is the order column as the database holds it: string, int64 or time.Time, or nil for
	// NULL. It is ignored in an order by id.
	Value any
	// ID is the id of the row.
	ID int64
}

// Optional returns the value of a nullable column for a Key: what p points to, or nil.
func Optional[V any](p *V) any {
	if p == nil {
		return nil
	}
	return *p
}

// Order is one order of a list: by a column, then by id in the same direction. NULLs come first
// when ascending and last when descending, as MySQL and SQLite both sort them.
type Order[T any] struct {
	// Name identifies the order in cursors, such as "CREATED_AT". It must not hold a colon.
	Name string
	// Column is the column of the list's table; "id" orders by id alone.
	Column string
	// Type is the type of the column; it is ignored in an order by id.
	Type Type
	// Desc turns the order round.
	Desc bool
	// Nullable tells that the column may be NULL.
	Nullable bool
	// Key returns the place of a row. It may read only the columns that Plan.Columns names.
	Key func(T) Key
}

// Plan is a valid request in a certain order. It is made by Order.Plan.
type Plan[T any] struct {
	order         Order[T]
	request       Request
	after, before *cursor
}

// Plan returns how to fetch the page that the request asks for. The error holds every fault of the
// request; a cursor that was made in another order is one of them.
func (o Order[T]) Plan(r Request) (Plan[T], error) {
	var faults apperr.Faults
	p := Plan[T]{order: o, request: r}
	p.after, p.before = r.validate(&faults)
	o.check(&faults, "after", p.after)
	o.check(&faults, "before", p.before)
	return p, faults.Err()
}

func (o Order[T]) check(faults *apperr.Faults, field string, c *cursor) {
	switch {
	case c == nil:
	case c.order != o.mark():
		faults.Add(
			apperr.InvalidField(
				field, apperr.ReasonCursorOfAnotherOrder,
				"belongs to a list in another order: start from the first page again",
			),
		)
	case !o.accepts(c.kind):
		faults.Add(apperr.InvalidField(field, apperr.ReasonCursorInvalid, "is not a cursor of this server"))
	}
}

// accepts reports whether a cursor of this order may hold a key of the type: a forged one must not
// reach the database as another type.
func (o Order[T]) accepts(kind Type) bool {
	if o.Column == idColumn {
		return kind == none
	}
	return kind == o.Type || kind == none && o.Nullable
}

// mark is the order as a cursor names it, with its direction.
func (o Order[T]) mark() string {
	if o.Desc {
		return o.Name + "-"
	}
	return o.Name
}

// Columns returns the columns that the query must select for the cursors.
func (p Plan[T]) Columns() []string {
	if p.order.Column == idColumn {
		return []string{idColumn}
	}
	return []string{idColumn, p.order.Column}
}

// Select returns columns with those the cursors need, each once; without columns it returns none, which selects all.
func (p Plan[T]) Select(columns []string) []string {
	if len(columns) == 0 {
		return nil
	}
	var out []string
	for _, column := range append(p.Columns(), columns...) {
		if !slices.Contains(out, column) {
			out = append(out, column)
		}
	}
	return out
}

// Apply adds the bounds, the order, the limit and the offset of the page to a query; it is a
// modifier for Ent's Modify. One row more than the page is fetched, by which Result knows whether
// there are more.
func (p Plan[T]) Apply(s *sql.Selector) {
	if p.after != nil {
		s.Where(p.order.beyond(s, *p.after, !p.order.Desc))
	}
	if p.before != nil {
		s.Where(p.order.beyond(s, *p.before, p.order.Desc))
	}
	p.sort(s)
	s.Limit(p.request.size() + 1)
	if p.request.Offset != nil && *p.request.Offset > 0 {
		s.Offset(*p.request.Offset)
	}
}

// sort puts the rows in the order in which the page is read: from its end when it is taken from there.
func (p Plan[T]) sort(s *sql.Selector) {
	direction := sql.Asc
	if p.order.Desc != p.request.backward() {
		direction = sql.Desc
	}
	s.ClearOrder()
	if p.order.Column != idColumn {
		s.OrderBy(direction(s.C(p.order.Column)))
	}
	s.OrderBy(direction(s.C(idColumn)))
}

// beyond is the condition that a row sorts after (up) or before (down) the cursor in ascending order.
func (o Order[T]) beyond(s *sql.Selector, c cursor, up bool) *sql.Predicate {
	than, reach := sql.LT, sql.LTE
	if up {
		than, reach = sql.GT, sql.GTE
	}
	id := than(s.C(idColumn), c.id)
	if o.Column == idColumn {
		return id
	}
	column, value := s.C(o.Column), c.value()
	switch {
	case value == nil && up:
		return sql.Or(sql.And(sql.IsNull(column), id), sql.NotNull(column))
	case value == nil:
		return sql.And(sql.IsNull(column), id)
	}
	further := []*sql.Predicate{than(column, value), sql.And(sql.EQ(column, value), id)}
	if o.Nullable && !up {
		return sql.Or(append(further, sql.IsNull(column))...)
	}
	// The first term is implied by the second, but it alone is a range that an index serves.
	return sql.And(reach(column, value), sql.Or(further...))
}

// Result turns the rows that the query of the plan returned into the page. It takes over the slice.
func (p Plan[T]) Result(rows []T) Result[T] {
	size := p.request.size()
	more := len(rows) > size
	if more {
		rows = rows[:size]
	}
	result := Result[T]{
		Items:       rows,
		HasNext:     p.before != nil,
		HasPrevious: p.after != nil || p.request.Offset != nil && *p.request.Offset > 0,
		cursor:      p.order.cursor,
	}
	if p.request.backward() {
		slices.Reverse(rows)
		result.HasPrevious = result.HasPrevious || more
	} else {
		result.HasNext = result.HasNext || more
	}
	return result
}

func (o Order[T]) cursor(row T) string {
	key := o.Key(row)
	c := cursor{order: o.mark(), id: key.ID, kind: none}
	if o.Column == idColumn {
		return c.String()
	}
	switch v := key.Value.(type) {
	case nil:
	case string:
		c.kind, c.text = Text, v
	case int64:
		c.kind, c.num = Number, v
	case time.Time:
		c.kind, c.at = Instant, v
	default:
		panic(fmt.Sprintf("page: the key of order %s is a %T", o.Name, v))
	}
	return c.String()
}
