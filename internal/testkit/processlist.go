package testkit

import (
	"context"
	"database/sql"
	"strings"
	"testing"
)

// Running counts the statements that contain text and that a MySQL-protocol server currently runs
// on the database of q, without its own statement. It uses SHOW, because information_schema fails
// on MySQL while any statement of the server contains an emoji.
func Running(t *testing.T, q interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, text string) (n int) {
	t.Helper()
	var database string
	rows, err := q.QueryContext(t.Context(), "SELECT DATABASE()")
	if err == nil && rows.Next() {
		err = rows.Scan(&database)
	}
	if err != nil {
		t.Fatal(err)
	}
	rows.Close()
	if rows, err = q.QueryContext(t.Context(), "SHOW FULL PROCESSLIST"); err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values, targets := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range values {
		targets[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		row := map[string]string{}
		for i, name := range names {
			row[strings.ToLower(name)] = values[i].String
		}
		if row["db"] == database && strings.Contains(row["info"], text) {
			n++
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return n
}
