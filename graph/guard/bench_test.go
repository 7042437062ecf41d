package guard

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"
)

// twentyFields is a query of typical size for one screen of an application.
const twentyFields = `query($n: Int) {
  campaigns(first: $n) {
    totalCount
    pageInfo { hasNextPage }
    nodes { id name status rate words tags { id name } ...more parent { ...more } related(first: 3) { nodes { id name } } }
  }
} fragment more on Campaign { name status rate }`

// BenchmarkCachedOperation measures the cost of the limits for a request whose document is cached.
func BenchmarkCachedOperation(b *testing.B) {
	g := New(Config{})
	s := serve(b, testSchema, g)
	op, errs := s.operation(twentyFields, map[string]any{"n": 50})
	if errs != nil {
		b.Fatal(errs)
	}
	b.ReportAllocs()
	for b.Loop() {
		op.Stats = graphql.Stats{}
		if err := g.MutateOperationContext(b.Context(), op); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkCheck measures the cost of the limits for a request whose document is not cached,
// without parsing and validation.
func BenchmarkCheck(b *testing.B) {
	g := New(Config{})
	s := serve(b, testSchema, g)
	op, errs := s.operation(twentyFields, map[string]any{"n": 50})
	if errs != nil {
		b.Fatal(errs)
	}
	b.ReportAllocs()
	for b.Loop() {
		if over := g.Check(op.Doc); over != nil {
			b.Fatal(over[0])
		}
	}
}
