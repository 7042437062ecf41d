package campaign_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/ent/campaignemail"
	"campaignql/ent/campaignlist"
	"campaignql/ent/campaigntag"
	"campaignql/ent/conversionamount"
	"campaignql/ent/domaincounter"
	"campaignql/ent/event"
	"campaignql/ent/hourlycounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/purge"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// populate adds one row of each kind to a campaign.
func (f *fixture) populate(t *testing.T, owner caller.Identity, id int64) {
	t.Helper()
	client, ctx := f.system(t)
	f.tag(t, owner, fmt.Sprint("Tag ", id), id)
	for _, err := range []error{
		client.CampaignList.Create().SetUserID(owner.UserID).SetCampaignID(id).SetListID(1).Exec(ctx),
		client.CampaignEmail.Create().SetUserID(owner.UserID).SetCampaignID(id).SetEmailID(1).Exec(ctx),
		client.HourlyCounter.Create().SetUserID(owner.UserID).SetCampaignID(id).SetHour(noon).Exec(ctx),
		client.ConversionAmount.Create().SetUserID(owner.UserID).SetCampaignID(id).SetHour(noon).SetCurrency("EUR").Exec(ctx),
		client.DomainCounter.Create().SetUserID(owner.UserID).SetCampaignID(id).SetDomain("example.com").Exec(ctx),
		client.LinkCounter.Create().SetUserID(owner.UserID).SetCampaignID(id).SetURLHash("h").SetURL("https://example.com").Exec(ctx),
		client.Event.Create().SetID(fmt.Sprint(id, "-event")).SetUserID(owner.UserID).SetCampaignID(id).SetContactID(1).SetKind(kind.EventOpened).SetAt(noon).Exec(ctx),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// belonging counts the remaining rows of a campaign: the campaign, its history, tags, hours, amounts,
// mail domains, links, events, lists and emails.
func (f *fixture) belonging(t *testing.T, id int64) [10]int {
	t.Helper()
	client, ctx := f.system(t)
	count := func(n int, err error) int {
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	campaigns := 0
	if _, err := client.Campaign.Get(ctx, id); err == nil {
		campaigns = 1
	} else if !ent.IsNotFound(err) {
		t.Fatal(err)
	}
	return [10]int{
		campaigns, len(f.history(t, id)),
		count(client.CampaignTag.Query().Where(campaigntag.CampaignID(id)).Count(ctx)),
		count(client.HourlyCounter.Query().Where(hourlycounter.CampaignID(id)).Count(ctx)),
		count(client.ConversionAmount.Query().Where(conversionamount.CampaignID(id)).Count(ctx)),
		count(client.DomainCounter.Query().Where(domaincounter.CampaignID(id)).Count(ctx)),
		count(client.LinkCounter.Query().Where(linkcounter.CampaignID(id)).Count(ctx)),
		count(client.Event.Query().Where(event.CampaignID(id)).Count(ctx)),
		count(client.CampaignList.Query().Where(campaignlist.CampaignID(id)).Count(ctx)),
		count(client.CampaignEmail.Query().Where(campaignemail.CampaignID(id)).Count(ctx)),
	}
}

func TestDeleteTakesEverythingThatBelongsToACampaignAndNothingElse(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f, other := newFixture(t, db), newFixture(t, db)
		var doomed []int64
		for _, status := range kind.CampaignStatuses() {
			c := f.at(t, status)
			f.populate(t, f.owner, c.ID)
			doomed = append(doomed, c.ID)
		}
		kept, foreign := f.create(t, "Kept"), other.create(t, "Foreign")
		f.populate(t, f.owner, kept.ID)
		f.populate(t, other.owner, foreign.ID)

		asked := append([]int64{foreign.ID, unknownID, -1, 0, doomed[0]}, doomed...)
		got, err := f.campaigns.Delete(f.ctx, asked)
		if diff := cmp.Diff(sorted(doomed), got); diff != "" || err != nil {
			t.Fatalf("%v, deleted -want +got\n%s", err, diff)
		}
		if _, err := purge.New(db).Purge(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, id := range doomed {
			if left := f.belonging(t, id); left != [10]int{} {
				t.Errorf("of campaign %d is left %v, want nothing", id, left)
			}
		}
		for name, id := range map[string]int64{"another campaign": kept.ID, "another account": foreign.ID} {
			if left := f.belonging(t, id); left != [10]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1} {
				t.Errorf("%s has %v left, want all", name, left)
			}
		}
		if got, err := f.campaigns.Delete(f.ctx, doomed); len(got) != 0 || err != nil {
			t.Errorf("again: got %v, %v, want nothing", got, err)
		}
	})
}

func TestDeleteIsAllOrNothing(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "Stays")
		f.populate(t, f.owner, c.ID)
		ids := make([]int64, campaign.MaxDelete+1)
		ids[0] = c.ID
		_, err := f.campaigns.Delete(f.ctx, ids)
		wantFault(t, err, apperr.Invalid, "too_many_ids")
		// A deletion in a transaction that fails later is rolled back.
		err = f.db.Tx(f.ctx, func(ctx context.Context) error {
			if _, err := f.campaigns.Delete(ctx, []int64{c.ID}); err != nil {
				return err
			}
			return apperr.New(apperr.Conflict, "not after all")
		})
		if apperr.CodeOf(err) != apperr.Conflict {
			t.Fatal(err)
		}
		if left := f.belonging(t, c.ID); left != [10]int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1} {
			t.Errorf("%v is left, want all", left)
		}
	})
}

func TestDeleteByAnAdminReachesEveryAccount(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f, other := newFixture(t, db), newFixture(t, db)
		ids := []int64{f.create(t, "A").ID, other.create(t, "B").ID}
		got, err := f.campaigns.Delete(testkit.As(t, testkit.Account(t, db, testkit.Admin())), ids)
		if diff := cmp.Diff(sorted(ids), got); diff != "" || err != nil {
			t.Errorf("%v, -want +got\n%s", err, diff)
		}
	})
}
