// Package executor is the run-time library of the generated executor. The code that gqlgen's plugin in
// generate writes into graph/exec compiles a selection into an [Output] once for an operation. Then it
// works in two phases: ask calls all resolvers, level by level, for all rows of a level at once; put only
// writes JSON, row after row.
//
// The data is that of gqlgen's own executor byte for byte, and the errors are the same, in another
// order. Nothing is run twice. gqlgen's AroundFields and AroundRootFields are not called. The package
// knows no type of the schema.
package executor

import (
	"context"
	"sync"

	"github.com/99designs/gqlgen/graphql"

	"campaignql/internal/budget"
)

// None is the parent of the fields of a root type.
type None = struct{}

// Root is a root type of the schema.
type Root = Object[None]

// Query answers a query. The fields of the root are resolved concurrently.
func Query(op *graphql.OperationContext, of Root) graphql.ResponseHandler {
	return once(func(ctx context.Context) []byte {
		members := of.members(op, op.Operation.SelectionSet)
		var running sync.WaitGroup
		asking := asked(members)
		for i, m := range asking {
			if i == len(asking)-1 {
				m.out.ask(ctx, make([]None, 1))
				break
			}
			running.Go(func() { m.out.ask(ctx, make([]None, 1)) })
		}
		running.Wait()
		w := newWriter(ctx)
		putObject(w, members, None{}, 0)
		return w.data()
	})
}

// Mutation answers a mutation. The fields of the root are resolved and written one after the other.
func Mutation(op *graphql.OperationContext, of Root) graphql.ResponseHandler {
	return once(func(ctx context.Context) []byte {
		members := of.members(op, op.Operation.SelectionSet)
		for i, m := range members {
			members[i].out.put = func(w *writer, _ None, _ int) {
				if m.out.ask != nil {
					m.out.ask(ctx, make([]None, 1))
				}
				m.out.put(w, None{}, 0)
			}
		}
		w := newWriter(ctx)
		putObject(w, members, None{}, 0)
		return w.data()
	})
}

// once is a handler of one response.
func once(answer func(ctx context.Context) []byte) graphql.ResponseHandler {
	done := false
	return func(ctx context.Context) *graphql.Response {
		if done {
			return nil
		}
		done = true
		return &graphql.Response{Data: protectedAnswer(ctx, answer)}
	}
}

// protectedAnswer reports a panic of the executor itself, such as over a selection, as an error.
func protectedAnswer(ctx context.Context, answer func(ctx context.Context) []byte) (data []byte) {
	defer func() {
		if value := recover(); value != nil {
			graphql.AddError(ctx, graphql.GetOperationContext(ctx).Recover(ctx, value))
			data = []byte(null)
		}
	}()
	return answer(ctx)
}

// Subscription opens the stream of a subscription and answers each of its events.
func Subscription(ctx context.Context, op *graphql.OperationContext, of Object[*Event]) graphql.ResponseHandler {
	members := of.members(op, op.Operation.SelectionSet)
	if len(members) != 1 {
		graphql.AddErrorf(ctx, "must subscribe to exactly one stream")
		return nil
	}
	event := &Event{}
	m := members[0]
	m.out.ask(ctx, []*Event{event})
	if event.next == nil {
		w := newWriter(ctx)
		putObject(w, members, event, 0) // reports why
		return nil
	}
	return func(ctx context.Context) *graphql.Response {
		if !event.next(ctx) {
			return nil
		}
		return &graphql.Response{Data: protectedAnswer(ctx, func(ctx context.Context) []byte {
			w := newWriter(ctx)
			putObject(w, members, event, 0)
			return w.data()
		})}
	}
}

// Event is the root of a subscription: it has the stream of the one field that is subscribed to.
type Event struct {
	// next waits for the next event and asks the resolvers below it. It returns false at the end of the
	// stream, and is nil if there is no stream.
	next func(ctx context.Context) bool
}

// Stream is a field of the root of a subscription.
func Stream[V any](f *Field, out Output[V], open func(ctx context.Context) (<-chan V, error)) Output[*Event] {
	f.isMethod, f.isResolver = true, true
	var failed report
	var value V
	return Output[*Event]{
		ask: func(ctx context.Context, events []*Event) {
			var arguments map[string]any
			if arguments, failed = f.read(ctx); failed != nil {
				return
			}
			var stream <-chan V
			stream, failed = protected(f.context(ctx, arguments), None{}, func(ctx context.Context, _ None) (<-chan V, error) {
				return open(ctx)
			})
			if failed != nil {
				return
			}
			events[0].next = func(ctx context.Context) bool {
				select {
				case v, ok := <-stream:
					if value = v; ok && out.ask != nil {
						below := f.context(ctx, arguments)
						failed = guarded(below, func() { out.ask(below, []V{v}) })
					}
					return ok
				case <-ctx.Done():
					return false
				}
			}
		},
		put: func(w *writer, _ *Event, _ int) {
			if failed != nil {
				failed(w)
				return
			}
			out.put(w, value, 0)
		},
	}
}

// writer collects the data of a response.
type writer struct {
	ctx context.Context
	buf []byte
	// path is the place of the value that is being written.
	path []step
	// failed says that the value just written has to be null. Its error has been reported.
	failed bool
	// budget bounds the response. charged is the length of buf that has been charged to it.
	budget  *budget.Budget
	charged int
}

// step is a field, or an element of a list if field is nil.
type step struct {
	field *Field
	index int
}

const (
	null = "null"
	// initialSize is the first capacity of a response in bytes. Most pages fit.
	initialSize = 8 << 10
	// uncharged is how many bytes may be written before they are charged.
	uncharged = 4 << 10
)

func newWriter(ctx context.Context) *writer {
	return &writer{ctx: ctx, buf: make([]byte, 0, initialSize), budget: budget.From(ctx)}
}

// data returns the JSON of the response.
func (w *writer) data() []byte {
	if w.failed {
		return []byte(null)
	}
	return w.buf
}

// fail reports an error of the value that is being written.
func (w *writer) fail(err error) {
	w.failed = true
	ctx := w.fieldContext()
	addError(ctx, graphql.AddFieldLocationToError(ctx, err))
}

// reportNull reports that the value is null where the type of the schema does not allow it.
func (w *writer) reportNull(declared string, marshaled bool) {
	w.failed = true
	if marshaled {
		graphql.AddInvalidNullFromMarshaler(w.fieldContext(), declared)
		return
	}
	graphql.AddInvalidNullError(w.fieldContext(), declared)
}

// fieldContext returns the context that gqlgen has for the value that is being written.
func (w *writer) fieldContext() context.Context {
	ctx := w.ctx
	for _, at := range w.path {
		if at.field != nil {
			ctx = at.field.context(ctx, nil)
			continue
		}
		index := at.index
		ctx = graphql.WithFieldContext(ctx, &graphql.FieldContext{Index: &index})
	}
	return ctx
}

// charge charges what was written since the last time if it is worth it. The value fails if it is too much.
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

// full reports whether the response holds more than it may: nothing of it will be sent.
func (w *writer) full() bool { return w.budget.Err() != nil }
