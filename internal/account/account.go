// Package account owns who may use the product: users and their passwords, API keys, sessions, and
// the throttle on logins. It turns what a request carries into a caller.Identity. It knows nothing
// of HTTP, GraphQL or the Command bridge, nor of what an account owns.
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

// Options are the settings of a Service. The zero value takes the defaults.
type Options struct {
	// Now tells the time. Default store.Now.
	Now func() time.Time
	// SessionTTL is how long a session lives after its last use. Default 24 h.
	SessionTTL time.Duration
	// FailuresPerMinute is how many logins may fail for one user name within a minute; from one address,
	// whatever the name, ten times as many. Default 10.
	FailuresPerMinute int
	// KeysPerAccount is how many API keys of one account may be in force at once. Default 100.
	KeysPerAccount int
	// Passwords is the cost of a password hash made from now on. Default DefaultArgon2.
	Passwords Argon2
	// ConcurrentHashes bounds the passwords that are hashed at once, each of which takes
	// Passwords.MemoryKiB and a core. Default: the cores.
	ConcurrentHashes int
	// Log receives what went wrong beside a request that succeeded. Default slog.Default().
	Log *slog.Logger
}

// Service manages accounts. Its methods may be used from many goroutines; nothing another server
// must know is kept in memory.
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

// New returns a Service over db.
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

// OnBehalf is the identity with which the command line acts for a user: with every scope the role allows.
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

// allowed returns the scopes of a stored list that the role allows. A name that only a newer server
// knows allows nothing here.
func allowed(stored kind.Scopes, role kind.Role) kind.Scopes {
	var out kind.Scopes
	for _, scope := range kind.AllScopes(role) {
		if stored.Has(scope) {
			out = append(out, scope)
		}
	}
	return out
}

// sessionScopes is what a login by password allows: everything of the role but acting as the sender.
func sessionScopes(role kind.Role) kind.Scopes {
	out := kind.Scopes{kind.ScopeRead, kind.ScopeWrite, kind.ScopeApprove}
	if role == kind.RoleAdmin {
		out = append(out, kind.ScopeAdmin)
	}
	return out
}

// errUnauthenticated says the same for a missing, malformed, unknown, expired and revoked credential.
func errUnauthenticated() error {
	return apperr.New(apperr.Unauthenticated, "authentication failure or session expired")
}
