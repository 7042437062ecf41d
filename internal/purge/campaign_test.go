package purge_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"entgo.io/ent/dialect"

	"campaignql/ent"
	"campaignql/ent/domaincounter"
	entevent "campaignql/ent/event"
	"campaignql/ent/linkcounter"
	entpurge "campaignql/ent/purge"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/purge"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// busy creates a campaign with n events, n links and n mail domains. With id 0 the database assigns
// the id.
func (w *world) busy(id int64, n int) int64 {
	client, now := w.Store.Client(w.ctx), store.Now()
	create := client.Campaign.Create().SetName("c").SetNameKey("c").SetCreatedAt(now).SetLastActivityAt(now)
	if id != 0 {
		create.SetID(id)
	}
	id = create.SaveX(w.ctx).ID
	var events []*ent.EventCreate
	var links []*ent.LinkCounterCreate
	var domains []*ent.DomainCounterCreate
	for i := range n {
		events = append(
			events,
			client.Event.Create().
				SetID(fmt.Sprintf("%d-%06x", id, i*7919%n)).
				SetCampaignID(id).
				SetContactID(int64(i)).
				SetKind(kind.EventOpened).
				SetAt(now),
		)
		links = append(
			links,
			client.LinkCounter.Create().SetCampaignID(id).SetURLHash(fmt.Sprint(i)).SetURL("https://example.com"),
		)
		domains = append(domains, client.DomainCounter.Create().SetCampaignID(id).SetDomain(fmt.Sprint(i)))
	}
	client.Event.CreateBulk(events...).ExecX(w.ctx)
	client.LinkCounter.CreateBulk(links...).ExecX(w.ctx)
	client.DomainCounter.CreateBulk(domains...).ExecX(w.ctx)
	return id
}

// ofCampaign counts the events, links and mail domains of a campaign.
func (w *world) ofCampaign(id int64) [3]int {
	client := w.Store.Client(w.ctx)
	return [3]int{
		client.Event.Query().Where(entevent.CampaignID(id)).CountX(w.ctx),
		client.LinkCounter.Query().Where(linkcounter.CampaignID(id)).CountX(w.ctx),
		client.DomainCounter.Query().Where(domaincounter.CampaignID(id)).CountX(w.ctx),
	}
}

// notedCampaigns counts the deleted campaigns of the account that are not purged yet.
func (w *world) notedCampaigns() int {
	return w.Store.Client(w.ctx).Purge.Query().Where(entpurge.UserID(w.owner.UserID)).CountX(w.ctx)
}

// TestAPurgeOfACampaignThatIsInterruptedGoesOn interrupts a purge repeatedly, as a stopped server
// would. The next purge continues with the remaining rows.
func TestAPurgeOfACampaignThatIsInterruptedGoesOn(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		w := newWorld(t, testkit.Open(t, address))
		other := newWorld(t, w.Store)
		const n = 25
		// One id is a prefix of another, because event keys are compared as text.
		doomed := w.busy(0, n)
		tenfold, foreign := w.busy(doomed*10, n), other.busy(0, n)
		if deleted, err := w.Campaigns.Delete(w.ctx, []int64{doomed}); err != nil || len(deleted) != 1 {
			t.Fatal(deleted, err)
		}
		select {
		case <-w.Purges.Deleted():
		default:
			t.Error("nobody is told that there is something to purge")
		}
		if left := w.ofCampaign(doomed); left != [3]int{n, n, n} {
			t.Fatalf("%v are left, want all of them to be purged later", left)
		}
		late := []event.Event{
			{
				ID: "late", Kind: kind.EventOpened, CampaignID: doomed, SubscriberID: w.people[0],
				At: "2026-11-23T12:00:00Z",
			},
		}
		told, err := w.Events.Record(w.ctx, late)
		if err != nil || told[0].Outcome != event.Rejected || told[0].Err.Reason != "campaign_not_found" {
			t.Errorf("an event for it is %v, %v", told, err)
		}
		partly := 0
		for calls := 0; w.notedCampaigns() > 0; calls++ {
			if calls > 100 {
				t.Fatal("it makes no progress")
			}
			// Each time another server, which stops after two delete statements.
			service := purge.New(w.Store)
			interrupted, stop := context.WithCancel(t.Context())
			statements := 0
			service.OnPurged(4, func(n int) {
				if statements++; statements == 2 {
					stop()
				}
				if n > 4 {
					t.Errorf("a statement deleted %d rows", n)
				}
			})
			_, _ = service.Purge(interrupted)
			stop()
			if now := w.ofCampaign(doomed)[0]; now > 0 && now < n {
				partly++
			}
		}
		if partly < 2 {
			t.Errorf("%d times some events were left", partly)
		}
		if left := w.ofCampaign(doomed); left != [3]int{} {
			t.Errorf("%v is left", left)
		}
		for of, left := range map[int64][3]int{tenfold: w.ofCampaign(tenfold), foreign: other.ofCampaign(foreign)} {
			if left != [3]int{n, n, n} {
				t.Errorf("of campaign %d, which was not deleted, %v is left", of, left)
			}
		}
	})
}

// TestServersMayPurgeCampaignsAtOnce lets several servers purge the same campaigns while more are
// deleted.
func TestServersMayPurgeCampaignsAtOnce(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		w := newWorld(t, testkit.Open(t, address))
		var doomed []int64
		for range 4 {
			doomed = append(doomed, w.busy(0, 50))
		}
		kept := w.busy(0, 50)
		if _, err := w.Campaigns.Delete(w.ctx, doomed[:2]); err != nil {
			t.Fatal(err)
		}
		var servers sync.WaitGroup
		for range 3 {
			servers.Go(func() {
				service := purge.New(w.Store)
				service.OnPurged(7, nil)
				if _, err := service.Purge(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		if _, err := w.Campaigns.Delete(w.ctx, doomed[2:]); err != nil {
			t.Error(err)
		}
		servers.Wait()
		if _, err := w.Purges.Purge(t.Context()); err != nil {
			t.Error(err)
		}
		for _, id := range doomed {
			if left := w.ofCampaign(id); left != [3]int{} {
				t.Errorf("of a deleted campaign %v is left", left)
			}
		}
		if left := w.ofCampaign(kept); left != [3]int{50, 50, 50} || w.notedCampaigns() != 0 {
			t.Errorf("%v is left of what was not deleted, and %d campaigns to purge", left, w.notedCampaigns())
		}
	})
}

// forbid makes every deletion of a row with this column value fail, as a damaged page of the table
// would, until the returned function is called.
func (w *world) forbid(table, column string, value int64) (allow func()) {
	w.t.Helper()
	name := "forbid_" + table
	body := fmt.Sprintf(

		"BEFORE DELETE ON %s FOR EACH ROW BEGIN IF OLD.%s = %d THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'forbidden'; END IF; END",
		table, column, value,
	)
	if w.Store.Dialect() == dialect.SQLite {
		body = fmt.Sprintf(
			"BEFORE DELETE ON %s WHEN OLD.%s = %d BEGIN SELECT RAISE(ABORT, 'forbidden'); END", table, column, value,
		)
	}
	ctx := caller.System(w.t.Context())
	exec := func(text string) {
		w.t.Helper()
		_, err := w.Store.Client(ctx).ExecContext(ctx, text)
		w.must(err)
	}
	exec("CREATE TRIGGER " + name + " " + body)
	return func() { exec("DROP TRIGGER " + name) }
}

// TestAPurgeThatFailsHoldsUpNoOther makes the purge of the first of several campaigns and of the
// first of several lists fail, at different tables. Everything that was deleted after them is
// purged, the error is reported, and the next purge finishes the failed ones.
func TestAPurgeThatFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"events", "link_counters", "domain_counters"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			testkit.EachFresh(t, func(t *testing.T, address string) {
				t.Parallel()
				w := newWorld(t, testkit.Open(t, address))
				const n = 10
				failing, next, last := w.busy(0, n), w.busy(0, n), w.busy(0, n)
				for _, id := range []int64{failing, next, last} {
					if _, err := w.Campaigns.Delete(w.ctx, []int64{id}); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := w.Lists.Delete(w.ctx, w.lists[:1]); err != nil {
					t.Fatal(err)
				}
				if _, err := w.SubscriberTags.Delete(w.ctx, w.tags[:1]); err != nil {
					t.Fatal(err)
				}
				allowCampaign := w.forbid(table, "campaign_id", failing)
				allowList := w.forbid("subscribers", "list_id", w.lists[0])
				rows, err := w.Purges.Purge(t.Context())
				if err == nil || strings.Count(err.Error(), "internal error") != 2 {
					t.Errorf("%v is reported, want the two failures", err)
				}
				if left := w.ofCampaign(failing); left == [3]int{} || w.notedCampaigns() != 1 {
					t.Fatalf("the purge did not fail: %v is left, %d campaigns are noted", left, w.notedCampaigns())
				}
				if rows < 6*n || w.ofCampaign(next) != [3]int{} || w.ofCampaign(last) != [3]int{} {
					t.Errorf(
						"%d rows were deleted; of the campaigns after it %v and %v is left", rows, w.ofCampaign(next),
						w.ofCampaign(last),
					)
				}
				if w.left() != 1 {
					t.Errorf("%d lists and tags are noted, want the list alone", w.left())
				}
				allowCampaign()
				allowList()
				if _, err := w.Purges.Purge(t.Context()); err != nil || w.ofCampaign(failing) != [3]int{} ||
					w.notedCampaigns()+w.left() != 0 {
					t.Errorf(
						"then: %v, %v is left, %d and %d are noted", err, w.ofCampaign(failing), w.notedCampaigns(),
						w.left(),
					)
				}
			})
		})
	}
}
