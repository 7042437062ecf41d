package subscriber_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	entevent "campaignql/ent/event"
	"campaignql/ent/fieldvalue"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/people/suppression"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)

const unknown = 1 << 60

// fixture is an account with a list and the service under test, whose clock the test sets.
type fixture struct {
	*subscriber.Service
	contacts *contact.Service
	t        *testing.T
	db       *store.Store
	ctx      context.Context
	now      *time.Time
	list     int64
}

func newFixture(t *testing.T, db *store.Store, opts ...testkit.AccountOption) *fixture {
	t.Helper()
	now := start
	f := &fixture{t: t, db: db, ctx: testkit.As(t, testkit.Account(t, db, opts...)), now: &now}
	clock := func() time.Time { return *f.now }
	f.contacts = contact.New(db, contact.Options{Now: clock})
	f.Service = subscriber.New(
		db, f.contacts, counter{f}, query.New(db, query.Options{Now: clock}),
		subscriber.Options{Now: clock},
	)
	f.list = f.newList(false)
	return f
}

// counter counts unsubscriptions because of a campaign.
type counter struct{ *fixture }

// Unsubscribed implements [subscriber.Counter].
func (c counter) Unsubscribed(
	ctx context.Context, campaignID int64, of *ent.Subscriber, at time.Time,
) ([]int64, int64, error) {
	return c.events().Unsubscribed(ctx, campaignID, of, at)
}

// events returns the service that records events.
func (f *fixture) events() *event.Service {
	return event.New(f.db, event.Services{
		People: f.contacts, Subscriptions: f.Service, Suppressions: suppression.New(f.db, suppression.Options{}),
	}, event.Options{})
}

// contactOf returns the contact of a subscription.
func contactOf(f *fixture, p *ent.Subscriber) *ent.Contact {
	f.t.Helper()
	c, err := f.contacts.Get(f.ctx, p.ContactID)
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

func each(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Helper()
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		test(t, newFixture(t, db))
	})
}

func (f *fixture) newList(double bool) int64 {
	f.t.Helper()
	return f.db.Client(f.ctx).
		SubscriberList.Create().
		SetName("l").
		SetNameKey("l").
		SetDoubleOptIn(double).
		SetCreatedAt(start).
		SaveX(f.ctx).
		ID
}

// field creates a custom field of the list, or of every list if list is 0.
func (f *fixture) field(list int64, of kind.FieldType, choices string) int64 {
	f.t.Helper()
	create := f.db.Client(f.ctx).
		CustomField.Create().
		SetName(string(of)).
		SetNameKey(fmt.Sprint(of, list, choices)).
		SetType(of).
		SetChoices(choices).
		SetCreatedAt(start)
	if list != 0 {
		create.SetListID(list)
	}
	return create.SaveX(f.ctx).ID
}

func (f *fixture) campaign() int64 {
	f.t.Helper()
	return f.db.Client(f.ctx).
		Campaign.Create().
		SetName("c").
		SetNameKey("c").
		SetCreatedAt(start).
		SetLastActivityAt(start).
		SaveX(f.ctx).
		ID
}

func (f *fixture) subscribe(address string, fields map[int64]string) *ent.Subscriber {
	f.t.Helper()
	made, err := f.Subscribe(
		f.ctx, subscriber.Subscription{ListID: f.list, Email: address, IP: "192.0.2.1", Fields: fields},
	)
	if err != nil {
		f.t.Fatal(err)
	}
	return made
}

func (f *fixture) leave(address string, campaign int64) error {
	return second(f.Unsubscribe(f.ctx, subscriber.Unsubscription{ListID: f.list, Email: address, CampaignID: campaign}))
}

func second[T any](_ T, err error) error { return err }

func fault(err error) string {
	var out []string
	for _, e := range apperr.All(err) {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Code, e.Reason, e.Field)))
	}
	return strings.Join(out, "; ")
}

func TestSubscribeKeepsWhatItIsTold(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		made, err := f.Subscribe(
			f.ctx, subscriber.Subscription{ListID: f.list, Email: " Jörg@Straße.example ", IP: "::ffff:192.0.2.1"},
		)
		if err != nil {
			t.Fatal(err)
		}
		got := f.db.Client(f.ctx).Subscriber.GetX(f.ctx, made.ID)
		if got.Email != "Jörg@Straße.example" || got.EmailKey != "jörg@xn--strae-oqa.example" || contactOf(f, got).Domain != "xn--strae-oqa.example" || got.SubscriptionIP != "192.0.2.1" ||
			got.Status != kind.SubscriberSubscribed || got.Bounce != kind.BounceNone ||
			!got.SubscribedAt.Equal(start) ||
			got.OptedInAt != nil ||
			!got.CreatedAt.Equal(start) {
			t.Errorf("stored %+v", got)
		}
		f.list = f.newList(true)
		if got := f.subscribe("a@example.com", nil); got.Status != kind.SubscriberPending {
			t.Errorf("on a list with double opt-in: %s", got.Status)
		}
	})
}

func TestSubscribeTellsEveryFaultAtOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		number := f.field(f.list, kind.FieldNumber, "")
		other := f.field(f.newList(false), kind.FieldText, "")
		f.subscribe("taken@example.com", nil)
		for _, test := range []struct {
			in   subscriber.Subscription
			want string
		}{
			{subscriber.Subscription{ListID: unknown, Email: "x", IP: "y", Fields: map[int64]string{number: "z"}},
				"invalid subscriber_address_invalid email; invalid subscriber_ip_invalid ip; not_found list_not_found"},
			{subscriber.Subscription{ListID: f.list, IP: "fe80::1%eth0", Fields: map[int64]string{number: "z", other: "x"}}, fmt.Sprintf("invalid subscriber_address_required email; "+
				"invalid subscriber_ip_invalid ip; invalid custom_field_invalid fields.%d; invalid custom_field_not_found fields.%d", number, other)},
			{subscriber.Subscription{ListID: f.list, Email: strings.Repeat("ﷺ", 60) + "@example.com"}, "invalid subscriber_address_invalid email"},
			{subscriber.Subscription{ListID: f.list, Email: "TAKEN@example.com"}, "conflict subscriber_exists email"},
		} {
			if got := fault(second(f.Subscribe(f.ctx, test.in))); got != test.want {
				t.Errorf("%+v: %s, want %s", test.in, got, test.want)
			}
		}
		if n, err := f.Count(f.ctx, subscriber.Filter{ListID: f.list}); err != nil || n != 1 {
			t.Errorf("%d are on the list, %v", n, err)
		}
	})
}

// stored is a value of a custom field as the database stores it.
type stored struct {
	Text, Key string
	Number    *float64
	Date      *time.Time
}

func TestFieldsAreStoredByTheirType(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		ids := map[kind.FieldType]int64{}
		for _, of := range []kind.FieldType{kind.FieldText, kind.FieldNumber, kind.FieldDate, kind.FieldBoolean} {
			ids[of] = f.field(f.list, of, "")
		}
		ids[kind.FieldChoice] = f.field(0, kind.FieldChoice, `["Red","Straße"]`)
		ids["open choice"] = f.field(0, kind.FieldChoice, "")
		day, clock := time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC), time.Date(2026, 11, 23, 23, 59, 59, 0, time.UTC)
		long := strings.Repeat("Ä", 10_000)
		for i, test := range []struct {
			of   kind.FieldType
			text string
			want *stored // nil means rejected
		}{
			{kind.FieldText, " Köln\x00 ", &stored{Text: "Köln\uFFFD", Key: "köln\uFFFD"}},
			{kind.FieldText, long, &stored{Text: long, Key: strings.Repeat("ä", 255)}},
			{kind.FieldText, long + "x", nil},
			{kind.FieldNumber, "12.50", &stored{Text: "12.50", Key: "12.50", Number: new(12.5)}},
			{kind.FieldNumber, "-1e3", &stored{Text: "-1e3", Key: "-1e3", Number: new(-1000.0)}},
			{kind.FieldNumber, "0.12345678949", &stored{Text: "0.12345678949", Key: "0.12345678949", Number: new(0.1234567895)}},
			{kind.FieldNumber, "9007199254740991", &stored{Text: "9007199254740991", Key: "9007199254740991", Number: new(9007199254740991.0)}},
			{kind.FieldNumber, "9007199254740992", nil},
			{kind.FieldNumber, "-9007199254740993", nil},
			{kind.FieldNumber, "0x10", nil},
			{kind.FieldNumber, "NaN", nil},
			{kind.FieldNumber, "-Inf", nil},
			{kind.FieldNumber, "1,5", nil},
			{kind.FieldDate, "2028-02-29", &stored{Text: "2028-02-29", Key: "2028-02-29", Date: &day}},
			{kind.FieldDate, "2026-11-23 23:59:59", &stored{Text: "2026-11-23 23:59:59", Key: "2026-11-23 23:59:59", Date: &clock}},
			{kind.FieldDate, "2027-02-29", nil},
			{kind.FieldDate, "0999-12-31", nil},
			{kind.FieldDate, "23.11.2026", nil},
			{kind.FieldBoolean, "Yes", &stored{Text: "1", Key: "1", Number: new(1.0)}},
			{kind.FieldBoolean, "off", &stored{Text: "0", Key: "0", Number: new(0.0)}},
			{kind.FieldBoolean, "2", nil},
			{kind.FieldChoice, "STRASSE", &stored{Text: "Straße", Key: "strasse"}},
			{kind.FieldChoice, "Blue", nil},
			{"open choice", "Blue", &stored{Text: "Blue", Key: "blue"}},
		} {
			made, err := f.Subscribe(
				f.ctx,
				subscriber.Subscription{
					ListID: f.list, Email: fmt.Sprintf("%d@example.com", i),
					Fields: map[int64]string{ids[test.of]: test.text},
				},
			)
			if test.want == nil {
				if want := fmt.Sprintf("invalid custom_field_invalid fields.%d", ids[test.of]); fault(err) != want {
					t.Errorf("%s %.20q: %v, want %s", test.of, test.text, err, want)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s %.20q: %v", test.of, test.text, err)
				continue
			}
			row := f.db.Client(f.ctx).FieldValue.Query().Where(fieldvalue.SubscriberID(made.ID)).OnlyX(f.ctx)
			if diff := cmp.Diff(*test.want, stored{row.Text, row.TextKey, row.Number, row.Date}); diff != "" {
				t.Errorf("%s %.20q: %s", test.of, test.text, diff)
			}
		}
	})
}

func TestWhoComesBackIsTheSamePerson(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		text, number := f.field(f.list, kind.FieldText, ""), f.field(0, kind.FieldNumber, "")
		first := f.subscribe("a@example.com", map[int64]string{text: "Ulm", number: "3"})
		f.db.Client(f.ctx).Subscriber.UpdateOneID(first.ID).SetBounce(kind.BounceHard).SetOptedInAt(start).ExecX(f.ctx)
		*f.now = start.Add(time.Hour)
		if err := f.leave("A@EXAMPLE.com", 0); err != nil {
			t.Fatal(err)
		}
		gone := f.db.Client(f.ctx).Subscriber.GetX(f.ctx, first.ID)
		if gone.Status != kind.SubscriberUnsubscribed || !gone.UnsubscribedAt.Equal(*f.now) ||
			!gone.SubscribedAt.Equal(start) {
			t.Errorf("after leaving: %+v", gone)
		}
		*f.now = start.Add(2 * time.Hour)
		back, err := f.Subscribe(f.ctx, subscriber.Subscription{
			ListID:          f.list,
			Email:           "A@example.com",
			IP:              "2001:db8::1",
			KnownFieldsOnly: true,
			Fields:          map[int64]string{text: "", unknown: "x"},
		})
		if err != nil || back.ID != first.ID || back.Email != "A@example.com" || back.Status != kind.SubscriberSubscribed || back.SubscriptionIP != "2001:db8::1" ||
			!back.SubscribedAt.Equal(*f.now) || back.OptedInAt != nil ||
			back.UnsubscribedAt != nil ||
			!back.CreatedAt.Equal(start) ||
			back.Bounce != kind.BounceHard {
			t.Errorf("back: %+v, %v", back, err)
		}
		values, err := f.Values(f.ctx, []int64{first.ID})
		if diff := cmp.Diff(map[int64]map[int64]string{first.ID: {number: "3"}}, values); diff != "" || err != nil {
			t.Errorf("values: %s, %v", diff, err)
		}
	})
}

func TestUnsubscribeCountsForTheCampaignOnceAndWhole(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		id := f.campaign()
		person := f.subscribe("a@example.com", nil)
		if err := f.leave("a@example.com", unknown); err != nil {
			t.Errorf("because of an unknown campaign: %v", err)
		}
		if got := f.db.Client(f.ctx).Subscriber.GetX(f.ctx, person.ID); got.Status != kind.SubscriberUnsubscribed {
			t.Errorf("who left is %s", got.Status)
		}
		f.subscribe("a@example.com", nil)
		for range 2 {
			if err := f.leave("a@example.com", id); err != nil {
				t.Fatal(err)
			}
			if got := fault(f.leave("a@example.com", id)); got != "conflict not_subscribed email" {
				t.Errorf("again: %s", got)
			}
			f.subscribe("a@example.com", nil)
		}
		client := f.db.Client(f.ctx)
		events := client.Event.Query().Where(entevent.CampaignID(id)).AllX(f.ctx)
		if c := client.Campaign.GetX(f.ctx, id); c.TotalUnsubscriptions != 1 || len(events) != 1 ||
			events[0].ContactID != person.ContactID || *events[0].SubscriberID != person.ID || !events[0].At.Equal(start) {
			t.Errorf("counted %d, events %v", c.TotalUnsubscriptions, events)
		}
		for _, address := range []string{"", "nobody", "b@example.com"} {
			if got := fault(f.leave(address, id)); got != "conflict not_subscribed email" {
				t.Errorf("%q: %s", address, got)
			}
		}
	})
}

func TestOfCallsAtTheSameTimeOneSubscribes(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		text := f.field(f.list, kind.FieldText, "")
		for range 3 {
			errs := make([]error, 8)
			var wait sync.WaitGroup
			for i := range errs {
				wait.Go(func() {
					_, errs[i] = f.Subscribe(
						f.ctx,
						subscriber.Subscription{
							ListID: f.list, Email: "a@example.com", Fields: map[int64]string{text: fmt.Sprint(i)},
						},
					)
				})
			}
			wait.Wait()
			won := -1
			for i, err := range errs {
				switch {
				case err == nil && won < 0:
					won = i
				case fault(err) != "conflict subscriber_exists email":
					t.Errorf("call %d: %v, and call %d won", i, err, won)
				}
			}
			row := f.db.Client(f.ctx).FieldValue.Query().OnlyX(f.ctx)
			if row.Text != fmt.Sprint(won) {
				t.Errorf("call %d won, and the value is that of call %s", won, row.Text)
			}
			if err := f.leave("a@example.com", 0); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestListsOfAnotherAccountAreLikeThoseThatDoNotExist(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		other := newFixture(t, f.db)
		person := other.subscribe("a@example.com", map[int64]string{other.field(0, kind.FieldText, ""): "secret"})
		theirs := other.campaign()
		mine := f.list
		for name, call := range map[string]func(list int64) any{
			"Subscribe": func(list int64) any {
				return fault(second(f.Subscribe(f.ctx, subscriber.Subscription{ListID: list, Email: "a@example.com"})))
			},
			"Unsubscribe": func(list int64) any {
				f.list = list
				return fault(f.leave("a@example.com", 0))
			},
			"Count": func(list int64) any {
				n, err := f.Count(f.ctx, subscriber.Filter{ListID: list})
				return fmt.Sprint(n, err)
			},
			"Suppressed": func(list int64) any {
				n, err := f.Count(f.ctx, subscriber.Filter{ListID: list, Segment: subscriber.Suppressed})
				return fmt.Sprint(n, err)
			},
			"ActiveCounts": func(list int64) any {
				counts, err := f.ActiveCounts(f.ctx, []int64{list})
				return fmt.Sprint(counts, err)
			},
			"Fields": func(list int64) any {
				fields, err := f.Fields(f.ctx, &ent.SubscriberList{ID: list, UserID: person.UserID})
				return fmt.Sprint(len(fields), err)
			},
		} {
			if diff := cmp.Diff(call(unknown), call(other.list)); diff != "" {
				t.Errorf("%s:\n%s", name, diff)
			}
		}
		f.list = mine
		if values, err := f.Values(f.ctx, []int64{person.ID}); err != nil || len(values) != 0 {
			t.Errorf("values of somebody else's: %v, %v", values, err)
		}
		f.subscribe("a@example.com", nil)
		if err := f.leave("a@example.com", theirs); err != nil {
			t.Errorf("because of a campaign of another account: %v", err)
		}
		if row := other.db.Client(other.ctx).Campaign.GetX(other.ctx, theirs); row.TotalUnsubscriptions != 0 {
			t.Errorf("the campaign of the other account counts %d", row.TotalUnsubscriptions)
		}
		if n, err := other.Count(
			other.ctx, subscriber.Filter{ListID: other.list, Segment: subscriber.Active},
		); err != nil || n != 1 {
			t.Errorf("the other account has %d, %v", n, err)
		}
	})
}

func TestEachMethodNeedsItsScope(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		reader := testkit.As(t, testkit.Account(t, f.db, testkit.Scoped(kind.ScopeRead)))
		writer := testkit.As(t, testkit.Account(t, f.db, testkit.Scoped(kind.ScopeWrite)))
		filter := subscriber.Filter{ListID: f.list}
		for name, err := range map[string]error{
			"Subscribe":    second(f.Subscribe(reader, subscriber.Subscription{ListID: f.list})),
			"Unsubscribe":  second(f.Unsubscribe(reader, subscriber.Unsubscription{ListID: f.list})),
			"Fields":       second(f.Fields(writer, &ent.SubscriberList{ID: f.list})),
			"Values":       second(f.Values(writer, []int64{1})),
			"ReadSegment":  second(f.ReadSegment(writer, filter, "")),
			"InSegment":    second(f.InSegment(writer, filter, 1)),
			"Count":        second(f.Count(writer, filter)),
			"ActiveCounts": second(f.ActiveCounts(writer, []int64{f.list})),
			"Each":         f.Each(writer, filter, subscriber.ByID, 0, 0, nil, nil),
		} {
			if apperr.CodeOf(err) != apperr.Denied {
				t.Errorf("%s without its scope: %v", name, err)
			}
		}
	})
}

// TestUnsubscribeLeavesTheListsOfTheCampaign unsubscribes people from list A because of a campaign to
// A and B, because of one to B alone, and without a campaign. Everybody is on A, B and C.
func TestUnsubscribeLeavesTheListsOfTheCampaign(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		a, b, c := f.list, f.newList(false), f.newList(false)
		to := func(lists ...int64) int64 {
			text := make([]string, len(lists))
			for i, list := range lists {
				text[i] = fmt.Sprint(list, ":0")
			}
			audience, err := rules.ParseLists(strings.Join(text, ","), "")
			if err != nil {
				t.Fatal(err)
			}
			canonical, err := json.Marshal(audience)
			if err != nil {
				t.Fatal(err)
			}
			id := f.campaign()
			f.db.Client(f.ctx).Campaign.UpdateOneID(id).SetAudience(string(canonical)).ExecX(f.ctx)
			return id
		}
		both, other := to(a, b), to(b)
		for _, tt := range []struct {
			email    string
			campaign int64
			left     []int64
		}{
			{"both@example.com", both, []int64{a, b}},
			{"other@example.com", other, []int64{a}},
			{"none@example.com", 0, []int64{a}},
			{"unknown@example.com", unknown, []int64{a}},
		} {
			for _, list := range []int64{a, b, c} {
				f.list = list
				f.subscribe(tt.email, nil)
				f.subscribe("stays-"+tt.email, nil)
			}
			f.list = a
			departure, err := f.Unsubscribe(f.ctx, subscriber.Unsubscription{ListID: a, Email: tt.email, CampaignID: tt.campaign})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(departure.Lists, tt.left) || departure.Subscriber.ListID != a {
				t.Errorf("%s: left %v, want %v", tt.email, departure.Lists, tt.left)
			}
			for _, p := range f.db.Client(f.ctx).Subscriber.Query().AllX(f.ctx) {
				left := p.Email == tt.email && slices.Contains(tt.left, p.ListID)
				mine := p.Email == tt.email || p.Email == "stays-"+tt.email
				if mine && left != (p.Status == kind.SubscriberUnsubscribed && p.UnsubscribedAt.Equal(*f.now)) {
					t.Errorf("%s on list %d is %s", p.Email, p.ListID, p.Status)
				}
			}
		}
		// Lists that the person had left before, or was never on, are not named; pending counts.
		f.list = b
		for _, email := range []string{"before@example.com", "pending@example.com"} {
			f.list = a
			f.subscribe(email, nil)
			f.list = b
			f.subscribe(email, nil)
		}
		if err := f.leave("before@example.com", 0); err != nil {
			t.Fatal(err)
		}
		f.db.Client(f.ctx).Subscriber.Update().
			Where(entsubscriber.Email("pending@example.com"), entsubscriber.ListID(b)).
			SetStatus(kind.SubscriberPending).ExecX(f.ctx)
		for email, want := range map[string][]int64{"before@example.com": {a}, "pending@example.com": {a, b}} {
			departure, err := f.Unsubscribe(f.ctx, subscriber.Unsubscription{ListID: a, Email: email, CampaignID: to(b, a, c)})
			if err != nil || !slices.Equal(departure.Lists, want) {
				t.Errorf("%s: %v, %v, want %v", email, departure, err, want)
			}
		}
		campaigns := f.db.Client(f.ctx).Campaign
		for _, id := range []int64{both, other} {
			if n := campaigns.GetX(f.ctx, id).TotalUnsubscriptions; n != 1 {
				t.Errorf("campaign %d counts %d", id, n)
			}
		}
	})
}

// TestWhoMovesLeavesNoOrphans has writers that change the address of a subscription to one of few
// addresses, over and over. A contact goes with its last subscription, but never while another
// writer enters it.
func TestWhoMovesLeavesNoOrphans(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		var writers sync.WaitGroup
		for n := range 16 {
			f.list = f.newList(false)
			p := f.subscribe(fmt.Sprint(n, "@example.com"), nil)
			writers.Go(func() {
				for i := range 25 {
					to := fmt.Sprint("shared", (i*n+i)%3, "@example.com")
					if _, err := f.Update(f.ctx, p.ID, subscriber.Patch{Email: &to}); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		writers.Wait()
		client := f.db.Client(f.ctx)
		used := map[int64]bool{}
		for _, p := range client.Subscriber.Query().AllX(f.ctx) {
			used[p.ContactID] = true
			c, err := client.Contact.Get(f.ctx, p.ContactID)
			if err != nil || *c.EmailKey != p.EmailKey {
				t.Errorf("%s belongs to contact %v, %v", p.Email, c, err)
			}
		}
		if n := client.Contact.Query().CountX(f.ctx); n != len(used) {
			t.Errorf("%d contacts, %d of them are used", n, len(used))
		}
	})
}
