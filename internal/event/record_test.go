package event_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	entevent "campaignql/ent/event"
	"campaignql/ent/linkcounter"
	"campaignql/ent/subscriber"
	"campaignql/ent/suppression"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// clock returns the current time of the tests in this file.
func clock() time.Time { return start.Add(48 * time.Hour) }

// one returns a valid event.
func (w *world) one(id string, what kind.EventKind, person int, at time.Time) event.Event {
	return event.Event{
		ID: id, Kind: what, CampaignID: w.campaigns[0], SubscriberID: w.people[person].ID,
		At: at.Format(time.RFC3339Nano),
	}
}

// outcomes records events and returns the result of each: the outcome, or the code, field and
// reason of a rejection.
func outcomes(t *testing.T, service *event.Service, ctx context.Context, events ...event.Event) []string {
	t.Helper()
	results, err := service.Record(ctx, events)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]string, len(results))
	for i, r := range results {
		out[i] = string(r.Outcome)
		if r.Err != nil {
			out[i] = fmt.Sprintf("%s %s %s", r.Err.Code, r.Err.Field, r.Err.Reason)
		}
		if r.ID != events[i].ID {
			t.Errorf("result %d is of %q", i, r.ID)
		}
	}
	return out
}

func TestABadEventIsRejectedByItself(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w, foreign := settle(t, db, 1, 2), settle(t, db, 1, 1)
		service := newService(db, event.Options{Now: clock})
		with := func(change func(*event.Event)) event.Event {
			e := w.one("bad", kind.EventClicked, 0, start)
			change(&e)
			return e
		}
		tests := []struct {
			event event.Event
			want  string
		}{
			{w.one("good", kind.EventSent, 0, start), "recorded"},
			{w.one("good", kind.EventSent, 0, start), "duplicate"},
			{with(func(e *event.Event) { e.ID = "" }), "invalid id event_id_invalid"},
			{with(func(e *event.Event) { e.ID = "a\x00b" }), "invalid id event_id_invalid"},
			{with(func(e *event.Event) { e.ID = strings.Repeat("é", 201) }), "invalid id event_id_invalid"},
			{with(func(e *event.Event) { e.Kind = "eaten" }), "invalid kind event_kind_unknown"},
			{with(func(e *event.Event) { e.CampaignID = 0 }), "invalid campaignId campaign_required"},
			{with(func(e *event.Event) { e.SubscriberID = 0 }), "invalid subscriberId subscriber_required"},
			{with(func(e *event.Event) { e.Email = "a@example.org" }), "invalid emailAddress subscriber_twice"},
			{
				with(func(e *event.Event) { e.SubscriberID, e.Email = 0, "nobody" }),
				"invalid emailAddress email_address_invalid",
			},
			{with(func(e *event.Event) { e.At = "2026-03-01 10:00:00" }), "invalid at instant_invalid"},
			{
				with(func(e *event.Event) { e.At = clock().Add(61 * time.Minute).Format(time.RFC3339) }),
				"invalid at instant_out_of_range",
			},
			{with(func(e *event.Event) { e.At = "1999-12-31T23:59:59Z" }), "invalid at instant_out_of_range"},
			{
				with(func(e *event.Event) { e.Kind, e.URL = kind.EventOpened, "https://example.org/" }),
				"invalid url url_unexpected",
			},
			{with(func(e *event.Event) { e.IP = "300.1.1.1" }), "invalid ip ip_invalid"},
			{with(func(e *event.Event) { e.Amount = 1 }), "invalid amount amount_unexpected"},
			{
				with(func(e *event.Event) { e.Kind, e.Amount = kind.EventConverted, 1.005 }),
				"invalid amount amount_invalid",
			},
			{
				with(func(e *event.Event) { e.Kind, e.Amount = kind.EventConverted, -1 }),
				"invalid amount amount_invalid",
			},
			{
				with(func(e *event.Event) { e.Kind, e.Currency = kind.EventConverted, "EURO" }),
				"invalid currency currency_invalid",
			},
			{
				with(
					func(e *event.Event) { e.Fault = apperr.InvalidField("campaignId", apperr.ReasonIDInvalid, "is none") },
				),
				"invalid campaignId id_invalid",
			},
			// Of another account, and of no account.
			{
				with(func(e *event.Event) { e.CampaignID = foreign.campaigns[0] }),
				"not_found campaignId campaign_not_found",
			},
			{with(func(e *event.Event) { e.CampaignID = 1 << 60 }), "not_found campaignId campaign_not_found"},
			{
				with(func(e *event.Event) { e.SubscriberID = foreign.people[0].ID }),
				"not_found subscriberId subscriber_not_found",
			},
			{with(func(e *event.Event) { e.SubscriberID = 1 << 60 }), "not_found subscriberId subscriber_not_found"},
			{
				with(func(e *event.Event) { e.SubscriberID, e.Email = 0, "nobody@example.org" }),
				"not_found emailAddress contact_not_found",
			},
			// A rejected event does not use up its id.
			{w.one("bad", kind.EventSent, 1, start), "recorded"},
			{
				with(
					func(e *event.Event) { e.ID, e.Kind, e.Amount, e.Currency = "sale", kind.EventConverted, 19.99, "eur" },
				),
				"recorded",
			},
		}
		var events []event.Event
		var want []string
		for _, tt := range tests {
			events, want = append(events, tt.event), append(want, tt.want)
		}
		if diff := cmp.Diff(want, outcomes(t, service, w.ctx, events...)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		c := db.Client(w.ctx).Campaign.GetX(w.ctx, w.campaigns[0])
		if c.TotalSent != 2 || c.TotalConversions != 1 || c.ConversionAmount != 1999 || c.TotalClicks != 0 {
			t.Errorf(
				"%d sent, %d conversions of %d, %d clicks", c.TotalSent, c.TotalConversions, c.ConversionAmount,
				c.TotalClicks,
			)
		}
		if n := len(counted(t, db, foreign.campaigns[0])); n > 0 {
			t.Errorf("the other account counts %d", n)
		}
		_, err := service.Record(w.ctx, make([]event.Event, event.MaxEvents+1))
		if apperr.CodeOf(err) != apperr.Invalid {
			t.Errorf("too many: %v", err)
		}
		reader := caller.With(w.ctx, testkit.Account(t, db, testkit.Scoped(kind.ScopeRead, kind.ScopeWrite)))
		if _, err := service.Record(reader, events[:1]); apperr.CodeOf(err) != apperr.Denied {
			t.Errorf("without the scope: %v", err)
		}
	})
}

func TestTextsThatWaitAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("ü", 40_000)
	given := event.Event{
		ID: long, Email: long, At: long, URL: "https://example.org/" + long, Reason: long, UserAgent: long, IP: long,
		Currency: long,
	}
	fit := given.Fit()
	total := 0
	for name, text := range map[string]string{"id": fit.ID, "email": fit.Email, "at": fit.At, "url": fit.URL, "reason": fit.Reason, "agent": fit.UserAgent, "ip": fit.IP, "currency": fit.Currency} {
		total += len(text)
		if !utf8.ValidString(text) || text == "" {
			t.Errorf("%s: %q", name, text)
		}
	}
	if total > 12_000 {
		t.Errorf("%d bytes are kept", total)
	}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := settle(t, db, 1, 1)
		service := newService(db, event.Options{Now: clock})
		for name, change := range map[string]func(*event.Event){
			"id": func(e *event.Event) { e.ID = strings.Repeat("🎈", 201) }, "url": func(e *event.Event) { e.Kind, e.URL = kind.EventClicked, "https://example.org/"+long },
			"email": func(e *event.Event) { e.SubscriberID, e.Email = 0, long+"@example.org" }, "reason": func(e *event.Event) { e.Reason = long }, "at": func(e *event.Event) { e.At += long },
		} {
			e := w.one(name, kind.EventSent, 0, start)
			change(&e)
			all := outcomes(t, service, w.ctx, e.Fit())
			want := map[bool]string{true: "recorded", false: "invalid"}[name == "reason" || name == "url"]
			if !strings.HasPrefix(all[0], want) {
				t.Errorf("%s: %v", name, all)
			}
		}
	})
}

func TestAClickImpliesAnOpenUntilOneArrives(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := settle(t, db, 1, 1)
		service := newService(db, event.Options{Now: clock})
		steps := []struct {
			what          kind.EventKind
			at            time.Duration
			agent         string
			total, unique int64
			// hour is the hour after the start in which the open of the person is counted.
			hour int
		}{
			{kind.EventClicked, 3 * time.Hour, "", 1, 1, 3},
			{kind.EventClicked, 2 * time.Hour, "", 1, 1, 2},
			{kind.EventOpened, time.Hour, robot, 1, 1, 2},
			{kind.EventOpened, 5 * time.Hour, "", 1, 1, 5},
			{kind.EventOpened, 4 * time.Hour, "", 2, 1, 4},
			{kind.EventClicked, time.Hour, "", 2, 1, 4},
		}
		for i, step := range steps {
			e := w.one(fmt.Sprint("e", i), step.what, 0, start.Add(step.at))
			e.UserAgent = step.agent
			if got := outcomes(t, service, w.ctx, e); got[0] != "recorded" {
				t.Fatal(got)
			}
			got := counted(t, db, w.campaigns[0])
			hour := "hour " + start.Add(time.Duration(step.hour)*time.Hour).Format("2006-01-02T15")
			if got["campaign.total_opens"] != step.total || got["campaign.unique_opens"] != step.unique ||
				got[hour+".unique_opens"] != 1 {
				t.Errorf("step %d: %v", i, got)
			}
		}
	})
}

func TestWhatHappenedChangesThePerson(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := settle(t, db, 1, 7)
		client := db.Client(w.ctx)
		came := start.Add(5 * time.Hour)
		for i := range w.people {
			client.Subscriber.UpdateOne(w.people[i]).SetSubscribedAt(start).SetOptedInAt(came).ExecX(w.ctx)
		}
		service := newService(db, event.Options{Now: clock})
		outcomes(t, service, w.ctx,
			w.one("1", kind.EventUnsubscribed, 0, came),
			w.one("2", kind.EventUnsubscribed, 1, came.Add(-6*time.Minute)), // subscribed again since
			w.one("3", kind.EventComplained, 2, came.Add(time.Hour)),
			w.one("4", kind.EventComplained, 3, came.Add(-time.Hour)), // subscribed again since
			w.one("5", kind.EventHardBounced, 4, came.Add(time.Hour)),
			w.one("6", kind.EventSoftBounced, 5, came.Add(time.Hour)),
			w.one("7", kind.EventUnsubscribed, 6, came.Add(-time.Minute)), // the clock of the sender is behind
		)
		var got []string
		for _, p := range client.Subscriber.Query().Where(subscriber.ListID(w.people[0].ListID)).Order(subscriber.ByID()).AllX(w.ctx) {
			left := ""
			if p.UnsubscribedAt != nil {
				left = p.UnsubscribedAt.Sub(came).String()
			}
			got = append(got, fmt.Sprintf("%s %s %s", p.Status, p.Bounce, left))
		}
		want := []string{
			"unsubscribed none 0s", "subscribed none ", "unsubscribed none 1h0m0s", "subscribed none ",
			"subscribed hard ", "subscribed soft ", "unsubscribed none -1m0s",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		suppressed := client.Suppression.Query().
			Where(suppression.EmailKeyIn(w.people[2].EmailKey, w.people[3].EmailKey)).
			AllX(w.ctx)
		if len(suppressed) != 1 || suppressed[0].EmailKey != w.people[2].EmailKey ||
			suppressed[0].Reason != kind.SuppressedByComplaint {
			t.Errorf("suppressed: %v", suppressed)
		}
		// A duplicate changes nothing, even if the person was subscribed again manually.
		client.Subscriber.UpdateOne(w.people[0]).SetStatus(kind.SubscriberSubscribed).ExecX(w.ctx)
		if got := outcomes(t, service, w.ctx, w.one("1", kind.EventUnsubscribed, 0, came)); got[0] != "duplicate" {
			t.Error(got)
		}
		if p := client.Subscriber.GetX(w.ctx, w.people[0].ID); p.Status != kind.SubscriberSubscribed {
			t.Error("an event told again took a person off the list")
		}
	})
}

func TestLeavingByACommandAndByAnEventCountsAPersonOnce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := settle(t, db, 1, 2)
		service, bridge := newService(db, event.Options{Now: clock}), newService(db, event.Options{})
		leave := func(person int) {
			_, _, err := bridge.Unsubscribed(w.ctx, w.campaigns[0], w.people[person], start.Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
		}
		leave(0)
		outcomes(
			t, service, w.ctx, w.one("a", kind.EventUnsubscribed, 0, start),
			w.one("b", kind.EventUnsubscribed, 1, start),
		)
		leave(1)
		got := counted(t, db, w.campaigns[0])
		hour := "hour " + start.Format("2006-01-02T15")
		if got["campaign.total_unsubscriptions"] != 2 || got[hour+".unsubscriptions"] != 2 ||
			got["domain example.org.unsubscriptions"] != 1 {
			t.Errorf("%v", got)
		}
		if found, err := service.Recount(caller.System(w.ctx), w.campaigns[0]); err != nil || len(found) > 0 {
			t.Errorf("recount finds %v, %v", found, err)
		}
	})
}

func TestAnAddressMeansWhoGotTheCampaign(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := settle(t, db, 2, 1)
		client := db.Client(w.ctx)
		put := func() (list, person int64) {
			l := client.SubscriberList.Create().SetName("l").SetNameKey("l").SetCreatedAt(start).SaveX(w.ctx)
			p := client.Subscriber.Create().
				SetListID(l.ID).
				SetContactID(testkit.Contact(t, w.ctx, client, "Ann@example.org")).
				SetEmail("Ann@example.org").
				SetEmailKey("ann@example.org").
				SetCreatedAt(start).
				SaveX(w.ctx)
			return l.ID, p.ID
		}
		put()
		list, second := put()
		read, err := rules.ParseLists(fmt.Sprintf("%d:0", list), "")
		if err != nil {
			t.Fatal(err)
		}
		canonical, err := json.Marshal(read)
		if err != nil {
			t.Fatal(err)
		}
		client.Campaign.UpdateOneID(w.campaigns[0]).SetAudience(string(canonical)).ExecX(w.ctx)
		service := newService(db, event.Options{Now: clock})
		contact := testkit.Contact(t, w.ctx, client, "ann@example.org")
		for i, want := range []int64{second, 0} { // the second campaign has no audience
			e := w.one("x", kind.EventSent, 0, start)
			e.CampaignID, e.SubscriberID, e.Email = w.campaigns[i], 0, " ANN@Example.org"
			if got := outcomes(t, service, w.ctx, e); got[0] != "recorded" {
				t.Fatal(got)
			}
			got := client.Event.Query().Where(entevent.CampaignID(w.campaigns[i])).OnlyX(w.ctx)
			if got.ContactID != contact || valueOf(got.SubscriberID) != want {
				t.Errorf("campaign %d: %v, want contact %d through %d", i, got, contact, want)
			}
		}
	})
}

func TestStatementsOfABatchAreFew(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := settle(t, db, 2, 10)
		service := newService(db, event.Options{Now: clock})
		statements := func(n int, prefix string) int {
			var events []event.Event
			for i := range n {
				e := w.one(
					fmt.Sprint(prefix, i),
					[]kind.EventKind{
						kind.EventSent, kind.EventOpened, kind.EventClicked, kind.EventUnsubscribed, kind.EventConverted,
					}[i%5],
					i%10, start,
				)
				if e.Kind == kind.EventConverted {
					e.Amount, e.Currency = 1, []string{"", "EUR", "USD"}[i%3]
				}
				if e.Kind == kind.EventClicked {
					e.URL = "https://example.org/"
				}
				events = append(events, e)
			}
			recorder := new(store.Recorder)
			outcomes(t, service, store.WithRecorder(w.ctx, recorder), events...)
			return len(recorder.Statements())
		}
		statements(40, "warm")
		few, many := statements(40, "a"), statements(4000, "b")
		if many > few+4 || few > 22 {
			t.Errorf("%d statements for 40 events, %d for 4,000", few, many)
		}
	})
}

// TestALinkIsThereOnceAClickOnItIsRecorded checks that a recorded click creates a link, and that a
// duplicate or a rejected event does not. An automated click also creates the link, with zero
// clicks.
func TestALinkIsThereOnceAClickOnItIsRecorded(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		w := settle(t, db, 1, 2)
		service := newService(db, event.Options{Now: clock})
		click := func(id, url string) event.Event {
			e := w.one(id, kind.EventClicked, 0, start)
			e.URL = "https://example.org/" + url
			return e
		}
		unknown, machine := click("u", "rejected"), click("m", "machine")
		unknown.SubscriberID, machine.UserAgent = 1<<60, robot
		outcomes(t, service, w.ctx, click("a", "a"), w.one("b", kind.EventSent, 0, start))
		got := outcomes(
			t,
			service,
			w.ctx,
			click("a", "changed"),
			click("b", "of-another-kind"),
			click("c", "new"),
			click("c", "twice-in-a-batch"), // a duplicate, with another URL
			click("a", "shared"),
			click("d", "shared"),
			unknown,
			machine,
		)
		want := []string{
			"duplicate", "duplicate", "recorded", "duplicate", "duplicate", "recorded",
			"not_found subscriberId subscriber_not_found", "recorded",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		links := map[string]int64{}
		for _, l := range db.Client(w.ctx).LinkCounter.Query().Where(linkcounter.CampaignID(w.campaigns[0])).AllX(w.ctx) {
			links[strings.TrimPrefix(l.URL, "https://example.org/")] = l.Clicks
		}
		if diff := cmp.Diff(map[string]int64{"a": 1, "new": 1, "shared": 1, "machine": 0}, links); diff != "" {
			t.Errorf("links (-want +got):\n%s", diff)
		}
		if got := outcomes(t, service, w.ctx, click("e", "changed")); got[0] != "recorded" {
			t.Error(got)
		}
		if found, err := service.Recount(caller.System(w.ctx), w.campaigns[0]); err != nil || len(found) > 0 {
			t.Errorf("recount finds %v, %v", found, err)
		}
	})
}

// TestTheLargestBatchIsRecorded records the maximum number of events in one call, each as long as
// allowed and of characters that need escaping and therefore double in size. Database servers
// accept statements of 16 MiB (MariaDB) or 64 MiB by default. The test is not parallel because it
// would slow down the others.
func TestTheLargestBatchIsRecorded(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := settle(t, db, 1, 2)
		service := newService(db, event.Options{Now: clock})
		longest := func(i int) event.Event {
			e := w.one(fmt.Sprintf("%0200d", i), kind.EventClicked, i%2, start)
			e.Reason, e.UserAgent, e.IP = strings.Repeat(
				"'", 1000,
			), strings.Repeat(
				`\`, 1000,
			), "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"
			e.URL = fmt.Sprintf("https://example.org/%d/", i)
			e.URL += strings.Repeat("'", 4000-len(e.URL))
			return e
		}
		record := func(from int, want event.Outcome, n int) {
			events := make([]event.Event, event.MaxEvents)
			for i := range events {
				events[i] = longest(from + i)
			}
			got := 0
			for _, outcome := range outcomes(t, service, w.ctx, events...) {
				if outcome == string(want) {
					got++
				}
			}
			if got != n {
				t.Errorf("%d events are %s, want %d", got, want, n)
			}
		}
		record(0, event.Recorded, event.MaxEvents)
		record(event.MaxEvents/2, event.Recorded, event.MaxEvents/2)
		c := db.Client(w.ctx).Campaign.GetX(w.ctx, w.campaigns[0])
		if want := int64(event.MaxEvents * 3 / 2); c.TotalClicks != want || c.UniqueClicks != 2 {
			t.Errorf("%d clicks, %d unique, want %d of 2", c.TotalClicks, c.UniqueClicks, want)
		}
		if links := db.Client(w.ctx).
			LinkCounter.Query().
			Where(linkcounter.CampaignID(w.campaigns[0]), linkcounter.Clicks(1)).
			CountX(w.ctx); links != event.MaxEvents*3/2 {
			t.Errorf("%d links", links)
		}
	})
}
