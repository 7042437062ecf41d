// Package demo owns the demo data of `campaignql serve --demo`: the account of a shop's marketing
// team with lists, emails, 200 campaigns in every status, and the events of all sent mails. The
// data is generated in memory. It is always the same, except for the dates, which are relative to
// the current time, and for seasonal content. A campaign with a given id has the same status and
// schedule on every day. The counters, hours and links of each campaign are summed from its events,
// so that a recount finds no difference.
//
// The account domain creates accounts and keys. All other rows are inserted in bulk with Ent,
// because the services act at the current time and cannot create two years of history. Only the
// serve command may depend on this package.
package demo

import (
	"context"
	"crypto/rand"
	"slices"
	"time"

	"campaignql/ent"
	"campaignql/ent/apikey"
	"campaignql/ent/user"
	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// The demo account is recognized by both values: a real account may be called demo, but no real
// person receives mail at example.com.
const (
	username = "demo"
	address  = "demo@example.com"
	zoneName = "Europe/Berlin"
)

// keyNote marks the keys that Ensure creates and later replaces.
const keyNote = "demo"

// Services are the domain services that Ensure uses.
type Services struct {
	Accounts *account.Service
}

// Account holds the credentials of the demo account.
type Account struct {
	ID       int64
	Username string
	// Password is random. It is only known to the call that created the account, and empty
	// otherwise.
	Password string
	// APIKey has every scope of a user, including delivery.
	APIKey string
	// Created reports whether this call created the account and its data.
	Created bool

	identity caller.Identity
}

// attempts is how often Ensure tries to create the account. An attempt that waits for another server
// ends after about half a minute.
const attempts = 5

// Ensure returns credentials for the demo account of the database. If the account does not exist,
// Ensure creates it with all its data around now. Keys are stored as hashes, so an existing account
// gets a new key. The keys of earlier calls (note "demo") are revoked; other keys are unchanged.
// Everything runs in one transaction, with a number of statements that does not depend on other
// data in the database. If the user name or the address belongs to another account, Ensure returns
// a Conflict and writes nothing.
func Ensure(ctx context.Context, db *store.Store, services Services, now time.Time) (Account, error) {
	ctx = caller.System(ctx)
	var failed error
	for attempt := 0; ; attempt++ {
		found, err := find(ctx, db)
		if err != nil {
			return Account{}, err
		}
		if found != nil {
			return renew(ctx, db, services.Accounts, found)
		}
		if failed != nil && (apperr.CodeOf(failed) != apperr.Unavailable || attempt == attempts) {
			return Account{}, failed
		}
		// If this fails, another server may have created the account meanwhile. If that one is still at
		// it, creating has waited for its locks, and gave up.
		var made Account
		if made, failed = create(ctx, db, services.Accounts, store.Truncate(now)); failed == nil {
			return made, nil
		}
	}
}

// find returns the demo account, or nil if it does not exist.
func find(ctx context.Context, db *store.Store) (*ent.User, error) {
	found, err := db.Client(ctx).
		User.Query().
		Where(user.Or(user.UsernameKey(username), user.EmailKey(address))).
		All(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	if u := found[0]; len(found) == 1 && u.UsernameKey == username && u.EmailKey == address && u.Role == kind.RoleUser {
		return u, nil
	}
	return nil, apperr.New(
		apperr.Conflict, "there is an account %q or <%s> already, which is not the demo's: use another database",
		username, address,
	)
}

func create(ctx context.Context, db *store.Store, accounts *account.Service, now time.Time) (Account, error) {
	data, err := newWorld(now)
	if err != nil {
		return Account{}, err
	}
	made := Account{Username: username, Password: rand.Text(), Created: true}
	err = db.Tx(ctx, func(ctx context.Context) error {
		u, key, err := accounts.CreateUser(ctx, account.NewUser{
			Username:  username,
			Email:     address,
			Password:  made.Password,
			FirstName: "Dana",
			LastName:  "Möller",
			TimeZone:  zoneName,
			Sender:    kind.SenderBuiltIn,
		})
		if err != nil {
			return err
		}
		made.ID, made.APIKey, made.identity = u.ID, key, account.OnBehalf(u)
		client := db.Client(ctx)
		if err := client.APIKey.Update().Where(apikey.UserID(u.ID)).SetNote(keyNote).Exec(ctx); err != nil {
			return err
		}
		if err := client.User.Update().Where(user.ID(u.ID)).SetCreatedAt(data.opened).Exec(ctx); err != nil {
			return err
		}
		w := writer{client: client, owner: u.ID, world: data}
		return w.write(caller.With(ctx, account.OnBehalf(u)))
	})
	if err != nil {
		return Account{}, err
	}
	return made, nil
}

func renew(ctx context.Context, db *store.Store, accounts *account.Service, u *ent.User) (Account, error) {
	entry := Account{ID: u.ID, Username: u.Username, identity: account.OnBehalf(u)}
	err := db.Tx(caller.With(ctx, account.OnBehalf(u)), func(ctx context.Context) error {
		keys, err := accounts.Keys(ctx)
		if err != nil {
			return err
		}
		former := slices.DeleteFunc(keys, func(k *ent.APIKey) bool { return k.Note != keyNote || k.RevokedAt != nil })
		for _, k := range former {
			if _, err := accounts.RevokeKey(ctx, k.ID, account.KeepDescendants); err != nil {
				return err
			}
		}
		_, entry.APIKey, err = accounts.CreateKey(ctx, account.NewKey{Scopes: kind.AllScopes(u.Role), Note: keyNote})
		return err
	})
	if err != nil {
		return Account{}, err
	}
	return entry, nil
}
