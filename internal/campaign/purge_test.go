package campaign_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"campaignql/ent"
	entevent "campaignql/ent/event"
	"campaignql/ent/linkcounter"
	"campaignql/ent/purge"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// busy gives a campaign events, links and mail domains, and returns somebody to whom more may happen.
func (f *fixture) busy(t *testing.T, c *ent.Campaign, n int) int64 {
	t.Helper()
	client, ctx := f.system(t)
	var events []*ent.EventCreate
	var links []*ent.LinkCounterCreate
	var domains []*ent.DomainCounterCreate
	for i := range n {
		events = append(events, client.Event.Create().SetID(fmt.Sprintf("%d-%06x", c.ID, i*7919%n)).SetUserID(c.UserID).SetCampaignID(c.ID).SetSubscriberID(int64(i)).SetKind(kind.EventOpened).SetAt(noon))
		links = append(links, client.LinkCounter.Create().SetUserID(c.UserID).SetCampaignID(c.ID).SetURLHash(fmt.Sprint(i)).SetURL("https://example.com"))
		domains = append(domains, client.DomainCounter.Create().SetUserID(c.UserID).SetCampaignID(c.ID).SetDomain(fmt.Sprint(i)))
	}
	client.Event.CreateBulk(events...).ExecX(ctx)
	client.LinkCounter.CreateBulk(links...).ExecX(ctx)
	client.DomainCounter.CreateBulk(domains...).ExecX(ctx)
	list := client.SubscriberList.Create().SetUserID(c.UserID).SetName("l").SetNameKey("l").SetCreatedAt(noon).SaveX(ctx)
	return client.Subscriber.Create().SetUserID(c.UserID).SetListID(list.ID).SetEmail("a@example.com").SetEmailKey("a@example.com").SetDomain("example.com").SetCreatedAt(noon).SaveX(ctx).ID
}

// TestAPurgeThatIsBrokenOffGoesOn breaks a purge off again and again, as the end of a server would: the next goes on with what is left.
func TestAPurgeThatIsBrokenOffGoesOn(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		f, other := newFixture(t, db), newFixture(t, db)
		// Numbers of which one is the beginning of another: keys are compared as text.
		for i := range 12 {
			f.create(t, fmt.Sprint("Filler ", i))
		}
		doomed := f.create(t, "Doomed")
		db.Client(f.ctx).Campaign.Create().SetID(doomed.ID * 10).SetName("Tenfold").SetNameKey("tenfold").SetCreatedAt(noon).SetLastActivityAt(noon).ExecX(f.ctx)
		tenfold, foreign := db.Client(f.ctx).Campaign.GetX(f.ctx, doomed.ID*10), other.create(t, "Foreign")
		const n = 25
		somebody := f.busy(t, doomed, n)
		f.busy(t, tenfold, n)
		other.busy(t, foreign, n)

		if deleted, err := f.campaigns.Delete(f.ctx, []int64{doomed.ID}); err != nil || len(deleted) != 1 {
			t.Fatal(deleted, err)
		}
		select {
		case <-f.campaigns.Deleted():
		default:
			t.Error("nobody is told that there is something to purge")
		}
		client, ctx := f.system(t)
		left := func(id int64) int { return client.Event.Query().Where(entevent.CampaignID(id)).CountX(ctx) }
		if left(doomed.ID) != n {
			t.Fatalf("%d events are left, want all of them to be purged later", left(doomed.ID))
		}
		late := []event.Event{{ID: "late", Kind: kind.EventOpened, CampaignID: doomed.ID, SubscriberID: somebody, At: "2026-11-23T12:00:00Z"}}
		told, err := event.New(db, event.Options{Now: f.campaigns.Now}).Record(f.ctx, late)
		if err != nil || told[0].Outcome != event.Rejected || told[0].Err.Reason != apperr.ReasonCampaignNotFound {
			t.Errorf("an event for it is %v, %v", told, err)
		}

		partly := 0
		for calls := 0; client.Purge.Query().CountX(ctx) > 0; calls++ {
			if calls > 100 {
				t.Fatal("it makes no progress")
			}
			// Another server each time, which ends after two statements that delete.
			service := campaign.New(db, content.New(db, content.Options{}), campaign.Options{})
			broken, stop := context.WithCancel(ctx)
			statements := 0
			service.OnPurged(4, func(n int) {
				if statements++; statements == 2 {
					stop()
				}
				if n > 4 {
					t.Errorf("a statement deleted %d rows", n)
				}
			})
			_, _ = service.Purge(broken) // broken off
			stop()
			if now := left(doomed.ID); now > 0 && now < n {
				partly++
			}
		}
		if partly < 2 {
			t.Errorf("%d times some events were left", partly)
		}
		if got := f.belonging(t, doomed.ID); got != [7]int{} {
			t.Errorf("%v is left", got)
		}
		for _, id := range []int64{tenfold.ID, foreign.ID} {
			if got := f.belonging(t, id); got[4] != n || got[5] != n || got[6] != n {
				t.Errorf("of campaign %d, which was not deleted, %v is left", id, got)
			}
		}
	})
}

// TestServersMayPurgeAtOnce lets several purge the same campaigns while more are deleted.
func TestServersMayPurgeAtOnce(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		f := newFixture(t, db)
		var doomed []int64
		for i := range 4 {
			c := f.create(t, fmt.Sprint("Doomed ", i))
			f.busy(t, c, 50)
			doomed = append(doomed, c.ID)
		}
		kept := f.create(t, "Kept")
		f.busy(t, kept, 50)
		if _, err := f.campaigns.Delete(f.ctx, doomed[:2]); err != nil {
			t.Fatal(err)
		}
		var servers sync.WaitGroup
		for range 3 {
			servers.Go(func() {
				service := campaign.New(db, content.New(db, content.Options{}), campaign.Options{})
				service.OnPurged(7, nil)
				if _, err := service.Purge(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		if _, err := f.campaigns.Delete(f.ctx, doomed[2:]); err != nil {
			t.Error(err)
		}
		servers.Wait()
		if _, err := f.campaigns.Purge(t.Context()); err != nil {
			t.Error(err)
		}
		client, ctx := f.system(t)
		if events, links, purges := client.Event.Query().CountX(ctx), client.LinkCounter.Query().CountX(ctx), client.Purge.Query().CountX(ctx); events != 50 || links != 50 || purges != 0 {
			t.Errorf("%d events, %d links and %d campaigns to purge are left", events, links, purges)
		}
		if n := client.LinkCounter.Query().Where(linkcounter.CampaignID(kept.ID)).CountX(ctx); n != 50 {
			t.Errorf("%d links are left of what was not deleted", n)
		}
	})
}

// TestStatementsOfADeletionDoNotGrowWithItsEvents and no statement deletes without bound: each is by a range or by ids.
func TestStatementsOfADeletionDoNotGrowWithItsEvents(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		f := newFixture(t, db)
		c := f.create(t, "Doomed")
		f.busy(t, c, 100)
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
