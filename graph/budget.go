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

// admitted returns a context with a budget and a place for an operation. The context of an HTTP
// request has both already. Over a WebSocket each operation has its own, until its answer is
// written.
func (s *server) admitted(ctx context.Context) context.Context {
	if !requestOf(ctx).shared && budget.From(ctx) != nil {
		return ctx
	}
	opened, end := s.options.Requests.Open(ctx)
	whenAnswered(ctx, end)
	return opened
}

// whenAnswered calls done when the answer of an operation is completely written.
func whenAnswered(ctx context.Context, done func()) {
	if !transport.AfterOperation(ctx, done) {
		context.AfterFunc(ctx, done) // the context of an HTTP request ends after its answer
	}
}

// latest is the budget of the latest update of a subscription. An update is held in memory until it
// is written. It is written when the next update is requested.
type latest struct {
	mu    sync.Mutex
	held  *budget.Budget
	ended bool
}

// replace closes the budget of the last update and stores that of the next one.
func (l *latest) replace(held *budget.Budget) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held.Close()
	if l.held = held; l.ended {
		held.Close()
	}
}

// end closes the budget permanently.
func (l *latest) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.held.Close()
}

// bounded replaces an answer that exceeded its budget. A query is answered only with that error,
// because null in place of a missing value would look like data. A mutation is answered with the
// known results and the first errors.
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
		if reason := err.Extensions["reason"]; reason == reasonName(apperr.ReasonAnswerTooLarge) ||
			reason == reasonName(apperr.ReasonAnswersTooLarge) {
			response.Errors = gqlerror.List{err}
			return
		}
	}
	response.Errors = gqlerror.List{s.present(ctx, exceeded)} // the errors alone exceeded the budget
}

// chargeError charges an error of an answer.
func chargeError(ctx context.Context, err *gqlerror.Error) {
	const rest = 512                                              // the path, locations and extensions
	_ = budget.From(ctx).Charge(int64(len(err.Message))+rest, "") // if this fails, the answer is replaced
}

// innermost returns the name of the field that failed, or its alias from the path if the field is
// not known.
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

// maxErrors is the upper bound of errors in a mutation's answer that is too large.
const maxErrors = 100
