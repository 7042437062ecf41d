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

// Descendants says what becomes of the keys that a revoked key made, of those that these made, and so on.
type Descendants string

const (
	// RevokeDescendants revokes them too. It is the default: who had a leaked key may have made others.
	RevokeDescendants Descendants = "REVOKE"
	// KeepDescendants leaves them in force.
	KeepDescendants Descendants = "KEEP"
)

// Revocation is the outcome of revoking a key.
type Revocation struct {
	Key *ent.APIKey
	// Descendants are the keys that were in force and descend from it, oldest first: revoked now, or kept.
	Descendants []*ent.APIKey
}

// RevokeKey ends an API key, with the sessions that were opened by it, and what it made as descendants
// says; empty is RevokeDescendants. It needs the scope write. A key of another account is NotFound exactly
// as one that does not exist, except for a caller who sees all accounts. A key that has a scope which the
// caller lacks is Denied: by no key can one be ended that may do more. A login by password may end every
// key of its account. Revoking again succeeds, and revokes the descendants that were kept before.
// Streams on this server that use what ended end at once, on other servers within two seconds.
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

// keyToRevoke locks the keys of the account and returns the one of the id, if the caller may end it.
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

// revoke ends a key and its sessions, and unless they are kept those of its descendants.
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
	// Another call may have revoked it before the keys were locked.
	ended, err := s.db.Client(ctx).APIKey.Get(ctx, key.ID)
	return &Revocation{Key: ended, Descendants: below}, err
}

// descendants returns the keys in force that a key made, itself or through others, oldest first.
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

// descendantsOf returns the keys in force, of all in order of their ids, that the key of an id made, itself or through
// others.
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

// endKeys revokes keys of an account and ends the sessions that were opened by them.
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
