package guard

import (
	"fmt"
	"math"
	"strings"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Limits are the upper bounds for one GraphQL document. A field that is zero or negative uses its
// default: "unlimited" does not exist.
//
// Counts are those of the document with all fragments expanded wherever they are spread, because
// this is what is executed.
type Limits struct {
	// Tokens is the number of lexical tokens of the document, including comments. The parser stops
	// at this number.
	Tokens int
	// Depth is the number of nested fields; { a { b } } has 2. Selections below __schema and __type
	// are not counted.
	Depth int
	// IntrospectionDepth is the number of nested fields below __schema or __type. The introspection
	// query of GraphiQL needs 14.
	IntrospectionDepth int
	// Complexity is the sum of the field weights. A list multiplies the cost of its children. See
	// [Config].
	Complexity int
	// IntrospectionCost is the estimated number of values in the introspection part of an
	// operation's answer. It is separate from Complexity because it causes no load on the database.
	// GraphiQL's query for the whole schema costs about 360,000 if the schema has 300 types of ten
	// fields with two arguments each.
	IntrospectionCost int
	// Aliases is the number of fields with an alias in one operation.
	Aliases int
	// Directives is the number of directives in one operation.
	Directives int
	// RootFields is the number of top-level fields of one operation.
	RootFields int
	// Selections is the number of fields, inline fragments and fragment spreads of the whole
	// document: of all operations and, in addition, of all fragment definitions, because validation
	// visits each of them separately.
	Selections int
	// Overlaps is the number of pairs of selections with the same response path, counted once for
	// each inline fragment around them. Validation compares these pairs one by one to check whether
	// they can be merged.
	Overlaps int
}

// DefaultLimits returns the limits of a server without configuration.
func DefaultLimits() Limits {
	return Limits{
		Tokens:             2000,
		Depth:              12,
		IntrospectionDepth: 20,
		Complexity:         20_000,
		IntrospectionCost:  500_000,
		Aliases:            100,
		Directives:         100,
		RootFields:         30,
		Selections:         5000,
		Overlaps:           20_000,
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, f := range []struct{ value, fallback *int }{
		{&l.Tokens, &d.Tokens},
		{&l.Depth, &d.Depth},
		{&l.IntrospectionDepth, &d.IntrospectionDepth},
		{&l.Complexity, &d.Complexity},
		{&l.IntrospectionCost, &d.IntrospectionCost},
		{&l.Aliases, &d.Aliases},
		{&l.Directives, &d.Directives},
		{&l.RootFields, &d.RootFields},
		{&l.Selections, &d.Selections},
		{&l.Overlaps, &d.Overlaps},
	} {
		if *f.value <= 0 {
			*f.value = *f.fallback
		}
	}
	return l
}

// The values of extensions.code of a rejected document.
const (
	CodeTokens        = "TOO_MANY_TOKENS"
	CodeDepth         = "DEPTH_LIMIT_EXCEEDED"
	CodeComplexity    = "COMPLEXITY_LIMIT_EXCEEDED"
	CodeIntrospection = "INTROSPECTION_LIMIT_EXCEEDED"
	CodeAliases       = "TOO_MANY_ALIASES"
	CodeDirectives    = "TOO_MANY_DIRECTIVES"
	CodeRootFields    = "TOO_MANY_ROOT_FIELDS"
	CodeSelections    = "TOO_MANY_SELECTIONS"
	CodeOverlaps      = "TOO_MANY_OVERLAPS"
)

// Exceeded describes a limit that a document exceeds. It is the cause (errors.As) of the GraphQL
// errors of this package.
type Exceeded struct {
	// Code is one of the Code constants.
	Code string
	// What names the counted things, for example "aliases".
	What string
	// Found is the number counted. Counting stops at [math.MaxInt32]. Found is 0 for tokens,
	// because the parser stops at the limit.
	Found int
	// Limit is the number allowed.
	Limit int
}

// Error returns a sentence for the client with the number found and the limit.
func (e *Exceeded) Error() string {
	found := fmt.Sprint(e.Found)
	switch e.Found {
	case 0:
		return fmt.Sprintf("the document has more than %d %s, the most that is allowed", e.Limit, e.What)
	case ceiling:
		found = "more than " + found
	}
	return fmt.Sprintf("the operation has %s %s, the limit is %d", found, e.What, e.Limit)
}

// graphQL returns e as a GraphQL error with its code.
func (e *Exceeded) graphQL() *gqlerror.Error {
	return &gqlerror.Error{Err: e, Message: upperFirst(e.Error()) + ".", Extensions: map[string]any{"code": e.Code}}
}

func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// ceiling is the value at which counts saturate, so that nested fragments cannot make a count
// overflow into a small number.
const ceiling = math.MaxInt32

// plus adds two counts between 0 and ceiling.
func plus(a, b int) int {
	if a > ceiling-b {
		return ceiling
	}
	return a + b
}

// times multiplies two counts between 0 and ceiling.
func times(a, b int) int {
	if a != 0 && b > ceiling/a {
		return ceiling
	}
	return a * b
}
