package event

import (
	"context"
	stdsql "database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect"

	"campaignql/ent"
	"campaignql/ent/domaincounter"
	"campaignql/ent/hourlycounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/store"
)

// rowsAtOnce is how many rows one statement looks up or changes: parts of a UNION are slow to plan in thousands.
const rowsAtOnce = 500

// statements writes what Ent has no words for: many rows given in a statement, to look up or to add up. Nothing of it is confined to the caller: it is given
// ids of rows that were found for the caller, or runs for the server.
type statements struct {
	client *ent.Client
	lite   bool
}

func (s *Service) sql(ctx context.Context) statements {
	return statements{client: s.db.Client(ctx), lite: s.db.Dialect() == dialect.SQLite}
}

// text is a statement being written. Numbers stand in it, everything else is bound.
type text struct {
	strings.Builder
	args []any
	lite bool
}

// value writes one value. Instants are typed, so that they are compared with the column as instants, by its index.
func (t *text) value(v any) {
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
			t.WriteByte('?')
			t.args = append(t.args, v)
			return
		}
		t.WriteString(v.UTC().Format("TIMESTAMP'2006-01-02 15:04:05.000000'"))
	case string:
		if v == "" {
			t.WriteString("''")
			return
		}
		t.WriteByte('?')
		t.args = append(t.args, v)
	default:
		panic(fmt.Sprintf("event: a value of type %T", v))
	}
}

func (t *text) list(row []any) {
	for i, v := range row {
		if i > 0 {
			t.WriteByte(',')
		}
		t.value(v)
	}
}

// tuples writes rows as VALUES has them.
func (t *text) tuples(rows [][]any) {
	for i, row := range rows {
		if i > 0 {
			t.WriteByte(',')
		}
		t.WriteByte('(')
		t.list(row)
		t.WriteByte(')')
	}
}

// given begins a statement with rows that it calls d: as a common table on SQLite, which bounds the parts of a UNION. The statement itself follows, for which
// derived writes them on the others.
func (s statements) given(columns []string, rows [][]any) *text {
	t := &text{lite: s.lite}
	if s.lite {
		t.WriteString("WITH d(" + strings.Join(columns, ",") + ") AS (VALUES ")
		t.tuples(rows)
		t.WriteString(") ")
	}
	return t
}

// derived writes the rows where they are read from.
func (t *text) derived(columns []string, rows [][]any) {
	if t.lite {
		t.WriteString("d")
		return
	}
	t.WriteByte('(')
	for i, row := range rows {
		if i > 0 {
			t.WriteString(" UNION ALL SELECT ")
			t.list(row)
			continue
		}
		t.WriteString("SELECT ")
		for j, v := range row {
			if j > 0 {
				t.WriteByte(',')
			}
			t.value(v)
			t.WriteString(" AS " + columns[j])
		}
	}
	t.WriteString(") AS d")
}

func (s statements) exec(ctx context.Context, t *text) error {
	_, err := s.client.ExecContext(ctx, t.String(), t.args...)
	return err
}

// query runs a statement and scans each row.
func (s statements) query(ctx context.Context, t *text, scan func(*stdsql.Rows) error) error {
	rows, err := s.client.QueryContext(ctx, t.String(), t.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// insert inserts rows.
func (s statements) insert(ctx context.Context, table string, columns []string, rows [][]any) error {
	if len(rows) == 0 {
		return nil
	}
	t := &text{lite: s.lite}
	t.WriteString("INSERT INTO " + table + " (" + strings.Join(columns, ",") + ") VALUES ")
	t.tuples(rows)
	return s.exec(ctx, t)
}

// change changes rows by their ids: the first value of each row is its id, then come the values of the columns, which are added where add says so and
// written otherwise.
func (s statements) change(ctx context.Context, table string, columns []string, rows [][]any, add bool) error {
	if len(rows) == 0 {
		return nil
	}
	names := []string{"i"}
	sets := make([]string, len(columns))
	for i, column := range columns {
		name := "v" + strconv.Itoa(i)
		names = append(names, name)
		switch {
		case s.lite && add:
			sets[i] = column + "=" + table + "." + column + "+d." + name
		case s.lite:
			sets[i] = column + "=d." + name
		case add:
			sets[i] = "t." + column + "=t." + column + "+d." + name
		default:
			sets[i] = "t." + column + "=d." + name
		}
	}
	t := s.given(names, rows)
	if s.lite {
		t.WriteString("UPDATE " + table + " SET " + strings.Join(sets, ",") + " FROM d WHERE " + table + ".id=d.i")
		return s.exec(ctx, t)
	}
	t.WriteString("UPDATE ")
	t.derived(names, rows)
	t.WriteString(" STRAIGHT_JOIN " + table + " t ON t.id=d.i SET " + strings.Join(sets, ","))
	return s.exec(ctx, t)
}

// fillers are the columns of counters without a default, and values that satisfy the engine.
var fillers = map[string][2]string{
	hourlycounter.Table: {"user_id,campaign_id,hour", "0,0,TIMESTAMP'2000-01-01 00:00:00'"},
	domaincounter.Table: {"user_id,campaign_id,domain", "0,0,''"},
	linkcounter.Table:   {"user_id,campaign_id,url_hash,url", "0,0,'',''"},
}

// addTo adds to counters that are there as change does. On MySQL it is an insert whose rows all exist already, which is planned once and not for every row;
// where the rows of the table are too wide for fillers, and on SQLite, it is an update.
func (s statements) addTo(ctx context.Context, table string, columns []string, rows [][]any) error {
	filler, ok := fillers[table]
	if s.lite || !ok {
		return s.change(ctx, table, columns, rows, true)
	}
	t := &text{}
	t.WriteString("INSERT INTO " + table + " (" + filler[0] + ",id," + strings.Join(columns, ",") + ") VALUES ")
	for i, row := range rows {
		if i > 0 {
			t.WriteByte(',')
		}
		t.WriteString("(" + filler[1] + ",")
		t.list(row)
		t.WriteByte(')')
	}
	t.WriteString(" ON DUPLICATE KEY UPDATE ")
	for i, column := range columns {
		if i > 0 {
			t.WriteByte(',')
		}
		t.WriteString(column + "=" + column + "+VALUES(" + column + ")")
	}
	return s.exec(ctx, t)
}

// instant reads an instant that an expression gives: SQLite gives its text.
type instant struct{ time.Time }

// Scan implements [stdsql.Scanner].
func (i *instant) Scan(v any) error {
	switch v := v.(type) {
	case time.Time:
		i.Time = store.Truncate(v)
		return nil
	case []byte:
		return i.Scan(string(v))
	case string:
		for _, layout := range []string{"2006-01-02 15:04:05.999999999-07:00", "2006-01-02 15:04:05.999999999"} {
			if at, err := time.Parse(layout, v); err == nil {
				i.Time = store.Truncate(at)
				return nil
			}
		}
	}
	return fmt.Errorf("event: %v is no instant", v)
}
