package executor

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// Object is an object type of the schema, whose values are T in Go.
type Object[T any] struct {
	// Implementors are the names of the type and of the interfaces that it implements.
	Implementors []string
	// Field says how a field is written.
	Field func(f *Field) Output[T]
}

// member is one field of a selection on an object.
type member[T any] struct {
	// key is what stands before the value: `{"name":` or `,"name":`.
	key      string
	field    *Field
	required bool
	out      Output[T]
}

// Select writes what a selection asks of an object. If the selection cannot be read, as with null for @skip,
// each of the objects fails.
func Select[T any](op *graphql.OperationContext, set ast.SelectionSet, of Object[T]) (out Output[T]) {
	defer func() {
		if value := recover(); value != nil {
			out = Output[T]{put: func(w *writer, _ T, _ int) { panicked(w.fieldContext(), value)(w) }}
		}
	}()
	members := of.members(op, set)
	out = Output[T]{put: func(w *writer, v T, at int) { putObject(w, members, v, at) }}
	asking := asked(members)
	if len(asking) > 0 {
		out.ask = func(ctx context.Context, values []T) {
			for _, m := range asking {
				m.out.ask(ctx, values)
			}
		}
	}
	return out
}

// members compiles a selection.
func (o Object[T]) members(op *graphql.OperationContext, set ast.SelectionSet) []member[T] {
	collected := merge(graphql.CollectFields(op, set, o.Implementors))
	fields, members := make([]Field, len(collected)), make([]member[T], len(collected))
	open := "{"
	for i, c := range collected {
		f := &fields[i]
		f.CollectedField, f.Object = c, o.Implementors[0]
		// A name of GraphQL needs no escapes.
		members[i] = member[T]{key: open + `"` + c.Alias + `":`, field: f, required: f.required(), out: o.output(f)}
		open = ","
	}
	return members
}

// merge merges the fields with the same key that [graphql.CollectFields] leaves apart: those of two interfaces
// of which neither implements the other.
func merge(collected []graphql.CollectedField) []graphql.CollectedField {
	var merged []graphql.CollectedField
	for i, c := range collected {
		first := slices.IndexFunc(collected[:i], func(of graphql.CollectedField) bool { return of.Alias == c.Alias })
		switch {
		case first < 0 && merged == nil:
			continue
		case merged == nil:
			merged = slices.Clone(collected[:i]) // which are kept for the operation
		}
		if first < 0 {
			merged = append(merged, c)
			continue
		}
		at := slices.IndexFunc(merged, func(of graphql.CollectedField) bool { return of.Alias == c.Alias })
		merged[at].Selections = slices.Concat(merged[at].Selections, c.Selections)
	}
	if merged == nil {
		return collected
	}
	return merged
}

func (o Object[T]) output(f *Field) Output[T] {
	if f.Name != "__typename" {
		return o.Field(f)
	}
	name := strconv.Quote(o.Implementors[0])
	return Output[T]{put: func(w *writer, _ T, _ int) { w.buf = append(w.buf, name...) }}
}

// asked returns the members that have resolvers.
func asked[T any](members []member[T]) []member[T] {
	var asking []member[T]
	for _, m := range members {
		if m.out.ask != nil {
			asking = append(asking, m)
		}
	}
	return asking
}

// putObject writes an object. It is null if one of its required members is.
func putObject[T any](w *writer, members []member[T], v T, at int) {
	start, failed := len(w.buf), false
	if len(members) == 0 {
		w.buf = append(w.buf, '{')
	}
	for i := 0; i < len(members); {
		i = putMembers(w, members, i, v, at, &failed)
	}
	if w.buf = append(w.buf, '}'); failed {
		w.buf, w.failed = w.buf[:start], true
	}
}

// putMembers writes the members from i on and returns the index of the one to go on with: a panic ends
// only the member in which it occurs.
func putMembers[T any](w *writer, members []member[T], i int, v T, at int, failed *bool) (next int) {
	depth, start := len(w.path), 0
	settle := func() {
		w.path = w.path[:depth]
		if !w.failed {
			return
		}
		w.failed, w.buf = false, append(w.buf[:start], null...)
		*failed = *failed || members[i].required
	}
	defer func() {
		if value := recover(); value != nil {
			w.path = w.path[:depth+1]
			panicked(w.fieldContext(), value)(w)
			settle()
			next = i + 1
		}
	}()
	for ; i < len(members); i++ {
		w.buf = append(w.buf, members[i].key...)
		start = len(w.buf)
		w.path = append(w.path[:depth], step{field: members[i].field})
		members[i].out.put(w, v, at)
		settle()
	}
	return i
}

// Implementor writes the values of an interface I that have one of its types.
type Implementor[I any] struct {
	is func(v I) bool
	// compile returns how they are written. It is called if there is a value of the type.
	compile func() Output[I]
}

// Implemented writes the values of an interface that are T.
func Implemented[I, T any](compile func() Output[T]) Implementor[I] {
	return Implementor[I]{
		is: func(v I) bool {
			_, ok := any(v).(T)
			return ok
		},
		compile: func() Output[I] { return asserted[I](compile()) },
	}
}

// asserted writes the values of an interface, all of which are T.
func asserted[I, T any](of Output[T]) Output[I] {
	out := Output[I]{put: func(w *writer, v I, at int) { of.put(w, any(v).(T), at) }}
	if of.ask != nil {
		out.ask = func(ctx context.Context, values []I) {
			concrete := make([]T, len(values))
			for i, v := range values {
				concrete[i] = any(v).(T)
			}
			of.ask(ctx, concrete)
		}
	}
	return out
}

// Interface writes a value with the implementor of its type, or null. A null where required names a type
// is an error. A value of a type that the schema does not know has to be a [graphql.Marshaler].
func Interface[I any](required string, of ...Implementor[I]) Output[I] {
	var (
		// outputs are those of the types that occur. The others are not compiled: with interfaces in
		// interfaces, an operation would have more of them than fields.
		outputs = make([]*Output[I], len(of))
		kinds   []int // of each value, the index of its type
		places  []int // of each value among those of its type
	)
	ask := func(ctx context.Context, values []I) {
		sorted := make([][]I, len(of))
		kinds, places = make([]int, len(values)), make([]int, len(values))
		for i, v := range values {
			k := slices.IndexFunc(of, func(i Implementor[I]) bool { return i.is(v) })
			if kinds[i] = k; k >= 0 {
				places[i] = len(sorted[k])
				sorted[k] = append(sorted[k], v)
			}
		}
		for k, values := range sorted {
			if len(values) == 0 {
				continue
			}
			if outputs[k] == nil {
				out := of[k].compile()
				outputs[k] = &out
			}
			if outputs[k].ask != nil {
				outputs[k].ask(ctx, values)
			}
		}
	}
	put := func(w *writer, v I, at int) {
		if kinds[at] < 0 {
			putUnknown(w, v)
			return
		}
		outputs[kinds[at]].put(w, v, places[at])
	}
	return nilable(func(v I) bool { return any(v) == nil }, required, Output[I]{ask: ask, put: put})
}

// putUnknown writes a value of a type that the schema does not know. It is reported as gqlgen's panic over it is.
func putUnknown(w *writer, v any) {
	marshaler, ok := v.(graphql.Marshaler)
	if !ok {
		err := fmt.Errorf("unexpected type %T; non-generated variants must implement graphql.Marshaler", v)
		panicked(w.fieldContext(), err)(w)
		return
	}
	out := appender{w.buf}
	marshaler.MarshalGQL(&out)
	w.buf = out.buf
}
