package transport

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const testSchema = `
scalar JSON
type Query { hello: String big(n: JSON): JSON broken: String! }
type Mutation { shout: String }
type Subscription { tick: String }
`

// run answers an operation by its name, so that a test decides the executor's responses.
type run func(ctx context.Context, op *graphql.OperationContext) *graphql.Response

// newServer returns gqlgen's server with this package's transport and a schema without resolvers.
// answers holds the response of each named operation. Other operations get a fixed name.
func newServer(tb testing.TB, t HTTP, answers map[string]run) *handler.Server {
	tb.Helper()
	return newServerWith(tb, func(srv *handler.Server) { srv.AddTransport(t) }, answers)
}

func newServerWith(tb testing.TB, transports func(*handler.Server), answers map[string]run) *handler.Server {
	tb.Helper()
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: testSchema})
	if err != nil {
		tb.Fatal(err)
	}
	srv := handler.New(&graphql.ExecutableSchemaMock{
		SchemaFunc: func() *ast.Schema { return schema },
		ExecFunc: func(ctx context.Context) graphql.ResponseHandler {
			op := graphql.GetOperationContext(ctx)
			if answer := answers[op.Operation.Name]; answer != nil {
				return func(ctx context.Context) *graphql.Response { return answer(ctx, op) }
			}
			return graphql.OneShot(&graphql.Response{Data: []byte(`{"hello":"world <3"}`)})
		},
	})
	srv.SetQueryCache(lru.New[*ast.QueryDocument](100))
	srv.Use(extension.AutomaticPersistedQuery{Cache: lru.New[string](100)})
	transports(srv)
	return srv
}

// ask sends a request and returns the recorded response. Headers are "Name: value".
func ask(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func failWith(err *gqlerror.Error) run {
	return func(context.Context, *graphql.OperationContext) *graphql.Response {
		return &graphql.Response{Errors: gqlerror.List{err}, Data: []byte("null")}
	}
}
