package account_test

import (
	"strings"
	"testing"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestASignatureProvesItsSignerAndItsTextAlone(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, first := f.user(t, kind.RoleUser)
		owner := f.as(t, first)
		_, reader, err := f.CreateKey(owner, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
		if err != nil {
			t.Fatal(err)
		}
		byKey := f.authenticated(t, account.Credentials{Key: reader})
		bySession := f.authenticated(
			t, account.Credentials{Session: f.login(t, account.Login{Username: u.Username, Password: password}).Token},
		)
		throughKey := f.authenticated(t, account.Credentials{Session: f.login(t, account.Login{Key: reader}).Token})
		for name, id := range map[string]caller.Identity{
			"a key": byKey, "a session": bySession, "a session of a key": throughKey,
		} {
			sig, err := f.Sign(caller.With(t.Context(), id), "a text")
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.AuthenticateSigned(t.Context(), "a text", sig, kind.SurfaceGraphQL)
			if err != nil || got.UserID != id.UserID || got.KeyID != id.KeyID || got.SessionID != id.SessionID ||
				got.Scopes.String() != id.Scopes.String() ||
				got.Surface != id.Surface {
				t.Errorf("%s: %+v, %v; want %+v", name, got, err, id)
			}
			if id.SessionID != "" && (strings.Contains(sig.Signer, id.SessionID) || len(sig.Signer) > 20) {
				t.Errorf("%s: the signer %s tells the session", name, sig.Signer)
			}
			for why, forged := range map[string]account.Signature{
				"no signature": {Signer: sig.Signer}, "another": {sig.Signer, "A" + sig.MAC[1:] + "A"},
				"nobody": {"", sig.MAC}, "no such signer": {"x1", sig.MAC},
				"another key": {"k1", sig.MAC}, "no number": {"k", sig.MAC},
				"any session": {"s%", sig.MAC}, "half a session": {"s" + strings.Repeat("0", 16), sig.MAC},
			} {
				_, err := f.AuthenticateSigned(t.Context(), "a text", forged, kind.SurfaceGraphQL)
				wantUnauthenticated(t, err, name+": "+why)
			}
			_, err = f.AuthenticateSigned(t.Context(), "a text!", sig, kind.SurfaceGraphQL)
			wantUnauthenticated(t, err, name+": another text")
		}
		nobody, _ := f.Sign(caller.With(t.Context(), byKey), "a text")
		other, _ := f.Sign(caller.With(t.Context(), bySession), "a text")
		_, err = f.AuthenticateSigned(
			t.Context(), "a text", account.Signature{Signer: other.Signer, MAC: nobody.MAC}, kind.SurfaceGraphQL,
		)
		wantUnauthenticated(t, err, "the signature of another signer")
		_, err = f.Sign(caller.With(t.Context(), caller.Identity{UserID: u.ID}), "a text")
		wantCode(t, err, apperr.Denied)
		_, err = f.Sign(t.Context(), "a text")
		wantCode(t, err, apperr.Unauthenticated)
	})
}

func TestASignatureEndsWithItsKeyOrSession(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, first := f.user(t, kind.RoleUser)
		owner := f.as(t, first)
		soon := f.now().Add(time.Hour)
		signed := func(id caller.Identity) account.Signature {
			t.Helper()
			sig, err := f.Sign(caller.With(t.Context(), id), "a text")
			if err != nil {
				t.Fatal(err)
			}
			return sig
		}
		key := func(expires *time.Time) (caller.Identity, string) {
			t.Helper()
			_, key, err := f.CreateKey(owner, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}, ExpiresAt: expires})
			if err != nil {
				t.Fatal(err)
			}
			return f.authenticated(t, account.Credentials{Key: key}), key
		}
		revoked, revokedKey := key(nil)
		expiring, _ := key(&soon)
		token := f.login(t, account.Login{Username: u.Username, Password: password}).Token
		session := f.authenticated(t, account.Credentials{Session: token})
		ofKey := f.authenticated(t, account.Credentials{Session: f.login(t, account.Login{Key: revokedKey}).Token})
		sigs := map[string]account.Signature{
			"revoked": signed(revoked), "expiring": signed(expiring), "session": signed(session),
			"session of a revoked key": signed(ofKey),
		}
		for name, sig := range sigs {
			if _, err := f.AuthenticateSigned(t.Context(), "a text", sig, kind.SurfaceGraphQL); err != nil {
				t.Errorf("%s at first: %v", name, err)
			}
		}
		if _, err := f.RevokeKey(owner, revoked.KeyID, account.RevokeDescendants); err != nil {
			t.Fatal(err)
		}
		if err := f.Logout(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		f.advance(2 * time.Hour)
		for name, sig := range sigs {
			_, err := f.AuthenticateSigned(t.Context(), "a text", sig, kind.SurfaceGraphQL)
			wantUnauthenticated(t, err, name)
		}
	})
}
