package event_test

import (
	"sync"
	"testing"
	"time"

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
		person := client.Subscriber.Create().SetListID(list).SetEmail("a@example.org").SetEmailKey("a@example.org").
			SetDomain("example.org").SetCreatedAt(at).SaveX(ctx).ID
		const unknown = int64(1) << 59 // people who are gone
		service := newService(db, event.Options{})
		var wait sync.WaitGroup
		for i := range 12 {
			wait.Go(func() {
				if err := service.Unsubscribed(ctx, me.UserID, id, unknown+int64(i%3), at); err != nil {
					t.Error(err)
				}
			})
		}
		wait.Wait()
		if err := service.Unsubscribed(ctx, me.UserID, id, unknown+1, at.Add(time.Hour)); err != nil {
			t.Error(err)
		}
		if err := service.Unsubscribed(ctx, me.UserID, id, person, at.Add(time.Hour)); err != nil {
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
		domains := client.DomainCounter.Query().Where(domaincounter.CampaignID(id)).AllX(ctx)
		if len(domains) != 1 || domains[0].Domain != "example.org" || domains[0].Unsubscriptions != 1 {
			t.Errorf("domains %v", domains)
		}
		for _, campaignID := range []int64{id, 1 << 60} {
			err := service.Unsubscribed(testkit.As(t, other), other.UserID, campaignID, 1, at)
			if apperr.CodeOf(err) != apperr.NotFound {
				t.Errorf("by another account: %v", err)
			}
		}
		admin := testkit.As(t, testkit.Account(t, db, testkit.Admin()))
		if err := service.Unsubscribed(admin, other.UserID, id, 1, at); apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("for another account: %v", err)
		}
		err := service.Unsubscribed(
			testkit.As(t, testkit.Account(t, db, testkit.Scoped(kind.ScopeRead))), me.UserID, id, 1, at,
		)
		if apperr.CodeOf(err) != apperr.Denied {
			t.Errorf("by a reader: %v", err)
		}
	})
}
