package store

import (
	"cmp"
	"context"
	"slices"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
)

// Query is an Ent query for rows of type T. S is the type of the query once its columns are
// selected.
type Query[T, S any] interface {
	Modify(modifiers ...func(*sql.Selector)) S
	Select(columns ...string) S
	All(ctx context.Context) ([]T, error)
}

const (
	// idColumn is the primary key of every table.
	idColumn = "id"
	// idsAtOnce is the maximum number of ids in one statement. SQLite allows 32,766 arguments.
	idsAtOnce = 5000
)

// ByIDs returns rows by their ids. One statement reads up to 5,000 ids. The result has no entry for
// an id that the query does not find. columns are selected in addition to the id; if columns is
// empty, all columns are selected. The error is translated, see Translate.
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

// namedByIDs reports whether ByIDs runs the query.
func namedByIDs(ctx context.Context) bool { return ctx.Value(byIDsKey{}) != nil }

// byIDs returns the condition that a column has a value, for a query that also selects rows by id.
// SQLite has no statistics: it assumes that an index on the owner column finds ten rows, and
// prefers this index if the query has more than ten ids. It would then read all rows of the
// account. The plus before the column prevents the use of an index for this condition.
func byIDs(column string, value any) *sql.Predicate {
	return sql.P(func(b *sql.Builder) {
		if b.Dialect() == dialect.SQLite {
			b.WriteByte('+')
		}
		b.Ident(column).WriteOp(sql.OpEQ).Arg(value)
	})
}

// Distinct returns the values in ascending order without duplicates. Rows are locked in this order
// so that concurrent transactions do not deadlock.
func Distinct[T cmp.Ordered](values []T) []T {
	return slices.Compact(slices.Sorted(slices.Values(values)))
}

// Args returns the values as arguments of a statement.
func Args[T any](values []T) []any {
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	return args
}
