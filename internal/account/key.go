package account

import (
	"context"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/apikey"
	"campaignql/ent/predicate"
	"campaignql/ent/user"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	maxNoteCharacters = 200
	// maxKeysListed limits the result of Keys. Valid keys come first, and there are far fewer of
	// them.
	maxKeysListed = 1000
)

// lastExpiry is the latest day that a MySQL datetime can hold.
var lastExpiry = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

type NewKey struct {
	// Scopes are what the key allows. At least one is required, and the caller must have all of
	// them.
	Scopes kind.Scopes
	// Note describes the purpose of the key for its owner; at most 200 characters.
	Note string
	// ExpiresAt is when the key expires; nil means never.
	ExpiresAt *time.Time
}

// CreateKey creates an API key of the calling account. It returns the stored row and the key
// itself, which cannot be read again later. It needs the scope write.
//
// The error is Denied if the caller lacks one of the scopes, or if the expiry is later than that of
// the caller's own key. It is Limited if the account has Options.KeysPerAccount valid keys already.
// Invalid input is reported with the reasons scopes_required, note_too_long, expiry_past and
// expiry_invalid. The error is Unauthenticated if the caller's key or session ends during the call.
//
// The caller's key, or the key that opened the caller's session, becomes the parent of the new key.
func (s *Service) CreateKey(ctx context.Context, in NewKey) (*ent.APIKey, string, error) {
	id, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return nil, "", err
	}
	if id.UserID == 0 {
		return nil, "", apperr.New(apperr.Denied, "an API key belongs to an account")
	}
	for _, scope := range in.Scopes {
		if err := id.Require(scope); err != nil {
			return nil, "", apperr.New(
				apperr.Denied, "a new key cannot have the scope %q, which the caller lacks", string(scope),
			)
		}
	}
	now := s.now()
	if err := in.normalize(now); err != nil {
		return nil, "", err
	}
	if !id.Expires.IsZero() && (in.ExpiresAt == nil || in.ExpiresAt.After(id.Expires)) {
		return nil, "", &apperr.Error{
			Code:  apperr.Denied,
			Field: "expiresAt",
			Message: "a new key cannot outlive the key that makes it, which ends " +
				id.Expires.UTC().Format(time.RFC3339),
		}
	}
	var created *ent.APIKey
	key := newSecret(keyPrefix)
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		if err := s.lockKeys(ctx, id.UserID); err != nil {
			return err
		}
		if err := s.mayAddKey(ctx, id, now); err != nil {
			return err
		}
		created, err = s.insertKey(ctx, id.UserID, id.Key(), key, in)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return created, key, nil
}

// lockKeys locks the row of the user, so that transactions that change keys and sessions of an
// account run one after the other.
func (s *Service) lockKeys(ctx context.Context, userID int64) error {
	query := s.db.Client(ctx).User.Query().Where(user.ID(userID))
	query.Modify(store.Lock)
	_, err := only(query.Only(ctx))
	return err
}

// mayAddKey returns an error if the caller may not create a key. The caller of mayAddKey must have
// called lockKeys in the same transaction.
func (s *Service) mayAddKey(ctx context.Context, id caller.Identity, now time.Time) error {
	// A key that is being revoked must not create a new one.
	inForce, err := s.InForce(ctx, []caller.Identity{id})
	if err != nil {
		return err
	}
	if !inForce[0] {
		return errUnauthenticated()
	}
	// The limit prevents a runaway script from filling the table.
	keys, err := s.db.Client(ctx).APIKey.Query().Where(apikey.UserID(id.UserID), keyInForce(now)).Count(ctx)
	if err != nil {
		return err
	}
	if keys >= s.keys {
		return apperr.New(apperr.Limited, "the account has %d API keys already: revoke one first", keys)
	}
	return nil
}

// keyInForce selects keys that are neither revoked nor expired.
func keyInForce(now time.Time) predicate.APIKey {
	return apikey.And(apikey.RevokedAtIsNil(), apikey.Or(apikey.ExpiresAtIsNil(), apikey.ExpiresAtGT(now)))
}

// normalize cleans the note and the expiry, and returns all faults together.
func (in *NewKey) normalize(now time.Time) error {
	var faults apperr.Faults
	if len(in.Scopes) == 0 {
		faults.Add(apperr.InvalidField("scopes", apperr.ReasonScopesRequired, "a key needs at least one scope"))
	}
	in.Note = strings.TrimSpace(kind.Clean(in.Note))
	if tooLong(in.Note, maxNoteCharacters, apikey.NoteValidator) {
		faults.Add(apperr.InvalidField(
			"note", apperr.ReasonNoteTooLong, "the note must not be longer than %d characters", maxNoteCharacters,
		))
	}
	if in.ExpiresAt != nil {
		at := store.Truncate(*in.ExpiresAt)
		in.ExpiresAt = &at
		switch {
		case !at.After(now):
			faults.Add(apperr.InvalidField("expiresAt", apperr.ReasonExpiryPast, "the expiry must be in the future"))
		case at.After(lastExpiry):
			faults.Add(apperr.InvalidField(
				"expiresAt", apperr.ReasonExpiryInvalid, "the expiry must be before the year 10000",
			))
		}
	}
	return faults.Err()
}

// insertKey stores a key. parent is the id of the key that created it, 0 for none.
func (s *Service) insertKey(ctx context.Context, owner, parent int64, key string, in NewKey) (*ent.APIKey, error) {
	create := s.db.Client(ctx).APIKey.Create()
	if parent != 0 {
		create.SetParentID(parent)
	}
	return create.
		SetUserID(owner).
		SetHash(secretHash(key)).SetHint(key[:hintLength]).
		SetScopes(in.Scopes.String()).SetNote(in.Note).SetNillableExpiresAt(in.ExpiresAt).
		SetCreatedAt(s.now()).
		Save(ctx)
}

// Keys returns at most 1000 API keys of the calling account: first those that are not revoked, then
// the revoked ones, each group with the newest first. It needs the scope read.
func (s *Service) Keys(ctx context.Context) ([]*ent.APIKey, error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return nil, err
	}
	keys, err := s.db.Client(ctx).APIKey.Query().
		Where(apikey.UserID(id.UserID)).
		Order(func(sel *entsql.Selector) {
			sel.OrderExpr(entsql.Expr(sel.C(apikey.FieldRevokedAt) + " IS NOT NULL"))
		}, apikey.ByID(entsql.OrderDesc())).
		Limit(maxKeysListed).
		All(ctx)
	return keys, store.Translate(err)
}
