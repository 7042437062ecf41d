package executor

import (
	"context"
	"math"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
)

// Output says how a value of the Go type T becomes JSON at one place of an operation.
// It keeps what its resolvers returned, so it serves one response at a time.
type Output[T any] struct {
	// ask calls the resolvers below the values, level by level. It is nil if there are none.
	ask func(ctx context.Context, values []T)
	// put writes v. If ask is set, v is the value at index at of those that the latest ask was given.
	put func(w *writer, v T, at int)
}

// Leaf writes a scalar or an enum with a function that appends its JSON.
// required is the type of the field in the schema if it cannot be null, or else empty.
func Leaf[T any](encode func(buf []byte, v T) []byte, required string) Output[T] {
	return Output[T]{put: func(w *writer, v T, _ int) {
		start := len(w.buf)
		w.buf = encode(w.buf, v)
		switch n := len(w.buf) - start; {
		case n == len(null) && required != "" && string(w.buf[start:]) == null:
			w.reportNull(required, true)
		case n >= uncharged:
			w.charge() // here, where the error names the field
		}
	}}
}

// Marshaled writes a scalar or an enum with gqlgen's marshaler for it.
func Marshaled[T any](marshaler func(v T) graphql.Marshaler, required string) Output[T] {
	return Leaf(func(buf []byte, v T) []byte {
		out := appender{buf}
		marshaler(v).MarshalGQL(&out)
		return out.buf
	}, required)
}

// Enum writes an enum with a marshaler of its own. A panic is that of the one value.
func Enum[T any](marshaler func(v T) graphql.Marshaler, required string) Output[T] {
	out := Marshaled(marshaler, required)
	return Output[T]{put: func(w *writer, v T, at int) {
		defer func() {
			if value := recover(); value != nil {
				panicked(w.fieldContext(), value)(w)
			}
		}()
		out.put(w, v, at)
	}}
}

// Checked writes a scalar with a marshaler of gqlgen that may fail.
func Checked[T any](marshaler func(v T) graphql.ContextMarshaler) Output[T] {
	return Output[T]{put: func(w *writer, v T, _ int) {
		out := appender{w.buf}
		if err := marshaler(v).MarshalGQLContext(w.ctx, &out); err != nil {
			w.failed = true
			graphql.AddError(w.fieldContext(), err)
			return
		}
		w.buf = out.buf
	}}
}

// Float writes a number, which has to be finite.
func Float[T ~float64]() Output[T] {
	slow := Checked(func(v T) graphql.ContextMarshaler { return graphql.MarshalFloatContext(float64(v)) })
	return Output[T]{put: func(w *writer, v T, at int) {
		if f := float64(v); !math.IsInf(f, 0) && !math.IsNaN(f) {
			w.buf = strconv.AppendFloat(w.buf, f, 'g', -1, 64)
			return
		}
		slow.put(w, v, at)
	}}
}

// appender is an [io.Writer] that appends to a slice.
type appender struct{ buf []byte }

func (a *appender) Write(p []byte) (int, error) {
	a.buf = append(a.buf, p...)
	return len(p), nil
}

// Nilable writes a scalar whose Go type has nil, which is null. A null where required names a type is an error.
func Nilable[T any](isNil func(v T) bool, of Output[T], required string) Output[T] {
	return nilable(isNil, required, of)
}

// Pointer writes what the pointer points to, or null. A null where required names a type is an error.
func Pointer[T any](of Output[T], required string) Output[*T] {
	return nilable(func(p *T) bool { return p == nil }, required, dereferenced(of))
}

// dereferenced writes what pointers that are not nil point to.
func dereferenced[T any](of Output[T]) Output[*T] {
	out := Output[*T]{put: func(w *writer, p *T, at int) { of.put(w, *p, at) }}
	if of.ask != nil {
		out.ask = func(ctx context.Context, pointers []*T) {
			values := make([]T, len(pointers))
			for i, p := range pointers {
				values[i] = *p
			}
			of.ask(ctx, values)
		}
	}
	return out
}

// Nullable writes an object that is a pointer, or null. A null where required names a type is an error.
func Nullable[T any](of Output[*T], required string) Output[*T] {
	return nilable(func(p *T) bool { return p == nil }, required, of)
}

// Addressed writes an object that is not a pointer.
func Addressed[T any](of Output[*T]) Output[T] {
	place := new(T) // one for all values, which are written one after the other
	out := Output[T]{put: func(w *writer, v T, at int) {
		*place = v
		of.put(w, place, at)
	}}
	if of.ask != nil {
		out.ask = func(ctx context.Context, values []T) {
			pointers := make([]*T, len(values))
			for i := range values {
				pointers[i] = &values[i]
			}
			of.ask(ctx, pointers)
		}
	}
	return out
}

// nilable writes null for the values that are nil, and the others with of.
func nilable[T any](isNil func(v T) bool, required string, of Output[T]) Output[T] {
	var positions []int // of each value among those that are not nil; nil if they are the same
	out := Output[T]{put: func(w *writer, v T, at int) {
		switch {
		case !isNil(v):
			if positions != nil {
				at = positions[at]
			}
			of.put(w, v, at)
		case required != "":
			w.reportNull(required, false)
		default:
			w.buf = append(w.buf, null...)
		}
	}}
	if of.ask != nil {
		out.ask = func(ctx context.Context, values []T) {
			var present []T
			present, positions = compact(values, isNil)
			if len(present) > 0 {
				of.ask(ctx, present)
			}
		}
	}
	return out
}

// compact returns the values that are to be kept and the position of each value among them.
// The positions are nil if all are kept.
func compact[T any](values []T, drop func(v T) bool) (kept []T, positions []int) {
	for i, v := range values {
		switch {
		case !drop(v) && positions == nil:
			continue
		case positions == nil:
			kept, positions = append(kept, values[:i]...), make([]int, i, len(values))
			for j := range positions {
				positions[j] = j
			}
		}
		positions = append(positions, len(kept))
		if !drop(v) {
			kept = append(kept, v)
		}
	}
	if positions == nil {
		return values, nil
	}
	return kept, positions
}

// List writes a list. A nil list is null where nullable, else empty. If elements are required, the list
// is null as soon as one of them is.
func List[T any](of Output[T], nullable, elementsRequired bool) Output[[]T] {
	var starts []int // where the elements of each list begin among all elements
	out := Output[[]T]{put: func(w *writer, list []T, at int) {
		if list == nil && nullable {
			w.buf = append(w.buf, null...)
			return
		}
		first := 0
		if of.ask != nil {
			first = starts[at]
		}
		putList(w, of, list, first, elementsRequired)
	}}
	if of.ask != nil {
		out.ask = func(ctx context.Context, lists [][]T) {
			starts = starts[:0]
			var all []T
			for _, list := range lists {
				starts = append(starts, len(all))
				all = append(all, list...)
			}
			if len(all) > 0 {
				of.ask(ctx, all)
			}
		}
	}
	return out
}

// putList writes the elements, of which the first was the one at index first of those asked.
func putList[T any](w *writer, of Output[T], list []T, first int, elementsRequired bool) {
	start, depth, failed := len(w.buf), len(w.path), false
	w.buf = append(w.buf, '[')
	for i, v := range list {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.path = append(w.path[:depth], step{index: i})
		element := len(w.buf)
		of.put(w, v, first+i)
		if w.failed {
			w.failed, failed = false, failed || elementsRequired
			w.buf = append(w.buf[:element], null...)
		}
		if w.charge(); w.failed || w.full() {
			if !w.failed {
				w.fail(w.budget.Err()) // exceeded elsewhere
			}
			w.failed, failed = false, true
			break
		}
	}
	w.path = w.path[:depth]
	if w.buf = append(w.buf, ']'); failed {
		w.buf, w.failed = w.buf[:start], true
	}
}
