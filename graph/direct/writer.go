package direct

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"campaignql/internal/budget"
)

// writer gathers the data of a response.
type writer struct {
	ctx context.Context
	buf []byte
	// path is where the value stands that is being written.
	path []step
	// failed says that the value just written is none: its error has been reported.
	failed bool
	// budget is what the response may hold, charged the length of buf that has been charged to it.
	budget  *budget.Budget
	charged int
}

// step is a field, or an entry of a list where field is nil.
type step struct {
	field *graphql.CollectedField
	index int
}

// fail reports an error of the value that is being written.
func (w *writer) fail(err error) {
	w.failed = true
	ctx := w.fieldContext()
	graphql.AddError(ctx, graphql.AddFieldLocationToError(ctx, err))
}

// panicked reports a panic of the value that is being written, as the executor does.
func (w *writer) panicked(value any) {
	ctx := w.fieldContext()
	w.failed = true
	graphql.AddError(ctx, graphql.GetOperationContext(ctx).Recover(ctx, value))
}

// fieldContext is the context that the executor would have for the value that is being written.
func (w *writer) fieldContext() context.Context {
	ctx := w.ctx
	for _, at := range w.path {
		fc := &graphql.FieldContext{}
		if at.field == nil {
			index := at.index
			fc.Index = &index
		} else {
			fc.Field = *at.field
		}
		ctx = graphql.WithFieldContext(ctx, fc)
	}
	return ctx
}

// uncharged is how much may be written before it is charged.
const uncharged = 4 << 10

// charge charges what was written since the last time, when it is worth it. The value fails when it is too much.
func (w *writer) charge() {
	grown := len(w.buf) - w.charged
	if grown < uncharged {
		w.charged = min(w.charged, len(w.buf)) // a value that failed was taken back
		return
	}
	w.charged = len(w.buf)
	if err := w.budget.Charge(int64(grown), ""); err != nil {
		w.fail(err)
	}
}

// full says that the response holds more than it may: nothing of it will be sent.
func (w *writer) full() bool { return w.budget.Err() != nil }
