package guard

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// attackBudget is far above the processor time for parsing, checking and validating any document,
// even on a busy machine. It is far below the seconds or minutes of a successful attack.
const attackBudget = 500 * time.Millisecond

// numbered repeats pattern n times and replaces # by 0, 1, 2, ….
func numbered(n int, pattern string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(pattern, "#", fmt.Sprint(i)))
	}
	return b.String()
}

// nested wraps inner into open and close, n times.
func nested(n int, open, inner, close string) string {
	return strings.Repeat(open, n) + inner + strings.Repeat(close, n)
}

// twins returns a binary tree of selections. Both children of each node have the same response
// name.
func twins(depth int) string {
	if depth == 0 {
		return "id "
	}
	return "parent{" + twins(depth-1) + "}parent{" + twins(depth-1) + "}"
}

// attacks are documents that are meant to be expensive. want is the code of the first error, or
// empty if the document is allowed.
var attacks = []struct {
	name  string
	query string
	want  string
}{
	{"fragments spread twice, 26 deep", bomb(26), CodeRootFields},
	{"fragments spread twice, below the root", "{campaign{...f0}}" +
		numbered(
			25, "fragment f# on Campaign{...g# ...g#}fragment g# on Campaign{parent{id}}",
		), "GRAPHQL_VALIDATION_FAILED"},
	{"700 KB of overlapping inline fragments", "{" + strings.Repeat("...on Query{hello} ", 36000) + "}", CodeTokens},
	{"one field many times", "{campaign{" + strings.Repeat("id ", 1980) + "}}", CodeOverlaps},
	{
		"one field many times in nested inline fragments",
		"{campaign{" + nested(220, "...{", strings.Repeat("id ", 1300), "}") + "}}", CodeOverlaps,
	},
	{
		"one field many times, as often as allowed",
		"{campaign{" + nested(10, "...{", strings.Repeat("id ", 60), "}") + "}}", "",
	},
	{
		"rich selections merged as often as allowed",
		"{campaign{" + strings.Repeat("parent{id name status rate words tags{id}}", 60) + "}}", "",
	},
	{
		"arguments compared as often as allowed",
		"{campaign{" + strings.Repeat("related(first:1,last:2,ids:[1,2],a:{b:1,c:2}){totalCount}", 60) + "}}",
		"GRAPHQL_VALIDATION_FAILED",
	},
	{
		"one spread many times in nested inline fragments",
		"{campaign{" + nested(100, "...{", strings.Repeat("...A ...B ", 400), "}") +
			"}}fragment A on Campaign{id}fragment B on Campaign{id}",
		CodeOverlaps,
	},
	{"twins, seven deep", "{campaign{" + twins(7) + "}}", ""},
	{
		"twins of twins in fragments",
		"{campaign{...f0}}" +
			numbered(9, "fragment f# on Campaign{...{parent{...g# id}parent{...g# id}}}fragment g# on Campaign{id}"),
		"GRAPHQL_VALIDATION_FAILED",
	},
	{"twins through fragments", "{campaign{...f0}}" + fragmentTwins(9), CodeSelections},
	{"twins through fragments, as many as allowed", "{campaign{...f0}}" + fragmentTwins(5), ""},
	{
		"fragment chain with inline fragments at its end",
		"{campaign{...f0}}" + chain(100, strings.Repeat("...on Node{id}", 150)), CodeSelections,
	},
	{"conflicting fields", "{campaign{" + numbered(150, "a:related(first:#){totalCount}") + "}}", CodeAliases},
	{
		"conflicting fields, as many as allowed", "{campaign{" + numbered(90, "a:related(first:#){totalCount}") + "}}",
		"GRAPHQL_VALIDATION_FAILED",
	},
	{"aliases", "{campaign{" + numbered(650, "a#:__typename ") + "}}", CodeAliases},
	{"root fields", "{" + strings.Repeat("hello ", 1990) + "}", CodeRootFields},
	{"directives", "{__typename " + strings.Repeat("@include(if:true) ", 250) + "}", CodeDirectives},
	{"a thousand directives", "{__typename " + strings.Repeat("@include(if:true) ", 1000) + "}", CodeTokens},
	{"depth", "{campaign{" + nested(490, "parent{", "id", "}") + "}}", CodeDepth},
	{"introspection depth", "{__schema{types{" + nested(200, "fields{type{", "name", "}}") + "}}}", CodeDepth},
	{
		"operations that share a fragment",
		numbered(200, "query q#{...F}") + "fragment F on Query{campaign{" + strings.Repeat("id ", 100) + "}}",
		CodeSelections,
	},
	{
		"fragments in a circle, each spreading all",
		"{campaign{...f0}}" +
			numbered(30, "fragment f# on Campaign{"+strings.ReplaceAll(numbered(30, "...f# "), "#", "")+"}"),
		"GRAPHQL_VALIDATION_FAILED",
	},
	{
		"a fragment inside itself", "{campaign{...F}}fragment F on Campaign{parent{...F} id}",
		"GRAPHQL_VALIDATION_FAILED",
	},
	{"unknown fragments", "{" + numbered(900, "...f# ") + "}", CodeOverlaps},
	{"unknown fields", "{campaign{" + numbered(1900, "nome# ") + "}}", "GRAPHQL_VALIDATION_FAILED"},
	{"unknown types", "{campaign{" + numbered(120, "...on Campaignz#{id}") + "}}", "GRAPHQL_VALIDATION_FAILED"},
	{"a type name of a megabyte", "{...on " + strings.Repeat("x", 1<<20) + "{hello}}", "GRAPHQL_VALIDATION_FAILED"},
	{"a field name of a megabyte", "{campaign{" + strings.Repeat("x", 1<<20) + "}}", "GRAPHQL_VALIDATION_FAILED"},
	{
		"an enum value of a megabyte",
		`{campaigns(filter:{status:["` + strings.Repeat("x", 1<<20) + `"]}){totalCount}}`, "GRAPHQL_VALIDATION_FAILED",
	},
	{"a name of a megabyte where none belongs", "query q" + strings.Repeat("x", 1<<20), "GRAPHQL_PARSE_FAILED"},
	{
		"nested lists", "{campaigns(filter:{text:" + nested(900, "[", "", "]") + "}){totalCount}}",
		"GRAPHQL_VALIDATION_FAILED",
	},
	{"nested input objects", "{campaigns(filter:" + nested(400, "{and:", "{}", "}") + "){totalCount}}", ""},
	{
		"variables",
		"query(" + numbered(250, "$v#:ID ") + "){campaign{" + numbered(80, "a#:related(first:$v#){totalCount}") + "}}",
		"GRAPHQL_VALIDATION_FAILED",
	},
	{
		"a block string of a megabyte",
		`{campaigns(filter:{text:["""` + strings.Repeat("a\n  b", 200_000) + `"""]}){totalCount}}`, "",
	},
	{"a comment of a megabyte", "#" + strings.Repeat("x", 1<<20) + "\n{hello}", ""},
	{"half a million comments", strings.Repeat("#\n", 500_000) + "{hello}", CodeTokens},
}

// fragmentTwins returns n fragments. Each uses the next one in two fields of the same name.
func fragmentTwins(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on Campaign{parent{...f%d}parent{...f%d}}", i, i+1, i+1)
	}
	fmt.Fprintf(&b, "fragment f%d on Campaign{parent{id}}", n)
	return b.String()
}

// chain returns n fragments. Each spreads the next one, and the last one has the given selections.
func chain(n int, last string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "fragment f%d on Campaign{...f%d}", i, i+1)
	}
	fmt.Fprintf(&b, "fragment f%d on Campaign{%s}", n, last)
	return b.String()
}

// The test is not parallel, because it measures the time of its own thread, and garbage collection
// is charged to the allocating thread.
func TestExpensiveDocumentsAreRefusedOrCheap(t *testing.T) {
	for _, a := range attacks {
		t.Run(a.name, func(t *testing.T) {
			s := serve(t, testSchema, New(Config{}))
			spent := processorTime(func() {
				resp := s.ask(a.query, nil)
				first := append(codes(resp.Errors), "")[0]
				if first != a.want {
					t.Errorf("code %q, want %q (%v)", first, a.want, resp.Errors)
				}
				for _, err := range resp.Errors {
					if len(err.Message) > maxMessage+len("…") {
						t.Errorf("a message of %d bytes", len(err.Message))
					}
				}
			})
			if executed := s.executed > 0; executed != (a.want == "") {
				t.Errorf("executed: %v", executed)
			}
			t.Logf("%d bytes: %v", len(a.query), spent)
			if timed && spent > attackBudget {
				t.Errorf("took %v of processor time, the budget is %v", spent, attackBudget)
			}
		})
	}
}
