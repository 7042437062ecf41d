package guard

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator/core"
)

func TestEachLimitRefusesOneOverIt(t *testing.T) {
	t.Parallel()
	limits := Limits{
		Tokens: 100, Depth: 4, IntrospectionDepth: 3, Complexity: 60, IntrospectionCost: 1000,
		Aliases: 2, Directives: 3, RootFields: 3, Selections: 15, Overlaps: 6,
	}
	tests := []struct {
		name, within, over string
		want               []string
		message            string
	}{
		{
			"tokens", "{campaign(id:1){id}}", "{" + strings.Repeat("hello ", 100) + "}",
			[]string{CodeTokens}, "The document has more than 100 tokens, the most that is allowed.",
		},
		{
			"depth", "{campaign{parent{parent{id}}}}", "{campaign{parent{...on Campaign{parent{parent{id}}}}}}",
			[]string{CodeDepth}, "The operation has 5 levels of fields, the limit is 4.",
		},
		{
			"depth through fragments", "{campaign{...A}} fragment A on Campaign{parent{parent{id}}}",
			"{campaign{...A}} fragment A on Campaign{parent{...B}} fragment B on Campaign{parent{parent{id}}}",
			[]string{CodeDepth}, "The operation has 5 levels of fields, the limit is 4.",
		},
		{
			"introspection depth", "{__schema{types{fields{name}}}}", "{__schema{types{fields{type{name}}}}}",
			[]string{CodeDepth}, "The operation has 4 levels of fields below __schema or __type, the limit is 3.",
		},
		{
			"complexity", "{campaigns(first:19){nodes{id name}}}", "{campaigns(first:20){nodes{id name}}}",
			[]string{CodeComplexity}, "The operation has 61 points of complexity, the limit is 60.",
		},
		{
			"aliases", "{a:hello b:hello}", "{a:hello ...A ...A} fragment A on Query{b:hello}",
			[]string{CodeAliases}, "The operation has 3 aliases, the limit is 2.",
		},
		{
			"directives", "query @d{campaign @include(if:true){...on Campaign@skip(if:true){id}}}",
			"{campaign@include(if:true){...A@include(if:true) id@skip(if:false)}} fragment A on Campaign @d{name}",
			[]string{CodeDirectives}, "The operation has 4 directives, the limit is 3.",
		},
		{
			"root fields",
			"{hello campaign{id name} node{id}}",
			"{hello campaign{id} node{id} ...A} fragment A on Query{campaigns{totalCount}}",
			[]string{CodeRootFields},
			"The operation has 4 fields at its root, the limit is 3.",
		},
		{
			"selections", "{campaign{id name status rate words tags{id name} parent{id name}}}",
			"{campaign{id name status rate words tags{id name} parent{id name parent{id name status}}}}",
			[]string{CodeSelections}, "The operation has 16 selections with all fragments expanded, the limit is 15.",
		},
		{
			"selections of fragment definitions", "{campaign{...A}} fragment A on Campaign{id name status rate words}",
			"{campaign{...A}} fragment A on Campaign{id name status rate words parent{id}}",
			[]string{CodeSelections}, "The operation has 16 selections with all fragments expanded, the limit is 15.",
		},
		{
			"overlaps", "{campaign{id id id id}}", "{campaign{id id id id id}}",
			[]string{CodeOverlaps}, "The operation has 10 pairs of selections to merge, the limit is 6.",
		},
		{
			"overlaps in inline fragments", "{campaign{...{id id id}}}", "{campaign{...{id ...{id id}}}}",
			[]string{CodeOverlaps}, "The operation has 9 pairs of selections to merge, the limit is 6.",
		},
		{
			"overlaps of spreads",
			"{campaign{...A}} fragment A on Campaign{id}",
			"{campaign{...A ...A ...A ...A}} fragment A on Campaign{id}",
			[]string{CodeOverlaps},
			"The operation has 12 pairs of selections to merge, the limit is 6.",
		},
	}
	sdl := testSchema + "directive @d on QUERY | FRAGMENT_DEFINITION"
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, sdl, New(Config{Limits: limits}))
			if resp := s.ask(tt.within, nil); len(resp.Errors) > 0 || s.executed != 1 {
				t.Errorf("within the limit: executed %d times, %v", s.executed, resp.Errors)
			}
			resp := s.ask(tt.over, nil)
			if diff := cmp.Diff(tt.want, codes(resp.Errors)); diff != "" {
				t.Fatalf("codes (-want +got):\n%s%v", diff, resp.Errors)
			}
			if got := resp.Errors[0].Message; got != tt.message {
				t.Errorf("message %q, want %q", got, tt.message)
			}
			if e := (*Exceeded)(nil); !errors.As(resp.Errors[0], &e) || e.Code != tt.want[0] {
				t.Errorf("the cause is %#v, want an *Exceeded", resp.Errors[0].Err)
			}
			if s.executed != 1 {
				t.Error("the document over the limit was executed")
			}
		})
	}
}

func TestComplexityFollowsListsAndVariables(t *testing.T) {
	t.Parallel()
	weight := func(parent, field string) Weight {
		switch parent + "." + field {
		case "Campaign.rate":
			return Weight{Cost: 10}
		case "Tag.owner":
			return Weight{Cost: 2}
		case "Campaign.tags":
			return Weight{Rows: 3}
		case "Tag.id":
			return Weight{Cost: 4}
		case "CampaignConnection.totalCount":
			return Weight{Cost: 5, OncePerList: true}
		}
		return Weight{}
	}
	tests := []struct {
		name, query string
		vars        map[string]any
		want        int
	}{
		{"a scalar", "{hello}", nil, 1},
		{"__typename is free", "{__typename hello}", nil, 1},
		{"a configured weight", "{campaign{rate}}", nil, 1 + 10},
		{"first multiplies", "{campaigns(first:7){nodes{name}}}", nil, 1 + 7*(1+1)},
		{"last multiplies", "{campaigns(last:8){nodes{name}}}", nil, 1 + 8*(1+1)},
		{"the greater of first and last", "{campaigns(first:3,last:8){nodes{name}}}", nil, 1 + 8*(1+1)},
		{"a page without arguments", "{campaigns{nodes{name}}}", nil, 1 + 25*(1+1)},
		{"null asks for the default", "{campaigns(first:null){nodes{name}}}", nil, 1 + 25*(1+1)},
		{"a negative number counts as the default", "{campaigns(first:-5){nodes{name}}}", nil, 1 + 25*(1+1)},
		{"the default of the schema", "{campaign{related{nodes{name}}}}", nil, 1 + 1 + 10*(1+1)},
		{"edges as nodes", "{campaigns(first:7){edges{node{name}}}}", nil, 1 + 7*(1+1+1)},
		{"a count once for each list", "{campaigns(first:2){totalCount nodes{related(first:3){...T}}}} fragment T on CampaignConnection{totalCount nodes{name}}", nil, 1 + 5 + 2*(1+1+5+3*(1+1))},
		{"lists within lists", "{campaigns(first:2){nodes{related(first:3){nodes{name}}}}}", nil, 1 + 2*(1+1+3*2)},
		{"a plain list has the configured length", "{campaign{tags{name}}}", nil, 1 + 1 + 3*1},
		{"a list of scalars is one value", "{campaign{words}}", nil, 1 + 1},
		{"the length of ids", `{nodes(ids:["1","2","3","4"]){__typename ...on Campaign{name}}}`, nil, 1 + 4*1},
		{"a single id is a list of one", `{nodes(ids:"1"){...on Campaign{name}}}`, nil, 1 + 1},
		{"an interface costs what its dearest type costs", "{node{id}}", nil, 1 + 4},
		{"inline fragments add nothing", "{campaign{...on Campaign{...{name}}}}", nil, 1 + 1},
		{
			"a fragment costs the same everywhere", "{campaign{...A parent{...A}}} fragment A on Campaign{name status}",
			nil, 1 + 2 + 1 + 2,
		},
		{"a variable", "query($n:Int){campaigns(first:$n){nodes{name}}}", map[string]any{"n": 9}, 1 + 9*2},
		{
			"a variable of 64 bits", "query($n:Int){campaigns(first:$n){nodes{name}}}", map[string]any{"n": int64(9)},
			1 + 9*2,
		},
		{"an absent variable", "query($n:Int){campaigns(first:$n){nodes{name}}}", nil, 1 + 25*2},
		{"a null variable", "query($n:Int){campaigns(first:$n){nodes{name}}}", map[string]any{"n": nil}, 1 + 25*2},
		{"the default of a variable", "query($n:Int=4){campaigns(first:$n){nodes{name}}}", nil, 1 + 4*2},
		{
			"ids in a variable", "query($i:[ID!]!){nodes(ids:$i){...on Campaign{name}}}",
			map[string]any{"i": []any{"1", "2", "3"}}, 1 + 3,
		},
		{
			"ids in a typed list", "query($i:[ID!]!){nodes(ids:$i){...on Campaign{name}}}",
			map[string]any{"i": []string{"1", "2"}}, 1 + 2,
		},
		{"skipped fields count", "{hello @skip(if:true)}", nil, 1},
		{"a mutation", "mutation{rename(id:1){id name}}", nil, 1 + 2},
		{"introspection counts for its entry alone", "{__schema{types{name fields{name}}}}", nil, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, testSchema, New(Config{Weight: weight}))
			if resp := s.ask(tt.query, tt.vars); len(resp.Errors) > 0 {
				t.Fatal(resp.Errors)
			}
			if s.seen != tt.want {
				t.Errorf("complexity %d, want %d", s.seen, tt.want)
			}
		})
	}
}

func TestCachedDocumentIsStillLimitedByItsVariables(t *testing.T) {
	t.Parallel()
	s := serve(t, testSchema, New(Config{}))
	const query = "query($n:Int){campaigns(first:$n){nodes{id name status}}}"
	for _, step := range []struct {
		first int
		want  []string
	}{{100, nil}, {10_000, []string{CodeComplexity}}, {250, nil}, {1 << 30, []string{CodeComplexity}}} {
		if diff := cmp.Diff(step.want, codes(s.ask(query, map[string]any{"n": step.first}).Errors)); diff != "" {
			t.Errorf("first %d (-want +got):\n%s", step.first, diff)
		}
	}
	if s.executed != 2 {
		t.Errorf("executed %d times, want 2", s.executed)
	}
}

func TestCountsSaturateInsteadOfOverflowing(t *testing.T) {
	t.Parallel()
	g := New(Config{})
	doc, err := parser.ParseQuery(&ast.Source{Input: bomb(200)})
	if err != nil {
		t.Fatal(err)
	}
	var selections *Exceeded
	for _, e := range g.Check(doc) {
		if e.Code == CodeSelections {
			selections = e
		}
	}
	want := &Exceeded{Code: CodeSelections, What: "selections with all fragments expanded", Found: ceiling, Limit: 5000}
	if diff := cmp.Diff(want, selections); diff != "" {
		t.Fatalf("(-want +got):\n%s", diff)
	}
	if got, want := selections.Error(), "the operation has more than 2147483647 selections with all fragments expanded, the limit is 5000"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}

	s := serve(t, testSchema, g)
	deep := "{campaign{" + nested(9, "related(first:2147483647){nodes{", "id", "}}") + "}}"
	got := New(Config{Limits: Limits{Depth: 30}})
	if codes(serve(t, testSchema, got).ask(deep, nil).Errors)[0] != CodeComplexity {
		t.Error("nine nested lists of two thousand million rows are within the limit")
	}
	if got := codes(s.ask("{campaigns(first:99999999999999999999){nodes{id}}}", nil).Errors); len(got) == 0 {
		t.Error("a number beyond 64 bits is within the limit")
	}
}

func TestSpecificationRulesStillApply(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, query, suggested, plain string }{
		{
			"unknown field", "{helo}", `Cannot query field "helo" on type "Query". Did you mean "hello"?`,
			`Cannot query field "helo" on type "Query".`,
		},
		{
			"missing selection", "{campaign}",
			`Field "campaign" of type "Campaign" must have a selection of subfields. Did you mean "campaign { ... }"?`,
			`Field "campaign" of type "Campaign" must have a selection of subfields.`,
		},
		{
			"unknown argument", "{campaign(idd:1){id}}",
			`Unknown argument "idd" on field "Query.campaign". Did you mean "id"?`,
			`Unknown argument "idd" on field "Query.campaign".`,
		},
		{
			"conflict", "{campaign{a:id a:name}}",
			`Fields "a" conflict because "id" and "name" are different fields. Use different aliases on the fields to fetch both if this was intentional.`,
			"",
		},
		{
			"cycle", "{campaign{...A}} fragment A on Campaign{parent{...A}}",
			`Cannot spread fragment "A" within itself.`, "",
		},
		{"unknown fragment", "{...A}", `Unknown fragment "A".`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for hide, want := range map[bool]string{false: tt.suggested, true: tt.plain} {
				if want == "" {
					want = tt.suggested
				}
				resp := serve(t, testSchema, New(Config{HideSuggestions: hide})).ask(tt.query, nil)
				got := []string{}
				for _, err := range resp.Errors {
					got = append(got, err.Message)
				}
				if diff := cmp.Diff([]string{want}, got); diff != "" {
					t.Errorf("hidden %v (-want +got):\n%s", hide, diff)
				}
				if diff := cmp.Diff([]string{"GRAPHQL_VALIDATION_FAILED"}, codes(resp.Errors)); diff != "" {
					t.Errorf("codes (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestValidationStopsAtTheLastErrorReported(t *testing.T) {
	t.Parallel()
	resp := serve(t, testSchema, New(Config{})).ask("{campaign{"+numbered(500, "nope# ")+"}}", nil)
	if len(resp.Errors) != maxErrors {
		t.Errorf("%d errors, want %d", len(resp.Errors), maxErrors)
	}
}

func TestRulePanicIsNotSwallowed(t *testing.T) {
	t.Parallel()
	defer func() {
		if r := recover(); r != "broken" {
			t.Errorf("recovered %v, want the rule's own panic", r)
		}
	}()
	doc, err := parser.ParseQuery(&ast.Source{Input: "{hello}"})
	if err != nil {
		t.Fatal(err)
	}
	validate(
		serve(t, testSchema, New(Config{})).schema, doc,
		[]core.Rule{{Name: "Broken", RuleFunc: func(*core.Events, core.AddErrFunc) { panic("broken") }}},
	)
}

func TestLongMessagesAreCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	g := New(Config{})
	err := &gqlerror.Error{Message: "x" + strings.Repeat("é", 1000)}
	g.restore(err)
	if want := "x" + strings.Repeat("é", 499) + "…"; err.Message != want {
		t.Errorf("cut to %d bytes: …%q", len(err.Message), err.Message[len(err.Message)-10:])
	}
}

// largeSchema has 300 object types with ten fields each that refer to each other, and lists that
// reach all of them.
func largeSchema() string {
	var b strings.Builder
	b.WriteString("type Query { hello: String }\n")
	for i := range 300 {
		fmt.Fprintf(&b, "type T%d {", i)
		for j := range 10 {
			fmt.Fprintf(&b, " f%d(a: Int, b: [String!]): [T%d!]!", j, (i*7+j)%300)
		}
		b.WriteString(" }\n")
	}
	return b.String()
}

func TestIntrospectionOfAnExplorerPasses(t *testing.T) {
	t.Parallel()
	query, err := os.ReadFile("testdata/introspection.graphql")
	if err != nil {
		t.Fatal(err)
	}
	for name, sdl := range map[string]string{"small schema": testSchema, "300 types": largeSchema()} {
		s := serve(t, sdl, New(Config{}))
		if resp := s.ask(string(query), nil); len(resp.Errors) > 0 || s.executed != 1 {
			t.Errorf("%s: %v", name, resp.Errors)
		}
	}
}

func TestIntrospectionThatMultipliesIsRefused(t *testing.T) {
	t.Parallel()
	query := "{__schema{types{" + numbered(
		7, "a#:fields{type{"+strings.ReplaceAll(numbered(7, "b~#:fields{args{type{name}}}"), "~", "")+"}}",
	) + "}}}"
	s := serve(t, largeSchema(), New(Config{}))
	if diff := cmp.Diff([]string{CodeIntrospection}, codes(s.ask(query, nil).Errors)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
