// Package account owns users and their passwords, API keys, sessions, and the throttle on logins.
// It turns the credentials of a request into a caller.Identity. It must not know HTTP, GraphQL or
// the Command bridge, nor the data that an account owns.
package account

import (
	"log/slog"
	"runtime"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Options are the settings of a Service. A zero value selects the default.
type Options struct {
	// Now is the clock. The default is store.Now.
	Now func() time.Time
	// SessionTTL is how long a session lives after its last use. The default is 24 h.
	SessionTTL time.Duration
	// FailuresPerMinute is how many logins may fail within a minute for one user name. From one
	// address, with any names, ten times as many may fail. The default is 10.
	FailuresPerMinute int
	// KeysPerAccount is how many valid API keys one account may have. The default is 100.
	KeysPerAccount int
	// Passwords is the cost of new password hashes. The default is DefaultArgon2.
	Passwords Argon2
	// ConcurrentHashes limits how many passwords are hashed concurrently. Each hash uses
	// Passwords.MemoryKiB of memory and one core. The default is the number of cores.
	ConcurrentHashes int
	// Log receives warnings about failures that do not fail the request. The default is
	// slog.Default().
	Log *slog.Logger
}

// Service manages accounts. It is safe for concurrent use. It keeps no state in memory that another
// server would need.
type Service struct {
	db        *store.Store
	now       func() time.Time
	ttl       time.Duration
	failures  int
	keys      int
	passwords *hasher
	log       *slog.Logger
	followers *followers
}

func New(db *store.Store, opts Options) *Service {
	s := &Service{
		db: db, ttl: opts.SessionTTL, failures: opts.FailuresPerMinute, keys: opts.KeysPerAccount, log: opts.Log,
	}
	now := opts.Now
	if now == nil {
		now = store.Now
	}
	s.now = func() time.Time { return store.Truncate(now()) }
	if s.ttl == 0 {
		s.ttl = 24 * time.Hour
	}
	if s.failures == 0 {
		s.failures = 10
	}
	if s.keys == 0 {
		s.keys = 100
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if opts.Passwords == (Argon2{}) {
		opts.Passwords = DefaultArgon2
	}
	if opts.ConcurrentHashes <= 0 {
		opts.ConcurrentHashes = runtime.GOMAXPROCS(0)
	}
	s.passwords = newHasher(opts.Passwords, opts.ConcurrentHashes)
	s.followers = newFollowers(s)
	return s
}

// OnBehalf returns the identity with which the command line acts for a user. It has all scopes that
// the role allows.
func OnBehalf(user *ent.User) caller.Identity {
	return caller.Identity{
		UserID:     user.ID,
		Username:   user.Username,
		Role:       user.Role,
		Reputation: user.Reputation,
		TimeZone:   user.TimeZone,
		Scopes:     kind.AllScopes(user.Role),
		Surface:    kind.SurfaceCLI,
	}
}

// allowed returns the stored scopes that the role allows. Unknown names, for example from a newer
// server version, are dropped.
func allowed(stored kind.Scopes, role kind.Role) kind.Scopes {
	var out kind.Scopes
	for _, scope := range kind.AllScopes(role) {
		if stored.Has(scope) {
			out = append(out, scope)
		}
	}
	return out
}

// sessionScopes returns the scopes of a session opened with a password: all scopes of the role
// except delivery, which lets a caller act as the sender.
func sessionScopes(role kind.Role) kind.Scopes {
	out := kind.Scopes{kind.ScopeRead, kind.ScopeWrite, kind.ScopeApprove}
	if role == kind.RoleAdmin {
		out = append(out, kind.ScopeAdmin)
	}
	return out
}

// errUnauthenticated returns the same error for a missing, malformed, unknown, expired or revoked
// credential.
func errUnauthenticated() error {
	return apperr.New(apperr.Unauthenticated, "authentication failure or session expired")
}
