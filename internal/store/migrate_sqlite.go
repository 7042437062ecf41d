package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/pressly/goose/v3/database"
)

// migrateSQLite applies each migration in one transaction, which also records the version. The lock
// of the file ensures that only one process migrates; the operating system releases the lock when
// the process ends.
func (m migrator) migrateSQLite(
	ctx context.Context, db *sql.DB, files []migrationFile, done func(migrationFile),
) error {
	for _, file := range files {
		var applied bool
		err := m.finish(ctx, nil, func(inner context.Context) (err error) {
			applied, err = m.applySQLite(ctx, inner, db, files, file)
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: %w", file.name, err)
		}
		if applied {
			done(file)
		}
	}
	return nil
}

// applySQLite applies a migration unless it is already applied. It waits for the lock of the file
// until ctx ends. Once it has the lock, it uses the context inner.
func (m migrator) applySQLite(
	ctx, inner context.Context, db *sql.DB, files []migrationFile, file migrationFile,
) (bool, error) {
	tx, err := beginSQLite(ctx, inner, db)
	if err != nil {
		return false, err
	}
	defer func() { _ = tx.Rollback() }() // a no-op after the commit
	pending, err := m.pending(inner, tx, files)
	if err != nil || len(pending) == 0 || pending[0].version != file.version {
		return false, err
	}
	if err := errors.Join(createLeaseTable(inner, tx), m.ensureVersions(inner, tx)); err != nil {
		return false, err
	}
	for _, s := range file.statements {
		if err := m.runSQLite(inner, tx, s); err != nil {
			return false, fmt.Errorf("statement %d: %w", s.id.number, err)
		}
	}
	if err := m.versions.Insert(inner, tx, database.InsertRequest{Version: file.version}); err != nil {
		return false, err
	}
	return true, tx.Commit()
}

func (m migrator) runSQLite(ctx context.Context, tx *sql.Tx, s migrationStatement) error {
	if err := m.at("before", s.id); err != nil {
		return err
	}
	if portion, ok := m.data[s.id]; ok {
		for position, first := "", true; first || position != ""; first = false {
			var err error
			if position, err = portion(ctx, tx, s.text, position); err != nil {
				return err
			}
			if err := m.at("portion", s.id); err != nil {
				return err
			}
		}
	} else if _, err := tx.ExecContext(ctx, s.text); err != nil {
		return err
	}
	return m.at("done", s.id)
}

// beginSQLite begins a write transaction. It waits while another process has one.
func beginSQLite(ctx, inner context.Context, db *sql.DB) (*sql.Tx, error) {
	for deadline := time.Now().Add(leaseTimeout); ; {
		tx, err := db.BeginTx(inner, nil)
		switch {
		case err == nil:
			return tx, nil
		case !isRetryable(err):
			return nil, err
		case ctx.Err() != nil:
			return nil, fmt.Errorf("stopped while another process writes to the database: %w", context.Cause(ctx))
		case time.Now().After(deadline):
			return nil, fmt.Errorf("another process has been writing to this database for %s: %w", leaseTimeout, err)
		}
	}
}
