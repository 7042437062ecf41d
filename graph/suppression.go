package graph

import (
	"context"
	"strings"

	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/people/suppression"
)

var suppressionFields = columnsOf("Suppression")

func (r queryResolver) Suppressions(
	ctx context.Context, search *string, reason []kind.SuppressionReason, first *int32, after *string, last *int32,
	before *string,
) (*model.SuppressionConnection, error) {
	filter := suppression.Filter{Search: value(search), Reasons: reason}
	count := func(ctx context.Context) (int, error) { return r.Services.Suppressions.Count(ctx, filter) }
	request := pageRequest(first, after, last, before, nil)
	if !asks(ctx, "nodes", "edges", "pageInfo") {
		return &model.SuppressionConnection{Count: count}, request.Validate()
	}
	columns := selected(ctx, suppressionFields, connection).columns()
	result, err := r.Services.Suppressions.List(ctx, filter, request, columns...)
	if err != nil {
		return nil, err
	}
	return model.PageOf(result, shownSuppressions(result.Items), count), nil
}

func (r mutationResolver) Suppress(ctx context.Context, input model.SuppressInput) (*model.SuppressPayload, error) {
	rows, err := r.Suppressions.Suppress(ctx, input.EmailAddresses, or(input.Reason, kind.SuppressedManually))
	problems, err := toUserErrors(ctx, renamed(err, addressField))
	return &model.SuppressPayload{Suppressions: shownSuppressions(rows), UserErrors: problems}, err
}

func (r mutationResolver) Unsuppress(
	ctx context.Context, input model.UnsuppressInput,
) (*model.UnsuppressPayload, error) {
	released, err := r.Suppressions.Unsuppress(ctx, input.EmailAddresses)
	problems, err := toUserErrors(ctx, renamed(err, addressField))
	if released == nil {
		released = []string{}
	}
	return &model.UnsuppressPayload{ReleasedAddresses: released, UserErrors: problems}, err
}

func addressField(fault *apperr.Error) string {
	return strings.Replace(fault.Field, "addresses", "emailAddresses", 1)
}
