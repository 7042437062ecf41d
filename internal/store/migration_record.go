package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// stepTable is the table that records the statements of the current migration on MySQL, one row for
// each. A data step that has begun has a row too: position is the end of its last batch, and
// finished_at is NULL. The transaction that records a version as applied deletes the rows of that
// version.
const stepTable = "schema_migration_steps"

const createStepTable = "CREATE TABLE IF NOT EXISTS " + stepTable + " (version BIGINT NOT NULL, step INT NOT NULL, " +
	"position VARCHAR(255) NOT NULL DEFAULT '', finished_at DATETIME(6) NULL, PRIMARY KEY (version, step)) " +
	"CHARSET utf8mb4 COLLATE utf8mb4_bin"

// stepState is the recorded state of a statement.
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
	const replace = "REPLACE INTO " + stepTable + " (version, step, position, finished_at) VALUES (?, ?, ?, ?)"
	_, err := db.ExecContext(ctx, replace, id.version, id.number, position, at)
	return err
}

// readSteps returns the records of a version if they agree with the catalog.
//
// A restored backup may have replaced the tables but not these records. So the records count only
// if the schema is the one that the recorded statements produce. If none of their changes is found,
// the tables are from before the version, and readSteps returns no records. If only some of their
// changes are found, it is unknown whether a data step has run, and the error says what to repair.
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
	case found == 0 || !rowsChanged: // without a data step, each statement is checked in the catalog alone
		return map[int]stepState{}, nil
	}
	return nil, fmt.Errorf("statements of this migration are recorded as done, but %s: a backup was loaded over the "+
		"database, or a table was changed by hand; undo that change, or load the backup into an empty database, "+
		"and start again", strings.Join(wrong, " and "))
}

// forgetOthers deletes the records of all versions except the one that is applied next. Versions
// are applied in order: earlier ones are finished, and later ones have not begun in this state of
// the database.
func forgetOthers(ctx context.Context, db querier, version int64) error {
	_, err := db.ExecContext(ctx, "DELETE FROM "+stepTable+" WHERE version <> ?", version)
	return err
}

func forgetSteps(ctx context.Context, db querier, version int64) error {
	_, err := db.ExecContext(ctx, "DELETE FROM "+stepTable+" WHERE version = ?", version)
	return err
}

// schemaPart identifies a table, or a column or index of a table.
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

// expectation is the state of a part after the recorded statements.
type expectation struct {
	present bool
	index   index
	// proof is true if finding the part as expected proves that a statement has run. A part of a
	// table that the migration creates proves nothing, because a restored backup does not remove
	// that table.
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

// expectedSchema is the expected state of the catalog after the recorded statements.
type expectedSchema map[schemaPart]expectation

// recordedSchema computes the schema after the recorded statements, and reports whether one of them
// changed rows. It leaves out the parts that the next statement changes, because that statement may
// have run without being recorded.
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
	// A part that is made and dropped again, or the other way round, is as it was before the version
	// and proves nothing.
	before := maps.Clone(e)
	proof := func(part schemaPart, present bool) bool {
		earlier, known := before[part]
		return !created && !(known && earlier.proof && earlier.present != present)
	}
	for _, part := range c.clauses { // drops take effect before adds, whatever the order of the clauses
		if of := part.of(c.table); part.kind == dropIndex || part.kind == dropColumn {
			e[of] = expectation{proof: proof(of, false)}
		}
	}
	for _, part := range c.clauses {
		of := part.of(c.table)
		switch part.kind {
		case addColumn, addIndex:
			e[of] = expectation{present: true, index: part.index, proof: proof(of, true)}
		case modifyColumn:
			if _, known := e[of]; !known {
				e[of] = expectation{present: true} // the column existed before
			}
		}
	}
}

// of returns the column or index that the clause concerns.
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

// lookUp compares the expected parts with the catalog. found is the number of parts that are as
// expected and prove that a statement has run. wrong describes each part that differs.
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
