package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/testkit"
)

// beforeUses is the version before the one that makes campaign_lists and campaign_emails, in either
// dialect.
const beforeUses = 20261130130000

// TestStoredAudiencesAndTestsAreFoundAfterTheUpgrade migrates the campaigns of testdata/landed: both
// forms of an audience, a list named twice, lists and emails that are gone, and texts that cannot be
// read. Excluded lists do not count.
func TestStoredAudiencesAndTestsAreFoundAfterTheUpgrade(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := openLanded(t, address).upTo(t, beforeUses)
		db.finish(t, beforeUses)
		got := db.texts(t, "SELECT user_id, campaign_id, list_id FROM campaign_lists ORDER BY campaign_id, list_id")
		if diff := cmp.Diff([]string{"1 | 11 | 1", "1 | 11 | 2", "1 | 12 | 2"}, got); diff != "" {
			t.Error("lists: ", diff)
		}
		got = db.texts(t, "SELECT user_id, campaign_id, email_id FROM campaign_emails WHERE campaign_id > 10 "+
			"ORDER BY campaign_id, email_id")
		if diff := cmp.Diff([]string{"1 | 11 | 1", "1 | 12 | 2", "1 | 12 | 3", "1 | 13 | 3"}, got); diff != "" {
			t.Error("emails: ", diff)
		}
	})
}
