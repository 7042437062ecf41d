package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"
)

// stepTable holds the statements of the migration that is under way on MySQL, one row each. A data
// step that has begun has a row too: position is where its last portion ended, finished_at is NULL.
// The rows of a version are deleted in the transaction that records the version as applied.
const stepTable = "schema_migration_steps"

const createStepTable = "CREATE TABLE IF NOT EXISTS " + stepTable + " (version BIGINT NOT NULL, step INT NOT NULL, " +
	"position VARCHAR(255) NOT NULL DEFAULT '', finished_at DATETIME(6) NULL, PRIMARY KEY (version, step)) " +
	"CHARSET utf8mb4 COLLATE utf8mb4_bin"

// stepState is what the database has recorded of a statement.
type stepState struct {
	position string
	finished bool
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

// readSteps returns what is recorded of a version and fits the catalogue.
//
// The tables may have been replaced by a backup without these rows. So the rows are believed only
// while the schema is the one to which the recorded statements lead. Nothing is returned when none
// of their changes is there: the tables are those from before the version. When some are there and
// some are not, a data step cannot be known to be done or not, and the error says what to repair.
func readSteps(
	ctx context.Context, db querier, file migrationFile, changes map[stepID]schemaChange,
) (map[int]stepState, error) {
	steps := map[int]stepState{}
	const query = "SELECT step, position, finished_at IS NOT NULL FROM " + stepTable + " WHERE version = ?"
	err := eachRow(ctx, db, query, []any{file.version}, func(rows *sql.Rows) error {
		var number int
		var read stepState
		err := rows.Scan(&number, &read.position, &read.finished)
		steps[number] = read
		return err
	})
	if err != nil || len(steps) == 0 {
		return steps, err
	}
	expected, rowsChanged := recordedSchema(file, changes, steps)
	found, wrong, err := expected.lookUp(ctx, db)
	switch {
	case err != nil:
		return nil, err
	case len(wrong) == 0:
		return steps, nil
	case found == 0 || !rowsChanged: // without a data step each statement is looked up by itself
		return map[int]stepState{}, nil
	}
	return nil, fmt.Errorf("statements of this migration are recorded as done, but %s: a backup was loaded over the "+
		"database, or a table was changed by hand; undo that change, or load the backup into an empty database, "+
		"and start again", strings.Join(wrong, " and "))
}

// forgetOthers deletes the rows of all versions but one that is to be applied. Versions are applied
// in order: those before are finished, those after have not begun in this state of the database.
func forgetOthers(ctx context.Context, db querier, version int64) error {
	_, err := db.ExecContext(ctx, "DELETE FROM "+stepTable+" WHERE version <> ?", version)
	return err
}

func forgetSteps(ctx context.Context, db querier, version int64) error {
	_, err := db.ExecContext(ctx, "DELETE FROM "+stepTable+" WHERE version = ?", version)
	return err
}

// schemaPart names a table, or a column or an index of it.
type schemaPart struct {
	table string
	kind  partKind
	name  string
}

type partKind string

const (
	wholeTable partKind = "table"
	oneColumn  partKind = "column"
	oneIndex   partKind = "index"
)

func (p schemaPart) String() string {
	if p.kind == wholeTable {
		return "the table " + p.table
	}
	return fmt.Sprintf("the %s %s of the table %s", p.kind, p.name, p.table)
}

// expectation is what the recorded statements made of a part.
type expectation struct {
	present bool
	index   index
	// proof says that finding the part as expected shows that a statement has run. A part of a
	// table that the migration creates is none: restoring a backup leaves such a table as it is.
	proof bool
}

func (e expectation) met(part schemaPart, shape tableShape) bool {
	switch part.kind {
	case oneColumn:
		return e.present == slices.Contains(shape.columns, part.name)
	case oneIndex:
		found, ok := shape.indexes[part.name]
		return e.present == ok && (!ok || found.equal(e.index))
	}
	return e.present == shape.exists
}

// expectedSchema is what the catalogue must say after the recorded statements.
type expectedSchema map[schemaPart]expectation

// recordedSchema follows the recorded statements, and reports whether one of them changed rows.
// What the next statement changes is left open: it may have run without being recorded.
func recordedSchema(
	file migrationFile, changes map[stepID]schemaChange, steps map[int]stepState,
) (expected expectedSchema, rowsChanged bool) {
	expected = expectedSchema{}
	for _, s := range file.statements {
		recorded, begun := steps[s.id.number]
		change, isChange := changes[s.id]
		rowsChanged = rowsChanged || begun && !isChange
		switch {
		case isChange && recorded.finished:
			expected.follow(change)
		case isChange:
			expected.leaveOpen(change)
		}
		if !recorded.finished {
			break
		}
	}
	return expected, rowsChanged
}

func (e expectedSchema) follow(c schemaChange) {
	table := schemaPart{table: c.table, kind: wholeTable}
	created := e[table].present
	switch c.kind {
	case createTable:
		created = true
		e[table] = expectation{present: true}
	case dropTable:
		e.forget(c.table)
		e[table] = expectation{proof: true}
		return
	}
	for _, part := range c.clauses { // an index that is made anew is dropped first, wherever that stands
		if part.kind == dropIndex || part.kind == dropColumn {
			e[part.of(c.table)] = expectation{proof: !created}
		}
	}
	for _, part := range c.clauses {
		of := part.of(c.table)
		switch part.kind {
		case addColumn, addIndex:
			e[of] = expectation{present: true, index: part.index, proof: !created}
		case modifyColumn:
			if _, known := e[of]; !known {
				e[of] = expectation{present: true} // it was there before
			}
		}
	}
}

// of returns the column or index that a clause is about.
func (c clause) of(table string) schemaPart {
	if c.kind == addIndex || c.kind == dropIndex {
		return schemaPart{table, oneIndex, c.name}
	}
	return schemaPart{table, oneColumn, c.name}
}

func (e expectedSchema) leaveOpen(c schemaChange) {
	if c.kind != alterTable {
		e.forget(c.table)
		return
	}
	for _, part := range c.clauses {
		delete(e, part.of(c.table))
	}
}

func (e expectedSchema) forget(table string) {
	for part := range e {
		if part.table == table {
			delete(e, part)
		}
	}
}

// lookUp counts the parts that are as expected and prove that a statement has run, and says of the
// others what is wrong.
func (e expectedSchema) lookUp(ctx context.Context, db querier) (found int, wrong []string, err error) {
	shapes := map[string]tableShape{}
	for part, want := range e {
		shape, known := shapes[part.table]
		if !known {
			if shape, err = shapeOf(ctx, db, part.table); err != nil {
				return 0, nil, err
			}
			shapes[part.table] = shape
		}
		switch {
		case want.met(part, shape) && want.proof:
			found++
		case !want.met(part, shape) && want.present:
			wrong = append(wrong, part.String()+" is missing")
		case !want.met(part, shape):
			wrong = append(wrong, part.String()+" is still there")
		}
	}
	slices.Sort(wrong)
	return found, wrong, nil
}
