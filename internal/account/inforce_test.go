package account_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent/apikey"
	"campaignql/ent/user"
	"campaignql/internal/account"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestWhatHasEndedIsNoLongerInForce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, first := f.user(t, kind.RoleUser)
		owner := f.as(t, first)
		key := func(expires *time.Time) caller.Identity {
			t.Helper()
			_, key, err := f.CreateKey(owner, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}, ExpiresAt: expires})
			if err != nil {
				t.Fatal(err)
			}
			return f.authenticated(t, account.Credentials{Key: key})
		}
		session := func(in account.Login) (caller.Identity, string) {
			t.Helper()
			token := f.login(t, in).Token
			return f.authenticated(t, account.Credentials{Session: token}), token
		}
		soon := f.now().Add(time.Hour)
		good, revoked, expiring := key(nil), key(nil), key(&soon)
		byPassword, _ := session(account.Login{Username: u.Username, Password: password})
		byKey, _ := session(account.Login{Key: first})
		left, token := session(account.Login{Username: u.Username, Password: password})
		nobody := caller.Identity{UserID: u.ID, Role: kind.RoleUser}
		callers := []caller.Identity{good, revoked, expiring, byPassword, byKey, left, nobody, good}
		check := func(why string, want ...bool) {
			t.Helper()
			got, err := f.InForce(caller.System(t.Context()), callers)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s:\n%s", why, diff)
			}
		}
		check("at first", true, true, true, true, true, true, true, true)

		if _, err := f.RevokeKey(owner, revoked.KeyID, account.RevokeDescendants); err != nil {
			t.Fatal(err)
		}
		if err := f.Logout(t.Context(), token); err != nil {
			t.Fatal(err)
		}
		check("after a key was revoked and a session left", true, false, true, true, true, false, true, true)
		f.advance(time.Hour)
		check("after an hour", true, false, false, true, true, false, true, true)

		client, system := db.Client(caller.System(t.Context())), caller.System(t.Context())
		if err := client.APIKey.Update().Where(apikey.ID(good.KeyID)).SetScopes("write").Exec(system); err != nil {
			t.Fatal(err)
		}
		check("after the scopes of a key have changed", false, false, false, true, true, false, true, false)
		if err := client.User.Update().Where(user.ID(u.ID)).SetRole(kind.RoleAdmin).Exec(system); err != nil {
			t.Fatal(err)
		}
		check("after the role of the account has changed", false, false, false, false, false, false, true, false)
	})
}

func TestLookingWhetherAKeyIsInForceIsNoUseOfIt(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		_, key := f.user(t, kind.RoleUser)
		id := f.authenticated(t, account.Credentials{Key: key})
		f.advance(time.Hour)
		recorder := new(store.Recorder)
		callers := []caller.Identity{id, id, id}
		if _, err := f.InForce(store.WithRecorder(caller.System(t.Context()), recorder), callers); err != nil {
			t.Fatal(err)
		}
		if n := len(recorder.Statements()); n != 1 {
			t.Errorf("%d statements for one key", n)
		}
	})
}
