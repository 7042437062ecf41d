package page

import (
	"context"

	"campaignql/internal/store"
)

// Read fetches the page that the request asks for, in one statement: of the rows of the query, in
// the order. It selects the columns and those that the cursors need; all without any. The errors of
// a bad request are those of Request; others are translated.
func Read[T, S any, Q store.Query[T, S]](
	ctx context.Context, order Order[T], request Request, query Q, columns []string,
) (Result[T], error) {
	plan, err := order.Plan(request)
	if err != nil {
		return Result[T]{}, err
	}
	return Fetch(ctx, plan, query, columns)
}

// Fetch is Read with a plan that is made already.
func Fetch[T, S any, Q store.Query[T, S]](
	ctx context.Context, plan Plan[T], query Q, columns []string,
) (Result[T], error) {
	query.Modify(plan.Apply)
	if len(columns) > 0 {
		query.Select(plan.Select(columns)...)
	}
	rows, err := query.All(ctx)
	if err != nil {
		return Result[T]{}, store.Translate(err)
	}
	return plan.Result(rows), nil
}
