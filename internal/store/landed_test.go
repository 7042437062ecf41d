package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"entgo.io/ent/dialect"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"

	"campaignql/internal/store"
)

// landed is a database as a released build created it, with rows in every table.
type landed struct {
	*store.Store
	address  string
	versions []int64
	goose    *goose.Provider
	// folder contains the migrations of the dialect.
	folder string
}

// lastByGoose is the last version that releases applied with goose. goose ran each file in one
// transaction, which MySQL commits at each DDL statement.
const lastByGoose = 20261126194458

// beforeContacts is the version before the one that makes contacts of subscribers.
const beforeContacts = 20261129210632

// openLanded opens an empty database.
func openLanded(t *testing.T, address string) *landed {
	t.Helper()
	db, err := store.Open(t.Context(), address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	name, folder := goose.DialectMySQL, "migrations/mysql"
	if db.Dialect() == dialect.SQLite {
		name, folder = goose.DialectSQLite3, "migrations/sqlite"
	}
	versions, err := database.NewStore(name, "schema_migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectCustom, db.Pools()[0], os.DirFS(folder),
		goose.WithStore(versions), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	l := &landed{Store: db, address: address, goose: provider, folder: folder}
	for _, source := range provider.ListSources() {
		l.versions = append(l.versions, source.Version)
	}
	return l
}

// upTo migrates to a version as the released builds did. At each version it adds the rows of
// testdata/landed, which cover what the tables could contain.
func (l *landed) upTo(t *testing.T, version int64) *landed {
	t.Helper()
	for _, v := range l.versions {
		if v > version {
			break
		}
		l.apply(t, v)
		l.fill(t, v)
	}
	return l
}

// apply migrates to a version with the migration runner of its release.
func (l *landed) apply(t *testing.T, version int64) {
	t.Helper()
	if version <= lastByGoose {
		if _, err := l.goose.UpTo(t.Context(), version); err != nil {
			t.Fatal(err)
		}
		return
	}
	some := fstest.MapFS{}
	for _, source := range l.goose.ListSources() {
		text, err := os.ReadFile(filepath.Join(l.folder, source.Path))
		if err != nil {
			t.Fatal(err)
		}
		if source.Version <= version {
			some[source.Path] = &fstest.MapFile{Data: text}
		}
	}
	db, err := store.Open(t.Context(), l.address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMigrations(some)
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// finish applies the versions after version without an interruption.
func (l *landed) finish(t *testing.T, from int64) {
	t.Helper()
	for _, v := range l.versions {
		if v > from {
			l.apply(t, v)
		}
	}
}

func (l *landed) fill(t *testing.T, version int64) {
	t.Helper()
	rows, err := os.ReadFile(filepath.Join("testdata", "landed", fmt.Sprint(version, ".sql")))
	if os.IsNotExist(err) {
		return // a version without rows of its own
	}
	if err != nil {
		t.Fatal(err)
	}
	tx, err := l.Pools()[0].BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(rows)) {
		if _, err := tx.ExecContext(t.Context(), line); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// own are the tables that only the migration runners use.
var own = []string{"schema_migrations", "schema_migration_steps", "migration_lease", "sqlite_sequence"}

func (l *landed) tables(t *testing.T) []string {
	t.Helper()
	query := "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name"
	if l.Dialect() == dialect.MySQL {
		query = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() ORDER BY table_name"
	}
	return slices.DeleteFunc(l.texts(t, query), func(name string) bool { return slices.Contains(own, name) })
}

// texts returns rows as text, one line for each.
func (l *landed) texts(t *testing.T, query string) []string {
	t.Helper()
	rows, err := l.Pools()[0].QueryContext(context.Background(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		t.Fatal(err)
	}
	values := make([]sql.NullString, len(columns))
	targets := make([]any, len(columns))
	for i := range values {
		targets[i] = &values[i]
	}
	var lines []string
	for rows.Next() {
		if err := rows.Scan(targets...); err != nil {
			t.Fatal(err)
		}
		var line []string
		for _, v := range values {
			if v.Valid {
				line = append(line, v.String)
			} else {
				line = append(line, "NULL")
			}
		}
		lines = append(lines, strings.Join(line, " | "))
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}

var nextID = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

// catalogue returns a description of every table and index.
func (l *landed) catalogue(t *testing.T) string {
	t.Helper()
	if l.Dialect() == dialect.SQLite {
		return strings.Join(slices.DeleteFunc(
			l.texts(t, "SELECT tbl_name, type, name, sql FROM sqlite_master ORDER BY tbl_name, type, name"),
			func(line string) bool { return slices.Contains(own, strings.Split(line, " | ")[0]) }), "\n")
	}
	var out []string
	for _, table := range l.tables(t) {
		for _, line := range l.texts(t, "SHOW CREATE TABLE `"+table+"`") {
			out = append(out, nextID.ReplaceAllString(line, ""))
		}
	}
	return strings.Join(out, "\n")
}

// contents returns all rows of all tables, and the recorded versions.
func (l *landed) contents(t *testing.T) string {
	t.Helper()
	versions := l.texts(t, "SELECT version_id FROM schema_migrations ORDER BY version_id")
	out := []string{"versions " + strings.Join(versions, " ")}
	for _, table := range l.tables(t) {
		lines := l.texts(t, "SELECT * FROM `"+table+"`")
		slices.Sort(lines)
		out = append(append(out, table), lines...)
	}
	return strings.Join(out, "\n")
}

// state is the part of a database that must be equal after a migration.
type state struct{ catalogue, contents string }

func (l *landed) state(t *testing.T) state { return state{l.catalogue(t), l.contents(t)} }
