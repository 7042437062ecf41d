package account

import (
	"context"

	"campaignql/ent"
	"campaignql/ent/apikey"
	"campaignql/ent/predicate"
	"campaignql/ent/user"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// UserFilter selects accounts. The zero value selects all.
type UserFilter struct {
	// Search is a part of the user name or of the address, ignoring case. "%" and "_" have no special
	// meaning.
	Search string
}

func (f UserFilter) predicates() []predicate.User {
	if search := kind.Fold(kind.Clean(f.Search), maxUsernameKey); search != "" {
		return []predicate.User{user.Or(user.UsernameKeyContains(search), user.EmailKeyContains(search))}
	}
	return nil
}

var byUsername = page.Order[*ent.User]{
	Name: "USERNAME", Column: user.FieldUsernameKey, Type: page.Text,
	Key: func(u *ent.User) page.Key { return page.Key{Value: u.UsernameKey, ID: u.ID} },
}

// Users returns one page of the accounts that the caller sees, by user name: all for an admin, the
// own account for anybody else. Invalid requests return the errors of page.Request.
func (s *Service) Users(
	ctx context.Context, filter UserFilter, request page.Request, columns ...string,
) (page.Result[*ent.User], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return page.Result[*ent.User]{}, err
	}
	return page.Read(ctx, byUsername, request, s.db.Client(ctx).User.Query().Where(filter.predicates()...), columns)
}

// CountUsers returns the number of accounts that Users returns on all pages.
func (s *Service) CountUsers(ctx context.Context, filter UserFilter) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).User.Query().Where(filter.predicates()...).Count(ctx)
	return n, store.Translate(err)
}

// UsersByIDs returns those of the accounts that the caller sees, in one statement.
func (s *Service) UsersByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.User, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return store.ByIDs(ctx, ids, columns, func(u *ent.User) int64 { return u.ID }, func(some ...int64) *ent.UserQuery {
		return s.db.Client(ctx).User.Query().Where(user.IDIn(some...))
	})
}

// Usernames returns the user names of accounts, also of those that the caller does not see, in one
// statement. Use it only for accounts that something names which the caller may read, such as the
// history of a campaign.
func (s *Service) Usernames(ctx context.Context, ids []int64) (map[int64]string, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	found, err := s.UsersByIDs(caller.System(ctx), ids, user.FieldUsername)
	names := make(map[int64]string, len(found))
	for id, row := range found {
		names[id] = row.Username
	}
	return names, err
}

// KeyFilter selects API keys. The zero value selects all.
type KeyFilter struct {
	// Revoked selects the keys that are, or are not, revoked.
	Revoked *bool
}

func (f KeyFilter) predicates(owner int64) []predicate.APIKey {
	chosen := []predicate.APIKey{apikey.UserID(owner)}
	switch {
	case f.Revoked == nil:
	case *f.Revoked:
		chosen = append(chosen, apikey.RevokedAtNotNil())
	default:
		chosen = append(chosen, apikey.RevokedAtIsNil())
	}
	return chosen
}

var newestKeyFirst = page.Order[*ent.APIKey]{
	Name: "CREATED_AT", Column: apikey.FieldID, Desc: true,
	Key: func(k *ent.APIKey) page.Key { return page.Key{ID: k.ID} },
}

// KeyPage returns one page of the API keys of the calling account, newest first. It needs the scope
// read. Invalid requests return the errors of page.Request.
func (s *Service) KeyPage(
	ctx context.Context, filter KeyFilter, request page.Request, columns ...string,
) (page.Result[*ent.APIKey], error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return page.Result[*ent.APIKey]{}, err
	}
	query := s.db.Client(ctx).APIKey.Query().Where(filter.predicates(id.UserID)...)
	return page.Read(ctx, newestKeyFirst, request, query, columns)
}

// CountKeys returns the number of keys that KeyPage returns on all pages.
func (s *Service) CountKeys(ctx context.Context, filter KeyFilter) (int, error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).APIKey.Query().Where(filter.predicates(id.UserID)...).Count(ctx)
	return n, store.Translate(err)
}

// KeysByIDs returns those of the API keys that belong to accounts which the caller sees, in one
// statement.
func (s *Service) KeysByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.APIKey, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return store.ByIDs(
		ctx, ids, columns, func(k *ent.APIKey) int64 { return k.ID }, func(some ...int64) *ent.APIKeyQuery {
			return s.db.Client(ctx).APIKey.Query().Where(apikey.IDIn(some...))
		},
	)
}
