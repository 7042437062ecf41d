package store

import (
	"context"
	"strconv"
	"strings"
)

// Given begins a statement with rows that it calls d: as a common table on SQLite, which bounds the
// parts of a UNION. The statement itself follows, for which Derived writes them on the others.
func (r Raw) Given(columns []string, rows [][]any) *Text {
	t := r.Text()
	if r.lite {
		t.WriteString("WITH d(" + strings.Join(columns, ",") + ") AS (VALUES ")
		t.Tuples(rows)
		t.WriteString(") ")
	}
	return t
}

// Derived writes the rows of Given where they are read from.
func (r Raw) Derived(t *Text, columns []string, rows [][]any) {
	if r.lite {
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

// Change writes columns of rows that have a column id: the first value of each row is its id, then
// come the values of the columns.
func (r Raw) Change(ctx context.Context, table string, columns []string, rows [][]any) error {
	return r.update(ctx, table, columns, rows, func(column, value string) string { return value })
}

// Add adds to columns of rows as Change writes them.
func (r Raw) Add(ctx context.Context, table string, columns []string, rows [][]any) error {
	return r.update(ctx, table, columns, rows, func(column, value string) string { return column + "+" + value })
}

func (r Raw) update(
	ctx context.Context, table string, columns []string, rows [][]any, to func(column, value string) string,
) error {
	if len(rows) == 0 {
		return nil
	}
	names := []string{"i"}
	sets := make([]string, len(columns))
	for i, column := range columns {
		name := "v" + strconv.Itoa(i)
		names = append(names, name)
		if r.lite { // where the column that is set has no table before it
			sets[i] = column + "=" + to(table+"."+column, "d."+name)
		} else {
			sets[i] = "t." + column + "=" + to("t."+column, "d."+name)
		}
	}
	t := r.Given(names, rows)
	if r.lite {
		t.WriteString("UPDATE " + table + " SET " + strings.Join(sets, ",") + " FROM d WHERE " + table + ".id=d.i")
	} else {
		t.WriteString("UPDATE ")
		r.Derived(t, names, rows)
		t.WriteString(" STRAIGHT_JOIN " + table + " t ON t.id=d.i SET " + strings.Join(sets, ","))
	}
	_, err := r.Exec(ctx, t)
	return err
}
