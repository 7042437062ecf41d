package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestMigrationsLeaveNothingThatTheSchemaLacks(t *testing.T) {
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := testkit.Open(t, address)
		drift, err := db.Drift(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, statement := range drift {
			t.Errorf("migrations and schema differ: %s", statement)
		}
	})
}

func TestDriftIsSeen(t *testing.T) {
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := testkit.Open(t, address)
		if _, err := db.Pools()[0].Exec("ALTER TABLE campaigns DROP COLUMN status_reason"); err != nil {
			t.Fatal(err)
		}
		drift, err := db.Drift(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(drift) == 0 {
			t.Error("a dropped column was not noticed")
		}
	})
}

func TestServersThatStartAtOnceMigrateOnce(t *testing.T) {
	testkit.EachFresh(t, func(t *testing.T, address string) {
		first, err := store.Open(t.Context(), address, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer first.Close()
		fresh, err := first.Pending(t.Context())
		if err != nil || len(fresh) == 0 {
			t.Fatalf("pending on an empty database: %v, %v", fresh, err)
		}
		var applied atomic.Int64
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				db, err := store.Open(context.Background(), address, store.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				defer db.Close()
				done, err := db.Migrate(context.Background())
				if err != nil {
					t.Error(err)
				}
				applied.Add(int64(len(done)))
				if err := db.Ready(context.Background()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		db := testkit.Open(t, address)
		pending, err := db.Pending(t.Context())
		if err != nil || len(pending) != 0 {
			t.Fatalf("pending %v, %v", pending, err)
		}
		if applied.Load() != int64(len(fresh)) {
			t.Errorf("%d migrations were applied %d times", len(fresh), applied.Load())
		}
	})
}

func TestDatabaseWithoutMigrationsIsNotReady(t *testing.T) {
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db, err := store.Open(t.Context(), address, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if err := db.Ready(t.Context()); err == nil {
			t.Error("an empty database called itself ready")
		}
		pending, err := db.Pending(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(pending) == 0 || pending[0].SQL == "" {
			t.Errorf("pending = %v", pending)
		}
	})
}
