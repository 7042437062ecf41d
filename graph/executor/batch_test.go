package executor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// TestBatchCallsItsResolverOnceForALevel writes three objects whose field n a batch resolver answers.
func TestBatchCallsItsResolverOnceForALevel(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	all := func(message string) string {
		return fmt.Sprintf("[null,null,null] %[1]s x %[1]s y %[1]s z", message)
	}
	for name, tt := range map[string]struct {
		values []int
		err    error
		panics bool
		want   string
	}{
		"values":            {[]int{1, 2, 3}, nil, false, `[{"n":1},{"n":2},{"n":3}]`},
		"one error for all": {nil, broken, false, all("broken")},
		"an error of its own": {
			[]int{1, 0, 3}, graphql.BatchErrorList{nil, broken, nil}, false, `[{"n":1},null,{"n":3}] broken y`,
		},
		"too few errors": {
			[]int{1, 2, 3}, graphql.BatchErrorList{broken}, false, all("batch resolver returned errors"),
		},
		"too few values":       {[]int{1}, nil, false, all("executor: 1 values of T.n for 3 parents")},
		"a panic, logged once": {nil, nil, true, all("recovered")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls, recovered := 0, 0
			of := Object[string]{Implementors: []string{"T"}, Field: func(f *Field) Output[string] {
				return Batch(f, Leaf(func(buf []byte, n int) []byte { return fmt.Append(buf, n) }, "Int!"),
					func(context.Context, []string) ([]int, error) {
						calls++
						if tt.panics {
							panic("at the disco")
						}
						return tt.values, tt.err
					})
			}}
			op := &graphql.OperationContext{RecoverFunc: func(context.Context, any) error {
				recovered++
				return errors.New("recovered")
			}}
			ctx := graphql.WithResponseContext(
				graphql.WithOperationContext(t.Context(), op), graphql.DefaultErrorPresenter, op.RecoverFunc,
			)
			number := &ast.FieldDefinition{Name: "n", Type: ast.NonNullNamedType("Int", nil)}
			set := ast.SelectionSet{&ast.Field{
				Alias: "n", Name: "n", Definition: number, Position: &ast.Position{}, ObjectDefinition: &ast.Definition{},
			}}
			list := List(Select(op, set, of), false, false)
			w := newWriter(ctx)
			parents := []string{"x", "y", "z"}
			list.ask(ctx, [][]string{parents})
			list.put(w, parents, 0)
			got := string(w.data())
			for _, err := range graphql.GetErrors(ctx) {
				at := int(err.Path[0].(ast.PathIndex))
				got += " " + err.Message + " " + parents[at]
			}
			if got != tt.want || calls != 1 || tt.panics != (recovered == 1) || strings.Contains(got, "disco") {
				t.Errorf("%s after %d calls and %d panics, want %s", got, calls, recovered, tt.want)
			}
		})
	}
}
