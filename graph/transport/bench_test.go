package transport

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	gqlgen "github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// instant is an executor without cost, so that a benchmark measures only the transport.
type instant struct {
	op       *graphql.OperationContext
	response *graphql.Response
}

func (i instant) CreateOperationContext(
	context.Context, *graphql.RawParams,
) (*graphql.OperationContext, gqlerror.List) {
	return i.op, nil
}

func (i instant) DispatchOperation(
	ctx context.Context, _ *graphql.OperationContext,
) (graphql.ResponseHandler, context.Context) {
	return func(context.Context) *graphql.Response { return i.response }, ctx
}

func (i instant) DispatchError(context.Context, gqlerror.List) *graphql.Response { return i.response }

// discard is a response writer that keeps its header.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) WriteHeader(int)             {}
func (d discard) Write(b []byte) (int, error) { return len(b), nil }

// BenchmarkPOST compares a page of 16 KB with gqlgen's own transport.
func BenchmarkPOST(b *testing.B) {
	body := `{"query":"query Page($n: Int) { campaigns(first: $n) { nodes { id name status } } }","variables":{"n":50}}`
	nodes := strings.Repeat(`{"id":"Q2FtcGFpZ246MQ","name":"Spring <sale>","status":"SENT"},`, 250)
	page := `{"nodes":[` + strings.TrimSuffix(nodes, ",") + `]}`
	exec := instant{
		op:       &graphql.OperationContext{Operation: &ast.OperationDefinition{Operation: ast.Query}},
		response: &graphql.Response{Data: []byte(page)},
	}
	for name, transport := range map[string]graphql.Transport{"ours": HTTP{}, "gqlgen": gqlgen.POST{}} {
		b.Run(name, func(b *testing.B) {
			w := discard{http.Header{}}
			r, err := http.NewRequest("POST", "/", nil)
			if err != nil {
				b.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Accept", "application/json")
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				r.Body = io.NopCloser(strings.NewReader(body))
				transport.Do(w, r, exec)
			}
		})
	}
}
