// Package page owns how the product's lists are cut into pages: the request of a Relay connection,
// its opaque cursors, and the keyset condition they become in SQL. It knows no entity: a domain
// declares its orders and runs the query itself.
package page

import (
	"campaignql/internal/apperr"
)

const (
	// DefaultSize is the number of rows of a page that names no size.
	DefaultSize = 25
	// MaxSize is the largest page.
	MaxSize = 250
)

// Request asks for one page of a connection. The zero value asks for the first DefaultSize rows.
//
// After and Before bound the rows on either side, exclusively; First then takes from the start of
// what is left and Last from its end. Without either the page is the first DefaultSize rows. First
// or Last of 0 gives no rows, but still tells whether there are any. Offset skips rows for
// page-number interfaces; it cannot be combined with cursors or Last.
type Request struct {
	First, Last   *int
	After, Before string
	Offset        *int

	// walk marks a page of Each.
	walk bool
}

// Validate returns every fault of the request at once, as Invalid errors on the fields first, last,
// after, before and offset.
func (r Request) Validate() error {
	var faults apperr.Faults
	r.validate(&faults)
	return faults.Err()
}

func (r Request) validate(faults *apperr.Faults) (after, before *cursor) {
	if !r.walk {
		checkSize(faults, "first", r.First)
	}
	checkSize(faults, "last", r.Last)
	if r.First != nil && r.Last != nil {
		faults.Add(apperr.InvalidField("last", apperr.ReasonPageBothEnds, "give first or last, not both"))
	}
	after = checkCursor(faults, "after", r.After)
	before = checkCursor(faults, "before", r.Before)
	if r.Offset != nil {
		switch {
		case *r.Offset < 0:
			faults.Add(apperr.InvalidField("offset", apperr.ReasonPageOffset, "must not be negative"))
		case r.After != "" || r.Before != "" || r.Last != nil:
			faults.Add(
				apperr.InvalidField(
					"offset", apperr.ReasonPageOffsetWithCursor, "cannot be combined with after, before or last",
				),
			)
		}
	}
	return after, before
}

func checkSize(faults *apperr.Faults, field string, size *int) {
	switch {
	case size == nil:
	case *size < 0:
		faults.Add(apperr.InvalidField(field, apperr.ReasonPageSize, "must not be negative"))
	case *size > MaxSize:
		faults.Add(apperr.InvalidField(field, apperr.ReasonPageSize, "must be at most %d", MaxSize))
	}
}

func checkCursor(faults *apperr.Faults, field, text string) *cursor {
	if text == "" {
		return nil
	}
	c, ok := parseCursor(text)
	if !ok {
		faults.Add(apperr.InvalidField(field, apperr.ReasonCursorInvalid, "is not a cursor of this server"))
		return nil
	}
	return &c
}

// backward reports whether the page is taken from the end.
func (r Request) backward() bool { return r.Last != nil }

// size returns the number of rows asked for.
func (r Request) size() int {
	switch {
	case r.First != nil:
		return *r.First
	case r.Last != nil:
		return *r.Last
	default:
		return DefaultSize
	}
}

// Result is one page.
type Result[T any] struct {
	// Items are the rows, in the order of the list whichever end they were taken from.
	Items []T
	// HasNext reports whether rows follow the page. A page that was bounded by before always has
	// one: the row of that cursor.
	HasNext bool
	// HasPrevious reports whether rows precede the page. A page that was bounded by after always
	// has one, and so has one with an offset, even beyond the end of the list: Relay lets a server
	// answer what it knows without another query.
	HasPrevious bool

	cursor func(T) string
}

// Cursor returns the cursor of Items[i], for after and before of a later request with the same order.
func (r Result[T]) Cursor(i int) string { return r.cursor(r.Items[i]) }
