package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/testkit"
)

// TestMigrationSumsConversionsByCurrency checks the sums of the landed rows. Hours and currencies are
// apart, conversions without a currency have sums of their own, and conversions of machines, those
// without an amount and those of a deleted campaign have none.
func TestMigrationSumsConversionsByCurrency(t *testing.T) {
	t.Parallel()
	for _, engine := range testkit.Engines() {
		t.Run(engine.Name, func(t *testing.T) {
			t.Parallel()
			for _, small := range []bool{false, true} {
				db := openLanded(t, engine.Fresh(t)).upTo(t, beforeContacts)
				if small {
					db.SmallPortions()
				}
				if _, err := db.Migrate(t.Context()); err != nil {
					t.Fatal(err)
				}
				want := []string{
					"1 | 1 | 1 | 2026-11-28 08 |  | 99",
					"2 | 1 | 1 | 2026-11-28 08 | EUR | 1500",
					"3 | 1 | 1 | 2026-11-28 09 | USD | 1",
					"4 | 1 | 2 | 2026-11-27 23 |  | 700",
					"5 | 1 | 3 | 2026-11-24 08 | EUR | 9007199254741000",
				}
				got := db.texts(t, "SELECT id, user_id, campaign_id, SUBSTR(hour, 1, 13), currency, amount "+
					"FROM conversion_amounts ORDER BY id")
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("in small portions: %t (-want +got):\n%s", small, diff)
				}
				stored := db.texts(t, "SELECT DISTINCT SUBSTR(hour, 14, 6) FROM conversion_amounts")
				if diff := cmp.Diff([]string{":00:00"}, stored); diff != "" {
					t.Errorf("hours (-want +got):\n%s", diff)
				}
			}
		})
	}
}
