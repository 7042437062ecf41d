package graph

import (
	"context"
	"slices"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/graph/transport"
	"campaignql/internal/apperr"
	"campaignql/internal/budget"
)

// admitted returns a context with a budget and a place for an operation. An HTTP request has both
// already. Operations over one WebSocket have each their own, until their answer is written.
func (s *server) admitted(ctx context.Context) context.Context {
	if !requestOf(ctx).shared && budget.From(ctx) != nil {
		return ctx
	}
	opened, end := s.options.Requests.Open(ctx)
	whenAnswered(ctx, end)
	return opened
}

// whenAnswered calls done once nothing of an operation is written any more.
func whenAnswered(ctx context.Context, done func()) {
	if !transport.AfterOperation(ctx, done) {
		context.AfterFunc(ctx, done) // of a request, which ends after its answer
	}
}

// latest is the budget of the latest update of a subscription. An update is held until it is
// written, which is when the next one is asked for.
type latest struct {
	mu    sync.Mutex
	held  *budget.Budget
	ended bool
}

// replace closes the budget of the last update and begins that of the next.
func (l *latest) replace(held *budget.Budget) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held.Close()
	if l.held = held; l.ended {
		held.Close()
	}
}

// end closes the budget for good.
func (l *latest) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.held.Close()
}

// bounded replaces an answer that was to hold more than it may. Of a query nothing is sent but that
// error: nulls in place of what did not fit would look like data. What a mutation has done is shown
// as far as it is known, with the first errors.
func (s *server) bounded(ctx context.Context, op *graphql.OperationContext, response *graphql.Response) {
	exceeded := budget.From(ctx).Err()
	if exceeded == nil {
		return
	}
	if op.Operation.Operation == ast.Mutation {
		response.Errors = response.Errors[:min(len(response.Errors), maxErrors)]
		return
	}
	response.Data = []byte("null")
	for _, err := range response.Errors {
		if reason := err.Extensions["reason"]; reason == string(apperr.ReasonAnswerTooLarge) ||
			reason == string(apperr.ReasonAnswersTooLarge) {
			response.Errors = gqlerror.List{err}
			return
		}
	}
	response.Errors = gqlerror.List{s.present(ctx, exceeded)} // of the errors themselves there are too many
}

// chargeError charges an error that an answer shows.
func chargeError(ctx context.Context, err *gqlerror.Error) {
	const rest = 512                                              // its path, locations and extensions
	_ = budget.From(ctx).Charge(int64(len(err.Message))+rest, "") // the answer is replaced when it fails
}

// innermost is the name of the field that failed, of the path its alias where the field is not known.
func innermost(ctx context.Context, path ast.Path) string {
	if fc := graphql.GetFieldContext(ctx); fc != nil && fc.Field.Field != nil && fc.Field.Name != "" {
		return fc.Field.Name
	}
	for _, element := range slices.Backward(path) {
		if name, ok := element.(ast.PathName); ok {
			return string(name)
		}
	}
	return ""
}

// maxErrors is how many errors of a mutation are shown when its answer is too large.
const maxErrors = 100
