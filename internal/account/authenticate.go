package account

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"campaignql/ent/apikey"
	"campaignql/ent/predicate"
	"campaignql/ent/session"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	// keyUseEvery is how exact last_used_at of a key is, and slideEvery that of a session's expiry:
	// what spares a write per request.
	keyUseEvery = time.Minute
	slideEvery  = 10 * time.Minute
	// touchTimeout bounds these writes, which a request waits for but does not need.
	touchTimeout = time.Second
)

// The two hottest statements of the product, one of which runs before every request. They are
// written out, as Ent would build the text anew and scan by column name each time, and its edges
// would cost a second statement. Raw SQL is not confined to the caller: here there is none yet.
const (
	keyStatement = `SELECT k.id, k.scopes, k.expires_at, k.revoked_at, k.last_used_at, ` + userColumns + `
FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.hash = ?`

	sessionStatement = `SELECT s.expires_at, s.api_key_id, k.id, k.scopes, k.expires_at, k.revoked_at, ` + userColumns + `
FROM sessions s JOIN users u ON u.id = s.user_id LEFT JOIN api_keys k ON k.id = s.api_key_id WHERE s.id = ?`

	userColumns = `u.id, u.username, u.role, u.reputation, u.time_zone`
)

// Credentials are what a request carries. Both may be empty.
type Credentials struct {
	Key     string
	Session string
}

// ByToken sorts the token of an Authorization header into a session token or, otherwise, an API key.
func ByToken(token string) Credentials {
	if strings.HasPrefix(token, sessionPrefix) {
		return Credentials{Session: token}
	}
	return Credentials{Key: token}
}

// Authenticate returns the caller that the credentials prove. When both are sent the key is used
// and the session ignored. A key acts with its scopes as far as the role allows them; a session
// with read, write and approve, and admin for admins, or with the scopes of the key it was opened
// with. The error is the same Unauthenticated for a missing, unknown, expired and revoked
// credential. It costs one statement, and a write at most once a minute for a key and once in ten
// minutes for a session, whose failure is logged and harms nothing.
func (s *Service) Authenticate(ctx context.Context, sent Credentials, surface kind.Surface) (caller.Identity, error) {
	var id caller.Identity
	var err error
	switch {
	case sent.Key != "":
		id, _, err = s.byKey(ctx, sent.Key)
	case sent.Session != "":
		id, err = s.bySession(ctx, sent.Session)
	default:
		err = errUnauthenticated()
	}
	if err != nil {
		return caller.Identity{}, err
	}
	id.Surface = surface
	return id, nil
}

// grant is a key as it was found beside its user.
type grant struct {
	id               sql.NullInt64
	scopes           sql.NullString
	expires, revoked sql.NullTime
}

func (g *grant) inForce(now time.Time) bool {
	return g.id.Valid && !g.revoked.Valid && (!g.expires.Valid || g.expires.Time.After(now))
}

func (g *grant) allows(role kind.Role) kind.Scopes {
	return allowed(scopesOf(g.scopes.String), role)
}

// scopesOf reads the scopes of a key as they are stored.
func scopesOf(text string) kind.Scopes {
	var stored kind.Scopes
	for name := range strings.SplitSeq(text, ",") {
		stored = append(stored, kind.Scope(name))
	}
	return stored
}

func (s *Service) byKey(ctx context.Context, key string) (caller.Identity, grant, error) {
	var id caller.Identity
	var g grant
	if !wellFormed(key, keyPrefix) {
		return id, g, errUnauthenticated()
	}
	var used sql.NullTime
	into := append([]any{&g.id, &g.scopes, &g.expires, &g.revoked, &used}, columnsOf(&id)...)
	found, err := s.row(ctx, keyStatement, secretHash(key), into)
	if err != nil {
		return id, g, err
	}
	now := s.now()
	if !found || !g.inForce(now) {
		return id, g, errUnauthenticated()
	}
	id.KeyID, id.Scopes, id.Expires = g.id.Int64, g.allows(id.Role), g.expires.Time
	if !used.Valid || now.Sub(used.Time) >= keyUseEvery {
		s.touch(ctx, "note the use of an API key", func(ctx context.Context) error {
			return s.db.Client(ctx).
				APIKey.Update().
				Where(apikey.ID(id.KeyID), notUsedSince(now.Add(-keyUseEvery))).
				SetLastUsedAt(now).
				Exec(ctx)
		})
	}
	return id, g, nil
}

// notUsedSince lets one of several requests that saw the same old value write.
func notUsedSince(instant time.Time) predicate.APIKey {
	return apikey.Or(apikey.LastUsedAtIsNil(), apikey.LastUsedAtLTE(instant))
}

func (s *Service) bySession(ctx context.Context, token string) (caller.Identity, error) {
	var id caller.Identity
	if !wellFormed(token, sessionPrefix) {
		return id, errUnauthenticated()
	}
	var expires time.Time
	var keyID sql.NullInt64
	var g grant
	hash := secretHash(token)
	into := append([]any{&expires, &keyID, &g.id, &g.scopes, &g.expires, &g.revoked}, columnsOf(&id)...)
	found, err := s.row(ctx, sessionStatement, hash, into)
	if err != nil {
		return id, err
	}
	now := s.now()
	if !found || !expires.After(now) || keyID.Valid && !g.inForce(now) {
		return id, errUnauthenticated()
	}
	id.SessionID, id.Scopes = hash, sessionScopes(id.Role)
	if keyID.Valid {
		id.Scopes, id.Expires, id.OpenedBy = g.allows(id.Role), g.expires.Time, keyID.Int64
	}
	if until := s.sessionEnd(now, g.expires); until.Sub(expires) >= slideEvery {
		s.touch(ctx, "prolong a session", func(ctx context.Context) error {
			return s.db.Client(ctx).
				Session.Update().
				Where(session.ID(hash), session.ExpiresAtLT(until)).
				SetExpiresAt(until).
				Exec(ctx)
		})
	}
	return id, nil
}

// sessionEnd is when a session used now ends: after the TTL, or with its key.
func (s *Service) sessionEnd(now time.Time, key sql.NullTime) time.Time {
	until := store.Truncate(now.Add(s.ttl))
	if key.Valid && key.Time.Before(until) {
		return key.Time
	}
	return until
}

// columnsOf is where userColumns go.
func columnsOf(id *caller.Identity) []any {
	return []any{&id.UserID, &id.Username, &id.Role, &id.Reputation, &id.TimeZone}
}

// row scans the first row of a statement and reports whether there was one. The connection is free
// again when it returns.
func (s *Service) row(ctx context.Context, statement, argument string, into []any) (found bool, err error) {
	rows, err := s.db.Client(ctx).QueryContext(ctx, statement, argument)
	if err != nil {
		return false, store.Translate(err)
	}
	defer rows.Close()
	if rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return false, store.Translate(err)
		}
		found = true
	}
	return found, store.Translate(rows.Err())
}

// touch runs a write that the request can do without.
func (s *Service) touch(ctx context.Context, what string, write func(ctx context.Context) error) {
	bounded, cancel := context.WithTimeout(caller.System(ctx), touchTimeout)
	defer cancel()
	if err := write(bounded); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "cannot "+what, "error", err)
	}
}
