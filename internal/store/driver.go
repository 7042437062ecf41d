package store

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"
)

// driver sends reads to one pool and writes to another, so that a SQLite file has one writer and
// many readers. For MySQL both pools are the same. driver also records every statement in the
// recorder of the context.
//
// A write outside a transaction is a transaction of its own. If the database aborts it, it is
// retried as in Tx.
type driver struct {
	write *entsql.Driver
	read  entsql.Conn
	// readers is the same pool as read, for transactions.
	readers *entsql.Driver
	// writers bounds how many connections writes hold.
	writers *writers
	watch   *watch
}

// watch observes every statement after it has run: it logs slow statements and remembers refused
// writes.
type watch struct {
	refused refusal
	slow    slow
}

// done observes a statement that began at the given time and ended with err. It returns err.
func (w *watch) done(ctx context.Context, query string, began time.Time, err error) error {
	w.slow.note(ctx, query, began)
	return w.refused.note(err)
}

func (d *driver) Dialect() string { return d.write.Dialect() }

func (d *driver) Exec(ctx context.Context, query string, args, v any) error {
	record(ctx, query, args)
	return again(ctx, func(ctx context.Context) error {
		leave, err := d.writers.enter(ctx)
		if err != nil {
			return err
		}
		defer leave()
		began := time.Now()
		return d.watch.done(ctx, query, began, d.write.Exec(ctx, query, args, v))
	})
}

func (d *driver) Query(ctx context.Context, query string, args, v any) error {
	record(ctx, query, args)
	began, pool := time.Now(), d.read.Query
	if !reads(query) {
		pool = d.write.Query
	}
	err := d.watch.done(ctx, query, began, pool(ctx, query, args, v))
	if err == nil {
		chargeRows(ctx, v)
	}
	return err
}

// ExecContext and QueryContext run the raw statements of Ent.
func (d *driver) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	record(ctx, query, args)
	var result sql.Result
	err := again(ctx, func(ctx context.Context) error {
		leave, err := d.writers.enter(ctx)
		if err != nil {
			return err
		}
		defer leave()
		began := time.Now()
		result, err = d.write.ExecContext(ctx, query, args...)
		return d.watch.done(ctx, query, began, err)
	})
	return result, err
}

func (d *driver) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	record(ctx, query, args)
	began := time.Now()
	pool := d.read.ExecQuerier
	if !reads(query) {
		pool = d.write.ExecQuerier
	}
	rows, err := pool.QueryContext(ctx, query, args...)
	return rows, d.watch.done(ctx, query, began, err)
}

func (d *driver) Tx(ctx context.Context) (dialect.Tx, error) { return d.BeginTx(ctx, nil) }

func (d *driver) BeginTx(ctx context.Context, opts *sql.TxOptions) (dialect.Tx, error) {
	if opts != nil && opts.ReadOnly {
		t, err := d.readers.BeginTx(ctx, opts)
		if err != nil {
			return nil, err
		}
		return &tx{Tx: t, leave: func() {}, watch: d.watch}, nil
	}
	leave, err := d.writers.enter(ctx)
	if err != nil {
		return nil, err
	}
	t, err := d.write.BeginTx(ctx, opts)
	if err != nil {
		leave()
		return nil, err
	}
	return &tx{Tx: t, leave: leave, watch: d.watch}, nil
}

func (d *driver) Close() error { return nil }

// tx is a running transaction. leave releases its place among the writers.
type tx struct {
	dialect.Tx
	leave func()
	watch *watch
}

func (t *tx) Commit() error {
	defer t.leave()
	return t.watch.refused.note(t.Tx.Commit())
}

func (t *tx) Rollback() error {
	defer t.leave()
	return t.Tx.Rollback()
}

func (t *tx) Exec(ctx context.Context, query string, args, v any) error {
	record(ctx, query, args)
	began := time.Now()
	return t.watch.done(ctx, query, began, t.Tx.Exec(ctx, query, args, v))
}

func (t *tx) Query(ctx context.Context, query string, args, v any) error {
	record(ctx, query, args)
	began := time.Now()
	err := t.watch.done(ctx, query, began, t.Tx.Query(ctx, query, args, v))
	if err == nil {
		chargeRows(ctx, v)
	}
	return err
}

func (t *tx) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	record(ctx, query, args)
	began := time.Now()
	result, err := t.Tx.(interface {
		ExecContext(context.Context, string, ...any) (sql.Result, error)
	}).ExecContext(ctx, query, args...)
	return result, t.watch.done(ctx, query, began, err)
}

func (t *tx) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	record(ctx, query, args)
	began := time.Now()
	rows, err := t.Tx.(interface {
		QueryContext(context.Context, string, ...any) (*sql.Rows, error)
	}).QueryContext(ctx, query, args...)
	return rows, t.watch.done(ctx, query, began, err)
}

// Statement is one SQL statement that ran.
type Statement struct {
	Query string
	Args  []any
}

// Recorder records the statements that run under its context. The cost report of development mode
// and the tests of statement counts use it.
type Recorder struct {
	mu         sync.Mutex
	statements []Statement
}

type recorderKey struct{}

// WithRecorder returns a context whose statements are recorded by r.
func WithRecorder(ctx context.Context, r *Recorder) context.Context {
	return context.WithValue(ctx, recorderKey{}, r)
}

// Statements returns the statements that ran so far, in order.
func (r *Recorder) Statements() []Statement {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Statement(nil), r.statements...)
}

func record(ctx context.Context, query string, args any) {
	r, _ := ctx.Value(recorderKey{}).(*Recorder)
	if r == nil {
		return
	}
	list, _ := args.([]any)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.statements = append(r.statements, Statement{Query: query, Args: list})
}
