package executor

import (
	"context"

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
	return resolved(f, out, func(_ context.Context, parent P) (V, error) { return get(parent), nil })
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
		return resolved(f, out, func(_ context.Context, parent P) (V, error) { return get(parent) })
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

// Called is a field of the schema that is a method of P with a context.
func Called[P, V any](f *Field, out Output[V], call func(ctx context.Context, parent P) (V, error)) Output[P] {
	f.isMethod = true
	return resolved(f, out, call)
}

// Resolver is a field of the schema that a resolver answers.
func Resolver[P, V any](f *Field, out Output[V], call func(ctx context.Context, parent P) (V, error)) Output[P] {
	f.isMethod, f.isResolver = true, true
	return resolved(f, out, call)
}

// outcome is what a resolver returned for one parent.
type outcome struct {
	// at is the index of the value among those that resolvers returned.
	at int
	// report reports why there is no value. It is nil if there is one.
	report func(w *writer)
}

// resolved is a field whose values are found for all parents before the first of them is written.
// Each resolver is called once.
func resolved[P, V any](f *Field, out Output[V], call func(ctx context.Context, parent P) (V, error)) Output[P] {
	var (
		outcomes []outcome
		values   []V
	)
	return Output[P]{
		ask: func(ctx context.Context, parents []P) {
			outcomes, values = make([]outcome, len(parents)), make([]V, 0, len(parents))
			arguments, report := f.read(ctx)
			ctx = f.context(ctx, arguments)
			for i, parent := range parents {
				outcomes[i].report = report
				if report != nil {
					continue
				}
				v, failed := protected(ctx, parent, call)
				if failed != nil {
					outcomes[i].report = failed
					continue
				}
				outcomes[i].at = len(values)
				values = append(values, v)
			}
			if out.ask == nil || len(values) == 0 {
				return
			}
			failed := guarded(ctx, func() { out.ask(ctx, values) })
			for i := range outcomes {
				if failed != nil && outcomes[i].report == nil {
					outcomes[i].report = failed
				}
			}
		},
		put: func(w *writer, _ P, at int) {
			if report := outcomes[at].report; report != nil {
				report(w)
				return
			}
			out.put(w, values[outcomes[at].at], outcomes[at].at)
		},
	}
}

// read returns the arguments. If they are wrong, report says so, with the path of the field it is called at.
func (f *Field) read(ctx context.Context) (arguments map[string]any, report func(w *writer)) {
	if f.arguments == nil {
		return nil, nil
	}
	arguments, failed := f.tryArguments(f.context(ctx, nil), func(error) {}, func(any) {})
	if !failed {
		return arguments, nil
	}
	return nil, func(w *writer) {
		w.failed = true
		ctx := w.fieldContext()
		// Again, for the path of this place.
		f.tryArguments(ctx, func(err error) { addError(ctx, err) }, func(value any) { panicked(ctx, value)(w) })
	}
}

// tryArguments reads the arguments.
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

// protected calls a resolver. report reports its error or its panic.
func protected[P, V any](
	ctx context.Context, parent P, call func(ctx context.Context, parent P) (V, error),
) (v V, report func(w *writer)) {
	var err error
	if report = guarded(ctx, func() { v, err = call(ctx, parent) }); report == nil && err != nil {
		report = func(w *writer) { w.fail(err) }
	}
	return v, report
}

// guarded logs a panic and returns what reports it.
func guarded(ctx context.Context, do func()) (report func(w *writer)) {
	defer func() {
		if value := recover(); value != nil {
			report = panicked(ctx, value)
		}
	}()
	do()
	return nil
}

// panicked logs a panic and returns what reports it.
func panicked(ctx context.Context, value any) func(w *writer) {
	err := graphql.GetOperationContext(ctx).RecoverFunc(ctx, value)
	return func(w *writer) {
		w.failed = true
		if one, ok := err.(*gqlerror.Error); ok { // it gets the path of this place
			own := *one
			err = &own
		}
		addError(w.fieldContext(), err)
	}
}

// addError reports an error, or each of a [gqlerror.List], at the place of the context.
func addError(ctx context.Context, err error) { graphql.GetOperationContext(ctx).Error(ctx, err) }
