package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/pressly/goose/v3/database"
)

// stepTable holds the statements of migrations that were done on MySQL, one row each. A data step
// that has begun has a row too: position is where its last portion ended, finished_at is NULL.
const stepTable = "schema_migration_steps"

const createStepTable = "CREATE TABLE IF NOT EXISTS " + stepTable + " (version BIGINT NOT NULL, step INT NOT NULL, " +
	"position VARCHAR(255) NOT NULL DEFAULT '', finished_at DATETIME(6) NULL, PRIMARY KEY (version, step)) " +
	"CHARSET utf8mb4 COLLATE utf8mb4_bin"

// mysqlRun is one call of Migrate that has the lease.
type mysqlRun struct {
	migrator
	db   *sql.DB
	conn *sql.Conn
	// process is the number of conn on server.
	process int64
	server  string
}

// stepState is what the database has recorded of a statement.
type stepState struct {
	position string
	finished bool
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
	if err := conn.QueryRowContext(ctx, "SELECT CONNECTION_ID(), "+thisServer).
		Scan(&run.process, &run.server); err != nil {
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
	for _, file := range pending {
		if err := run.apply(ctx, file, changes); err != nil {
			return fmt.Errorf("%s: %w", file.name, err)
		}
		done(file)
	}
	return nil
}

// parseChanges recognizes every DDL statement, before any of them runs.
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
	steps, err := readSteps(ctx, r.conn, file.version)
	if err != nil {
		return err
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
	return r.finish(ctx, nil, func(ctx context.Context) error {
		return r.versions.Insert(ctx, r.conn, database.InsertRequest{Version: file.version})
	})
}

// changeSchema does what the table lacks of the change, and records it.
func (r mysqlRun) changeSchema(ctx context.Context, s migrationStatement, change schemaChange) error {
	return r.finish(ctx, r.cancel, func(ctx context.Context) error {
		shape, err := shapeOf(ctx, r.conn, change.table)
		if err != nil {
			return err
		}
		todo, err := change.remaining(shape)
		if err != nil {
			return err
		}
		if todo != "" {
			if _, err := r.conn.ExecContext(ctx, marker+todo); err != nil {
				return err
			}
		}
		if err := r.at("done", s.id); err != nil {
			return err
		}
		return recordStep(ctx, r.conn, s.id, "", true)
	})
}

// changeRows runs a data step from where it ended. A step that has no portions is one.
func (r mysqlRun) changeRows(ctx context.Context, s migrationStatement, position string) error {
	portion, ok := r.data[s.id]
	if !ok {
		portion = wholeStatement
	}
	for finished := false; !finished; {
		err := r.finish(ctx, r.cancel, func(ctx context.Context) error {
			next, err := r.changePortion(ctx, s, portion, position)
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

// changePortion changes one portion and records where it ended, in one transaction.
func (r mysqlRun) changePortion(
	ctx context.Context, s migrationStatement, portion dataStep, position string,
) (next string, err error) {
	err = again(ctx, func(ctx context.Context) error {
		tx, err := r.conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted})
		if err != nil {
			return err
		}
		defer func() { _ = tx.Rollback() }() // after a commit it does nothing
		if next, err = portion(ctx, tx, marker+s.text, position); err != nil {
			return err
		}
		if err := recordStep(ctx, tx, s.id, next, next == ""); err != nil {
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

func recordStep(ctx context.Context, db querier, id stepID, position string, finished bool) error {
	var at *time.Time
	if finished {
		now := Now()
		at = &now
	}
	_, err := db.ExecContext(
		ctx, "REPLACE INTO "+stepTable+" (version, step, position, finished_at) VALUES (?, ?, ?, ?)", id.version,
		id.number, position, at,
	)
	return err
}

func readSteps(ctx context.Context, db querier, version int64) (map[int]stepState, error) {
	steps := map[int]stepState{}
	const query = "SELECT step, position, finished_at IS NOT NULL FROM " + stepTable + " WHERE version = ?"
	err := eachRow(ctx, db, query, []any{version}, func(rows *sql.Rows) error {
		var number int
		var read stepState
		err := rows.Scan(&number, &read.position, &read.finished)
		steps[number] = read
		return err
	})
	return steps, err
}

// doneStatements reports which statements of a migration are done, recorded or not.
func (m migrator) doneStatements(ctx context.Context, db querier, file migrationFile) (map[int]bool, error) {
	changes, err := parseChanges([]migrationFile{file})
	if err != nil {
		return nil, err
	}
	steps := map[int]stepState{}
	recorded, err := m.tableExists(ctx, db, stepTable)
	if err == nil && recorded {
		steps, err = readSteps(ctx, db, file.version)
	}
	if err != nil {
		return nil, err
	}
	done := map[int]bool{}
	for _, s := range file.statements {
		done[s.id.number] = steps[s.id.number].finished
		if change, ok := changes[s.id]; ok && !done[s.id.number] {
			shape, err := shapeOf(ctx, db, change.table)
			if err != nil {
				return nil, err
			}
			todo, err := change.remaining(shape)
			done[s.id.number] = err == nil && todo == ""
		}
	}
	return done, nil
}

// cancel asks the server to cancel the statement of the migration. Where that fails the next start
// waits for the statement.
func (r mysqlRun) cancel() {
	ctx, stop := context.WithTimeout(context.Background(), cancelGrace)
	defer stop()
	killOn(ctx, r.db, r.server, "KILL QUERY", r.process)
}
