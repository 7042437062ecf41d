package store

import (
	"context"

	"campaignql/ent"
	"campaignql/internal/caller"
	"campaignql/internal/gate"
)

// defaultAccountHeavy is how many heavy statements run for one account at a time unless configured.
const defaultAccountHeavy = 2

// newHeavy returns the gate of heavy statements for a pool of so many connections: a third of them
// unless configured, so that other statements always find a connection.
func newHeavy(connections int, opts Options) *gate.Gate {
	all, each := opts.MaxHeavy, opts.MaxAccountHeavy
	if all == 0 {
		all = max(1, connections/3)
	}
	if each == 0 {
		each = defaultAccountHeavy
	}
	return gate.New("heavy queries", all, each)
}

// Heavy runs work that may read very many rows, such as counting an audience, for the caller of
// ctx. It waits for a place of the account and of the server; the errors are those of
// [gate.Gate.Do]. Within a transaction, which holds a connection, work runs at once. Only what runs
// statements belongs into work: who waits for a client must not hold a place meanwhile.
func Heavy[T any](ctx context.Context, s *Store, work func(ctx context.Context) (T, error)) (result T, err error) {
	return gated(ctx, s.heavy, work)
}

// textReads is how many reads of long texts run at a time, accountTextReads how many for one account.
const textReads, accountTextReads = 6, 2

// ReadTexts is Heavy for reads of texts of megabytes, which have places of their own: a text that is
// being read is in memory several times, and charged to its answer only once it is there.
func ReadTexts[T any](ctx context.Context, s *Store, read func(ctx context.Context) (T, error)) (T, error) {
	return gated(ctx, s.texts, read)
}

// gated runs work within a place for the caller of ctx.
func gated[T any](ctx context.Context, at *gate.Gate, work func(ctx context.Context) (T, error)) (result T, err error) {
	if _, within := ctx.Value(txKey{}).(*ent.Tx); within {
		return work(ctx)
	}
	account := int64(0) // the server itself
	if id, err := caller.From(ctx); err == nil {
		account = id.UserID
	}
	err = at.Do(ctx, account, func(ctx context.Context) (err error) {
		result, err = work(ctx)
		return err
	})
	return result, err
}

// HeavyIf is Heavy where the work is heavy, and runs it at once otherwise.
func HeavyIf[T any](ctx context.Context, s *Store, heavy bool, work func(ctx context.Context) (T, error)) (T, error) {
	if !heavy {
		return work(ctx)
	}
	return Heavy(ctx, s, work)
}

// HeavyGate is the gate of heavy statements, for metrics and tests.
func (s *Store) HeavyGate() *gate.Gate { return s.heavy }
