// Package caller owns the identity of the caller. A surface puts the identity into the context
// after authentication, and the store reads it to limit every statement to one account. The package
// must not know how the caller was authenticated.
package caller

import (
	"context"
	"slices"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
)

// Identity is an authenticated caller. The zero Identity is not authenticated.
type Identity struct {
	// UserID is the account for which the caller acts.
	UserID int64
	// Role determines whether the caller sees one account or all.
	Role kind.Role
	// Reputation determines whether the caller's campaigns need approval.
	Reputation kind.Reputation
	// Scopes are the permissions of the key. A session has every scope of its user's role except
	// delivery.
	Scopes kind.Scopes
	// KeyID is the API key that was used, or 0 for a session.
	KeyID int64
	// OpenedBy is the API key that opened the session. It is 0 if a password opened it, and without
	// a session.
	OpenedBy int64
	// Expires is the expiry time of that key. It is zero if the key never expires, and without a
	// key.
	Expires time.Time
	// SessionID is the stored id of the session that was used, or "" for a key.
	SessionID string
	// Surface is the surface that received the call.
	Surface kind.Surface
	// TimeZone is the zone in which the account reads dates.
	TimeZone string
	// Username is the account's name, for the log and for `viewer`.
	Username string
	// system marks work of the server itself, which belongs to no account.
	system bool
}

// SeesAll reports whether the caller sees every account: an admin whose key has the scope admin, or
// the server itself.
func (id Identity) SeesAll() bool {
	return id.system || id.Role == kind.RoleAdmin && slices.Contains(id.Scopes, kind.ScopeAdmin)
}

// Key returns the API key that the caller used, or that opened its session, or 0 if there is none.
func (id Identity) Key() int64 { return max(id.KeyID, id.OpenedBy) }

// Require returns a Denied error unless the caller has the scope.
func (id Identity) Require(scope kind.Scope) error {
	if id.system || id.Scopes.Has(scope) {
		return nil
	}
	return apperr.New(apperr.Denied, "this key lacks the scope %q", string(scope))
}

type contextKey struct{}

// With returns a context in which every domain call acts for id.
func With(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, contextKey{}, id)
}

// From returns the caller of ctx, or an Unauthenticated error if there is none.
func From(ctx context.Context) (Identity, error) {
	id, ok := ctx.Value(contextKey{}).(Identity)
	if !ok || id.UserID == 0 && !id.system {
		return Identity{}, apperr.New(
			apperr.Unauthenticated, "authentication is required: send an API key or a session",
		)
	}
	return id, nil
}

// Authorize returns the caller of ctx, or an error if it lacks the scope.
func Authorize(ctx context.Context, scope kind.Scope) (Identity, error) {
	id, err := From(ctx)
	if err != nil {
		return Identity{}, err
	}
	return id, id.Require(scope)
}

// System returns a context in which the server itself acts, for every account: to look up a key
// before its owner is known, for migrations, for demo data, and for the command line. Never derive
// it from a request whose caller is known.
func System(ctx context.Context) context.Context { return server(ctx, kind.SurfaceCLI) }

// Sender returns a context in which the built-in sender acts, as System does.
func Sender(ctx context.Context) context.Context { return server(ctx, kind.SurfaceSender) }

func server(ctx context.Context, surface kind.Surface) context.Context {
	return With(ctx, Identity{
		Surface: surface, Role: kind.RoleAdmin, Reputation: kind.ReputationTrusted,
		Scopes: kind.AllScopes(kind.RoleAdmin), system: true,
	})
}
