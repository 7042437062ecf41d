package store_test

import (
	"testing"

	"entgo.io/ent/dialect/sql"

	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestALoneOrOpensNoOtherAccount(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		owner, other := testkit.As(t, testkit.Account(t, db)), testkit.As(t, testkit.Account(t, db))
		now := store.Now()
		db.Client(owner).
			Campaign.Create().
			SetName("Mine").SetNameKey("mine").SetCreatedAt(now).SetLastActivityAt(now).SaveX(owner)
		anything := func(s *sql.Selector) {
			s.Where(
				sql.And(
					sql.Or(
						sql.EQ(s.C("status"), string(kind.StatusDraft)), sql.EQ(s.C("status"), string(kind.StatusSent)),
					),
				),
			)
		}
		if n, err := db.Client(other).Campaign.Query().Where(anything).Count(other); err != nil || n != 0 {
			t.Errorf("another account counts %d campaigns, %v", n, err)
		}
		if n, err := db.Client(other).
			Campaign.Update().
			Where(anything).
			SetStatusReason("seized").
			Save(other); err != nil ||
			n != 0 {
			t.Errorf("another account changed %d campaigns, %v", n, err)
		}
		if n, err := db.Client(other).Campaign.Delete().Where(anything).Exec(other); err != nil || n != 0 {
			t.Errorf("another account deleted %d campaigns, %v", n, err)
		}
		if n, err := db.Client(owner).Campaign.Query().Where(anything).Count(owner); err != nil || n != 1 {
			t.Errorf("the owner counts %d campaigns, %v", n, err)
		}
	})
}
