package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/app"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	lists "campaignql/internal/people/list"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

const (
	refereeWriters = 16
	refereeLimit   = 3 // of soft bounces in a row
	clockSkew      = 5 * time.Minute
)

// refereeNow is the time of everything that happens: of the sign-ups, and the latest of the events.
var refereeNow = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// happened is an event as the model keeps it.
type happened struct {
	what     kind.EventKind
	campaign int64
	at       time.Time
	robot    bool
	through  int64 // the subscription, or 0
}

// mortal is a person of the model: an address, and what is true of it. It shares no code with the
// product.
type mortal struct {
	email string
	// there says that the account has a contact with the address.
	there      bool
	id         int64
	state      kind.BounceType
	soft       int
	since      time.Time // bounces from before do not count
	suppressed bool
	events     []happened
}

// enrolment is a subscription of the model.
type enrolment struct {
	id, list            int64
	who                 *mortal
	status              kind.SubscriberStatus
	subscribed, optedIn time.Time
	former              []*mortal // with events when the subscription moved away from them, the newest last
}

func (e *enrolment) asked() time.Time {
	if e.optedIn.After(e.subscribed) {
		return e.optedIn
	}
	return e.subscribed
}

// refereeWorld is what all writers share: lists, the second of which has double opt-in, and campaigns
// with their audiences.
type refereeWorld struct {
	*app.Services
	t         *testing.T
	ctx       context.Context
	client    *ent.Client
	lists     []int64
	campaigns []int64
	// audience are the lists of a campaign; the last one has no audience.
	audience map[int64][]int64
}

// refereeWriter changes people of its own, so that the model knows the order of all that happens to
// them. The transactions of the writers meet on lists, campaigns and indexes.
type refereeWriter struct {
	*refereeWorld
	r          *rand.Rand
	n, events  int
	people     []*mortal
	enrolments []*enrolment
	sent       []event.Event
	gone       []int64
	did        map[string]int
}

func newRefereeWorld(t *testing.T, db *store.Store) *refereeWorld {
	t.Helper()
	w := &refereeWorld{
		Services: app.NewServices(db, app.ServiceOptions{
			Now: func() time.Time { return refereeNow }, SoftBounceLimit: refereeLimit,
		}),
		t: t, ctx: context.WithoutCancel(testkit.As(t, testkit.Account(t, db))), audience: map[int64][]int64{},
	}
	t.Cleanup(w.Close)
	w.client = db.Client(w.ctx)
	for i := range 4 {
		made, err := w.Lists.Create(w.ctx, lists.Input{Name: "l", DoubleOptIn: i == 1}, nil)
		w.must(err)
		w.lists = append(w.lists, made.ID)
	}
	l := w.lists
	for _, to := range [][]int64{{l[0]}, {l[0], l[1]}, {l[2], l[1]}, l, {l[3]}, nil} {
		made, err := w.Campaigns.Create(w.ctx, "c", nil)
		w.must(err)
		w.campaigns = append(w.campaigns, made.ID)
		w.audience[made.ID] = to
		if to == nil {
			continue
		}
		canonical, err := json.Marshal(wholeLists(to...))
		w.must(err)
		w.client.Campaign.UpdateOneID(made.ID).SetAudience(string(canonical)).ExecX(w.ctx)
	}
	return w
}

func (w *refereeWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func wholeLists(ids ...int64) rules.Audience {
	var pairs []int64
	for _, id := range ids {
		pairs = append(pairs, id, 0)
	}
	return toLists(pairs...)
}

// act does one random thing, here and in the model.
func (w *refereeWriter) act() {
	acts := []struct {
		name   string
		weight int
		do     func() bool
	}{
		{"subscribe", 4, w.subscribe}, {"add", 4, w.add}, {"confirm", 2, w.confirm}, {"unsubscribe", 2, w.unsubscribe},
		{"move", 3, w.move}, {"delete", 1, w.remove}, {"say", 1, w.say}, {"record", 12, w.record},
		{"suppress", 1, w.suppress},
	}
	total := 0
	for _, a := range acts {
		total += a.weight
	}
	at := w.r.IntN(total)
	for _, a := range acts {
		if at -= a.weight; at < 0 {
			if a.do() {
				w.did[a.name]++
			}
			return
		}
	}
}

func (w *refereeWriter) fail(format string, args ...any) bool {
	w.t.Errorf("writer %d: %s", w.n, fmt.Sprintf(format, args...))
	return false
}

func pick[T any](r *rand.Rand, from []T) T { return from[r.IntN(len(from))] }

func (w *refereeWriter) on(list int64, who *mortal) *enrolment {
	for _, e := range w.enrolments {
		if e.list == list && e.who == who {
			return e
		}
	}
	return nil
}

// spelled is an address in one of its spellings.
func (w *refereeWriter) spelled(who *mortal) string {
	return []string{who.email, strings.ToUpper(who.email), " " + who.email + "\u200b"}[w.r.IntN(3)]
}

// enters is what a list does to people who sign up.
func (w *refereeWriter) enters(list int64) kind.SubscriberStatus {
	if list == w.lists[1] {
		return kind.SubscriberPending
	}
	return kind.SubscriberSubscribed
}

func (w *refereeWriter) subscribe() bool {
	list, who := pick(w.r, w.lists), pick(w.r, w.people)
	got, err := w.Subscribers.Subscribe(w.ctx, subscriber.Subscription{ListID: list, Email: w.spelled(who)})
	known := w.on(list, who)
	if known != nil && known.status == kind.SubscriberSubscribed {
		if apperr.CodeOf(err) != apperr.Conflict {
			return w.fail("%s is subscribed again: %v", who.email, err)
		}
		return false
	}
	if err != nil {
		return w.fail("subscribe: %v", err)
	}
	if known == nil {
		known = &enrolment{id: got.ID, list: list, who: who}
		w.enrolments = append(w.enrolments, known)
	}
	if got.ID != known.id {
		return w.fail("%s got the id %d, had %d", who.email, got.ID, known.id)
	}
	known.status, known.subscribed, known.optedIn = w.enters(list), refereeNow, time.Time{}
	who.there, who.id = true, got.ContactID
	return true
}

// add is an import of people who subscribed some time ago.
func (w *refereeWriter) add() bool {
	list, at := pick(w.r, w.lists), refereeNow.AddDate(0, 0, -w.r.IntN(30))
	again := w.r.IntN(3) == 0
	in := subscriber.Addition{ListID: list, Resubscribe: again}
	some := w.r.Perm(len(w.people))[:1+w.r.IntN(len(w.people))]
	for _, i := range some {
		in.Rows = append(in.Rows, subscriber.Row{Email: w.people[i].email, SubscribedAt: &at})
	}
	results, err := w.Subscribers.Add(w.ctx, in, nil)
	if err != nil {
		return w.fail("add: %v", err)
	}
	for n, i := range some {
		who := w.people[i]
		known := w.on(list, who)
		want := subscriber.Added
		switch {
		case known == nil:
			known = &enrolment{id: results[n].SubscriberID, list: list, who: who}
			w.enrolments = append(w.enrolments, known)
		case known.status == kind.SubscriberSubscribed:
			want = subscriber.Exists
		case again:
			want = subscriber.Resubscribed
		case known.status == kind.SubscriberUnsubscribed:
			want = subscriber.Left
		default:
			want = subscriber.Exists
		}
		if results[n].Outcome != want || results[n].SubscriberID != known.id {
			return w.fail("add %s: %v, want %s", who.email, results[n], want)
		}
		if want == subscriber.Added || want == subscriber.Resubscribed {
			known.status, known.subscribed, known.optedIn = w.enters(list), at, time.Time{}
		}
		who.there = true
	}
	return true
}

func (w *refereeWriter) confirm() bool {
	if len(w.enrolments) == 0 {
		return false
	}
	e := pick(w.r, w.enrolments)
	if _, err := w.Subscribers.Update(
		w.ctx, e.id, subscriber.Patch{Status: new(kind.SubscriberSubscribed)},
	); err != nil {
		return w.fail("confirm: %v", err)
	}
	switch e.status {
	case kind.SubscriberPending:
		e.optedIn = refereeNow
		e.who.revive(kind.BounceNone)
	case kind.SubscriberUnsubscribed:
		e.subscribed, e.optedIn = refereeNow, time.Time{}
	}
	e.status = kind.SubscriberSubscribed
	return true
}

// revive makes a person reachable again: no bounce that was told counts any more.
func (p *mortal) revive(to kind.BounceType) {
	p.state, p.soft, p.since = to, 0, refereeNow
	if to == kind.BounceSoft {
		p.soft = 1
	}
	for _, e := range p.events {
		if e.what == kind.EventSoftBounced || e.what == kind.EventHardBounced {
			if after := e.at.Add(clockSkew + time.Microsecond); after.After(p.since) {
				p.since = after
			}
		}
	}
}

func (w *refereeWriter) unsubscribe() bool {
	list, who := pick(w.r, w.lists), pick(w.r, w.people)
	in := subscriber.Unsubscription{ListID: list, Email: w.spelled(who)}
	if w.r.IntN(3) > 0 {
		in.CampaignID = pick(w.r, w.campaigns)
	}
	_, err := w.Subscribers.Unsubscribe(w.ctx, in)
	known := w.on(list, who)
	if known == nil || known.status == kind.SubscriberUnsubscribed {
		if apperr.CodeOf(err) != apperr.Conflict {
			return w.fail("unsubscribe %s, who is not subscribed: %v", who.email, err)
		}
		return false
	}
	if err != nil {
		return w.fail("unsubscribe: %v", err)
	}
	known.status = kind.SubscriberUnsubscribed
	if in.CampaignID == 0 {
		return true
	}
	reached := w.sentTo(in.CampaignID, known)
	if !reached.did(kind.EventUnsubscribed, in.CampaignID) {
		reached.events = append(reached.events, happened{
			what: kind.EventUnsubscribed, campaign: in.CampaignID, at: refereeNow, through: known.id,
		})
	}
	if to := w.audience[in.CampaignID]; slices.Contains(to, list) {
		for _, e := range w.enrolments {
			if (e.who == who || e.who == reached) && slices.Contains(to, e.list) {
				e.status = kind.SubscriberUnsubscribed
			}
		}
	}
	return true
}

// did reports whether a person did something because of a campaign.
func (p *mortal) did(what kind.EventKind, campaign int64) bool {
	return slices.ContainsFunc(p.events, func(e happened) bool {
		return e.what == what && e.campaign == campaign && !e.robot
	})
}

// move changes the address of a subscription.
func (w *refereeWriter) move() bool {
	if len(w.enrolments) == 0 {
		return false
	}
	e, to := pick(w.r, w.enrolments), pick(w.r, w.people)
	email := w.spelled(to)
	got, err := w.Subscribers.Update(w.ctx, e.id, subscriber.Patch{Email: &email})
	if other := w.on(e.list, to); other != nil && other != e {
		if apperr.CodeOf(err) != apperr.Conflict {
			return w.fail("%s is twice on a list: %v", to.email, err)
		}
		return false
	}
	if err != nil {
		return w.fail("move: %v", err)
	}
	from := e.who
	if from != to && len(from.events) > 0 {
		e.former = append(slices.DeleteFunc(e.former, func(p *mortal) bool { return p == from }), from)
	}
	e.who, to.there, to.id = to, true, got.ContactID
	w.forget(from)
	return true
}

func (w *refereeWriter) remove() bool {
	if len(w.enrolments) == 0 {
		return false
	}
	i := w.r.IntN(len(w.enrolments))
	e := w.enrolments[i]
	deleted, err := w.Subscribers.Delete(w.ctx, []int64{e.id})
	if err != nil || !slices.Equal(deleted, []int64{e.id}) {
		return w.fail("delete: %v, %v", deleted, err)
	}
	w.enrolments, w.gone = slices.Delete(w.enrolments, i, i+1), append(w.gone, e.id)
	w.forget(e.who)
	return true
}

// forget drops a person whom nothing remembers.
func (w *refereeWriter) forget(who *mortal) {
	on := slices.ContainsFunc(w.enrolments, func(e *enrolment) bool { return e.who == who })
	if !on && len(who.events) == 0 && !who.suppressed && who.state == kind.BounceNone {
		who.there, who.id, who.soft, who.since = false, 0, 0, time.Time{}
	}
}

// say has the owner say whether mail can be delivered.
func (w *refereeWriter) say() bool {
	who, to := pick(w.r, w.people), pick(w.r, []kind.BounceType{kind.BounceNone, kind.BounceSoft, kind.BounceHard})
	if !who.there || who.id == 0 {
		return false
	}
	if _, err := w.Contacts.Update(w.ctx, who.id, to); err != nil {
		return w.fail("say: %v", err)
	}
	switch {
	case to == kind.BounceNone, to == kind.BounceSoft && who.state == kind.BounceHard:
		who.revive(to)
	case to == kind.BounceSoft:
		who.state, who.soft = to, max(1, who.soft)
	default:
		who.state = to
	}
	return true
}

func (w *refereeWriter) suppress() bool {
	who := pick(w.r, w.people)
	if w.r.IntN(4) > 0 { // few, so that most people can still be reached
		return false
	}
	if _, err := w.Suppressions.Suppress(w.ctx, []string{w.spelled(who)}, kind.SuppressedManually); err != nil {
		return w.fail("suppress: %v", err)
	}
	who.suppressed = true
	return true
}

// record records a batch of events of one's own people: new ones, ones that were sent before, and
// ones of people who are gone.
func (w *refereeWriter) record() bool {
	var batch []event.Event
	var want []event.Outcome
	var fresh []meant
	for range 1 + w.r.IntN(8) {
		if len(w.sent) > 0 && w.r.IntN(10) == 0 {
			batch, want = append(batch, pick(w.r, w.sent)), append(want, event.Duplicate)
			continue
		}
		e, found := w.invent()
		batch = append(batch, e)
		if found == nil {
			want = append(want, event.Rejected)
			continue
		}
		want, fresh = append(want, event.Recorded), append(fresh, *found)
		w.sent = append(w.sent, e)
	}
	got, err := w.Events.Record(w.ctx, batch)
	if err != nil {
		return w.fail("record: %v", err)
	}
	for i, result := range got {
		// An event that was sent before is rejected if the person is gone since.
		if result.Outcome != want[i] && !(want[i] == event.Duplicate && result.Outcome == event.Rejected) {
			return w.fail("%+v is %v, want %s", batch[i], result, want[i])
		}
	}
	w.apply(fresh)
	return true
}

// meant is an event as its sender means it. through is the subscription that it names, or nil.
type meant struct {
	happened
	who     *mortal
	through *enrolment
	account bool // leaves the account
}

// invent returns a random event, and nil if it names somebody who is not there.
func (w *refereeWriter) invent() (event.Event, *meant) {
	w.events++
	out := meant{happened: happened{
		what: kind.EventKind(pick(w.r, kind.EventKind("").Values())), campaign: pick(w.r, w.campaigns),
		at: refereeNow.Add(-time.Duration(w.r.IntN(20*24*60)) * time.Minute),
	}}
	if w.r.IntN(3) == 0 {
		out.what = pick(w.r, []kind.EventKind{kind.EventSoftBounced, kind.EventSoftBounced, kind.EventSent})
	}
	if w.r.IntN(3) > 0 && (out.what == kind.EventComplained || out.what == kind.EventHardBounced) {
		out.what = kind.EventOpened
	}
	if w.r.IntN(3) == 0 {
		out.at = refereeNow.Add(time.Duration(w.r.IntN(8)) * time.Minute)
	}
	e := event.Event{ID: fmt.Sprint(w.n, "-", w.events), Kind: out.what, CampaignID: out.campaign}
	e.At = out.at.Format(time.RFC3339Nano)
	if out.at.After(refereeNow) { // a clock that is ahead
		out.at = refereeNow
	}
	if out.what == kind.EventUnsubscribed && w.r.IntN(8) == 0 {
		e.Scope, out.account = kind.LeaveAccount, true
	}
	if out.robot = (out.what == kind.EventOpened || out.what == kind.EventClicked) && w.r.IntN(4) == 0; out.robot {
		e.UserAgent = "curl/8.5.0"
	}
	switch way := w.r.IntN(10); {
	case way < 4 && len(w.enrolments) > 0:
		out.through = pick(w.r, w.enrolments)
		out.who, e.SubscriberID = w.sentTo(out.campaign, out.through), out.through.id
	case way == 4 && len(w.gone) > 0:
		e.SubscriberID = pick(w.r, w.gone)
		return e, nil
	default:
		out.who = pick(w.r, w.people)
		if way < 7 && out.who.id != 0 {
			e.ContactID = out.who.id
		} else {
			e.Email = w.spelled(out.who)
		}
		if !out.who.there {
			return e, nil
		}
	}
	return e, &out
}

// apply does in the model what a batch of events does.
func (w *refereeWriter) apply(batch []meant) {
	softened, of := map[*mortal]bool{}, map[*mortal]bool{}
	for _, e := range batch {
		e.happened.through = w.way(e)
		e.who.events = append(e.who.events, e.happened)
		of[e.who] = true
		softened[e.who] = softened[e.who] || e.what == kind.EventSoftBounced || e.who.soft > 0
		w.leave(e)
	}
	for who := range of {
		if softened[who] {
			who.soft = who.row()
			switch {
			case who.state == kind.BounceHard:
			case who.soft >= refereeLimit:
				who.state = kind.BounceHard
			case who.soft > 0:
				who.state = kind.BounceSoft
			default:
				who.state = kind.BounceNone
			}
		}
	}
	for _, e := range batch {
		if e.what == kind.EventHardBounced && !e.at.Add(clockSkew).Before(e.who.since) {
			e.who.state = kind.BounceHard
		}
	}
}

// leave ends the subscriptions that an event ends, and suppresses the address.
func (w *refereeWriter) leave(e meant) {
	if e.what != kind.EventUnsubscribed && e.what != kind.EventComplained {
		return
	}
	w.leaves(e, e.who)
	if e.through != nil && e.through.who != e.who { // the subscription has another address since
		w.leaves(e, e.through.who)
	}
}

func (w *refereeWriter) leaves(e meant, who *mortal) {
	everything := e.account || e.what == kind.EventComplained
	wanted := false // the person has asked for mail since
	for _, s := range w.enrolments {
		if s.who != who {
			continue
		}
		if s.asked().After(e.at.Add(clockSkew)) {
			wanted = true
			continue
		}
		to := w.audience[e.campaign]
		if everything || s == e.through || slices.Contains(to, s.list) || to == nil && e.through == nil {
			s.status = kind.SubscriberUnsubscribed
		}
	}
	who.suppressed = who.suppressed || everything && !wanted
}

// sentTo is to whom a campaign went out through a subscription, as far as its events tell.
func (w *refereeWriter) sentTo(campaign int64, s *enrolment) *mortal {
	told := func(p *mortal) bool {
		return slices.ContainsFunc(p.events, func(e happened) bool {
			return e.campaign == campaign && e.through == s.id
		})
	}
	for _, p := range slices.Backward(s.former) {
		if !told(s.who) && told(p) {
			return p
		}
	}
	return s.who
}

// way is the subscription through which an event is recorded.
func (w *refereeWriter) way(e meant) (id int64) {
	if e.through != nil {
		return e.through.id
	}
	for _, s := range w.enrolments {
		if s.who == e.who && slices.Contains(w.audience[e.campaign], s.list) && (id == 0 || s.id < id) {
			id = s.id
		}
	}
	return id
}

// row walks through what happened to a person, and counts the campaigns in a row that ended in a soft
// bounce.
func (p *mortal) row() int {
	var newest time.Time
	for _, e := range p.events {
		if e.what == kind.EventSoftBounced && e.at.After(newest) {
			newest = e.at
		}
	}
	arrives := func(e happened) bool {
		switch e.what {
		case kind.EventDelivered:
			return true
		case kind.EventOpened, kind.EventClicked:
			return !e.robot
		case kind.EventSent:
			return !p.did(kind.EventSoftBounced, e.campaign) && !p.did(kind.EventHardBounced, e.campaign) &&
				!e.at.AddDate(0, 0, 5).After(newest)
		}
		return false
	}
	walk := slices.Clone(p.events)
	slices.SortStableFunc(walk, func(a, b happened) int {
		if a.at.Equal(b.at) && arrives(a) != arrives(b) {
			if arrives(a) {
				return 1
			}
			return -1
		}
		return a.at.Compare(b.at)
	})
	row := map[int64]bool{}
	for _, e := range walk {
		switch {
		case arrives(e):
			clear(row)
		case e.what == kind.EventSoftBounced && (p.since.IsZero() || e.at.Add(clockSkew).After(p.since)):
			row[e.campaign] = true
		}
	}
	return len(row)
}

// TestPeopleAreThoseOfAReferee has sixteen writers that do random things: sign-ups, imports,
// confirmations, unsubscriptions, changes of addresses, deletions, suppressions, what owners say of
// bounces, and events that name a subscriber, a contact or an address, some of them twice. At the end
// everything is compared with a model in memory: who is on which list, who can be reached, whom
// audiences reach and through which subscription, and what campaigns counted.
func TestPeopleAreThoseOfAReferee(t *testing.T) {
	t.Parallel()
	acts, people := 60, 6
	if testkit.Long() {
		acts, people = 1500, 40
	}
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		seed := rand.Uint64()
		t.Log("seed", seed)
		w := newRefereeWorld(t, db)
		var running sync.WaitGroup
		writers := make([]*refereeWriter, refereeWriters)
		for n := range writers {
			writer := &refereeWriter{
				refereeWorld: w, n: n, r: rand.New(rand.NewPCG(seed, uint64(n))), did: map[string]int{},
			}
			for i := range people {
				email := fmt.Sprintf("p%d-%d@%s", n, i, []string{"example.org", "example.net"}[i%2])
				writer.people = append(writer.people, &mortal{email: email, state: kind.BounceNone})
			}
			writers[n] = writer
			running.Go(func() {
				for range acts {
					if t.Failed() {
						return
					}
					writer.act()
				}
			})
		}
		running.Wait()
		if t.Failed() {
			return
		}
		w.comparePeople(writers)
		w.compareReach(writers)
		w.compareCounters(writers)
	})
}

// comparePeople compares every person and every subscription.
func (w *refereeWorld) comparePeople(writers []*refereeWriter) {
	t := w.t
	did, got, want := map[string]int{}, map[string]string{}, map[string]string{}
	states := map[kind.BounceType]int{}
	for _, writer := range writers {
		for name, n := range writer.did {
			did[name] += n
		}
		for _, p := range writer.people {
			if p.there {
				want[p.email] = fmt.Sprint(p.state, " ", p.soft, " since ", p.since.UTC().Format(time.RFC3339Nano))
				states[p.state]++
			}
			if p.suppressed {
				want["suppressed "+p.email] = ""
			}
		}
		for _, e := range writer.enrolments {
			want[fmt.Sprint("subscriber ", e.id)] = fmt.Sprint(
				e.who.email, " on ", e.list, " ", e.status, " ", e.who.state, " since ", e.asked().UTC(),
			)
		}
	}
	t.Log("did", did, "states", states)
	keys := map[int64]string{}
	for _, c := range w.client.Contact.Query().AllX(w.ctx) {
		var since time.Time
		if c.DeliverableSince != nil {
			since = *c.DeliverableSince
		}
		keys[c.ID] = *c.EmailKey
		got[*c.EmailKey] = fmt.Sprint(c.Deliverability, " ", c.SoftBounces, " since ", since.UTC().Format(time.RFC3339Nano))
	}
	for _, s := range w.client.Suppression.Query().AllX(w.ctx) {
		got["suppressed "+s.EmailKey] = ""
	}
	for _, p := range w.client.Subscriber.Query().AllX(w.ctx) {
		asked := *p.SubscribedAt
		if p.OptedInAt != nil && p.OptedInAt.After(asked) {
			asked = *p.OptedInAt
		}
		if keys[p.ContactID] != p.EmailKey {
			t.Errorf("subscriber %d has the address %s, its contact %s", p.ID, p.EmailKey, keys[p.ContactID])
		}
		got[fmt.Sprint("subscriber ", p.ID)] = fmt.Sprint(
			p.EmailKey, " on ", p.ListID, " ", p.Status, " ", p.Bounce, " since ", asked.UTC(),
		)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("people (-referee +database):\n%s", diff)
	}
}

// compareReach compares whom audiences reach: of a person with several subscriptions that match, the
// lowest counts.
func (w *refereeWorld) compareReach(writers []*refereeWriter) {
	t := w.t
	type asked struct {
		to       rules.Audience
		includes func(*enrolment) bool
		excludes func(*mortal) bool
	}
	var all []asked
	for which := 1; which < 1<<len(w.lists); which++ {
		var some []int64
		for i, id := range w.lists {
			if which&(1<<i) != 0 {
				some = append(some, id)
			}
		}
		on := func(e *enrolment) bool { return slices.Contains(some, e.list) }
		all = append(all, asked{wholeLists(some...), on, nil})
	}
	onAll := func(*enrolment) bool { return true }
	without := wholeLists(w.lists...)
	without.Exclude = []rules.Criterion{{ListID: w.lists[2]}}
	all = append(all, asked{without, onAll, func(p *mortal) bool { return w.isOn(writers, w.lists[2], p) }})
	for _, campaign := range w.campaigns {
		for _, not := range []bool{false, true} {
			to := rules.Audience{Form: rules.FormRules, Operator: rules.Or}
			for _, list := range w.lists {
				to.Criteria = append(to.Criteria, rules.Criterion{ListID: list, Where: rules.Group{
					Operator: rules.And, Rules: []rules.Rule{
						rules.CampaignEvent{Event: rules.EventOpened, Not: not, CampaignIDs: []int64{campaign}},
					},
				}})
			}
			all = append(all, asked{
				to, func(e *enrolment) bool { return e.who.did(kind.EventOpened, campaign) != not }, nil,
			})
		}
	}
	for _, a := range all {
		lowest := map[*mortal]int64{}
		for _, writer := range writers {
			for _, e := range writer.enrolments {
				p := e.who
				if e.status != kind.SubscriberSubscribed || p.state == kind.BounceHard || p.suppressed || !a.includes(e) ||
					a.excludes != nil && a.excludes(p) {
					continue
				}
				if id, known := lowest[p]; !known || e.id < id {
					lowest[p] = e.id
				}
			}
		}
		want := slices.Sorted(maps.Values(lowest))
		got := []int64{}
		target := query.Target{Audience: a.to}
		err := w.Audiences.Resolve(w.ctx, target, 0, func(some []query.Recipient) error {
			for _, r := range some {
				got = append(got, r.SubscriberID)
			}
			return nil
		})
		w.must(err)
		n, err := w.Audiences.Count(w.ctx, target)
		w.must(err)
		if !slices.Equal(got, want) && len(got)+len(want) > 0 || n != int64(len(want)) {
			t.Errorf("%+v reaches %v, counts %d, want %v", a.to, got, n, want)
		}
	}
}

// isOn reports whether a person is on a list, in whatever state.
func (w *refereeWorld) isOn(writers []*refereeWriter, list int64, p *mortal) bool {
	return slices.ContainsFunc(writers, func(writer *refereeWriter) bool { return writer.on(list, p) != nil })
}

// compareCounters compares the numbers of each campaign, and recounts them and the contacts.
func (w *refereeWorld) compareCounters(writers []*refereeWriter) {
	t := w.t
	system := caller.System(w.ctx)
	for _, id := range w.campaigns {
		all, people := map[string]int64{}, map[string]int64{}
		for _, writer := range writers {
			for _, p := range writer.people {
				for _, what := range kind.EventKind("").Values() {
					if p.did(kind.EventKind(what), id) {
						people[what]++
					}
				}
				if p.did(kind.EventClicked, id) && !p.did(kind.EventOpened, id) {
					people["opened"]++
					all["opened"]++
				}
				for _, e := range p.events {
					if e.campaign == id && e.robot {
						all["automated "+string(e.what)]++
					} else if e.campaign == id {
						all[string(e.what)]++
					}
				}
			}
		}
		c := w.client.Campaign.GetX(w.ctx, id)
		got := map[string]int64{
			"sent": c.TotalSent, "failed": c.TotalFailed, "delivered": c.TotalDelivered, "opens": c.TotalOpens,
			"clicks": c.TotalClicks, "forwards": c.TotalForwards, "views": c.TotalBrowserViews,
			"hard": c.TotalHardBounces, "soft": c.TotalSoftBounces, "conversions": c.TotalConversions,
			"machines open": c.AutomatedOpens, "machines click": c.AutomatedClicks,
			"left": c.TotalUnsubscriptions, "complained": c.TotalComplaints, "opened": c.UniqueOpens,
			"clicked": c.UniqueClicks, "forwarded": c.UniqueForwards, "viewed": c.UniqueBrowserViews,
		}
		want := map[string]int64{
			"sent": all["sent"], "failed": all["failed"], "delivered": all["delivered"], "opens": all["opened"],
			"clicks": all["clicked"], "forwards": all["forwarded"], "views": all["viewed_in_browser"],
			"hard": all["hard_bounced"], "soft": all["soft_bounced"], "conversions": all["converted"],
			"machines open": all["automated opened"], "machines click": all["automated clicked"],
			"left": people["unsubscribed"], "complained": people["complained"], "opened": people["opened"],
			"clicked": people["clicked"], "forwarded": people["forwarded"], "viewed": people["viewed_in_browser"],
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("campaign %d (-referee +counters):\n%s", id, diff)
		}
		if found, err := w.Events.Recount(system, id); err != nil || len(found) > 0 {
			t.Errorf("a recount of campaign %d finds %v, %v", id, found, err)
		}
	}
	_, err := w.Events.RecountContacts(system, func(d event.ContactDifference) error {
		t.Errorf("a recount of contacts finds %s", d)
		return nil
	})
	w.must(err)
}
