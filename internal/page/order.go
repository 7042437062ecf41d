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

// Key is the position of a row in an order.
type Key struct {
	// Value is the order column as the database stores it: string, int64 or time.Time, or nil for
	// NULL. It is ignored in an order by id.
	Value any
	ID    int64
}

// Optional returns the value of a nullable column for a Key: the value p points to, or nil.
func Optional[V any](p *V) any {
	if p == nil {
		return nil
	}
	return *p
}

// Order is one order of a list: by a column, then by id in the same direction. NULLs come first in
// ascending and last in descending order, as MySQL and SQLite both sort them.
type Order[T any] struct {
	// Name identifies the order in cursors, such as "CREATED_AT". It must not contain a colon.
	Name string
	// Column is the column of the list's table; "id" orders by id alone.
	Column string
	// Type is the type of the column. It is ignored in an order by id.
	Type Type
	// Desc reverses the order.
	Desc bool
	// Nullable is true if the column may be NULL.
	Nullable bool
	// Key returns the position of a row. It may read only the columns that Plan.Columns returns.
	Key func(T) Key
}

// Plan is a valid request in a given order. Order.Plan creates it.
type Plan[T any] struct {
	order         Order[T]
	request       Request
	after, before *cursor
}

// Plan validates the request and returns how to fetch its page. The error contains every fault of
// the request, including a cursor that belongs to another order.
func (o Order[T]) Plan(r Request) (Plan[T], error) {
	var faults apperr.Faults
	p := Plan[T]{order: o, request: r}
	p.after, p.before = r.validate(&faults)
	o.check(&faults, "after", p.after)
	o.check(&faults, "before", p.before)
	return p, faults.Err()
}

func (o Order[T]) check(faults *apperr.Faults, field string, c *cursor) {
	checkOrder(faults, field, c, o.mark(), o.accepts)
}

// checkOrder checks that a cursor belongs to the order with a mark and has a key of its type.
func checkOrder(faults *apperr.Faults, field string, c *cursor, mark string, accepts func(Type) bool) {
	switch {
	case c == nil:
	case c.order != mark:
		faults.Add(apperr.InvalidField(
			field, apperr.ReasonCursorOfAnotherOrder,
			"belongs to a list in another order: start from the first page again",
		))
	case !accepts(c.kind):
		faults.Add(apperr.InvalidField(field, apperr.ReasonCursorInvalid, "is not a cursor of this server"))
	}
}

// accepts reports whether a cursor of this order may have a key of this type. Without this check a
// forged cursor could pass a value of another type to the database.
func (o Order[T]) accepts(kind Type) bool {
	if o.Column == idColumn {
		return kind == none
	}
	return kind == o.Type || kind == none && o.Nullable
}

// mark returns the name of the order in a cursor, with its direction.
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

// Select adds the columns that the cursors need to columns, without duplicates. For an empty list
// it returns nil, which selects all columns.
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

// Apply adds the bounds, the order, the limit and the offset of the page to a query. It is a
// modifier for Ent's Modify. It fetches one row more than the page, so that Result knows whether
// there are more.
func (p Plan[T]) Apply(s *sql.Selector) { p.apply(s, idColumn) }

// apply is Apply for a table in which the column id has another name.
func (p Plan[T]) apply(s *sql.Selector, id string) {
	if p.after != nil {
		s.Where(p.order.beyond(s, *p.after, !p.order.Desc, id))
	}
	if p.before != nil {
		s.Where(p.order.beyond(s, *p.before, p.order.Desc, id))
	}
	p.sort(s, id)
	s.Limit(p.request.size() + 1)
	if p.request.Offset != nil && *p.request.Offset > 0 {
		s.Offset(*p.request.Offset)
	}
}

// sort sets the order in which the page is read: reversed if the page is taken from the end.
func (p Plan[T]) sort(s *sql.Selector, id string) {
	direction := sql.Asc
	if p.order.Desc != p.request.backward() {
		direction = sql.Desc
	}
	s.ClearOrder()
	if p.order.Column != idColumn {
		s.OrderBy(direction(s.C(p.order.Column)))
	}
	s.OrderBy(direction(s.C(id)))
}

// beyond returns the condition that a row sorts after (up) or before (down) the cursor in ascending
// order.
func (o Order[T]) beyond(s *sql.Selector, c cursor, up bool, idName string) *sql.Predicate {
	than, reach := sql.LT, sql.LTE
	if up {
		than, reach = sql.GT, sql.GTE
	}
	id := than(s.C(idName), c.id)
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
	// The second term implies the first, but only the first is a range that an index serves.
	return sql.And(reach(column, value), sql.Or(further...))
}

// Result turns the rows that the query of the plan returned into the page. It takes ownership of
// the slice.
func (p Plan[T]) Result(rows []T) Result[T] {
	return pageOf(rows, p.request, p.after, p.before, p.order.cursor)
}

func pageOf[T any](rows []T, request Request, after, before *cursor, position func(T) string) Result[T] {
	size := request.size()
	more := len(rows) > size
	if more {
		rows = rows[:size]
	}
	result := Result[T]{
		Items:       rows,
		HasNext:     before != nil,
		HasPrevious: after != nil || request.Offset != nil && *request.Offset > 0,
		cursor:      position,
	}
	if request.backward() {
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
