// Package executor_test compares the generated executor with gqlgen's own: random documents over a schema
// with every kind of type and binding, answered by resolvers that fail, panic and return null.
package executor_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	gqlgen "github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/graph/executor/testschema/exec"
	"campaignql/graph/executor/testschema/model"
	"campaignql/graph/executor/testschema/resolver"
)

// long reports whether all documents are run.
func long() bool { return os.Getenv("CAMPAIGNQL_LONG") == "1" }

// outcome is what a client gets, and what happened in the world.
type outcome struct {
	responses []response
	world     *model.World
	// recovered counts the panics that reached the RecoverFunc.
	recovered map[string]int
}

type response struct {
	data   string
	errors []*gqlerror.Error
}

// circumstances are what a document is answered in.
type circumstances struct {
	seed   uint64
	faults float64
	// canceled says that the context is canceled before the first resolver is called.
	canceled bool
	// settle, if set, fixes values of the world.
	settle func(w *model.World)
}

// run answers a document with one of the two schemas.
func run(t *testing.T, newSchema func(exec.Config) graphql.ExecutableSchema, d document, in circumstances) outcome {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	world := &model.World{Seed: in.seed, Faults: in.faults, Cancel: cancel, Fixed: map[string]any{}}
	if in.settle != nil {
		in.settle(world)
	}
	out := outcome{world: world, recovered: map[string]int{}}
	var mu sync.Mutex
	e := gqlgen.New(newSchema(exec.Config{Resolvers: resolver.Resolver{World: world}}))
	e.SetRecoverFunc(func(_ context.Context, value any) error {
		mu.Lock()
		defer mu.Unlock()
		out.recovered[panicText(value)]++
		return gqlerror.Errorf("recovered: %s", panicText(value))
	})
	e.Use(middleware{canceled: in.canceled, cancel: cancel})
	ctx = graphql.StartOperationTrace(ctx)
	op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{
		Query: d.text, OperationName: d.operation, Variables: maps.Clone(d.variables),
	})
	if len(errs) > 0 {
		out.responses = []response{{errors: errs}}
		return out
	}
	next, ctx := e.DispatchOperation(ctx, op)
	for {
		answer := next(ctx)
		if answer == nil {
			return out
		}
		out.responses = append(out.responses, response{data: string(answer.Data), errors: answer.Errors})
	}
}

// panicText is the text of what a panic was raised with. The two executors word one of them apart.
func panicText(value any) string {
	if text := fmt.Sprint(value); !strings.HasPrefix(text, "unexpected type ") {
		return text
	}
	return "unexpected type"
}

// middleware allows introspection, and cancels the context where that is wanted.
type middleware struct {
	canceled bool
	cancel   func()
}

func (middleware) ExtensionName() string { return "test" }

func (middleware) Validate(graphql.ExecutableSchema) error { return nil }

func (middleware) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	op.DisableIntrospection = false
	return nil
}

func (m middleware) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	if m.canceled {
		m.cancel()
	}
	return next(ctx)
}

// compare runs a document with both executors and reports what differs.
func compare(t *testing.T, d document, in circumstances) (got outcome, ok bool) {
	t.Helper()
	want, got := run(t, exec.NewExecutableSchema, d, in), run(t, exec.NewExecutor, d, in)
	schema := exec.NewExecutableSchema(exec.Config{}).Schema()
	var faults []string
	if len(want.responses) != len(got.responses) {
		faults = append(faults, fmt.Sprintf("%d responses, gqlgen has %d", len(got.responses), len(want.responses)))
	}
	for i := range min(len(want.responses), len(got.responses)) {
		w, g := specified(schema, d, want.responses[i]), got.responses[i]
		if w.data != g.data {
			faults = append(faults, fmt.Sprintf("response %d: data\n%s\ngqlgen:\n%s", i, g.data, w.data))
		}
		if w, g := describe(schema, w), describe(schema, g); !slices.Equal(w, g) {
			faults = append(faults, fmt.Sprintf("response %d: errors\n%s", i, diff(g, w)))
		}
	}
	if !maps.Equal(want.world.Calls(), got.world.Calls()) {
		faults = append(faults, "calls\n"+diff(counted(got.world.Calls()), counted(want.world.Calls())))
	}
	if !maps.Equal(want.recovered, got.recovered) {
		faults = append(faults, "recovered panics\n"+diff(counted(got.recovered), counted(want.recovered)))
	}
	for value, n := range got.world.Raised() {
		if got.recovered[value] != n {
			faults = append(faults, fmt.Sprintf("%s was raised %d times and recovered %d times", value, n, got.recovered[value]))
		}
	}
	if len(faults) == 0 {
		return got, true
	}
	variables, _ := json.Marshal(d.variables)
	t.Errorf("seed %d, faults %g, canceled %t\n%s\nvariables %s\n%s",
		in.seed, in.faults, in.canceled, d.text, variables, strings.Join(faults, "\n"))
	return got, false
}

func counted(of map[string]int) []string {
	var lines []string
	for key, n := range of {
		lines = append(lines, fmt.Sprint(n, " × ", key))
	}
	slices.Sort(lines)
	return lines
}

// diff returns the lines that only one of the two has.
func diff(got, want []string) string {
	var b strings.Builder
	left := slices.Clone(want)
	for _, line := range got {
		if at := slices.Index(left, line); at >= 0 {
			left = slices.Delete(left, at, at+1)
			continue
		}
		b.WriteString("  + " + line + "\n")
	}
	for _, line := range left {
		b.WriteString("  - " + line + "\n")
	}
	return b.String()
}

// TestRandomDocuments answers random documents with both executors. The seed of one that differs is printed:
// CAMPAIGNQL_SEED answers it alone.
func TestRandomDocuments(t *testing.T) {
	t.Parallel()
	schema := exec.NewExecutableSchema(exec.Config{}).Schema()
	seeds, first := 500, 0
	if long() {
		seeds = 20_000
	}
	if text := os.Getenv("CAMPAIGNQL_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &first); err != nil {
			t.Fatal(err)
		}
		seeds = 1
	}
	seen := &census{kinds: map[ast.Operation]int{}}
	failed := 0
	for seed := first; seed < first+seeds && failed < 10; seed++ {
		d, in := randomDocument(t, schema, uint64(seed))
		got, ok := compare(t, d, in)
		if !ok {
			failed++
		}
		seen.add(d, got)
	}
	t.Logf("%+v", *seen)
	if seeds > 1 && failed == 0 {
		seen.check(t)
	}
}

// randomDocument returns the document of a seed and its circumstances.
func randomDocument(t *testing.T, schema *ast.Schema, seed uint64) (document, circumstances) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 1))
	in := circumstances{
		seed: seed, faults: []float64{0, 0.01, 0.03, 0.1}[random.IntN(4)], canceled: random.IntN(10) == 0,
	}
	for {
		d := newDocument(schema, random)
		err := invalid(schema, d)
		if err == nil {
			// The stream of a subscription whose context is canceled may end or go on.
			in.canceled = in.canceled && subscribed(d) == nil
			return d, in
		}
		if !strings.Contains(err.Error(), "Maximum introspection depth") {
			t.Fatalf("seed %d: %v\n%s", seed, err, d.text)
		}
	}
}
