package account_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestNewKeyIsChecked(t *testing.T) {
	t.Parallel()
	read := kind.Scopes{kind.ScopeRead}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		_, key := f.user(t, kind.RoleUser)
		past, far := f.now(), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)
		tests := map[string]struct {
			in   account.NewKey
			want []string
		}{
			"no scopes": {account.NewKey{}, []string{"scopes:scopes_required"}},
			"note of 201 characters": {
				account.NewKey{Scopes: read, Note: strings.Repeat("n", 201)}, []string{"note:note_too_long"},
			},
			"expiry now": {
				account.NewKey{Scopes: read, ExpiresAt: &past}, []string{"expiresAt:expiry_past"},
			},
			"expiry after all time": {
				account.NewKey{Scopes: read, ExpiresAt: &far}, []string{"expiresAt:expiry_invalid"},
			},
			"all at once": {
				account.NewKey{Note: strings.Repeat("n", 201), ExpiresAt: &past},
				[]string{"scopes:scopes_required", "note:note_too_long", "expiresAt:expiry_past"},
			},
			"note of 200 characters":   {account.NewKey{Scopes: read, Note: strings.Repeat("n", 200)}, nil},
			"note with NUL is cleaned": {account.NewKey{Scopes: read, Note: "a\x00b"}, nil},
		}
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				_, secret, err := f.CreateKey(f.as(t, key), test.in)
				if diff := cmp.Diff(test.want, reasons(err)); diff != "" {
					t.Errorf("faults (-want +got):\n%s", diff)
				}
				if (err == nil) != (secret != "") {
					t.Errorf("key %q with error %v", secret, err)
				}
			})
		}
	})
}

func TestNoKeyOutlivesTheOneThatMakesIt(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		_, full := f.user(t, kind.RoleUser)
		week := f.now().Add(7 * 24 * time.Hour)
		ends := func(at time.Time) account.NewKey {
			return account.NewKey{Scopes: kind.Scopes{kind.ScopeRead, kind.ScopeWrite}, ExpiresAt: &at}
		}
		_, short, err := f.CreateKey(f.as(t, full), ends(week))
		if err != nil {
			t.Fatal(err)
		}
		for _, in := range []account.NewKey{{Scopes: kind.Scopes{kind.ScopeRead}}, ends(week.Add(time.Second))} {
			if _, _, err := f.CreateKey(f.as(t, short), in); apperr.CodeOf(err) != apperr.Denied {
				t.Errorf("a key until %v from one until %v: %v", in.ExpiresAt, week, err)
			}
		}
		if _, _, err := f.CreateKey(f.as(t, short), ends(week)); err != nil {
			t.Errorf("until the same moment: %v", err)
		}
	})
}

func TestNobodyGivesAKeyScopesTheyLack(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, full := f.user(t, kind.RoleUser)
		_, writing, err := f.CreateKey(
			f.as(t, full), account.NewKey{Scopes: kind.Scopes{kind.ScopeRead, kind.ScopeWrite}},
		)
		if err != nil {
			t.Fatal(err)
		}
		_, reading, err := f.CreateKey(f.as(t, full), account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
		if err != nil {
			t.Fatal(err)
		}
		session := f.login(t, account.Login{Username: u.Username, Password: password}).Token
		tests := map[string]struct {
			sent  account.Credentials
			scope kind.Scope
			code  apperr.Code
		}{
			"full key gives delivery":       {account.Credentials{Key: full}, kind.ScopeDelivery, ""},
			"full key of a user, admin":     {account.Credentials{Key: full}, kind.ScopeAdmin, apperr.Denied},
			"writing key gives write":       {account.Credentials{Key: writing}, kind.ScopeWrite, ""},
			"writing key, approve":          {account.Credentials{Key: writing}, kind.ScopeApprove, apperr.Denied},
			"reading key makes no keys":     {account.Credentials{Key: reading}, kind.ScopeRead, apperr.Denied},
			"session, delivery":             {account.Credentials{Session: session}, kind.ScopeDelivery, apperr.Denied},
			"session gives approve":         {account.Credentials{Session: session}, kind.ScopeApprove, ""},
			"a scope that nobody has heard": {account.Credentials{Key: full}, "root", apperr.Denied},
		}
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				ctx := caller.With(t.Context(), f.authenticated(t, test.sent))
				_, _, err := f.CreateKey(ctx, account.NewKey{Scopes: kind.Scopes{test.scope}})
				wantCode(t, err, test.code)
			})
		}
		_, _, err = f.CreateKey(caller.System(t.Context()), account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
		wantCode(t, err, apperr.Denied)
	})
}

func TestKeysInForceAreLimited(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixtureWith(t, db, account.Options{KeysPerAccount: 3})
		_, first := f.user(t, kind.RoleAdmin) // sees the keys of other accounts, but they must not count
		for range 3 {
			f.user(t, kind.RoleUser)
		}
		ctx := f.as(t, first)
		soon := f.now().Add(time.Minute)
		read := account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}}
		second, _, err := f.CreateKey(ctx, read)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := f.CreateKey(ctx, account.NewKey{Scopes: read.Scopes, ExpiresAt: &soon}); err != nil {
			t.Fatal(err)
		}
		_, _, err = f.CreateKey(ctx, read)
		wantCode(t, err, apperr.Limited)
		f.advance(time.Minute) // one has expired
		_, _, err = f.CreateKey(ctx, read)
		wantCode(t, err, "")
		if _, err := f.RevokeKey(ctx, second.ID, account.RevokeDescendants); err != nil {
			t.Fatal(err)
		}
		_, _, err = f.CreateKey(ctx, read)
		wantCode(t, err, "")
		_, _, err = f.CreateKey(ctx, read)
		wantCode(t, err, apperr.Limited)
	})
}

func TestKeysAreListedForTheirOwnerAlone(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		_, key := f.user(t, kind.RoleAdmin)
		f.user(t, kind.RoleUser)
		ctx := f.as(t, key)
		for _, note := range []string{"a", "b", "c"} {
			in := account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}, Note: note}
			if _, _, err := f.CreateKey(ctx, in); err != nil {
				t.Fatal(err)
			}
		}
		keys, err := f.Keys(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.RevokeKey(ctx, keys[0].ID, account.RevokeDescendants); err != nil { // the newest key, "c"
			t.Fatal(err)
		}
		if keys, err = f.Keys(ctx); err != nil {
			t.Fatal(err)
		}
		var notes []string
		for _, k := range keys {
			notes = append(notes, k.Note)
		}
		if diff := cmp.Diff([]string{"b", "a", "first key", "c"}, notes); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}

func TestKeyOfAnotherAccountIsRevokedAsOneThatDoesNotExist(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		_, mine := f.user(t, kind.RoleUser)
		_, theirs := f.user(t, kind.RoleUser)
		_, admins := f.user(t, kind.RoleAdmin)
		id := f.authenticated(t, account.Credentials{Key: theirs}).KeyID

		_, foreign := f.RevokeKey(f.as(t, mine), id, account.RevokeDescendants)
		_, unknown := f.RevokeKey(f.as(t, mine), 1<<40, account.RevokeDescendants)
		wantCode(t, foreign, apperr.NotFound)
		if diff := cmp.Diff(apperr.All(unknown), apperr.All(foreign)); diff != "" {
			t.Errorf("errors differ (-unknown +foreign):\n%s", diff)
		}
		f.authenticated(t, account.Credentials{Key: theirs})
		if _, err := f.RevokeKey(f.as(t, admins), id, account.RevokeDescendants); err != nil {
			t.Errorf("an admin cannot revoke: %v", err)
		}
		f.refused(t, account.Credentials{Key: theirs}, "key revoked by an admin")
	})
}

func TestRevokingAgainChangesNothing(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		_, key := f.user(t, kind.RoleUser)
		ctx := f.as(t, key)
		created, _, err := f.CreateKey(ctx, account.NewKey{Scopes: kind.Scopes{kind.ScopeRead}})
		if err != nil {
			t.Fatal(err)
		}
		at := f.now()
		for range 2 {
			revoked, err := f.RevokeKey(ctx, created.ID, account.RevokeDescendants)
			if err != nil {
				t.Fatal(err)
			}
			if revoked.Key.RevokedAt == nil || !revoked.Key.RevokedAt.Equal(at) {
				t.Errorf("revoked at %v, want %v", revoked.Key.RevokedAt, at)
			}
			f.advance(time.Hour)
		}
	})
}
