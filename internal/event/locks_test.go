package event_test

import (
	"context"
	"fmt"
	"testing"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	entcontact "campaignql/ent/contact"
	entevent "campaignql/ent/event"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/testkit"
)

// TestAnEventOfASubscriptionThatMovesIsNotLost records events by the number of a subscription that
// is about to get another address. The old contact is deleted if it has no events before.
func TestAnEventOfASubscriptionThatMovesIsNotLost(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		w, service := settle(t, db, 1, 6), newService(db, event.Options{Now: clock})
		contacts := contact.New(db, contact.Options{})
		subscriptions := subscriber.New(db, contacts, nil, nil, subscriber.Options{})
		client := db.Client(w.ctx)
		kinds := []kind.EventKind{kind.EventUnsubscribed, kind.EventComplained, kind.EventHardBounced}
		for person := range w.people {
			what, remembered := kinds[person%3], person >= 3
			name, p := string(what), w.people[person]
			if remembered {
				name += " of somebody with events"
				outcomes(t, service, w.ctx, w.one(name+" sent", kind.EventSent, person, start))
			}
			to, done := fmt.Sprintf("new%d@example.com", person), make(chan []string, 1)
			err := db.TxLatest(w.ctx, func(ctx context.Context) error {
				if _, err := subscriptions.Update(ctx, p.ID, subscriber.Patch{Email: &to}); err != nil {
					return err
				}
				go func() { done <- outcomes(t, service, w.ctx, w.one(name, what, person, clock())) }()
				testkit.Waits(t, db, "contacts")
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := <-done; got[0] != "recorded" {
				t.Errorf("%s: %s", name, got[0])
			}
			now := client.Subscriber.GetX(w.ctx, p.ID)
			if left := now.Status == kind.SubscriberUnsubscribed; left != (what != kind.EventHardBounced) {
				t.Errorf("%s: %s is %s", name, now.Email, now.Status)
			}
			recorded, err := client.Event.Query().
				Where(entevent.SubscriberID(p.ID), entevent.KindEQ(what)).
				Only(w.ctx)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			of, err := client.Contact.Get(w.ctx, recorded.ContactID)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if what == kind.EventHardBounced && of.Deliverability != kind.BounceHard {
				t.Errorf("%s: %s is %s", name, of.Email, of.Deliverability)
			}
		}
	})
}

// TestABatchLocksItsContactsInOneOrder holds the first contact of a batch that changes the second
// one and not the first. While the batch waits for the first it must not have the second.
func TestABatchLocksItsContactsInOneOrder(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		w, service := settle(t, db, 1, 2), newService(db, event.Options{Now: clock})
		contacts, done := contact.New(db, contact.Options{}), make(chan []string, 1)
		err := db.TxLatest(w.ctx, func(ctx context.Context) error {
			if _, err := contacts.Lock(ctx, []int64{w.contacts[0].ID}, entcontact.FieldID); err != nil {
				return err
			}
			go func() {
				done <- outcomes(
					t, service, w.ctx,
					w.one("leaves", kind.EventUnsubscribed, 1, start), w.one("opens", kind.EventOpened, 0, start),
				)
			}()
			testkit.Waits(t, db, "contacts")
			free := db.Client(ctx).Contact.Query().Where(entcontact.ID(w.contacts[1].ID))
			free.Modify(func(s *sql.Selector) {
				if s.Dialect() == dialect.MySQL {
					s.ForUpdate(sql.WithLockAction(sql.NoWait))
				}
			})
			if _, err := free.IDs(ctx); err != nil {
				t.Errorf("the second contact is locked before the first: %v", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := <-done; got[0] != "recorded" || got[1] != "recorded" {
			t.Error(got)
		}
	})
}
