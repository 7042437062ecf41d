package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"entgo.io/ent/dialect"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/program"
)

// campaignql runs the program and returns its output and exit status.
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
				{"migrate"}, {"migrate", "--dry-run"},
				{"user", "create", "--username", "ann", "--email", "ann@example.com"},
			} {
				stdout, stderr, status := campaignql(t, append(args, "--database", address)...)
				want := "migrated by a newer campaignql: it is at 99990101000000, this one knows 2"
				if status != exitFailure || stdout != "" || !strings.Contains(stderr, want) {
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
			_, err = db.Exec("INSERT INTO schema_migration_steps (version, step) VALUES (99990101000000, 1)")
			if err != nil {
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

// TestADatabaseThatLacksColumnsIsNotServed drops a column although the migration that adds it is
// recorded as applied.
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
			if status != exitFailure || stdout != "" || !strings.Contains(stderr, want) {
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

// files returns the size and hash of the files in a folder, by name.
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
	if status != exitFailure || stdout != "" || !oneLine {
		t.Errorf("ended with %d and printed %s%s", status, stdout, stderr)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the database was made: %v", err)
	}
}
