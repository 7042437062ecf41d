package store_test

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// insert writes a row through the store.
func insert(ctx context.Context, db *store.Store, name string) error {
	ctx = caller.System(ctx)
	return db.Tx(ctx, func(ctx context.Context) error {
		id := name + rand.Text()
		return db.Client(ctx).
			LoginAttempt.Create().
			SetID(id + strings.Repeat("x", 80-len(id))).SetFailures(1).SetExpiresAt(store.Now()).
			Exec(ctx)
	})
}

// unready checks that the server reports that the database accepts no changes, and that a change
// fails with Unavailable.
func unready(t *testing.T, db *store.Store, when string) {
	t.Helper()
	err := insert(t.Context(), db, when)
	if apperr.CodeOf(store.Translate(err)) != apperr.Unavailable {
		t.Errorf("%s: writing fails with %v (%s)", when, err, apperr.CodeOf(store.Translate(err)))
	}
	err = db.Ready(t.Context())
	if apperr.CodeOf(err) != apperr.Unavailable || !strings.Contains(fmt.Sprint(err), "does not accept changes") {
		t.Errorf("%s: ready says %v", when, err)
	}
}

func ready(t *testing.T, db *store.Store, when string) {
	t.Helper()
	if err := db.Ready(t.Context()); err != nil {
		t.Errorf("%s: ready says %v", when, err)
	}
	if err := insert(t.Context(), db, when); err != nil {
		t.Errorf("%s: writing fails with %v", when, err)
	}
}

// plainUser creates a database user without the privilege to write to a read-only server. It
// returns the address with this user, and a connection of an administrator.
func plainUser(t *testing.T, address string) (plain string, admin *sql.DB) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	admin, err = sql.Open("mysql", fmt.Sprintf("%s@tcp(%s)/", u.User.Username(), u.Host))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { admin.Close() })
	name := "plain" + strings.TrimPrefix(u.Path, "/campaignql_test_")
	for _, host := range []string{"%", "localhost", "127.0.0.1"} {
		account := fmt.Sprintf("'%s'@'%s'", name, host)
		must(t, admin, "CREATE USER "+account+" IDENTIFIED BY 'secret'")
		must(t, admin, "GRANT ALL ON "+u.Path[1:]+".* TO "+account)
		t.Cleanup(func() { _, _ = admin.Exec("DROP USER " + account) })
	}
	u.User = url.UserPassword(name, "secret")
	return u.String(), admin
}

func must(t *testing.T, db *sql.DB, statement string) {
	t.Helper()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// TestAReadOnlyDatabaseIsNotReady opens a database whose connections are read-only.
func TestAReadOnlyDatabaseIsNotReady(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := testkit.Open(t, address)
		ready(t, db, "before")
		if strings.HasPrefix(address, "sqlite:") {
			must(t, db.Pools()[0], "PRAGMA query_only = 1")
			if err := insert(t.Context(), db, "while"); apperr.CodeOf(store.Translate(err)) != apperr.Unavailable {
				t.Errorf("writing to a read-only database fails with %v", err)
			}
			must(t, db.Pools()[0], "PRAGMA query_only = 0")
		} else {
			variable := "transaction_read_only"
			var n int
			const known = "SELECT COUNT(*) FROM information_schema.system_variables WHERE variable_name = 'TX_READ_ONLY'"
			if err := db.Pools()[0].QueryRow(known).Scan(&n); err == nil && n == 1 {
				variable = "tx_read_only" // MariaDB, of any version
			}
			refusing, err := store.Open(t.Context(), address+"?"+variable+"=1", store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer refusing.Close()
			unready(t, refusing, "while")
		}
		ready(t, db, "after")
	})
}

// TestAServerThatBecomesReadOnlyIsNotReady makes the server read-only while a store uses it, as a
// failover does with the old primary. Tests of other packages share the server, so this test runs
// only when it has the server to itself.
func TestAServerThatBecomesReadOnlyIsNotReady(t *testing.T) {
	if !testkit.Long() {
		t.Skipf("it changes a server that others use: set %s=1", testkit.LongVariable)
	}
	testkit.EachFresh(t, func(t *testing.T, address string) {
		if strings.HasPrefix(address, "sqlite:") {
			return
		}
		plain, admin := plainUser(t, address)
		db := testkit.Open(t, plain)
		ready(t, db, "before")
		must(t, admin, "SET GLOBAL read_only = 1")
		defer must(t, admin, "SET GLOBAL read_only = 0")
		unready(t, db, "while")
		must(t, admin, "SET GLOBAL read_only = 0")
		ready(t, db, "after")
	})
}

// TestAFullDiskIsNotReady fills a file system of one megabyte.
func TestAFullDiskIsNotReady(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder).CombinedOutput(); err != nil {
		testkit.Missing(t, "a small file system cannot be mounted: "+string(out))
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", folder).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", out)
		}
	})
	db := testkit.Open(t, "sqlite:"+folder+"/full.db")
	ready(t, db, "before")
	ballast := filepath.Join(folder, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<20), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the file system is not full: %v", err)
	}
	var err error
	for i := 0; err == nil && i < 10_000; i++ {
		err = insert(t.Context(), db, "filling")
	}
	if apperr.CodeOf(store.Translate(err)) != apperr.Unavailable {
		t.Errorf("writing to a full disk fails with %v", err)
	}
	unready(t, db, "while the disk is full")
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	ready(t, db, "after")
}
