package account_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent/apikey"
	"campaignql/ent/session"
	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// statements returns how many statements an authentication runs.
func (f *fixture) statements(t *testing.T, sent account.Credentials) int {
	t.Helper()
	var recorder store.Recorder
	if _, err := f.Authenticate(store.WithRecorder(t.Context(), &recorder), sent, kind.SurfaceCommand); err != nil {
		t.Fatal(err)
	}
	return len(recorder.Statements())
}

func TestKeyCostsOneStatementAndAWriteOnceAMinute(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, key := f.user(t, kind.RoleUser)
		sent := account.Credentials{Key: key}
		steps := []struct {
			after time.Duration
			want  int
		}{{0, 2}, {0, 1}, {59 * time.Second, 1}, {time.Second, 2}, {0, 1}}
		for i, step := range steps {
			f.advance(step.after)
			if got := f.statements(t, sent); got != step.want {
				t.Errorf("step %d cost %d statements, want %d", i, got, step.want)
			}
		}
		used := db.Client(t.Context()).
			APIKey.Query().
			Where(apikey.UserID(u.ID)).
			OnlyX(caller.System(t.Context())).
			LastUsedAt
		if used == nil || !used.Equal(f.now()) {
			t.Errorf("last used at %v, want %v", used, f.now())
		}
	})
}

func TestSessionCostsOneStatementAndSlidesOnceInTenMinutes(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, key := f.user(t, kind.RoleUser)
		f.authenticated(t, account.Credentials{Key: key})
		for name, login := range map[string]account.Login{
			"by password": {Username: u.Username, Password: password}, "by key": {Key: key},
		} {
			sent := account.Credentials{Session: f.login(t, login).Token}
			steps := []struct {
				after time.Duration
				want  int
			}{{0, 1}, {599 * time.Second, 1}, {time.Second, 2}, {0, 1}, {9 * time.Minute, 1}}
			for i, step := range steps {
				f.advance(step.after)
				if got := f.statements(t, sent); got != step.want {
					t.Errorf("%s: step %d cost %d statements, want %d", name, i, got, step.want)
				}
			}
		}
	})
}

func TestSessionLivesADayAfterItsLastUse(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, _ := f.user(t, kind.RoleUser)
		opened := f.login(t, account.Login{Username: u.Username, Password: password})
		if want := f.now().Add(24 * time.Hour); !opened.ExpiresAt.Equal(want) {
			t.Errorf("expires at %v, want %v", opened.ExpiresAt, want)
		}
		sent := account.Credentials{Session: opened.Token}
		for range 3 {
			f.advance(23 * time.Hour)
			f.authenticated(t, sent)
		}
		f.advance(24 * time.Hour)
		f.refused(t, sent, "session unused for a day")
	})
}

func TestKeyWinsOverSession(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		one, key := f.user(t, kind.RoleUser)
		two, _ := f.user(t, kind.RoleUser)
		token := f.login(t, account.Login{Username: two.Username, Password: password}).Token
		id := f.authenticated(t, account.Credentials{Key: key, Session: token})
		if id.UserID != one.ID || id.SessionID != "" {
			t.Errorf("acts for %d, want %d", id.UserID, one.ID)
		}
		f.refused(t, account.Credentials{Key: "cq_nonsense", Session: token}, "bad key beside a good session")
		id = f.authenticated(t, account.ByToken(token))
		if id.UserID != two.ID || id.SessionID == "" || id.KeyID != 0 {
			t.Errorf("a bearer session became %+v", id)
		}
		if id := f.authenticated(t, account.ByToken(key)); id.UserID != one.ID {
			t.Errorf("a bearer key became %+v", id)
		}
	})
}

func TestEveryRefusalReadsTheSame(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, key := f.user(t, kind.RoleUser)
		ctx := f.as(t, key)
		soon := f.now().Add(time.Hour)
		_, expired, err := f.CreateKey(ctx, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}, ExpiresAt: &soon})
		if err != nil {
			t.Fatal(err)
		}
		revokedKey, revoked, err := f.CreateKey(ctx, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
		if err != nil {
			t.Fatal(err)
		}
		f.authenticated(t, account.Credentials{Key: expired})
		token := f.login(t, account.Login{Username: u.Username, Password: password}).Token
		if err := f.Logout(ctx, token); err != nil {
			t.Fatal(err)
		}
		if _, err := f.RevokeKey(ctx, revokedKey.ID, account.RevokeDescendants); err != nil {
			t.Fatal(err)
		}
		f.advance(time.Hour)
		for why, sent := range map[string]account.Credentials{
			"nothing":                     {},
			"garbage key":                 {Key: "' OR 1=1 --"},
			"unknown key":                 {Key: "cq_" + strings.Repeat("a", 52)},
			"expired key":                 {Key: expired},
			"revoked key":                 {Key: revoked},
			"key in capitals":             {Key: "cq_" + strings.ToUpper(key[3:])},
			"key as session":              {Session: key},
			"garbage session":             {Session: "x"},
			"unknown session":             {Session: "cqs_" + strings.Repeat("a", 52)},
			"session after logout":        {Session: token},
			"stored hash of a live key":   {Key: storedHash(t, f, u.ID)},
			"garbage that looks like key": {Key: "cq_" + strings.Repeat("'", 52)},
		} {
			f.refused(t, sent, why)
		}
		f.authenticated(t, account.Credentials{Key: key})
	})
}

func storedHash(t *testing.T, f *fixture, userID int64) string {
	t.Helper()
	return f.db.Client(t.Context()).APIKey.Query().Where(apikey.UserID(userID)).FirstX(caller.System(t.Context())).Hash
}

func TestKeyActsWithItsScopesAsFarAsTheRoleAllows(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, key := f.user(t, kind.RoleUser)
		system := caller.System(t.Context())
		db.Client(system).APIKey.Update().Where(apikey.UserID(u.ID)).SetScopes("write,admin,future,read").ExecX(system)
		got := f.authenticated(t, account.Credentials{Key: key})
		if diff := cmp.Diff(kind.Scopes{kind.ScopeRead, kind.ScopeWrite}, got.Scopes); diff != "" || got.SeesAll() {
			t.Errorf("scopes (-want +got):\n%s", diff)
		}
	})
}

func TestSessionHasEveryScopeButDelivery(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		want := map[kind.Role]kind.Scopes{
			kind.RoleUser:  {kind.ScopeRead, kind.ScopeWrite, kind.ScopeApprove},
			kind.RoleAdmin: {kind.ScopeRead, kind.ScopeWrite, kind.ScopeApprove, kind.ScopeAdmin},
		}
		for role, scopes := range want {
			u, _ := f.user(t, role)
			token := f.login(t, account.Login{Username: u.Username, Password: password}).Token
			if diff := cmp.Diff(scopes, f.authenticated(t, account.Credentials{Session: token}).Scopes); diff != "" {
				t.Errorf("scopes of a session of %s (-want +got):\n%s", role, diff)
			}
		}
	})
}

func TestSessionOpenedByKeyHasItsScopesAndEndsWithIt(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		_, first := f.user(t, kind.RoleUser)
		soon := f.now().Add(time.Hour)
		scopes := kind.Scopes{kind.ScopeRead, kind.ScopeDelivery}
		_, ending, err := f.CreateKey(f.as(t, first), account.NewKey{Scopes: scopes, ExpiresAt: &soon})
		if err != nil {
			t.Fatal(err)
		}
		stored, lasting, err := f.CreateKey(f.as(t, first), account.NewKey{Scopes: scopes})
		if err != nil {
			t.Fatal(err)
		}
		byEnding, byLasting := f.login(t, account.Login{Key: ending}), f.login(t, account.Login{Key: lasting})
		if !byEnding.ExpiresAt.Equal(soon) {
			t.Errorf("session expires at %v, its key at %v", byEnding.ExpiresAt, soon)
		}
		got := f.authenticated(t, account.Credentials{Session: byLasting.Token}).Scopes
		if diff := cmp.Diff(scopes, got); diff != "" {
			t.Errorf("scopes (-want +got):\n%s", diff)
		}
		f.advance(time.Hour)
		f.refused(t, account.Credentials{Session: byEnding.Token}, "session of an expired key")

		// Revoke the row only, like a server that crashed before it deleted the sessions.
		system := caller.System(t.Context())
		db.Client(system).APIKey.UpdateOneID(stored.ID).SetRevokedAt(f.now()).ExecX(system)
		f.refused(t, account.Credentials{Session: byLasting.Token}, "session of a revoked key")
		if _, err := f.RevokeKey(f.as(t, first), stored.ID, account.RevokeDescendants); err != nil {
			t.Fatal(err)
		}
		if n := db.Client(system).Session.Query().Where(session.APIKeyID(stored.ID)).CountX(system); n != 0 {
			t.Errorf("%d sessions of the revoked key remain", n)
		}
	})
}

func TestAuthenticationSucceedsWhileItsWritesCannot(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		var log strings.Builder
		f := newFixtureWith(t, testkit.Open(t, address), account.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		u, key := f.user(t, kind.RoleUser)
		blocker, err := f.db.Pools()[0].BeginTx(context.Background(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer blocker.Rollback()
		if _, err := blocker.Exec("UPDATE api_keys SET note = 'locked' WHERE user_id = ?", u.ID); err != nil {
			t.Fatal(err)
		}
		if id := f.authenticated(t, account.Credentials{Key: key}); id.UserID != u.ID {
			t.Errorf("acts for %d, want %d", id.UserID, u.ID)
		}
		if !strings.Contains(log.String(), "cannot note the use of an API key") {
			t.Errorf("the log tells nothing: %q", log.String())
		}
	})
}

func TestCanceledAuthenticationIsNotARefusal(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		_, key := f.user(t, kind.RoleUser)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := f.Authenticate(ctx, account.Credentials{Key: key}, kind.SurfaceGraphQL)
		wantCode(t, err, apperr.Canceled)
	})
}
