package store

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func TestTheShapeOfAStatementHasNoValues(t *testing.T) {
	t.Parallel()
	for statement, want := range map[string]string{
		"SELECT `name` FROM `t1` WHERE `id` IN (12, 13,14) AND x = 'it''s' LIMIT 5": "SELECT `name` FROM `t1` WHERE `id` IN (?…) AND x = ? LIMIT ?",
		"INSERT INTO t (a,b) VALUES (1,?),(2,'x\\'y'),(3,TIMESTAMP'2026-11-29')":    "INSERT INTO t (a,b) VALUES (?…),(?,TIMESTAMP?)",
		"UPDATE t SET a = ? WHERE b = ?":                                            "UPDATE t SET a = ? WHERE b = ?",
	} {
		if got := shape(statement); got != want {
			t.Errorf("%s\nbecomes %s\nwant    %s", statement, got, want)
		}
	}
	if long := shape("SELECT " + strings.Repeat("column_name, ", 100_000)); len(long) > maxShape+10 {
		t.Errorf("a shape of %d bytes", len(long))
	}
}

// TestSlowStatementsAreLoggedWithoutTheirValues sets the limit so low that every statement counts
// as slow.
func TestSlowStatementsAreLoggedWithoutTheirValues(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s, err := Open(
		context.Background(), "sqlite::memory:",
		Options{SlowStatement: time.Nanosecond, Log: slog.New(slog.NewTextHandler(&out, nil))},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 2 { // the second run uses a prepared statement
		const create = "CREATE TABLE IF NOT EXISTS slow (name TEXT)"
		if err := s.driver.Exec(context.Background(), create, []any{}, nil); err != nil {
			t.Fatal(err)
		}
		rows, err := s.driver.QueryContext(
			context.Background(), "SELECT name FROM slow WHERE name = 'secret' OR name = ?", "secret too",
		)
		if err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	tx, err := s.driver.Tx(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Exec(context.Background(), "INSERT INTO slow VALUES (?)", []any{"secret"}, nil); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	text := out.String()
	for _, want := range []string{"CREATE TABLE", "SELECT name FROM slow WHERE name = ? OR name = ?", "INSERT INTO slow VALUES (?)", "took="} {
		if !strings.Contains(text, want) {
			t.Errorf("the log lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "secret") {
		t.Errorf("the log holds a value:\n%s", text)
	}
}
