// Package exec is the executor that gqlgen generates from the schema, and what other packages need of it by hand: the reading of arguments, names of
// enums. It owns no rule and no resolver.
package exec

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
)

// ListArguments reads the arguments of a page below a list of people, by their names, as the executor does.
func ListArguments(ctx context.Context, field graphql.CollectedField) (map[string]any, error) {
	op := graphql.GetOperationContext(ctx)
	ec := newExecutionContext(op, new(executableSchema), nil)
	given := field.ArgumentMap(op.Variables)
	switch field.Name {
	case "segments":
		return ec.field_SubscriberList_segments_args(ctx, given)
	case "subscribers":
		return ec.field_SubscriberList_subscribers_args(ctx, given)
	}
	return nil, fmt.Errorf("exec: SubscriberList.%s has no page", field.Name)
}
