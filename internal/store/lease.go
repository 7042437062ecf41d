package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/uuid"
)

const (
	leaseTime    = 30 * time.Second
	leasePoll    = 200 * time.Millisecond
	leaseTimeout = 10 * time.Minute
)

// withLease runs fn while this process alone holds the migration lease of the database. The lease is a row taken by one conditional UPDATE,
// which works on every engine, where named locks are missing (SQLite) or local to one node (Galera). A holder that dies loses it after 30 s.
func withLease(ctx context.Context, db *sql.DB, dialectName string, fn func(context.Context) error) error {
	owner := uuid.NewString()
	if err := createLease(ctx, db, dialectName); err != nil {
		return fmt.Errorf("create the migration lease: %w", err)
	}
	if err := takeLease(ctx, db, owner); err != nil {
		return err
	}
	held, stop := context.WithCancelCause(ctx)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		keepLease(held, stop, db, owner)
	}()
	err := fn(held)
	if cause := context.Cause(held); cause != nil {
		err = errors.Join(err, cause)
	}
	stop(nil)
	<-kept
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, releaseErr := db.ExecContext(release, "UPDATE migration_lease SET owner = '', until = 0 WHERE id = 1 AND owner = ?", owner)
	return errors.Join(err, releaseErr)
}

func createLease(ctx context.Context, db *sql.DB, dialectName string) error {
	if _, err := db.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS migration_lease (id INT NOT NULL PRIMARY KEY, owner VARCHAR(36) NOT NULL, until BIGINT NOT NULL)"); err != nil {
		return err
	}
	insert := "INSERT IGNORE INTO"
	if dialectName == dialect.SQLite {
		insert = "INSERT OR IGNORE INTO"
	}
	_, err := db.ExecContext(ctx, insert+" migration_lease (id, owner, until) VALUES (1, '', 0)")
	return err
}

func takeLease(ctx context.Context, db *sql.DB, owner string) error {
	ctx, cancel := context.WithTimeout(ctx, leaseTimeout)
	defer cancel()
	for {
		now := time.Now()
		result, err := db.ExecContext(ctx, "UPDATE migration_lease SET owner = ?, until = ? WHERE id = 1 AND until < ?", owner, now.Add(leaseTime).UnixMilli(), now.UnixMilli())
		if err == nil {
			if n, err := result.RowsAffected(); err == nil && n == 1 {
				return nil
			}
		} else if !isRetryable(err) {
			return fmt.Errorf("take the migration lease: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another server has been migrating this database for %s: %w", leaseTimeout, ctx.Err())
		case <-time.After(leasePoll):
		}
	}
}

// keepLease renews the lease until ctx ends, and ends it with a cause when the lease was lost.
func keepLease(ctx context.Context, lost context.CancelCauseFunc, db *sql.DB, owner string) {
	tick := time.NewTicker(leaseTime / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		result, err := db.ExecContext(ctx, "UPDATE migration_lease SET until = ? WHERE id = 1 AND owner = ?", time.Now().Add(leaseTime).UnixMilli(), owner)
		if err != nil {
			continue // the next tick comes before the lease ends
		}
		if n, err := result.RowsAffected(); err == nil && n == 0 {
			lost(errors.New("the migration lease was lost to another server"))
			return
		}
	}
}
