package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	entcontact "campaignql/ent/contact"
	entevent "campaignql/ent/event"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/app"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	lists "campaignql/internal/people/list"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// contactWorld is an account with the lists A, B and C, and a segment of list A to which the
// addresses with "inside" belong.
type contactWorld struct {
	*app.Services
	t       *testing.T
	ctx     context.Context
	client  *ent.Client
	a, b, c int64
	segment int64
	n       int
}

func newContactWorld(t *testing.T, db *store.Store) *contactWorld {
	t.Helper()
	w := &contactWorld{
		Services: app.NewServices(db, app.ServiceOptions{}), t: t, ctx: testkit.As(t, testkit.Account(t, db)),
	}
	w.client = db.Client(w.ctx)
	for _, list := range []*int64{&w.a, &w.b, &w.c} {
		made, err := w.Lists.Create(w.ctx, lists.Input{Name: "l"}, nil)
		w.must(err)
		*list = made.ID
	}
	where, err := json.Marshal(rules.Group{Operator: rules.And, Rules: []rules.Rule{
		rules.Field{Name: rules.EmailAddress, Operator: rules.Contains, Value: "inside"},
	}})
	w.must(err)
	w.segment = w.client.Segment.Create().SetListID(w.a).SetName("s").SetNameKey("s").SetRules(string(where)).
		SetCreatedAt(store.Now()).SetUpdatedAt(store.Now()).SaveX(w.ctx).ID
	return w
}

func (w *contactWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// join subscribes an address to a list an hour ago.
func (w *contactWorld) join(list int64, email string) *ent.Subscriber {
	w.t.Helper()
	at := store.Now().Add(-time.Hour)
	in := subscriber.Addition{ListID: list, Rows: []subscriber.Row{{Email: email, SubscribedAt: &at}}}
	results, err := w.Subscribers.Add(w.ctx, in, nil)
	w.must(err)
	w.must(results[0].Err)
	return w.client.Subscriber.GetX(w.ctx, results[0].SubscriberID)
}

// campaign makes a campaign to an audience.
func (w *contactWorld) campaign(to rules.Audience) int64 {
	w.t.Helper()
	made, err := w.Campaigns.Create(w.ctx, "c", nil)
	w.must(err)
	canonical, err := json.Marshal(to)
	w.must(err)
	w.client.Campaign.UpdateOneID(made.ID).SetAudience(string(canonical)).ExecX(w.ctx)
	return made.ID
}

// happens records an event of a campaign. who is an address, or the id of a subscription.
func (w *contactWorld) happens(what kind.EventKind, campaign int64, who any, change ...func(*event.Event)) {
	w.t.Helper()
	w.n++
	e := event.Event{
		ID: fmt.Sprint(w.n), Kind: what, CampaignID: campaign, At: store.Now().Format(time.RFC3339Nano),
	}
	switch who := who.(type) {
	case string:
		e.Email = who
	case int64:
		e.SubscriberID = who
	}
	for _, f := range change {
		f(&e)
	}
	results, err := w.Events.Record(w.ctx, []event.Event{e})
	w.must(err)
	if results[0].Outcome != event.Recorded {
		w.t.Fatal(results[0])
	}
}

// reached returns the addresses that an audience reaches, in order.
func (w *contactWorld) reached(to rules.Audience) []string {
	w.t.Helper()
	found := []string{}
	err := w.Audiences.Resolve(w.ctx, query.Target{Audience: to}, 0, func(some []query.Recipient) error {
		for _, r := range some {
			found = append(found, r.Email)
		}
		return nil
	})
	w.must(err)
	slices.Sort(found)
	return found
}

func (w *contactWorld) reaches(to rules.Audience, want ...string) {
	w.t.Helper()
	slices.Sort(want)
	if got := w.reached(to); !slices.Equal(got, want) {
		w.t.Errorf("reaches %v, want %v", got, want)
	}
}

// status returns the state of an address on a list.
func (w *contactWorld) status(list int64, email string) string {
	w.t.Helper()
	p, err := w.client.Subscriber.Query().
		Where(entsubscriber.ListID(list), entsubscriber.EmailKey(email)).Only(w.ctx)
	w.must(err)
	return string(p.Status)
}

func (w *contactWorld) contact(email string) *ent.Contact {
	w.t.Helper()
	return w.client.Contact.Query().Where(entcontact.EmailKey(email)).OnlyX(w.ctx)
}

// toLists is an audience of lists, each with a segment or 0.
func toLists(pairs ...int64) rules.Audience {
	text := ""
	for i := 0; i < len(pairs); i += 2 {
		text += fmt.Sprintf("%d:%d,", pairs[i], pairs[i+1])
	}
	read, err := rules.ParseLists(text, "")
	if err != nil {
		panic(err)
	}
	return read
}

func eachContactWorld(t *testing.T, test func(t *testing.T, w *contactWorld)) {
	t.Helper()
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		test(t, newContactWorld(t, db))
	})
}

// TestACampaignDoesNotFindAgainWhoLeftIt has people whom a campaign to the lists A and B reaches
// through B alone, whatever they are on A.
func TestACampaignDoesNotFindAgainWhoLeftIt(t *testing.T) {
	eachContactWorld(t, func(t *testing.T, w *contactWorld) {
		people := map[string]func(onA *ent.Subscriber){
			"left@example.com": func(p *ent.Subscriber) {
				_, err := w.Subscribers.Unsubscribe(w.ctx, subscriber.Unsubscription{ListID: w.a, Email: p.Email})
				w.must(err)
			},
			"pending@example.com": func(p *ent.Subscriber) {
				w.client.Subscriber.UpdateOne(p).SetStatus(kind.SubscriberPending).ExecX(w.ctx)
			},
			"outside@example.com": func(*ent.Subscriber) {},
		}
		var all []string
		for email, change := range people {
			for _, name := range []string{"leaves-", "bounces-", "stays-"} {
				all = append(all, name+email)
				change(w.join(w.a, name+email))
				w.join(w.b, name+email)
				w.join(w.c, name+email)
			}
		}
		both, third := toLists(w.a, w.segment, w.b, 0), toLists(w.c, 0)
		campaign := w.campaign(both)
		w.reaches(both, all...)
		w.reaches(third, all...)
		for email := range people {
			w.happens(kind.EventUnsubscribed, campaign, "leaves-"+email)
			w.happens(kind.EventHardBounced, campaign, "bounces-"+email)
		}
		without := func(prefix string, from []string) []string {
			return slices.DeleteFunc(slices.Clone(from), func(email string) bool { return strings.HasPrefix(email, prefix) })
		}
		others := without("bounces-", all)
		staying := without("leaves-", others)
		w.reaches(both, staying...)
		w.reaches(third, others...) // who left the campaign did not leave a list that it does not name
		for _, email := range all {
			got := []string{w.status(w.a, email), w.status(w.b, email), w.status(w.c, email)}
			want := []string{"subscribed", "subscribed", "subscribed"}
			switch {
			case strings.HasPrefix(email, "leaves-"):
				want[0], want[1] = "unsubscribed", "unsubscribed"
			case strings.HasSuffix(email, "-pending@example.com"):
				want[0] = "pending"
			case strings.HasSuffix(email, "-left@example.com"):
				want[0] = "unsubscribed"
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s is %v, want %v", email, got, want)
			}
		}
	})
}

// TestWhatAPersonDidCountsOnEachList checks rules on events: whoever did something through one list
// did it on every other list too.
func TestWhatAPersonDidCountsOnEachList(t *testing.T) {
	eachContactWorld(t, func(t *testing.T, w *contactWorld) {
		campaign := w.campaign(toLists(w.a, 0, w.b, 0))
		for _, name := range []string{"a", "b", "address", "nobody"} {
			email := name + "@example.com"
			onA, onB := w.join(w.a, email), w.join(w.b, email)
			switch name {
			case "a":
				w.happens(kind.EventOpened, campaign, onA.ID)
			case "b":
				w.happens(kind.EventOpened, campaign, onB.ID)
			case "address":
				w.happens(kind.EventOpened, campaign, email)
			}
		}
		where := func(not bool) rules.Group {
			return rules.Group{Operator: rules.And, Rules: []rules.Rule{
				rules.CampaignEvent{Event: rules.EventOpened, Not: not, CampaignIDs: []int64{campaign}},
			}}
		}
		to := func(not bool, on ...int64) rules.Audience {
			out := rules.Audience{Form: rules.FormRules, Operator: rules.Or}
			for _, list := range on {
				out.Criteria = append(out.Criteria, rules.Criterion{ListID: list, Where: where(not)})
			}
			return out
		}
		opened := []string{"a@example.com", "b@example.com", "address@example.com"}
		w.reaches(to(true, w.a, w.b), "nobody@example.com")
		w.reaches(to(true, w.a), "nobody@example.com")
		w.reaches(to(true, w.b), "nobody@example.com")
		w.reaches(to(false, w.a, w.b), opened...)
		w.reaches(to(false, w.a), opened...)
		w.reaches(to(false, w.b), opened...)
	})
}

// TestADeadAddressIsReachedThroughNoList checks hard bounces, and what makes an address deliverable
// again: the owner, or a confirmation; a sign-up alone does not.
func TestADeadAddressIsReachedThroughNoList(t *testing.T) {
	eachContactWorld(t, func(t *testing.T, w *contactWorld) {
		const dead, soft, alive = "dead@example.com", "soft@example.com", "alive@example.com"
		for _, email := range []string{dead, soft, alive} {
			w.join(w.a, email)
			w.join(w.b, email)
		}
		a, b, c := toLists(w.a, 0), toLists(w.b, 0), toLists(w.c, 0)
		campaign := w.campaign(a)
		w.happens(kind.EventHardBounced, campaign, dead)
		w.happens(kind.EventSoftBounced, campaign, soft)
		w.reaches(a, soft, alive)
		w.reaches(b, soft, alive)

		onC := w.join(w.c, dead)
		if onC.Bounce != kind.BounceHard {
			t.Errorf("after a sign-up the bounce is %s", onC.Bounce)
		}
		w.reaches(c)
		w.client.Subscriber.UpdateOne(onC).SetStatus(kind.SubscriberPending).ExecX(w.ctx)
		_, err := w.Subscribers.Update(w.ctx, onC.ID, subscriber.Patch{Status: new(kind.SubscriberSubscribed)})
		w.must(err)
		w.reaches(a, dead, soft, alive)
		w.reaches(c, dead)

		w.happens(kind.EventHardBounced, campaign, dead)
		w.reaches(c)
		_, err = w.Subscribers.Update(w.ctx, onC.ID, subscriber.Patch{Bounce: new(kind.BounceNone)})
		w.must(err)
		w.reaches(b, dead, soft, alive)
		w.reaches(c, dead)
		// A bounce from before that counts no more.
		w.happens(kind.EventHardBounced, campaign, dead, func(e *event.Event) {
			e.At = store.Now().Add(-time.Hour).Format(time.RFC3339Nano)
		})
		w.reaches(c, dead)
	})
}

// TestAComplaintEndsEverySubscription checks complaints and unsubscriptions from the account, and
// that an unsubscription from a campaign does not do the same.
func TestAComplaintEndsEverySubscription(t *testing.T) {
	eachContactWorld(t, func(t *testing.T, w *contactWorld) {
		campaign := w.campaign(toLists(w.a, 0))
		for email, what := range map[string]kind.EventKind{
			"complains@example.com": kind.EventComplained, "account@example.com": kind.EventUnsubscribed,
			"campaign@example.com": kind.EventUnsubscribed,
		} {
			w.join(w.a, email)
			w.join(w.b, email)
			w.happens(what, campaign, email, func(e *event.Event) {
				if email == "account@example.com" {
					e.Scope = kind.LeaveAccount
				}
			})
			want, suppressed := "unsubscribed", true
			if email == "campaign@example.com" {
				want, suppressed = "subscribed", false
			}
			if a, b := w.status(w.a, email), w.status(w.b, email); a != "unsubscribed" || b != want {
				t.Errorf("%s is %s and %s, want %s elsewhere", email, a, b, want)
			}
			w.join(w.c, email)
			if found := slices.Contains(w.reached(toLists(w.c, 0)), email); found == suppressed {
				t.Errorf("%s on a new list is reached: %v", email, found)
			}
		}
	})
}

// TestLateEventsFindTheAddressThatTheMailWentTo gives a subscription another address after a campaign
// was sent. Events of that campaign by the number of the subscription belong to the old address, and
// events of a later campaign to the new one. After an unsubscription neither address is reached.
func TestLateEventsFindTheAddressThatTheMailWentTo(t *testing.T) {
	eachContactWorld(t, func(t *testing.T, w *contactWorld) {
		old, next := w.campaign(toLists(w.a, 0)), w.campaign(toLists(w.a, 0))
		p := w.join(w.a, "old@example.com")
		w.happens(kind.EventSent, old, p.ID)
		w.happens(kind.EventOpened, old, p.ID)
		email := "new@example.com"
		_, err := w.Subscribers.Update(w.ctx, p.ID, subscriber.Patch{Email: &email})
		w.must(err)
		w.happens(kind.EventOpened, old, p.ID)
		w.happens(kind.EventHardBounced, old, p.ID)
		if c := w.client.Campaign.GetX(w.ctx, old); c.UniqueOpens != 1 || c.TotalOpens != 2 {
			t.Errorf("%d unique opens of %d", c.UniqueOpens, c.TotalOpens)
		}
		before, after := w.contact("old@example.com"), w.contact("new@example.com")
		if before.Deliverability != kind.BounceHard || after.Deliverability != kind.BounceNone {
			t.Errorf("old is %s, new is %s", before.Deliverability, after.Deliverability)
		}
		w.reaches(toLists(w.a, 0), "new@example.com")
		w.happens(kind.EventOpened, next, p.ID)
		if n := w.client.Event.Query().
			Where(entevent.ContactID(after.ID), entevent.CampaignID(next)).CountX(w.ctx); n != 1 {
			t.Errorf("%d events of the new address", n)
		}
		left, err := w.Subscribers.Unsubscribe(
			w.ctx, subscriber.Unsubscription{ListID: w.a, Email: email, CampaignID: old},
		)
		w.must(err)
		if left.Subscriber.ID != p.ID {
			t.Errorf("subscription %d left", left.Subscriber.ID)
		}
		w.happens(kind.EventUnsubscribed, old, p.ID) // the same person by another way
		if c := w.client.Campaign.GetX(w.ctx, old); c.TotalUnsubscriptions != 1 {
			t.Errorf("%d unsubscriptions", c.TotalUnsubscriptions)
		}
		w.reaches(toLists(w.a, 0))
		deleted, err := w.Subscribers.Delete(w.ctx, []int64{p.ID})
		w.must(err)
		if n := w.client.FormerContact.Query().CountX(w.ctx); n != 0 || len(deleted) != 1 {
			t.Errorf("%d former contacts of a subscription that is gone", n)
		}
	})
}

// TestACampaignThatIsSentAgainReachesTheNewAddress sends a recurring campaign before and after a
// subscription gets another address.
func TestACampaignThatIsSentAgainReachesTheNewAddress(t *testing.T) {
	eachContactWorld(t, func(t *testing.T, w *contactWorld) {
		campaign := w.campaign(toLists(w.a, 0))
		p := w.join(w.a, "old@example.com")
		w.happens(kind.EventSent, campaign, p.ID)
		w.happens(kind.EventFailed, campaign, p.ID)
		email := "new@example.com"
		_, err := w.Subscribers.Update(w.ctx, p.ID, subscriber.Patch{Email: &email})
		w.must(err)
		at := store.Now().Format(time.RFC3339Nano)
		results, err := w.Events.Record(w.ctx, []event.Event{
			{ID: "bounced", Kind: kind.EventHardBounced, CampaignID: campaign, SubscriberID: p.ID, At: at},
			{ID: "sent", Kind: kind.EventSent, CampaignID: campaign, SubscriberID: p.ID, At: at},
		})
		w.must(err)
		for _, result := range results {
			if result.Outcome != event.Recorded {
				t.Fatal(result)
			}
		}
		before, after := w.contact("old@example.com"), w.contact("new@example.com")
		if before.Deliverability != kind.BounceNone || after.Deliverability != kind.BounceHard {
			t.Errorf("old is %s, new is %s", before.Deliverability, after.Deliverability)
		}
		w.happens(kind.EventOpened, campaign, p.ID)
		if n := w.client.Event.Query().Where(entevent.ContactID(after.ID)).CountX(w.ctx); n != 3 {
			t.Errorf("%d events of the new address", n)
		}
	})
}

// TestANewAddressTakesItsWishAlong has people leave by a mail to their old address.
func TestANewAddressTakesItsWishAlong(t *testing.T) {
	eachContactWorld(t, func(t *testing.T, w *contactWorld) {
		for what, suppressed := range map[kind.EventKind]bool{kind.EventUnsubscribed: false, kind.EventComplained: true} {
			campaign := w.campaign(toLists(w.a, 0, w.b, 0))
			p := w.join(w.a, string(what)+"@example.com")
			w.join(w.b, string(what)+"@example.com")
			w.happens(kind.EventSent, campaign, p.ID)
			email := "new-" + string(what) + "@example.com"
			_, err := w.Subscribers.Update(w.ctx, p.ID, subscriber.Patch{Email: &email})
			w.must(err)
			w.join(w.b, email)
			w.happens(what, campaign, p.ID)
			w.reaches(toLists(w.a, 0, w.b, 0))
			if n := w.client.Suppression.Query().CountX(w.ctx); n != map[bool]int{true: 2}[suppressed] {
				t.Errorf("%s: %d addresses are suppressed", what, n)
			}
			w.client.Suppression.Delete().ExecX(w.ctx)
		}
	})
}

// TestANewAddressIsAnotherPerson checks that a subscription moves to the contact of its new address,
// that the history stays, and that a contact goes when nothing remembers it.
func TestANewAddressIsAnotherPerson(t *testing.T) {
	eachContactWorld(t, func(t *testing.T, w *contactWorld) {
		campaign := w.campaign(toLists(w.a, 0))
		known, unknown := w.join(w.a, "known@example.com"), w.join(w.a, "unknown@example.com")
		dead := w.join(w.b, "dead@example.com")
		w.happens(kind.EventOpened, campaign, known.ID)
		w.happens(kind.EventHardBounced, campaign, dead.ID)
		move := func(p *ent.Subscriber, email string) *ent.Subscriber {
			moved, err := w.Subscribers.Update(w.ctx, p.ID, subscriber.Patch{Email: &email})
			w.must(err)
			return moved
		}
		if moved := move(known, "new@example.com"); moved.ContactID == known.ContactID {
			t.Error("the subscription stays with the old contact")
		}
		if moved := move(unknown, "dead@example.com"); moved.ContactID != dead.ContactID ||
			moved.Bounce != kind.BounceHard {
			t.Errorf("moved to contact %d, bounce %s", moved.ContactID, moved.Bounce)
		}
		w.reaches(toLists(w.a, 0), "new@example.com")
		if n := w.client.Event.Query().CountX(w.ctx); n != 2 {
			t.Errorf("%d events", n)
		}
		if e := w.client.Event.Query().FirstX(w.ctx); e.ContactID != known.ContactID && e.ContactID != dead.ContactID {
			t.Errorf("the event moved to %d", e.ContactID)
		}
		w.contact("known@example.com") // its events remember it
		if w.client.Contact.Query().Where(entcontact.EmailKey("unknown@example.com")).ExistX(w.ctx) {
			t.Error("a contact that nothing remembers is still there")
		}
		// Back again: the history is there.
		if moved := move(known, "KNOWN@example.com"); moved.ContactID != known.ContactID {
			t.Errorf("moved back to %d, want %d", moved.ContactID, known.ContactID)
		}
	})
}
