package testkit

import (
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"campaignql/internal/store"
)

// Waits returns as soon as a statement that contains text waits in the database for a lock of
// another transaction. The database must be one of the test alone, in which nothing else runs. On
// SQLite it returns at once: a write transaction waits there before its first statement.
func Waits(t *testing.T, db *store.Store, text string) {
	t.Helper()
	if db.Dialect() == dialect.SQLite {
		return
	}
	// A statement that runs in three looks in a row waits; others take less than a millisecond.
	for seen, until := 0, time.Now().Add(20*time.Second); seen < 3; time.Sleep(20 * time.Millisecond) {
		if Running(t, db.Pools()[0], text) > 0 {
			seen++
		} else {
			seen = 0
		}
		if time.Now().After(until) {
			t.Errorf("no statement with %q waits", text)
			return
		}
	}
}
