package page

import (
	"context"

	"campaignql/internal/store"
)

// Read fetches the requested page of the query's rows in the given order, in one statement. It
// selects the given columns and those that the cursors need, or all columns if none are given. An
// invalid request returns the errors of Request.Validate and Order.Plan. Database errors are
// translated by store.Translate.
func Read[T, S any, Q store.Query[T, S]](
	ctx context.Context, order Order[T], request Request, query Q, columns []string,
) (Result[T], error) {
	plan, err := order.Plan(request)
	if err != nil {
		return Result[T]{}, err
	}
	return Fetch(ctx, plan, query, columns)
}

// Fetch is Read with an existing plan.
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
