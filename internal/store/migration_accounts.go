package store

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"campaignql/internal/people/address"
)

// account is a row of users.
type account struct {
	id            int64
	key, nameKey  string
	newKey        string
	isNamedByMail bool
}

// writeAccountKeys writes the keys with which accounts are found by their addresses. If two accounts
// would have one key, it belongs to the account that has it already, or to the lower id. The other
// one keeps its old key, which nobody else gets then.
//
// All changes are one batch. Few accounts change, and as with suppressions the old keys are freed
// first.
func writeAccountKeys(ctx context.Context, tx *sql.Tx, _, _ string) (string, error) {
	all, err := readAccounts(ctx, tx)
	if err != nil {
		return "", err
	}
	changed := withFreeKeys(all)
	for _, a := range changed {
		if err := a.write(ctx, tx, freedKey+strconv.FormatInt(a.id, 10)); err != nil {
			return "", err
		}
	}
	for _, a := range changed {
		if err := a.write(ctx, tx, a.newKey); err != nil {
			return "", err
		}
	}
	return "", nil
}

// withFreeKeys returns the accounts that get new keys. An account that stays as it is keeps its keys
// from all others, and they may have to stay too because of it, until nobody else has to.
func withFreeKeys(all []account) []account {
	stays := make([]bool, len(all))
	for i, a := range all {
		stays[i] = a.newKey == a.key
	}
	for again := true; again; {
		again = false
		keys, names := map[string]bool{}, map[string]bool{} // those that are taken
		for i, a := range all {
			if stays[i] {
				keys[a.key] = true
			}
			if stays[i] || !a.isNamedByMail {
				names[a.nameKey] = true
			}
		}
		for i, a := range all {
			if stays[i] {
				continue
			}
			if keys[a.newKey] || a.isNamedByMail && names[a.newKey] {
				stays[i], again = true, true
				continue
			}
			keys[a.newKey] = true
			if a.isNamedByMail {
				names[a.newKey] = true
			}
		}
	}
	var changed []account
	for i, a := range all {
		if !stays[i] {
			changed = append(changed, a)
		}
	}
	return changed
}

// readAccounts returns all accounts in the order of their ids. The new key of an address that is
// refused is the old one: such a text is looked up as before.
func readAccounts(ctx context.Context, tx *sql.Tx) (all []account, err error) {
	const query = "SELECT `id`, `email`, `email_key`, `username_key` FROM `users` ORDER BY `id`"
	err = eachRow(ctx, tx, query, nil, func(rows *sql.Rows) error {
		var a account
		var email string
		if err := rows.Scan(&a.id, &email, &a.key, &a.nameKey); err != nil {
			return err
		}
		a.newKey = a.key
		if parsed, err := address.Parse(email); err == nil {
			a.newKey = parsed.Key
		}
		a.isNamedByMail = strings.Contains(a.nameKey, "@") && a.nameKey == a.key
		all = append(all, a)
		return nil
	})
	return all, err
}

// write writes the key, which is also that of the user name if the name is the address.
func (a account) write(ctx context.Context, tx *sql.Tx, key string) error {
	nameKey := a.nameKey
	if a.isNamedByMail {
		nameKey = key
	}
	const update = "UPDATE `users` SET `email_key` = ?, `username_key` = ? WHERE `id` = ?"
	_, err := tx.ExecContext(ctx, update, key, nameKey, a.id)
	return err
}
