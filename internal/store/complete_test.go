package store_test

import (
	"strings"
	"testing"

	"campaignql/internal/apperr"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestADatabaseThatLacksColumnsOfItsVersionIsRefused drops tables and columns of the recorded
// versions.
func TestADatabaseThatLacksColumnsOfItsVersionIsRefused(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := testkit.Open(t, address)
		if err := db.Complete(t.Context()); err != nil {
			t.Fatal(err)
		}
		pool := db.Pools()[0]
		must(t, pool, "ALTER TABLE campaigns DROP COLUMN approved_digest")
		must(t, pool, "ALTER TABLE api_keys DROP COLUMN parent_id")
		must(t, pool, "DROP TABLE purges")
		_, migrating := db.Migrate(t.Context())
		_, dryRun := store.Pending(t.Context(), address, store.Options{})
		for when, err := range map[string]error{
			"serving": db.Complete(t.Context()), "migrating": migrating, "a dry run": dryRun,
		} {
			if apperr.CodeOf(err) != apperr.Unavailable {
				t.Errorf("%s: ended with %v", when, err)
				continue
			}
			for _, part := range []string{
				"lacks api_keys.parent_id, campaigns.approved_digest, the table purges:", "restore the backup",
			} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%s: %q is missing in %v", when, part, err)
				}
			}
		}
	})
}
