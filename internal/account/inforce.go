package account

import (
	"context"
	"slices"
	"strings"
	"time"

	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// These statements read keys and sessions without recording a use.
const (
	keysStatement = `SELECT k.id, k.id, k.scopes, k.expires_at, k.revoked_at, u.id, u.role
FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.id IN (`

	sessionsStatement = `SELECT s.id, s.expires_at, s.api_key_id, k.id, k.scopes, k.expires_at, k.revoked_at, u.id, u.role
FROM sessions s JOIN users u ON u.id = s.user_id LEFT JOIN api_keys k ON k.id = s.api_key_id WHERE s.id IN (`

	// inForceAtOnce is how many keys or sessions one statement reads.
	inForceAtOnce = 1000
)

// standing is what a key or session allows now.
type standing struct {
	userID int64
	role   kind.Role
	scopes kind.Scopes
}

// allows reports whether a still has the same user, role and scopes as the caller.
func (a standing) allows(id caller.Identity) bool {
	return a.userID == id.UserID && a.role == id.Role && slices.Equal(a.scopes, id.Scopes)
}

// InForce reports, for each caller, whether it may still act with the rights that Authenticate gave
// it. That is the case if its key or session exists, is neither revoked nor expired, and allows the
// same. A caller without key and session is always valid. InForce does not record a use of a key
// and does not extend a session. It runs one statement per 1000 keys and one per 1000 sessions.
func (s *Service) InForce(ctx context.Context, callers []caller.Identity) ([]bool, error) {
	var keys []int64
	var sessions []string
	for _, id := range callers {
		switch {
		case id.SessionID != "":
			sessions = append(sessions, id.SessionID)
		case id.KeyID != 0:
			keys = append(keys, id.KeyID)
		}
	}
	ofKeys, err := s.standingKeys(ctx, store.Distinct(keys))
	if err != nil {
		return nil, err
	}
	ofSessions, err := s.standingSessions(ctx, store.Distinct(sessions))
	if err != nil {
		return nil, err
	}
	inForce := make([]bool, len(callers))
	for i, id := range callers {
		switch {
		case id.SessionID != "":
			now, there := ofSessions[id.SessionID]
			inForce[i] = there && now.allows(id)
		case id.KeyID != 0:
			now, there := ofKeys[id.KeyID]
			inForce[i] = there && now.allows(id)
		default:
			inForce[i] = true
		}
	}
	return inForce, nil
}

func (s *Service) standingKeys(ctx context.Context, ids []int64) (map[int64]standing, error) {
	found := map[int64]standing{}
	now := s.now()
	var id int64
	var g grant
	var a standing
	err := lookUp(
		ctx, s, keysStatement, ids, []any{&id, &g.id, &g.scopes, &g.expires, &g.revoked, &a.userID, &a.role},
		func() {
			if g.inForce(now) {
				a.scopes = g.allows(a.role)
				found[id] = a
			}
		},
	)
	return found, err
}

func (s *Service) standingSessions(ctx context.Context, ids []string) (map[string]standing, error) {
	found := map[string]standing{}
	now := s.now()
	var id string
	var expires time.Time
	var opened, g grant // opened.id is the key that opened the session, even if that key no longer exists
	var a standing
	err := lookUp(
		ctx, s, sessionsStatement, ids,
		[]any{&id, &expires, &opened.id, &g.id, &g.scopes, &g.expires, &g.revoked, &a.userID, &a.role},
		func() {
			if !expires.After(now) || opened.id.Valid && !g.inForce(now) {
				return
			}
			a.scopes = sessionScopes(a.role)
			if opened.id.Valid {
				a.scopes = g.allows(a.role)
			}
			found[id] = a
		},
	)
	return found, err
}

// lookUp runs a statement for ids. The statement must end with the opening parenthesis of the id
// list. lookUp scans each row into the targets in into and then calls found.
func lookUp[T any](ctx context.Context, s *Service, statement string, ids []T, into []any, found func()) error {
	for part := range slices.Chunk(ids, inForceAtOnce) {
		list := strings.TrimSuffix(strings.Repeat("?, ", len(part)), ", ") + ")"
		if err := s.each(ctx, statement+list, store.Args(part), into, found); err != nil {
			return store.Translate(err)
		}
	}
	return nil
}

func (s *Service) each(ctx context.Context, statement string, args, into []any, found func()) error {
	rows, err := s.db.Client(ctx).QueryContext(ctx, statement, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		found()
	}
	return rows.Err()
}
