package store

import (
	"context"
	sqldriver "database/sql/driver"
	"errors"
	"sync/atomic"
	"time"

	"entgo.io/ent/dialect"

	"campaignql/internal/apperr"
)

// Ping returns an error unless the database answers on every pool of statements. It waits while a
// pool has no free connection.
func (s *Store) Ping(ctx context.Context) error {
	for _, db := range s.dbs {
		if err := db.PingContext(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Ready returns an Unavailable error, which says what is wrong, unless the database answers, lacks
// no migration and accepts writes. It uses its own connection, so that a server with a fully used
// pool stays ready. It writes nothing unless a write was refused before; then each call tries to
// write one row until this succeeds.
func (s *Store) Ready(ctx context.Context) error {
	if err := s.health.PingContext(ctx); err != nil {
		return apperr.Wrap(apperr.Unavailable, err, "the database cannot be reached")
	}
	latest, err := s.latest()
	if err != nil {
		return err
	}
	var version int64
	row := s.health.QueryRowContext(ctx, "SELECT COALESCE(MAX(version_id), 0) FROM "+versionTable)
	if err := row.Scan(&version); err != nil {
		return apperr.Wrap(apperr.Unavailable, err, "the database has not been migrated")
	}
	if version < latest {
		return apperr.New(apperr.Unavailable, "the database lacks migrations: it is at %d, this server needs %d",
			version, latest)
	}
	return s.writable(ctx)
}

// writable checks that the database accepts writes. An UPDATE that changes no row detects a
// read-only server. A full disk is detected only when a row is written.
func (s *Store) writable(ctx context.Context) error {
	if _, err := s.health.ExecContext(ctx, "UPDATE migration_lease SET until = 0 WHERE id = 0"); err != nil {
		return unwritable(err)
	}
	if !s.driver.watch.refused.is() {
		return nil
	}
	replace := "REPLACE INTO"
	if s.dialect == dialect.SQLite {
		replace = "INSERT OR REPLACE INTO"
	}
	statement := replace + " migration_lease (id, owner, until) VALUES (?, 'readiness', ?)"
	_, err := s.health.ExecContext(ctx, statement, probeRow, time.Now().UnixMilli())
	if err == nil {
		s.driver.watch.refused.clear()
	}
	return unwritable(err)
}

// probeRow is the id of the row that Ready writes. The lease itself has the id 1.
const probeRow = 2

// unwritable returns the public error of a failed write in Ready. It returns nil if another
// transaction blocked the write, because then the database accepts writes.
func unwritable(err error) error {
	if err == nil || isRetryable(err) {
		return nil
	}
	if isUnwritable(err) || errors.Is(err, sqldriver.ErrBadConn) {
		return apperr.Wrap(apperr.Unavailable, err,
			"the database does not accept changes: it is read-only, its disk is full, or its cluster refuses them")
	}
	return apperr.Wrap(apperr.Unavailable, err, "the database cannot be reached")
}

// refusal remembers that the database refused a write. It is safe for concurrent use.
type refusal struct{ seen atomic.Bool }

// note remembers err if it says that the database accepts no writes, and returns it.
func (r *refusal) note(err error) error {
	if err != nil && isUnwritable(err) {
		r.seen.Store(true)
	}
	return err
}

func (r *refusal) is() bool { return r.seen.Load() }

func (r *refusal) clear() { r.seen.Store(false) }
