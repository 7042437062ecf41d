package store

import (
	"context"
	"slices"

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

// ByIDs returns rows by their ids, in one statement for up to 5,000; those that the query does not find are absent. Columns are those to select besides the
// id; all without any. The error is translated.
func ByIDs[T, S any, Q Query[T, S]](
	ctx context.Context, ids []int64, columns []string, id func(T) int64, query func(some ...int64) Q,
) (map[int64]T, error) {
	if len(columns) > 0 && !slices.Contains(columns, idColumn) {
		columns = append([]string{idColumn}, columns...)
	}
	found := make(map[int64]T, len(ids))
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
