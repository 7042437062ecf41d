package graph

import (
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"campaignql/internal/apperr"
)

// clearing is the list `clear` of a partial update, an enum per type of input. A field of the input
// that is absent or null is left alone, because generated clients send null for whatever was not
// set; only what the list names is cleared.
type clearing[F comparable] struct {
	named []F
	// below is the path of the input in the arguments, with a dot at its end. It is empty for the
	// input itself.
	below  string
	faults *apperr.Faults
}

func clears[F comparable](named graphql.Omittable[[]F], below string, faults *apperr.Faults) clearing[F] {
	return clearing[F]{named: named.Value(), below: below, faults: faults}
}

// has reports whether a field is to be cleared. name is the name of the field in the input, and
// given says whether the input has a value for it. If both are true, has adds a fault.
func (c clearing[F]) has(field F, name string, given bool) bool {
	if !slices.Contains(c.named, field) {
		return false
	}
	if given {
		c.faults.Add(clearedAndSet(c.below+name, "clear"))
	}
	return true
}

// clearedAndSet is the fault of a field that the list names although it has a value.
func clearedAndSet(field, list string) error {
	return apperr.InvalidField(
		field, apperr.ReasonClearedAndSet, "has a value and is named in %s: give one of the two", list,
	)
}

// patched returns the new value of a field that can be cleared: nil leaves it alone, and the zero
// value clears it.
func patched[F comparable, T any](c clearing[F], field F, name string, o graphql.Omittable[*T]) *T {
	value := o.Value()
	if c.has(field, name, value != nil) {
		return new(T)
	}
	return value
}
