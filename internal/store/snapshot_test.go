package store_test

import (
	"context"
	"testing"
	"time"

	"campaignql/ent/tag"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestASnapshotSeesOneInstantAndHoldsNobodyUp writes while a snapshot is open. The snapshot does
// not see the write, and does not block it.
func TestASnapshotSeesOneInstantAndHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		ctx := testkit.As(t, testkit.Account(t, db))
		make := func(ctx context.Context, name string) error {
			return db.Client(ctx).Tag.Create().SetName(name).SetNameKey(name).SetCreatedAt(store.Now()).Exec(ctx)
		}
		if err := make(ctx, "before"); err != nil {
			t.Fatal(err)
		}
		err := db.Snapshot(ctx, func(inside context.Context) error {
			if n := db.Client(inside).Tag.Query().CountX(inside); n != 1 {
				t.Errorf("%d tags at first", n)
			}
			soon, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			if err := make(soon, "meanwhile"); err != nil {
				t.Error("a writer waits:", err)
			}
			if err := db.Client(soon).Tag.Update().Where(tag.Name("before")).SetName("changed").Exec(soon); err != nil {
				t.Error("a writer waits:", err)
			}
			if n := db.Client(inside).Tag.Query().Where(tag.Name("before")).CountX(inside); n != 1 {
				t.Error("the snapshot sees the change")
			}
			if n := db.Client(inside).Tag.Query().CountX(inside); n != 1 {
				t.Errorf("%d tags later", n)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		if db.Snapshot(ctx, func(inside context.Context) error { return make(inside, "inside") }) == nil {
			t.Error("a snapshot writes")
		}
		if n := db.Client(ctx).Tag.Query().CountX(ctx); n != 2 {
			t.Errorf("%d tags in the end", n)
		}
	})
}
