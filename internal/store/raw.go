package store

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect"

	"campaignql/ent"
)

// Raw runs statements that Ent cannot express, or cannot run fast: those with many rows in one
// statement. Its statements are not confined to the caller. Use it only for rows that were already
// found for the caller, or on behalf of the server itself.
type Raw struct {
	client *ent.Client
	lite   bool
}

// Raw returns a Raw that runs statements in the transaction of ctx, if there is one.
func (s *Store) Raw(ctx context.Context) Raw {
	return Raw{client: s.Client(ctx), lite: s.dialect == dialect.SQLite}
}

// Text returns an empty statement.
func (r Raw) Text() *Text { return &Text{lite: r.lite} }

func (r Raw) Exec(ctx context.Context, t *Text) (stdsql.Result, error) {
	return r.client.ExecContext(ctx, t.String(), t.args...)
}

// Rows is the source of a row for the scan function of Raw.Query.
type Rows interface{ Scan(into ...any) error }

// Query runs a statement and calls scan for each row. The values are charged to the budget of ctx.
func (r Raw) Query(ctx context.Context, t *Text, scan func(Rows) error) error {
	rows, err := r.client.QueryContext(ctx, t.String(), t.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	charged := charge(ctx, rows)
	for rows.Next() {
		if err := scan(charged); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Insert inserts rows in one statement. If the database assigns their ids, first is the id of the
// first row; the ids of the others may have gaps.
func (r Raw) Insert(ctx context.Context, table string, columns []string, rows [][]any) (first int64, err error) {
	if len(rows) == 0 {
		return 0, nil
	}
	t := r.Text()
	t.insert(table, columns, rows)
	result, err := r.Exec(ctx, t)
	if err != nil {
		return 0, err
	}
	id, err := result.LastInsertId()
	if r.lite {
		id -= int64(len(rows) - 1) // SQLite returns the id of the last row
	}
	return id, err
}

// Copy inserts the rows that a SELECT statement returns, and returns their number. hints are for
// MySQL.
func (r Raw) Copy(ctx context.Context, table string, columns []string, from *Text, hints ...string) (int64, error) {
	t := r.Text()
	t.WriteString("INSERT ")
	if len(hints) > 0 && !r.lite {
		t.WriteString("/*+ " + strings.Join(hints, " ") + " */ ")
	}
	t.WriteString("INTO " + table + " (" + strings.Join(columns, ",") + ") ")
	t.WriteString(from.String())
	t.args = from.args
	result, err := r.Exec(ctx, t)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// CopiesConcurrently reports whether other transactions can insert rows into a table while Copy
// inserts into it. On SQLite nobody else writes at the time. InnoDB allows it if it assigns ids in
// the interleaved mode, which is the default of MySQL, but not of MariaDB.
func (r Raw) CopiesConcurrently(ctx context.Context) (bool, error) {
	if r.lite {
		return true, nil
	}
	t := r.Text()
	t.WriteString("SELECT @@innodb_autoinc_lock_mode")
	var mode int
	err := r.Query(ctx, t, func(rows Rows) error { return rows.Scan(&mode) })
	return mode == 2, err
}

// InsertAll inserts any number of rows. most is the maximum number of rows in one statement.
func (r Raw) InsertAll(ctx context.Context, table string, columns []string, rows [][]any, most int) error {
	for some := range Portions(rows, most) {
		if _, err := r.Insert(ctx, table, columns, some); err != nil {
			return err
		}
	}
	return nil
}

// bytesAtOnce bounds the text of an INSERT statement in bytes. The default limit of a server is 4
// MiB (MySQL 5.7), 16 MiB (MariaDB) or 64 MiB.
const bytesAtOnce = 4_000_000

// Portions splits rows into the batches that one statement inserts. A batch has at most as many
// rows as most says, and at most bytesAtOnce bytes of text unless a single row is longer.
func Portions(rows [][]any, most int) iter.Seq[[][]any] {
	return func(yield func([][]any) bool) {
		for len(rows) > 0 {
			n, size := 0, 0
			for n < min(len(rows), most) {
				if size += length(rows[n]); size > bytesAtOnce && n > 0 {
					break
				}
				n++
			}
			if !yield(rows[:n]) {
				return
			}
			rows = rows[n:]
		}
	}
}

// length returns the maximum number of bytes of a row in a statement. Each byte of a string may
// need an escape.
func length(row []any) int {
	size := 0
	for _, v := range row {
		switch v := v.(type) {
		case string:
			size += 3 + 2*len(v)
		case time.Time:
			size += 40
		case int64, float64:
			size += 25
		default: // bool and nil
			size += 5
		}
	}
	return size
}

// Upsert inserts rows. If a row with the same key exists, it overwrites the columns of over
// instead. key must be the only unique index of the table, except for an id that the database
// assigns.
func (r Raw) Upsert(ctx context.Context, table string, columns []string, rows [][]any, key, over []string) error {
	if len(rows) == 0 {
		return nil
	}
	t := r.Text()
	t.insert(table, columns, rows)
	if r.lite {
		t.WriteString(" ON CONFLICT (" + strings.Join(key, ",") + ") DO UPDATE SET ")
	} else {
		t.WriteString(" ON DUPLICATE KEY UPDATE ")
	}
	for i, column := range over {
		if i > 0 {
			t.WriteByte(',')
		}
		if r.lite {
			t.WriteString(column + "=excluded." + column)
		} else {
			t.WriteString(column + "=VALUES(" + column + ")")
		}
	}
	_, err := r.Exec(ctx, t)
	return err
}

// Text builds a statement. Integers, booleans and NULL are written into the text; other values are
// bound as arguments, except for those that Value describes.
type Text struct {
	strings.Builder
	args []any
	lite bool
}

// Value writes one value. On MySQL a time is written as a TIMESTAMP literal, so that the database
// compares it with a column as a time and uses the index of the column.
func (t *Text) Value(v any) {
	switch v := v.(type) {
	case int64:
		t.WriteString(strconv.FormatInt(v, 10))
	case bool:
		if v {
			t.WriteByte('1')
		} else {
			t.WriteByte('0')
		}
	case nil:
		t.WriteString("NULL")
	case time.Time:
		if t.lite {
			t.bind(v)
			return
		}
		t.WriteString(v.UTC().Format("TIMESTAMP'2006-01-02 15:04:05.000000'"))
	case string:
		if v == "" {
			t.WriteString("''")
			return
		}
		t.bind(v)
	case float64:
		t.bind(v)
	default:
		panic(fmt.Sprintf("store: a value of type %T", v))
	}
}

// Append writes a part of a statement with a question mark for each of its arguments.
func (t *Text) Append(part string, args ...any) {
	t.WriteString(part)
	t.args = append(t.args, args...)
}

func (t *Text) bind(v any) {
	t.WriteByte('?')
	t.args = append(t.args, v)
}

// List writes values, separated by commas.
func (t *Text) List(row []any) {
	for i, v := range row {
		if i > 0 {
			t.WriteByte(',')
		}
		t.Value(v)
	}
}

// Tuples writes rows in the syntax of VALUES.
func (t *Text) Tuples(rows [][]any) {
	for i, row := range rows {
		if i > 0 {
			t.WriteByte(',')
		}
		t.WriteByte('(')
		t.List(row)
		t.WriteByte(')')
	}
}

func (t *Text) insert(table string, columns []string, rows [][]any) {
	t.WriteString("INSERT INTO " + table + " (" + strings.Join(columns, ",") + ") VALUES ")
	t.Tuples(rows)
}
