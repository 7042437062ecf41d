// Package caller owns who is calling: the identity that a surface puts into the context after
// authentication and that the store reads to confine every statement to one account. It knows
// nothing of how the caller proved itself.
package caller

import (
	"context"
	"slices"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
)

// Identity is an authenticated caller. A zero Identity is nobody.
type Identity struct {
	// UserID is the account the caller acts for.
	UserID int64
	// Role decides whether the caller sees one account or all.
	Role kind.Role
	// Reputation decides whether the caller's campaigns need approval.
	Reputation kind.Reputation
	// Scopes are what the key allows; a session has every scope of its user's role but delivery.
	Scopes kind.Scopes
	// KeyID is the API key that was used, 0 for a session.
	KeyID int64
	// OpenedBy is the API key that the session was opened with, 0 for a password and without a session.
	OpenedBy int64
	// Expires is when that key ends; zero for never, and without a key.
	Expires time.Time
	// SessionID is the stored id of the session that was used, empty for a key.
	SessionID string
	// Surface is the way the call came in.
	Surface kind.Surface
	// TimeZone is the zone in which the account reads dates.
	TimeZone string
	// Username is the account's name, for the log and for `viewer`.
	Username string
	// system marks work of the server itself, which no account owns.
	system bool
}

// SeesAll reports whether the caller sees every account: an admin whose key carries the scope
// admin, or the server itself.
func (id Identity) SeesAll() bool {
	return id.system || id.Role == kind.RoleAdmin && slices.Contains(id.Scopes, kind.ScopeAdmin)
}

// Key is the API key that the caller came with or that its session was opened with, 0 for none.
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

// From returns the caller of ctx, or an Unauthenticated error when there is none.
func From(ctx context.Context) (Identity, error) {
	id, ok := ctx.Value(contextKey{}).(Identity)
	if !ok || id.UserID == 0 && !id.system {
		return Identity{}, apperr.New(
			apperr.Unauthenticated, "authentication is required: send an API key or a session",
		)
	}
	return id, nil
}

// Authorize returns the caller of ctx if it has the scope.
func Authorize(ctx context.Context, scope kind.Scope) (Identity, error) {
	id, err := From(ctx)
	if err != nil {
		return Identity{}, err
	}
	return id, id.Require(scope)
}

// System returns a context in which the server itself acts, over every account: looking up a key
// before its owner is known, migrations, demo data, the command line. Never derive it from a
// request whose caller is known.
func System(ctx context.Context) context.Context {
	return With(
		ctx,
		Identity{
			Surface: kind.SurfaceCLI, Role: kind.RoleAdmin, Reputation: kind.ReputationTrusted,
			Scopes: kind.AllScopes(kind.RoleAdmin), system: true,
		},
	)
}
