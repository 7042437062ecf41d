// Package idempotency owns the promise that a creating call, repeated with the same key within a
// day, creates nothing and answers the first result again. It knows nothing of what is created.
package idempotency

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"campaignql/ent"
	"campaignql/ent/idempotencykey"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

const (
	// Window is how long a key is remembered.
	Window = 24 * time.Hour
	// MaxKey is the largest number of characters of a key.
	MaxKey = 200
)

// Do runs create in a transaction and returns the id it made. A nil key asks for no more than that.
//
// With a key the first call remembers the id in the same transaction, under the caller's account,
// the operation and the key. A second call within Window whose input has the same JSON does not run
// create: it returns the first id, with replayed true, even if the object has been deleted since.
// With another input it is Invalid on the field idempotencyKey, reason "idempotency_key_reused". A
// failed create remembers nothing. Of calls at the same time exactly one creates; the others wait
// for it and replay.
//
// create may run more than once, as in store.Tx, and must do its writes through the context it is
// given. The caller needs the scope write.
func Do(
	ctx context.Context, db *store.Store, now time.Time, operation string, key *string, input any,
	create func(ctx context.Context) (int64, error),
) (id int64, replayed bool, err error) {
	who, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return 0, false, err
	}
	if key == nil {
		err := db.Tx(ctx, func(ctx context.Context) error {
			id, err = create(ctx)
			return err
		})
		return id, false, err
	}
	if n := utf8.RuneCountInString(*key); n == 0 || n > MaxKey {
		return 0, false, apperr.InvalidField(
			"idempotencyKey", apperr.ReasonIdempotencyKeyLength, "must have 1 to %d characters", MaxKey,
		)
	}
	print, err := fingerprint(input)
	if err != nil {
		return 0, false, apperr.Wrap(apperr.Internal, err, "internal error")
	}
	call := call{
		db:          db,
		rowID:       hash(strconv.FormatInt(who.UserID, 10), operation, *key),
		operation:   operation,
		fingerprint: print,
		now:         store.Truncate(now),
	}
	err = db.Tx(ctx, func(ctx context.Context) error {
		id, replayed, err = call.once(ctx, create)
		return err
	})
	return id, replayed, err
}

// Purge forgets the keys that are older than Window, at most limit of them, and returns how many;
// it is for the server itself, whose context sees every account. Nothing depends on it but the size
// of the table.
func Purge(ctx context.Context, db *store.Store, now time.Time, limit int) (int, error) {
	client := db.Client(ctx)
	ids, err := client.IdempotencyKey.Query().
		Where(idempotencykey.CreatedAtLTE(store.Truncate(now).Add(-Window))).
		Limit(limit).
		IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, store.Translate(err)
	}
	n, err := client.IdempotencyKey.Delete().
		Where(idempotencykey.IDIn(ids...), idempotencykey.CreatedAtLTE(store.Truncate(now).Add(-Window))).
		Exec(ctx)
	return n, store.Translate(err)
}

// call is one call with a key.
type call struct {
	db          *store.Store
	rowID       string
	operation   string
	fingerprint string
	now         time.Time
}

// once takes the row of the key before it creates, so that a concurrent call stands still at the
// primary key instead of creating a second object.
func (c call) once(
	ctx context.Context, create func(ctx context.Context) (int64, error),
) (id int64, replayed bool, err error) {
	keys := c.db.Client(ctx).IdempotencyKey
	row, err := keys.Get(ctx, c.rowID)
	switch {
	case ent.IsNotFound(err):
	case err != nil:
		return 0, false, err
	case !row.CreatedAt.After(c.now.Add(-Window)):
		n, err := keys.Delete().Where(idempotencykey.ID(c.rowID), idempotencykey.CreatedAt(row.CreatedAt)).Exec(ctx)
		if err != nil {
			return 0, false, err
		}
		if n == 0 {
			return 0, false, store.ErrStale // another call replaced it first
		}
	case row.Fingerprint != c.fingerprint:
		return 0, false, apperr.InvalidField(
			"idempotencyKey", apperr.ReasonIdempotencyKeyReused, "was used with another input less than a day ago",
		)
	default:
		return row.ResultID, true, nil
	}
	err = keys.Create().
		SetID(c.rowID).
		SetOperation(c.operation).
		SetFingerprint(c.fingerprint).
		SetResultID(0).
		SetCreatedAt(c.now).
		Exec(ctx)
	if store.IsDuplicate(err) {
		return 0, false, store.ErrStale // run again, and find the row of the call that won
	}
	if err != nil {
		return 0, false, err
	}
	if id, err = create(ctx); err != nil {
		return 0, false, err
	}
	return id, false, keys.UpdateOneID(c.rowID).SetResultID(id).Exec(ctx)
}

// fingerprint is the hash of the input as JSON: encoding/json writes fields in the order of their
// declaration and sorts the keys of maps, so equal inputs are equal texts.
func fingerprint(input any) (string, error) {
	text, err := json.Marshal(input)
	if err != nil {
		return "", fmt.Errorf("idempotency: fingerprint of %T: %w", input, err)
	}
	return hash(string(text)), nil
}

// hash joins the parts with their lengths, so that no two lists of parts are alike.
func hash(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}
