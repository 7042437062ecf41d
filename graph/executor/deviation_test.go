package executor_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"campaignql/graph/executor/testschema/exec"
	"campaignql/graph/executor/testschema/model"
)

// answers returns the responses of an executor, each with its errors.
func answers(o outcome) string {
	var lines []string
	for _, r := range o.responses {
		line := r.data
		for _, err := range r.errors {
			line += fmt.Sprintf(" | %s: %s", err.Path, err.Message)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

// TestDeviationsFromGqlgen has an example of each answer that differs from gqlgen's, because gqlgen's is not what
// the specification wants.
func TestDeviationsFromGqlgen(t *testing.T) {
	t.Parallel()
	robot := func(w *model.World) {
		w.Fixed["being"] = model.Being(model.Settle(w, &model.Robot{Mood: "calm", Rate: math.NaN()}))
		w.Fixed["name"], w.Fixed["mother"], w.Fixed["age"] = "r", w.Fixed["being"], 7
	}
	for name, of := range map[string]struct {
		text              string
		settle            func(w *model.World)
		want, gqlgenWants string
	}{
		"fields of two unrelated interfaces are merged": {
			text:        `{ being { ... on Being { mother { age } } ... on Thing { mother { ... on Named { name } } } } }`,
			settle:      robot,
			want:        `{"being":{"mother":{"age":7,"name":"r"}}}`,
			gqlgenWants: `{"being":{"mother":{"age":7}}}`,
		},
		"equal fields of two unrelated interfaces are asked once": {
			text:        `{ being { ... on Being { name } ... on Thing { name } } }`,
			settle:      func(w *model.World) { robot(w); w.Fixed["name"] = errors.New("no name") },
			want:        `null | being.name: no name`,
			gqlgenWants: `null | being.name: no name | being.name: no name`,
		},
		"a value that cannot be marshaled is null": {
			text:        `{ being { ... on Robot { rate } } }`,
			settle:      robot,
			want:        `null | being.rate: not a ratio`,
			gqlgenWants: `{"being":{"rate":null}} | being.rate: not a ratio`,
		},
		"an interface with a nil pointer is null": {
			text:        `{ being { age } }`,
			settle:      func(w *model.World) { w.Fixed["being"] = model.Being((*model.Robot)(nil)) },
			want:        `null | being: cannot return null for non-null field Query.being (Being!): the resolver returned nil`,
			gqlgenWants: `null`,
		},
		"an element of a list of scalars has its path": {
			text: `{ leaves { idRequired timeRequiredList } }`,
			settle: func(w *model.World) {
				w.Fixed["leaves"] = &model.Leaves{TimeRequiredList: slices.Repeat([]*time.Time{nil}, 2)}
			},
			want: `null | leaves.timeRequiredList[0]: cannot return null for non-null element of field ` +
				`Leaves.timeRequiredList (Time!): the list element was nil | leaves.timeRequiredList[1]: cannot return ` +
				`null for non-null element of field Leaves.timeRequiredList (Time!): the list element was nil`,
			gqlgenWants: `null | leaves.timeRequiredList: cannot return null for non-null field ` +
				`Leaves.timeRequiredList (Time!): the model struct field was nil and the field has no resolver`,
		},
		"an error of an event has its path": {
			text: `subscription { ticks { score } }`,
			settle: func(w *model.World) {
				w.Fixed["events"] = []*model.Item{nil, nil, model.Settle(w, &model.Item{})}
				w.Fixed["ticks"], w.Fixed["score"] = 0, nil // over which the getter panics
			},
			want: `{"ticks":null}` + "\n" + `{"ticks":null}` + "\n" +
				`{"ticks":null} | ticks.score: recovered: interface conversion: interface {} is nil, not int`,
			gqlgenWants: `{"ticks":null}` + "\n" + `{"ticks":null}` + "\n" +
				`{"ticks":null} | score: recovered: interface conversion: interface {} is nil, not int`,
		},
		"an event that must not be null": {
			text: `subscription { requiredTicks { __typename } }`,
			settle: func(w *model.World) {
				w.Fixed["events"], w.Fixed["requiredTicks"] = []*model.Item{{}, nil, {}}, 0
			},
			want: `{"requiredTicks":{"__typename":"Item"}}` + "\nnull | requiredTicks: cannot return null for non-null " +
				`field Subscription.requiredTicks (Item!): the resolver returned nil` + "\n" +
				`{"requiredTicks":{"__typename":"Item"}}`,
			gqlgenWants: `{"requiredTicks":{"__typename":"Item"}}` + "\n" +
				`{"requiredTicks":null} | : cannot return null for non-null position (Item!): the value was nil` + "\n" +
				`{"requiredTicks":{"__typename":"Item"}}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			d, in := document{text: of.text}, circumstances{settle: of.settle}
			if got := answers(run(t, exec.NewExecutor, d, in)); got != of.want {
				t.Errorf("%s\nwant %s", got, of.want)
			}
			if got := answers(run(t, exec.NewExecutableSchema, d, in)); got != of.gqlgenWants {
				t.Errorf("gqlgen no longer deviates: %s\nwas %s", got, of.gqlgenWants)
			}
		})
	}
}
