package store

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"campaignql/internal/kind"
	"campaignql/internal/people/address"
)

// freedKey begins the key of a suppression that waits for its new one. No key of an address begins
// with it, because blanks at the ends are removed.
const freedKey = "\n"

// freeSuppressionKeys gives a temporary key to the suppressions of a batch whose key changes. So the
// new key of one may be the old key of another: after this step, a key is held by the suppression
// that keeps it, or by nobody.
func freeSuppressionKeys(rows int) dataStep {
	return portionsOfSuppressions(rows, func(ctx context.Context, tx *sql.Tx, s suppression) error {
		if s.key == address.Key(s.email) {
			return nil
		}
		return setSuppressionKey(ctx, tx, s.id, freedKey+strconv.FormatInt(s.id, 10))
	})
}

// writeSuppressionKeys writes the new keys in place of the temporary ones. Of two suppressions of
// one address the older stays, with the stronger reason.
func writeSuppressionKeys(rows int) dataStep {
	return portionsOfSuppressions(rows, func(ctx context.Context, tx *sql.Tx, s suppression) error {
		if !strings.HasPrefix(s.key, freedKey) {
			return nil
		}
		key := address.Key(s.email)
		const query = "SELECT `id`, `reason`, `created_at` FROM `suppressions` WHERE `user_id` = ? AND `email_key` = ?"
		other := suppression{userID: s.userID, key: key}
		err := tx.QueryRowContext(ctx, query, s.userID, key).Scan(&other.id, &other.reason, &other.createdAt)
		if errors.Is(err, sql.ErrNoRows) {
			return setSuppressionKey(ctx, tx, s.id, key)
		}
		if err != nil {
			return err
		}
		stay, gone := other, s
		if s.olderThan(other) {
			stay, gone = s, other
		}
		if strength(gone.reason) > strength(stay.reason) {
			stay.reason = gone.reason
		}
		if _, err := tx.ExecContext(ctx, "DELETE FROM `suppressions` WHERE `id` = ?", gone.id); err != nil {
			return err
		}
		const update = "UPDATE `suppressions` SET `email_key` = ?, `reason` = ? WHERE `id` = ?"
		_, err = tx.ExecContext(ctx, update, key, stay.reason, stay.id)
		return err
	})
}

// suppression is a row of suppressions.
type suppression struct {
	id, userID int64
	email, key string
	reason     kind.SuppressionReason
	createdAt  time.Time
}

func (s suppression) olderThan(other suppression) bool {
	if s.createdAt.Equal(other.createdAt) {
		return s.id < other.id
	}
	return s.createdAt.Before(other.createdAt)
}

// strength orders reasons: a complaint says more than a bounce, and a bounce more than a person.
func strength(r kind.SuppressionReason) int {
	return slices.Index([]kind.SuppressionReason{kind.SuppressedByBounce, kind.SuppressedByComplaint}, r)
}

func portionsOfSuppressions(
	rows int, change func(ctx context.Context, tx *sql.Tx, s suppression) error,
) dataStep {
	return portionsByID("suppressions", "id", rows,
		func(ctx context.Context, tx *sql.Tx, _ string, part idRange) error {
			const query = "SELECT `id`, `user_id`, `email`, `email_key`, `reason`, `created_at` FROM `suppressions` " +
				"WHERE `id` > ? AND `id` <= ? ORDER BY `id`"
			var read []suppression
			err := eachRow(ctx, tx, query, []any{part.from, part.to}, func(rows *sql.Rows) error {
				var s suppression
				err := rows.Scan(&s.id, &s.userID, &s.email, &s.key, &s.reason, &s.createdAt)
				read = append(read, s)
				return err
			})
			for _, s := range read {
				if err == nil {
					err = change(ctx, tx, s)
				}
			}
			return err
		})
}

func setSuppressionKey(ctx context.Context, tx *sql.Tx, id int64, key string) error {
	_, err := tx.ExecContext(ctx, "UPDATE `suppressions` SET `email_key` = ? WHERE `id` = ?", key, id)
	return err
}
