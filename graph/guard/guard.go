// Package guard refuses GraphQL documents that would cost more than they are worth, before any of
// their fields is resolved.
//
// The threat is a small document that is expensive to look at. Twenty-six fragments that each
// spread the next one twice fit into a kilobyte and stand for sixty-seven million fields; whatever
// walks the spreads one by one is the attack's first victim, a limit on complexity included. So
// each fragment is measured once, by itself, and its measure is added wherever it is spread: depth,
// aliases, directives, selections and complexity all follow from the fragments' own, in time linear
// in the size of the document. Counts saturate, so they cannot overflow into small numbers. Only
// when these limits are kept do the rules of the specification run, since some of them are
// quadratic in the expanded document; see [Limits].Overlaps.
//
// What depends on the document alone is checked while validating and holds for as long as the
// document is cached. What depends on variables, the complexity, is worked out for each operation.
//
// The package knows gqlgen and gqlparser and nothing of campaigns, accounts or HTTP. Which fields
// cost more than others is told by the caller.
package guard

import (
	"context"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// Config tells a Guard what to allow and how to count. The zero value is a server without
// configuration.
//
// Complexity is counted as follows. A field costs its weight, 1 by default; __typename is free.
// What is below a field is multiplied by the rows it answers with: the arguments first or last
// where it has them, the length of the argument ids, ListRows for another list of objects, and 1
// for the lists of a type whose name ends in Connection, which are part of a page already counted.
// Fields under @skip and @include count as if they were always there.
type Config struct {
	// Limits are the bounds; a zero field takes the default.
	Limits Limits
	// Weight returns the weight of a field where it differs from the default; nil when none does.
	// It is asked once for each field of the schema, when the Guard is installed.
	Weight func(parentType, field string) Weight
	// Page is the number of rows of a paged field without first or last; 25 by default.
	Page int
	// ListRows is the assumed length of a list of objects that is not paged; 5 by default.
	ListRows int
	// HideSuggestions leaves "Did you mean" out of validation errors, so that they do not tell about the schema.
	// It takes the place of the server's SetDisableSuggestion, which must not be called as well.
	HideSuggestions bool
}

// Guard checks documents and operations against limits. It is safe for concurrent use once installed.
type Guard struct {
	limits          Limits
	weight          func(parentType, field string) Weight
	page, listRows  int
	hideSuggestions bool
	prices          tariff
	tokenMessage    string
}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
	graphql.ResponseInterceptor
} = (*Guard)(nil)

// New returns a Guard. It has no effect until installed.
func New(c Config) *Guard {
	g := &Guard{
		limits:          c.Limits.withDefaults(),
		weight:          c.Weight,
		page:            c.Page,
		listRows:        c.ListRows,
		hideSuggestions: c.HideSuggestions,
	}
	if g.page <= 0 {
		g.page = 25
	}
	if g.listRows <= 0 {
		g.listRows = 5
	}
	g.tokenMessage = fmt.Sprintf("exceeded token limit of %d", g.limits.Tokens)
	return g
}

// Server is the part of gqlgen's handler.Server that a Guard is installed into.
type Server interface {
	SetParserTokenLimit(limit int)
	SetValidationRulesFn(f func() *rules.Rules)
	Use(extension graphql.HandlerExtension)
}

// Install makes s obey the limits: the token limit in the parser, the limits on the document in
// validation, the limit on complexity before execution. It replaces validation rules and a token
// limit set before.
func (g *Guard) Install(s Server) {
	s.SetParserTokenLimit(g.limits.Tokens)
	s.SetValidationRulesFn(g.Rules)
	s.Use(g)
}

// ExtensionName implements [graphql.HandlerExtension].
func (g *Guard) ExtensionName() string { return "Guard" }

// Validate implements [graphql.HandlerExtension]: it works out the prices of the fields of the schema.
func (g *Guard) Validate(schema graphql.ExecutableSchema) error {
	if schema.Schema() == nil {
		return errors.New("guard: the executable schema has no schema")
	}
	g.prices = g.tariff(schema.Schema())
	return nil
}

// MutateOperationContext implements [graphql.OperationContextMutator]: it works out the complexity
// of the operation with its variables, keeps it for [Complexity], and refuses the operation when it
// is over the limit.
func (g *Guard) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	c := g.cost(op.Operation, op.Variables)
	op.Stats.SetExtension(statsKey, c)
	switch {
	case c.complexity > g.limits.Complexity:
		return (&Exceeded{CodeComplexity, "points of complexity", c.complexity, g.limits.Complexity}).graphQL()
	case c.introspection > g.limits.IntrospectionCost:
		return (&Exceeded{CodeIntrospection, "points of introspection", c.introspection, g.limits.IntrospectionCost}).graphQL()
	}
	return nil
}

func (g *Guard) cost(op *ast.OperationDefinition, vars map[string]any) cost {
	b := bill{tariff: g.prices, vars: vars}
	return b.set(op.SelectionSet)
}

const statsKey = "Guard"

// Complexity returns the complexity of the operation of ctx, and 0 when there is none or it was not worked out because
// the document was refused before.
func Complexity(ctx context.Context) int { return costOf(ctx).complexity }

// Introspects reports whether the operation of ctx asks for the schema.
func Introspects(ctx context.Context) bool { return costOf(ctx).introspection > 0 }

func costOf(ctx context.Context) cost {
	if !graphql.HasOperationContext(ctx) {
		return cost{}
	}
	c, _ := graphql.GetOperationContext(ctx).Stats.GetExtension(statsKey).(cost)
	return c
}

// maxMessage is the length in bytes to which the messages of refused documents are cut: parser and
// validator repeat names from the document, which may be as long as the request body.
const maxMessage = 1000

// InterceptResponse implements [graphql.ResponseInterceptor]. gqlgen gives every error of parsing
// and validation a code of its own; here the errors of this package and of the token limit get
// theirs back.
func (g *Guard) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	resp := next(ctx)
	if resp == nil || resp.Data != nil {
		return resp
	}
	for _, err := range resp.Errors {
		g.restore(err)
	}
	return resp
}

func (g *Guard) restore(err *gqlerror.Error) {
	if e := (*Exceeded)(nil); errors.As(err.Err, &e) {
		errcode.Set(err, e.Code)
		return
	}
	if err.Message == g.tokenMessage {
		e := &Exceeded{Code: CodeTokens, What: "tokens", Limit: g.limits.Tokens}
		err.Err, err.Message = e, upperFirst(e.Error())+"."
		errcode.Set(err, e.Code)
		return
	}
	if len(err.Message) > maxMessage {
		cut := maxMessage
		for !utf8.RuneStart(err.Message[cut]) {
			cut--
		}
		err.Message = err.Message[:cut] + "…"
	}
}
