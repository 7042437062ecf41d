package event_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	entevent "campaignql/ent/event"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/audience/rules"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// skew is how late the clock of a sender may be.
const skew = 5 * time.Minute

// spread puts the people of a world on more lists, in all states, and gives campaigns audiences. One
// person in eight is on no list at all.
func (w *world) spread(t *testing.T, db *store.Store, r *rand.Rand) {
	t.Helper()
	client := db.Client(w.ctx)
	all := []int64{w.people[0].ListID}
	for range 2 {
		l := client.SubscriberList.Create().SetName("m").SetNameKey("m").SetCreatedAt(start).SaveX(w.ctx)
		all = append(all, l.ID)
	}
	for i, c := range w.contacts {
		if i%8 == 7 {
			client.Subscriber.DeleteOneID(w.people[i].ID).ExecX(w.ctx)
			w.subscriptions[c.ID] = nil
			continue
		}
		first := client.Subscriber.UpdateOneID(w.people[i].ID).SetStatus(status(r)).SetSubscribedAt(moment(r)).SaveX(w.ctx)
		w.subscriptions[c.ID] = []*ent.Subscriber{first}
		for _, list := range all[1:] {
			if r.IntN(3) == 0 {
				continue
			}
			create := client.Subscriber.Create().SetListID(list).SetContactID(c.ID).SetEmail(c.Email).
				SetEmailKey(*c.EmailKey).SetStatus(status(r)).SetSubscribedAt(moment(r)).SetCreatedAt(start)
			if r.IntN(3) == 0 {
				create.SetOptedInAt(moment(r))
			}
			w.subscriptions[c.ID] = append(w.subscriptions[c.ID], create.SaveX(w.ctx))
		}
	}
	for i, c := range w.contacts {
		update := client.Contact.UpdateOne(c)
		switch {
		case i%10 == 0:
			update.SetDeliverableSince(start.AddDate(0, 0, 3))
		case i%10 == 1:
			update.SetDeliverability(kind.BounceInvalid)
			client.Subscriber.Update().Where(entsubscriber.ContactID(c.ID)).SetBounce(kind.BounceInvalid).ExecX(w.ctx)
		default:
			continue
		}
		w.contacts[i] = update.SaveX(w.ctx)
	}
	for i, which := range [][]int64{{all[0]}, {all[0], all[1]}, nil, {all[2]}, {all[2], all[1]}, all, {all[1]}, nil} {
		w.send(t, db, w.campaigns[i], which)
	}
}

func status(r *rand.Rand) kind.SubscriberStatus {
	return []kind.SubscriberStatus{
		kind.SubscriberSubscribed, kind.SubscriberSubscribed, kind.SubscriberPending, kind.SubscriberUnsubscribed,
	}[r.IntN(4)]
}

// moment returns an instant at which people subscribe: mostly before all events, otherwise among
// them.
func moment(r *rand.Rand) time.Time {
	if r.IntN(3) > 0 {
		return start.Add(-time.Hour)
	}
	return start.Add(time.Duration(r.IntN(40)) * 10 * time.Minute)
}

// send gives a campaign an audience of lists.
func (w *world) send(t *testing.T, db *store.Store, campaign int64, lists []int64) {
	t.Helper()
	text := make([]string, len(lists))
	for i, list := range lists {
		text[i] = fmt.Sprintf("%d:0", list)
	}
	read, err := rules.ParseLists(strings.Join(text, ","), "")
	if err != nil {
		t.Fatal(err)
	}
	canonical, err := json.Marshal(read)
	if err != nil {
		t.Fatal(err)
	}
	if len(lists) > 0 {
		db.Client(w.ctx).Campaign.UpdateOneID(campaign).SetAudience(string(canonical)).ExecX(w.ctx)
	}
	w.lists[campaign] = lists
}

// name makes an event name a contact, in one of the ways that lead to it.
func (w *world) name(r *rand.Rand, e *told, c *ent.Contact) {
	through := w.subscriptions[c.ID]
	switch way := r.IntN(3); {
	case way == 0 && len(through) > 0:
		e.SubscriberID = through[r.IntN(len(through))].ID
	case way == 1 && c.Domain != "":
		e.Email = []string{c.Email, strings.ToUpper(c.Email), " " + c.Email}[r.IntN(3)]
	default:
		e.ContactID = c.ID
	}
}

// through returns the subscription to which an event belongs, or nil.
func (w *world) through(e told) *ent.Subscriber {
	for _, p := range w.subscriptions[e.who] {
		if p.ID == e.SubscriberID || e.SubscriberID == 0 && slices.Contains(w.lists[e.CampaignID], p.ListID) {
			return p
		}
	}
	return nil
}

// ends reports whether an event unsubscribes a subscription of its contact.
func (w *world) ends(e told, p *ent.Subscriber) bool {
	if e.at.Add(skew).Before(asked(p)) {
		return false
	}
	switch {
	case e.Kind == kind.EventComplained:
		return true
	case e.Kind != kind.EventUnsubscribed:
		return false
	case e.Scope == kind.LeaveAccount:
		return true
	case w.lists[e.CampaignID] == nil && e.SubscriberID == 0:
		return true // nobody knows through which lists the campaign came
	}
	return slices.Contains(w.lists[e.CampaignID], p.ListID) || w.through(e) == p
}

// asked returns when the person last asked for mail through a subscription.
func asked(p *ent.Subscriber) time.Time {
	last := *p.SubscribedAt
	if p.OptedInAt != nil && p.OptedInAt.After(last) {
		last = *p.OptedInAt
	}
	return last
}

// silences reports whether an event suppresses the address of its contact.
func (w *world) silences(e told) bool {
	if e.Kind != kind.EventComplained && (e.Kind != kind.EventUnsubscribed || e.Scope != kind.LeaveAccount) {
		return false
	}
	return !slices.ContainsFunc(w.subscriptions[e.who], func(p *ent.Subscriber) bool {
		return e.at.Add(skew).Before(asked(p))
	})
}

// softInARow counts the campaigns in a row that ended in a soft bounce, and those that ever did: it
// walks through the events of a contact in the order of their times.
func softInARow(c *ent.Contact, mine []told) (row, ever int64) {
	bounced, newest := map[int64]bool{}, time.Time{}
	for _, e := range mine {
		switch e.Kind {
		case kind.EventSoftBounced:
			bounced[e.CampaignID] = true
			if e.at.After(newest) {
				newest = e.at
			}
		case kind.EventHardBounced:
			bounced[e.CampaignID] = true
		}
	}
	alive := func(e told) bool {
		switch e.Kind {
		case kind.EventDelivered:
			return true
		case kind.EventOpened, kind.EventClicked:
			return !e.robot
		case kind.EventSent:
			return !bounced[e.CampaignID] && !e.at.AddDate(0, 0, 5).After(newest)
		default:
			return false
		}
	}
	slices.SortStableFunc(mine, func(x, y told) int {
		if order := x.at.Compare(y.at); order != 0 || alive(x) == alive(y) {
			return order
		}
		if alive(y) {
			return -1
		}
		return 1
	})
	in, all := map[int64]bool{}, map[int64]bool{}
	for _, e := range mine {
		switch {
		case c.DeliverableSince != nil && !e.at.Add(skew).After(*c.DeliverableSince):
		case alive(e):
			clear(in)
		case e.Kind == kind.EventSoftBounced:
			in[e.CampaignID], all[e.CampaignID] = true, true
		}
	}
	return int64(len(in)), int64(len(all))
}

// verifyPeople compares the state of every contact with what the events say, and to which contact
// and subscription each event belongs.
func (w *world) verifyPeople(t *testing.T, db *store.Store, all []told) {
	t.Helper()
	client := db.Client(w.ctx)
	recorded := map[string]*ent.Event{}
	for _, e := range client.Event.Query().Where(entevent.CampaignIDIn(w.campaigns...)).AllX(w.ctx) {
		recorded[e.ID] = e
	}
	for _, e := range all {
		got := recorded[event.Key(e.CampaignID, e.ID)]
		var through int64
		if p := w.through(e); p != nil {
			through = p.ID
		}
		if got == nil || got.ContactID != e.who || got.Domain != e.domain || valueOf(got.SubscriberID) != through {
			t.Errorf("%v is recorded as %v", e, got)
		}
	}
	suppressed := map[string]kind.SuppressionReason{}
	for _, s := range client.Suppression.Query().AllX(w.ctx) {
		suppressed[s.EmailKey] = s.Reason
	}
	hard, soft := 0, 0
	for _, c := range w.contacts {
		var mine []told
		for _, e := range all {
			if e.who == c.ID {
				mine = append(mine, e)
			}
		}
		now := client.Contact.GetX(w.ctx, c.ID)
		row := w.verifyDeliverability(t, c, now, mine)
		if row >= 5 {
			hard++
		} else if row > 0 {
			soft++
		}
		w.verifySubscriptions(t, db, now, mine)
		reasons := map[kind.SuppressionReason]bool{}
		for _, e := range mine {
			if w.silences(e) && e.Kind == kind.EventComplained {
				reasons[kind.SuppressedByComplaint] = true
			} else if w.silences(e) {
				reasons[kind.SuppressedManually] = true
			}
		}
		if reason := suppressed[*c.EmailKey]; (len(reasons) > 0) != (reason != "") || reason != "" && !reasons[reason] {
			t.Errorf("%s is suppressed by %q, want one of %v", c.Email, reason, reasons)
		}
	}
	t.Logf("%d contacts have soft bounces in a row, %d of them reach the limit", soft+hard, hard)
}

func valueOf(id *int64) int64 {
	if id == nil {
		return 0
	}
	return *id
}

// verifyDeliverability compares a contact with what its events say. It returns the number of
// campaigns in a row that ended in a soft bounce. A contact that reached the limit in the order in
// which the events arrived stays undeliverable, also when a sign of life arrives later.
func (w *world) verifyDeliverability(t *testing.T, c, now *ent.Contact, mine []told) int64 {
	t.Helper()
	row, ever := softInARow(c, mine)
	want, known := kind.BounceNone, true
	switch {
	case c.Deliverability == kind.BounceInvalid:
		want = kind.BounceInvalid
	case row >= 5 || slices.ContainsFunc(mine, func(e told) bool {
		return e.Kind == kind.EventHardBounced &&
			(c.DeliverableSince == nil || !e.at.Add(skew).Before(*c.DeliverableSince))
	}):
		want = kind.BounceHard
	case row > 0:
		want = kind.BounceSoft
		fallthrough
	default:
		known = ever < 5
	}
	if now.Deliverability != want && (known || now.Deliverability != kind.BounceHard) || now.SoftBounces != row {
		t.Errorf(
			"%s is %s with %d soft bounces in a row, want %s with %d", c.Email, now.Deliverability, now.SoftBounces, want,
			row,
		)
	}
	return row
}

func (w *world) verifySubscriptions(t *testing.T, db *store.Store, c *ent.Contact, mine []told) {
	t.Helper()
	found := db.Client(w.ctx).Subscriber.Query().Where(entsubscriber.ContactID(c.ID)).
		Order(entsubscriber.ByID()).AllX(w.ctx)
	if len(found) != len(w.subscriptions[c.ID]) {
		t.Fatalf("%s has %d subscriptions, want %d", c.Email, len(found), len(w.subscriptions[c.ID]))
	}
	for i, was := range w.subscriptions[c.ID] {
		want := was.Status
		if slices.ContainsFunc(mine, func(e told) bool { return w.ends(e, was) }) {
			want = kind.SubscriberUnsubscribed
		}
		at := found[i].UnsubscribedAt
		left := at != nil && slices.ContainsFunc(mine, func(e told) bool { return w.ends(e, was) && e.at.Equal(*at) })
		if found[i].Status != want || left != (want != was.Status) || found[i].Bounce != c.Deliverability {
			t.Errorf(
				"%s is %s on list %d since %v with bounce %s, want %s and bounce %s", c.Email, found[i].Status,
				was.ListID, at, found[i].Bounce, want, c.Deliverability,
			)
		}
	}
}

// TestSoftBouncesInARow records the events of contacts in random orders, one by one: the number of
// campaigns in a row does not depend on the order.
func TestSoftBouncesInARow(t *testing.T) {
	t.Parallel()
	type happening struct {
		what     kind.EventKind
		campaign int
		day      int
	}
	const (
		soft, hard, sent, delivered = kind.EventSoftBounced, kind.EventHardBounced, kind.EventSent, kind.EventDelivered
		opened, clicked, forwarded  = kind.EventOpened, kind.EventClicked, kind.EventForwarded
	)
	tests := map[string]struct {
		events []happening
		row    int64
		want   kind.BounceType
	}{
		"four campaigns": {[]happening{{soft, 0, 1}, {soft, 1, 2}, {soft, 2, 3}, {soft, 3, 4}}, 4, kind.BounceSoft},
		"five campaigns": {
			[]happening{{soft, 0, 1}, {soft, 1, 2}, {soft, 2, 3}, {soft, 3, 4}, {soft, 4, 5}}, 5, kind.BounceHard,
		},
		"one campaign that bounces often": {
			[]happening{{soft, 0, 1}, {soft, 0, 2}, {soft, 0, 3}, {soft, 0, 4}, {soft, 0, 5}}, 1, kind.BounceSoft,
		},
		"delivered after the bounce":   {[]happening{{soft, 0, 1}, {delivered, 0, 2}}, 0, kind.BounceNone},
		"delivered before the bounce":  {[]happening{{delivered, 0, 1}, {soft, 0, 2}}, 1, kind.BounceSoft},
		"opened another campaign":      {[]happening{{soft, 0, 1}, {opened, 1, 2}, {soft, 2, 3}}, 1, kind.BounceSoft},
		"clicked":                      {[]happening{{soft, 0, 1}, {clicked, 1, 2}}, 0, kind.BounceNone},
		"forwarded is no sign of mail": {[]happening{{soft, 0, 1}, {forwarded, 1, 2}}, 1, kind.BounceSoft},
		"sent long ago and silent":     {[]happening{{soft, 0, 1}, {sent, 1, 2}, {soft, 2, 8}}, 1, kind.BounceSoft},
		"sent lately and silent":       {[]happening{{soft, 0, 1}, {sent, 1, 4}, {soft, 2, 8}}, 2, kind.BounceSoft},
		"sent long ago and bounced":    {[]happening{{soft, 0, 1}, {sent, 1, 2}, {soft, 1, 3}, {soft, 2, 8}}, 3, kind.BounceSoft},
		"sent long ago and bounced hard": {
			[]happening{{soft, 0, 1}, {sent, 1, 2}, {hard, 1, 3}, {soft, 2, 8}}, 2, kind.BounceHard,
		},
	}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		seed := rand.Uint64()
		t.Log("seed", seed)
		r := rand.New(rand.NewPCG(seed, 1))
		service := newService(db, event.Options{Now: func() time.Time { return start.AddDate(0, 0, 30) }})
		for name, tt := range tests {
			const orders = 6
			w := settle(t, db, 5, orders*4)
			for n := range orders {
				person := n * 4 // whose address is known
				events := make([]event.Event, len(tt.events))
				for i, h := range tt.events {
					events[i] = w.one(fmt.Sprint(n, "-", i), h.what, person, start.AddDate(0, 0, h.day))
					events[i].CampaignID = w.campaigns[h.campaign]
				}
				r.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
				for _, e := range events {
					if got := outcomes(t, service, w.ctx, e); got[0] != "recorded" {
						t.Fatal(name, got)
					}
				}
				c := db.Client(w.ctx).Contact.GetX(w.ctx, w.contacts[person].ID)
				p := db.Client(w.ctx).Subscriber.GetX(w.ctx, w.people[person].ID)
				if c.SoftBounces != tt.row || c.Deliverability != tt.want || p.Bounce != tt.want {
					t.Errorf(
						"%s: %d in a row, %s, the subscription %s, want %d, %s", name, c.SoftBounces, c.Deliverability,
						p.Bounce, tt.row, tt.want,
					)
				}
			}
		}
	})
}

// TestAMachineIsNoSignOfLife checks that what machines open ends no row of soft bounces.
func TestAMachineIsNoSignOfLife(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := settle(t, db, 1, 1)
		service := newService(db, event.Options{Now: clock, SoftBounceLimit: 2})
		opened := w.one("o", kind.EventOpened, 0, start.Add(time.Hour))
		opened.UserAgent = robot
		outcomes(t, service, w.ctx, w.one("s", kind.EventSoftBounced, 0, start), opened)
		if c := db.Client(w.ctx).Contact.GetX(w.ctx, w.contacts[0].ID); c.SoftBounces != 1 {
			t.Errorf("%d soft bounces in a row", c.SoftBounces)
		}
		outcomes(t, service, w.ctx, w.one("p", kind.EventOpened, 0, start.Add(time.Hour)))
		c := db.Client(w.ctx).Contact.GetX(w.ctx, w.contacts[0].ID)
		if c.SoftBounces != 0 || c.Deliverability != kind.BounceNone {
			t.Errorf("%d soft bounces in a row, %s", c.SoftBounces, c.Deliverability)
		}
	})
}
