package store_test

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"entgo.io/ent/dialect"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// backup is a copy of every table of a database, like a dump: a restore drops and recreates these
// tables, and does not change any other table.
type backup struct {
	// from is the address of the database. of is the location of the copy: another database, or an
	// SQLite file.
	from, of string
	tables   []string
}

// databaseName returns the name at the end of an address.
func databaseName(address string) string { return address[strings.LastIndex(address, "/")+1:] }

// dump copies a database without the named tables.
func dump(t *testing.T, engine testkit.Engine, db *store.Store, address string, without ...string) backup {
	t.Helper()
	b := backup{from: address, of: engine.Fresh(t)}
	if db.Dialect() == dialect.SQLite {
		b.of = strings.TrimPrefix(b.of, "sqlite:")
		must(t, db.Pools()[0], "VACUUM INTO '"+b.of+"'")
		return b
	}
	l := &landed{Store: db}
	b.tables = l.texts(t, "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
	b.tables = slices.DeleteFunc(b.tables, func(name string) bool { return slices.Contains(without, name) })
	b.copy(t, db, b.from, b.of)
	return b
}

// restore restores the copy over the database. While it runs, no store may have the SQLite file
// open.
func (b backup) restore(t *testing.T) {
	t.Helper()
	if path, ok := strings.CutPrefix(b.from, "sqlite:"); ok {
		text, err := os.ReadFile(b.of)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = os.Remove(path+"-wal"), os.Remove(path+"-shm")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	db, err := store.Open(t.Context(), b.from, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	b.copy(t, db, b.of, b.from)
}

func (b backup) copy(t *testing.T, db *store.Store, from, to string) {
	t.Helper()
	for _, table := range b.tables {
		source := fmt.Sprintf("`%s`.`%s`", databaseName(from), table)
		target := fmt.Sprintf("`%s`.`%s`", databaseName(to), table)
		must(t, db.Pools()[0], "DROP TABLE IF EXISTS "+target)
		must(t, db.Pools()[0], "CREATE TABLE "+target+" LIKE "+source)
		must(t, db.Pools()[0], "INSERT INTO "+target+" SELECT * FROM "+source)
	}
}

// keepSteps records every statement as done. Earlier releases left these records of finished
// versions.
func (l *landed) keepSteps(t *testing.T) {
	t.Helper()
	if l.Dialect() == dialect.SQLite {
		return
	}
	statements, err := store.Statements(os.DirFS(l.folder))
	if err != nil {
		t.Fatal(err)
	}
	for version, list := range statements {
		for i := range list {
			must(t, l.Pools()[0], fmt.Sprintf("REPLACE INTO schema_migration_steps (version, step, finished_at) "+
				"VALUES (%d, %d, '2026-11-30')", version, i+1))
		}
	}
}

// leftTable matches the error for a table of the newer state that a restore did not replace.
var leftTable = regexp.MustCompile(`the table (\w+) holds rows, .*; drop it if nothing in it is needed`)

// dropLeft drops the table that the error of a migration tells to drop, if it does.
func dropLeft(t *testing.T, db *store.Store, err error) bool {
	t.Helper()
	left := leftTable.FindStringSubmatch(err.Error())
	if left != nil {
		must(t, db.Pools()[0], "DROP TABLE `"+left[1]+"`")
	}
	return left != nil
}

// mustMigrateDropping migrates a restored database, and drops the tables of the newer state that the
// errors name.
func mustMigrateDropping(t *testing.T, db *store.Store, when string) []store.Migration {
	t.Helper()
	applied, err := db.Migrate(t.Context())
	for err != nil {
		if !dropLeft(t, db, err) {
			t.Fatalf("%s: %v", when, err)
		}
		var more []store.Migration
		more, err = db.Migrate(t.Context())
		applied = append(applied, more...)
	}
	return applied
}

// mustMigrateAgain migrates a restored database and compares it with the expected state.
func mustMigrateAgain(t *testing.T, address, when string, from int64, want state) {
	t.Helper()
	db := openLanded(t, address)
	db.SmallPortions()
	defer db.Close()
	applied := mustMigrateDropping(t, db.Store, when)
	lacking := slices.DeleteFunc(slices.Clone(db.versions), func(v int64) bool { return v <= from })
	if len(applied) != len(lacking) {
		t.Errorf("%s: %d versions were applied, %d were lacking", when, len(applied), len(lacking))
	}
	db.mustEqual(t, want)
	if err := db.Ready(t.Context()); err != nil {
		t.Errorf("%s: ready says %v", when, err)
	}
}

// TestABackupThatIsRestoredIsMigratedAgain migrates a released version, restores a dump of that
// version over the database and migrates again. It also covers a first migration that was
// interrupted.
func TestABackupThatIsRestoredIsMigratedAgain(t *testing.T) {
	t.Parallel()
	eachRestored(t, func(t *testing.T, engine testkit.Engine, from int64, want state) {
		address := engine.Fresh(t)
		db := openLanded(t, address).upTo(t, from)
		saved := dump(t, engine, db.Store, address)
		db.finish(t, from)
		db.keepSteps(t)
		db.Close()
		saved.restore(t)
		mustMigrateAgain(t, address, "after a whole migration", from, want)
		for _, point := range pointsAfter(t, engine, from) {
			saved.restore(t)
			interruptAt(t, address, point)
			saved.restore(t)
			mustMigrateAgain(t, address, "after an interruption at "+point, from, want)
		}
	})
}

// TestABackupOfAnInterruptedMigrationIsFinished dumps a database during a migration, with the
// records of its steps, and finishes the migration. Then it restores the dump and finishes the
// migration again.
func TestABackupOfAnInterruptedMigrationIsFinished(t *testing.T) {
	t.Parallel()
	eachRestored(t, func(t *testing.T, engine testkit.Engine, from int64, want state) {
		address := engine.Fresh(t)
		db := openLanded(t, address).upTo(t, from)
		before := dump(t, engine, db.Store, address)
		db.Close()
		for _, point := range pointsAfter(t, engine, from) {
			before.restore(t)
			interruptAt(t, address, point)
			db := openLanded(t, address)
			saved := dump(t, engine, db.Store, address)
			mustMigrateDropping(t, db.Store, "finished after "+point)
			applied := db.texts(t, "SELECT version_id FROM schema_migrations")
			db.keepSteps(t)
			db.Close()
			saved.restore(t)
			left := openLanded(t, address)
			lacking := len(applied) - len(left.texts(t, "SELECT version_id FROM schema_migrations"))
			left.Close()
			at := db.versions[len(db.versions)-lacking-1]
			mustMigrateAgain(t, address, "dumped at "+point, at, want)
		}
	})
}

// eachRestored runs test on every engine from every released version, or only from the most
// important ones: the versions before those with many data steps, and the last goose version, whose
// dump has no records of steps.
func eachRestored(t *testing.T, test func(t *testing.T, engine testkit.Engine, from int64, want state)) {
	t.Helper()
	for _, engine := range stepwise() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			versions := openLanded(t, "sqlite::memory:").versions
			for _, from := range versions[:len(versions)-1] {
				if testkit.Long() || from == sampled[1] || from == lastByGoose || from == beforeContacts {
					t.Run(fmt.Sprint(from), func(t *testing.T) {
						t.Parallel()
						test(t, engine, from, reference(t, engine, from))
					})
				}
			}
		})
	}
}

// samplePoints are the points at which migrations are interrupted if there is no time for every
// point: in a data step, and in the first version whose runner records steps.
var samplePoints = []string{"portion 20261126060232/2", "done 20261129205839/1", "portion 20261130061451/9"}

// pointsAfter returns the points at which a migration from a version can be interrupted: all, or
// the first one that is in the sample.
func pointsAfter(t *testing.T, engine testkit.Engine, from int64) (points []string) {
	t.Helper()
	db := openLanded(t, engine.Fresh(t)).upTo(t, from)
	defer db.Close()
	db.SmallPortions()
	db.OnStep(func(point, step string) error {
		key := point + " " + step
		sample := len(points) == 0 && slices.Contains(samplePoints, key)
		if !slices.Contains(points, key) && (testkit.Long() || sample) {
			points = append(points, key)
		}
		return nil
	})
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return points
}

// interruptAt migrates until a point is reached, and stops there.
func interruptAt(t *testing.T, address, where string) {
	t.Helper()
	db, err := store.Open(t.Context(), address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SmallPortions()
	db.OnStep(func(point, step string) error {
		if point+" "+step == where {
			return errInterrupted
		}
		return nil
	})
	_, err = db.Migrate(t.Context())
	for err != nil && dropLeft(t, db, err) {
		_, err = db.Migrate(t.Context())
	}
	if !errors.Is(err, errInterrupted) {
		t.Fatalf("the interruption at %s ended with %v", where, err)
	}
}
