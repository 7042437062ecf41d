package account

import (
	"context"
	"slices"
	"time"

	"campaignql/ent"
	"campaignql/ent/apikey"
	"campaignql/ent/session"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

// Descendants selects what happens to the descendants of a revoked key: the keys that it created,
// the keys that these created, and so on.
type Descendants string

const (
	// RevokeDescendants revokes them too. This is the default, because the holder of a leaked key
	// may have created others with it.
	RevokeDescendants Descendants = "REVOKE"
	// KeepDescendants leaves them valid.
	KeepDescendants Descendants = "KEEP"
)

// Revocation is the result of revoking a key.
type Revocation struct {
	Key *ent.APIKey
	// Descendants are the descendants that were valid before, oldest first. They are either revoked
	// now or kept.
	Descendants []*ent.APIKey
}

// RevokeKey revokes an API key and ends the sessions that were opened with it. Its descendants are
// revoked or kept as descendants says; empty means RevokeDescendants. It needs the scope write.
//
// A key of another account is NotFound, as if it did not exist, unless the caller sees all
// accounts. The error is Denied if the key has a scope that the caller lacks, so that a key cannot
// revoke a more powerful one. A session opened with a password may revoke every key of its account.
//
// Revoking a key again succeeds, and revokes descendants that were kept before. Streams that use a
// revoked key or an ended session end at once on this server, and within two seconds on other
// servers.
func (s *Service) RevokeKey(ctx context.Context, id int64, descendants Descendants) (*Revocation, error) {
	by, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return nil, err
	}
	if descendants != "" && descendants != RevokeDescendants && descendants != KeepDescendants {
		return nil, apperr.InvalidField("descendants", apperr.ReasonDescendantsUnknown, "must be REVOKE or KEEP")
	}
	var revocation *Revocation
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		key, err := s.keyToRevoke(ctx, id, by)
		if err != nil {
			return err
		}
		revocation, err = s.revoke(ctx, key, descendants == KeepDescendants)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.followers.wake()
	return revocation, nil
}

// keyToRevoke returns the key if the caller may revoke it, and locks the keys of its account.
func (s *Service) keyToRevoke(ctx context.Context, id int64, by caller.Identity) (*ent.APIKey, error) {
	key, err := s.db.Client(ctx).APIKey.Query().Where(apikey.ID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, apperr.NotFoundf("api_key")
	}
	if err != nil {
		return nil, err
	}
	if err := mayRevoke(by, key); err != nil {
		return nil, err
	}
	return key, s.lockKeys(ctx, key.UserID)
}

func mayRevoke(by caller.Identity, key *ent.APIKey) error {
	if by.SeesAll() || by.SessionID != "" && by.Key() == 0 {
		return nil
	}
	for _, scope := range scopesOf(key.Scopes) {
		if !by.Scopes.Has(scope) {
			return apperr.New(
				apperr.Denied,
				"the API key has the scope %q, which the caller lacks: revoke it with a key that "+
					"has it, or after a login by password",
				string(scope),
			)
		}
	}
	return nil
}

// revoke revokes a key and ends its sessions. Unless keep is set, it does the same for the
// descendants.
func (s *Service) revoke(ctx context.Context, key *ent.APIKey, keep bool) (*Revocation, error) {
	now := s.now()
	below, err := s.descendants(ctx, key, now)
	if err != nil {
		return nil, err
	}
	ids := []int64{key.ID}
	for _, k := range below {
		if !keep {
			k.RevokedAt = &now
			ids = append(ids, k.ID)
		}
	}
	if err := s.endKeys(ctx, key.UserID, ids, now); err != nil {
		return nil, err
	}
	// Read the key again: another call may have revoked it before the keys were locked.
	ended, err := s.db.Client(ctx).APIKey.Get(ctx, key.ID)
	return &Revocation{Key: ended, Descendants: below}, err
}

// descendants returns the valid keys that the key created directly or indirectly, oldest first.
func (s *Service) descendants(ctx context.Context, key *ent.APIKey, now time.Time) ([]*ent.APIKey, error) {
	all, err := s.db.Client(ctx).APIKey.Query().
		Where(apikey.UserID(key.UserID), apikey.ParentIDNotNil()).
		Order(apikey.ByID()).
		All(ctx)
	if err != nil {
		return nil, err
	}
	return descendantsOf(key.ID, all, now), nil
}

// descendantsOf returns the valid keys in all that descend from the key id. all must be ordered by
// id; the result keeps that order. Cycles of parents are allowed.
func descendantsOf(id int64, all []*ent.APIKey, now time.Time) []*ent.APIKey {
	children := map[int64][]int64{}
	for _, k := range all {
		children[*k.ParentID] = append(children[*k.ParentID], k.ID)
	}
	family, queue := map[int64]bool{id: true}, []int64{id}
	for len(queue) > 0 {
		parent := queue[0]
		queue = queue[1:]
		for _, child := range children[parent] {
			if !family[child] {
				family[child] = true
				queue = append(queue, child)
			}
		}
	}
	var found []*ent.APIKey
	for _, k := range all {
		if k.ID != id && family[k.ID] && k.RevokedAt == nil && (k.ExpiresAt == nil || k.ExpiresAt.After(now)) {
			found = append(found, k)
		}
	}
	return found
}

// endKeys revokes keys of an account and deletes the sessions that were opened with them.
func (s *Service) endKeys(ctx context.Context, userID int64, ids []int64, now time.Time) error {
	for part := range slices.Chunk(ids, inForceAtOnce) {
		inForce := apikey.And(apikey.IDIn(part...), apikey.RevokedAtIsNil())
		err := s.db.Client(ctx).APIKey.Update().Where(inForce).SetRevokedAt(now).Exec(ctx)
		if err != nil {
			return err
		}
		_, err = s.db.Client(ctx).Session.Delete().Where(session.UserID(userID), session.APIKeyIDIn(part...)).Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}
