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

// Raw runs what Ent has no words for, or no fast ones: statements with many rows in them. Nothing
// of it is confined to the caller: it is for rows that were found for the caller, or for the server
// itself.
type Raw struct {
	client *ent.Client
	lite   bool
}

// Raw returns what runs statements under ctx: in the running transaction, if there is one.
func (s *Store) Raw(ctx context.Context) Raw {
	return Raw{client: s.Client(ctx), lite: s.dialect == dialect.SQLite}
}

// Text returns an empty statement.
func (r Raw) Text() *Text { return &Text{lite: r.lite} }

// Exec runs a statement.
func (r Raw) Exec(ctx context.Context, t *Text) (stdsql.Result, error) {
	return r.client.ExecContext(ctx, t.String(), t.args...)
}

// Rows is where a row of Raw is read from.
type Rows interface{ Scan(into ...any) error }

// Query runs a statement and scans each row. What is read is charged to the budget of ctx.
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

// Insert inserts rows. Where the database numbers them, first is the number of the first; those of
// the others need not follow it without gaps.
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
		id -= int64(len(rows) - 1) // SQLite tells that of the last
	}
	return id, err
}

// InsertAll inserts any number of rows, at most so many by a statement.
func (r Raw) InsertAll(ctx context.Context, table string, columns []string, rows [][]any, most int) error {
	for some := range Portions(rows, most) {
		if _, err := r.Insert(ctx, table, columns, some); err != nil {
			return err
		}
	}
	return nil
}

// bytesAtOnce bounds the text of a statement that inserts: a server takes 4 MiB where it is least
// (MySQL 5.7), 16 MiB (MariaDB) or 64 MiB unless told otherwise.
const bytesAtOnce = 4_000_000

// Portions cuts rows into what one statement inserts: at most so many rows, and no more text than a server takes.
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

// length is the most bytes that a row takes in a statement: in a text each may be escaped.
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

// Upsert inserts rows, and writes some of the columns over where there is a row with the same key,
// which must be the only unique one but for an id that the database gives.
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

// Text is a statement being written. Numbers stand in it, everything else is bound.
type Text struct {
	strings.Builder
	args []any
	lite bool
}

// Value writes one value. Instants are typed, so that they are compared with the column as instants, by its index.
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

func (t *Text) bind(v any) {
	t.WriteByte('?')
	t.args = append(t.args, v)
}

// List writes values with commas between them.
func (t *Text) List(row []any) {
	for i, v := range row {
		if i > 0 {
			t.WriteByte(',')
		}
		t.Value(v)
	}
}

// Tuples writes rows as VALUES has them.
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
