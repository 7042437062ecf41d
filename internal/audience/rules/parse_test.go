package rules_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/audience/rules"
)

// one returns an audience with a single criterion on list 1.
func one(where rules.Group) rules.Audience {
	return rules.Audience{
		Form:     rules.FormRules,
		Operator: rules.Or,
		Criteria: []rules.Criterion{{ListID: 1, Where: where}},
	}
}

func and(some ...rules.Rule) rules.Group {
	return rules.Group{Operator: rules.And, Rules: some}
}

func or(some ...rules.Rule) rules.Group {
	return rules.Group{Operator: rules.Or, Rules: some}
}

// tag returns a short rule that marks a position.
func tag(id int64) rules.Rule {
	return rules.Tags{Operator: rules.HasTag, IDs: []int64{id}}
}

// expand replaces the letters A to E in a text by the rules tag(1) to tag(5).
func expand(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r >= 'A' && r <= 'E' {
			b.WriteString(`{"type":"tags","operator":"has this tag","value":` + strconv.Itoa(int(r-'A')+1) + `}`)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func moment(t *testing.T, text string) rules.Moment {
	t.Helper()
	m, ok := rules.ParseMoment(text)
	if !ok {
		t.Fatalf("ParseMoment(%q) failed", text)
	}
	return m
}

func TestParseRulesReadsTheReferenceExample(t *testing.T) {
	t.Parallel()
	const text = `{
  "operator": "or",
  "criteria": [
    {"list_id": 1, "operator": "and", "rules": [
      {"type": "fields", "field_id": "EmailAddress", "operator": "contains", "value": "user1"},
      {"type": "fields", "field_id": "EmailAddress", "operator": "contains", "value": ".net"}
    ]},
    {"list_id": 2, "operator": "or", "rules": [
      {"type": "fields", "field_id": "EmailAddress", "operator": "contains", "value": "@test"},
      {"type": "fields", "field_id": "EmailAddress", "operator": "contains", "value": "@gmail"}
    ]}
  ]
}`
	contains := func(value string) rules.Rule {
		return rules.Field{Name: rules.EmailAddress, Operator: rules.Contains, Value: value}
	}
	want := rules.Audience{Form: rules.FormRules, Operator: rules.Or, Criteria: []rules.Criterion{
		{ListID: 1, Where: and(contains("user1"), contains(".net"))},
		{ListID: 2, Where: or(contains("@test"), contains("@gmail"))},
	}}
	got, err := rules.ParseRules([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	const canonical = `{"operator":"or","criteria":[` +
		`{"list_id":1,"operator":"and","rules":[` +
		`{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"user1"},` +
		`{"type":"fields","field_id":"EmailAddress","operator":"contains","value":".net"}]},` +
		`{"list_id":2,"operator":"or","rules":[` +
		`{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"@test"},` +
		`{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"@gmail"}]}]}`
	written, err := got.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(canonical, string(written)); diff != "" {
		t.Errorf("canonical JSON (-want +got):\n%s", diff)
	}
	if include, exclude := got.Lists(); include != "" || exclude != "" {
		t.Errorf("Lists() of rules = %q, %q, want both empty", include, exclude)
	}
}

func TestParseRulesReadsEveryOperator(t *testing.T) {
	t.Parallel()
	field := func(op rules.FieldOperator) rules.Rule {
		f := rules.Field{Name: rules.EmailAddress, Operator: op, Value: "v"}
		if op == rules.IsSet || op == rules.IsNotSet {
			f.Value = ""
		}
		return f
	}
	event := func(e rules.Event, not bool) rules.Rule {
		return rules.CampaignEvent{Event: e, Not: not, CampaignIDs: []int64{7}}
	}
	segment := func(op rules.SegmentOperator) rules.Rule { return rules.Segment{Operator: op, ID: 7} }
	tags := func(op rules.TagOperator, ids ...int64) rules.Rule {
		return rules.Tags{Operator: op, IDs: ids}
	}
	tests := []struct {
		typ, operator, value string
		want                 rules.Rule
	}{
		{"fields", "is", `"v"`, field(rules.Is)},
		{"fields", "equals", `"v"`, field(rules.Is)},
		{"fields", "is not", `"v"`, field(rules.IsNot)},
		{"fields", "contains", `"v"`, field(rules.Contains)},
		{"fields", "does not contain", `"v"`, field(rules.DoesNotContain)},
		{"fields", "begins with", `"v"`, field(rules.BeginsWith)},
		{"fields", "starts with", `"v"`, field(rules.BeginsWith)},
		{"fields", "ends with", `"v"`, field(rules.EndsWith)},
		{"fields", "is less than", `"v"`, field(rules.IsLessThan)},
		{"fields", "is less than or equal to", `"v"`, field(rules.IsLessOrEqual)},
		{"fields", "is greater than", `"v"`, field(rules.IsGreaterThan)},
		{"fields", "is greater than or equal to", `"v"`, field(rules.IsGreaterOrEqual)},
		{"fields", "is set", `"v"`, field(rules.IsSet)},
		{"fields", "is not empty", `""`, field(rules.IsSet)},
		{"fields", "is not set", `null`, field(rules.IsNotSet)},
		{"fields", "is empty", `[]`, field(rules.IsNotSet)},
		{"segments", "belongs to", `7`, segment(rules.BelongsTo)},
		{"segments", "does not belong to", `"7"`, segment(rules.DoesNotBelongTo)},
		{"tags", "has this tag", `7`, tags(rules.HasTag, 7)},
		{"tags", "does not have this tag", `["7"]`, tags(rules.LacksTag, 7)},
		{"tags", "has any of these tags", `"7, 5,7,"`, tags(rules.HasAnyTag, 7, 5)},
		{"tags", "has all of these tags", `[7,"5",7]`, tags(rules.HasAllTags, 7, 5)},
		{"tags", "has no tags", `""`, tags(rules.HasNoTags)},
		{"tags", "has no tags", `[""]`, tags(rules.HasNoTags)},
		{"suppressions", "exist", `""`, rules.Suppression{Operator: rules.Suppressed}},
		{"suppressions", "not exist", `""`, rules.Suppression{Operator: rules.NotSuppressed}},
		{"campaign-events", "opened", `7`, event(rules.EventOpened, false)},
		{"campaign-events", "not opened", `7`, event(rules.EventOpened, true)},
		{"campaign-events", "clicked", `"7"`, event(rules.EventClicked, false)},
		{"campaign-events", "not clicked", `[7]`, event(rules.EventClicked, true)},
		{"campaign-events", "unsubscribed", `["7"]`, event(rules.EventUnsubscribed, false)},
		{"campaign-events", "not unsubscribed", `7`, event(rules.EventUnsubscribed, true)},
		{"campaign-events", "complained", `7`, event(rules.EventComplained, false)},
		{"campaign-events", "not complained", `7`, event(rules.EventComplained, true)},
		{"campaign-events", "bounced", `7`, event(rules.EventBounced, false)},
		{"campaign-events", "not bounced", `7`, event(rules.EventBounced, true)},
		{"campaign-events", "delivered", `7`, event(rules.EventDelivered, false)},
		{"campaign-events", "not delivered", `7`, event(rules.EventDelivered, true)},
		{"campaign-events", "failed", `7`, event(rules.EventFailed, false)},
		{"campaign-events", "not failed", `7`, event(rules.EventFailed, true)},
		{"campaign-events", "opened", `""`, rules.CampaignEvent{Event: rules.EventOpened}},
		{"campaign-events", "opened", `[]`, rules.CampaignEvent{Event: rules.EventOpened}},
		{"campaign-events", "opened", `null`, rules.CampaignEvent{Event: rules.EventOpened}},
		{
			"campaign-events", "opened", `"9,7"`,
			rules.CampaignEvent{Event: rules.EventOpened, CampaignIDs: []int64{9, 7}},
		},
	}
	spellings := map[string]func(string) string{
		"as printed":  func(s string) string { return s },
		"upper case":  strings.ToUpper,
		"underscores": func(s string) string { return strings.ReplaceAll(s, " ", "_") },
		"blanks":      func(s string) string { return "  " + strings.ReplaceAll(s, " ", "   ") + " " },
	}
	for _, tt := range tests {
		for how, spell := range spellings {
			t.Run(tt.typ+" "+tt.operator+" "+tt.value+" "+how, func(t *testing.T) {
				t.Parallel()
				text := `{"criteria":[{"list_id":1,"rules":[{"type":"` + spell(
					tt.typ,
				) + `","field_id":"EmailAddress","operator":"` +
					spell(
						tt.operator,
					) + `","value":` + tt.value + `}]}]}`
				got, err := rules.ParseRules([]byte(text))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(one(and(tt.want)), got); diff != "" {
					t.Errorf("tree (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func TestParseRulesReadsFields(t *testing.T) {
	t.Parallel()
	tests := []struct {
		fieldID, operator, value string
		want                     rules.Field
	}{
		{`"emailADDRESS"`, "is", `"a"`, rules.Field{Name: rules.EmailAddress, Operator: rules.Is, Value: "a"}},
		{`"email"`, "is", `"a"`, rules.Field{Name: rules.EmailAddress, Operator: rules.Is, Value: "a"}},
		{
			`"SubscriptionIP"`, "begins with", `"10."`,
			rules.Field{Name: rules.SubscriptionIP, Operator: rules.BeginsWith, Value: "10."},
		},
		{
			`"SubscriptionDate"`, "is greater than", `" 2026-01-31 "`,
			rules.Field{Name: rules.SubscriptionDate, Operator: rules.IsGreaterThan, Value: "2026-01-31"},
		},
		{
			`"SubscriptionDate"`, "begins with", `"2026-"`,
			rules.Field{Name: rules.SubscriptionDate, Operator: rules.BeginsWith, Value: "2026-"},
		},
		{
			`"OptInDate"`, "is", `"2026-01-31 23:59:59"`,
			rules.Field{Name: rules.OptInDate, Operator: rules.Is, Value: "2026-01-31 23:59:59"},
		},
		{`"OptInDate"`, "is not", `""`, rules.Field{Name: rules.OptInDate, Operator: rules.IsNot}},
		{
			`"SubscriberID"`, "is less than", `1000`,
			rules.Field{Name: rules.SubscriberID, Operator: rules.IsLessThan, Value: "1000"},
		},
		{`5`, "is", `" kept "`, rules.Field{CustomID: 5, Operator: rules.Is, Value: " kept "}},
		{`"5"`, "is", `1.50`, rules.Field{CustomID: 5, Operator: rules.Is, Value: "1.50"}},
		{`"CustomField5"`, "is", `true`, rules.Field{CustomID: 5, Operator: rules.Is, Value: "true"}},
		{`"customfield5"`, "is", `""`, rules.Field{CustomID: 5, Operator: rules.Is}},
		{`5`, "contains", `"%_\\\u0000😀"`, rules.Field{CustomID: 5, Operator: rules.Contains, Value: "%_\\\x00😀"}},
		{`5`, "contains", "\"\xff\"", rules.Field{CustomID: 5, Operator: rules.Contains, Value: "\uFFFD"}},
		{
			`9223372036854775807`, "is", `"a"`,
			rules.Field{CustomID: 9223372036854775807, Operator: rules.Is, Value: "a"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.fieldID+" "+tt.operator+" "+strconv.QuoteToASCII(tt.value), func(t *testing.T) {
			t.Parallel()
			text := `{"criteria":[{"list_id":1,"rules":[{"type":"fields","field_id":` + tt.fieldID + `,"operator":"` + tt.operator + `","value":` + tt.value + `}]}]}`
			got, err := rules.ParseRules([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(one(and(tt.want)), got); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRulesReadsTimeFiltersAndAggregations(t *testing.T) {
	t.Parallel()
	day, later := moment(t, "2026-01-31"), moment(t, "2026-02-01 10:20:30")
	tests := []struct {
		name, extra string
		time        *rules.TimeFilter
		count       *rules.Aggregation
	}{
		{
			"in last days", `"time_filter":{"type":"in_last_x_days","value":30}`,
			&rules.TimeFilter{Type: rules.InLastDays, Days: 30}, nil,
		},
		{
			"as text in capitals", `"time_filter":{"type":"IN LAST X DAYS","value":"36500"}`,
			&rules.TimeFilter{Type: rules.InLastDays, Days: 36500}, nil,
		},
		{
			"not in last days", `"time_filter":{"type":"not_in_last_x_days","value":1}`,
			&rules.TimeFilter{Type: rules.NotInLastDays, Days: 1}, nil,
		},
		{
			"between", `"time_filter":{"type":"between","value":["2026-01-31","2026-02-01 10:20:30"]}`,
			&rules.TimeFilter{Type: rules.Between, From: day, To: later}, nil,
		},
		{
			"between as text", `"time_filter":{"type":"between","value":"2026-01-31, 2026-02-01 10:20:30"}`,
			&rules.TimeFilter{Type: rules.Between, From: day, To: later}, nil,
		},
		{"between within the last day", `"time_filter":{"type":"between","value":["2026-01-31 12:00:00","2026-01-31"]}`,
			&rules.TimeFilter{Type: rules.Between, From: moment(t, "2026-01-31 12:00:00"), To: day}, nil},
		{
			"not between", `"time_filter":{"type":"not_between","value":["2026-01-31","2026-01-31"]}`,
			&rules.TimeFilter{Type: rules.NotBetween, From: day, To: day}, nil,
		},
		{
			"after", `"time_filter":{"type":"after","value":"2026-01-31"}`,
			&rules.TimeFilter{Type: rules.After, From: day}, nil,
		},
		{
			"before", `"time_filter":{"type":"before","value":"2026-02-01 10:20:30"}`,
			&rules.TimeFilter{Type: rules.Before, To: later}, nil,
		},
		{
			"at least", `"aggregation":{"operator":"at_least","count":3}`, nil,
			&rules.Aggregation{Operator: rules.AtLeast, Count: 3},
		},
		{
			"at most", `"aggregation":{"operator":"At Most","count":"0"}`, nil,
			&rules.Aggregation{Operator: rules.AtMost},
		},
		{
			"exactly", `"aggregation":{"operator":"exactly","count":2147483647}`, nil,
			&rules.Aggregation{Operator: rules.Exactly, Count: 2147483647},
		},
		{"both", `"aggregation":{"operator":"exactly","count":1},"time_filter":{"type":"after","value":"2026-01-31"}`,
			&rules.TimeFilter{Type: rules.After, From: day}, &rules.Aggregation{Operator: rules.Exactly, Count: 1}},
		{"empty as PHP writes it", `"aggregation":[],"time_filter":{ }`, nil, nil},
		{"null and empty text", `"aggregation":null,"time_filter":""`, nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := `{"criteria":[{"list_id":1,"rules":[{"type":"campaign-events","operator":"not opened","value":[],` + tt.extra + `}]}]}`
			got, err := rules.ParseRules([]byte(text))
			if err != nil {
				t.Fatal(err)
			}
			want := one(and(rules.CampaignEvent{Event: rules.EventOpened, Not: true, Time: tt.time, Count: tt.count}))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
		})
	}
}

func TestDeliveredAndFailedAcceptEmptyConditions(t *testing.T) {
	t.Parallel()
	got, err := rules.ParseRules(
		[]byte(
			`{"criteria":[{"list_id":1,"rules":[{"type":"campaign-events","operator":"failed","value":"","time_filter":[],"aggregation":[]}]}]}`,
		),
	)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one(and(rules.CampaignEvent{Event: rules.EventFailed})), got); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
}

func TestConnectorsAlternateWithDepth(t *testing.T) {
	t.Parallel()
	a, b, c, d := tag(1), tag(2), tag(3), tag(4)
	tests := []struct {
		name, criterion string
		want            rules.Group
	}{
		{"no rules", `"operator":"or"`, rules.Group{}},
		{"empty list", `"operator":"or","rules":[]`, rules.Group{}},
		{"only empty lists", `"rules":[[],[[]]]`, rules.Group{}},
		{"null rules", `"rules":null`, rules.Group{}},
		{"flat and", `"operator":"and","rules":[A,B]`, and(a, b)},
		{"flat or", `"operator":"OR","rules":[A,B]`, or(a, b)},
		{"flat without operator", `"rules":[A,B]`, and(a, b)},
		{"nested without operator", `"rules":[[A,B],[C,D]]`, or(and(a, b), and(c, d))},
		{"nested or", `"operator":"or","rules":[[A,B],[C,D]]`, or(and(a, b), and(c, d))},
		{"nested and", `"operator":"and","rules":[[A,B],[C,D]]`, and(or(a, b), or(c, d))},
		{"mixed", `"operator":"or","rules":[A,[B,C]]`, or(a, and(b, c))},
		{"mixed without operator", `"rules":[A,[B,C]]`, or(a, and(b, c))},
		{"five levels", `"operator":"and","rules":[[[[[A],B]]]]`, and(or(and(or(and(a), b))))},
		{"last of a repeated key", `"operator":"and","operator":"or","rules":[C],"rules":[A,B]`, or(a, b)},
		{"unknown scalar", `"note":"a [b]","rules":[A]`, and(a)},
		{"unknown empty list", `"rule":[],"rules":[A]`, and(a)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := rules.ParseRules([]byte(`{"criteria":[{"list_id":"1",` + expand(tt.criterion) + `}]}`))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(one(tt.want), got); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSegmentRulesMeanTheSameBareOrInAnObject(t *testing.T) {
	t.Parallel()
	a, b, c := tag(1), tag(2), tag(3)
	tests := []struct {
		name, text string
		want       rules.Group
	}{
		{"bare", ` [[A,B],[C]] `, or(and(a, b), and(c))},
		{"bare flat", `[A,B]`, and(a, b)},
		{"bare empty", `[]`, rules.Group{}},
		{"bare empty lists", `[[]]`, rules.Group{}},
		{"object", `{"operator":"or","rules":[[A,B],[C]]}`, or(and(a, b), and(c))},
		{"object without operator", `{"rules":[[A,B],[C]]}`, or(and(a, b), and(c))},
		{"object without rules", `{}`, rules.Group{}},
		{"object of a criterion", `{"list_id":3,"operator":"and","rules":[[A,B],C]}`, and(or(a, b), c)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := rules.ParseSegmentRules([]byte(expand(tt.text)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("group (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRulesReadsCriteriaAndExclusions(t *testing.T) {
	t.Parallel()
	got, err := rules.ParseRules(
		[]byte(
			expand(
				`{"operator":"and","criteria":[{"list_id":1},{"list_id":"2","rules":[A]}],"exclude":[{"list_id":3,"rules":[B]}],"form":"lists"}`,
			),
		),
	)
	if err != nil {
		t.Fatal(err)
	}
	want := rules.Audience{
		Form:     rules.FormRules,
		Operator: rules.And,
		Criteria: []rules.Criterion{{ListID: 1}, {ListID: 2, Where: and(tag(1))}},
		Exclude:  []rules.Criterion{{ListID: 3, Where: and(tag(2))}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tree (-want +got):\n%s", diff)
	}
	if got.IsZero() {
		t.Error("IsZero() of an audience with criteria")
	}
}

func TestMomentMeansWallClockTimeInTheZoneAsked(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct{ text, start, end string }{
		{"2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"}, // a day of 23 hours
		{"2026-12-31", "2026-12-30T23:00:00Z", "2026-12-31T23:00:00Z"},
		{"2026-07-01 10:20:30", "2026-07-01T08:20:30Z", "2026-07-01T08:20:31Z"},
	}
	for _, tt := range tests {
		m := moment(t, tt.text)
		if got := m.Start(berlin).UTC().Format(time.RFC3339); got != tt.start {
			t.Errorf("Start of %s = %s, want %s", tt.text, got, tt.start)
		}
		if got := m.End(berlin).UTC().Format(time.RFC3339); got != tt.end {
			t.Errorf("End of %s = %s, want %s", tt.text, got, tt.end)
		}
	}
}

func TestParseMomentRefusesWhatIsNotExactlyADate(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", "2026", "2026-2-1", "2026-02-30", "2026-02-29", "0000-00-00", "01.02.2026", "2026-01-31T10:00:00", "2026-01-31 1:00:00",
		"2026-01-31 24:00:00", "2026-01-31 10:00", "2026-01-31 10:00:00.5", "2026-01-31 10:00:60", " 2026-01-31", "2026-01-31 10:00:00Z", "in 3 days", "2026/01/31",
	} {
		if m, ok := rules.ParseMoment(text); ok {
			t.Errorf("ParseMoment(%q) = %v, want a refusal", text, m)
		}
	}
}
