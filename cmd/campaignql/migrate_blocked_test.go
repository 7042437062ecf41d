package main

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3/database"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// firstVersion is the version of the first migration. The next one changes events in one ALTER
// TABLE.
const firstVersion = "20261123233802"

// blockedMigration is a MySQL database at firstVersion whose next migration is blocked: an open
// transaction that has read events makes ALTER TABLE wait.
type blockedMigration struct {
	db     *sql.DB
	reader *sql.Tx
}

func blockMigration(t *testing.T, address string) *blockedMigration {
	t.Helper()
	s, err := store.Open(t.Context(), address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	db := s.Pools()[0]
	text, err := os.ReadFile("../../internal/store/migrations/mysql/" + firstVersion + "_init.sql")
	if err != nil {
		t.Fatal(err)
	}
	up, _, _ := strings.Cut(string(text), "-- +goose Down")
	for statement := range strings.SplitSeq(strings.TrimSpace(up), ";\n") {
		if _, err := db.ExecContext(t.Context(), strings.TrimSuffix(statement, ";")); err != nil {
			t.Fatal(err)
		}
	}
	versions, err := database.NewStore(database.DialectMySQL, "schema_migrations")
	if err != nil {
		t.Fatal(err)
	}
	var version int64
	fmt.Sscan(firstVersion, &version)
	if err := versions.CreateVersionTable(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	for _, v := range []int64{0, version} {
		if err := versions.Insert(t.Context(), db, database.InsertRequest{Version: v}); err != nil {
			t.Fatal(err)
		}
	}
	b := &blockedMigration{db: db}
	if b.reader, err = db.BeginTx(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	// While the transaction is open, the database cannot be dropped.
	t.Cleanup(func() { _ = b.reader.Rollback() })
	var n int
	if err := b.reader.QueryRow("SELECT COUNT(*) FROM events").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *blockedMigration) release(t *testing.T) {
	t.Helper()
	if err := b.reader.Rollback(); err != nil {
		t.Fatal(err)
	}
}

// altering counts the ALTER TABLE statements on events that are waiting.
func (b *blockedMigration) altering(t *testing.T) int {
	t.Helper()
	return testkit.Running(t, b.db, "ALTER TABLE `events`")
}

func (b *blockedMigration) waitForAltering(t *testing.T, want int) {
	t.Helper()
	for deadline := time.Now().Add(patience); b.altering(t) != want; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d statements wait to change events, want %d", b.altering(t), want)
		}
	}
}

// owner returns the owner of the lease, or "" if there is none.
func (b *blockedMigration) owner(t *testing.T) (owner string) {
	t.Helper()
	if err := b.db.QueryRow("SELECT owner FROM migration_lease WHERE id = 1").Scan(&owner); err != nil {
		t.Fatal(err)
	}
	return owner
}

// freePort returns an address on which no process listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// onMySQL runs test with a blocked migration on each MySQL server. It skips SQLite.
func onMySQL(t *testing.T, test func(t *testing.T, address string, b *blockedMigration)) {
	t.Helper()
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		if strings.HasPrefix(address, "sqlite:") {
			t.Skip("on SQLite a migration is one transaction")
		}
		test(t, address, blockMigration(t, address))
	})
}

// mustMigrate starts a server, waits until it is ready and stops it.
func mustMigrate(t *testing.T, address string) {
	t.Helper()
	s := start(t, address)
	mustBeReady(t, s)
	s.terminate(t)
	if status := s.wait(t); status != 0 {
		t.Errorf("exit status %d", status)
	}
}

func TestAServerAnswersThatItStartsWhileItMigrates(t *testing.T) {
	onMySQL(t, func(t *testing.T, address string, b *blockedMigration) {
		listen := freePort(t)
		s, greeted := begin(t, address, "--listen", listen)
		b.waitForAltering(t, 1)
		for path, want := range map[string]int{
			"/healthz": 200, "/readyz": 503, "/graphql": 503, "/api.php": 503, "/": 503,
		} {
			response, err := http.Get("http://" + listen + path)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != want {
				t.Errorf("%s answers %d, want %d", path, response.StatusCode, want)
			}
		}
		b.release(t)
		mustBeReady(t, s.ready(t, greeted))
	})
}

func TestAServerStoppedInAMigrationFinishesItsStatement(t *testing.T) {
	onMySQL(t, func(t *testing.T, address string, b *blockedMigration) {
		s, _ := begin(t, address)
		b.waitForAltering(t, 1)
		s.terminate(t)
		time.Sleep(300 * time.Millisecond) // the statement must continue after the signal
		if n := b.altering(t); n != 1 {
			t.Errorf("after the signal %d statements change events", n)
		}
		b.release(t)
		if status := s.wait(t); status != 0 {
			t.Errorf("exit status %d", status)
		}
		if !strings.Contains(s.log.String(), "the next start goes on") || b.owner(t) != "" {
			t.Errorf("the lease is held by %q, the log says %s", b.owner(t), s.log.String())
		}
		var done int
		row := b.db.QueryRow("SELECT COUNT(*) FROM schema_migration_steps WHERE finished_at IS NOT NULL")
		if err := row.Scan(&done); err != nil || done != 1 {
			t.Errorf("%d statements are recorded, %v", done, err)
		}
		mustMigrate(t, address)
	})
}

func TestAServerStoppedInAMigrationWaitsNoLongerThanItsGrace(t *testing.T) {
	onMySQL(t, func(t *testing.T, address string, b *blockedMigration) {
		s, _ := begin(t, address, "--shutdown-grace", "300ms")
		b.waitForAltering(t, 1)
		since := time.Now()
		s.terminate(t)
		if status := s.wait(t); status != 0 {
			t.Errorf("exit status %d", status)
		}
		if took := time.Since(since); took > 10*time.Second { // the default grace is 15 s
			t.Errorf("it took %s", took)
		}
		b.waitForAltering(t, 0) // although the transaction that blocks it is still open
		if b.owner(t) != "" {
			t.Errorf("the lease is held by %q", b.owner(t))
		}
		b.release(t)
		mustMigrate(t, address)
	})
}

// TestAServerWaitsForTheStatementOfOneThatWasKilled also expires the lease of the killed server,
// which would otherwise take half a minute.
func TestAServerWaitsForTheStatementOfOneThatWasKilled(t *testing.T) {
	onMySQL(t, func(t *testing.T, address string, b *blockedMigration) {
		s, _ := begin(t, address)
		b.waitForAltering(t, 1)
		s.kill(t)
		if n := b.altering(t); n != 1 {
			t.Fatalf("the killed server left %d statements running", n)
		}
		dead := b.owner(t)
		if _, err := b.db.Exec("UPDATE migration_lease SET until = 0"); err != nil {
			t.Fatal(err)
		}
		next, greeted := begin(t, address)
		for deadline := time.Now().Add(patience); b.owner(t) == dead; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("the next server does not take the lease")
			}
		}
		time.Sleep(500 * time.Millisecond) // time in which a wrong server would send its statement
		if n := b.altering(t); n != 1 {
			t.Errorf("%d statements change events, want that of the killed server alone", n)
		}
		b.release(t)
		mustBeReady(t, next.ready(t, greeted))
	})
}
