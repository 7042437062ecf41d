package direct

import (
	"context"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/graph/exec"
)

// put writes one value, or says that it failed.
type put[T any] func(w *writer, v T)

// compiler is what compiling needs to know of the operation.
type compiler struct {
	op        *graphql.OperationContext
	resolvers exec.ResolverRoot
}

// entry compiles a field of a T. It returns nil where the field needs the executor.
type entry[T any] func(c *compiler, f graphql.CollectedField) put[T]

// table says how the fields of a type are written. A field that it does not have needs the executor.
type table[T any] struct {
	// name and interfaces are the types of the schema whose fragments apply.
	name       string
	interfaces []string
	fields     map[string]entry[T]
}

// member is one entry of a JSON object. Its key carries what stands before it: `{"name":` or `,"name":`.
type member[T any] struct {
	key   string
	field *graphql.CollectedField
	// required says that the object is null when the field fails.
	required bool
	value    put[T]
}

// compile turns a selection on a type into what writes it, nil where one of the fields needs the executor.
func (t *table[T]) compile(c *compiler, set ast.SelectionSet) put[T] {
	asked := graphql.CollectFields(c.op, set, append([]string{t.name}, t.interfaces...))
	members := make([]member[T], len(asked))
	open := "{"
	for i, f := range asked {
		if members[i].value = t.field(c, f); members[i].value == nil {
			return nil
		}
		// A name of GraphQL needs no escapes.
		members[i].key = open + `"` + f.Alias + `":`
		members[i].field = &asked[i]
		members[i].required = f.Name == "__typename" || f.Definition.Type.NonNull
		open = ","
	}
	if len(members) == 0 {
		return func(w *writer, _ T) { w.buf = append(w.buf, "{}"...) }
	}
	return func(w *writer, v T) {
		start, failed := len(w.buf), false
		for i := 0; i < len(members); {
			i = putMembers(w, members, i, v, &failed)
		}
		if w.buf = append(w.buf, '}'); failed {
			w.buf, w.failed = w.buf[:start], true
		}
	}
}

// putMembers writes the members from i on, and returns the one to go on with: a panic ends only the
// member it occurs in.
func putMembers[T any](w *writer, members []member[T], i int, v T, failed *bool) (next int) {
	depth, start := len(w.path), 0
	settle := func() {
		w.path = w.path[:depth]
		switch {
		case !w.failed:
		case members[i].required:
			w.failed, *failed = false, true
		default:
			w.failed, w.buf = false, append(w.buf[:start], "null"...)
		}
	}
	defer func() {
		if value := recover(); value != nil {
			w.path = w.path[:depth+1]
			w.panicked(value)
			settle()
			next = i + 1
		}
	}()
	for ; i < len(members); i++ {
		w.buf = append(w.buf, members[i].key...)
		start = len(w.buf)
		w.path = append(w.path[:depth], step{field: members[i].field})
		members[i].value(w, v)
		settle()
	}
	return i
}

func (t *table[T]) field(c *compiler, f graphql.CollectedField) put[T] {
	if f.Name == "__typename" {
		quoted := strconv.Quote(t.name)
		return func(w *writer, _ T) { w.buf = append(w.buf, quoted...) }
	}
	if entry := t.fields[f.Name]; entry != nil {
		return entry(c, f)
	}
	return nil
}

// leaf is a field that has no fields of its own.
func leaf[T, V any](write put[V], value func(T) V) entry[T] {
	return func(*compiler, graphql.CollectedField) put[T] {
		return func(w *writer, v T) { write(w, value(v)) }
	}
}

// object is a field that is an object.
func object[T, V any](of *table[V], value func(T) V) entry[T] {
	return func(c *compiler, f graphql.CollectedField) put[T] {
		write := of.compile(c, f.Selections)
		if write == nil {
			return nil
		}
		return func(w *writer, v T) { write(w, value(v)) }
	}
}

// list is a field that is a list of objects.
func list[T, V any](of *table[V], values func(T) ([]V, error)) entry[T] {
	return func(c *compiler, f graphql.CollectedField) put[T] {
		write := of.compile(c, f.Selections)
		if write == nil {
			return nil
		}
		return func(w *writer, v T) {
			all, err := values(v)
			if err != nil {
				w.fail(err)
				return
			}
			putList(w, all, write)
		}
	}
}

// putList writes the entries of a list, none of which may be null.
func putList[V any](w *writer, all []V, write put[V]) {
	start, depth, failed := len(w.buf), len(w.path), false
	w.buf = append(w.buf, '[')
	for i := range all {
		if i > 0 {
			w.buf = append(w.buf, ',')
		}
		w.path = append(w.path[:depth], step{index: i})
		write(w, all[i])
		if w.charge(); w.failed {
			w.failed, failed = false, true
		}
		if w.full() {
			break
		}
	}
	w.path = w.path[:depth]
	if w.buf = append(w.buf, ']'); failed {
		w.buf, w.failed = w.buf[:start], true
	}
}

// values is a field that is a list of scalars.
func values[T, V any](write put[V], all func(T) []V) entry[T] {
	return func(*compiler, graphql.CollectedField) put[T] {
		return func(w *writer, v T) {
			w.buf = append(w.buf, '[')
			for i, one := range all(v) {
				if i > 0 {
					w.buf = append(w.buf, ',')
				}
				write(w, one)
			}
			w.buf = append(w.buf, ']')
		}
	}
}

// optional is a field that is an object or null, and may fail.
func optional[T, V any](of *table[*V], value func(T) (*V, error)) entry[T] {
	return func(c *compiler, f graphql.CollectedField) put[T] {
		write := nullable(of.compile(c, f.Selections))
		if write == nil {
			return nil
		}
		return func(w *writer, v T) {
			found, err := value(v)
			if err != nil {
				w.fail(err)
				return
			}
			write(w, found)
		}
	}
}

// resolved is optional for a field that has a resolver, whose context knows the field, as it does from the executor.
func resolved[T, V any](
	of *table[*V], parent string, resolve func(r exec.ResolverRoot, ctx context.Context, v T) (*V, error),
) entry[T] {
	return func(c *compiler, f graphql.CollectedField) put[T] {
		write := nullable(of.compile(c, f.Selections))
		if write == nil {
			return nil
		}
		var ctx context.Context
		return func(w *writer, v T) {
			if ctx == nil {
				ctx = graphql.WithFieldContext(
					w.ctx, &graphql.FieldContext{Object: parent, Field: f, IsMethod: true, IsResolver: true},
				)
			}
			found, err := resolve(c.resolvers, ctx, v)
			if err != nil {
				w.fail(err)
				return
			}
			write(w, found)
		}
	}
}

// nullable writes an object, or null where there is none.
func nullable[V any](write put[*V]) put[*V] {
	if write == nil {
		return nil
	}
	return func(w *writer, v *V) {
		if v == nil {
			w.null()
			return
		}
		write(w, v)
	}
}

// total is the field that counts all pages, when it is asked for.
func total[T any](count func(T, context.Context) (int, error)) entry[T] {
	return func(*compiler, graphql.CollectedField) put[T] {
		return func(w *writer, v T) {
			n, err := count(v, w.ctx)
			if err != nil {
				w.fail(err)
				return
			}
			number(w, n)
		}
	}
}

// certainly makes a getter that cannot fail one that may.
func certainly[T, V any](value func(T) V) func(T) (V, error) {
	return func(v T) (V, error) { return value(v), nil }
}
