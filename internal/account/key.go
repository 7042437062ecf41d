package account

import (
	"context"
	"strings"
	"time"

	entsql "entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/apikey"
	"campaignql/ent/session"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	maxNoteCharacters = 200
	// maxKeysListed bounds Keys. Those in force come first and are far fewer.
	maxKeysListed = 1000
)

// lastExpiry is the end of what a MySQL datetime holds.
var lastExpiry = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// NewKey describes an API key to create.
type NewKey struct {
	// Scopes are what the key allows; at least one, none that the caller lacks itself.
	Scopes kind.Scopes
	// Note reminds its owner what the key is for; at most 200 characters.
	Note string
	// ExpiresAt is when the key ends; nil means never.
	ExpiresAt *time.Time
}

// CreateKey creates an API key of the calling account and returns it with the key itself, which can never be read again. It needs the scope
// write. A scope the caller lacks is Denied, and so is an expiry later than that of the caller's own key; more keys in force than Options.KeysPerAccount is Limited; the reasons of faults are
// scopes_required, note_too_long, expiry_past and expiry_invalid.
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
			return nil, "", apperr.New(apperr.Denied, "a new key cannot have the scope %q, which the caller lacks", string(scope))
		}
	}
	now := s.now()
	if err := in.normalise(now); err != nil {
		return nil, "", err
	}
	if !id.Expires.IsZero() && (in.ExpiresAt == nil || in.ExpiresAt.After(id.Expires)) {
		return nil, "", &apperr.Error{
			Code: apperr.Denied, Field: "expiresAt", Message: "a new key cannot outlive the key that makes it, which ends " + id.Expires.UTC().Format(time.RFC3339),
		}
	}
	var created *ent.APIKey
	key := newSecret(keyPrefix)
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		// The limit keeps a runaway script from filling the table. Calls that race may pass it by their number, which does no harm.
		inForce, err := s.db.Client(ctx).APIKey.Query().
			Where(apikey.UserID(id.UserID), apikey.RevokedAtIsNil(), apikey.Or(apikey.ExpiresAtIsNil(), apikey.ExpiresAtGT(now))).
			Count(ctx)
		if err != nil {
			return err
		}
		if inForce >= s.keys {
			return apperr.New(apperr.Limited, "the account has %d API keys already: revoke one first", inForce)
		}
		created, err = s.insertKey(ctx, id.UserID, key, in)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	return created, key, nil
}

// normalise cleans the note and the expiry, and reports every fault.
func (in *NewKey) normalise(now time.Time) error {
	var faults apperr.Faults
	if len(in.Scopes) == 0 {
		faults.Add(apperr.InvalidField("scopes", apperr.ReasonScopesRequired, "a key needs at least one scope"))
	}
	in.Note = strings.TrimSpace(kind.Clean(in.Note))
	if tooLong(in.Note, maxNoteCharacters, apikey.NoteValidator) {
		faults.Add(apperr.InvalidField("note", apperr.ReasonNoteTooLong, "the note must not be longer than %d characters", maxNoteCharacters))
	}
	if in.ExpiresAt != nil {
		at := store.Truncate(*in.ExpiresAt)
		in.ExpiresAt = &at
		switch {
		case !at.After(now):
			faults.Add(apperr.InvalidField("expiresAt", apperr.ReasonExpiryPast, "the expiry must be in the future"))
		case at.After(lastExpiry):
			faults.Add(apperr.InvalidField("expiresAt", apperr.ReasonExpiryInvalid, "the expiry must be before the year 10000"))
		}
	}
	return faults.Err()
}

func (s *Service) insertKey(ctx context.Context, owner int64, key string, in NewKey) (*ent.APIKey, error) {
	return s.db.Client(ctx).APIKey.Create().
		SetUserID(owner).
		SetHash(secretHash(key)).SetHint(key[:hintLength]).
		SetScopes(in.Scopes.String()).SetNote(in.Note).SetNillableExpiresAt(in.ExpiresAt).
		SetCreatedAt(s.now()).
		Save(ctx)
}

// Keys returns the API keys of the calling account: those not revoked first, the newest first among each, at most 1000. It needs the scope read.
func (s *Service) Keys(ctx context.Context) ([]*ent.APIKey, error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return nil, err
	}
	keys, err := s.db.Client(ctx).APIKey.Query().
		Where(apikey.UserID(id.UserID)).
		Order(func(sel *entsql.Selector) { sel.OrderExpr(entsql.Expr(sel.C(apikey.FieldRevokedAt) + " IS NOT NULL")) }, apikey.ByID(entsql.OrderDesc())).
		Limit(maxKeysListed).
		All(ctx)
	return keys, store.Translate(err)
}

// RevokeKey ends an API key, and with it the sessions that were opened by it. It needs the scope write. A key of another account is NotFound
// exactly as one that does not exist, save for a caller who sees all accounts. Revoking again succeeds and changes nothing.
func (s *Service) RevokeKey(ctx context.Context, id int64) (*ent.APIKey, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	var revoked *ent.APIKey
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		client := s.db.Client(ctx)
		err := client.APIKey.Update().Where(apikey.ID(id), apikey.RevokedAtIsNil()).SetRevokedAt(s.now()).Exec(ctx)
		if err != nil {
			return err
		}
		if revoked, err = client.APIKey.Query().Where(apikey.ID(id)).Only(ctx); ent.IsNotFound(err) {
			return apperr.NotFoundf("api_key")
		} else if err != nil {
			return err
		}
		_, err = client.Session.Delete().Where(session.UserID(revoked.UserID), session.APIKeyID(id)).Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	return revoked, nil
}
