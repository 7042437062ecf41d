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

// ErrStale is returned by the function of a transaction if a row that it read was changed by
// another transaction before it wrote. Tx then runs the function again from the start, on fresh
// rows. Each such retry means that another transaction made progress, so there is no livelock.
var ErrStale = errors.New("store: the row changed meanwhile")

type txKey struct{}

// Client returns the client to use under ctx: the client of the running transaction if there is
// one, otherwise the client of the store. Every statement of the client is confined to the caller
// of its context.
func (s *Store) Client(ctx context.Context) *ent.Client {
	if tx, ok := ctx.Value(txKey{}).(*ent.Tx); ok {
		return tx.Client()
	}
	return s.client
}

// Tx runs fn in a transaction, which commits if fn returns nil. Inside fn, use only Client(ctx),
// with the context that fn receives. Tx retries the transaction, for up to 20 seconds, if fn
// returned ErrStale or the database aborted it (deadlock, conflict at commit on a distributed
// engine, busy SQLite file). So fn must have no effect outside the database. A Tx inside a Tx joins
// the outer transaction.
func (s *Store) Tx(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.tx(ctx, nil, fn)
}

// TxLatest is Tx with the isolation level READ COMMITTED: each statement sees all rows that were
// committed before the statement, not only those committed before the transaction. After fn has
// locked rows, it reads what their previous holder committed. MySQL then takes no gap locks either.
// SQLite runs one such transaction after the other, which has the same effect.
func (s *Store) TxLatest(ctx context.Context, fn func(ctx context.Context) error) error {
	if s.dialect != dialect.MySQL {
		return s.tx(ctx, nil, fn)
	}
	return s.tx(ctx, &stdsql.TxOptions{Isolation: stdsql.LevelReadCommitted}, fn)
}

// Snapshot runs fn in a read-only transaction. All its statements see what was committed when the
// first statement ran. It takes no locks that others wait for, however long it runs. A write is an
// error. Snapshot retries as Tx does. A Snapshot inside a Tx joins the outer transaction.
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

// again retries do while it returns ErrStale or an error for which the database aborted the
// transaction, for up to 20 seconds.
func again(ctx context.Context, do func(ctx context.Context) error) error {
	backoff := retry.WithJitterPercent(50, retry.NewExponential(2*time.Millisecond))
	backoff = retry.WithMaxDuration(20*time.Second, retry.WithCappedDuration(100*time.Millisecond, backoff))
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

// Lock is a modifier for a query in a transaction. It locks the rows that the query reads until the
// transaction ends, so that these rows and the rows that refer to them are written or deleted
// together. On SQLite it is a no-op, because write transactions run one after the other.
func Lock(s *sql.Selector) {
	if s.Dialect() == dialect.MySQL {
		s.ForUpdate()
	}
}

// Share returns the end of a SELECT that locks like the function Share. A subquery needs its own.
func (r Raw) Share() string {
	if r.lite {
		return ""
	}
	return " LOCK IN SHARE MODE"
}

// Share is Lock with a shared lock: other transactions may share the rows, and none may change or
// delete them.
func Share(s *sql.Selector) {
	if s.Dialect() == dialect.MySQL {
		s.ForShare(sql.WithLockClause("LOCK IN SHARE MODE")) // MariaDB does not know FOR SHARE
	}
}
