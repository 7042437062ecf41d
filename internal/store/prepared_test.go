package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestPreparedReadsAnswerWhileTheyAreReplaced concurrently runs more queries than stay prepared, so
// that statements are closed while other goroutines use them.
func TestPreparedReadsAnswerWhileTheyAreReplaced(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		pools := db.Pools()
		reads := store.Prepare(pools[len(pools)-1])
		var all sync.WaitGroup
		for worker := range 4 {
			all.Go(func() {
				for i := range 400 {
					number := (i*7 + worker) % 90
					if err := read(reads, number, worker+i); err != nil {
						t.Errorf("text %d: %v", number, err)
						return
					}
				}
			})
		}
		all.Wait()
		if kept := store.Kept(reads); kept == 0 || kept > 64 {
			t.Errorf("%d statements are prepared", kept)
		}
	})
}

func read(reads interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}, number, argument int,
) (err error) {
	rows, err := reads.QueryContext(context.Background(), fmt.Sprintf("SELECT %d, ?", number), argument)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var gotNumber, gotArgument int
		if err := rows.Scan(&gotNumber, &gotArgument); err != nil {
			return err
		}
		if gotNumber != number || gotArgument != argument {
			return fmt.Errorf("read %d and %d, want %d and %d", gotNumber, gotArgument, number, argument)
		}
	}
	return rows.Err()
}

func TestOnlyReadsThatComeAgainArePrepared(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		pools := db.Pools()
		reads := store.Prepare(pools[len(pools)-1])
		for i, want := range []int{0, 1, 1} {
			if err := read(reads, 5, i); err != nil {
				t.Fatal(err)
			}
			if kept := store.Kept(reads); kept != want {
				t.Errorf("after %d runs %d statements are prepared, want %d", i+1, kept, want)
			}
		}
		for range 3 {
			if rows, err := reads.QueryContext(t.Context(), "SELECT nothing FROM nowhere"); err == nil {
				t.Error("a text that cannot be run ran", rows.Close())
			}
		}
		if kept := store.Kept(reads); kept != 1 {
			t.Errorf("%d statements are prepared", kept)
		}
	})
}
