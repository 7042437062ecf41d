package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// hidden rejects introspection.
type hidden struct{}

var _ interface {
	graphql.HandlerExtension
	graphql.OperationContextMutator
} = hidden{}

func (hidden) ExtensionName() string { return "HiddenSchema" }

func (hidden) Validate(graphql.ExecutableSchema) error { return nil }

func (hidden) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	asked := graphql.CollectFields(op, op.Operation.SelectionSet, []string{"Query", "Mutation", "Subscription"})
	introspects := func(f graphql.CollectedField) bool { return f.Name == "__schema" || f.Name == "__type" }
	if slices.ContainsFunc(asked, introspects) {
		return &gqlerror.Error{Message: "introspection is turned off", Extensions: map[string]any{"code": "FORBIDDEN"}}
	}
	return nil
}
