package account_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestCreatedUserHasDefaultsAndAKeyWithEveryScopeOfItsRole(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for _, role := range []kind.Role{kind.RoleUser, kind.RoleAdmin} {
			u, key := f.user(t, role)
			if u.TimeZone != "UTC" || u.Reputation != kind.ReputationTrusted || u.Role != role {
				t.Errorf("created %+v", u)
			}
			id := f.authenticated(t, account.Credentials{Key: key})
			want := caller.Identity{
				UserID: u.ID, Username: u.Username, Role: role, Reputation: kind.ReputationTrusted, TimeZone: "UTC",
				Scopes: kind.AllScopes(role), KeyID: id.KeyID, Surface: kind.SurfaceGraphQL,
			}
			if diff := cmp.Diff(want, id, cmp.AllowUnexported(caller.Identity{})); diff != "" || id.KeyID == 0 {
				t.Errorf("identity (-want +got):\n%s", diff)
			}
			viewer, err := f.Viewer(f.as(t, key))
			if err != nil || viewer.ID != u.ID {
				t.Errorf("viewer = %v, %v", viewer, err)
			}
		}
	})
}

func TestSecretsAreNotStored(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, key := f.user(t, kind.RoleUser)
		keys, err := f.Keys(f.as(t, key))
		if err != nil || len(keys) != 1 {
			t.Fatalf("keys = %v, %v", keys, err)
		}
		if !strings.HasPrefix(key, "cq_") || len(key) < 43 || keys[0].Hint != key[:8] ||
			strings.Contains(keys[0].Hash, key) {
			t.Errorf("key %q is stored as %q with the hint %q", key, keys[0].Hash, keys[0].Hint)
		}
		if !strings.HasPrefix(u.PasswordHash, "$argon2id$v=19$m=8,t=1,p=1$") ||
			strings.Contains(u.PasswordHash, password) {
			t.Errorf("password is stored as %q", u.PasswordHash)
		}
	})
}

func TestFaultsOfANewUserAreReportedTogether(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*account.NewUser)
		want   []string
	}{
		"nothing given": {func(in *account.NewUser) { *in = account.NewUser{} },
			[]string{"username:username_required", "email:email_required", "password:password_too_short"}},
		"everything wrong": {
			func(in *account.NewUser) {
				*in = account.NewUser{
					Username: "a\x07b", Email: "Bob <bob@example.com>", Password: strings.Repeat("x", 1025),
					FirstName: strings.Repeat("f", 101), LastName: strings.Repeat("l", 101), TimeZone: "Mars/Base",
					Role: "root", Reputation: "shady",
				}
			},
			[]string{
				"username:username_invalid", "email:email_invalid", "password:password_too_long",
				"firstName:first_name_too_long", "lastName:last_name_too_long", "timeZone:time_zone_unknown",
				"role:role_unknown", "reputation:reputation_unknown",
			},
		},
		"name of 101 characters": {
			func(in *account.NewUser) { in.Username = strings.Repeat("n", 101) },
			[]string{"username:username_too_long"},
		},
		"name of invalid UTF-8": {
			func(in *account.NewUser) { in.Username = "n\xff" }, []string{"username:username_invalid"},
		},
		"name with a direction override": {
			func(in *account.NewUser) { in.Username = "n\u202Eadmin" }, []string{"username:username_invalid"},
		},
		"name that is another's address": {
			func(in *account.NewUser) { in.Username = "boss@example.com" }, []string{"username:username_is_address"},
		},
		"address of 255 bytes": {
			func(in *account.NewUser) { in.Email = strings.Repeat("e", 243) + "@example.com" },
			[]string{"email:email_invalid"},
		},
		"address without domain": {
			func(in *account.NewUser) { in.Email = "bob" }, []string{"email:email_invalid"},
		},
		"two addresses": {
			func(in *account.NewUser) { in.Email = "a@example.com, b@example.com" }, []string{"email:email_invalid"},
		},
		"password of 7 characters": {
			func(in *account.NewUser) { in.Password = "ääääääß" }, []string{"password:password_too_short"},
		},
		"time zone of whichever machine": {
			func(in *account.NewUser) { in.TimeZone = "Local" }, []string{"timeZone:time_zone_unknown"},
		},
		"name of spaces": {
			func(in *account.NewUser) { in.Username = " \t" }, []string{"username:username_required"},
		},
		"name of 100 characters is allowed": {
			func(in *account.NewUser) { in.Username = randomName() + strings.Repeat("n", 73) }, nil,
		},
		"own address as name is allowed": {
			func(in *account.NewUser) { in.Username = strings.ToUpper(in.Email) }, nil,
		},
		"Cyrillic name is allowed": {func(in *account.NewUser) { in.Username = "Настя " + randomName() }, nil},
		"known zone is allowed":    {func(in *account.NewUser) { in.TimeZone = "America/Sao_Paulo" }, nil},
	}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				unique := randomName()
				in := account.NewUser{Username: unique, Email: unique + "@example.com", Password: password}
				test.change(&in)
				_, key, err := f.CreateUser(caller.System(t.Context()), in)
				if diff := cmp.Diff(test.want, reasons(err)); diff != "" {
					t.Errorf("faults (-want +got):\n%s", diff)
				}
				if (err == nil) != (key != "") {
					t.Errorf("key %q with error %v", key, err)
				}
			})
		}
	})
}

func TestNamesAndAddressesAreUniqueWithoutRegardToCase(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, _ := f.user(t, kind.RoleUser)
		_, _, err := f.CreateUser(caller.System(t.Context()), account.NewUser{
			Username: " " + strings.ToUpper(u.Username), Email: strings.ToUpper(u.Email), Password: "short"})
		want := []string{"password:password_too_short", "username:username_taken", "email:email_taken"}
		if diff := cmp.Diff(want, reasons(err)); diff != "" {
			t.Errorf("faults (-want +got):\n%s", diff)
		}
	})
}

func TestOneOfRacingCreationsWins(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		const racers = 6
		f := newFixtureWith(t, db, account.Options{ConcurrentHashes: racers})
		name := randomName()
		// No call gets a hash, and so none writes, before all calls have checked the name.
		var looked sync.WaitGroup
		looked.Add(racers)
		account.BeforeHash(f.Service, func() { looked.Done(); looked.Wait() })
		var won atomic.Int64
		var wg sync.WaitGroup
		for range racers {
			wg.Go(func() {
				_, _, err := f.CreateUser(
					caller.System(t.Context()),
					account.NewUser{Username: name, Email: name + "@example.com", Password: password},
				)
				taken := []string{"username:username_taken", "email:email_taken"}
				if err == nil {
					won.Add(1)
				} else if diff := cmp.Diff(taken, reasons(err)); diff != "" {
					t.Errorf("faults (-want +got):\n%s", diff)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 {
			t.Errorf("%d of the racing creations succeeded", won.Load())
		}
	})
}

func TestOnlyAdminsManageAccounts(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, userKey := f.user(t, kind.RoleUser)
		_, adminKey := f.user(t, kind.RoleAdmin)
		_, readingKey, err := f.CreateKey(
			f.as(t, adminKey), account.NewKey{Scopes: kind.Scopes{kind.ScopeRead, kind.ScopeAdmin}},
		)
		if err != nil {
			t.Fatal(err)
		}
		tests := map[string]struct {
			key  string
			code apperr.Code
		}{
			"a user":                       {userKey, apperr.Denied},
			"an admin with a reading key":  {readingKey, apperr.Denied},
			"an admin who may write":       {adminKey, ""},
			"an admin's key without admin": {withoutAdmin(t, f, adminKey), apperr.Denied},
		}
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				unique := randomName()
				_, _, err := f.CreateUser(
					f.as(t, test.key),
					account.NewUser{Username: unique, Email: unique + "@example.com", Password: password},
				)
				wantCode(t, err, test.code)
				change := account.PasswordChange{Password: "another password"}
				wantCode(t, changed(f.SetPassword(f.as(t, test.key), u.ID, change)), test.code)
			})
		}
		wantCode(
			t, changed(f.SetPassword(t.Context(), u.ID, account.PasswordChange{Password: "another password"})),
			apperr.Unauthenticated,
		)
	})
}

func withoutAdmin(t *testing.T, f *fixture, adminKey string) string {
	t.Helper()
	_, key, err := f.CreateKey(f.as(t, adminKey), account.NewKey{Scopes: kind.Scopes{kind.ScopeRead, kind.ScopeWrite}})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestUserIsFoundByNameAndByAddress(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, _ := f.user(t, kind.RoleUser)
		_, otherKey := f.user(t, kind.RoleUser)
		for _, name := range []string{u.Username, strings.ToUpper(u.Username), u.Email, " " + u.Email} {
			found, err := f.UserByName(caller.System(t.Context()), name)
			if err != nil || found.ID != u.ID {
				t.Errorf("UserByName(%q) = %v, %v", name, found, err)
			}
			_, err = f.UserByName(f.as(t, otherKey), name)
			wantCode(t, err, apperr.NotFound)
		}
		_, err := f.UserByName(caller.System(t.Context()), randomName())
		wantCode(t, err, apperr.NotFound)
	})
}

func TestChangeOfPasswordEndsEverySession(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, key := f.user(t, kind.RoleUser)
		other, _ := f.user(t, kind.RoleUser)
		byPassword := f.login(t, account.Login{Username: u.Username, Password: password})
		byKey := f.login(t, account.Login{Key: key})
		others := f.login(t, account.Login{Username: other.Username, Password: password})

		wantCode(
			t, changed(f.SetPassword(caller.System(t.Context()), u.ID, account.PasswordChange{Password: "short"})),
			apperr.Invalid,
		)
		f.authenticated(t, account.Credentials{Session: byPassword.Token})
		change := account.PasswordChange{Password: "a new password"}
		if _, err := f.SetPassword(caller.System(t.Context()), u.ID, change); err != nil {
			t.Fatal(err)
		}
		f.refused(t, account.Credentials{Session: byPassword.Token}, "session by password")
		f.refused(t, account.Credentials{Session: byKey.Token}, "session by key")
		f.authenticated(t, account.Credentials{Session: others.Token})
		_, err := f.Login(t.Context(), account.Login{Username: u.Username, Password: password})
		wantCode(t, err, apperr.Unauthenticated)
		f.login(t, account.Login{Username: u.Username, Password: "a new password"})
		wantCode(t, changed(f.SetPassword(caller.System(t.Context()), 1<<40, change)), apperr.NotFound)
	})
}

func TestNothingIsWrittenForAnInvalidUser(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		name := randomName()
		_, _, err := f.CreateUser(
			caller.System(t.Context()),
			account.NewUser{Username: name, Email: name + "@example.com", Password: password, TimeZone: "nowhere"},
		)
		wantCode(t, err, apperr.Invalid)
		_, err = f.UserByName(caller.System(t.Context()), name)
		wantCode(t, err, apperr.NotFound)
	})
}
