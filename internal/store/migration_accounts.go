package store

import (
	"context"
	"database/sql"
	"errors"
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
// one keeps its old key, and is found by its user name.
//
// All changes are one batch. Few accounts change, and as with suppressions the old keys are freed
// first.
func writeAccountKeys(ctx context.Context, tx *sql.Tx, _, _ string) (string, error) {
	changed, err := changedAccounts(ctx, tx)
	if err != nil {
		return "", err
	}
	for _, a := range changed {
		if err := a.write(ctx, tx, freedKey+strconv.FormatInt(a.id, 10)); err != nil {
			return "", err
		}
	}
	for _, a := range changed {
		for _, key := range []string{a.newKey, a.key} {
			var holder int64
			err := tx.QueryRowContext(ctx, "SELECT `id` FROM `users` WHERE `email_key` = ?", key).Scan(&holder)
			if errors.Is(err, sql.ErrNoRows) {
				if err := a.write(ctx, tx, key); err != nil {
					return "", err
				}
				break
			}
			if err != nil {
				return "", err
			}
		}
	}
	return "", nil
}

// changedAccounts returns the accounts whose addresses have other keys now. The key of an address
// that is refused stays: such a text is looked up as before.
func changedAccounts(ctx context.Context, tx *sql.Tx) (changed []account, err error) {
	const query = "SELECT `id`, `email`, `email_key`, `username_key` FROM `users` ORDER BY `id`"
	err = eachRow(ctx, tx, query, nil, func(rows *sql.Rows) error {
		var a account
		var email string
		if err := rows.Scan(&a.id, &email, &a.key, &a.nameKey); err != nil {
			return err
		}
		parsed, err := address.Parse(email)
		if err != nil || parsed.Key == a.key {
			return nil
		}
		a.newKey = parsed.Key
		a.isNamedByMail = strings.Contains(a.nameKey, "@") && a.nameKey == a.key
		changed = append(changed, a)
		return nil
	})
	return changed, err
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
