package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
)

const (
	defaultLeaseTime = 30 * time.Second
	leasePoll        = 200 * time.Millisecond
	leaseTimeout     = 10 * time.Minute
)

// errLeaseLost is the cancel cause of a migration's context if another server may now migrate.
var errLeaseLost = errors.New("the migration lease was lost")

// lease is the exclusive right to migrate a MySQL database. It is a row that a conditional UPDATE
// takes. Named locks would not work, because on Galera they are local to one node. If the holder
// dies, the lease expires after span.
type lease struct {
	db    *sql.DB
	owner string
	span  time.Duration
}

// withLease runs fn while this process holds the migration lease of the database exclusively. The
// context of fn ends when ctx ends. It ends with errLeaseLost if another server takes the lease, or
// if the lease cannot be renewed before it expires. The lease is renewed until fn returns.
func withLease(ctx context.Context, db *sql.DB, span time.Duration, fn func(context.Context) error) error {
	l := lease{db: db, owner: uuid.NewString(), span: span}
	if err := l.create(ctx); err != nil {
		return fmt.Errorf("create the migration lease: %w", err)
	}
	until, err := l.take(ctx)
	if err != nil {
		return err
	}
	held, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	renewing, stop := context.WithCancel(context.WithoutCancel(ctx))
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		keepLease(renewing, span, until, l.renew, lose)
	}()
	err = fn(held)
	stop()
	<-stopped
	return errors.Join(err, l.release(ctx))
}

func (l lease) create(ctx context.Context) error {
	if err := createLeaseTable(ctx, l.db); err != nil {
		return err
	}
	_, err := l.db.ExecContext(ctx, "INSERT IGNORE INTO migration_lease (id, owner, until) VALUES (1, '', 0)")
	return err
}

// createLeaseTable creates the lease table. SQLite needs no lease, but Ready writes to the table.
func createLeaseTable(ctx context.Context, db querier) error {
	_, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS migration_lease "+
		"(id INT NOT NULL PRIMARY KEY, owner VARCHAR(36) NOT NULL, until BIGINT NOT NULL)")
	return err
}

// take waits until the lease is free, takes it, and returns the time at which it expires.
func (l lease) take(ctx context.Context) (time.Time, error) {
	waiting, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	for {
		now := time.Now()
		until := now.Add(l.span)
		const take = "UPDATE migration_lease SET owner = ?, until = ? WHERE id = 1 AND until < ?"
		taken, err := changed(l.db.ExecContext(waiting, take, l.owner, until.UnixMilli(), now.UnixMilli()))
		switch {
		case ctx.Err() != nil:
			return until, fmt.Errorf("stopped while another server migrates: %w", context.Cause(ctx))
		case waiting.Err() != nil:
			return until, fmt.Errorf("another server has been migrating this database for %s", leaseTimeout)
		case taken:
			return until, nil
		case err != nil && !isRetryable(err):
			return until, fmt.Errorf("take the migration lease: %w", err)
		}
		select {
		case <-waiting.Done():
		case <-time.After(leasePoll):
		}
	}
}

// renew extends the lease to until. It returns false if another server has taken the lease.
func (l lease) renew(ctx context.Context, until time.Time) (bool, error) {
	const renew = "UPDATE migration_lease SET until = ? WHERE id = 1 AND owner = ?"
	return changed(l.db.ExecContext(ctx, renew, until.UnixMilli(), l.owner))
}

func (l lease) release(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	const release = "UPDATE migration_lease SET owner = '', until = 0 WHERE id = 1 AND owner = ?"
	_, err := l.db.ExecContext(ctx, release, l.owner)
	return err
}

func changed(result sql.Result, err error) (bool, error) {
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// keepLease renews a lease that expires at until, every third of its span, until ctx ends. It calls
// lose if another server has the lease. It also calls lose if renewals have failed until a sixth of
// the span is left, because the running statements must end before the lease expires.
func keepLease(ctx context.Context, span time.Duration, until time.Time,
	renew func(context.Context, time.Time) (bool, error), lose context.CancelCauseFunc) {
	wait := span / 3
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		last := until.Add(-span / 6)
		attempt, cancel := context.WithDeadline(ctx, last)
		next := time.Now().Add(span)
		held, err := renew(attempt, next)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && !held:
			lose(fmt.Errorf("%w to another server", errLeaseLost))
			return
		case err == nil:
			until, wait = next, span/3
		default:
			wait = span / 30
			if time.Now().Add(wait).After(last) {
				lose(fmt.Errorf("%w: it could not be renewed: %w", errLeaseLost, err))
				return
			}
		}
	}
}
