package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3/database"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/program"
)

// firstVersion is the first landed migration; the one after it changes events in one ALTER TABLE.
const firstVersion = "20261123233802"

// blockedMigration is a MySQL database of the first landed version on which a migration cannot get
// on: a transaction that has read events keeps ALTER TABLE waiting on the server.
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
	// A server that is left waiting would keep the database from being dropped.
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

// altering counts the statements that wait to change events.
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

// owner is who has the lease, "" when nobody.
func (b *blockedMigration) owner(t *testing.T) (owner string) {
	t.Helper()
	if err := b.db.QueryRow("SELECT owner FROM migration_lease WHERE id = 1").Scan(&owner); err != nil {
		t.Fatal(err)
	}
	return owner
}

// freePort returns an address on which nobody listens.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// onMySQL runs test with a migration that is blocked, on each server.
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

// mustMigrate starts a server and waits until it is ready.
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
		for path, want := range map[string]int{"/healthz": 200, "/readyz": 503, "/graphql": 503, "/api.php": 503, "/": 503} {
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
		time.Sleep(300 * time.Millisecond) // the statement goes on after the signal
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
		b.waitForAltering(t, 0) // though what it waits for is still there
		if b.owner(t) != "" {
			t.Errorf("the lease is held by %q", b.owner(t))
		}
		b.release(t)
		mustMigrate(t, address)
	})
}

// TestAServerWaitsForTheStatementOfOneThatWasKilled also lets the lease of the killed server end,
// as half a minute would.
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
		time.Sleep(500 * time.Millisecond) // it has the lease, and would have sent its statement by now
		if n := b.altering(t); n != 1 {
			t.Errorf("%d statements change events, want that of the killed server alone", n)
		}
		b.release(t)
		mustBeReady(t, next.ready(t, greeted))
	})
}

// campaignql runs the program and returns what it printed and its exit status.
func campaignql(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	command := exec.CommandContext(t.Context(), program.Path(t), args...)
	command.Env = environ()
	var out, errs bytes.Buffer
	command.Stdout, command.Stderr = &out, &errs
	_ = command.Run() // the exit status is read below
	return out.String(), errs.String(), command.ProcessState.ExitCode()
}

func TestAnOlderBuildRefusesANewerDatabase(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		refused := func(when string) {
			t.Helper()
			for _, args := range [][]string{
				{"serve", "--listen", "127.0.0.1:0"}, {"serve", "--listen", "127.0.0.1:0", "--no-migrate"},
				{"migrate"}, {"migrate", "--dry-run"}, {"user", "create", "--username", "ann", "--email", "ann@example.com"},
			} {
				stdout, stderr, status := campaignql(t, append(args, "--database", address)...)
				want := "migrated by a newer campaignql: it is at 99990101000000, this one knows 2"
				if status != exitUsage || stdout != "" || !strings.Contains(stderr, want) {
					t.Errorf("%s: %v ended with %d and printed %s%s", when, args, status, stdout, stderr)
				}
			}
		}
		if _, stderr, status := campaignql(t, "migrate", "--database", address); status != 0 {
			t.Fatal(stderr)
		}
		s, err := store.Open(t.Context(), address, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		db := s.Pools()[0]
		if s.Dialect() == dialect.MySQL {
			if _, err := db.Exec("INSERT INTO schema_migration_steps (version, step) VALUES (99990101000000, 1)"); err != nil {
				t.Fatal(err)
			}
			refused("begun by the newer one")
		}
		_, err = db.Exec("INSERT INTO schema_migrations (version_id, is_applied) VALUES (99990101000000, 1)")
		if err != nil {
			t.Fatal(err)
		}
		refused("migrated by the newer one")
	})
}

// TestADatabaseThatLacksColumnsIsNotServed drops a column whose version is recorded.
func TestADatabaseThatLacksColumnsIsNotServed(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		if _, stderr, status := campaignql(t, "migrate", "--database", address); status != 0 {
			t.Fatal(stderr)
		}
		s, err := store.Open(t.Context(), address, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Pools()[0].Exec("ALTER TABLE campaigns DROP COLUMN approved_digest")
		if err = errors.Join(err, s.Close()); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"serve", "--listen", "127.0.0.1:0"}, {"serve", "--listen", "127.0.0.1:0", "--no-migrate"},
			{"migrate"}, {"migrate", "--dry-run"},
		} {
			stdout, stderr, status := campaignql(t, append(args, "--database", address)...)
			want := "it lacks campaigns.approved_digest: restore the backup"
			if status != exitUsage || stdout != "" || !strings.Contains(stderr, want) {
				t.Errorf("%v ended with %d and printed %s%s", args, status, stdout, stderr)
			}
		}
	})
}

func TestADryRunWritesNothing(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		path, onSQLite := strings.CutPrefix(address, "sqlite:")
		dryRun := func(when string, want ...string) {
			t.Helper()
			planned, stderr, status := campaignql(t, "migrate", "--dry-run", "--database", address)
			if status != 0 || stderr != "" || len(want) == 0 && planned != "" {
				t.Errorf("%s: ended with %d and printed %s%s", when, status, planned, stderr)
			}
			for _, part := range want {
				if !strings.Contains(planned, part) {
					t.Errorf("%s: %s is missing in %s", when, part, planned)
				}
			}
		}
		dryRun("of an empty database", "CREATE TABLE `campaigns`", "_audience_purges")
		if !onSQLite {
			if n := tables(t, address); n != 0 {
				t.Errorf("%d tables were made", n)
			}
			return
		}
		nothing := func(when string, want map[string]string) {
			t.Helper()
			if got := files(t, filepath.Dir(path)); fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%s: the files are %v, were %v", when, got, want)
			}
		}
		nothing("without a file", map[string]string{})
		if _, stderr, status := campaignql(t, "migrate", "--database", address); status != 0 {
			t.Fatal(stderr)
		}
		before := files(t, filepath.Dir(path))
		if err := os.Chmod(path, 0o400); err != nil {
			t.Fatal(err)
		}
		dryRun("of a database that is up to date")
		nothing("with a file", before)
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
		s := start(t, address)
		dryRun("while a server runs")
		mustBeReady(t, s)
	})
}

func tables(t *testing.T, address string) (n int) {
	t.Helper()
	s, err := store.Open(t.Context(), address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	row := s.Pools()[0].QueryRow("SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = DATABASE()")
	if err := row.Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// files returns the contents of a folder by name.
func files(t *testing.T, folder string) map[string]string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, entry := range entries {
		text, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		out[entry.Name()] = fmt.Sprintf("%d bytes, %x", len(text), sha256.Sum256(text))
	}
	return out
}

func TestAPortThatIsTakenIsFoundBeforeTheDatabaseIsTouched(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	path := filepath.Join(t.TempDir(), "untouched.db")
	address := taken.Addr().String()
	stdout, stderr, status := campaignql(t, "serve", "--listen", address, "--database", "sqlite:"+path)
	oneLine := strings.Count(stderr, "\n") == 1 && strings.Contains(stderr, "--listen "+address+": ")
	if status != exitUsage || stdout != "" || !oneLine {
		t.Errorf("ended with %d and printed %s%s", status, stdout, stderr)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the database was made: %v", err)
	}
}
