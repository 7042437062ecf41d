package executor_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	gqlgen "github.com/99designs/gqlgen/graphql/executor"

	"campaignql/graph/executor/testschema/exec"
	"campaignql/graph/executor/testschema/model"
	"campaignql/graph/executor/testschema/resolver"
)

// TestMutationsAreSerial shows that a field of a mutation is complete, with its getters, before the next begins.
func TestMutationsAreSerial(t *testing.T) {
	t.Parallel()
	d := document{text: `mutation {
		a: step { total slowTotal resolvedTotal }
		b: step(by: 2) { resolvedTotal slowTotal total }
	}`}
	got, _ := compare(t, d, circumstances{})
	want := `{"a":{"total":1,"slowTotal":1,"resolvedTotal":1},"b":{"resolvedTotal":3,"slowTotal":3,"total":3}}`
	if text := answers(got); text != want {
		t.Errorf("got  %s\nwant %s", text, want)
	}
}

// TestNullForDirective sends null for a condition, which a variable with a default allows.
func TestNullForDirective(t *testing.T) {
	t.Parallel()
	d := document{
		text: `query($if: Boolean = true) {
			pair { left @skip(if: $if) }
			requiredItems(filter: {}) { number ... on Item @include(if: $if) { note } }
			being { mother { age @skip(if: $if) } }
			count
		}`,
		variables: map[string]any{"if": nil},
	}
	for seed := range uint64(20) {
		got, _ := compare(t, d, circumstances{seed: seed})
		if text := answers(got); !strings.Contains(text, "pair: recovered: skip: argument 'if' is not a boolean") {
			t.Errorf("got %s", text)
		}
	}
}

// TestCanceledSubscriptionEnds waits for an event that never comes.
func TestCanceledSubscriptionEnds(t *testing.T) {
	t.Parallel()
	world := &model.World{Fixed: map[string]any{"silent": true, "days": 0}}
	e := gqlgen.New(exec.NewExecutor(exec.Config{Resolvers: resolver.Resolver{World: world}}))
	ctx, cancel := context.WithCancel(graphql.StartOperationTrace(t.Context()))
	op, errs := e.CreateOperationContext(ctx, &graphql.RawParams{Query: `subscription { days }`})
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	next, ctx := e.DispatchOperation(ctx, op)
	time.AfterFunc(10*time.Millisecond, cancel)
	if r := next(ctx); r != nil {
		t.Errorf("got %s %v, want the end", r.Data, r.Errors)
	}
}

// TestInterfacesInInterfacesAreCompiledAsNeeded answers a short document that would have millions of selections
// if each was compiled for each type that an interface may have.
func TestInterfacesInInterfacesAreCompiledAsNeeded(t *testing.T) {
	t.Parallel()
	const depth = 30
	d := document{text: "{ loot " + strings.Repeat("{ ... on Item { loot ", depth) + "{ __typename }" +
		strings.Repeat(" } }", depth) + " }"}
	if got, _ := compare(t, d, circumstances{seed: 1}); len(got.responses) != 1 {
		t.Errorf("%d responses", len(got.responses))
	}
}
