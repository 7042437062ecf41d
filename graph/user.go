package graph

import (
	"context"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/account"
)

// userFields and apiKeyFields say what the fields of an account and of an API key read.
var (
	userFields   = columnsOf("User")
	apiKeyFields = columnsOf("ApiKey", fields{
		"scopes": reads("scopes"), "parent": reads("parent_id"), "owner": reads("user_id"),
	})
)

func shownUser(row *ent.User) *model.User {
	if row == nil {
		return nil
	}
	return &model.User{User: row}
}

func shownKey(row *ent.APIKey) *model.APIKey {
	if row == nil {
		return nil
	}
	return &model.APIKey{APIKey: row}
}

func (r queryResolver) User(ctx context.Context, id string) (*model.User, error) {
	number, err := identify(gid.User, "id", id)
	if err != nil {
		return nil, err
	}
	found, err := r.Accounts.UsersByIDs(ctx, []int64{number}, selected(ctx, userFields, itself).columns()...)
	return shownUser(found[number]), err
}

func (r queryResolver) Users(
	ctx context.Context, search *string, first *int32, after *string, last *int32, before *string,
) (*model.UserConnection, error) {
	filter := account.UserFilter{Search: value(search)}
	count := func(ctx context.Context) (int, error) { return r.Accounts.CountUsers(ctx, filter) }
	request := pageRequest(first, after, last, before, nil)
	if !asks(ctx, "nodes", "edges", "pageInfo") {
		return &model.UserConnection{Count: count}, request.Validate()
	}
	result, err := r.Accounts.Users(ctx, filter, request, selected(ctx, userFields, connection).columns()...)
	if err != nil {
		return nil, err
	}
	return model.PageOf(result, mapped(result.Items, shownUser), count), nil
}

// usersOf returns the accounts with the given ids in their order, with the columns that the current
// field selects, and nil for one that the caller does not see.
func (r *resolver) usersOf(ctx context.Context, ids []int64) ([]*model.User, error) {
	l, err := loaders(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := l.users.Load(ctx, ids, selected(ctx, userFields, itself).columns())
	return mapped(rows, shownUser), err
}

// keysOf returns the API keys with the given ids in their order, with the columns that the current
// field selects, and nil for an id that is nil and for a key that the caller does not see.
func (r *resolver) keysOf(ctx context.Context, ids []*int64) ([]*model.APIKey, error) {
	l, err := loaders(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := present(ids, func(ids []int64) ([]*ent.APIKey, error) {
		return l.keys.Load(ctx, ids, selected(ctx, apiKeyFields, itself).columns())
	})
	return mapped(rows, shownKey), err
}

func (r keyResolver) Owner(ctx context.Context, keys []*model.APIKey) ([]*model.User, error) {
	return r.usersOf(ctx, mapped(keys, func(k *model.APIKey) int64 { return k.UserID }))
}

func (r keyResolver) Parent(ctx context.Context, keys []*model.APIKey) ([]*model.APIKey, error) {
	return r.keysOf(ctx, mapped(keys, func(k *model.APIKey) *int64 { return k.ParentID }))
}

func (r viewerResolver) APIKeys(
	ctx context.Context, _ *model.Viewer, revoked *bool, first *int32, after *string, last *int32, before *string,
) (*model.APIKeyConnection, error) {
	filter := account.KeyFilter{Revoked: revoked}
	count := func(ctx context.Context) (int, error) { return r.Accounts.CountKeys(ctx, filter) }
	request := pageRequest(first, after, last, before, nil)
	if !asks(ctx, "nodes", "edges", "pageInfo") {
		return &model.APIKeyConnection{Count: count}, request.Validate()
	}
	result, err := r.Accounts.KeyPage(ctx, filter, request, selected(ctx, apiKeyFields, connection).columns()...)
	if err != nil {
		return nil, err
	}
	return model.PageOf(result, shownKeys(result.Items), count), nil
}
