package graph

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/graph/guard"
	"campaignql/internal/caller"
	"campaignql/internal/surface"
)

// maxSchemas is the upper bound of concurrent operations that ask for the schema, and
// maxAccountSchemas the upper bound for one account or network. Further operations wait. The limits
// are low because each operation takes megabytes and every client may ask.
const maxSchemas, maxAccountSchemas = 4, 2

// refused returns the response of an operation that is not executed.
func (s *server) refused(ctx context.Context, err error) *graphql.Response {
	shown := s.present(ctx, err)
	surface.RequestOf(ctx).FailedWith(fmt.Sprint(shown.Extensions["code"]))
	return &graphql.Response{Errors: gqlerror.List{shown}}
}

// schemaGated executes an operation. If the operation asks for the schema, it first takes a place.
func (s *server) schemaGated(execute graphql.ResponseHandler) graphql.ResponseHandler {
	return func(ctx context.Context) (response *graphql.Response) {
		if !guard.Introspects(ctx) {
			return execute(ctx)
		}
		of := surface.RequestOf(ctx).NetworkNumber()
		if id, err := caller.From(ctx); err == nil {
			of = id.UserID
		}
		if err := s.schemas.Do(ctx, of, func(ctx context.Context) error {
			response = execute(ctx)
			return nil
		}); err != nil {
			return s.refused(ctx, err)
		}
		return response
	}
}
