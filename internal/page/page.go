// Package page owns how lists are divided into pages: the request of a Relay connection, its opaque
// cursors, and the keyset conditions in SQL. It must not know any entity: a domain declares its
// orders and runs the queries.
package page

import (
	"campaignql/internal/apperr"
)

const (
	// DefaultSize is the number of rows of a page if the request has no size.
	DefaultSize = 25
	// MaxSize is the maximum size of a page.
	MaxSize = 250
)

// Request requests one page of a connection. The zero value requests the first DefaultSize rows.
//
// After and Before are exclusive bounds. First takes rows from the start of the rows between the
// bounds, and Last takes them from the end. Without First and Last the page has the first
// DefaultSize rows. If First or Last is 0, the page has no rows, but it still reports whether there
// are any. Offset skips rows, for user interfaces with page numbers. It cannot be combined with
// cursors or Last.
type Request struct {
	First, Last   *int
	After, Before string
	Offset        *int

	// walk marks a page of Each.
	walk bool
}

// Validate returns all faults of the request together, as Invalid errors on the fields first, last,
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
			faults.Add(apperr.InvalidField(
				"offset", apperr.ReasonPageOffsetWithCursor, "cannot be combined with after, before or last",
			))
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

// size returns the number of rows requested.
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
	// Items are the rows in the order of the list, also if they were taken from the end.
	Items []T
	// HasNext reports whether rows follow the page. It is always true for a page with the bound
	// before, because the row of that cursor follows.
	HasNext bool
	// HasPrevious reports whether rows precede the page. It is always true for a page with the
	// bound after or with an offset, even beyond the end of the list: Relay allows a server to
	// answer without another query.
	HasPrevious bool

	cursor func(T) string
}

// Cursor returns the cursor of Items[i], for after and before of a later request with the same
// order.
func (r Result[T]) Cursor(i int) string { return r.cursor(r.Items[i]) }
