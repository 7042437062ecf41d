package subscriber_test

import (
	"context"
	"errors"
	"testing"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	entevent "campaignql/ent/event"
	"campaignql/internal/kind"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/testkit"
)

// eachAlone runs a test on a database of its own, so that it can tell which statement waits.
func eachAlone(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		test(t, newFixture(t, testkit.Open(t, address)))
	})
}

// during runs first in a transaction, and commits it once a statement of second with the text waits
// for it.
func (f *fixture) during(first func(ctx context.Context) error, text string, second func() error) error {
	f.t.Helper()
	done := make(chan error, 1)
	err := f.db.TxLatest(f.ctx, func(ctx context.Context) error {
		if err := first(ctx); err != nil {
			return err
		}
		go func() { done <- second() }()
		testkit.Waits(f.t, f.db, text)
		return nil
	})
	if err != nil {
		f.t.Fatal(err)
	}
	return <-done
}

// TestNobodyIsUnsubscribedByAnAddressThatMoved unsubscribes an address while its subscription is
// about to get another one. The old contact is deleted in one case, and stays in the other.
func TestNobodyIsUnsubscribedByAnAddressThatMoved(t *testing.T) {
	eachAlone(t, func(t *testing.T, f *fixture) {
		for _, remembered := range []bool{false, true} {
			campaign, p := f.campaign(), f.subscribe("old@example.com", nil)
			if remembered {
				f.db.Client(f.ctx).Event.Create().SetID("sent").SetUserID(p.UserID).SetCampaignID(campaign).
					SetContactID(p.ContactID).SetKind(kind.EventSent).SetAt(start).ExecX(f.ctx)
			}
			to := "new@example.com"
			err := f.during(
				func(ctx context.Context) error { return second(f.Update(ctx, p.ID, subscriber.Patch{Email: &to})) },
				"contacts", func() error { return f.leave("old@example.com", campaign) },
			)
			if got := fault(err); got != "conflict not_subscribed email" {
				t.Errorf("remembered %v: %q", remembered, got)
			}
			client := f.db.Client(f.ctx)
			if now := client.Subscriber.GetX(f.ctx, p.ID); now.Email != to || now.Status != kind.SubscriberSubscribed {
				t.Errorf("remembered %v: %s is %s", remembered, now.Email, now.Status)
			}
			if n := client.Event.Query().Where(entevent.KindEQ(kind.EventUnsubscribed)).CountX(f.ctx); n > 0 {
				t.Errorf("remembered %v: %d unsubscriptions", remembered, n)
			}
			if _, err := f.Delete(f.ctx, []int64{p.ID}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestWritersOfSubscriptionsLockTheContactFirst holds the contact of a subscription while it is
// changed. Whoever holds a contact can lock its subscriptions: nobody has them who waits for the
// contact.
func TestWritersOfSubscriptionsLockTheContactFirst(t *testing.T) {
	to := "moved@example.com"
	for name, write := range map[string]func(f *fixture, p *ent.Subscriber) error{
		"update": func(f *fixture, p *ent.Subscriber) error {
			return second(f.Update(f.ctx, p.ID, subscriber.Patch{Status: new(kind.SubscriberUnsubscribed)}))
		},
		"move": func(f *fixture, p *ent.Subscriber) error {
			return second(f.Update(f.ctx, p.ID, subscriber.Patch{Email: &to}))
		},
		"unsubscribe": func(f *fixture, p *ent.Subscriber) error { return f.leave(p.Email, f.campaign()) },
		"delete": func(f *fixture, p *ent.Subscriber) error {
			return second(f.Delete(f.ctx, []int64{p.ID}))
		},
		"subscribe again": func(f *fixture, p *ent.Subscriber) error {
			in := subscriber.Subscription{ListID: f.list, Email: p.Email}
			if got := fault(second(f.Subscribe(f.ctx, in))); got != "conflict subscriber_exists email" {
				f.t.Errorf("subscribed again: %q", got)
			}
			return nil
		},
		"add again": func(f *fixture, p *ent.Subscriber) error {
			in := subscriber.Addition{ListID: f.list, Rows: []subscriber.Row{{Email: p.Email}}, Resubscribe: true}
			return second(f.Add(f.ctx, in, nil))
		},
	} {
		t.Run(name, func(t *testing.T) {
			eachAlone(t, func(t *testing.T, f *fixture) {
				p, done := f.subscribe("a@example.com", nil), make(chan error, 1)
				err := f.db.TxLatest(f.ctx, func(ctx context.Context) error {
					if _, err := f.contacts.Lock(ctx, []int64{p.ContactID}, entcontact.FieldID); err != nil {
						return err
					}
					go func() { done <- write(f, p) }()
					testkit.Waits(t, f.db, "contacts")
					free := f.db.Client(ctx).Subscriber.Query()
					free.Modify(nowait)
					if _, err := free.IDs(ctx); err != nil {
						t.Errorf("a subscription is locked before its contact: %v", err)
					}
					return nil
				})
				if err = errors.Join(err, <-done); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// nowait locks the rows that a query reads, and fails if another transaction has one.
func nowait(s *sql.Selector) {
	if s.Dialect() == dialect.MySQL {
		s.ForUpdate(sql.WithLockAction(sql.NoWait))
	}
}
