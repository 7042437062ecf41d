package graph

import (
	"context"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	customfield "campaignql/internal/people/field"
)

var customFieldFields = columnsOf("CustomField", fields{"choices": reads("choices"), "list": reads("list_id")})

func (r queryResolver) CustomFields(
	ctx context.Context, listID *string, first *int32, after *string, last *int32, before *string,
) (*model.CustomFieldConnection, error) {
	var filter customfield.Filter
	if listID != nil {
		var err error
		if filter.ListID, err = identify(gid.SubscriberList, "listId", *listID); err != nil {
			return nil, err
		}
	}
	count := func(ctx context.Context) (int, error) { return r.Fields.Count(ctx, filter) }
	request := pageRequest(first, after, last, before, nil)
	if !asks(ctx, "nodes", "edges", "pageInfo") {
		return &model.CustomFieldConnection{Count: count}, request.Validate()
	}
	columns := selected(ctx, customFieldFields, connection).columns()
	result, err := r.Fields.List(ctx, filter, request, columns...)
	if err != nil {
		return nil, err
	}
	return model.PageOf(result, shownFields(result.Items), count), nil
}

func (r mutationResolver) CreateCustomField(
	ctx context.Context, input model.CreateCustomFieldInput,
) (*model.CreateCustomFieldPayload, error) {
	if err := beforeWriting(ctx, payloadCustomField); err != nil {
		return nil, err
	}
	in := customfield.Input{Name: input.Name, Type: input.Type, Choices: input.Choices.Value()}
	var err error
	if text := given(input.ListID); text != nil {
		in.ListID, err = identify(gid.SubscriberList, "listId", *text)
	}
	var f *ent.CustomField
	if err == nil {
		f, err = r.Fields.Create(ctx, in, given(input.IdempotencyKey))
	}
	problems, err := toUserErrors(ctx, err)
	return &model.CreateCustomFieldPayload{CustomField: shownField(f), UserErrors: problems}, err
}

func (r mutationResolver) UpdateCustomField(
	ctx context.Context, input model.UpdateCustomFieldInput,
) (*model.UpdateCustomFieldPayload, error) {
	if err := beforeWriting(ctx, payloadCustomField); err != nil {
		return nil, err
	}
	var faults apperr.Faults
	id, err := identify(gid.CustomField, "id", input.ID)
	faults.Add(err)
	patch := customfield.Patch{Name: given(input.Name)}
	choices := input.Choices.Value()
	clear := clears(input.Clear, "", &faults)
	if clear.has(model.CustomFieldFieldChoices, "choices", choices != nil) || choices != nil {
		patch.Choices = &choices
	}
	var f *ent.CustomField
	if err = faults.Err(); err == nil {
		f, err = r.Fields.Update(ctx, id, patch, payloadCustomField.selected(ctx).columns()...)
	}
	problems, err := toUserErrors(ctx, err)
	return &model.UpdateCustomFieldPayload{CustomField: shownField(f), UserErrors: problems}, err
}

func (r mutationResolver) DeleteCustomFields(
	ctx context.Context, input model.DeleteCustomFieldsInput,
) (*model.DeleteCustomFieldsPayload, error) {
	deleted, problems, err := deleteAll(ctx, gid.CustomField, input.Ids, r.Fields.Delete)
	return &model.DeleteCustomFieldsPayload{DeletedIds: deleted, UserErrors: problems}, err
}
