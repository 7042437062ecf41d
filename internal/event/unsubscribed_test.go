package event_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/ent/domaincounter"
	entevent "campaignql/ent/event"
	"campaignql/ent/hourlycounter"
	"campaignql/internal/apperr"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestWhoLeavesBecauseOfACampaignCountsOnce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		me, other := testkit.Account(t, db), testkit.Account(t, db)
		ctx, client := testkit.As(t, me), db.Client(testkit.As(t, me))
		at := time.Date(2026, 11, 23, 12, 30, 0, 0, time.UTC)
		id := client.Campaign.Create().SetName("a").SetNameKey("a").SetCreatedAt(at).SetLastActivityAt(at).SaveX(ctx).ID
		client.HourlyCounter.Create().
			SetCampaignID(id).
			SetHour(at.Truncate(time.Hour)).
			SetOpens(3).
			SetUnsubscriptions(4).
			ExecX(ctx)
		client.Campaign.UpdateOneID(id).SetTotalUnsubscriptions(4).ExecX(ctx)
		list := client.SubscriberList.Create().SetName("l").SetNameKey("l").SetCreatedAt(at).SaveX(ctx).ID
		add := func(list int64, email string) *ent.Subscriber {
			return client.Subscriber.Create().SetListID(list).SetContactID(testkit.Contact(t, ctx, client, email)).
				SetEmail(email).SetEmailKey(email).SetCreatedAt(at).SaveX(ctx)
		}
		person := add(list, "a@example.org")
		var others []*ent.Subscriber
		for i := range 3 {
			others = append(others, add(list, fmt.Sprint(i, "@example.net")))
		}
		second := client.SubscriberList.Create().SetName("m").SetNameKey("m").SetCreatedAt(at).SaveX(ctx).ID
		again := add(second, others[1].Email)
		service := newService(db, event.Options{})
		var wait sync.WaitGroup
		for i := range 12 {
			wait.Go(func() {
				if _, _, err := service.Unsubscribed(ctx, id, others[i%3], at); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		// The same person on another list counts no more.
		if _, _, err := service.Unsubscribed(ctx, id, again, at.Add(time.Hour)); err != nil {
			t.Error(err)
		}
		if _, _, err := service.Unsubscribed(ctx, id, person, at.Add(time.Hour)); err != nil {
			t.Error(err)
		}
		c := client.Campaign.GetX(ctx, id)
		events := client.Event.Query().Where(entevent.CampaignID(id), entevent.KindEQ(kind.EventUnsubscribed)).CountX(ctx)
		hours := client.HourlyCounter.Query().
			Where(hourlycounter.CampaignID(id)).
			Order(hourlycounter.ByHour()).
			AllX(ctx)
		if c.TotalUnsubscriptions != 8 || events != 4 || len(hours) != 2 || hours[0].Unsubscriptions != 7 ||
			hours[0].Opens != 3 ||
			hours[1].Unsubscriptions != 1 {
			t.Errorf("%d on the campaign, %d events, hours %v", c.TotalUnsubscriptions, events, hours)
		}
		domains := client.DomainCounter.Query().
			Where(domaincounter.CampaignID(id)).
			Order(domaincounter.ByDomain()).
			AllX(ctx)
		if len(domains) != 2 || domains[0].Domain != "example.net" || domains[0].Unsubscriptions != 3 ||
			domains[1].Domain != "example.org" || domains[1].Unsubscriptions != 1 {
			t.Errorf("domains %v", domains)
		}
		for _, campaignID := range []int64{id, 1 << 60} {
			of := &ent.Subscriber{ID: 1, UserID: other.UserID, ContactID: 1}
			_, _, err := service.Unsubscribed(testkit.As(t, other), campaignID, of, at)
			if apperr.CodeOf(err) != apperr.NotFound {
				t.Errorf("by another account: %v", err)
			}
		}
		admin := testkit.As(t, testkit.Account(t, db, testkit.Admin()))
		foreign := &ent.Subscriber{ID: 1, UserID: other.UserID, ContactID: 1}
		if _, _, err := service.Unsubscribed(admin, id, foreign, at); apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("for another account: %v", err)
		}
		_, _, err := service.Unsubscribed(
			testkit.As(t, testkit.Account(t, db, testkit.Scoped(kind.ScopeRead))), id, person, at,
		)
		if apperr.CodeOf(err) != apperr.Denied {
			t.Errorf("by a reader: %v", err)
		}
	})
}
