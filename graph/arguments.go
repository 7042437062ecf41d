package graph

import (
	"fmt"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"campaignql/graph/gid"
	"campaignql/internal/apperr"
	"campaignql/internal/page"
)

// maxIDs is the upper bound of ids in one argument.
const maxIDs = 250

// identify parses an id of the kind: a global id or a legacy number. name is the name of the
// argument, for the error.
func identify(kind gid.Kind, name, text string) (int64, error) {
	id, err := gid.Decode(kind, text)
	if err != nil {
		return 0, apperr.InvalidField(name, apperr.ReasonIDInvalid, "%s", err.Error())
	}
	return id, nil
}

// identifyAll parses ids and removes duplicates. It returns an error if there are more than limit.
func identifyAll(kind gid.Kind, name string, texts []string, limit int) ([]int64, error) {
	if len(texts) > limit {
		return nil, apperr.InvalidField(
			name, apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(texts), limit,
		)
	}
	ids := make([]int64, 0, len(texts))
	var faults apperr.Faults
	for i, text := range texts {
		id, err := identify(kind, fmt.Sprintf("%s[%d]", name, i), text)
		faults.Add(err)
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, faults.Err()
}

// globalIDs returns the global ids of objects of a kind.
func globalIDs(kind gid.Kind, ids []int64) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = gid.Encode(kind, id)
	}
	return out
}

func pageRequest(first *int32, after *string, last *int32, before *string, offset *int32) page.Request {
	return page.Request{
		First: wide(first), Last: wide(last), After: value(after), Before: value(before), Offset: wide(offset),
	}
}

func wide(n *int32) *int {
	if n == nil {
		return nil
	}
	w := int(*n)
	return &w
}

func wide64(n *int32) *int64 {
	if n == nil {
		return nil
	}
	w := int64(*n)
	return &w
}

func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// given returns the value of a field that cannot be cleared. Null counts as absent.
func given[T any](o graphql.Omittable[*T]) *T { return o.Value() }

// or returns the given value of a field with a default. Null is as good as absent, because generated clients send
// null for what was not set.
func or[T any](o graphql.Omittable[*T], byDefault T) T {
	if v := o.Value(); v != nil {
		return *v
	}
	return byDefault
}
