package graph

import (
	"context"
	"encoding/json"

	"campaignql/graph/scalar"
)

func (r mutationResolver) Command(ctx context.Context, name string, parameters scalar.JSON) (scalar.JSON, error) {
	return scalar.JSON(r.Commands.Answer(ctx, name, json.RawMessage(parameters))), nil
}
