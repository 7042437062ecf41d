package event_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	"campaignql/ent/pendingrecount"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// recountContacts returns the lines of a recount of all contacts.
func recountContacts(t *testing.T, service *event.Service, ctx context.Context) []string {
	t.Helper()
	var found []string
	_, err := service.RecountContacts(caller.System(ctx), func(d event.ContactDifference) error {
		found = append(found, d.String())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// spoil writes wrong states to half of the contacts and their subscriptions. It makes none
// undeliverable: a recount could not know that its owner did not mean it.
func (w *world) spoil(t *testing.T, db *store.Store, r *rand.Rand) {
	t.Helper()
	client := db.Client(w.ctx)
	for _, c := range w.contacts {
		if r.IntN(2) == 0 {
			continue
		}
		to := []kind.BounceType{kind.BounceNone, kind.BounceSoft}[r.IntN(2)]
		update := client.Contact.UpdateOneID(c.ID).SetSoftBounces(int64(2 + r.IntN(9)))
		if c.Deliverability != kind.BounceInvalid {
			update.SetDeliverability(to)
		}
		update.ExecX(w.ctx)
		client.Subscriber.Update().Where(entsubscriber.ContactID(c.ID)).SetBounce(to).ExecX(w.ctx)
	}
}

// eachBounced runs a test on a database of its own, with one campaign and people who bounced: a
// recount is of all contacts of the database. The clock is a month after start.
func eachBounced(t *testing.T, limit int, test func(t *testing.T, b *bounced)) {
	t.Helper()
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		b := &bounced{t: t, db: db, world: settle(t, db, 4, 12), now: start.AddDate(0, 1, 0)}
		now := func() time.Time { return b.now }
		b.contacts = contact.New(db, contact.Options{Now: now})
		b.service = newService(db, event.Options{Now: now, SoftBounceLimit: limit})
		b.service.RecountAtOnce(5) // so that there are several portions
		test(t, b)
	})
}

// bounced is a world whose contacts are called by their places.
type bounced struct {
	*world
	t        *testing.T
	db       *store.Store
	contacts *contact.Service
	service  *event.Service
	now      time.Time
	n        int
}

// happens records events of a person, each of the next campaign and a day later.
func (b *bounced) happens(person int, kinds ...kind.EventKind) {
	b.t.Helper()
	for i, what := range kinds {
		b.n++
		e := b.one(fmt.Sprint(b.n), what, person, start.AddDate(0, 0, i+1))
		e.CampaignID = b.campaigns[i%len(b.campaigns)]
		if got := outcomes(b.t, b.service, b.ctx, e); got[0] != "recorded" {
			b.t.Fatal(got)
		}
	}
}

// damage writes a state as nobody should.
func (b *bounced) damage(person int, to kind.BounceType, row int64) {
	b.db.Client(b.ctx).Contact.UpdateOneID(b.world.contacts[person].ID).
		SetDeliverability(to).SetSoftBounces(row).ExecX(b.ctx)
}

// says sets the deliverability as the owner.
func (b *bounced) says(person int, to kind.BounceType) {
	b.t.Helper()
	if _, err := b.contacts.Update(b.ctx, b.world.contacts[person].ID, to); err != nil {
		b.t.Fatal(err)
	}
}

// states returns the state of each person, and "differs" if a subscription has another one.
func (b *bounced) states() []string {
	var all []string
	for i, c := range b.world.contacts {
		now := b.db.Client(b.ctx).Contact.GetX(b.ctx, c.ID)
		state := fmt.Sprint(i, " ", now.Deliverability, " ", now.SoftBounces)
		if p := b.db.Client(b.ctx).Subscriber.GetX(b.ctx, b.people[i].ID); p.Bounce != now.Deliverability {
			state += " differs"
		}
		all = append(all, state)
	}
	return all
}

// TestARecountMendsContacts damages contacts in every way that events tell of.
func TestARecountMendsContacts(t *testing.T) {
	const soft, hard, delivered = kind.EventSoftBounced, kind.EventHardBounced, kind.EventDelivered
	eachBounced(t, 3, func(t *testing.T, b *bounced) {
		b.happens(0, soft, soft)
		b.happens(1, soft, soft, soft)
		b.happens(2, hard)
		b.happens(3, soft, delivered)
		b.happens(4, soft, hard)
		b.damage(5, kind.BounceInvalid, 0)
		b.happens(8, soft)
		if found := recountContacts(t, b.service, b.ctx); len(found) != 1 { // the subscription of the invalid address
			t.Errorf("before the damage a recount finds %v", found)
		}
		want := []string{
			"0 soft 2", "1 hard 3", "2 hard 0", "3 none 0", "4 hard 1", "5 invalid 0", "6 none 0", "7 none 0", "8 soft 1",
			"9 none 0", "10 none 0", "11 none 0",
		}
		if diff := cmp.Diff(want, b.states()); diff != "" {
			t.Fatalf("(-want +before):\n%s", diff)
		}
		b.damage(0, kind.BounceSoft, 7)
		b.damage(1, kind.BounceNone, 0)
		b.damage(2, kind.BounceNone, 0)
		b.damage(3, kind.BounceSoft, 2)
		b.damage(4, kind.BounceSoft, 1)
		b.damage(5, kind.BounceInvalid, 4)
		b.damage(6, kind.BounceSoft, 2)
		b.damage(7, kind.BounceNone, 3)
		b.db.Client(b.ctx).Subscriber.UpdateOneID(b.people[8].ID).SetBounce(kind.BounceHard).ExecX(b.ctx)
		b.db.Client(b.ctx).Subscriber.UpdateOneID(b.people[9].ID).SetBounce(kind.BounceSoft).ExecX(b.ctx)
		found := recountContacts(t, b.service, b.ctx)
		if len(found) != 10 {
			t.Errorf("a recount finds %d: %v", len(found), found)
		}
		line := fmt.Sprintf(
			"contact %d: was none with 0 soft bounces in a row, is hard with 3, on 0 subscriptions", b.world.contacts[1].ID,
		)
		if !slices.Contains(found, line) {
			t.Errorf("no line %q in %v", line, found)
		}
		if diff := cmp.Diff(want, b.states()); diff != "" {
			t.Errorf("(-want +after):\n%s", diff)
		}
		if found := recountContacts(t, b.service, b.ctx); len(found) > 0 {
			t.Errorf("a second recount finds %v", found)
		}
		_, err := b.service.RecountContacts(b.ctx, nil)
		if apperr.CodeOf(err) != apperr.Denied {
			t.Errorf("not an admin: %v", err)
		}
	})
}

// TestWhatAnOwnerSaidOutlivesARecount has owners who know more than the events tell.
func TestWhatAnOwnerSaidOutlivesARecount(t *testing.T) {
	const soft, hard = kind.EventSoftBounced, kind.EventHardBounced
	eachBounced(t, 2, func(t *testing.T, b *bounced) {
		b.says(0, kind.BounceHard)
		b.says(1, kind.BounceSoft)
		b.happens(2, hard)
		b.says(2, kind.BounceNone)
		b.happens(3, soft, soft)
		b.says(3, kind.BounceNone)
		b.happens(4, hard)
		b.says(4, kind.BounceSoft)
		b.happens(5, soft)
		b.says(5, kind.BounceHard)
		// A bounce of just now, with which the clock of the sender might be late.
		just := b.one("just", hard, 6, start.AddDate(0, 1, 0))
		outcomes(t, b.service, b.ctx, just)
		b.says(6, kind.BounceNone)
		just = b.one("soft", soft, 7, start.AddDate(0, 1, 0).Add(time.Minute))
		outcomes(t, b.service, b.ctx, just)
		b.says(7, kind.BounceNone)
		want := []string{
			"0 hard 0", "1 soft 1", "2 none 0", "3 none 0", "4 soft 1", "5 hard 1", "6 none 0", "7 none 0", "8 none 0",
			"9 none 0", "10 none 0", "11 none 0",
		}
		if diff := cmp.Diff(want, b.states()); diff != "" {
			t.Fatalf("(-want +before):\n%s", diff)
		}
		if found := recountContacts(t, b.service, b.ctx); len(found) > 0 {
			t.Errorf("a recount finds %v", found)
		}
		// Bounces after that count.
		b.now = b.now.Add(2 * time.Minute)
		just.ID, just.At = "again", start.AddDate(0, 1, 0).Add(2*time.Minute).Format(time.RFC3339Nano)
		outcomes(t, b.service, b.ctx, just)
		if got := b.states()[7]; got != "7 soft 1" {
			t.Error(got)
		}
	})
}

// TestABounceFromAClockThatIsAheadHidesNoLaterOnes has bounces from an hour ahead, after which the
// owner says that mail is delivered again.
func TestABounceFromAClockThatIsAheadHidesNoLaterOnes(t *testing.T) {
	const soft, hard = kind.EventSoftBounced, kind.EventHardBounced
	eachBounced(t, 2, func(t *testing.T, b *bounced) {
		for i, what := range []kind.EventKind{soft, hard} {
			early := b.one("early", what, i, b.now.Add(time.Hour))
			early.ID += string(what)
			if got := outcomes(t, b.service, b.ctx, early); got[0] != "recorded" {
				t.Fatal(got)
			}
			b.says(i, kind.BounceNone)
		}
		if diff := cmp.Diff([]string{"0 none 0", "1 none 0"}, b.states()[:2]); diff != "" {
			t.Errorf("(-want +when the owner said so):\n%s", diff)
		}
		if found := recountContacts(t, b.service, b.ctx); len(found) > 0 {
			t.Errorf("a recount finds %v", found)
		}
		b.now = b.now.Add(time.Minute)
		for i, what := range []kind.EventKind{soft, hard} {
			late := b.one("late", what, i, b.now)
			late.ID += string(what)
			outcomes(t, b.service, b.ctx, late)
		}
		b.now = b.now.Add(24 * time.Hour)
		if diff := cmp.Diff([]string{"0 soft 1", "1 hard 0"}, b.states()[:2]); diff != "" {
			t.Errorf("(-want +after the next bounces):\n%s", diff)
		}
		if found := recountContacts(t, b.service, b.ctx); len(found) > 0 {
			t.Errorf("a recount finds %v", found)
		}
	})
}

// TestContactsAreRecountedWhileEventsAreRecorded damages contacts again and again while eight writers
// record events and two recount.
func TestContactsAreRecountedWhileEventsAreRecorded(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		service := newService(db, event.Options{})
		service.RecountAtOnce(10)
		seed := rand.Uint64()
		t.Log("seed", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		w := settle(t, db, 8, 40)
		w.spread(t, db, r)
		all := make([]told, 1200)
		for i := range all {
			all[i] = w.invent(r, i)
		}
		var writers, recounts sync.WaitGroup
		for some := range slices.Chunk(all, len(all)/8) {
			writers.Go(func() {
				for batch := range slices.Chunk(some, 15) {
					events := make([]event.Event, len(batch))
					for i, e := range batch {
						events[i] = e.Event
					}
					if _, err := service.Record(w.ctx, events); err != nil {
						t.Error(err)
					}
				}
			})
		}
		done := make(chan struct{})
		for range 2 {
			recounts.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						recountWithout(t, service, w.ctx)
					}
				}
			})
		}
		writers.Wait()
		close(done)
		recounts.Wait()
		w.verify(t, db, service, all)
		w.verifyPeople(t, db, all)
	})
}

// recountWithout recounts contacts that nobody damaged: whatever a recount sees in between, nothing
// differs.
func recountWithout(t *testing.T, service *event.Service, ctx context.Context) {
	_, err := service.RecountContacts(caller.System(ctx), func(d event.ContactDifference) error {
		t.Errorf("a recount while events are recorded finds %s", d)
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestContactsOfAMigrationAreAdopted has contacts as the migration makes them: with the worst state of
// the subscribers, which events of before explain or not, and no soft bounces in a row.
func TestContactsOfAMigrationAreAdopted(t *testing.T) {
	const soft, hard, delivered = kind.EventSoftBounced, kind.EventHardBounced, kind.EventDelivered
	eachBounced(t, 3, func(t *testing.T, b *bounced) {
		landed := func(person int, state kind.BounceType, kinds ...kind.EventKind) {
			b.happens(person, kinds...)
			b.damage(person, state, 0)
			b.db.Client(b.ctx).Subscriber.UpdateOneID(b.people[person].ID).SetBounce(state).ExecX(b.ctx)
		}
		landed(0, kind.BounceSoft, soft, soft)
		landed(1, kind.BounceSoft, soft, soft, soft)
		landed(2, kind.BounceNone, hard)       // the owner undid it
		landed(3, kind.BounceNone, soft, soft) // and this
		landed(4, kind.BounceSoft)             // imported so
		landed(5, kind.BounceSoft, hard)       // undone, and then set by the owner
		landed(6, kind.BounceSoft, soft, delivered)
		landed(7, kind.BounceHard, soft)
		landed(8, kind.BounceHard)
		system := caller.System(b.ctx)
		client := b.db.Client(system)
		client.PendingRecount.Create().SetID(store.PendingContacts).SetUserID(0).ExecX(system)
		var told []string
		adopt := func() {
			if err := b.service.RecountPending(system, func(d fmt.Stringer) { told = append(told, d.String()) }); err != nil {
				t.Fatal(err)
			}
		}
		adopt()
		want := []string{
			"0 soft 2", "1 hard 3", "2 none 0", "3 none 0", "4 soft 1", "5 soft 1", "6 none 0", "7 hard 1", "8 hard 0",
			"9 none 0", "10 none 0", "11 none 0",
		}
		if diff := cmp.Diff(want, b.states()); diff != "" {
			t.Errorf("(-want +adopted):\n%s", diff)
		}
		if found := recountContacts(t, b.service, b.ctx); len(found) > 0 {
			t.Errorf("a recount finds %v", found)
		}
		var findings []string
		err := b.service.Findings(system, func(f *ent.MigrationFinding) error {
			findings = append(findings, f.Text)
			return nil
		})
		if err != nil || len(findings) != 1 || len(told) != 1 || findings[0] != told[0] {
			t.Errorf("findings %v, told %v, %v", findings, told, err)
		}
		if client.PendingRecount.Query().Where(pendingrecount.ID(store.PendingContacts)).ExistX(system) {
			t.Error("the contacts are still pending")
		}
		client.PendingRecount.Create().SetID(store.PendingContacts).SetUserID(0).ExecX(system)
		adopt() // as after an interruption
		if diff := cmp.Diff(want, b.states()); diff != "" || len(told) != 1 {
			t.Errorf("adopted twice: told %v (-want +got):\n%s", told, diff)
		}
		if n := client.Contact.Query().Where(entcontact.DeliverableSinceNotNil()).CountX(system); n != 3 {
			t.Errorf("%d contacts are deliverable since, want 3", n)
		}
	})
}
