package store

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"
	"github.com/sethvargo/go-retry"

	"campaignql/ent"
	"campaignql/internal/budget"
)

// ErrStale is returned by the function of a transaction that read something which changed before it
// wrote. Tx then runs it again from the start, on fresh rows: somebody else made progress, so the
// whole never stands still.
var ErrStale = errors.New("store: the row changed meanwhile")

type txKey struct{}

// Client returns the client to use under ctx: that of the running transaction, if there is one.
// Every statement made with it is confined to the caller of its context.
func (s *Store) Client(ctx context.Context) *ent.Client {
	if tx, ok := ctx.Value(txKey{}).(*ent.Tx); ok {
		return tx.Client()
	}
	return s.client
}

// Tx runs fn in a transaction that commits when fn returns nil. Within fn only Client(ctx) may be
// used, with the context fn is given. A transaction that the database broke off (deadlock, conflict
// at commit on a distributed engine, a busy SQLite file) or that returned ErrStale runs again, so
// fn must have no effect outside the database. A Tx inside a Tx joins it.
func (s *Store) Tx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.tx(ctx, nil, fn)
}

// TxLatest is Tx in which each statement sees what was committed before it, and not before the
// transaction: what is read after rows were locked is what their last holder left. MySQL then takes
// no locks on gaps either. SQLite runs one such transaction at a time, which comes to the same.
func (s *Store) TxLatest(ctx context.Context, fn func(ctx context.Context) error) error {
	if s.dialect != dialect.MySQL {
		return s.tx(ctx, nil, fn)
	}
	return s.tx(ctx, &stdsql.TxOptions{Isolation: stdsql.LevelReadCommitted}, fn)
}

// Snapshot runs fn in a transaction that only reads: all of it sees what was committed when its
// first statement ran, and nobody waits for it, however long it takes. Writing is an error. It runs
// again as Tx does. A Snapshot inside a Tx joins it.
func (s *Store) Snapshot(ctx context.Context, fn func(ctx context.Context) error) error {
	opts := &stdsql.TxOptions{ReadOnly: true}
	if s.dialect == dialect.MySQL {
		opts.Isolation = stdsql.LevelRepeatableRead
	}
	return s.tx(ctx, opts, fn)
}

func (s *Store) tx(ctx context.Context, opts *stdsql.TxOptions, fn func(ctx context.Context) error) error {
	if _, joined := ctx.Value(txKey{}).(*ent.Tx); joined {
		return fn(ctx)
	}
	return Translate(again(ctx, func(ctx context.Context) error { return s.attempt(ctx, opts, fn) }))
}

// again calls do until it did not return ErrStale or what the database broke off, for up to 20 seconds.
func again(ctx context.Context, do func(ctx context.Context) error) error {
	backoff := retry.WithMaxDuration(
		20*time.Second,
		retry.WithCappedDuration(
			100*time.Millisecond, retry.WithJitterPercent(50, retry.NewExponential(2*time.Millisecond)),
		),
	)
	held := budget.From(ctx)
	before := held.Used()
	return retry.Do(ctx, backoff, func(ctx context.Context) error {
		err := do(ctx)
		if errors.Is(err, ErrStale) || isRetryable(err) {
			held.Discard(before)
			return retry.RetryableError(err)
		}
		return err
	})
}

func (s *Store) attempt(ctx context.Context, opts *stdsql.TxOptions, fn func(ctx context.Context) error) (err error) {
	tx, err := s.client.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	done := false
	defer func() {
		if !done {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	if err := fn(context.WithValue(ctx, txKey{}, tx)); err != nil {
		done = true
		if rollbackErr := tx.Rollback(); rollbackErr != nil && !errors.Is(err, context.Canceled) {
			return errors.Join(err, fmt.Errorf("roll back: %w", rollbackErr))
		}
		return err
	}
	done = true
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Lock is a modifier for a query of a transaction: the rows it reads are held until the end, so
// that what refers to them is written or removed whole. SQLite needs none: its transactions run one
// at a time.
func Lock(s *sql.Selector) {
	if s.Dialect() == dialect.MySQL {
		s.ForUpdate()
	}
}
