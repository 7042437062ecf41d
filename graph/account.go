package graph

import (
	"context"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/graph/model"
	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

func (r queryResolver) Viewer(ctx context.Context) (*model.Viewer, error) {
	id, err := caller.From(ctx)
	if err != nil {
		return nil, err
	}
	user, err := r.Accounts.Viewer(ctx, selected(ctx, userFields, [][]string{{"user"}}).columns()...)
	if err != nil {
		return nil, err
	}
	scopes := []kind.Scope{}
	return &model.Viewer{User: shownUser(user), Scopes: append(scopes, id.Scopes...)}, nil
}

func shownKeys(keys []*ent.APIKey) []*model.APIKey {
	shown := make([]*model.APIKey, len(keys))
	for i, key := range keys {
		shown[i] = &model.APIKey{APIKey: key}
	}
	return shown
}

func (r mutationResolver) Login(ctx context.Context, input model.LoginInput) (*model.LoginPayload, error) {
	session, err := r.Accounts.Login(ctx, account.Login{
		Username:   value(given(input.Username)),
		Password:   value(given(input.Password)),
		Key:        value(given(input.APIKey)),
		RemoteAddr: requestOf(ctx).Client,
	})
	if err == nil {
		return &model.LoginPayload{
			SessionToken: &session.Token, ExpiresAt: &session.ExpiresAt, UserErrors: []*model.UserError{},
		}, nil
	}
	if all := apperr.All(err); len(all) == 1 && all[0].Code == apperr.Unauthenticated {
		return &model.LoginPayload{UserErrors: []*model.UserError{
			{
				Code: model.UserErrorCodeInvalidCredentials, Message: all[0].Message, Field: []string{},
				Reason: userReason(all[0]),
			},
		}}, nil
	}
	problems, err := toUserErrors(ctx, err)
	return &model.LoginPayload{UserErrors: problems}, err
}

func (r mutationResolver) Logout(ctx context.Context) (*model.LogoutPayload, error) {
	id, err := caller.From(ctx)
	if err != nil {
		return nil, err
	}
	if id.SessionID == "" {
		return &model.LogoutPayload{UserErrors: []*model.UserError{}}, nil
	}
	err = r.Accounts.Logout(ctx, requestOf(ctx).credentials.Session)
	return &model.LogoutPayload{Ended: err == nil, UserErrors: []*model.UserError{}}, err
}

func (r mutationResolver) CreateAPIKey(
	ctx context.Context, input model.CreateAPIKeyInput,
) (*model.CreateAPIKeyPayload, error) {
	record, key, err := r.Accounts.CreateKey(
		ctx, account.NewKey{Scopes: input.Scopes, Note: value(given(input.Note)), ExpiresAt: given(input.ExpiresAt)},
	)
	if err != nil {
		problems, err := toUserErrors(ctx, err)
		return &model.CreateAPIKeyPayload{UserErrors: problems}, err
	}
	return &model.CreateAPIKeyPayload{
		Key: &key, APIKey: &model.APIKey{APIKey: record}, UserErrors: []*model.UserError{},
	}, nil
}

func (r mutationResolver) RevokeAPIKey(
	ctx context.Context, input model.RevokeAPIKeyInput,
) (*model.RevokeAPIKeyPayload, error) {
	id, err := identify(gid.APIKey, "id", input.ID)
	if err == nil {
		revoked, revokeErr := r.Accounts.RevokeKey(ctx, id, or(input.Descendants, account.RevokeDescendants))
		if revokeErr == nil {
			return &model.RevokeAPIKeyPayload{
				APIKey:      &model.APIKey{APIKey: revoked.Key},
				Descendants: shownKeys(revoked.Descendants),
				UserErrors:  []*model.UserError{},
			}, nil
		}
		err = revokeErr
	}
	problems, err := toUserErrors(ctx, err)
	return &model.RevokeAPIKeyPayload{Descendants: []*model.APIKey{}, UserErrors: problems}, err
}

func (r mutationResolver) UpdateAccount(
	ctx context.Context, input model.UpdateAccountInput,
) (*model.UpdateAccountPayload, error) {
	updated, err := r.Accounts.UpdateOwn(ctx, account.OwnPatch{Sender: given(input.Sender)})
	problems, err := toUserErrors(ctx, err)
	return &model.UpdateAccountPayload{User: shownUser(updated), UserErrors: problems}, err
}
