package store

import (
	"cmp"
	"context"
	"slices"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
)

// Query is a query of Ent for rows of type T; S is what it is once its columns are chosen.
type Query[T, S any] interface {
	Modify(modifiers ...func(*sql.Selector)) S
	Select(columns ...string) S
	All(ctx context.Context) ([]T, error)
}

const (
	// idColumn is the primary key of every table.
	idColumn = "id"
	// idsAtOnce is how many ids one statement takes; SQLite allows 32,766 arguments.
	idsAtOnce = 5000
)

// ByIDs returns rows by their ids, in one statement for up to 5,000; those that the query does not
// find are absent. Columns are those to select besides the id; all without any. The error is
// translated.
func ByIDs[T, S any, Q Query[T, S]](
	ctx context.Context, ids []int64, columns []string, id func(T) int64, query func(some ...int64) Q,
) (map[int64]T, error) {
	if len(columns) > 0 && !slices.Contains(columns, idColumn) {
		columns = append([]string{idColumn}, columns...)
	}
	found := make(map[int64]T, len(ids))
	ctx = context.WithValue(ctx, byIDsKey{}, true)
	for some := range slices.Chunk(ids, idsAtOnce) {
		q := query(some...)
		if len(columns) > 0 {
			q.Select(columns...)
		}
		rows, err := q.All(ctx)
		if err != nil {
			return nil, Translate(err)
		}
		for _, row := range rows {
			found[id(row)] = row
		}
	}
	return found, nil
}

type byIDsKey struct{}

// namedByIDs reports whether a query is one of ByIDs.
func namedByIDs(ctx context.Context) bool { return ctx.Value(byIDsKey{}) != nil }

// byIDs is the condition that a column has a value, of rows that are named by their ids. SQLite has
// no statistics, takes any index of the owner's for one that finds ten rows, and prefers it to more
// than ten ids: it would read all that the account has. The plus says that no index is to serve the
// condition.
func byIDs(column string, value any) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		if b.Dialect() == dialect.SQLite {
			b.WriteByte('+')
		}
		b.Ident(column).WriteOp(sql.OpEQ).Arg(value)
	})
}

// Distinct returns the values in ascending order, each once. Rows are locked in this order, so that
// concurrent transactions do not deadlock.
func Distinct[T cmp.Ordered](values []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}
