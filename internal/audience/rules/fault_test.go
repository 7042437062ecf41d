package rules_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
)

// faults returns the messages of err after checking that each fault is Invalid on the field, with
// the documented reason.
func faults(t *testing.T, err error, field string) []string {
	t.Helper()
	var out []string
	for _, f := range apperr.All(err) {
		if f.Code != apperr.Invalid || f.Field != field || f.Reason != apperr.ReasonAudienceInvalid {
			t.Errorf("fault has code %q, field %q, reason %q", f.Code, f.Field, f.Reason)
		}
		out = append(out, f.Message)
	}
	if err != nil && len(out) == 0 {
		t.Fatalf("error of another type: %v", err)
	}
	return out
}

func TestRuleFaultsNameThePathAndTheReason(t *testing.T) {
	t.Parallel()
	const (
		date      = ": expected a date as YYYY-MM-DD or YYYY-MM-DD HH:MM:SS, not "
		positive  = ": expected a positive whole number, not "
		fieldRule = `"type":"fields","field_id":"EmailAddress"`
		opened    = `"type":"campaign-events","operator":"opened"`
	)
	tests := []struct{ rule, want string }{
		{`{}`, `type: missing`},
		{`{"type":""}`, `type: missing`},
		{`{"type":5}`, `type: expected a string`},
		{`{"type":"emails"}`, `type: unknown rule type "emails"`},
		{
			`{"type":"journeys","operator":"in journey","value":1}`,
			`type: rules of type "journeys" are not possible: this server does not keep journeys`,
		},
		{
			`{"type":"Website_Events"}`,
			`type: rules of type "website-events" are not possible: this server does not keep website events`,
		},
		{`{` + fieldRule + `,"value":"a"}`, `operator: missing`},
		{`{` + fieldRule + `,"operator":["is"],"value":"a"}`, `operator: expected a string`},
		{`{` + fieldRule + `,"operator":"has","value":"a"}`, `operator: unknown operator "has"`},
		{
			`{` + fieldRule + `,"operator":"` + strings.Repeat("é", 70) + `","value":"a"}`,
			`operator: unknown operator "` + strings.Repeat("é", 60) + `…"`,
		},
		{`{` + fieldRule + `,"operator":"belongs to","value":"a"}`, `operator: unknown operator "belongs to"`},
		{`{` + fieldRule + `,"operator":"is"}`, `value: missing`},
		{`{` + fieldRule + `,"operator":"is","value":null}`, `value: missing`},
		{`{` + fieldRule + `,"operator":"is","value":["a"]}`, `value: expected a string or a number`},
		{`{` + fieldRule + `,"operator":"contains","value":""}`, `value: empty`},
		{`{` + fieldRule + `,"operator":"does not contain","value":""}`, `value: empty`},
		{`{` + fieldRule + `,"operator":"is less than","value":""}`, `value: empty`},
		{`{` + fieldRule + `,"operator":"is","value":"a","values":["b"]}`, `values: unknown key`},
		{`{` + fieldRule + `,"operator":"is","value":"a","%d x":{"b":1}}`, `["%d x"]: unknown key`},
		{
			`{` + fieldRule + `,"operator":"is","value":"a","time_filter":{"type":"after","value":"2026-01-01"}}`,
			`time_filter: unknown key`,
		},
		{`{"type":"fields","operator":"is","value":"a"}`, `field_id: missing`},
		{`{"type":"fields","field_id":"Name","operator":"is","value":"a"}`, `field_id: unknown field "Name"`},
		{
			`{"type":"fields","field_id":"CustomField","operator":"is","value":"a"}`,
			`field_id: unknown field "CustomField"`,
		},
		{`{"type":"fields","field_id":0,"operator":"is","value":"a"}`, `field_id: unknown field "0"`},
		{`{"type":"fields","field_id":1.5,"operator":"is","value":"a"}`, `field_id: unknown field "1.5"`},
		{`{"type":"fields","field_id":[5],"operator":"is","value":"a"}`, `field_id: expected a string or a number`},
		{
			`{"type":"fields","field_id":"OptInDate","operator":"is","value":"yesterday"}`,
			`value` + date + `"yesterday"`,
		},
		{
			`{"type":"fields","field_id":"SubscriptionDate","operator":"is greater than","value":2026}`,
			`value` + date + `"2026"`,
		},
		{
			`{"type":"fields","field_id":"SubscriberID","operator":"is","value":"x"}`,
			`value: expected a whole number, not "x"`,
		},
		{`{"type":"fields","field_id":"SubscriberID","operator":"is","value":""}`, `value: empty`},
		{`{"type":"segments","operator":"contains","value":1}`, `operator: unknown operator "contains"`},
		{`{"type":"segments","operator":"belongs to"}`, `value: missing`},
		{`{"type":"segments","operator":"belongs to","value":[]}`, `value: missing`},
		{`{"type":"segments","operator":"belongs to","value":0}`, `value` + positive + `"0"`},
		{`{"type":"segments","operator":"belongs to","value":-1}`, `value` + positive + `"-1"`},
		{`{"type":"segments","operator":"belongs to","value":"+1"}`, `value` + positive + `"+1"`},
		{`{"type":"segments","operator":"belongs to","value":1e3}`, `value` + positive + `"1e3"`},
		{`{"type":"segments","operator":"belongs to","value":true}`, `value` + positive + `"true"`},
		{
			`{"type":"segments","operator":"belongs to","value":9223372036854775808}`,
			`value` + positive + `"9223372036854775808"`,
		},
		{`{"type":"segments","operator":"belongs to","value":{"id":1}}`, `value: expected a string or a number`},
		{`{"type":"segments","operator":"belongs to","value":"1,2"}`, `value: expected one segment, not 2`},
		{`{"type":"tags","operator":"has","value":1}`, `operator: unknown operator "has"`},
		{`{"type":"tags","operator":"has this tag","value":""}`, `value: missing`},
		{`{"type":"tags","operator":"does not have this tag","value":[1,2]}`, `value: expected one tag, not 2`},
		{`{"type":"tags","operator":"has any of these tags","value":[]}`, `value: missing`},
		{`{"type":"tags","operator":"has all of these tags","value":"1,x"}`, `value` + positive + `"x"`},
		{`{"type":"tags","operator":"has all of these tags","value":[1,"x"]}`, `value[1]` + positive + `"x"`},
		{
			`{"type":"tags","operator":"has all of these tags","value":[1,[2]]}`,
			`value[1]: expected a string or a number`,
		},
		{
			`{"type":"tags","operator":"has no tags","value":"4"}`,
			`value: "has no tags" is about all tags and takes no value`,
		},
		{`{"type":"suppressions"}`, `operator: missing`},
		{`{"type":"suppressions","operator":"belongs to"}`, `operator: unknown operator "belongs to"`},
		{`{"type":"campaign-events","operator":"not","value":1}`, `operator: unknown operator "not"`},
		{
			`{"type":"campaign-events","operator":"not not opened","value":1}`,
			`operator: unknown operator "not not opened"`,
		},
		{`{"type":"campaign-events","value":1}`, `operator: missing`},
		{`{` + opened + `,"value":"abc"}`, `value` + positive + `"abc"`},
		{`{` + opened + `,"filter":{"type":"after"}}`, `filter: unknown key`},
		{
			`{"type":"campaign-events","operator":"delivered","time_filter":{"type":"after","value":"2026-01-01"}}`,
			`time_filter: not possible for "delivered"`,
		},
		{
			`{"type":"campaign-events","operator":"not failed","aggregation":{"operator":"at_least","count":1}}`,
			`aggregation: not possible for "failed"`,
		},
		{`{` + opened + `,"time_filter":"30"}`, `time_filter: expected an object`},
		{`{` + opened + `,"time_filter":{"value":30}}`, `time_filter.type: missing`},
		{`{` + opened + `,"time_filter":{"type":"today","value":30}}`, `time_filter.type: unknown time filter "today"`},
		{`{` + opened + `,"time_filter":{"type":"in_last_x_days"}}`, `time_filter.value: missing`},
		{
			`{` + opened + `,"time_filter":{"type":"in_last_x_days","value":0}}`,
			`time_filter.value: expected a whole number from 1 to 36500, not "0"`,
		},
		{
			`{` + opened + `,"time_filter":{"type":"not_in_last_x_days","value":36501}}`,
			`time_filter.value: expected a whole number from 1 to 36500, not "36501"`,
		},
		{
			`{` + opened + `,"time_filter":{"type":"in_last_x_days","value":1.5}}`,
			`time_filter.value: expected a whole number from 1 to 36500, not "1.5"`,
		},
		{
			`{` + opened + `,"time_filter":{"type":"in_last_x_days","value":[1]}}`,
			`time_filter.value: expected a string or a number`,
		},
		{
			`{` + opened + `,"time_filter":{"type":"between","value":"2026-01-01"}}`,
			`time_filter.value: expected two dates`,
		},
		{
			`{` + opened + `,"time_filter":{"type":"between","value":["2026-01-01","2026-01-02","2026-01-03","2026-01-04"]}}`,
			`time_filter.value: expected two dates`,
		},
		{`{` + opened + `,"time_filter":{"type":"between"}}`, `time_filter.value: missing`},
		{
			`{` + opened + `,"time_filter":{"type":"between","value":{"from":"2026-01-01"}}}`,
			`time_filter.value: expected a string or a number`,
		},
		{
			`{` + opened + `,"time_filter":{"type":"between","value":["2026-01-01","2026-02-30"]}}`,
			`time_filter.value[1]` + date + `"2026-02-30"`,
		},
		{
			`{` + opened + `,"time_filter":{"type":"between","value":["2026-01-01",[]]}}`,
			`time_filter.value[1]: expected a string or a number`,
		},
		{
			`{` + opened + `,"time_filter":{"type":"not_between","value":["2026-01-02","2026-01-01"]}}`,
			`time_filter.value: 2026-01-02 comes after 2026-01-01`,
		},
		{`{` + opened + `,"time_filter":{"type":"after"}}`, `time_filter.value: missing`},
		{
			`{` + opened + `,"time_filter":{"type":"after","value":[1]}}`,
			`time_filter.value: expected a string or a number`,
		},
		{
			`{` + opened + `,"time_filter":{"type":"before","value":"2026-01-01T00:00:00"}}`,
			`time_filter.value` + date + `"2026-01-01T00:00:00"`,
		},
		{
			`{` + opened + `,"time_filter":{"type":"after","value":"2026-01-01","or":{"a":1}}}`,
			`time_filter.or: unknown key`,
		},
		{`{` + opened + `,"aggregation":[1]}`, `aggregation: expected an object`},
		{`{` + opened + `,"aggregation":{"count":1}}`, `aggregation.operator: missing`},
		{
			`{` + opened + `,"aggregation":{"operator":"more than","count":1}}`,
			`aggregation.operator: unknown operator "more than"`,
		},
		{`{` + opened + `,"aggregation":{"operator":"at_least"}}`, `aggregation.count: missing`},
		{
			`{` + opened + `,"aggregation":{"operator":"at_least","count":-1}}`,
			`aggregation.count: expected a whole number from 0 to 2147483647, not "-1"`,
		},
		{
			`{` + opened + `,"aggregation":{"operator":"at_least","count":99999999999}}`,
			`aggregation.count: expected a whole number from 0 to 2147483647, not "99999999999"`,
		},
	}
	places := map[string]struct{ before, after, path string }{
		"flat": {`{"criteria":[{"list_id":1,"rules":[`, `]}]}`, "criteria[0].rules[0]"},
		"nested": {
			`{"criteria":[{"list_id":2},{"list_id":1,"rules":[{"type":"suppressions","operator":"exist"},[`, `]]}]}`,
			"criteria[1].rules[1][0]",
		},
		"exclusion": {`{"criteria":[{"list_id":2}],"exclude":[{"list_id":1,"rules":[`, `]}]}`, "exclude[0].rules[0]"},
	}
	for _, tt := range tests {
		for name, place := range places {
			t.Run(name+" "+tt.want, func(t *testing.T) {
				t.Parallel()
				want := place.path + "." + tt.want
				if tt.want[0] == '[' {
					want = place.path + tt.want
				}
				got, err := rules.ParseRules([]byte(place.before + tt.rule + place.after))
				if diff := cmp.Diff([]string{want}, faults(t, err, "audience.rules")); diff != "" {
					t.Errorf("faults (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(rules.Audience{}, got); diff != "" {
					t.Errorf("a tree came with the fault:\n%s", diff)
				}
			})
		}
	}
}

func TestBundleFaultsNameThePathAndTheReason(t *testing.T) {
	t.Parallel()
	const five = `[[[[[`
	tests := []struct{ name, text, want string }{
		{"empty", " \n", `$: empty`},
		{"cut off", `{"criteria":[`, `$: not valid JSON, as of byte 13`},
		{"trailing garbage", `{"criteria":[{"list_id":1}]} x`, `$: not valid JSON, as of byte 30`},
		{"two documents", `{"criteria":[{"list_id":1}]}{}`, `$: not valid JSON, as of byte 29`},
		{"a string", `"criteria"`, `$: expected an object`},
		{"null", `null`, `$: expected an object`},
		{"a bare list has no list", `[[]]`, `$: expected an object`},
		{"nothing in it", `{}`, `criteria: missing: name at least one list`},
		{"no criteria", `{"criteria":[],"exclude":[{"list_id":1}]}`, `criteria: missing: name at least one list`},
		{"misspelt key", `{"criteria":[{"list_id":1}],"exclusions":[{"list_id":2}]}`, `exclusions: unknown key`},
		{"unknown connector", `{"operator":"xor","criteria":[{"list_id":1}]}`, `operator: unknown operator "xor"`},
		{"criterion is no object", `{"criteria":[{"list_id":1},null]}`, `criteria[1]: expected an object`},
		{"no list", `{"criteria":[{"rules":[]}]}`, `criteria[0].list_id: missing`},
		{
			"list zero", `{"criteria":[{"list_id":"0"}]}`,
			`criteria[0].list_id: expected a positive whole number, not "0"`,
		},
		{"list is an object", `{"criteria":[{"list_id":{}}]}`, `criteria[0].list_id: expected a string or a number`},
		{
			"unknown connector of a criterion", `{"criteria":[{"list_id":1,"operator":"has"}]}`,
			`criteria[0].operator: unknown operator "has"`,
		},
		{
			"connector is a number", `{"criteria":[{"list_id":1,"operator":1}]}`,
			`criteria[0].operator: expected a string`,
		},
		{"misspelt rules", `{"criteria":[{"list_id":1,"rule":[{"type":"tags"}]}]}`, `criteria[0].rule: unknown key`},
		{
			"rules are an object", `{"criteria":[{"list_id":1,"rules":{"type":"tags"}}]}`,
			`criteria[0].rules: expected a list`,
		},
		{
			"rule is a number", `{"criteria":[{"list_id":1,"rules":[ 5 ]}]}`,
			`criteria[0].rules[0]: expected a rule or a list of rules`,
		},
		{
			"rule is null", `{"criteria":[{"list_id":1,"rules":[null]}]}`,
			`criteria[0].rules[0]: expected a rule or a list of rules`,
		},
		{
			"empty list beside rules", expand(`{"criteria":[{"list_id":1,"rules":[A,[]]}]}`),
			`criteria[0].rules[1]: an empty list beside rules`,
		},
		{
			"nested empty list", expand(`{"criteria":[{"list_id":1,"rules":[[[],A]]}]}`),
			`criteria[0].rules[0][0]: an empty list beside rules`,
		},
		{
			"six levels", expand(`{"criteria":[{"list_id":1,"rules":[` + five + `A]]]]]]}]}`),
			`criteria[0].rules[0][0][0][0][0]: lists of rules nest deeper than 5 levels`,
		},
		{"criteria are an object", `{"criteria":{"list_id":1}}`, `criteria: expected a list`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := rules.ParseRules([]byte(tt.text))
			if diff := cmp.Diff([]string{tt.want}, faults(t, err, "audience.rules")); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSegmentRuleFaultsBeginAtRules(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"bare", `[[{"type":"tags","operator":"has","value":1}]]`, `rules[0][0].operator: unknown operator "has"`},
		{"object", `{"rules":[{"type":"x"}]}`, `rules[0].type: unknown rule type "x"`},
		{"connector", `{"operator":"nor"}`, `operator: unknown operator "nor"`},
		{"misspelt", `{"rule":[1]}`, `rule: unknown key`},
		{"a number", `5`, `$: expected an object`},
		{"empty", ``, `$: empty`},
		{"too long", strings.Repeat(" ", rules.MaxBytes+1), `$: 65537 bytes long, at most 65536 are allowed`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := rules.ParseSegmentRules([]byte(tt.text))
			if diff := cmp.Diff([]string{tt.want}, faults(t, err, "rules")); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFaultsAreReportedTogetherUpToTwenty(t *testing.T) {
	t.Parallel()
	_, err := rules.ParseRules(
		[]byte(
			`{"operator":"xor","criteria":[{"rules":[{"type":"x"},{"type":"segments","operator":"in","value":"a"}]}]}`,
		),
	)
	want := []string{
		`operator: unknown operator "xor"`,
		`criteria[0].list_id: missing`,
		`criteria[0].rules[0].type: unknown rule type "x"`,
		`criteria[0].rules[1].operator: unknown operator "in"`,
		`criteria[0].rules[1].value: expected a positive whole number, not "a"`,
	}
	if diff := cmp.Diff(want, faults(t, err, "audience.rules")); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	var first *apperr.Error
	if !errors.As(err, &first) || first.Message != want[0] {
		t.Errorf("errors.As finds %v, want the first fault", first)
	}
	_, err = rules.ParseRules([]byte(`{"criteria":[{"list_id":1,"rules":[` + strings.Repeat(`{},`, 100) + `{}]}]}`))
	if got := faults(t, err, "audience.rules"); len(got) != 20 {
		t.Errorf("%d faults, want 20", len(got))
	}
}

func TestLimitsHoldExactly(t *testing.T) {
	t.Parallel()
	const rule, list = `{"type":"suppressions","operator":"exist"}`, `{"list_id":1}`
	some := func(n int) string { return strings.Repeat(rule+",", n-1) + rule }
	lists := func(n int) string { return strings.Repeat(list+",", n-1) + list }
	padded := func(n int) string {
		const before, after = `{"criteria":[{"list_id":1}],"note":"`, `"}`
		return before + strings.Repeat("x", n-len(before)-len(after)) + after
	}
	tests := []struct {
		name, text string
		want       []string
	}{
		{"200 rules", `{"criteria":[{"list_id":1,"rules":[` + some(200) + `]}]}`, nil},
		{
			"201 rules", `{"criteria":[{"list_id":1,"rules":[` + some(201) + `]}]}`,
			[]string{`criteria[0].rules[200]: more than 200 rules`},
		},
		{
			"201 rules in several places",
			`{"criteria":[{"list_id":1,"rules":[` + some(
				100,
			) + `]}],"exclude":[{"list_id":1,"rules":[[` + some(
				101,
			) + `]]}]}`,
			[]string{`exclude[0].rules[0][100]: more than 200 rules`},
		},
		{"200 criteria", `{"criteria":[` + lists(150) + `],"exclude":[` + lists(50) + `]}`, nil},
		{
			"201 criteria", `{"criteria":[` + lists(150) + `],"exclude":[` + lists(51) + `]}`,
			[]string{`exclude[50]: more than 200 criteria`},
		},
		{"64 KiB", padded(rules.MaxBytes), nil},
		{"64 KiB and a byte", padded(rules.MaxBytes + 1), []string{`$: 65537 bytes long, at most 65536 are allowed`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := rules.ParseRules([]byte(tt.text))
			if diff := cmp.Diff(tt.want, faults(t, err, "audience.rules")); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

// The time limit is some hundred times the normal time of a rejection, and far below the time of
// recursive decoding at each level.
func TestBombsAreRefusedQuickly(t *testing.T) {
	t.Parallel()
	nest := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	in := func(rules string) string { return `{"criteria":[{"list_id":1,"rules":` + rules + `}]}` }
	tests := []struct{ name, text string }{
		{"open brackets", strings.Repeat("[", 30000)},
		{"closed brackets", nest(30000)},
		{"closed brackets as rules", in(nest(30000))},
		{"as deep as the decoder goes", in(nest(9000))},
		{"open objects", strings.Repeat(`{"criteria":`, 5000)},
		{
			"objects as a value",
			in(
				`[{"type":"fields","field_id":1,"operator":"is","value":` + strings.Repeat(
					`{"a":`,
					5000,
				) + "1" + strings.Repeat(
					"}", 5000,
				) + `}]`,
			),
		},
		{"wide", in("[" + strings.Repeat("[],", 20000) + "1]")},
		{
			"many bad ids",
			in(`[{"type":"tags","operator":"has any of these tags","value":[` + strings.Repeat("0,", 30000) + `0]}]`),
		},
		{
			"many bad ids as text",
			in(`[{"type":"tags","operator":"has any of these tags","value":"` + strings.Repeat("0,", 30000) + `0"}]`),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			started := time.Now()
			_, err := rules.ParseRules([]byte(tt.text))
			if err == nil {
				t.Error("accepted")
			}
			if took := time.Since(started); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}
}
