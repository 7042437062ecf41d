package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"
)

// querier is the common interface of a pool, a connection and a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// shapeOf reads the columns and indexes of a table from the catalog of MySQL.
func shapeOf(ctx context.Context, db querier, table string) (tableShape, error) {
	shape := tableShape{indexes: map[string]index{}}
	const columns = "SELECT column_name FROM information_schema.columns " +
		"WHERE table_schema = DATABASE() AND table_name = ? ORDER BY ordinal_position"
	err := eachRow(ctx, db, columns, []any{table}, func(rows *sql.Rows) error {
		var name string
		err := rows.Scan(&name)
		shape.columns = append(shape.columns, name)
		return err
	})
	if err != nil {
		return shape, err
	}
	shape.exists = len(shape.columns) > 0
	const indexes = "SELECT index_name, non_unique, COALESCE(column_name, '') FROM information_schema.statistics " +
		"WHERE table_schema = DATABASE() AND table_name = ? ORDER BY index_name, seq_in_index"
	err = eachRow(ctx, db, indexes, []any{table}, func(rows *sql.Rows) error {
		var name, column string
		var repeats bool
		err := rows.Scan(&name, &repeats, &column)
		shape.indexes[name] = index{unique: !repeats, columns: append(shape.indexes[name].columns, column)}
		return err
	})
	return shape, err
}

func eachRow(ctx context.Context, db querier, query string, args []any, visit func(*sql.Rows) error) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := visit(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// marker is the prefix of each statement that a migration sends to MySQL, so that a later start
// finds the statement in the process list.
const marker = "/* campaignql migration */ "

// orphanPoll is how often the process list is read while a statement of a dead process runs.
const orphanPoll = 200 * time.Millisecond

// waitForOrphans waits until no statement of an earlier migration runs in this database. MySQL
// continues a statement after its client was killed, and the catalog does not show the effect of
// the statement before it ends. Earlier releases sent no marker; their statements are recognized by
// their text.
func waitForOrphans(ctx context.Context, db querier, files []migrationFile) error {
	for {
		running, err := orphanRuns(ctx, db, files)
		if err != nil {
			return fmt.Errorf("look for a migration that still runs on the server: %w", err)
		}
		if !running {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("stopped while a statement of an earlier migration runs on the server: %w",
				context.Cause(ctx))
		case <-time.After(orphanPoll):
		}
	}
}

func orphanRuns(ctx context.Context, db querier, files []migrationFile) (bool, error) {
	var database string
	if err := db.QueryRowContext(ctx, "SELECT DATABASE()").Scan(&database); err != nil {
		return false, err
	}
	found := false
	err := eachRow(ctx, db, "SHOW FULL PROCESSLIST", nil, func(rows *sql.Rows) error {
		process, err := namedColumns(rows)
		if err == nil && process["db"] == database && isMigration(process["info"], files) {
			found = true
		}
		return err
	})
	return found, err
}

// namedColumns reads a row of a SHOW statement into a map with lower-case column names, because the
// columns differ between servers.
func namedColumns(rows *sql.Rows) (map[string]string, error) {
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	values := make([]sql.NullString, len(names))
	targets := make([]any, len(names))
	for i := range values {
		targets[i] = &values[i]
	}
	row := make(map[string]string, len(names))
	err = rows.Scan(targets...)
	for i, name := range names {
		row[strings.ToLower(name)] = values[i].String
	}
	return row, err
}

func isMigration(running string, files []migrationFile) bool {
	if running == "" {
		return false
	}
	if strings.HasPrefix(running, marker) {
		return true
	}
	for _, file := range files {
		for _, s := range file.statements {
			if strings.Contains(running, s.text) {
				return true
			}
		}
	}
	return false
}
