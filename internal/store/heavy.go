package store

import (
	"context"

	"campaignql/ent"
	"campaignql/internal/caller"
	"campaignql/internal/gate"
)

// defaultAccountHeavy is the default number of heavy statements that run concurrently for one
// account.
const defaultAccountHeavy = 2

// newHeavy returns the gate of heavy statements for a pool with the given number of connections. By
// default it admits a third of that number, so that other statements always find a connection.
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

// Heavy runs work that may read very many rows, such as counting an audience. It waits until the
// limits of the server and of the account of ctx admit the work; its errors are those of
// [gate.Gate.Do]. Inside a transaction, which already holds a connection, work runs immediately.
// work should only run statements: it must not hold its place while it waits for a client.
func Heavy[T any](ctx context.Context, s *Store, work func(ctx context.Context) (T, error)) (result T, err error) {
	return gated(ctx, s.heavy, work)
}

// textReads is how many reads of long texts run concurrently, accountTextReads how many of them for
// one account.
const textReads, accountTextReads = 6, 2

// ReadTexts is Heavy for reads of texts of several megabytes, with limits of its own. During the
// read, several copies of a text are in memory, and the text is charged to the budget of its answer
// only after the read.
func ReadTexts[T any](ctx context.Context, s *Store, read func(ctx context.Context) (T, error)) (T, error) {
	return gated(ctx, s.texts, read)
}

// gated runs work once the gate admits it for the caller of ctx.
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

// HeavyIf is Heavy if heavy is true. Otherwise it runs work immediately.
func HeavyIf[T any](ctx context.Context, s *Store, heavy bool, work func(ctx context.Context) (T, error)) (T, error) {
	if !heavy {
		return work(ctx)
	}
	return Heavy(ctx, s, work)
}

// HeavyGate returns the gate of heavy statements, for metrics and tests.
func (s *Store) HeavyGate() *gate.Gate { return s.heavy }
