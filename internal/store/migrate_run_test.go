package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"entgo.io/ent/dialect"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// withMigrations opens an empty database with a single migration of these statements.
func withMigrations(t *testing.T, address string, statements ...string) *store.Store {
	t.Helper()
	db, err := store.Open(t.Context(), address, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	text := "-- +goose Up\n" + strings.Join(statements, ";\n") + ";\n-- +goose Down\nDROP TABLE `t`;\n"
	db.SetMigrations(fstest.MapFS{"1_made.sql": {Data: []byte(text)}})
	return db
}

// table creates a table in both dialects.
const table = "CREATE TABLE `t` (`id` bigint NOT NULL, `n` bigint NOT NULL DEFAULT 0, PRIMARY KEY (`id`))"

// slow returns a statement that takes minutes.
func slow(db *store.Store) string {
	if db.Dialect() == dialect.MySQL {
		const ten = "(SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 " +
			"UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9 UNION ALL SELECT 10) AS "
		tables := make([]string, 10)
		for i := range tables {
			tables[i] = fmt.Sprint(ten, "x", i)
		}
		return "INSERT INTO `t` (`id`) SELECT COUNT(*) FROM " + strings.Join(tables, ", ")
	}
	return "INSERT INTO `t` (`id`) WITH RECURSIVE c(x) AS " +
		"(SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 300000000) SELECT max(x) FROM c"
}

// started returns a channel that is closed when the given statement begins.
func started(db *store.Store, number int) <-chan struct{} {
	began := make(chan struct{})
	db.OnStep(func(point, step string) error {
		if point == "before" && step == fmt.Sprint("1/", number) {
			close(began)
		}
		return nil
	})
	return began
}

func TestAStatementThatOutlivesTheGraceIsRolledBack(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := withMigrations(t, address, table)
		db = withMigrations(t, address, table, slow(db), "INSERT INTO `t` (`id`) VALUES (1)")
		db.SetGrace(200 * time.Millisecond)
		began := started(db, 2)
		ctx, stop := context.WithCancelCause(t.Context())
		told := errors.New("told to stop")
		go func() {
			<-began
			time.Sleep(100 * time.Millisecond) // the statement is sent after the point "before"
			stop(told)
		}()
		since := time.Now()
		_, err := db.Migrate(ctx)
		if !errors.Is(err, told) || !strings.Contains(err.Error(), "the next start goes on from there") {
			t.Fatalf("ended with %v", err)
		}
		if took := time.Since(since); took > 15*time.Second {
			t.Errorf("it took %s", took)
		}
		again := withMigrations(
			t, address, table, "INSERT INTO `t` (`id`) VALUES (2)", "INSERT INTO `t` (`id`) VALUES (1)",
		)
		if _, err := again.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		var sum, n int
		if err := db.Pools()[0].QueryRow("SELECT SUM(id), COUNT(*) FROM t").
			Scan(&sum, &n); err != nil || sum != 3 ||
			n != 2 {
			t.Errorf("%d rows with the sum %d, %v", n, sum, err)
		}
	})
}

func TestAMigrationWhoseLeaseIsTakenStopsAtOnce(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		if strings.HasPrefix(address, "sqlite:") {
			t.Skip("SQLite needs no lease: its file has one writer")
		}
		t.Parallel()
		db := withMigrations(t, address, table)
		db = withMigrations(t, address, table, slow(db))
		db.SetLease(3 * time.Second)
		began := started(db, 2)
		go func() {
			<-began
			if _, err := db.Pools()[0].Exec("UPDATE migration_lease SET owner = 'another'"); err != nil {
				t.Error(err)
			}
		}()
		since := time.Now()
		_, err := db.Migrate(t.Context())
		if !errors.Is(err, store.ErrLeaseLost) {
			t.Fatalf("ended with %v", err)
		}
		if took := time.Since(since); took > 15*time.Second { // the grace period, which must not apply here
			t.Errorf("it took %s", took)
		}
		if running := testkit.Running(t, db.Pools()[0], "x9"); running != 0 {
			t.Errorf("%d statements go on", running)
		}
	})
}

func TestWaitingForAnotherServerEndsWhenToldToStop(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := withMigrations(t, address, table)
		ctx, stop := context.WithCancelCause(t.Context())
		told := errors.New("told to stop")
		if db.Dialect() == dialect.MySQL {
			for _, query := range []string{
				"CREATE TABLE migration_lease (id INT NOT NULL PRIMARY KEY, owner VARCHAR(36) NOT NULL, until BIGINT NOT NULL)",
				"INSERT INTO migration_lease (id, owner, until) VALUES (1, 'another', 9999999999999)",
			} {
				if _, err := db.Pools()[0].Exec(query); err != nil {
					t.Fatal(err)
				}
			}
		} else {
			other := withMigrations(t, address, table)
			tx, err := other.Pools()[0].Begin()
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback() }()
		}
		time.AfterFunc(300*time.Millisecond, func() { stop(told) })
		db.SetGrace(300 * time.Millisecond)
		if _, err := db.Migrate(ctx); !errors.Is(err, told) {
			t.Errorf("ended with %v", err)
		}
	})
}

// TestADataStepChangesEachRowOnce interrupts a step that adds to every row, before and after the
// commit of each batch.
func TestADataStepChangesEachRowOnce(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		rows := "INSERT INTO `t` (`id`) VALUES (1)"
		for id := 2; id <= 9; id++ {
			rows += fmt.Sprintf(", (%d)", id)
		}
		db := withMigrations(t, address, table, rows, "UPDATE `t` SET `n` = `n` + 1")
		db.SetDataStep(1, 3, func(ctx context.Context, tx *sql.Tx, statement, position string) (string, error) {
			last := 0
			if position != "" {
				last, _ = strconv.Atoi(position)
			}
			if last >= 9 {
				return "", nil
			}
			_, err := tx.ExecContext(ctx, statement+" WHERE `id` > ? AND `id` <= ?", last, last+2)
			return strconv.Itoa(last + 2), err
		})
		interrupted := map[string]int{}
		db.OnStep(func(point, step string) error {
			if key := point + step; interrupted[key] < 4 {
				interrupted[key]++
				return errInterrupted
			}
			return nil
		})
		for {
			_, err := db.Migrate(t.Context())
			if err == nil {
				break
			}
			if !errors.Is(err, errInterrupted) {
				t.Fatal(err)
			}
		}
		if db.Dialect() == dialect.MySQL && interrupted["portion1/3"] != 4 || interrupted["done1/3"] != 4 {
			t.Errorf("interrupted at %v", interrupted)
		}
		var n, least, most int
		row := db.Pools()[0].QueryRow("SELECT COUNT(*), MIN(n), MAX(n) FROM t")
		if err := row.Scan(&n, &least, &most); err != nil || n != 9 || least != 1 || most != 1 {
			t.Errorf("%d rows were changed %d to %d times, %v", n, least, most, err)
		}
	})
}

// TestWhatCannotGoOnNamesTheRepair starts from a table that no migration created.
func TestWhatCannotGoOnNamesTheRepair(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		if strings.HasPrefix(address, "sqlite:") {
			t.Skip("on SQLite nothing is left half done")
		}
		db := withMigrations(t, address, table)
		other := strings.Replace(table, "`n`", "`other`", 1)
		if _, err := db.Pools()[0].Exec(other); err != nil {
			t.Fatal(err)
		}
		want := "a table t exists that this migration did not make, by its columns: rename it, or drop it"
		if _, err := db.Migrate(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("ended with %v", err)
		}
		if _, err := db.Pools()[0].Exec("DROP TABLE t"); err != nil {
			t.Fatal(err)
		}
		if _, err := db.Migrate(t.Context()); err != nil {
			t.Errorf("after the repair: %v", err)
		}
	})
}

func TestPendingShowsWhatIsLeftOfAMigration(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := withMigrations(
			t, address, table, "INSERT INTO `t` (`id`) VALUES (1)", "INSERT INTO `t` (`id`) VALUES (2)",
		)
		db.OnStep(func(point, step string) error {
			if point == "before" && step == "1/3" {
				return errInterrupted
			}
			return nil
		})
		if _, err := db.Migrate(t.Context()); !errors.Is(err, errInterrupted) {
			t.Fatal(err)
		}
		pending, err := db.Pending(t.Context())
		if err != nil || len(pending) != 1 {
			t.Fatal(pending, err)
		}
		want := table + ";\nINSERT INTO `t` (`id`) VALUES (1);\nINSERT INTO `t` (`id`) VALUES (2);"
		if db.Dialect() == dialect.MySQL {
			want = "-- statement 1 is done\n-- statement 2 is done\nINSERT INTO `t` (`id`) VALUES (2);"
		}
		if pending[0].SQL != want {
			t.Errorf("left is %s", pending[0].SQL)
		}
	})
}
