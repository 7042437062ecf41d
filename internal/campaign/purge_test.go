package campaign_test

import (
	"strings"
	"testing"

	"campaignql/ent/purge"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestStatementsOfADeletionDoNotGrowWithItsEvents also checks that no statement deletes an
// unlimited number of rows: each deletes a range or a list of ids.
func TestStatementsOfADeletionDoNotGrowWithItsEvents(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		f := newFixture(t, db)
		c := f.create(t, "Doomed")
		f.populate(t, f.owner, c.ID)
		recorder := new(store.Recorder)
		if _, err := f.campaigns.Delete(store.WithRecorder(f.ctx, recorder), []int64{c.ID}); err != nil {
			t.Fatal(err)
		}
		for _, s := range recorder.Statements() {
			for _, table := range []string{"`events`", "`link_counters`", "`domain_counters`"} {
				if strings.Contains(s.Query, table) {
					t.Errorf("the deletion waits for %s", s.Query)
				}
			}
		}
		client, ctx := f.system(t)
		if p := client.Purge.Query().Where(purge.CampaignID(c.ID)).OnlyX(ctx); p.UserID != f.owner.UserID {
			t.Errorf("the purge is noted for account %d", p.UserID)
		}
	})
}
