package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
)

// small is a cache that does not accept entries larger than largestKept bytes.
type small[T any] struct {
	graphql.Cache[T]
	size func(key string, value T) int
}

// Add caches a value unless it is too large.
func (s small[T]) Add(ctx context.Context, key string, value T) {
	if s.size(key, value) <= largestKept {
		s.Cache.Add(ctx, key, value)
	}
}
