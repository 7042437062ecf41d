package contact_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/people/contact"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

var start = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// fixture is an account and the service under test.
type fixture struct {
	*contact.Service
	t      *testing.T
	db     *store.Store
	ctx    context.Context
	owner  int64
	client *ent.Client
}

func each(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		test(t, newFixture(t, db))
	})
}

func newFixture(t *testing.T, db *store.Store) *fixture {
	t.Helper()
	me := testkit.Account(t, db)
	f := &fixture{t: t, db: db, ctx: testkit.As(t, me), owner: me.UserID}
	f.Service, f.client = contact.New(db, contact.Options{Now: func() time.Time { return start }}), db.Client(f.ctx)
	return f
}

// enter enters addresses in a transaction of its own.
func (f *fixture) enter(texts ...string) map[string]*ent.Contact {
	f.t.Helper()
	addresses := make([]address.Address, len(texts))
	for i, text := range texts {
		var err error
		if addresses[i], err = address.Parse(text); err != nil {
			f.t.Fatal(err)
		}
	}
	var found map[string]*ent.Contact
	err := f.db.TxLatest(f.ctx, func(ctx context.Context) (err error) {
		found, err = f.Enter(ctx, f.owner, addresses)
		return err
	})
	if err != nil {
		f.t.Error(err)
	}
	return found
}

// subscribe puts a contact on a list.
func (f *fixture) subscribe(c int64, email string, list int64) int64 {
	return f.client.Subscriber.Create().SetListID(list).SetContactID(c).SetEmail(email).SetEmailKey(email).
		SetCreatedAt(start).SaveX(f.ctx).ID
}

func TestAnAddressIsOneContactOfAnAccount(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		first := f.enter("Ann@Example.com", "ann@example.com", "b\u00fccher@b\u00fccher.example")
		if len(first) != 2 {
			t.Fatal(first)
		}
		again := f.enter("ANN@example.COM", "B\u00fccher@xn--bcher-kva.example", "new@example.com")
		for key, c := range first {
			if again[key] == nil || again[key].ID != c.ID {
				t.Errorf("%s is %v, and before %v", key, again[key], c)
			}
		}
		ann := f.client.Contact.GetX(f.ctx, first["ann@example.com"].ID)
		if ann.Email != "Ann@Example.com" || ann.Domain != "example.com" || !ann.CreatedAt.Equal(start) ||
			ann.Deliverability != kind.BounceNone {
			t.Errorf("stored %v", ann)
		}
		other := newFixture(t, f.db)
		if theirs := other.enter("ann@example.com")["ann@example.com"]; theirs.ID == ann.ID {
			t.Error("two accounts share a contact")
		}
		if _, err := other.Get(other.ctx, ann.ID); apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("of another account: %v", err)
		}
	})
}

// TestManyEnterTheSameAddresses has writers that enter overlapping addresses in opposite orders.
func TestManyEnterTheSameAddresses(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var writers sync.WaitGroup
		results := make([]map[string]*ent.Contact, 16)
		for n := range results {
			writers.Go(func() {
				var texts []string
				for i := range 60 {
					if n%2 == 0 {
						i = 59 - i
					}
					texts = append(texts, fmt.Sprint((i+n*7)%90, "@example.com"))
				}
				results[n] = f.enter(texts...)
			})
		}
		writers.Wait()
		ids := map[string]int64{}
		for n, found := range results {
			if len(found) != 60 {
				t.Errorf("writer %d has %d contacts", n, len(found))
			}
			for key, c := range found {
				if ids[key] != 0 && ids[key] != c.ID {
					t.Errorf("%s is %d and %d", key, ids[key], c.ID)
				}
				ids[key] = c.ID
			}
		}
		if n := f.client.Contact.Query().CountX(f.ctx); n != len(ids) {
			t.Errorf("%d contacts, want %d", n, len(ids))
		}
	})
}

// TestWhatIsRememberedStays drops contacts: those with a subscription, an event, a suppression or a
// bounce stay, also if the list of the subscription waits to be purged.
func TestWhatIsRememberedStays(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		names := []string{"subscribed", "happened", "suppressed", "soft", "hard", "purged", "forgotten", "untouched"}
		texts := make([]string, len(names))
		for i, name := range names {
			texts[i] = name + "@example.com"
		}
		found := f.enter(texts...)
		id := func(name string) int64 { return found[name+"@example.com"].ID }
		newList := func() int64 {
			return f.client.SubscriberList.Create().SetName("l").SetNameKey("l").SetCreatedAt(start).SaveX(f.ctx).ID
		}
		f.subscribe(id("subscribed"), "subscribed@example.com", newList())
		gone := newList()
		f.subscribe(id("purged"), "purged@example.com", gone)
		f.client.AudiencePurge.Create().SetKind(kind.DeletedList).SetTargetID(gone).ExecX(f.ctx)
		f.client.Event.Create().SetID(fmt.Sprint(f.owner, "-e")).SetCampaignID(1).SetContactID(id("happened")).
			SetKind(kind.EventSent).SetAt(start).ExecX(f.ctx)
		f.client.Suppression.Create().SetEmail("suppressed@example.com").SetEmailKey("suppressed@example.com").
			SetCreatedAt(start).ExecX(f.ctx)
		var ids []int64
		for _, name := range names[:len(names)-1] {
			ids = append(ids, id(name))
		}
		err := f.db.Tx(f.ctx, func(ctx context.Context) error {
			err := f.Mark(ctx, map[int64]contact.State{
				id("soft"): {Deliverability: kind.BounceSoft, SoftBounces: 1}, id("hard"): {Deliverability: kind.BounceHard},
			})
			if err != nil {
				return err
			}
			return f.Drop(ctx, ids)
		})
		if err != nil {
			t.Fatal(err)
		}
		var left []string
		for _, c := range f.client.Contact.Query().Order(entcontact.ByID()).AllX(f.ctx) {
			left = append(left, c.Email)
		}
		want := map[string]bool{}
		for _, email := range texts {
			want[email] = email != "forgotten@example.com"
		}
		got := map[string]bool{"forgotten@example.com": false}
		for _, email := range left {
			got[email] = true
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestSubscriptionsRepeatTheDeliverability checks every change of deliverability, and that an
// invalid address stays so.
func TestSubscriptionsRepeatTheDeliverability(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		found := f.enter("a@example.com", "b@example.com", "old@example.com")
		a, b, old := found["a@example.com"].ID, found["b@example.com"].ID, found["old@example.com"].ID
		for list := range int64(3) {
			f.subscribe(a, "a@example.com", f.owner*1000+list)
			f.subscribe(b, "b@example.com", f.owner*1000+list)
			f.subscribe(old, "old@example.com", f.owner*1000+list)
		}
		set := func(id int64, to kind.BounceType) {
			err := f.db.Tx(f.ctx, func(ctx context.Context) error { return f.SetDeliverability(ctx, id, to) })
			if err != nil {
				t.Fatal(err)
			}
		}
		mark := func(states map[int64]contact.State) {
			if err := f.db.Tx(f.ctx, func(ctx context.Context) error { return f.Mark(ctx, states) }); err != nil {
				t.Fatal(err)
			}
		}
		check := func(step string, want ...string) {
			t.Helper()
			var got []string
			for _, id := range []int64{a, b, old} {
				c := f.client.Contact.GetX(f.ctx, id)
				got = append(got, fmt.Sprint(c.Deliverability, " ", c.SoftBounces, " ", c.DeliverableSince != nil))
				for _, p := range f.client.Subscriber.Query().AllX(f.ctx) {
					if p.ContactID == id && p.Bounce != c.Deliverability {
						t.Errorf("%s: %s has %s on list %d", step, c.Email, p.Bounce, p.ListID)
					}
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", step, diff)
			}
		}
		mark(map[int64]contact.State{
			a: {Deliverability: kind.BounceSoft, SoftBounces: 3}, b: {Deliverability: kind.BounceHard, SoftBounces: 5},
			old: {Deliverability: kind.BounceInvalid},
		})
		check("marked", "soft 3 false", "hard 5 false", "invalid 0 false")
		set(b, kind.BounceNone)
		set(old, kind.BounceNone)
		check("deliverable again", "soft 3 false", "none 0 true", "invalid 0 false")
		set(a, kind.BounceHard)
		set(b, kind.BounceSoft)
		check("by the owner", "hard 3 false", "soft 1 true", "invalid 0 false")
	})
}

// TestAContactStaysForWhoEntersIt drops two contacts while another transaction has entered the second
// one and subscribes it before it commits.
func TestAContactStaysForWhoEntersIt(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		found := f.enter("a@example.com", "b@example.com")
		a, b := found["a@example.com"].ID, found["b@example.com"].ID
		if a > b {
			a, b = b, a
		}
		dropped := make(chan error, 1)
		err := f.db.TxLatest(f.ctx, func(ctx context.Context) error {
			if _, err := f.Lock(ctx, []int64{b}, entcontact.FieldID); err != nil {
				return err
			}
			go func() {
				dropped <- f.db.TxLatest(f.ctx, func(ctx context.Context) error {
					return f.Drop(ctx, []int64{a, b})
				})
			}()
			// On SQLite the other transaction begins after this one.
			for f.db.Dialect() == dialect.MySQL && testkit.Running(t, f.client, "`contacts`") == 0 {
			}
			client := f.db.Client(ctx)
			return client.Subscriber.Create().SetListID(f.owner).SetContactID(b).SetEmail("b@example.com").
				SetEmailKey("b@example.com").SetCreatedAt(start).Exec(ctx)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-dropped; err != nil {
			t.Fatal(err)
		}
		left := f.client.Contact.Query().IDsX(f.ctx)
		if len(left) != 1 || left[0] != b {
			t.Errorf("contacts %v are left, want %d", left, b)
		}
	})
}
