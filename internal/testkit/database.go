// Package testkit provides databases and fixtures for tests. Only tests import it.
package testkit

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/go-sql-driver/mysql" // creates and drops the databases of a run

	"campaignql/internal/store"
)

// MySQLVariable is the environment variable with the comma-separated addresses of the
// MySQL-protocol servers to test on, without a database name: mysql://root@127.0.0.1:3398/.
const MySQLVariable = "CAMPAIGNQL_TEST_MYSQL"

// SQLiteVariable is the environment variable that, if set to off, skips SQLite when there is a
// server to test on. SQLite runs in the process of the test, and the race detector makes it slow.
const SQLiteVariable = "CAMPAIGNQL_TEST_SQLITE"

// RequireVariable is the environment variable that, if set to 1, turns each skip because of a
// missing server or tool into a failure.
const RequireVariable = "CAMPAIGNQL_REQUIRE_ALL"

// Engine is one database engine to test on.
type Engine struct {
	// Name is "sqlite", or "mysql-" and the port.
	Name string
	// server is the address of the server, empty for SQLite.
	server string
}

// WithSQLite reports whether SQLite is one of the engines.
func WithSQLite() bool { return Engines()[0].server == "" }

// LongVariable names the environment variable that, set to 1, as .ci/long does, has tests do all that they can and not
// a sample.
const LongVariable = "CAMPAIGNQL_LONG"

// Long reports whether tests run in their longest form.
func Long() bool { return os.Getenv(LongVariable) == "1" }

// OncePerRun skips a test where SQLite is left out. It is for a test that uses no engine, or SQLite alone, and that is
// not to be raced: it would tell nothing in a further run of its package on another server, as the run with SQLite has it.
func OncePerRun(t *testing.T) {
	t.Helper()
	if !WithSQLite() {
		t.Skip(SQLiteVariable + "=off: the run with SQLite has this test")
	}
}

// Engines returns SQLite, unless SQLiteVariable is off, and every MySQL-protocol server of
// MySQLVariable.
func Engines() []Engine {
	engines := []Engine{{Name: "sqlite"}}
	for address := range strings.SplitSeq(os.Getenv(MySQLVariable), ",") {
		if address = strings.TrimSpace(address); address == "" {
			continue
		}
		name := "mysql"
		if u, err := url.Parse(address); err == nil && u.Port() != "" {
			name += "-" + u.Port()
		}
		engines = append(engines, Engine{Name: name, server: address})
	}
	if len(engines) > 1 && os.Getenv(SQLiteVariable) == "off" {
		return engines[1:]
	}
	return engines
}

// Each runs test as a subtest on every engine, with a migrated database. Other tests of the same
// process share the database, so each test creates its own accounts. If there is no MySQL server,
// Each runs a subtest named "mysql" that is skipped, or that fails under RequireVariable.
func Each(t *testing.T, test func(t *testing.T, db *store.Store)) {
	t.Helper()
	each(t, func(t *testing.T, e Engine) { test(t, e.Shared(t)) })
}

// EachFresh is like Each, but passes the address of an empty, unmigrated database that only this
// test uses.
func EachFresh(t *testing.T, test func(t *testing.T, address string)) {
	t.Helper()
	each(t, func(t *testing.T, e Engine) { test(t, e.Fresh(t)) })
}

func each(t *testing.T, test func(t *testing.T, e Engine)) {
	t.Helper()
	engines := Engines()
	for _, e := range engines {
		t.Run(e.Name, func(t *testing.T) { test(t, e) })
	}
	if len(engines) == 1 && engines[0].server == "" {
		t.Run("mysql", func(t *testing.T) { Missing(t, MySQLVariable+" names no MySQL-protocol server") })
	}
}

// Missing skips the test because something that it needs is missing, or fails the test under
// RequireVariable.
func Missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv(RequireVariable) == "1" {
		t.Fatalf("%s, and %s=1 forbids skipping", what, RequireVariable)
	}
	t.Skipf("SKIPPED: %s", what)
}

// Fresh returns the address of an empty database. The database is dropped when the test ends.
func (e Engine) Fresh(t *testing.T) string {
	t.Helper()
	if e.server == "" {
		return "sqlite:" + filepath.Join(t.TempDir(), "test.db")
	}
	address, drop := e.create(t)
	t.Cleanup(drop)
	return address
}

var shared = struct {
	sync.Mutex
	stores map[string]*store.Store
}{stores: map[string]*store.Store{}}

// Shared returns a migrated database that exists as long as the test process.
func (e Engine) Shared(t *testing.T) *store.Store {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if s := shared.stores[e.Name]; s != nil {
		return s
	}
	address := ""
	if e.server == "" {
		dir, err := os.MkdirTemp("", directoryPrefix)
		if err != nil {
			t.Fatal(err)
		}
		removeOld()
		address = "sqlite:" + filepath.Join(dir, "shared.db")
	} else {
		address, _ = e.create(t)
	}
	s, err := store.Open(context.Background(), address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	shared.stores[e.Name] = s
	return s
}

const directoryPrefix = "campaignql-test-"

// removeOld removes the directories of test runs that are more than an hour old. They cannot be
// removed earlier, because a package does not know when its last test has ended.
func removeOld() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), directoryPrefix+"*"))
	for _, dir := range left {
		if info, err := os.Stat(dir); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(dir)
		}
	}
}

// Open opens and migrates the database at address. It closes the database when the test ends.
func Open(t testing.TB, address string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if _, err := s.Migrate(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

const prefix = "campaignql_test_"

// create creates a database whose name contains the time of its creation. It also drops databases
// of earlier runs that are more than an hour old.
func (e Engine) create(t *testing.T) (address string, drop func()) {
	t.Helper()
	u, err := url.Parse(e.server)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	admin, err := sql.Open("mysql", fmt.Sprintf("%s:%s@tcp(%s)/", u.User.Username(), password, u.Host))
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("%s%d_%08x", prefix, time.Now().Unix(), rand.Uint32())
	if _, err := admin.Exec("CREATE DATABASE " + name + " CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"); err != nil {
		t.Fatalf("%s is not there: %v", e.server, err)
	}
	dropOld(admin)
	u.Path = "/" + name
	return u.String(), func() {
		if _, err := admin.Exec("DROP DATABASE IF EXISTS " + name); err != nil {
			t.Error(err)
		}
		admin.Close()
	}
}

func dropOld(admin *sql.DB) {
	rows, err := admin.Query("SHOW DATABASES LIKE '" + strings.ReplaceAll(prefix, "_", `\_`) + "%'")
	if err != nil {
		return
	}
	var old []string
	for rows.Next() {
		var name string
		if rows.Scan(&name) != nil {
			continue
		}
		stamp, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "_")
		if made, err := strconv.ParseInt(stamp, 10, 64); err == nil && time.Since(time.Unix(made, 0)) > time.Hour {
			old = append(old, name)
		}
	}
	rows.Close()
	for _, name := range old {
		_, _ = admin.Exec("DROP DATABASE IF EXISTS " + name) // another run may be dropping it too
	}
}
