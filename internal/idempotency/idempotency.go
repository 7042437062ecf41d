// Package idempotency owns the idempotency keys of creating calls: if a call is repeated with the
// same key within a day, it creates nothing and returns the first result again. The package must
// not know what is created.
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
	// Window is the lifetime of a key.
	Window = 24 * time.Hour
	// MaxKey is the maximum length of a key, in characters.
	MaxKey = 200
)

// Do runs create in a transaction and returns the id of the created object. If key is nil, it does
// nothing else.
//
// With a key, the first call stores the id in the same transaction, under the caller's account, the
// operation and the key. A second call within Window whose input has the same JSON does not run
// create: it returns the first id, with replayed true, even if the object has been deleted since.
// With another input it returns Invalid on the field idempotencyKey, reason
// "idempotency_key_reused". A failed create stores nothing. Of concurrent calls exactly one
// creates; the others wait for it and replay.
//
// create may run more than once, as in store.Tx, and must write through the context that it gets.
// The caller needs the scope write.
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

// Purge deletes keys older than Window, at most limit of them, and returns their number. It is for
// the server itself, whose context sees every account. It only limits the size of the table.
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

// once inserts the row of the key before it creates the object, so that a concurrent call waits at
// the primary key and does not create a second object.
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
		return 0, false, store.ErrStale // the transaction runs again and finds the row of the other call
	}
	if err != nil {
		return 0, false, err
	}
	if id, err = create(ctx); err != nil {
		return 0, false, err
	}
	return id, false, keys.UpdateOneID(c.rowID).SetResultID(id).Exec(ctx)
}

// fingerprint returns the hash of the input as JSON. encoding/json writes fields in the order of
// their declaration and sorts the keys of maps, so equal inputs give equal texts.
func fingerprint(input any) (string, error) {
	text, err := json.Marshal(input)
	if err != nil {
		return "", fmt.Errorf("idempotency: fingerprint of %T: %w", input, err)
	}
	return hash(string(text)), nil
}

// hash hashes the parts together with their lengths, so that different lists of parts give
// different inputs.
func hash(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))
}
