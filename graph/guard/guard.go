// Package guard rejects GraphQL documents that would be too expensive, before any of their fields
// is resolved.
//
// The threat is a small document that is expensive to analyze. Twenty-six fragments that each
// spread the next one twice fit into a kilobyte and expand to sixty-seven million fields. Code that
// follows each spread would already be a victim of the attack, even a complexity limit. So each
// fragment is measured once, and its measure is added wherever the fragment is spread. Depth,
// aliases, directives, selections and complexity all follow from the measures of the fragments, in
// time linear in the size of the document. Counts saturate, so they cannot overflow into small
// numbers. The rules of the specification run only after these limits have passed, because some of
// the rules are quadratic in the expanded document; see [Limits].Overlaps.
//
// Limits that depend on the document alone are checked during validation, and the result is valid
// for as long as the document is cached. Complexity depends on variables, so it is computed for
// each operation.
//
// The package knows gqlgen and gqlparser. It must not know campaigns, accounts or HTTP. The caller
// configures which fields cost more than others.
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

// Config is the configuration of a Guard. The zero value uses the defaults everywhere.
//
// Complexity is counted as follows. A field costs its weight, 1 by default; __typename is free. The
// cost of a field's children is multiplied by the number of rows that the field returns: the
// arguments first or last if the field has them, the length of the argument ids, ListRows for
// another list of objects, and 1 for the lists of a type whose name ends in Connection, because
// they are part of a page that is counted already. Fields under @skip and @include count as if they
// were always included.
type Config struct {
	// Limits are the upper bounds. A zero field means the default.
	Limits Limits
	// Weight returns the weight of a field if it differs from the default. It is nil if no weight
	// differs. It is called once for each field of the schema, when the Guard is installed.
	Weight func(parentType, field string) Weight
	// Page is the number of rows of a paged field without first and last; 25 by default.
	Page int
	// ListRows is the assumed length of a list of objects that is not paged; 5 by default.
	ListRows int
	// HideSuggestions removes "Did you mean" from validation errors, so that they do not reveal the
	// schema. It replaces the server's SetDisableSuggestion, which must not be called as well.
	HideSuggestions bool
}

// Guard checks documents and operations against limits. An installed Guard is safe for concurrent
// use.
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

// New returns a Guard. The Guard has no effect until it is installed.
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

// Server is the part of gqlgen's handler.Server that Install needs.
type Server interface {
	SetParserTokenLimit(limit int)
	SetValidationRulesFn(f func() *rules.Rules)
	Use(extension graphql.HandlerExtension)
}

// Install makes s enforce the limits: the token limit in the parser, the document limits during
// validation, and the complexity limit before execution. It replaces validation rules and a token
// limit that were set before.
func (g *Guard) Install(s Server) {
	s.SetParserTokenLimit(g.limits.Tokens)
	s.SetValidationRulesFn(g.Rules)
	s.Use(g)
}

// ExtensionName implements [graphql.HandlerExtension].
func (g *Guard) ExtensionName() string { return "Guard" }

// Validate implements [graphql.HandlerExtension]. It computes the costs of the fields of the
// schema.
func (g *Guard) Validate(schema graphql.ExecutableSchema) error {
	if schema.Schema() == nil {
		return errors.New("guard: the executable schema has no schema")
	}
	g.prices = g.tariff(schema.Schema())
	return nil
}

// MutateOperationContext implements [graphql.OperationContextMutator]. It computes the complexity
// of the operation with its variables, stores it for [Complexity], and rejects the operation if the
// complexity is over the limit.
func (g *Guard) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	c := g.cost(op.Operation, op.Variables)
	op.Stats.SetExtension(statsKey, c)
	return g.overLimit(c)
}

// overLimit returns the error of an operation that costs too much, or nil.
func (g *Guard) overLimit(c cost) *gqlerror.Error {
	switch {
	case c.complexity > g.limits.Complexity:
		return (&Exceeded{CodeComplexity, "points of complexity", c.complexity, g.limits.Complexity}).graphQL()
	case c.introspection > g.limits.IntrospectionCost:
		return (&Exceeded{
			CodeIntrospection, "points of introspection", c.introspection, g.limits.IntrospectionCost,
		}).graphQL()
	}
	return nil
}

func (g *Guard) cost(op *ast.OperationDefinition, vars map[string]any) cost {
	b := bill{tariff: g.prices, vars: vars}
	return b.set(op.SelectionSet)
}

const statsKey = "Guard"

// Complexity returns the complexity of the operation of ctx. It returns 0 if there is no operation,
// or if the complexity was not computed because the document was rejected before.
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

// maxMessage is the length in bytes to which the messages of rejected documents are cut. Parser and
// validator repeat names from the document, and a name may be as long as the request body.
const maxMessage = 1000

// InterceptResponse implements [graphql.ResponseInterceptor]. gqlgen sets its own code on every
// error of parsing and validation. InterceptResponse restores the codes of this package's errors
// and of the token limit.
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
