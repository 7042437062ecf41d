package event

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect"

	"campaignql/ent/domaincounter"
	"campaignql/ent/hourlycounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/store"
)

// rowsAtOnce is how many rows one statement looks up or changes: parts of a UNION are slow to plan in thousands.
const rowsAtOnce = 500

// statements writes what Ent has no words for: many rows given in a statement, to look up or to add
// up. Nothing of it is confined to the caller: it is given ids of rows that were found for the
// caller, or runs for the server.
type statements struct {
	store.Raw
	lite bool
}

func (s *Service) sql(ctx context.Context) statements {
	return statements{Raw: s.db.Raw(ctx), lite: s.db.Dialect() == dialect.SQLite}
}

// exec runs a statement.
func (s statements) exec(ctx context.Context, t *store.Text) error {
	_, err := s.Exec(ctx, t)
	return err
}

// given begins a statement with rows that it calls d: as a common table on SQLite, which bounds the
// parts of a UNION. The statement itself follows, for which derived writes them on the others.
func (s statements) given(columns []string, rows [][]any) *store.Text {
	t := s.Text()
	if s.lite {
		t.WriteString("WITH d(" + strings.Join(columns, ",") + ") AS (VALUES ")
		t.Tuples(rows)
		t.WriteString(") ")
	}
	return t
}

// derived writes the rows where they are read from.
func (s statements) derived(t *store.Text, columns []string, rows [][]any) {
	if s.lite {
		t.WriteString("d")
		return
	}
	t.WriteByte('(')
	for i, row := range rows {
		if i > 0 {
			t.WriteString(" UNION ALL SELECT ")
			t.List(row)
			continue
		}
		t.WriteString("SELECT ")
		for j, v := range row {
			if j > 0 {
				t.WriteByte(',')
			}
			t.Value(v)
			t.WriteString(" AS " + columns[j])
		}
	}
	t.WriteString(") AS d")
}

// change changes rows by their ids: the first value of each row is its id, then come the values of
// the columns, which are added where add says so and written otherwise.
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
	s.derived(t, names, rows)
	t.WriteString(" STRAIGHT_JOIN " + table + " t ON t.id=d.i SET " + strings.Join(sets, ","))
	return s.exec(ctx, t)
}

// fillers are the columns of counters without a default, and values that satisfy the engine.
var fillers = map[string][2]string{
	hourlycounter.Table: {"user_id,campaign_id,hour", "0,0,TIMESTAMP'2000-01-01 00:00:00'"},
	domaincounter.Table: {"user_id,campaign_id,domain", "0,0,''"},
	linkcounter.Table:   {"user_id,campaign_id,url_hash,url", "0,0,'',''"},
}

// addTo adds to counters that are there as change does. On MySQL it is an insert whose rows all
// exist already, which is planned once and not for every row; where the rows of the table are too
// wide for fillers, and on SQLite, it is an update.
func (s statements) addTo(ctx context.Context, table string, columns []string, rows [][]any) error {
	filler, ok := fillers[table]
	if s.lite || !ok {
		return s.change(ctx, table, columns, rows, true)
	}
	t := s.Text()
	t.WriteString("INSERT INTO " + table + " (" + filler[0] + ",id," + strings.Join(columns, ",") + ") VALUES ")
	for i, row := range rows {
		if i > 0 {
			t.WriteByte(',')
		}
		t.WriteString("(" + filler[1] + ",")
		t.List(row)
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
