package store_test

import (
	"context"
	"testing"
	"time"

	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestReadyDoesNotWaitForThePool uses every connection of the pools, the write connection in a
// transaction.
func TestReadyDoesNotWaitForThePool(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		testkit.Open(t, address)
		db, err := store.Open(t.Context(), address, store.Options{MaxConnections: 2})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		for _, pool := range db.Pools() {
			for range pool.Stats().MaxOpenConnections {
				tx, err := pool.BeginTx(t.Context(), nil)
				if err != nil {
					t.Fatal(err)
				}
				defer tx.Rollback()
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := db.Ready(ctx); err != nil {
			t.Errorf("a server whose connections are all in use is not ready: %v", err)
		}
	})
}
