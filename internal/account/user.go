package account

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	entsql "entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/apikey"
	"campaignql/ent/predicate"
	"campaignql/ent/session"
	"campaignql/ent/user"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
)

const (
	maxNameCharacters = 100
	// maxUsernameKey is the length of the column for the folded name. A longer folded name is
	// rejected, because cutting it could make two names equal.
	maxUsernameKey = 200
)

type NewUser struct {
	// Username has 1–100 visible characters and is unique, ignoring case. A name that contains an @
	// must be the email address itself, so that a login with an address can never match two
	// accounts.
	Username string
	// Email is one plain address, unique by its key; see address.Parse.
	Email string
	// Password has at least 8 characters and at most 1024 bytes.
	Password string
	// FirstName and LastName have at most 100 characters each and may be empty.
	FirstName, LastName string
	// TimeZone is an IANA name; empty means UTC.
	TimeZone string
	// Role defaults to kind.RoleUser, and Reputation to kind.ReputationTrusted.
	Role       kind.Role
	Reputation kind.Reputation
	// Sender says who sends the campaigns of the account. Default: kind.SenderBuiltIn.
	Sender kind.Sender

	usernameKey, emailKey string
}

// CreateUser creates an account and its first API key, which has all scopes that the role allows,
// including delivery. The key is returned only here and cannot be read again later. The caller must
// be an admin with the scope write, or the server itself.
//
// All faults of the input are reported together, with the reasons username_required,
// username_invalid, username_too_long, username_is_address, username_taken, email_required,
// email_invalid, email_taken, password_too_short, password_too_long, first_name_too_long,
// last_name_too_long, time_zone_unknown, role_unknown, reputation_unknown and sender_unknown. Nothing is written
// unless the whole input is valid.
func (s *Service) CreateUser(ctx context.Context, in NewUser) (*ent.User, string, error) {
	if err := manageAccounts(ctx); err != nil {
		return nil, "", err
	}
	faults := in.normalize()
	if err := s.addTaken(ctx, &in, 0, faults); err != nil {
		return nil, "", err
	}
	if err := faults.Err(); err != nil {
		return nil, "", err
	}
	hash, err := s.hashPassword(ctx, in.Password)
	if err != nil {
		return nil, "", err
	}
	var created *ent.User
	key := newSecret(keyPrefix)
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		var err error
		if created, err = s.insertUser(ctx, &in, hash); err != nil {
			return err
		}
		_, err = s.insertKey(ctx, created.ID, 0, key, NewKey{Scopes: kind.AllScopes(in.Role), Note: "first key"})
		return err
	})
	if store.IsDuplicate(err) {
		// A concurrent call took the name or the address after the check above. The unique index
		// decides.
		taken := new(apperr.Faults)
		if lookErr := s.addTaken(ctx, &in, 0, taken); lookErr != nil {
			return nil, "", lookErr
		}
		if takenErr := taken.Err(); takenErr != nil {
			err = takenErr
		}
	}
	if err != nil {
		return nil, "", store.Translate(err)
	}
	return created, key, nil
}

func (s *Service) insertUser(ctx context.Context, in *NewUser, hash string) (*ent.User, error) {
	now := s.now()
	return s.db.Client(ctx).User.Create().
		SetUsername(in.Username).SetUsernameKey(in.usernameKey).
		SetEmail(in.Email).SetEmailKey(in.emailKey).
		SetPasswordHash(hash).
		SetFirstName(in.FirstName).SetLastName(in.LastName).
		SetTimeZone(in.TimeZone).SetRole(in.Role).SetReputation(in.Reputation).SetSender(in.Sender).
		SetCreatedAt(now).SetUpdatedAt(now).
		Save(ctx)
}

// addTaken adds a fault if an account other than except already has the name, and one if such an
// account already has the address.
func (s *Service) addTaken(ctx context.Context, in *NewUser, except int64, faults *apperr.Faults) error {
	found, err := s.db.Client(ctx).User.Query().
		Where(user.IDNEQ(except), user.Or(user.UsernameKey(in.usernameKey), user.EmailKey(in.emailKey))).
		Select(user.FieldUsernameKey, user.FieldEmailKey).
		All(ctx)
	if err != nil {
		return store.Translate(err)
	}
	for _, u := range found {
		if u.UsernameKey == in.usernameKey {
			faults.Add(apperr.InvalidField("username", apperr.ReasonUsernameTaken, "the user name is taken"))
		}
		if u.EmailKey == in.emailKey {
			faults.Add(apperr.InvalidField(
				"email", apperr.ReasonEmailTaken, "an account with this email address exists already",
			))
		}
	}
	return nil
}

// normalize trims the input, sets defaults, and returns all faults that need no database.
func (in *NewUser) normalize() *apperr.Faults {
	faults := new(apperr.Faults)
	in.Username = strings.TrimSpace(in.Username)
	in.FirstName, in.LastName = strings.TrimSpace(kind.Clean(in.FirstName)), strings.TrimSpace(kind.Clean(in.LastName))
	email, emailErr := address.Parse(in.Email)
	if emailErr == nil {
		in.Email = email.Text
	}
	in.usernameKey, in.emailKey = foldName(in.Username), foldName(in.Email)
	if in.TimeZone == "" {
		in.TimeZone = "UTC"
	}
	if in.Role == "" {
		in.Role = kind.RoleUser
	}
	if in.Reputation == "" {
		in.Reputation = kind.ReputationTrusted
	}
	if in.Sender == "" {
		in.Sender = kind.SenderBuiltIn
	}
	faults.Add(in.checkUsername())
	faults.Add(emailFault(emailErr))
	faults.Add(checkPassword(in.Password))
	if tooLong(in.FirstName, maxNameCharacters, user.FirstNameValidator) {
		faults.Add(apperr.InvalidField(
			"firstName", apperr.ReasonFirstNameTooLong, "the first name must not be longer than %d characters",
			maxNameCharacters,
		))
	}
	if tooLong(in.LastName, maxNameCharacters, user.LastNameValidator) {
		faults.Add(apperr.InvalidField(
			"lastName", apperr.ReasonLastNameTooLong, "the last name must not be longer than %d characters",
			maxNameCharacters,
		))
	}
	if _, err := time.LoadLocation(in.TimeZone); err != nil || in.TimeZone == "Local" {
		faults.Add(apperr.InvalidField(
			"timeZone", apperr.ReasonTimeZoneUnknown, "%q is not a time zone: use a name such as Europe/Berlin",
			kind.Cut(in.TimeZone, maxNameCharacters),
		))
	}
	if user.RoleValidator(in.Role) != nil {
		faults.Add(apperr.InvalidField("role", apperr.ReasonRoleUnknown, "the role must be user or admin"))
	}
	if user.ReputationValidator(in.Reputation) != nil {
		faults.Add(apperr.InvalidField(
			"reputation", apperr.ReasonReputationUnknown, "the reputation must be trusted or untrusted",
		))
	}
	if user.SenderValidator(in.Sender) != nil {
		faults.Add(apperr.InvalidField(
			"sender", apperr.ReasonSenderUnknown, "the sender must be external or built_in",
		))
	}
	return faults
}

func (in *NewUser) checkUsername() error {
	switch {
	case in.Username == "":
		return apperr.InvalidField("username", apperr.ReasonUsernameRequired, "a user name is required")
	case !utf8.ValidString(in.Username),
		strings.ContainsFunc(in.Username, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return apperr.InvalidField(
			"username", apperr.ReasonUsernameInvalid, "the user name must not hold control or invisible characters",
		)
	case tooLong(in.Username, maxNameCharacters, user.UsernameValidator),
		tooLong(in.usernameKey, maxUsernameKey, user.UsernameKeyValidator):
		return apperr.InvalidField(
			"username", apperr.ReasonUsernameTooLong, "the user name must not be longer than %d characters",
			maxNameCharacters,
		)
	case strings.Contains(in.usernameKey, "@") && in.usernameKey != in.emailKey:
		return apperr.InvalidField(
			"username", apperr.ReasonUsernameIsAddress, "a user name with an @ must be the account's own email address",
		)
	}
	return nil
}

// emailFault returns the fault for an error of address.Parse.
func emailFault(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, address.ErrEmpty):
		return apperr.InvalidField("email", apperr.ReasonEmailRequired, "an email address is required")
	}
	return apperr.InvalidField("email", apperr.ReasonEmailInvalid, "the email address %v", err)
}

// tooLong reports whether text has more than limit characters or does not fit into its column.
func tooLong(text string, limit int, column func(string) error) bool {
	return utf8.RuneCountInString(text) > limit || column(text) != nil
}

// foldName returns the key of an address, and folds any other user name. Its length limit is above
// that of any valid name.
func foldName(text string) string {
	if email, err := address.Parse(text); err == nil {
		return email.Key
	}
	return kind.Fold(kind.Clean(text), 2*maxNameCharacters+address.MaxLength)
}

// Viewer returns the calling account, with the given columns, or with all columns if none are given. It
// needs the scope read.
func (s *Service) Viewer(ctx context.Context, columns ...string) (*ent.User, error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	if err != nil {
		return nil, err
	}
	query := s.db.Client(ctx).User.Query().Where(user.ID(id.UserID))
	if len(columns) > 0 {
		query.Select(columns...)
	}
	return only(query.Only(ctx))
}

// UserByName returns the account with the user name or email address, ignoring case. A caller who
// does not see all accounts finds only its own; any other account is NotFound.
func (s *Service) UserByName(ctx context.Context, name string) (*ent.User, error) {
	return only(s.db.Client(ctx).User.Query().Where(named(foldName(name))).Only(ctx))
}

// named selects the account with a folded user name or address. One column is enough, because a
// name with an @ is always the address of its own account.
func named(key string) predicate.User {
	if strings.Contains(key, "@") {
		return user.EmailKey(key)
	}
	return user.UsernameKey(key)
}

func only(found *ent.User, err error) (*ent.User, error) {
	if ent.IsNotFound(err) {
		return nil, apperr.NotFoundf("user")
	}
	return found, store.Translate(err)
}

// PasswordChange is a new password and what happens to the keys of the account.
type PasswordChange struct {
	Password string
	// RevokeKeys revokes all API keys of the account. Otherwise they stay valid: programs use them,
	// and a key does not depend on the password. But a person who knew the old password may have
	// created keys with it.
	RevokeKeys bool
}

// SetPassword changes the password of an account and ends all its sessions in the same transaction.
// It returns the keys that were valid before, newest first; they are revoked or still valid,
// depending on RevokeKeys. The caller must be an admin with the scope write, or the server itself.
// Otherwise a key of the account could become a password login, which can do more than the key.
func (s *Service) SetPassword(ctx context.Context, userID int64, change PasswordChange) ([]*ent.APIKey, error) {
	if err := manageAccounts(ctx); err != nil {
		return nil, err
	}
	if err := checkPassword(change.Password); err != nil {
		return nil, err
	}
	hash, err := s.hashPassword(ctx, change.Password)
	if err != nil {
		return nil, err
	}
	var keys []*ent.APIKey
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		// The update locks the row of the user first. A concurrent login that verified the old
		// password then either waits for this transaction, or its session is deleted below.
		changed, err := s.db.Client(ctx).
			User.Update().
			Where(user.ID(userID)).
			SetPasswordHash(hash).
			SetUpdatedAt(s.now()).
			Save(ctx)
		if err != nil {
			return err
		}
		if changed == 0 {
			return apperr.NotFoundf("user")
		}
		if _, err = s.db.Client(ctx).Session.Delete().Where(session.UserID(userID)).Exec(ctx); err != nil {
			return err
		}
		keys, err = s.endOrKeep(ctx, userID, change.RevokeKeys)
		return err
	})
	if err != nil {
		return nil, err
	}
	s.followers.wake()
	return keys, nil
}

// endOrKeep returns the valid keys of an account, and revokes them if revoke is set.
func (s *Service) endOrKeep(ctx context.Context, userID int64, revoke bool) ([]*ent.APIKey, error) {
	now := s.now()
	keys, err := s.db.Client(ctx).
		APIKey.Query().
		Where(apikey.UserID(userID), keyInForce(now)).
		Order(apikey.ByID(entsql.OrderDesc())).
		All(ctx)
	if err != nil || !revoke {
		return keys, err
	}
	ids := make([]int64, len(keys))
	for i, key := range keys {
		ids[i], key.RevokedAt = key.ID, &now
	}
	return keys, s.endKeys(ctx, userID, ids, now)
}

func (s *Service) hashPassword(ctx context.Context, password string) (string, error) {
	leave, err := s.passwords.enter(ctx)
	if err != nil {
		return "", err
	}
	defer leave()
	return s.passwords.hash(password), nil
}

// manageAccounts returns an error unless the caller may create accounts and set passwords.
func manageAccounts(ctx context.Context) error {
	id, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return err
	}
	if !id.SeesAll() {
		return apperr.New(apperr.Denied, "only an admin may manage accounts")
	}
	return nil
}
