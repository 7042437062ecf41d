package store_test

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// held is a database with a table of one row, which another connection has locked.
type held struct {
	*store.Store
	other *sql.Conn
}

// hold creates a table and locks its row until the test releases it.
func hold(t *testing.T, address string) *held {
	t.Helper()
	s, err := store.Open(t.Context(), address, store.Options{MaxConnections: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	other := testkit.Open(t, address)
	conn, err := other.Pools()[0].Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	h := &held{Store: s, other: conn}
	for _, statement := range []string{"CREATE TABLE held (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)", "INSERT INTO held VALUES (1, 0)"} {
		h.exec(t, statement)
	}
	if s.Dialect() == "sqlite3" {
		h.exec(t, "BEGIN IMMEDIATE")
		return h
	}
	h.exec(t, "START TRANSACTION")
	h.exec(t, "UPDATE held SET n = 100 WHERE id = 1")
	return h
}

func (h *held) exec(t *testing.T, statement string) {
	t.Helper()
	if _, err := h.other.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
}

// update adds to the row, in a transaction or in a single statement.
func (h *held) update(ctx context.Context, whole bool) error {
	write := func(ctx context.Context) error {
		text := h.Raw(ctx).Text()
		text.WriteString("UPDATE held SET n = n + 1 WHERE id = 1")
		_, err := h.Raw(ctx).Exec(ctx, text)
		return err
	}
	if whole {
		return h.Tx(ctx, write)
	}
	return store.Translate(write(ctx))
}

// eventually fails the test if a condition does not become true within four seconds. A server needs
// longer than that to notice on its own that a client has disconnected.
func eventually(t *testing.T, what string, true func() bool) {
	t.Helper()
	for deadline := time.Now().Add(4 * time.Second); !true(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal(what)
		}
	}
}

// TestAWriteOnAHeldRowEndsWithItsContextOnTheServerToo would fail if only the driver ended the
// write: the server would still wait for the row, and write once it is free.
func TestAWriteOnAHeldRowEndsWithItsContextOnTheServerToo(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		h := hold(t, address)
		for _, whole := range []bool{true, false} {
			ctx, cancel := context.WithTimeout(caller.System(t.Context()), 300*time.Millisecond)
			begun := time.Now()
			err := h.update(ctx, whole)
			cancel()
			if apperr.CodeOf(err) != apperr.Canceled && apperr.CodeOf(err) != apperr.Unavailable ||
				time.Since(begun) > 5*time.Second {
				t.Errorf(
					"in a transaction: %t: %v after %s, want an end with the context", whole, err, time.Since(begun),
				)
			}
		}
		if h.Dialect() == "mysql" {
			eventually(
				t, "the server still waits for the row",
				func() bool { return testkit.Running(t, h.other, "UPDATE held") == 0 },
			)
		}
		h.exec(t, "ROLLBACK")
		// The next write would wait for any earlier write that still runs.
		if err := h.update(caller.System(t.Context()), true); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := h.other.QueryRowContext(t.Context(), "SELECT n FROM held").Scan(&n); err != nil || n != 1 {
			t.Errorf("the row holds %d, %v: want the write after its release alone", n, err)
		}
	})
}

func TestALongReadEndsWithItsContextOnTheServerToo(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		s, err := store.Open(t.Context(), address, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		query := "SELECT SLEEP(60) AS long_read"
		if s.Dialect() == "sqlite3" {
			query = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT COUNT(*) FROM n"
		}
		for range 3 { // the third run uses a prepared statement
			ctx, cancel := context.WithTimeout(caller.System(t.Context()), 200*time.Millisecond)
			begun := time.Now()
			text := s.Raw(ctx).Text()
			text.WriteString(query)
			err := s.Raw(ctx).Query(ctx, text, func(store.Rows) error { return nil })
			cancel()
			if apperr.CodeOf(store.Translate(err)) != apperr.Canceled || time.Since(begun) > 5*time.Second {
				t.Errorf("%v after %s, want an end with the context", err, time.Since(begun))
			}
		}
		if s.Dialect() == "mysql" {
			conn, err := testkit.Open(t, address).Pools()[0].Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			h := &held{Store: s, other: conn}
			eventually(
				t, "the server still reads", func() bool { return testkit.Running(t, h.other, "long_read") == 0 },
			)
		}
	})
}

// TestWritesOfOneAccountLeaveConnectionsToOthers starts more writers that wait for a row than the
// pool has connections.
func TestWritesOfOneAccountLeaveConnectionsToOthers(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		h := hold(t, address)
		if h.Dialect() != "mysql" {
			t.Skip("SQLite has one writer, and readers of their own")
		}
		h.exec(t, "CREATE TABLE beside (id INTEGER PRIMARY KEY, n INTEGER NOT NULL)")
		h.exec(t, "START TRANSACTION") // the statement above has ended the previous transaction
		h.exec(t, "UPDATE held SET n = 100 WHERE id = 1")
		ctx, cancel := context.WithCancel(caller.With(t.Context(), caller.Identity{UserID: 1}))
		defer cancel()
		var waiting sync.WaitGroup
		defer waiting.Wait()
		defer cancel()
		for range 36 {
			waiting.Go(func() {
				if err := h.update(ctx, true); !errors.Is(err, context.Canceled) {
					t.Errorf("a write on the held row: %v", err)
				}
			})
		}
		eventually(
			t, "no writer waits for the row", func() bool { return testkit.Running(t, h.other, "UPDATE held") > 0 },
		)
		second, cancelSecond := context.WithTimeout(caller.With(t.Context(), caller.Identity{UserID: 2}), 5*time.Second)
		defer cancelSecond()
		err := h.Tx(second, func(ctx context.Context) error {
			text := h.Raw(ctx).Text()
			text.WriteString("INSERT INTO beside VALUES (1, 1)")
			_, err := h.Raw(ctx).Exec(ctx, text)
			return err
		})
		if err != nil {
			t.Errorf("another account waits for those who wait: %v", err)
		}
		if n := testkit.Running(t, h.other, "UPDATE held"); n > 2 {
			t.Errorf("%d connections of 8 wait for one row of one account", n)
		}
	})
}

// TestAConnectionThatMayHaveBeenKilledIsNotUsedAgain ends contexts at about the time when their
// statements end.
func TestAConnectionThatMayHaveBeenKilledIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		s, err := store.Open(t.Context(), address, store.Options{MaxConnections: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ping := func(ctx context.Context) error {
			text := s.Raw(ctx).Text()
			text.WriteString("SELECT 1")
			return s.Raw(ctx).Query(ctx, text, func(store.Rows) error { return nil })
		}
		for i := range 200 {
			ctx, cancel := context.WithTimeout(caller.System(t.Context()), time.Duration(i*5)*time.Microsecond)
			_ = ping(ctx)
			cancel()
			if err := ping(caller.System(t.Context())); err != nil && !strings.Contains(err.Error(), "locked") {
				t.Fatalf("round %d: an innocent statement failed: %v", i, err)
			}
		}
	})
}

// TestOnlyTheServerOfAStatementIsToldToEndIt asks one server to end a statement of another server.
// The first server has a connection with the same id.
func TestOnlyTheServerOfAStatementIsToldToEndIt(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		if strings.HasPrefix(address, "sqlite:") {
			return
		}
		pool := testkit.Open(t, address).Pools()[0]
		for _, tt := range []struct {
			other string
			ends  bool
		}{{"other:", false}, {"", true}} {
			conn, err := pool.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			var id int64
			var server string
			if err := conn.QueryRowContext(t.Context(), "SELECT CONNECTION_ID(), "+store.ThisServer).
				Scan(&id, &server); err != nil {
				t.Fatal(err)
			}
			store.KillOn(t.Context(), pool, tt.other+server, "KILL", id)
			if err := conn.PingContext(t.Context()); (err != nil) != tt.ends {
				t.Errorf("asked as %q the statement ends with %v", tt.other, err)
			}
		}
	})
}
