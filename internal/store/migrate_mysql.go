package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3/database"
)

// mysqlRun is one call of Migrate that holds the lease.
type mysqlRun struct {
	migrator
	db   *sql.DB
	conn *sql.Conn
	// process is the connection id of conn on server.
	process int64
	server  string
}

func (m migrator) migrateMySQL(ctx context.Context, db *sql.DB, files []migrationFile, done func(migrationFile)) error {
	changes, err := parseChanges(files)
	if err != nil {
		return err
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	run := mysqlRun{migrator: m, db: db, conn: conn}
	row := conn.QueryRowContext(ctx, "SELECT CONNECTION_ID(), "+thisServer)
	if err := row.Scan(&run.process, &run.server); err != nil {
		return err
	}
	if err := waitForOrphans(ctx, conn, files); err != nil {
		return err
	}
	if err := m.ensureVersions(ctx, conn); err != nil {
		return err
	}
	if _, err := conn.ExecContext(ctx, createStepTable); err != nil {
		return err
	}
	pending, err := m.pending(ctx, conn, files) // read again: another server may have migrated meanwhile
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		if err := forgetOthers(ctx, conn, pending[0].version); err != nil {
			return err
		}
	}
	for _, file := range pending {
		if err := run.apply(ctx, file, changes); err != nil {
			return fmt.Errorf("%s: %w", file.name, err)
		}
		done(file)
	}
	return nil
}

// parseChanges parses every DDL statement of the files, before any of them runs.
func parseChanges(files []migrationFile) (map[stepID]schemaChange, error) {
	changes := map[stepID]schemaChange{}
	for _, file := range files {
		for _, s := range file.statements {
			if isData(s.text) {
				continue
			}
			change, err := parseChange(s.text)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", file.name, err)
			}
			changes[s.id] = change
		}
	}
	return changes, nil
}

func (r mysqlRun) apply(ctx context.Context, file migrationFile, changes map[stepID]schemaChange) error {
	steps, err := readSteps(ctx, r.conn, file, changes)
	if err != nil {
		return err
	}
	if len(steps) == 0 { // delete records that do not match the tables: the next start must not read them
		if err := forgetSteps(ctx, r.conn, file.version); err != nil {
			return err
		}
	}
	for _, s := range file.statements {
		if steps[s.id.number].finished {
			continue
		}
		if err := r.at("before", s.id); err != nil {
			return err
		}
		if change, ok := changes[s.id]; ok {
			err = r.changeSchema(ctx, s, change)
		} else {
			err = r.changeRows(ctx, s, steps[s.id.number].position)
		}
		if err != nil {
			return fmt.Errorf("statement %d: %w", s.id.number, err)
		}
		if err := r.at("recorded", s.id); err != nil {
			return err
		}
	}
	return r.finish(ctx, nil, func(ctx context.Context) error { return r.recordVersion(ctx, file.version) })
}

// recordVersion records a version as applied, and deletes the records of its statements in the same
// transaction. If they were kept, they would be wrong after a backup is restored.
func (r mysqlRun) recordVersion(ctx context.Context, version int64) error {
	return again(ctx, func(ctx context.Context) error {
		tx, err := r.conn.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // a no-op after the commit
		if err := r.versions.Insert(ctx, tx, database.InsertRequest{Version: version}); err != nil {
			return err
		}
		if err := forgetSteps(ctx, tx, version); err != nil {
			return err
		}
		return tx.Commit()
	})
}

// changeSchema applies the part of the change that the table lacks, and records the statement.
func (r mysqlRun) changeSchema(ctx context.Context, s migrationStatement, change schemaChange) error {
	if late, ok := r.late[s.id]; ok {
		err := r.inPortions(ctx, s, late, "", func(context.Context, *sql.Tx, string) error { return nil })
		if err != nil {
			return err
		}
	}
	return r.finish(ctx, r.cancel, func(ctx context.Context) error {
		todo, err := remainingOf(ctx, r.conn, change)
		if err != nil {
			return err
		}
		if todo != "" {
			if _, err := r.conn.ExecContext(ctx, marker+todo); err != nil {
				return explainLate(err, change.table)
			}
		}
		if err := r.at("done", s.id); err != nil {
			return err
		}
		return recordStep(ctx, r.conn, s.id, "", true)
	})
}

// remainingOf returns the statement for the part of a change that is still to be done, or "" if
// nothing is. If the change creates a table, an interrupted run may have created it already; the
// table then has no rows yet. If it has rows, remainingOf returns an error.
func remainingOf(ctx context.Context, db querier, change schemaChange) (string, error) {
	shape, err := shapeOf(ctx, db, change.table)
	if err != nil {
		return "", err
	}
	todo, err := change.remaining(shape)
	if err != nil || change.kind != createTable || !shape.exists {
		return todo, err
	}
	var rows int
	query := "SELECT COUNT(*) FROM (SELECT 1 FROM `" + change.table + "` LIMIT 1) AS `first`"
	err = db.QueryRowContext(ctx, query).Scan(&rows)
	if err == nil && rows > 0 {
		err = fmt.Errorf("the table %s holds rows, and the migration that makes it has not been applied: it is left "+
			"from a newer state of the database over which a backup was loaded; drop it if nothing in it is needed, "+
			"and start again", change.table)
	}
	return "", err
}

// changeRows runs a data step from the position at which it stopped. A step without batches runs as
// a single batch.
func (r mysqlRun) changeRows(ctx context.Context, s migrationStatement, position string) error {
	portion, ok := r.data[s.id]
	if !ok {
		portion = wholeStatement
	}
	return r.inPortions(ctx, s, portion, position, func(ctx context.Context, tx *sql.Tx, next string) error {
		return recordStep(ctx, tx, s.id, next, next == "")
	})
}

// recordPortion records the position of the next batch in the transaction of a batch.
type recordPortion = func(ctx context.Context, tx *sql.Tx, next string) error

// inPortions changes batches of rows from a position until none is left.
func (r mysqlRun) inPortions(
	ctx context.Context, s migrationStatement, portion dataStep, position string, record recordPortion,
) error {
	for finished := false; !finished; {
		err := r.finish(ctx, r.cancel, func(ctx context.Context) error {
			next, err := r.changePortion(ctx, s, portion, position, record)
			position, finished = next, next == ""
			return err
		})
		if err != nil {
			return err
		}
		if err := r.at("portion", s.id); err != nil {
			return err
		}
	}
	return nil
}

// changePortion changes one batch of rows and records its end, in one transaction.
func (r mysqlRun) changePortion(
	ctx context.Context, s migrationStatement, portion dataStep, position string, record recordPortion,
) (next string, err error) {
	err = again(ctx, func(ctx context.Context) error {
		tx, err := r.conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // a no-op after the commit
		if next, err = portion(ctx, tx, marker+s.text, position); err != nil {
			return err
		}
		if err := record(ctx, tx, next); err != nil {
			return err
		}
		if err := r.at("done", s.id); err != nil {
			return err
		}
		return tx.Commit()
	})
	return next, err
}

func wholeStatement(ctx context.Context, tx *sql.Tx, statement, _ string) (string, error) {
	_, err := tx.ExecContext(ctx, statement)
	return "", err
}

// doneStatements reports which statements of a migration are done, including those that are not
// recorded.
func (m migrator) doneStatements(ctx context.Context, db querier, file migrationFile) (map[int]bool, error) {
	changes, err := parseChanges([]migrationFile{file})
	if err != nil {
		return nil, err
	}
	steps := map[int]stepState{}
	recorded, err := m.tableExists(ctx, db, stepTable)
	if err == nil && recorded {
		steps, err = readSteps(ctx, db, file, changes)
	}
	if err != nil {
		return nil, err
	}
	done := map[int]bool{}
	for _, s := range file.statements {
		done[s.id.number] = steps[s.id.number].finished
		if change, ok := changes[s.id]; ok && !done[s.id.number] {
			todo, err := remainingOf(ctx, db, change)
			done[s.id.number] = err == nil && todo == ""
		}
	}
	return done, nil
}

// cancel asks the server to cancel the running statement of the migration. If this fails, the next
// start waits for the statement.
func (r mysqlRun) cancel() {
	ctx, stop := context.WithTimeout(context.Background(), cancelGrace)
	defer stop()
	killOn(ctx, r.db, r.server, "KILL QUERY", r.process)
}
