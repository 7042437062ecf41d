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
	// keyUseEvery is the precision of a key's last_used_at, and slideEvery that of a session's
	// expiry. They avoid one write per request.
	keyUseEvery = time.Minute
	slideEvery  = 10 * time.Minute
	// touchTimeout limits these writes: the request waits for them but does not depend on them.
	touchTimeout = time.Second
)

// One of these two statements runs before every request, which makes them the most frequent ones.
// They are raw SQL because Ent would build the text and look up columns by name each time, and its
// edges would need a second statement. Raw SQL is not confined to the caller's account; here no
// caller is known yet.
const (
	keyStatement = `SELECT k.id, k.scopes, k.expires_at, k.revoked_at, k.last_used_at, ` + userColumns + `
FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.hash = ?`

	sessionStatement = `SELECT s.expires_at, s.api_key_id, k.id, k.scopes, k.expires_at, k.revoked_at, ` + userColumns + `
FROM sessions s JOIN users u ON u.id = s.user_id LEFT JOIN api_keys k ON k.id = s.api_key_id WHERE s.id = ?`

	userColumns = `u.id, u.username, u.role, u.reputation, u.time_zone`
)

// Credentials are what a request sends to authenticate. Both fields may be empty.
type Credentials struct {
	Key     string
	Session string
}

// ByToken returns the token of an Authorization header as a session token if it has that prefix,
// otherwise as an API key.
func ByToken(token string) Credentials {
	if strings.HasPrefix(token, sessionPrefix) {
		return Credentials{Session: token}
	}
	return Credentials{Key: token}
}

// Authenticate returns the caller that the credentials prove. If both are sent, the key is used and
// the session is ignored. A key has those of its scopes that the role allows. A session has read,
// write and approve, and admin for admins; if it was opened with a key, it has the scopes of the
// key. The error is the same Unauthenticated error for a missing, unknown, expired or revoked
// credential.
//
// Authenticate runs one statement, plus at most one write per minute for a key and one per ten
// minutes for a session. A failure of this write is logged and otherwise ignored.
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

// grant is a key as it was read together with its user.
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

// scopesOf parses the stored scopes of a key.
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

// notUsedSince selects keys not used since instant. If several requests saw the same old value,
// only one of them writes.
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

// sessionEnd returns when a session that is used now expires: after the TTL, or earlier with its
// key.
func (s *Service) sessionEnd(now time.Time, key sql.NullTime) time.Time {
	until := store.Truncate(now.Add(s.ttl))
	if key.Valid && key.Time.Before(until) {
		return key.Time
	}
	return until
}

// columnsOf returns the scan targets for userColumns.
func columnsOf(id *caller.Identity) []any {
	return []any{&id.UserID, &id.Username, &id.Role, &id.Reputation, &id.TimeZone}
}

// row scans the first row of a statement and reports whether there was one. It releases the
// connection before it returns.
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

// touch runs a best-effort write. A failure is only logged.
func (s *Service) touch(ctx context.Context, what string, write func(ctx context.Context) error) {
	bounded, cancel := context.WithTimeout(caller.System(ctx), touchTimeout)
	defer cancel()
	if err := write(bounded); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "cannot "+what, "error", err)
	}
}
