package executor

import (
	"context"
	"errors"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Field is a field of a selection, with what the code generator knows of it.
type Field struct {
	graphql.CollectedField
	// Object is the type of the schema that has the field.
	Object string
	// arguments reads the arguments. It is nil if the field takes none.
	arguments  func(ctx context.Context) (map[string]any, error)
	isMethod   bool
	isResolver bool
}

// required reports whether the parent is null if the field is.
func (f *Field) required() bool { return f.Name == "__typename" || f.Definition.Type.NonNull }

// context returns the context that gqlgen gives the resolver of the field.
func (f *Field) context(ctx context.Context, arguments map[string]any) context.Context {
	return graphql.WithFieldContext(ctx, &graphql.FieldContext{
		Object: f.Object, Field: f.CollectedField, Args: arguments, IsMethod: f.isMethod, IsResolver: f.isResolver,
	})
}

// Argued says how the arguments of the field are read, and returns the field.
func (f *Field) Argued(arguments func(ctx context.Context) (map[string]any, error)) *Field {
	f.arguments = arguments
	return f
}

// Variable is a field of the schema that is a field of the Go type P.
func Variable[P, V any](f *Field, out Output[V], get func(parent P) V) Output[P] {
	if out.ask == nil {
		return Output[P]{put: func(w *writer, parent P, _ int) { out.put(w, get(parent), 0) }}
	}
	return resolved(f, out, oneByOne(func(_ context.Context, parent P) (V, error) { return get(parent), nil }))
}

// Getter is a field of the schema that is a method of P which cannot fail.
func Getter[P, V any](f *Field, out Output[V], get func(parent P) V) Output[P] {
	f.isMethod = true
	return Variable(f, out, get)
}

// Method is a field of the schema that is a method of P which may fail. It reads no database.
func Method[P, V any](f *Field, out Output[V], get func(parent P) (V, error)) Output[P] {
	f.isMethod = true
	if out.ask != nil {
		return resolved(f, out, oneByOne(func(_ context.Context, parent P) (V, error) { return get(parent) }))
	}
	return Output[P]{put: func(w *writer, parent P, _ int) {
		v, err := get(parent)
		if err != nil {
			w.fail(err)
			return
		}
		out.put(w, v, 0)
	}}
}

// Called is a field of the schema that is a method of P with a context. It runs once for each parent.
func Called[P, V any](f *Field, out Output[V], call func(ctx context.Context, parent P) (V, error)) Output[P] {
	f.isMethod = true
	return resolved(f, out, oneByOne(call))
}

// Resolver is a field of the schema that a resolver answers.
func Resolver[P, V any](f *Field, out Output[V], call func(ctx context.Context, parent P) (V, error)) Output[P] {
	f.isMethod, f.isResolver = true, true
	return resolved(f, out, oneByOne(call))
}

// Batch is a field of the schema that a resolver answers for all parents of a level in one call. It returns
// the values in the order of the parents, and either one error for all of them or [graphql.BatchErrors].
func Batch[P, V any](f *Field, out Output[V], call func(ctx context.Context, parents []P) ([]V, error)) Output[P] {
	f.isMethod, f.isResolver = true, true
	return resolved(f, out, func(ctx context.Context, parents []P, keep func(i int, v V, failed report)) {
		var values []V
		var err error
		failed := guarded(ctx, func() { values, err = call(ctx, parents) })
		if failed == nil && err == nil && len(values) != len(parents) {
			err = fmt.Errorf("executor: %d values of %s.%s for %d parents", len(values), f.Object, f.Name, len(parents))
		}
		if failed == nil && err != nil {
			failed = func(w *writer) { w.fail(err) }
		}
		own, _ := errors.AsType[graphql.BatchErrors](err)
		for i := range parents {
			var v V
			switch {
			case own != nil && len(values) == len(parents) && len(own.Errors()) == len(parents):
				of, at := own.Errors()[i], report(nil)
				if of != nil {
					at = func(w *writer) { w.fail(of) }
				}
				keep(i, values[i], at)
			case failed != nil:
				keep(i, v, failed)
			default:
				keep(i, values[i], nil)
			}
		}
	})
}

// report reports why a value is null.
type report func(w *writer)

// resolve finds the values of a field and hands each to keep, in the order of the parents, or why there is
// none.
type resolve[P, V any] func(ctx context.Context, parents []P, keep func(i int, v V, failed report))

// oneByOne calls a resolver for one parent after the other.
func oneByOne[P, V any](call func(ctx context.Context, parent P) (V, error)) resolve[P, V] {
	return func(ctx context.Context, parents []P, keep func(i int, v V, failed report)) {
		for i, parent := range parents {
			v, failed := protected(ctx, parent, call)
			keep(i, v, failed)
		}
	}
}

// outcome is what a resolver returned for one parent.
type outcome struct {
	// at is the index of the value among those that resolvers returned.
	at int
	// failed reports why there is no value. It is nil if there is one.
	failed report
}

// resolved is a field whose values are found for all parents before the first of them is written.
// Each resolver is called once.
func resolved[P, V any](f *Field, out Output[V], find resolve[P, V]) Output[P] {
	var (
		outcomes []outcome
		values   []V
	)
	keep := func(i int, v V, failed report) {
		outcomes[i] = outcome{len(values), failed}
		if failed == nil {
			values = append(values, v)
		}
	}
	return Output[P]{
		ask: func(ctx context.Context, parents []P) {
			outcomes, values = make([]outcome, len(parents)), make([]V, 0, len(parents))
			arguments, failed := f.read(ctx)
			ctx = f.context(ctx, arguments)
			if failed == nil {
				find(ctx, parents, keep)
			}
			if out.ask != nil && len(values) > 0 {
				failed = guarded(ctx, func() { out.ask(ctx, values) })
			}
			if failed != nil {
				fail(outcomes, failed)
			}
		},
		put: func(w *writer, _ P, at int) {
			if failed := outcomes[at].failed; failed != nil {
				failed(w)
				return
			}
			out.put(w, values[outcomes[at].at], outcomes[at].at)
		},
	}
}

// fail gives the outcomes that have no failure this one.
func fail(outcomes []outcome, failed report) {
	for i := range outcomes {
		if outcomes[i].failed == nil {
			outcomes[i].failed = failed
		}
	}
}

// read returns the arguments. If they are wrong, failed says so, with the path of the field it is called at.
func (f *Field) read(ctx context.Context) (arguments map[string]any, failed report) {
	if f.arguments == nil {
		return nil, nil
	}
	arguments, wrong := f.tryArguments(f.context(ctx, nil), func(error) {}, func(any) {})
	if !wrong {
		return arguments, nil
	}
	return nil, func(w *writer) {
		w.failed = true
		ctx := w.fieldContext()
		// Again, for the path of this place.
		f.tryArguments(ctx, func(err error) { addError(ctx, err) }, func(value any) { panicked(ctx, value)(w) })
	}
}

// tryArguments reads the arguments. failed says that they are wrong: onError or onPanic was called.
func (f *Field) tryArguments(
	ctx context.Context, onError func(err error), onPanic func(value any),
) (arguments map[string]any, failed bool) {
	defer func() {
		if value := recover(); value != nil {
			failed = true
			onPanic(value)
		}
	}()
	arguments, err := f.arguments(ctx)
	if err != nil {
		onError(err)
	}
	return arguments, err != nil
}

// protected calls a resolver. failed reports its error or its panic.
func protected[P, V any](
	ctx context.Context, parent P, call func(ctx context.Context, parent P) (V, error),
) (v V, failed report) {
	var err error
	if failed = guarded(ctx, func() { v, err = call(ctx, parent) }); failed == nil && err != nil {
		failed = func(w *writer) { w.fail(err) }
	}
	return v, failed
}

// guarded logs a panic and returns what reports it.
func guarded(ctx context.Context, do func()) (failed report) {
	defer func() {
		if value := recover(); value != nil {
			failed = panicked(ctx, value)
		}
	}()
	do()
	return nil
}

// panicked logs a panic and returns what reports it.
func panicked(ctx context.Context, value any) report {
	err := graphql.GetOperationContext(ctx).RecoverFunc(ctx, value)
	return func(w *writer) {
		w.failed = true
		if one, ok := err.(*gqlerror.Error); ok { // each place sets a path of its own
			own := *one
			addError(w.fieldContext(), &own)
			return
		}
		addError(w.fieldContext(), err)
	}
}

// addError reports an error, or each of a [gqlerror.List], at the place of the context.
func addError(ctx context.Context, err error) { graphql.GetOperationContext(ctx).Error(ctx, err) }
