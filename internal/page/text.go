package page

import (
	"time"

	"campaignql/internal/apperr"
)

// TextKey is the position of a row that has a text id.
type TextKey struct {
	At time.Time
	ID string
}

// TextOrder is an order of rows with a text id: newest first, and of one instant the highest id first.
// The caller writes the SQL, because such rows are read by statements of their own.
type TextOrder[T any] struct {
	// Name identifies the order in cursors. It must not contain a colon.
	Name string
	// Key returns the position of a row.
	Key func(T) TextKey
}

// TextPlan is a valid request in a TextOrder.
type TextPlan[T any] struct {
	order         TextOrder[T]
	request       Request
	after, before *cursor
}

// Plan is Order.Plan. An offset is not supported and is ignored.
func (o TextOrder[T]) Plan(r Request) (TextPlan[T], error) {
	var faults apperr.Faults
	p := TextPlan[T]{order: o, request: r}
	p.after, p.before = r.validate(&faults)
	accepts := func(kind Type) bool { return kind == instantText }
	checkOrder(&faults, "after", p.after, o.mark(), accepts)
	checkOrder(&faults, "before", p.before, o.mark(), accepts)
	return p, faults.Err()
}

func (o TextOrder[T]) mark() string { return o.Name + "-" }

// Older returns the position after which the page begins, so that its rows are older, or nil.
func (p TextPlan[T]) Older() *TextKey { return p.after.textKey() }

// Newer returns the position before which the page ends, so that its rows are newer, or nil.
func (p TextPlan[T]) Newer() *TextKey { return p.before.textKey() }

// Backward reports whether the page is taken from the end: oldest first.
func (p TextPlan[T]) Backward() bool { return p.request.backward() }

// Limit is the number of rows to fetch: one more than the page, so that Result knows whether there are
// more.
func (p TextPlan[T]) Limit() int { return p.request.size() + 1 }

// Result turns the fetched rows, which are oldest first if Backward, into the page. It takes ownership
// of the slice.
func (p TextPlan[T]) Result(rows []T) Result[T] {
	return pageOf(rows, p.request, p.after, p.before, p.order.cursor)
}

func (o TextOrder[T]) cursor(row T) string {
	key := o.Key(row)
	return cursor{order: o.mark(), kind: instantText, at: key.At, text: key.ID}.String()
}

func (c *cursor) textKey() *TextKey {
	if c == nil {
		return nil
	}
	return &TextKey{At: c.at, ID: c.text}
}
