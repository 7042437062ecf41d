package guard

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

const testSchema = `
interface Node { id: ID! }
enum Status { DRAFT SENT }
input Filter { status: [Status!] and: [Filter!] text: [String!] }
type PageInfo { hasNextPage: Boolean! }
type Tag implements Node { id: ID! name: String! owner: Campaign }
type CampaignEdge { cursor: String! node: Campaign! }
type CampaignConnection { nodes: [Campaign!]! edges: [CampaignEdge!]! pageInfo: PageInfo! totalCount: Int! }
type Campaign implements Node {
  id: ID!
  name: String!
  status: Status!
  words: [String!]!
  rate: Float!
  tags: [Tag!]!
  parent: Campaign
  related(first: Int = 10): CampaignConnection!
}
type Query {
  campaign(id: ID): Campaign
  campaigns(first: Int, last: Int, filter: Filter): CampaignConnection!
  nodes(ids: [ID!]!): [Node]!
  node(id: ID): Node
  hello: String
}
type Mutation { rename(id: ID!): Campaign }
`

var _ Server = (*handler.Server)(nil)

// served is an executor with a guard, as in gqlgen's handler.Server. Its schema answers {} to
// everything.
type served struct {
	*executor.Executor
	schema   *ast.Schema
	executed int
	seen     int // Complexity(ctx) of the last operation
}

func (s *served) SetValidationRulesFn(f func() *rules.Rules) { s.SetDefaultRulesFn(f) }

func serve(tb testing.TB, sdl string, g *Guard) *served {
	tb.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: sdl})
	if err != nil {
		tb.Fatal(err)
	}
	s := &served{schema: schema}
	s.Executor = executor.New(&graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ExecFunc: func(ctx context.Context) graphql.ResponseHandler {
			s.executed++
			s.seen = Complexity(ctx)
			return graphql.OneShot(&graphql.Response{Data: []byte("{}")})
		},
	})
	s.SetQueryCache(lru.New[*ast.QueryDocument](100))
	g.Install(s)
	return s
}

func (s *served) operation(query string, vars map[string]any) (*graphql.OperationContext, gqlerror.List) {
	ctx := graphql.StartOperationTrace(context.Background())
	return s.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: vars})
}

func (s *served) ask(query string, vars map[string]any) *graphql.Response {
	ctx := graphql.StartOperationTrace(context.Background())
	op, errs := s.operation(query, vars)
	if errs != nil {
		return s.DispatchError(graphql.WithOperationContext(ctx, op), errs)
	}
	next, ctx := s.DispatchOperation(ctx, op)
	return next(ctx)
}

func codes(errs gqlerror.List) []string {
	var out []string
	for _, err := range errs {
		code, _ := err.Extensions["code"].(string)
		out = append(out, code)
	}
	return out
}

// bomb returns n fragments on Query. Each spreads the next one twice.
func bomb(n int) string {
	var b strings.Builder
	b.WriteString("{...f0}")
	for i := range n - 1 {
		fmt.Fprintf(&b, "fragment f%d on Query{...f%d ...f%d}", i, i+1, i+1)
	}
	fmt.Fprintf(&b, "fragment f%d on Query{hello}", n-1)
	return b.String()
}
