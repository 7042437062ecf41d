package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"campaignql/ent/apikey"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// A text is signed with the stored hash of the caller's key or session. So every server on the
// database can verify a signature, and the signature becomes invalid once the key is revoked or the
// session ends. The hash of a session is also its id. To find the session, a signature contains a
// quarter of that id; the other three quarters stay secret.
const (
	signedKeyStatement = `SELECT k.hash, k.id, k.scopes, k.expires_at, k.revoked_at, ` + userColumns + `
FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.id = ?`

	signedSessionStatement = `SELECT s.id, s.expires_at, s.api_key_id, k.id, k.scopes, k.expires_at, k.revoked_at, ` + userColumns + `
FROM sessions s JOIN users u ON u.id = s.user_id LEFT JOIN api_keys k ON k.id = s.api_key_id WHERE s.id > ? AND s.id < ?`

	// sessionPart is how many of the 64 characters of a session id a signature contains.
	sessionPart = 16
	// signedFor separates signatures from any other use of the hashes.
	signedFor = "campaignql signed text\n"

	signerKey     = "k"
	signerSession = "s"
)

// Signature proves that the holder of a key or a session signed a text.
type Signature struct {
	// Signer identifies the key or session. It is not secret.
	Signer string
	// MAC is the proof, in base64url. It must not be logged, because together with the text it is a
	// credential.
	MAC string
}

// Sign signs a text with the caller's own key or session. The error is Denied if the caller has
// neither. It runs one statement for a key and none for a session.
func (s *Service) Sign(ctx context.Context, text string) (Signature, error) {
	id, err := caller.From(ctx)
	switch {
	case err != nil:
		return Signature{}, err
	case id.SessionID != "":
		return sign(id.SessionID, signerSession+id.SessionID[:sessionPart], text), nil
	case id.KeyID == 0:
		return Signature{}, apperr.New(apperr.Denied, "this needs an API key or a session")
	}
	key, err := s.db.Client(ctx).APIKey.Query().Where(apikey.ID(id.KeyID)).Select(apikey.FieldHash).Only(ctx)
	if err != nil {
		return Signature{}, store.Translate(err)
	}
	return sign(key.Hash, signerKey+strconv.FormatInt(id.KeyID, 10), text), nil
}

func sign(hash, signer, text string) Signature {
	mac := hmac.New(sha256.New, []byte(hash))
	mac.Write([]byte(signedFor + signer + "\n" + text))
	return Signature{Signer: signer, MAC: base64.RawURLEncoding.EncodeToString(mac.Sum(nil))}
}

// AuthenticateSigned returns the caller that signed a text, with the rights that its key or session
// has now. The error is always the same Unauthenticated error if the signature does not match the
// text, or if its key or session is not valid. AuthenticateSigned does not record a use of a key
// and does not extend a session. It runs one statement.
func (s *Service) AuthenticateSigned(
	ctx context.Context, text string, by Signature, surface kind.Surface,
) (caller.Identity, error) {
	var candidates []signer
	var err error
	switch rest := by.Signer[min(1, len(by.Signer)):]; {
	case strings.HasPrefix(by.Signer, signerKey):
		candidates, err = s.signingKey(ctx, rest)
	case strings.HasPrefix(by.Signer, signerSession):
		candidates, err = s.signingSessions(ctx, rest)
	}
	if err != nil {
		return caller.Identity{}, err
	}
	for _, c := range candidates {
		if hmac.Equal([]byte(sign(c.hash, by.Signer, text).MAC), []byte(by.MAC)) {
			c.id.Surface = surface
			return c.id, nil
		}
	}
	return caller.Identity{}, errUnauthenticated()
}

// signer is a valid key or session that may have made a signature.
type signer struct {
	hash string
	id   caller.Identity
}

func (s *Service) signingKey(ctx context.Context, number string) (found []signer, err error) {
	keyID, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, nil
	}
	var hash string
	var g grant
	var id caller.Identity
	into := append([]any{&hash, &g.id, &g.scopes, &g.expires, &g.revoked}, columnsOf(&id)...)
	err = s.each(ctx, signedKeyStatement, []any{keyID}, into, func() {
		if g.inForce(s.now()) {
			id.KeyID, id.Scopes, id.Expires = g.id.Int64, g.allows(id.Role), g.expires.Time
			found = append(found, signer{hash, id})
		}
	})
	return found, store.Translate(err)
}

func (s *Service) signingSessions(ctx context.Context, part string) (found []signer, err error) {
	if len(part) != sessionPart || strings.Trim(part, "0123456789abcdef") != "" {
		return nil, nil
	}
	var hash string
	var expires time.Time
	var opened sql.NullInt64
	var g grant
	var id caller.Identity
	into := append([]any{&hash, &expires, &opened, &g.id, &g.scopes, &g.expires, &g.revoked}, columnsOf(&id)...)
	err = s.each(ctx, signedSessionStatement, []any{part, part + "g"}, into, func() {
		now := s.now()
		if !expires.After(now) || opened.Valid && !g.inForce(now) {
			return
		}
		id.SessionID, id.Scopes, id.Expires, id.OpenedBy = hash, sessionScopes(id.Role), time.Time{}, 0
		if opened.Valid {
			id.Scopes, id.Expires, id.OpenedBy = g.allows(id.Role), g.expires.Time, opened.Int64
		}
		found = append(found, signer{hash, id})
	})
	return found, store.Translate(err)
}
