package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// made is a folder of migrations, one version each.
func made(versions ...[]string) fstest.MapFS {
	files := fstest.MapFS{}
	for i, statements := range versions {
		text := "-- +goose Up\n" + strings.Join(statements, ";\n") + ";\n-- +goose Down\nDROP TABLE `t`;\n"
		files[fmt.Sprintf("%d_made.sql", i+1)] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// eachMade runs test on the MySQL servers, with a function that migrates to the given migrations.
func eachMade(t *testing.T, test func(t *testing.T, e testkit.Engine, db *store.Store, address string)) {
	t.Helper()
	for _, engine := range testkit.Engines() {
		if engine.Name == "sqlite" {
			continue // on SQLite each migration is one transaction with its record
		}
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			address := engine.Fresh(t)
			db, err := store.Open(t.Context(), address, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			test(t, engine, db, address)
		})
	}
}

var (
	madeFirst  = []string{table, "INSERT INTO `t` (`id`) VALUES (1), (2), (3)"}
	madeSecond = []string{
		"ALTER TABLE `t` ADD COLUMN `a` bigint NOT NULL DEFAULT 0, ADD INDEX `by_n` (`n`)",
		"UPDATE `t` SET `n` = `n` + 1", "ALTER TABLE `t` ADD COLUMN `b` bigint NOT NULL DEFAULT 0",
	}
)

func mustMigrateMade(t *testing.T, db *store.Store, files fstest.MapFS) {
	t.Helper()
	db.SetMigrations(files)
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func mustStopAt(t *testing.T, db *store.Store, files fstest.MapFS, where string) {
	t.Helper()
	db.SetMigrations(files)
	db.OnStep(func(point, step string) error {
		if point+" "+step == where {
			return errInterrupted
		}
		return nil
	})
	if _, err := db.Migrate(t.Context()); !errors.Is(err, errInterrupted) {
		t.Fatalf("the interruption at %s ended with %v", where, err)
	}
	db.OnStep(func(string, string) error { return nil })
}

// TestADataStepRunsAgainAfterARestore checks how often each row was changed.
func TestADataStepRunsAgainAfterARestore(t *testing.T) {
	t.Parallel()
	eachMade(t, func(t *testing.T, e testkit.Engine, db *store.Store, address string) {
		first, both := made(madeFirst), made(madeFirst, madeSecond)
		mustMigrateMade(t, db, first)
		without := dump(t, e, db, address, "schema_migration_steps")
		for _, point := range []string{"done 2/1", "recorded 2/1", "recorded 2/2", "done 2/3", "recorded 2/3"} {
			mustStopAt(t, db, both, point)
			within := dump(t, e, db, address)
			mustMigrateMade(t, db, both)
			within.restore(t)
			mustMigrateMade(t, db, both)
			within.restore(t)
			without.restore(t) // keeps the records of the interrupted migration
			mustMigrateMade(t, db, both)
			l := &landed{Store: db}
			got := fmt.Sprint(l.texts(t, "SELECT id, n, a, b FROM t"))
			if got != "[1 | 1 | 0 | 0 2 | 1 | 0 | 0 3 | 1 | 0 | 0]" {
				t.Errorf("%s: the rows are %s", point, got)
			}
			if steps := l.texts(t, "SELECT version, step FROM schema_migration_steps"); len(steps) > 0 {
				t.Errorf("%s: records of finished versions are left: %v", point, steps)
			}
			without.restore(t)
		}
	})
}

// TestIndexesThatComeAndGoProveNothing restores the state before a version without the records of
// its steps. The version drops an index and makes it again, and makes another one for a while: both
// are in the restored state as they are after the version.
func TestIndexesThatComeAndGoProveNothing(t *testing.T) {
	t.Parallel()
	eachMade(t, func(t *testing.T, e testkit.Engine, db *store.Store, address string) {
		first := []string{madeFirst[0], madeFirst[1], "CREATE INDEX `by_n` ON `t` (`n`)"}
		both := made(first, []string{
			"ALTER TABLE `t` ADD COLUMN `a` bigint NULL", "ALTER TABLE `t` DROP INDEX `by_n`",
			"ALTER TABLE `t` ADD INDEX `for_a_while` (`a`)", "UPDATE `t` SET `n` = `n` + 1",
			"ALTER TABLE `t` DROP INDEX `for_a_while`, ADD INDEX `by_n` (`n`)", "UPDATE `t` SET `a` = `n`",
		})
		mustMigrateMade(t, db, made(first))
		without := dump(t, e, db, address, "schema_migration_steps")
		for _, point := range []string{"recorded 2/2", "recorded 2/4", "recorded 2/5", "recorded 2/6"} {
			mustStopAt(t, db, both, point)
			without.restore(t)
			mustMigrateMade(t, db, both)
			l := &landed{Store: db}
			if got := fmt.Sprint(l.texts(t, "SELECT id, n, a FROM t")); got != "[1 | 1 | 1 2 | 1 | 1 3 | 1 | 1]" {
				t.Errorf("%s: the rows are %s", point, got)
			}
			without.restore(t)
		}
	})
}

// TestRecordsThatFitNeitherStateAreRefused manually drops what one statement of an interrupted
// migration created. If the data step ran again, it would change rows twice.
func TestRecordsThatFitNeitherStateAreRefused(t *testing.T) {
	t.Parallel()
	eachMade(t, func(t *testing.T, _ testkit.Engine, db *store.Store, _ string) {
		both := made(madeFirst, madeSecond)
		mustStopAt(t, db, both, "recorded 2/2")
		must(t, db.Pools()[0], "ALTER TABLE t DROP INDEX by_n")
		_, err := db.Migrate(t.Context())
		if err == nil || !strings.Contains(err.Error(), "the index by_n of the table t is missing") ||
			!strings.Contains(err.Error(), "into an empty database") {
			t.Fatalf("ended with %v", err)
		}
		if _, err := db.Pending(t.Context()); err == nil {
			t.Error("a dry run does not say so")
		}
		must(t, db.Pools()[0], "ALTER TABLE t ADD INDEX by_n (n)")
		mustMigrateMade(t, db, both)
		if got := (&landed{Store: db}).texts(t, "SELECT n FROM t"); fmt.Sprint(got) != "[1 1 1]" {
			t.Errorf("the rows are %v", got)
		}
	})
}

// TestATableThatSurvivedARestoreIsNotTakenOver has a table with rows of a newer state. The restored
// state does not contain the table.
func TestATableThatSurvivedARestoreIsNotTakenOver(t *testing.T) {
	t.Parallel()
	eachMade(t, func(t *testing.T, e testkit.Engine, db *store.Store, address string) {
		u := strings.ReplaceAll(table, "`t`", "`u`")
		both := made(madeFirst, []string{u})
		mustMigrateMade(t, db, made(madeFirst))
		saved := dump(t, e, db, address)
		mustMigrateMade(t, db, both)
		saved.restore(t)
		mustMigrateMade(t, db, both) // an empty table is the same as a new one
		must(t, db.Pools()[0], "INSERT INTO u (id) VALUES (1)")
		saved.restore(t)
		_, err := db.Migrate(t.Context())
		if err == nil || !strings.Contains(err.Error(), "the table u holds rows") ||
			!strings.Contains(err.Error(), "drop it") {
			t.Fatalf("ended with %v", err)
		}
		must(t, db.Pools()[0], "DROP TABLE u")
		mustMigrateMade(t, db, both)
	})
}

// TestRecordsOfANewerVersionDoNotOutliveARestore interrupts a migration of a newer build and
// restores the earlier state. The older build must accept this state.
func TestRecordsOfANewerVersionDoNotOutliveARestore(t *testing.T) {
	t.Parallel()
	eachMade(t, func(t *testing.T, e testkit.Engine, db *store.Store, address string) {
		mustMigrateMade(t, db, made(madeFirst))
		saved := dump(t, e, db, address, "schema_migration_steps")
		third := []string{"ALTER TABLE `t` ADD COLUMN `c` bigint NOT NULL DEFAULT 0", "UPDATE `t` SET `c` = 1"}
		mustStopAt(t, db, made(madeFirst, madeSecond, third), "recorded 3/1")
		db.SetMigrations(made(madeFirst, madeSecond))
		if err := db.Compatible(t.Context()); err == nil {
			t.Error("a database that a newer build has begun to migrate is not refused")
		}
		saved.restore(t)
		if err := db.Compatible(t.Context()); err != nil {
			t.Errorf("the restored database is refused: %v", err)
		}
		mustMigrateMade(t, db, made(madeFirst, madeSecond))
		mustMigrateMade(t, db, made(madeFirst, madeSecond, third))
	})
}

// TestAFileThatChangesATableTwiceIsFinished interrupts a migration at every point. Its statements
// undo and extend each other.
func TestAFileThatChangesATableTwiceIsFinished(t *testing.T) {
	t.Parallel()
	eachMade(t, func(t *testing.T, _ testkit.Engine, db *store.Store, _ string) {
		db.SetMigrations(made(madeFirst, []string{
			"ALTER TABLE `t` ADD COLUMN `a` bigint NULL, ADD INDEX `by_n` (`n`)",
			"CREATE TABLE `u` (`id` bigint NOT NULL, `n` bigint NOT NULL, PRIMARY KEY (`id`))",
			"INSERT INTO `u` SELECT `id`, `n` FROM `t`",
			"ALTER TABLE `u` ADD COLUMN `a` bigint NULL",
			"UPDATE `u` SET `n` = `n` + 1",
			"ALTER TABLE `u` MODIFY COLUMN `n` int NOT NULL, ADD INDEX `by_n` (`n`)",
			"ALTER TABLE `t` DROP COLUMN `a`, DROP INDEX `by_n`",
			"DROP TABLE `t`",
			"CREATE TABLE `t` (`id` bigint NOT NULL, PRIMARY KEY (`id`))",
			"INSERT INTO `t` SELECT `id` FROM `u`",
		}))
		points := &interruptions{seen: map[string]int{}}
		db.OnStep(func(point, step string) error {
			if points.next(point, step) {
				return errInterrupted
			}
			return nil
		})
		for {
			_, err := db.Migrate(context.Background())
			if err == nil {
				break
			}
			if !errors.Is(err, errInterrupted) {
				t.Fatal(err)
			}
		}
		l := &landed{Store: db}
		got := fmt.Sprint(l.texts(t, "SELECT id, n, a FROM u"), l.texts(t, "SELECT * FROM t"))
		if got != "[1 | 1 | NULL 2 | 1 | NULL 3 | 1 | NULL] [1 2 3]" {
			t.Errorf("the rows are %s", got)
		}
	})
}
