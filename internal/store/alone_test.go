package store_test

import (
	"context"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"campaignql/ent/tag"
	"campaignql/internal/caller"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestAStatementOfItsOwnThatADeadlockBrokeOffRunsAgain locks rows in one order while a statement
// locks them in the other order. The statement has written fewer rows, so the engine aborts the
// statement.
func TestAStatementOfItsOwnThatADeadlockBrokeOffRunsAgain(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		if db.Dialect() != dialect.MySQL {
			return // SQLite has one writer, so there are no deadlocks
		}
		t.Parallel()
		ctx := testkit.As(t, testkit.Account(t, db))
		var ids []int64
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			ids = append(
				ids, db.Client(ctx).Tag.Create().SetName(name).SetNameKey(name).SetCreatedAt(store.Now()).SaveX(ctx).ID,
			)
		}
		done := make(chan error, 1)
		err := db.Tx(ctx, func(tx context.Context) error {
			rename := func(name string, ids ...int64) error {
				return db.Client(tx).Tag.Update().Where(tag.IDIn(ids...)).SetName(name).Exec(tx)
			}
			if err := rename("held", ids[1:]...); err != nil {
				return err
			}
			go func() { done <- db.Client(ctx).Tag.Update().Where(tag.IDIn(ids...)).SetName("alone").Exec(ctx) }()
			waitUntilBlocked(t, db)
			return rename("held", ids[0])
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil {
			t.Errorf("the statement: %v", err)
		}
		if n := db.Client(ctx).Tag.Query().Where(tag.Name("alone")).CountX(ctx); n != len(ids) {
			t.Errorf("%d of %d rows were written", n, len(ids))
		}
	})
}

// waitUntilBlocked waits until a statement on tags waits for a lock. InnoDB refreshes its table of
// transactions only if it was not read for a tenth of a second. Polling without a pause would
// return the first result forever.
func waitUntilBlocked(t *testing.T, db *store.Store) {
	t.Helper()
	ctx, stop := context.WithTimeout(caller.System(t.Context()), 20*time.Second)
	defer stop()
	for {
		var blocked int
		row := db.Pools()[0].QueryRowContext(
			ctx,
			"SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' AND trx_query LIKE '%alone%'",
		)
		if err := row.Scan(&blocked); err != nil {
			t.Error(err)
			return
		}
		if blocked > 0 {
			return
		}
		time.Sleep(150 * time.Millisecond)
	}
}
