package store

import (
	"context"
	"slices"
	"strconv"
	"strings"
)

// Given begins a statement that reads the given rows as a table named d. On SQLite it writes them
// as a common table expression, because SQLite limits the number of terms in a UNION. The caller
// writes the rest of the statement, and calls Derived where it reads from d; on the other databases
// Derived writes the rows.
func (r Raw) Given(columns []string, rows [][]any) *Text {
	t := r.Text()
	if r.lite {
		t.WriteString("WITH d(" + strings.Join(columns, ",") + ") AS (VALUES ")
		t.Tuples(rows)
		t.WriteString(") ")
	}
	return t
}

// Derived writes the table d of Given into a FROM or UPDATE clause.
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

// Change updates columns of rows by id. The first value of each row is the id; the values of the
// columns follow.
func (r Raw) Change(ctx context.Context, table string, columns []string, rows [][]any) error {
	return r.update(ctx, table, columns, rows, func(column, value string) string { return value })
}

// Add is Change, but adds the values to the columns.
func (r Raw) Add(ctx context.Context, table string, columns []string, rows [][]any) error {
	return r.update(ctx, table, columns, rows, func(column, value string) string { return column + "+" + value })
}

// Part are the rows of a table that have a value in a column, and are told apart by another column.
type Part struct {
	Column string
	Value  int64
	Key    string
}

// ChangePart is Change for rows of a part of a table: the first value of each row is that of its key.
// more writes further assignments, each with a comma before it.
func (r Raw) ChangePart(
	ctx context.Context, table string, part Part, columns []string, rows [][]any, more func(t *Text),
) error {
	if len(rows) == 0 {
		return nil
	}
	names := []string{"i"}
	sets := make([]string, len(columns))
	for i, column := range columns {
		name := "v" + strconv.Itoa(i)
		names = append(names, name)
		sets[i] = column + "=d." + name
	}
	t := r.Given(names, rows)
	matches := table + "." + part.Key + "=d.i AND " + table + "." + part.Column + "=" +
		strconv.FormatInt(part.Value, 10)
	t.WriteString("UPDATE ")
	if r.lite {
		t.WriteString(table + " SET " + strings.Join(sets, ","))
		more(t)
		t.WriteString(" FROM d WHERE " + matches)
	} else {
		r.Derived(t, names, rows)
		t.WriteString(" STRAIGHT_JOIN " + table + " ON " + matches + " SET " + strings.Join(sets, ","))
		more(t)
	}
	_, err := r.Exec(ctx, t)
	return err
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
		if r.lite { // SQLite allows no table name before the column that is set
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

// WithoutDefaults leaves out the columns in which every row has the default of the database. The rest
// is inserted faster.
func WithoutDefaults(columns []string, rows [][]any, defaults map[string]any) ([]string, [][]any) {
	var keep []int
	for j, column := range columns {
		value, ok := defaults[column]
		if !ok || slices.ContainsFunc(rows, func(row []any) bool { return row[j] != value }) {
			keep = append(keep, j)
		}
	}
	kept := make([]string, len(keep))
	for i, j := range keep {
		kept[i] = columns[j]
	}
	short := make([][]any, len(rows))
	for k, row := range rows {
		short[k] = make([]any, len(keep))
		for i, j := range keep {
			short[k][i] = row[j]
		}
	}
	return kept, short
}
