package query_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"campaignql/internal/audience/query"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// small is a world whose results can be worked out by hand. On the first list are ann, ben, cat,
// dan, eve and fay; on the second ann, cat, gus and hal. dan is pending, eve is unsubscribed, fay
// has a hard bounce and hal is suppressed. ann has a soft bounce, which does not matter.
func small() *world {
	day := func(text string) *time.Time {
		at, err := time.Parse(time.DateTime, text)
		if err != nil {
			panic(err)
		}
		return &at
	}
	w := &world{zone: "Europe/Berlin", listCount: 2}
	w.fields = []field{{-1, kind.FieldText}, {0, kind.FieldNumber}, {0, kind.FieldDate}, {0, kind.FieldBoolean}}
	add := func(list int, email string, p person) {
		p.list, p.email, p.key = list, email, address.Key(email)
		if p.status == "" {
			p.status = kind.SubscriberSubscribed
		}
		if p.bounce == "" {
			p.bounce = kind.BounceNone
		}
		w.people = append(w.people, &p)
	}
	opened := func(campaign int, days ...int) (events []happening) {
		for _, ago := range days {
			events = append(
				events, happening{campaign: campaign, kind: kind.EventOpened, at: present.AddDate(0, 0, -ago)},
			)
		}
		return events
	}
	add(
		0, "User1.Ann@Example.NET",
		person{
			bounce:     kind.BounceSoft,
			ip:         "192.0.2.7",
			subscribed: day("2026-01-31 23:30:00"),
			values:     map[int]string{0: "Köln 100%", 1: "9", 2: "1990-05-01", 3: "1"},
			tags:       map[int]bool{0: true, 1: true},
			events: append(
				opened(0, 2, 3, 40), happening{campaign: 0, kind: kind.EventClicked, at: present.AddDate(0, 0, -2)},
			),
		},
	)
	add(
		0, "user1.ben@example.net",
		person{
			subscribed: day("2026-02-01 12:00:00"),
			values:     map[int]string{0: "köln", 1: "10", 2: "1990-05-01 08:00:00", 3: "0"},
			tags:       map[int]bool{0: true},
			events:     opened(1, 45),
		},
	)
	add(0, "cat@example.net", person{
		opted:  day("2026-03-01 00:00:00"),
		values: map[int]string{0: "1000"},
		events: []happening{
			{campaign: 1, kind: kind.EventOpened, at: present.AddDate(0, 0, -1), automated: true},
			{campaign: 1, kind: kind.EventSoftBounced, at: present},
		},
	})
	add(0, "user1.dan@example.net", person{status: kind.SubscriberPending, tags: map[int]bool{0: true}})
	add(0, "user1.eve@example.net", person{status: kind.SubscriberUnsubscribed})
	add(0, "user1.fay@example.net", person{bounce: kind.BounceHard})
	add(1, "user1.ANN@example.net", person{})
	add(1, "cat@example.net", person{})
	add(1, "gus@example.com", person{})
	add(1, "user1.hal@example.net", person{})
	w.suppressed = []string{"User1.Hal@example.net"}
	return w
}

func TestTheExamplesReachWhomOneWorksOutByHand(t *testing.T) {
	t.Parallel()
	// L1 and L2 are the lists. S1 is the segment of the first list with addresses that begin with
	// "user1", and S2 is the segment of people in S1 with the tag T1. F1 to F4 are the fields of
	// text, number, date and boolean. T1 to T3 are the tags, C1 and C2 the campaigns.
	in1 := func(rules string) string {
		return `{"criteria":[{"list_id":L1,"operator":"and","rules":` + rules + `}]}`
	}
	one := func(rule string) string { return in1("[{" + rule + "}]") }
	field := func(id, operator, value string) string {
		return one(fmt.Sprintf(`"type":"fields","field_id":"%s","operator":"%s","value":"%s"`, id, operator, value))
	}
	events := func(rest string) string { return one(`"type":"campaign-events",` + rest) }
	tests := []struct{ name, rules, want string }{
		{"the seed", `{"operator":"or","criteria":[
			{"list_id":L1,"operator":"and","rules":[
				{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"user1"},
				{"type":"fields","field_id":"EmailAddress","operator":"contains","value":".net"}]},
			{"list_id":L2,"operator":"or","rules":[
				{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"gus"},
				{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"user1.hal"}]}]}`, "ann ben gus"},
		{"a whole list", `{"criteria":[{"list_id":L1}]}`, "ann ben cat"},
		{"on either list", `{"operator":"or","criteria":[{"list_id":L1},{"list_id":L2}]}`, "ann ben cat gus"},
		{"on both lists", `{"operator":"and","criteria":[{"list_id":L1},{"list_id":L2}]}`, "ann cat"},
		{"on both, with rules on one", `{"operator":"and","criteria":[{"list_id":L2},{"list_id":L1,"rules":[
			{"type":"fields","field_id":"EmailAddress","operator":"begins with","value":"user1"}]}]}`, "ann"},
		{"or between lists of and", `{"criteria":[{"list_id":L1,"operator":"or","rules":[
			[{"type":"tags","operator":"has this tag","value":"T1"},{"type":"tags","operator":"has this tag","value":"T2"}],
			[{"type":"fields","field_id":"EmailAddress","operator":"starts with","value":"cat"},{"type":"suppressions","operator":"not exist"}]]}]}`, "ann cat"},
		{"and between lists of or", `{"criteria":[{"list_id":L1,"operator":"and","rules":[
			[{"type":"tags","operator":"has this tag","value":"T1"},{"type":"tags","operator":"has this tag","value":"T2"}],
			[{"type":"fields","field_id":"F1","operator":"is","value":"KÖLN"},{"type":"suppressions","operator":"exist"}]]}]}`, "ben"},
		{"excluded", `{"criteria":[{"list_id":L1}],"exclude":[{"list_id":L2,"rules":[
			{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"ann"}]}]}`, "ben cat"},
		{"excluded by what the same list says", `{"criteria":[{"list_id":L1}],"exclude":[{"list_id":L1,"rules":[
			{"type":"tags","operator":"has no tags"}]}]}`, "ann ben"},
		{"address, in any case", field("EmailAddress", "is", "USER1.ben@EXAMPLE.net"), "ben"},
		{"address is not", field("EmailAddress", "is not", "user1.ben@example.net"), "ann cat"},
		{"address without", field("EmailAddress", "does not contain", "USER1"), "cat"},
		{"address ends", field("EmailAddress", "ends with", "ben@example.net"), "ben"},
		{"an underscore is itself", field("EmailAddress", "contains", "user_"), ""},
		{"a percent sign is itself", field("F1", "contains", "100%"), "ann"},
		{"text without", field("F1", "does not contain", "köln"), "cat"},
		{"text before", field("F1", "is less than", "köln"), "cat"},
		{"text set", one(`"type":"fields","field_id":"F1","operator":"is set"`), "ann ben cat"},
		{"number, not its digits", field("CustomFieldF2", "is greater than", "9"), "ben"},
		{"number at least", field("F2", "is greater than or equal to", "9.0"), "ann ben"},
		{"number is not, or none", field("F2", "is not", "9"), "ben cat"},
		{"number empty", one(`"type":"fields","field_id":"F2","operator":"is empty"`), "cat"},
		{"date, at any time of the day", field("F3", "equals", "1990-05-01"), "ann ben"},
		{"date after a time", field("F3", "is greater than", "1990-05-01 07:59:59"), "ben"},
		{"boolean", field("F4", "is", "yes"), "ann"},
		{"subscription on the owner's clock", field("SubscriptionDate", "is", "2026-02-01"), "ann ben"},
		{"subscription before", field("SubscriptionDate", "is less than", "2026-02-01 12:00:00"), "ann"},
		{"subscription as text on the owner's clock", field("SubscriptionDate", "contains", "02-01 00:30"), "ann"},
		{"subscription not known", one(`"type":"fields","field_id":"SubscriptionDate","operator":"is not set"`), "cat"},
		{"opted in", one(`"type":"fields","field_id":"OptInDate","operator":"is set"`), "cat"},
		{"address of the network", field("SubscriptionIP", "begins with", "192.0.2."), "ann"},
		{"segment", one(`"type":"segments","operator":"belongs to","value":"S1"`), "ann ben"},
		{"not the segment", one(`"type":"segments","operator":"does not belong to","value":S1`), "cat"},
		{"segment within a segment", one(`"type":"segments","operator":"Belongs_To","value":S2`), "ann ben"},
		{"has this tag", one(`"type":"tags","operator":"has this tag","value":T2`), "ann"},
		{"does not have this tag", one(`"type":"tags","operator":"does not have this tag","value":T2`), "ben cat"},
		{"has any", one(`"type":"tags","operator":"has any of these tags","value":"T2,T1"`), "ann ben"},
		{"has all", one(`"type":"tags","operator":"has all of these tags","value":"T1,T2"`), "ann"},
		{"has no tags", one(`"type":"tags","operator":"has no tags"`), "cat"},
		{"suppressed are never reached", one(`"type":"suppressions","operator":"exist"`), ""},
		{"not suppressed", one(`"type":"suppressions","operator":"not exist"`), "ann ben cat"},
		{"opened any campaign", events(`"operator":"opened","value":""`), "ann ben"},
		{"not opened", events(`"operator":"not opened","value":[]`), "cat"},
		{"opened one campaign", events(`"operator":"opened","value":"C2"`), "ben"},
		{
			"opened lately",
			events(`"operator":"opened","value":["C1","C2"],"time_filter":{"type":"in_last_x_days","value":30}`), "ann",
		},
		{
			"opened long ago",
			events(`"operator":"opened","value":"","time_filter":{"type":"not_in_last_x_days","value":30}`), "ann ben",
		},
		{
			"opened since a day",
			events(`"operator":"opened","value":"","time_filter":{"type":"after","value":"2026-11-01"}`), "ann",
		},
		{
			"opened between days",
			events(
				`"operator":"opened","value":"","time_filter":{"type":"between","value":["2026-10-01","2026-10-08"]}`,
			),
			"ben",
		},
		{
			"opened three times",
			events(`"operator":"opened","value":"C1","aggregation":{"operator":"at_least","count":3}`), "ann",
		},
		{
			"opened at most twice lately",
			events(
				`"operator":"opened","value":"","time_filter":{"type":"in_last_x_days","value":10},"aggregation":{"operator":"at_most","count":2}`,
			),
			"ann ben cat",
		},
		{
			"opened exactly once",
			events(`"operator":"opened","value":"","aggregation":{"operator":"exactly","count":1}`), "ben",
		},
		{"clicked", events(`"operator":"clicked","value":"C1"`), "ann"},
		{"bounced, soft or hard", events(`"operator":"bounced","value":""`), "cat"},
		{"delivered", events(`"operator":"delivered","value":""`), ""},
		{"not failed", events(`"operator":"not failed","value":""`), "ann ben cat"},
	}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := small()
		w.found(t, db)
		w.write(t, db)
		begins := rules.Field{Name: rules.EmailAddress, Operator: rules.BeginsWith, Value: "user1"}
		first := w.segment(t, db, 0, rules.Group{Operator: rules.And, Rules: []rules.Rule{begins}})
		second := w.segment(t, db, 0, rules.Group{Operator: rules.And, Rules: []rules.Rule{
			rules.Segment{Operator: rules.BelongsTo, ID: first}, rules.Tags{Operator: rules.HasTag, IDs: w.tags[:1]}}})
		ids := []string{"S1", itoa(first), "S2", itoa(second)}
		for letter, numbers := range map[string][]int64{"L": w.lists, "T": w.tags, "C": w.campaigns, "F": w.fieldIDs} {
			for i, id := range numbers {
				ids = append(ids, fmt.Sprintf("%s%d", letter, i+1), itoa(id))
			}
		}
		numbered := strings.NewReplacer(ids...)
		for _, test := range tests {
			a, err := rules.ParseRules([]byte(numbered.Replace(test.rules)))
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			if got := names(t, w, a); got != test.want {
				t.Errorf("%s reaches %q, want %q", test.name, got, test.want)
			}
		}
		for _, test := range []struct{ include, exclude, want string }{
			{"L1:0,L2", "", "ann ben cat gus"}, {"L1:S1", "", "ann ben"}, {"L1,L2", "L1:S1", "cat gus"}, {"L1", "L2:0", "ben"}, {"", "L1", ""},
		} {
			a, err := rules.ParseLists(numbered.Replace(test.include), numbered.Replace(test.exclude))
			must(t, err)
			if got := names(t, w, a); got != test.want {
				t.Errorf("%s without %s reaches %q, want %q", test.include, test.exclude, got, test.want)
			}
		}
		a, err := rules.ParseLists(numbered.Replace("L1,L2"), numbered.Replace("L1:S2"))
		must(t, err)
		waterfall, err := w.service.Waterfall(w.ctx, query.Target{Audience: a})
		must(t, err)
		// Ann on both lists, ben and dan are excluded. eve is unsubscribed, hal is suppressed, fay
		// has a hard bounce. cat is on both lists.
		want := query.Waterfall{
			Matched: 10, Excluded: 4, NotSubscribed: 1, Suppressed: 1, Bounced: 1, Duplicates: 1, Reached: 2,
		}
		if waterfall != want {
			t.Errorf("waterfall %+v, want %+v", waterfall, want)
		}
	})
}

// names returns the people that an audience reaches, each by the part of the address after "user1".
func names(t *testing.T, w *world, a rules.Audience) string {
	t.Helper()
	var out []string
	for _, r := range resolve(t, w, query.Target{Audience: a, At: present}, 0) {
		name, _, _ := strings.Cut(strings.TrimPrefix(address.Key(r.Email), "user1."), "@")
		out = append(out, name)
	}
	slices.Sort(out)
	n, err := w.service.Count(w.ctx, query.Target{Audience: a, At: present})
	if err != nil || n != int64(len(out)) {
		t.Errorf("count %d, %v for %v", n, err, out)
	}
	return strings.Join(out, " ")
}
