package testkit

import (
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// AccountOption changes the account that Account creates, and its identity.
type AccountOption func(*caller.Identity)

// Admin makes the account an administrator with every scope.
func Admin() AccountOption {
	return func(id *caller.Identity) {
		id.Role, id.Scopes = kind.RoleAdmin, kind.AllScopes(kind.RoleAdmin)
	}
}

// Untrusted makes an account whose campaigns need approval.
func Untrusted() AccountOption {
	return func(id *caller.Identity) { id.Reputation = kind.ReputationUntrusted }
}

// Scoped gives the identity only these scopes.
func Scoped(scopes ...kind.Scope) AccountOption {
	return func(id *caller.Identity) { id.Scopes = scopes }
}

// InZone sets the time zone in which the account reads dates. The default is UTC.
func InZone(zone string) AccountOption {
	return func(id *caller.Identity) { id.TimeZone = zone }
}

// Account creates an account with a random name and returns its identity: a trusted user with every
// scope of its role, who calls through GraphQL.
func Account(t testing.TB, db *store.Store, opts ...AccountOption) caller.Identity {
	t.Helper()
	name := "u" + strings.ToLower(rand.Text())
	id := caller.Identity{
		Role:       kind.RoleUser,
		Reputation: kind.ReputationTrusted,
		Scopes:     kind.AllScopes(kind.RoleUser),
		Surface:    kind.SurfaceGraphQL,
		TimeZone:   "UTC",
		Username:   name,
	}
	for _, opt := range opts {
		opt(&id)
	}
	ctx := caller.System(t.Context())
	now := store.Now()
	user, err := db.Client(ctx).User.Create().
		SetUsername(name).SetUsernameKey(name).
		SetEmail(name + "@example.com").SetEmailKey(name + "@example.com").
		SetPasswordHash("no password matches this").
		SetTimeZone(id.TimeZone).SetRole(id.Role).SetReputation(id.Reputation).
		SetCreatedAt(now).SetUpdatedAt(now).Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	id.UserID = user.ID
	return id
}

// As returns a context with the caller id. The context ends with the test.
func As(t testing.TB, id caller.Identity) context.Context {
	return caller.With(t.Context(), id)
}
