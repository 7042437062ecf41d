package account

import (
	"context"
	"time"

	"campaignql/ent"
	"campaignql/ent/session"
	"campaignql/ent/user"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/store"
)

// Login is the input of a login: a user name or email address with the password, or an API key
// alone.
type Login struct {
	Username string
	Password string
	// Key is used only if user name and password are both empty.
	Key string
	// RemoteAddr is the address of the client, with or without port. Failures are counted per
	// address, unless it is empty.
	RemoteAddr string
}

// Session is the result of a successful login.
type Session struct {
	// Token is sent with each request. Only its hash is stored.
	Token string
	User  *ent.User
	// ExpiresAt is when the session expires if it is not used before.
	ExpiresAt time.Time
}

// Login opens a session, which expires Options.SessionTTL after its last use. It needs no caller. A
// session opened with a key has the scopes of the key and expires with it.
//
// Missing input is Invalid with the reasons username_required and password_required, reported
// together. Wrong input is Unauthenticated with the reason login_invalid; an unknown user takes as
// long as a wrong password. After Options.FailuresPerMinute failed logins within a minute for the
// name, or ten times as many from the address, every further login is Limited, with right or wrong
// input, until enough of the failures are more than a minute old.
func (s *Service) Login(ctx context.Context, in Login) (*Session, error) {
	ctx = caller.System(ctx)
	if in.Key != "" && in.Username == "" && in.Password == "" {
		return s.loginByKey(ctx, in)
	}
	name := foldName(in.Username)
	var faults apperr.Faults
	if name == "" {
		faults.Add(apperr.InvalidField("username", apperr.ReasonUsernameRequired, "a user name is required"))
	}
	if in.Password == "" {
		faults.Add(apperr.InvalidField("password", apperr.ReasonPasswordRequired, "a password is required"))
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return s.loginByPassword(ctx, name, in)
}

func (s *Service) loginByPassword(ctx context.Context, name string, in Login) (*Session, error) {
	counters := s.counters(name, in.RemoteAddr)
	if err := counters.check(ctx); err != nil {
		return nil, err
	}
	leave, err := s.passwords.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	// Check again while holding the slot. The slot is kept until the failure is counted, so that
	// concurrent guesses can exceed the limit only by the number of slots of all servers.
	if err := counters.check(ctx); err != nil {
		return nil, err
	}
	found, err := s.db.Client(ctx).User.Query().Where(named(name)).Only(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return nil, store.Translate(err)
	}
	hash := s.passwords.dummy
	if found != nil && len(in.Password) <= maxPasswordBytes {
		hash = found.PasswordHash
	}
	match, err := s.passwords.verify(hash, in.Password)
	if err != nil {
		return nil, err
	}
	if !match || found == nil {
		return nil, counters.fail(ctx)
	}
	return s.openVerified(ctx, found, in.Password)
}

// openVerified opens a session for a user whose password was verified. It fails if the password was
// changed after that.
func (s *Service) openVerified(ctx context.Context, found *ent.User, password string) (*Session, error) {
	hash := found.PasswordHash
	if s.passwords.outdated(hash) {
		hash = s.passwords.hash(password)
	}
	var opened *Session
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		// This update also runs if the hash stays the same, because it locks the row. A concurrent
		// change of the password then either comes first and is noticed here, or comes later and
		// deletes the session.
		unchanged, err := s.db.Client(ctx).
			User.Update().
			Where(user.ID(found.ID), user.PasswordHash(found.PasswordHash)).
			SetPasswordHash(hash).
			Save(ctx)
		if err != nil {
			return err
		}
		if unchanged == 0 {
			return errLogin()
		}
		opened, err = s.open(ctx, found, grant{})
		return err
	})
	if err != nil {
		return nil, err
	}
	return opened, nil
}

// loginByKey opens a session with an API key. No password is hashed, and failures are counted per
// address only.
func (s *Service) loginByKey(ctx context.Context, in Login) (*Session, error) {
	counters := s.counters("", in.RemoteAddr)
	if err := counters.check(ctx); err != nil {
		return nil, err
	}
	id, g, err := s.byKey(ctx, in.Key)
	if apperr.CodeOf(err) == apperr.Unauthenticated {
		return nil, counters.fail(ctx)
	}
	if err != nil {
		return nil, err
	}
	found, err := only(s.db.Client(ctx).User.Query().Where(user.ID(id.UserID)).Only(ctx))
	if err != nil {
		return nil, err
	}
	opened, err := s.open(ctx, found, g)
	return opened, store.Translate(err)
}

// open stores a session of the user, bound to the key if there is one.
func (s *Service) open(ctx context.Context, owner *ent.User, key grant) (*Session, error) {
	now := s.now()
	opened := &Session{Token: newSecret(sessionPrefix), User: owner, ExpiresAt: s.sessionEnd(now, key.expires)}
	create := s.db.Client(ctx).Session.Create().
		SetID(secretHash(opened.Token)).
		SetUserID(owner.ID).
		SetExpiresAt(opened.ExpiresAt).
		SetCreatedAt(now)
	if key.id.Valid {
		create.SetAPIKeyID(key.id.Int64)
	}
	return opened, create.Exec(ctx)
}

// Logout ends the session of the token; it needs no caller, because knowing the token is enough. An
// empty token selects the session that the caller in ctx used, if any. Logout also succeeds if the
// session does not exist or has already ended.
func (s *Service) Logout(ctx context.Context, token string) error {
	id := secretHash(token)
	if token == "" {
		from, err := caller.From(ctx)
		if err != nil || from.SessionID == "" {
			return nil
		}
		id = from.SessionID
	}
	ctx = caller.System(ctx)
	if _, err := s.db.Client(ctx).Session.Delete().Where(session.ID(id)).Exec(ctx); err != nil {
		return store.Translate(err)
	}
	s.followers.wake()
	return nil
}

func errLogin() error {
	return &apperr.Error{
		Code: apperr.Unauthenticated, Reason: apperr.ReasonLoginInvalid, Message: "invalid login information",
	}
}
