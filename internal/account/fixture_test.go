package account_test

import (
	"context"
	"crypto/rand"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const password = "correct horse"

var cheap = account.Argon2{MemoryKiB: 8, Time: 1, Threads: 1}

// fixture is a service with a clock that only advance moves.
type fixture struct {
	*account.Service
	db    *store.Store
	clock *atomic.Int64
}

func newFixture(t *testing.T, db *store.Store) *fixture {
	t.Helper()
	return newFixtureWith(t, db, account.Options{})
}

func newFixtureWith(t *testing.T, db *store.Store, opts account.Options) *fixture {
	t.Helper()
	f := &fixture{db: db, clock: new(atomic.Int64)}
	// Start at a full minute, so that a test does not cross a minute by chance.
	f.clock.Store(store.Now().Truncate(time.Minute).UnixMicro())
	opts.Now = f.now
	if opts.Passwords == (account.Argon2{}) {
		opts.Passwords = cheap
	}
	f.Service = account.New(db, opts)
	return f
}

func (f *fixture) now() time.Time          { return time.UnixMicro(f.clock.Load()).UTC() }
func (f *fixture) advance(d time.Duration) { f.clock.Add(d.Microseconds()) }

// user creates an account with a random name and returns it with its first key.
func (f *fixture) user(t *testing.T, role kind.Role) (*ent.User, string) {
	t.Helper()
	name := randomName()
	u, key, err := f.CreateUser(
		caller.System(t.Context()),
		account.NewUser{Username: name, Email: name + "@example.com", Password: password, Role: role},
	)
	if err != nil {
		t.Fatal(err)
	}
	return u, key
}

// as returns a context in which the user calls with the key.
func (f *fixture) as(t *testing.T, key string) context.Context {
	t.Helper()
	return caller.With(t.Context(), f.authenticated(t, account.Credentials{Key: key}))
}

func (f *fixture) authenticated(t *testing.T, sent account.Credentials) caller.Identity {
	t.Helper()
	id, err := f.Authenticate(t.Context(), sent, kind.SurfaceGraphQL)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func (f *fixture) refused(t *testing.T, sent account.Credentials, why string) {
	t.Helper()
	_, err := f.Authenticate(t.Context(), sent, kind.SurfaceGraphQL)
	wantUnauthenticated(t, err, why)
}

func (f *fixture) login(t *testing.T, in account.Login) *account.Session {
	t.Helper()
	session, err := f.Login(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

func randomName() string { return "u" + strings.ToLower(rand.Text()) }

// wantUnauthenticated also checks that the message is always the same.
func wantUnauthenticated(t *testing.T, err error, why string) {
	t.Helper()
	if apperr.CodeOf(err) != apperr.Unauthenticated || err.Error() != "authentication failure or session expired" {
		t.Errorf("%s: got %v, want the one authentication error", why, err)
	}
}

func wantCode(t *testing.T, err error, code apperr.Code) {
	t.Helper()
	if apperr.CodeOf(err) != code {
		t.Errorf("got error %v (%q), want %q", err, apperr.CodeOf(err), code)
	}
}

func reasons(err error) []string {
	var out []string
	for _, fault := range apperr.All(err) {
		out = append(out, fault.Field+":"+string(fault.Reason))
	}
	return out
}

// changed returns the error of SetPassword.
func changed(_ []*ent.APIKey, err error) error { return err }
