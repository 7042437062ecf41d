package forget_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	entcontact "campaignql/ent/contact"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/people/forget"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestNothingOfThePersonStays forgets somebody of whom there is something everywhere, and looks
// through all tables.
func TestNothingOfThePersonStays(t *testing.T) {
	eachFresh(t, func(t *testing.T, w *world) {
		const ann, bob, eve = "ann@example.com", "bob@example.com", "eve@example.com"
		var ids []int64
		for _, list := range w.lists {
			ids = w.enter(list, ann, bob, eve)
		}
		// The subscriptions to the third list wait to be purged. A report of the migration names one.
		if _, err := w.Lists.Delete(w.ctx, w.lists[2:]); err != nil {
			t.Fatal(err)
		}
		of := w.client.Subscriber.Query().Where(entsubscriber.ContactID(ids[0])).FirstIDX(w.ctx)
		w.client.MergedSubscriber.Create().SetID(987654).SetSubscriberID(of).ExecX(w.ctx)
		for _, target := range []int64{987654, of} {
			w.client.MigrationFinding.Create().SetVersion(store.ContactsVersion).SetKind(kind.FindingMerged).
				SetTargetID(target).SetText("subscriber (ann@example.com)").ExecX(w.ctx)
		}
		for i, email := range []string{ann, bob} {
			for _, what := range []kind.EventKind{
				kind.EventSent, kind.EventOpened, kind.EventClicked, kind.EventSoftBounced, kind.EventComplained,
			} {
				w.record(w.happened(fmt.Sprint(i, what), what, email))
			}
		}
		// A subscription of somebody else was Ann's before it got another address.
		w.client.FormerContact.Create().SetSubscriberID(of).SetContactID(ids[1]).SetMovedAt(store.Now()).ExecX(w.ctx)
		bobs := w.client.Subscriber.Query().Where(entsubscriber.ContactID(ids[1])).FirstIDX(w.ctx)
		w.client.FormerContact.Create().SetSubscriberID(bobs).SetContactID(ids[0]).SetMovedAt(store.Now()).ExecX(w.ctx)
		before, events := w.counted(), w.client.Event.Query().CountX(w.ctx)
		others := w.found(bob)

		forgotten, err := w.Forgetting.Forget(w.ctx, []int64{ids[0], ids[2], 987654321}, forget.Options{})
		if err != nil || !cmp.Equal(forgotten, []int64{ids[0], ids[2]}) {
			t.Fatal(forgotten, err)
		}
		// From the answer on the address is nowhere but in what events tell.
		for _, place := range w.found(ann, eve) {
			if !strings.HasPrefix(place, "events.") {
				t.Errorf("before the purge: %s", place)
			}
		}
		select {
		case <-w.Purges.Deleted():
		default:
			t.Error("nobody is told that there is something to purge")
		}
		if n := w.client.FormerContact.Query().CountX(w.ctx); n != 0 {
			t.Errorf("%d former contacts tell of the person", n)
		}
		w.purge()
		for _, place := range w.found(ann, eve) {
			t.Error(place)
		}
		// The subscription that waited to be purged is gone from two columns, and its value from two.
		if after := w.found(bob); len(after) != len(others)-4 {
			t.Errorf("the other person (-before +after):\n%s", cmp.Diff(others, after))
		}
		if got := w.counted(); got != before {
			t.Errorf("counters (-before +after):\n%s", cmp.Diff(before, got))
		}
		w.recount()
		if n := w.client.Event.Query().CountX(w.ctx); n != events {
			t.Errorf("%d events of %d", n, events)
		}
		for _, e := range w.client.Event.Query().AllX(w.ctx) {
			tells := e.IP != "" && e.UserAgent != "" && e.Reason != "" && e.SubscriberID != nil
			told := e.IP != "" || e.UserAgent != "" || e.Reason != "" || e.SubscriberID != nil
			switch {
			case e.ContactID == ids[0] && told, e.ContactID == ids[1] && !tells:
				t.Errorf("event %v", e)
			case e.ContactID != ids[0] && e.ContactID != ids[1]:
				t.Errorf("event of contact %d", e.ContactID)
			}
		}
		// Ann is a number, because events name her; Eve is nothing.
		rest := w.client.Contact.Query().Order(entcontact.ByID()).AllX(w.ctx)
		if len(rest) != 2 || rest[0].ID != ids[0] || rest[1].ID != ids[1] {
			t.Fatal(rest)
		}
		if c := rest[0]; c.Email != "" || c.EmailKey != nil || c.Domain != "" {
			t.Errorf("contact %v", c)
		}
		if n := w.client.Subscriber.Query().Where(entsubscriber.ContactID(ids[1])).CountX(w.ctx); n != 2 {
			t.Errorf("the other person is on %d lists", n)
		}
		if n := w.client.FieldValue.Query().CountX(w.ctx); n != 2 {
			t.Errorf("%d values", n)
		}
		if n := w.client.SubscriberTagging.Query().CountX(w.ctx); n != 2 {
			t.Errorf("%d taggings", n)
		}
		// A mere number is nobody who could be forgotten.
		if again, err := w.Forgetting.Forget(w.ctx, ids, forget.Options{}); err != nil || !cmp.Equal(again, ids[1:2]) {
			t.Error(again, err)
		}
	})
}

// TestAnAddressIsRecognizedWhenItIsEnteredAgain enters a forgotten address in every way.
func TestAnAddressIsRecognizedWhenItIsEnteredAgain(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const earlier = "2026-11-20T08:00:00Z"
		for _, tt := range []struct {
			name, address, again string
			enter                func(again string) error
		}{
			{"sign-up", "a@example.com", "A@Example.com", func(again string) error {
				_, err := w.Subscribers.Subscribe(w.ctx, subscriber.Subscription{ListID: w.lists[1], Email: again})
				return err
			}},
			{"import", "b@b\u00fccher.example", "b@xn--bcher-kva.example", func(again string) error {
				w.enter(w.lists[1], "new@example.com", again, "newer@example.com")
				return nil
			}},
			{"change of the address", "c@example.com", "c@example.com", func(again string) error {
				other := w.enter(w.lists[1], "before@example.com")[0]
				of := w.client.Subscriber.Query().Where(entsubscriber.ContactID(other)).OnlyIDX(w.ctx)
				_, err := w.Subscribers.Update(w.ctx, of, subscriber.Patch{Email: &again})
				return err
			}},
			{"suppress", "d@example.com", "D@example.com", func(again string) error {
				_, err := w.Suppressions.Suppress(w.ctx, []string{"e@example.com", again}, kind.SuppressedByBounce)
				return err
			}},
		} {
			for _, complained := range []bool{true, false} {
				id := w.enter(w.lists[0], tt.address)[0]
				key := *w.client.Contact.GetX(w.ctx, id).EmailKey
				want := fmt.Sprint(tt.again, " manual ", start.Format(time.RFC3339))
				w.client.Suppression.Delete().ExecX(w.ctx)
				if complained {
					at, _ := time.Parse(time.RFC3339, earlier)
					w.client.Suppression.Create().SetEmail(tt.address).SetEmailKey(key).
						SetReason(kind.SuppressedByComplaint).SetCreatedAt(at).ExecX(w.ctx)
					want = fmt.Sprint(tt.again, " complaint ", earlier)
				}
				w.forget(forget.Options{}, id)
				if got := w.suppression(key); got != "" {
					t.Errorf("%s: the list of suppressions tells of %s", tt.name, got)
				}
				if err := tt.enter(tt.again); err != nil {
					t.Fatal(tt.name, err)
				}
				if got := w.suppression(key); got != want {
					t.Errorf("%s: suppression %q, want %q", tt.name, got, want)
				}
				if n := w.client.ForgottenAddress.Query().CountX(w.ctx); n != 0 {
					t.Errorf("%s: %d digests are left", tt.name, n)
				}
				for _, c := range w.client.Contact.Query().Where(entcontact.EmailKeyNotNil()).IDsX(w.ctx) {
					w.forget(forget.Options{Suppression: true}, c)
				}
			}
		}
	})
}

// TestOnlyWhoWasForgottenIsSuppressed enters addresses beside a forgotten one, into this and into
// another account.
func TestOnlyWhoWasForgottenIsSuppressed(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ids := w.enter(w.lists[0], "ann@example.com", "bob@example.com", "free@example.com")
		w.forget(forget.Options{}, ids[0], ids[1])
		w.forget(forget.Options{Suppression: true}, ids[2])
		other := newWorld(t, w.Store)
		other.enter(other.lists[0], "ann@example.com")
		if got := other.suppression("ann@example.com"); got != "" {
			t.Errorf("another account: %s", got)
		}
		// The owner says that an address may be written to.
		released, err := w.Suppressions.Unsuppress(w.ctx, []string{"x@example.com", "Bob@example.com"})
		if err != nil || !cmp.Equal(released, []string{"Bob@example.com"}) {
			t.Error(released, err)
		}
		w.enter(w.lists[0], "ann@example.com", "bob@example.com", "free@example.com", "ann@example.org")
		for _, row := range w.client.Suppression.Query().AllX(w.ctx) {
			if row.EmailKey != "ann@example.com" || row.UserID != w.owner {
				t.Errorf("suppressed: %s", row.EmailKey)
			}
		}
		if got := w.suppression("ann@example.com"); got == "" {
			t.Error("the forgotten address is not suppressed")
		}
	})
}

// TestWithoutTheSecretNobodyIsReached has servers with other secrets enter a forgotten address.
func TestWithoutTheSecretNobodyIsReached(t *testing.T) {
	eachFresh(t, func(t *testing.T, w *world) {
		ids := w.enter(w.lists[0], "ann@example.com", "bob@example.com")
		none := w.with(w.Store, "")
		_, err := none.Forgetting.Forget(w.ctx, ids[:1], forget.Options{})
		if fault(err) != "conflict secret_required" || !strings.Contains(err.Error(), "--secret-file or CAMPAIGNQL_SECRET") {
			t.Errorf("without a secret: %v", err)
		}
		if n := w.client.Contact.Query().Where(entcontact.EmailKeyNotNil()).CountX(w.ctx); n != 2 {
			t.Errorf("%d contacts", n)
		}
		if forgotten, err := none.Forgetting.Forget(w.ctx, ids[1:], forget.Options{Suppression: true}); err != nil ||
			len(forgotten) != 1 {
			t.Error(forgotten, err)
		}
		admin := testkit.As(t, testkit.Account(t, w.Store, testkit.Admin()))
		if err := none.Suppressions.CheckSecret(admin); err != nil {
			t.Errorf("nobody was forgotten under a secret: %v", err)
		}
		w.forget(forget.Options{}, ids[0])
		n := w.client.Contact.Query().CountX(w.ctx)
		for _, tt := range []struct {
			secrets string
			knows   bool
		}{
			{"", false}, {secondSecret, false}, {secondSecret + "\n" + firstSecret, true}, {firstSecret, true},
		} {
			s := w.with(w.Store, tt.secrets)
			if err := s.Suppressions.CheckSecret(admin); (err == nil) != tt.knows {
				t.Errorf("secrets %q: %v", tt.secrets, err)
			}
			if !tt.knows {
				_, err := s.Subscribers.Subscribe(
					w.ctx, subscriber.Subscription{ListID: w.lists[0], Email: "somebody@example.com"},
				)
				_, of := s.Suppressions.Unsuppress(w.ctx, []string{"ann@example.com"})
				for _, err := range []error{err, of} {
					if fault(err) != "unavailable" || !strings.Contains(err.Error(), "--secret-file or CAMPAIGNQL_SECRET") {
						t.Errorf("secrets %q: %v", tt.secrets, err)
					}
				}
			}
		}
		if now := w.client.Contact.Query().CountX(w.ctx); now != n {
			t.Errorf("%d contacts became %d", n, now)
		}
		// A server whose secret was rotated recognizes the address, and keeps digests under the new one.
		w.Services = w.with(w.Store, secondSecret+"\n"+firstSecret)
		id := w.enter(w.lists[0], "ann@example.com")[0]
		if w.suppression("ann@example.com") == "" {
			t.Error("after the rotation the address is not recognized")
		}
		w.forget(forget.Options{}, id)
		if err := w.with(w.Store, secondSecret).Suppressions.CheckSecret(admin); err != nil {
			t.Errorf("under the new secret: %v", err)
		}
	})
}

func TestWhatIsNotOnesOwnIsNotForgotten(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := newWorld(t, w.Store)
		theirs := other.enter(other.lists[0], "ann@example.com")
		if forgotten, err := w.Forgetting.Forget(w.ctx, theirs, forget.Options{}); err != nil || len(forgotten) != 0 {
			t.Error(forgotten, err)
		}
		if c := other.client.Contact.GetX(other.ctx, theirs[0]); c.Email != "ann@example.com" {
			t.Errorf("another account: %v", c)
		}
		reader := testkit.As(t, testkit.Account(t, w.Store, testkit.Scoped(kind.ScopeRead)))
		if _, err := w.Forgetting.Forget(reader, theirs, forget.Options{}); apperr.CodeOf(err) != apperr.Denied {
			t.Errorf("with the scope read: %v", err)
		}
		_, err := w.Forgetting.Forget(w.ctx, make([]int64, forget.MaxContacts+1), forget.Options{})
		if fault(err) != "invalid too_many_ids ids" {
			t.Error(err)
		}
	})
}

// TestEnteringCostsTwoStatementsMore compares the statements of an account that has forgotten nobody
// with those of one that has.
func TestEnteringCostsTwoStatementsMore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		other := newWorld(t, w.Store)
		other.forget(forget.Options{}, other.enter(other.lists[0], "ann@example.com")[0])
		statements := func(w *world, name string, n int) []store.Statement {
			rows := make([]subscriber.Row, n)
			for i := range rows {
				rows[i].Email = fmt.Sprint(name, i, "@example.com")
			}
			recorder := new(store.Recorder)
			addition := subscriber.Addition{ListID: w.lists[0], Rows: rows}
			if _, err := w.Subscribers.Add(store.WithRecorder(w.ctx, recorder), addition, nil); err != nil {
				t.Fatal(err)
			}
			return recorder.Statements()
		}
		few, many := statements(w, "few", 200), statements(w, "many", 1000)
		after := statements(other, "many", 1000)
		if len(few) != len(many) || len(after) != len(many)+2 {
			t.Errorf("%d statements for 200, %d for 1,000, %d with people forgotten", len(few), len(many), len(after))
		}
		alone := 0
		for _, s := range many {
			if strings.Contains(s.Query, "forgotten_addresses") && !strings.Contains(s.Query, "contacts") {
				alone++
			}
		}
		if alone != 1 {
			t.Errorf("%d statements about forgotten people, want the one that finds none", alone)
		}
	})
}

// TestNobodyComesBackHalfWay records events, puts people onto lists and changes them while they are
// being forgotten by several callers.
func TestNobodyComesBackHalfWay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const people = 8
		emails := make([]string, people)
		for i := range emails {
			emails[i] = fmt.Sprint("p", i, "@example.com")
		}
		ids := w.enter(w.lists[0], emails...)
		var events []event.Event
		for _, email := range emails {
			events = append(events, w.happened("first "+email, kind.EventSent, email))
		}
		w.record(events...)
		subscriptions := w.client.Subscriber.Query().AllX(w.ctx)

		var mutex sync.Mutex
		var running sync.WaitGroup
		forgotten := map[int64]int{}
		for range 3 {
			running.Go(func() {
				for _, id := range ids {
					gone, err := w.Forgetting.Forget(w.ctx, []int64{id}, forget.Options{})
					if err != nil {
						t.Error(err)
					}
					mutex.Lock()
					for _, id := range gone {
						forgotten[id]++
					}
					mutex.Unlock()
				}
			})
		}
		for n := range 4 {
			running.Go(func() {
				for i, email := range emails {
					by := w.happened(fmt.Sprint(n, email), kind.EventOpened, email)
					switch n {
					case 1:
						by.Email, by.SubscriberID = "", subscriptions[i].ID
					case 2:
						by.Email, by.ContactID = "", ids[i]
					case 3:
						by.Kind = kind.EventComplained
					}
					if _, err := w.Events.Record(w.ctx, []event.Event{by}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		running.Go(func() {
			for _, p := range subscriptions {
				_, err := w.Subscribers.Update(w.ctx, p.ID, subscriber.Patch{Fields: map[int64]string{w.field: "late"}})
				if err != nil && apperr.CodeOf(err) != apperr.NotFound {
					t.Error(err)
				}
			}
		})
		running.Go(func() {
			for _, email := range emails {
				_, err := w.Subscribers.Add(w.ctx, subscriber.Addition{
					ListID: w.lists[1], Rows: []subscriber.Row{{Email: email}},
				}, nil)
				if err != nil {
					t.Error(err)
				}
			}
		})
		running.Wait()
		w.purge()
		w.recount()
		for _, id := range ids {
			if forgotten[id] != 1 {
				t.Errorf("contact %d was forgotten %d times", id, forgotten[id])
			}
			c := w.client.Contact.GetX(w.ctx, id)
			if c.EmailKey != nil || c.Email != "" {
				t.Errorf("contact %v", c)
			}
		}
		// Whoever entered again is another person, who is suppressed, and of whom all is whole.
		known := map[int64]string{}
		for _, c := range w.client.Contact.Query().Where(entcontact.EmailKeyNotNil()).AllX(w.ctx) {
			known[c.ID] = *c.EmailKey
			if w.suppression(*c.EmailKey) == "" {
				t.Errorf("%s is not suppressed", c.Email)
			}
		}
		for _, p := range w.client.Subscriber.Query().AllX(w.ctx) {
			if known[p.ContactID] != p.EmailKey {
				t.Errorf("subscription %d of %s is of contact %d, %q", p.ID, p.EmailKey, p.ContactID, known[p.ContactID])
			}
		}
		for _, v := range w.client.FieldValue.Query().AllX(w.ctx) {
			t.Errorf("a value is left: %v", v)
		}
		for _, e := range w.client.Event.Query().AllX(w.ctx) {
			if known[e.ContactID] == "" && (e.IP != "" || e.UserAgent != "" || e.Reason != "" || e.SubscriberID != nil) {
				t.Errorf("event %v", e)
			}
		}
	})
}

// TestALateEventIsRejected records events of a forgotten person, by everything that named the person.
func TestALateEventIsRejected(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		id := w.enter(w.lists[0], "ann@example.com")[0]
		of := w.client.Subscriber.Query().OnlyIDX(w.ctx)
		w.record(w.happened("sent", kind.EventSent, "ann@example.com"))
		w.forget(forget.Options{}, id)
		byAddress, bySubscriber := w.happened("1", kind.EventOpened, "ann@example.com"), w.happened("2", kind.EventOpened, "")
		byContact := w.happened("3", kind.EventOpened, "")
		bySubscriber.SubscriberID, byContact.ContactID = of, id
		results, err := w.Events.Record(w.ctx, []event.Event{byAddress, bySubscriber, byContact})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range results {
			if r.Outcome != event.Rejected || r.Err.Code != apperr.NotFound {
				t.Errorf("%s: %s %v", r.ID, r.Outcome, r.Err)
			}
		}
		if n := w.client.Event.Query().CountX(w.ctx); n != 1 {
			t.Errorf("%d events", n)
		}
	})
}
