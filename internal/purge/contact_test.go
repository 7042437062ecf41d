package purge_test

import (
	"context"
	"fmt"
	"testing"

	"campaignql/ent"
	"campaignql/ent/event"
	"campaignql/internal/kind"
	"campaignql/internal/people/forget"
	"campaignql/internal/purge"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestEventsOfAForgottenPersonLoseThePersonInPortions forgets somebody with many events, and
// interrupts the purge repeatedly, as a stopped server would.
func TestEventsOfAForgottenPersonLoseThePersonInPortions(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		w := newWorld(t, testkit.Open(t, address))
		client, email := w.Store.Client(w.ctx), "many@example.com"
		person := testkit.MakeContact(t, w.ctx, client, email)
		const events, atOnce = 103, 10
		rows := make([]*ent.EventCreate, events)
		for i := range rows {
			rows[i] = client.Event.Create().SetID(fmt.Sprintf("%d-many%03d", w.campaign, i)).SetCampaignID(w.campaign).
				SetContactID(person).SetKind(kind.EventOpened).SetAt(store.Now()).SetIP("192.0.2.7")
		}
		client.Event.CreateBulk(rows...).ExecX(w.ctx)
		tell := func() int {
			return client.Event.Query().Where(event.ContactID(person), event.IPNEQ("")).CountX(w.ctx)
		}
		if _, err := w.Forgetting.Forget(w.ctx, []int64{person}, forget.Options{Suppression: true}); err != nil {
			t.Fatal(err)
		}
		for calls := 1; w.left() > 0; calls++ {
			service := purge.New(w.Store)
			broken, stop := context.WithCancel(t.Context())
			transactions := 0
			service.OnPurged(atOnce, func(n int) {
				if transactions++; transactions == 2 {
					stop()
				}
				if n > atOnce {
					t.Errorf("a transaction changed %d events", n)
				}
			})
			_, _ = service.Purge(broken) // interrupted
			stop()
			if left, want := tell(), max(0, events-2*atOnce*calls); left != want {
				t.Fatalf("after %d calls %d events tell of the person, want %d", calls, left, want)
			}
		}
		if n := client.Event.Query().Where(event.ContactID(person)).CountX(w.ctx); n != events {
			t.Errorf("%d events are left", n)
		}
		if n := client.Event.Query().Where(event.SubscriberIDNotNil()).CountX(w.ctx); n != 2*perList {
			t.Errorf("%d events of others name a subscription", n)
		}
	})
}
