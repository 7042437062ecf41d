package account_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent/loginattempt"
	"campaignql/ent/user"
	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestMissingLoginInputIsReportedTogether(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		tests := []struct {
			in   account.Login
			want []string
		}{
			{account.Login{}, []string{"username:username_required", "password:password_required"}},
			{account.Login{Username: "bob"}, []string{"password:password_required"}},
			{account.Login{Username: "  ", Password: password}, []string{"username:username_required"}},
			{account.Login{Password: password, Key: "cq_x"}, []string{"username:username_required"}},
		}
		for _, test := range tests {
			_, err := f.Login(t.Context(), test.in)
			wantCode(t, err, apperr.Invalid)
			if diff := cmp.Diff(test.want, reasons(err)); diff != "" {
				t.Errorf("%+v: faults (-want +got):\n%s", test.in, diff)
			}
		}
	})
}

func TestLoginByNameAndByAddress(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, _ := f.user(t, kind.RoleUser)
		for _, name := range []string{u.Username, strings.ToUpper(u.Username), " " + u.Email + " "} {
			opened := f.login(t, account.Login{Username: name, Password: password, Key: "cq_ignored"})
			if opened.User.ID != u.ID || !strings.HasPrefix(opened.Token, "cqs_") {
				t.Errorf("login as %q opened %+v", name, opened)
			}
		}
	})
}

func TestUnknownUserCostsAndReadsAsAWrongPassword(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		hashes := account.CountHashes(f.Service)
		u, _ := f.user(t, kind.RoleUser)
		attempt := func(in account.Login) (string, int64, []string) {
			var recorder store.Recorder
			before := hashes.Load()
			in.RemoteAddr = randomName()
			_, err := f.Login(store.WithRecorder(t.Context(), &recorder), in)
			wantCode(t, err, apperr.Unauthenticated)
			var queries []string
			for _, s := range recorder.Statements() {
				queries = append(queries, s.Query)
			}
			return fmt.Sprint(err, reasons(err)), hashes.Load() - before, queries
		}
		wantText, wantHashes, wantQueries := attempt(account.Login{Username: u.Username, Password: "wrong password"})
		if wantHashes != 1 || wantText != "invalid login information [:login_invalid]" {
			t.Errorf("a wrong password costs %d hashes and reads %q", wantHashes, wantText)
		}
		for why, in := range map[string]account.Login{
			"unknown user":                  {Username: randomName(), Password: password},
			"unknown user, long password":   {Username: randomName(), Password: strings.Repeat("p", 2000)},
			"known user, long password":     {Username: u.Username, Password: strings.Repeat("p", 2000)},
			"name longer than any":          {Username: strings.Repeat("n", 5000), Password: password},
			"known user, password trimmed?": {Username: u.Username, Password: password + " "},
		} {
			text, n, queries := attempt(in)
			if text != wantText || n != wantHashes {
				t.Errorf("%s: %d hashes, %q; a wrong password: %d, %q", why, n, text, wantHashes, wantText)
			}
			if diff := cmp.Diff(wantQueries, queries); diff != "" {
				t.Errorf("%s: statements (-wrong password +got):\n%s", why, diff)
			}
		}
	})
}

func TestTenFailuresOfANameLimitIt(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		hashes := account.CountHashes(f.Service)
		known, _ := f.user(t, kind.RoleUser)
		for _, name := range []string{known.Username, randomName()} {
			for i := range 10 {
				// Other spellings of the name count in the same row.
				_, err := f.Login(
					t.Context(),
					account.Login{
						Username: []string{name, strings.ToUpper(name)}[i%2], Password: "wrong password",
						RemoteAddr: randomName(),
					},
				)
				wantCode(t, err, apperr.Unauthenticated)
			}
			f.advance(20 * time.Second)
			before := hashes.Load()
			for _, given := range []string{"wrong password", password} {
				_, err := f.Login(t.Context(), account.Login{Username: name, Password: given, RemoteAddr: randomName()})
				wantCode(t, err, apperr.Limited)
				if faults := apperr.All(err); len(faults) != 1 || faults[0].RetryAfter != 40*time.Second {
					t.Errorf("faults = %+v, want a retry after 40 s", faults)
				}
			}
			if hashes.Load() != before {
				t.Error("a limited login hashed a password")
			}
			f.advance(40 * time.Second)
		}
		f.login(t, account.Login{Username: known.Username, Password: password})
	})
}

func TestFailuresCountForAMinuteWheneverTheyBegan(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		f.advance(50 * time.Second) // so that the next minute begins during this test
		name := randomName()
		try := func(want apperr.Code, wait time.Duration) {
			t.Helper()
			_, err := f.Login(t.Context(), account.Login{Username: name, Password: "wrong password"})
			wantCode(t, err, want)
			if faults := apperr.All(err); len(faults) == 1 && faults[0].RetryAfter != wait {
				t.Errorf("retry after %s, want %s", faults[0].RetryAfter, wait)
			}
		}
		for range 10 {
			try(apperr.Unauthenticated, 0)
			f.advance(2 * time.Second)
		}
		try(apperr.Limited, 40*time.Second)
		f.advance(39 * time.Second)
		try(apperr.Limited, time.Second)
		f.advance(time.Second)
		try(apperr.Unauthenticated, 0) // the first failure has expired; this one replaces it
		try(apperr.Limited, 2*time.Second)
	})
}

func TestAHundredFailuresFromAnAddressLimitIt(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		network := rand.Uint32() // tests share a database
		host := fmt.Sprintf("%d.%d.%d", network>>16&0xff, network>>8&0xff, network&0xff)
		tests := map[string]func(i int) string{
			"IPv4 from many ports": func(i int) string { return fmt.Sprintf("10.%s:%d", host, 1000+i) },
			"IPv6 of one network": func(i int) string {
				return fmt.Sprintf("[2001:db8:%x:%x::%x]:443", network>>16, network&0xffff, i+1)
			},
			"IPv4 written as IPv6":  func(i int) string { return []string{"11.", "::ffff:11."}[i%2] + host },
			"whatever a proxy sent": func(int) string { return "socket of " + host },
		}
		for name, address := range tests {
			t.Run(name, func(t *testing.T) {
				f := newFixture(t, db)
				u, key := f.user(t, kind.RoleUser)
				for i := range 100 {
					in := account.Login{Username: randomName(), Password: password, RemoteAddr: address(i)}
					if i%3 == 0 { // failed logins by key count too
						in = account.Login{Key: "cq_wrong", RemoteAddr: address(i)}
					}
					_, err := f.Login(t.Context(), in)
					wantCode(t, err, apperr.Unauthenticated)
				}
				_, err := f.Login(
					t.Context(), account.Login{Username: u.Username, Password: password, RemoteAddr: address(101)},
				)
				wantCode(t, err, apperr.Limited)
				_, err = f.Login(t.Context(), account.Login{Key: key, RemoteAddr: address(102)})
				wantCode(t, err, apperr.Limited)
				f.login(t, account.Login{Username: u.Username, Password: password, RemoteAddr: "203.0.113.9:80"})
			})
		}
	})
}

// TestWrongLoginsFromOneAddressLockOutNobodyElse covers users who share one address, for example in
// an office or behind a proxy that the server does not trust.
func TestWrongLoginsFromOneAddressLockOutNobodyElse(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		victim, _ := f.user(t, kind.RoleUser)
		colleague, _ := f.user(t, kind.RoleUser)
		office, home := "office of "+victim.Username, "home of "+victim.Username
		for range 10 {
			_, err := f.Login(
				t.Context(), account.Login{Username: victim.Username, Password: "wrong password", RemoteAddr: office},
			)
			wantCode(t, err, apperr.Unauthenticated)
		}
		_, err := f.Login(t.Context(), account.Login{Username: victim.Username, Password: password, RemoteAddr: office})
		wantCode(t, err, apperr.Limited)
		f.login(t, account.Login{Username: colleague.Username, Password: password, RemoteAddr: office})
		f.login(t, account.Login{Username: victim.Username, Password: password, RemoteAddr: home})
		// Guesses from many addresses are still limited to ten per minute for the name.
		for i := range 5 {
			_, err := f.Login(
				t.Context(),
				account.Login{Username: victim.Username, Password: "wrong password", RemoteAddr: fmt.Sprint(i, home)},
			)
			wantCode(t, err, apperr.Unauthenticated)
		}
		_, err = f.Login(t.Context(), account.Login{Username: victim.Username, Password: password, RemoteAddr: home})
		wantCode(t, err, apperr.Limited)
	})
}

func TestGuessesSentAtOnceDoNotOutrunTheCounter(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		const slots = 2
		f := newFixtureWith(t, db, account.Options{ConcurrentHashes: slots})
		hashes := account.CountHashes(f.Service)
		u, _ := f.user(t, kind.RoleUser)
		before := hashes.Load()
		var limited atomic.Int64
		var wg sync.WaitGroup
		for range 40 {
			wg.Go(func() {
				_, err := f.Login(t.Context(), account.Login{Username: u.Username, Password: "wrong password"})
				if apperr.CodeOf(err) == apperr.Limited {
					limited.Add(1)
				}
			})
		}
		wg.Wait()
		if tried := hashes.Load() - before; tried < 10 || tried > 10+slots-1 || limited.Load() != 40-tried {
			t.Errorf("%d passwords were tried and %d refused", tried, limited.Load())
		}
	})
}

func TestServersCountTogether(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		one := newFixtureWith(t, db, account.Options{FailuresPerMinute: 3})
		two := newFixtureWith(t, db, account.Options{FailuresPerMinute: 3})
		two.clock.Store(one.clock.Load())
		in := account.Login{Username: randomName(), Password: "wrong password"}
		for i := range 3 {
			_, err := []*fixture{one, two}[i%2].Login(t.Context(), in)
			wantCode(t, err, apperr.Unauthenticated)
		}
		for _, f := range []*fixture{one, two} {
			_, err := f.Login(t.Context(), in)
			wantCode(t, err, apperr.Limited)
		}
	})
}

func TestGuessCountsWhenTheClientHasGone(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		ctx, leave := context.WithCancel(t.Context())
		account.BeforeHash(f.Service, leave)
		in := account.Login{Username: randomName(), Password: "wrong password"}
		_, err := f.Login(ctx, in)
		wantCode(t, err, apperr.Unauthenticated)
		system := caller.System(t.Context())
		if n := db.Client(system).
			LoginAttempt.Query().
			Where(loginattempt.IDEQ(account.NameCounter(f.Service, in.Username)), loginattempt.Failures(1)).
			CountX(system); n != 1 {
			t.Error("the failure was not counted")
		}
	})
}

func TestLoginWaitsForASlotNoLongerThanItsClient(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		defer account.HoldHashSlots(f.Service)()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		_, err := f.Login(ctx, account.Login{Username: randomName(), Password: password})
		wantCode(t, err, apperr.Canceled)
	})
}

func TestPasswordHashIsRenewedAtTheCostOfToday(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		old := newFixture(t, db)
		u, _ := old.user(t, kind.RoleUser)
		today := newFixtureWith(t, db, account.Options{Passwords: account.Argon2{MemoryKiB: 16, Time: 2, Threads: 1}})
		_, err := today.Login(t.Context(), account.Login{Username: u.Username, Password: "wrong password"})
		wantCode(t, err, apperr.Unauthenticated)
		for range 2 {
			today.login(t, account.Login{Username: u.Username, Password: password})
			system := caller.System(t.Context())
			got := db.Client(system).User.GetX(system, u.ID).PasswordHash
			if !strings.HasPrefix(got, "$argon2id$v=19$m=16,t=2,p=1$") {
				t.Errorf("stored as %q", got)
			}
		}
	})
}

func TestLoginThatRacesAChangeOfPasswordOpensNothing(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixtureWith(t, db, account.Options{ConcurrentHashes: 2})
		u, _ := f.user(t, kind.RoleUser)
		var changed atomic.Bool
		account.BeforeHash(f.Service, func() {
			// The login has read the old hash. Change the password before the login verifies it.
			// The change computes a hash too, so this function is called a second time.
			if changed.Swap(true) {
				return
			}
			change := account.PasswordChange{Password: "a new password"}
			if _, err := f.SetPassword(caller.System(context.Background()), u.ID, change); err != nil {
				t.Error(err)
			}
		})
		_, err := f.Login(t.Context(), account.Login{Username: u.Username, Password: password})
		wantCode(t, err, apperr.Unauthenticated)
	})
}

func TestLogoutEndsTheSessionAndSucceedsAgain(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, key := f.user(t, kind.RoleUser)
		one := f.login(t, account.Login{Username: u.Username, Password: password}).Token
		two := f.login(t, account.Login{Username: u.Username, Password: password}).Token
		for range 2 {
			if err := f.Logout(t.Context(), one); err != nil {
				t.Fatal(err)
			}
		}
		f.refused(t, account.Credentials{Session: one}, "ended session")
		asTwo := caller.With(t.Context(), f.authenticated(t, account.Credentials{Session: two}))
		for _, ctx := range []context.Context{t.Context(), f.as(t, key)} { // neither caller has a session
			if err := f.Logout(ctx, ""); err != nil {
				t.Fatal(err)
			}
		}
		f.authenticated(t, account.Credentials{Session: two})
		if err := f.Logout(asTwo, ""); err != nil {
			t.Fatal(err)
		}
		f.refused(t, account.Credentials{Session: two}, "session that ended itself")
	})
}

func TestDamagedStoredPasswordIsAServerFault(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		u, _ := f.user(t, kind.RoleUser)
		system := caller.System(t.Context())
		for _, stored := range []string{
			"plain", "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$ZGlnZXN0ZGlnZXN0ZGlnZXN0",
			"$argon2id$v=16$m=8,t=1,p=1$c2FsdHNhbHQ$ZGlnZXN0ZGlnZXN0ZGlnZXN0",
			"$argon2id$v=19$m=8,t=0,p=1$c2FsdHNhbHQ$ZGlnZXN0ZGlnZXN0ZGlnZXN0",
			"$argon2id$v=19$m=9999999,t=1,p=1$c2FsdHNhbHQ$ZGlnZXN0ZGlnZXN0ZGlnZXN0",
			"$argon2id$v=19$m=8,t=1,p=300$c2FsdHNhbHQ$ZGlnZXN0ZGlnZXN0ZGlnZXN0",
			"$argon2id$v=19$m=8,t=1,p=1$!$ZGlnZXN0ZGlnZXN0ZGlnZXN0", "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$",
		} {
			db.Client(system).User.Update().Where(user.ID(u.ID)).SetPasswordHash(stored).ExecX(system)
			_, err := f.Login(t.Context(), account.Login{Username: u.Username, Password: password})
			wantCode(t, err, apperr.Internal)
			if err == nil || strings.Contains(err.Error(), "argon2") {
				t.Errorf("stored as %q: %v", stored, err)
			}
		}
	})
}
