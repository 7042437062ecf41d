package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"campaignql/graph/guard"
	"campaignql/internal/surface"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// attackBudget is the upper bound of the processor time for rejecting a document, including client
// and HTTP. The tests of package guard have a budget of their own for the guard alone. This test
// detects a surface that does the work before it calls the guard.
const attackBudget = 50 * time.Millisecond

// bomb is a document of fragments. Each spreads the next one twice: 975 bytes expand to 67 million
// fields.
func bomb() string {
	var b strings.Builder
	b.WriteString("{...A}")
	for name := 'A'; name < 'Z'; name++ {
		fmt.Fprintf(&b, "fragment %c on Query{...%c ...%c}", name, name+1, name+1)
	}
	b.WriteString("fragment Z on Query{viewer{scopes}}")
	return b.String()
}

func repeated(n int, pattern string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(pattern, "#", fmt.Sprint(i)))
	}
	return b.String()
}

var attacks = []struct{ name, document, code string }{
	{"nested fragments", bomb(), guard.CodeRootFields},
	{
		"nested fragments below the root",
		"{campaigns{nodes{...f0}}}" + repeated(25, "fragment f# on Campaign{...g# ...g#}") +
			repeated(24, "fragment g# on Campaign{tags{name}}"),
		"GRAPHQL_VALIDATION_FAILED",
	},
	{"700 KB of overlapping fragments", "{" + strings.Repeat("...on Query{viewer{scopes}}", 31000) + "}", guard.CodeTokens},
	{"overlapping fields", "{campaigns{nodes{" + strings.Repeat("id ", 1900) + "}}}", guard.CodeOverlaps},
	{"depth", "{campaigns{nodes" + strings.Repeat("{tags", 20) + "{id}" + strings.Repeat("}", 22), guard.CodeDepth},
	{
		"depth of introspection",
		"{__schema{types{" + strings.Repeat("fields{type{", 30) + "name" + strings.Repeat("}}", 30) + "}}}",
		guard.CodeDepth,
	},
	{"aliases", "{" + repeated(29, "a#:viewer{"+repeated(5, "b#:scopes ")+"}") + "}", guard.CodeAliases},
	{"root fields", "{" + repeated(31, "a#:serverInfo{version}") + "}", guard.CodeRootFields},
	{"directives", "{__typename " + strings.Repeat("@include(if:true) ", 250) + "}", guard.CodeDirectives},
	{
		"complexity",
		"{campaigns(first:250){nodes{tags{campaigns:campaignCount} history(first:250){nodes{at version}}}}}",
		guard.CodeComplexity,
	},
	{
		"complexity of a mutation",
		`mutation{a:createTag(input:{name:"a"}){tag{id}} b:tagCampaigns(input:{campaignIds:[1],tagIds:[1]}){campaigns{history(first:250){nodes{at version action reason}}history2:history(first:250){nodes{at version action reason}}` +
			`h3:history(first:250){nodes{at version action reason}}h4:history(first:250){nodes{at version action reason fields}}}}}`,
		guard.CodeComplexity,
	},
	{
		"introspection in circles", "{__schema{types{fields{type{fields{type{fields{type{fields{name}}}}}}}}}}",
		"GRAPHQL_VALIDATION_FAILED",
	},
	{
		"introspection again and again",
		"{" + repeated(25, "a#:__schema{types{a:fields{...F}b:fields{...F}c:fields{...F}}}") +
			"}fragment F on __Field{name description args{name description defaultValue type{...T}}type{...T}}" +
			"fragment T on __Type{kind name description ofType{kind name description ofType{kind name description ofType{kind name}}}}",
		guard.CodeIntrospection,
	},
	{
		"a circle of fragments", "{campaigns{nodes{...A}}}fragment A on Campaign{...B}fragment B on Campaign{...A}",
		"GRAPHQL_VALIDATION_FAILED",
	},
	{"tokens", "{" + strings.Repeat("viewer ", 2500) + "}", guard.CodeTokens},
}

// TestAttacksAreRefusedCheaply is not parallel, because it measures the processor time of the
// process.
func TestAttacksAreRefusedCheaply(t *testing.T) {
	db := testkit.Engines()[0].Shared(t)
	w := &world{Server: apitest.New(t, db), db: db}
	a := w.Account(t)
	before := w.dump(t, a.User.ID)
	if n := len(bomb()); n > 1000 {
		t.Errorf("the bomb has %d bytes", n)
	}
	for _, attack := range attacks {
		t.Run(attack.name, func(t *testing.T) {
			var response *apitest.Response
			spent := time.Duration(0)
			ran := w.Record(func() {
				// The test takes the minimum of three runs, because one may include a garbage
				// collection.
				for i := range 3 {
					begun := processorTime()
					response = w.Query(t, a.Key, attack.document, nil)
					if took := processorTime() - begun; i == 0 || took < spent {
						spent = took
					}
				}
			})
			if len(response.Errors) == 0 || response.Errors[0].Code() != attack.code {
				t.Errorf("%.500s, want %s", response.Body, attack.code)
			}
			// The owner of a large body is looked up before the body is read. No other statement
			// runs.
			allowed := 0
			if len(attack.document) > surface.FreeBody {
				allowed = 3
			}
			if len(ran) != allowed {
				t.Errorf("%d statements ran, want %d: %v", len(ran), allowed, ran)
			}
			if spent > attackBudget {
				t.Errorf("refusing it took %v", spent)
			}
			t.Logf("%d bytes: %v", len(attack.document), spent)
		})
	}
	if w.dump(t, a.User.ID) != before {
		t.Error("something was written")
	}
}
