package subscriber_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	"campaignql/ent"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/people/subscriber"
)

// chosen lists the people who match a filter by the part of the address before the @, and checks
// that Count gives the same number.
func (f *fixture) chosen(t *testing.T, filter subscriber.Filter, order subscriber.Order) string {
	t.Helper()
	var names []string
	filter.ListID = f.list
	err := f.Each(
		f.ctx, filter, order, 0, 0, []string{"email"},
		func(_ context.Context, people []*ent.Subscriber) error {
			for _, p := range people {
				name, _, _ := strings.Cut(p.Email, "@")
				names = append(names, name)
			}
			return nil
		},
	)
	n, countErr := f.Count(f.ctx, filter)
	if err != nil || countErr != nil || n != len(names) {
		t.Errorf("%+v: %d counted, %d listed, %v, %v", filter, n, len(names), err, countErr)
	}
	return strings.Join(names, " ")
}

func TestSegmentsChooseByState(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		client := f.db.Client(f.ctx)
		for _, p := range []struct {
			name       string
			status     kind.SubscriberStatus
			bounce     kind.BounceType
			suppressed bool
		}{
			{"active", kind.SubscriberSubscribed, kind.BounceNone, false},
			{"soft", kind.SubscriberSubscribed, kind.BounceSoft, false},
			{"hard", kind.SubscriberSubscribed, kind.BounceHard, false},
			{"pending", kind.SubscriberPending, kind.BounceNone, false},
			{"left", kind.SubscriberUnsubscribed, kind.BounceSoft, true},
			{"suppressed", kind.SubscriberSubscribed, kind.BounceNone, true},
		} {
			made := f.subscribe(p.name+"@example.com", nil)
			client.Subscriber.UpdateOneID(made.ID).SetStatus(p.status).SetBounce(p.bounce).ExecX(f.ctx)
			if p.suppressed {
				client.Suppression.Create().
					SetEmail(made.Email).
					SetEmailKey(made.EmailKey).
					SetCreatedAt(start).
					ExecX(f.ctx)
			}
		}
		other := newFixture(t, f.db)
		f.db.Client(other.ctx).
			Suppression.Create().
			SetEmail("active@example.com").
			SetEmailKey("active@example.com").
			SetCreatedAt(start).
			ExecX(other.ctx)
		for segment, want := range map[subscriber.Segment]string{
			subscriber.Everyone:     "active soft hard pending left suppressed",
			subscriber.Active:       "active soft",
			subscriber.Pending:      "pending",
			subscriber.Unsubscribed: "left",
			subscriber.Suppressed:   "left suppressed",
			subscriber.SoftBounced:  "soft left",
			subscriber.HardBounced:  "hard",
		} {
			if got := f.chosen(t, subscriber.Filter{Segment: segment}, subscriber.ByID); got != want {
				t.Errorf("%q: %s, want %s", segment, got, want)
			}
		}
		counts, err := f.ActiveCounts(f.ctx, []int64{f.list, f.newList(false), other.list})
		if err != nil || len(counts) != 1 || counts[f.list] != 2 {
			t.Errorf("active: %v, %v", counts, err)
		}
	})
}

func TestSearchFindsPartsOfFields(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		city, other := f.field(f.list, kind.FieldText, ""), f.field(0, kind.FieldText, "")
		f.subscribe("Straße_1@example.com", map[int64]string{city: "Köln 50%", other: "Ulm"})
		b := f.subscribe("b@example.com", map[int64]string{city: "Ulm"})
		f.subscribe("ﬁ²@bücher.example", nil)
		for _, test := range []struct {
			filter subscriber.Filter
			want   string
		}{
			{subscriber.Filter{Search: "STRAẞE"}, "Straße_1"},
			{subscriber.Filter{Search: "STRASSE"}, ""},
			{subscriber.Filter{Search: " \u200bB@EXAMPLE"}, "b"},
			{subscriber.Filter{Search: "bücher"}, "ﬁ²"},
			{subscriber.Filter{Search: "@BÜCHER.ex"}, "ﬁ²"},
			{subscriber.Filter{Search: "ücher.ex"}, "ﬁ²"}, // a part of a label is found as given
			{subscriber.Filter{Search: "xn--bcher-kva"}, "ﬁ²"},
			{subscriber.Filter{Search: "ﬁ"}, "ﬁ²"},
			{subscriber.Filter{Search: "fi"}, ""},
			{subscriber.Filter{Search: "2@"}, ""},
			{subscriber.Filter{Search: "²@xn--b"}, "ﬁ²"},
			{subscriber.Filter{Addresses: []string{"ﬁ²@xn--bcher-kva.EXAMPLE ", "straße_1@example.com\u200b", "fi2@bücher.example", "x"}}, "Straße_1 ﬁ²"},
			{subscriber.Filter{Search: "_"}, "Straße_1"},
			{subscriber.Filter{Search: "%"}, ""},
			{subscriber.Filter{Search: "192.0"}, ""},
			{subscriber.Filter{Search: "192.0", SearchIn: rules.SubscriptionIP}, "Straße_1 b ﬁ²"},
			{subscriber.Filter{Search: " " + strconv.FormatInt(b.ID, 10), SearchIn: rules.SubscriberID}, "b"},
			{subscriber.Filter{Search: "1x", SearchIn: rules.SubscriberID}, ""},
			{subscriber.Filter{Search: "e", SearchIn: "Password"}, ""},
			{subscriber.Filter{Search: "köln", SearchField: city}, "Straße_1"},
			{subscriber.Filter{Search: "50%", SearchField: city}, "Straße_1"},
			{subscriber.Filter{Search: "ULM", SearchField: city}, "b"},
			{subscriber.Filter{Search: "x", SearchField: unknown}, ""},
			{subscriber.Filter{Search: "x' OR '1'='1"}, ""},
		} {
			if got := f.chosen(t, test.filter, subscriber.ByID); got != test.want {
				t.Errorf("%+v: %q, want %q", test.filter, got, test.want)
			}
		}
	})
}

func TestOrdersAreTotal(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		client := f.db.Client(f.ctx)
		var want []string
		for i := range 260 { // more than a batch
			p := f.subscribe(strconv.Itoa(1000+i*7%260)+"@example.com", nil)
			update := client.Subscriber.UpdateOneID(p.ID).SetSubscriptionIP(strconv.Itoa(i % 3))
			if i%2 == 0 {
				update.SetOptedInAt(start)
			}
			if i%5 == 0 {
				update.SetStatus(kind.SubscriberUnsubscribed).SetBounce(kind.BounceSoft)
			}
			update.ExecX(f.ctx)
			want = append(want, strconv.Itoa(1000+i))
		}
		for _, order := range []subscriber.Order{
			subscriber.ByID, subscriber.ByAddress, subscriber.ByStatus, subscriber.ByBounce, subscriber.ByIP, subscriber.BySubscription, subscriber.ByOptIn, subscriber.ByUnsubscription,
		} {
			up := strings.Fields(f.chosen(t, subscriber.Filter{}, order))
			order.Desc = true
			down := strings.Fields(f.chosen(t, subscriber.Filter{}, order))
			slices.Reverse(down)
			if !slices.Equal(up, down) {
				t.Errorf("by %s: descending is not the reverse of ascending", order.Name)
			}
			if slices.Sort(up); !slices.Equal(up, want) {
				t.Errorf("by %s: %d people, want each of %d once", order.Name, len(up), len(want))
			}
		}
	})
}

func TestReadSegmentTellsStateRulesAndNothingApart(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		segment := func(f *fixture, list int64) string {
			id := f.db.Client(f.ctx).
				Segment.Create().
				SetListID(list).
				SetName("s").
				SetNameKey("s").
				SetRules("{}").
				SetCreatedAt(start).
				SetUpdatedAt(start).
				SaveX(f.ctx).
				ID
			return strconv.FormatInt(id, 10)
		}
		other := newFixture(t, f.db)
		mine, elsewhere, theirs := segment(f, f.list), segment(f, f.newList(false)), segment(other, other.list)
		for text, want := range map[string]string{
			"": "", " active ": "Active", "SOFT BOUNCED": "Soft bounced", "Opt-In Pending": "Opt-in pending",
			mine: "Active", elsewhere: "not_found segment_not_found segment", theirs: "not_found segment_not_found segment",
			"0": "not_found segment_not_found segment", "Friends": "not_found segment_not_found segment",
		} {
			got, err := f.ReadSegment(f.ctx, subscriber.Filter{ListID: f.list}, text)
			if answer := string(got.Segment) + fault(err); answer != want {
				t.Errorf("%q: %s, want %s", text, answer, want)
			}
		}
	})
}
