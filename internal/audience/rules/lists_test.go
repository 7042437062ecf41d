package rules_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/audience/rules"
)

func TestParseListsReadsPairs(t *testing.T) {
	t.Parallel()
	pair := func(list, segment int64) rules.Criterion {
		return rules.Criterion{ListID: list, Where: and(rules.Segment{Operator: rules.BelongsTo, ID: segment})}
	}
	tests := []struct {
		name, include, exclude   string
		want                     rules.Audience
		wantInclude, wantExclude string
	}{
		{"nothing", "", " , ", rules.Audience{}, "", ""},
		{
			"whole lists as old scripts write them", "3:,4::0, 5 : ", "6::7",
			rules.Audience{
				Form: rules.FormLists, Operator: rules.Or,
				Criteria: []rules.Criterion{{ListID: 3}, {ListID: 4}, {ListID: 5}},
				Exclude:  []rules.Criterion{pair(6, 7)},
			},
			"3:0,4:0,5:0", "6:7",
		},
		{
			"whole lists and segments", "3:0, 4:2 ,5", "",
			rules.Audience{
				Form: rules.FormLists, Operator: rules.Or,
				Criteria: []rules.Criterion{{ListID: 3}, pair(4, 2), {ListID: 5}},
			},
			"3:0,4:2,5:0", "",
		},
		{
			"exclusions", "3", ",4:2,",
			rules.Audience{
				Form: rules.FormLists, Operator: rules.Or, Criteria: []rules.Criterion{{ListID: 3}},
				Exclude: []rules.Criterion{pair(4, 2)},
			},
			"3:0", "4:2",
		},
		{
			"exclusions alone", "", "4",
			rules.Audience{
				Form: rules.FormLists, Operator: rules.Or, Exclude: []rules.Criterion{{ListID: 4}},
			},
			"", "4:0",
		},
		{
			"leading zeros and blanks", "03 : 00", "",
			rules.Audience{
				Form: rules.FormLists, Operator: rules.Or, Criteria: []rules.Criterion{{ListID: 3}},
			},
			"3:0", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := rules.ParseLists(tt.include, tt.exclude)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("tree (-want +got):\n%s", diff)
			}
			if got.IsZero() != (len(tt.want.Criteria) == 0) {
				t.Errorf("IsZero() = %v with %d criteria", got.IsZero(), len(tt.want.Criteria))
			}
			if include, exclude := got.Lists(); include != tt.wantInclude || exclude != tt.wantExclude {
				t.Errorf("Lists() = %q, %q, want %q, %q", include, exclude, tt.wantInclude, tt.wantExclude)
			}
		})
	}
}

func TestListFaultsNameTheEntry(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, include, exclude string
		want                   []string
	}{
		{"no number", "3:0,x:2", "", []string{`include[1]: "x:2" does not begin with the number of a list`}},
		{"list zero", "0:2", "", []string{`include[0]: "0:2" does not begin with the number of a list`}},
		{"no list", ":2", "", []string{`include[0]: ":2" does not begin with the number of a list`}},
		{"segment below zero", "3:-1", "", []string{`include[0]: "3:-1" does not end with the number of a segment`}},
		{"three numbers", "3:2:1", "", []string{`include[0]: "3:2:1" does not end with the number of a segment`}},
		{
			"more than 64 bits", "9223372036854775808", "",
			[]string{`include[0]: "9223372036854775808" does not begin with the number of a list`},
		},
		{"both sides", "a", "1,b", []string{
			`include[0]: "a" does not begin with the number of a list`,
			`exclude[1]: "b" does not begin with the number of a list`,
		}},
		{
			"too many", strings.Repeat("1,", 150), strings.Repeat("1,", 51),
			[]string{`exclude[50]: more than 200 criteria`},
		},
		{
			"too long", strings.Repeat(" ", rules.MaxBytes+1), "",
			[]string{`include: 65537 bytes long, at most 65536 are allowed`},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := rules.ParseLists(tt.include, tt.exclude)
			if diff := cmp.Diff(tt.want, faults(t, err, "audience.lists")); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCanonicalJSONKeepsTheForm(t *testing.T) {
	t.Parallel()
	lists, err := rules.ParseLists("3,4:2", "5:0")
	if err != nil {
		t.Fatal(err)
	}
	tree, err := rules.ParseRules(
		[]byte(
			`{"criteria":[{"list_id":3},{"list_id":4,"rules":[{"type":"segments","operator":"belongs to","value":2}]}],"exclude":[{"list_id":5}]}`,
		),
	)
	if err != nil {
		t.Fatal(err)
	}
	const same = `"operator":"or","criteria":[{"list_id":3},{"list_id":4,"operator":"and","rules":[{"type":"segments","operator":"belongs to","value":2}]}],"exclude":[{"list_id":5}]}`
	for want, given := range map[string]rules.Audience{`{"form":"lists",` + same: lists, `{` + same: tree, `null`: {}} {
		text, err := json.Marshal(given)
		if err != nil {
			t.Fatal(err)
		}
		if string(text) != want {
			t.Errorf("canonical JSON\n got %s\nwant %s", text, want)
		}
		back := rules.Audience{Form: "to be replaced"}
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(given, back); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
	}
}

func TestUnmarshalRefusesRulesUnderTheFormOfLists(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{
			"connector", `{"form":"lists","operator":"and","criteria":[{"list_id":1}]}`,
			`operator: lists are always joined by "or"`,
		},
		{
			"two rules", expand(`{"form":"lists","criteria":[{"list_id":1,"rules":[A,B]}]}`),
			`include[0]: expected a whole list or one segment of it`,
		},
		{
			"another rule", expand(`{"form":"lists","exclude":[{"list_id":1,"rules":[A]}]}`),
			`exclude[0]: expected a whole list or one segment of it`,
		},
		{
			"not of the segment",
			`{"form":"lists","criteria":[{"list_id":1,"rules":[{"type":"segments","operator":"does not belong to","value":2}]}]}`,
			`include[0]: expected a whole list or one segment of it`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var a rules.Audience
			err := json.Unmarshal([]byte(tt.text), &a)
			if diff := cmp.Diff([]string{tt.want}, faults(t, err, "audience.rules")); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMarshalRefusesTreesTheFormatCannotSay(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		tree rules.Group
	}{
		{"a connector that does not alternate", and(and(tag(1), tag(2)), tag(3))},
		{"an empty group", and(rules.Group{Operator: rules.Or}, tag(1))},
		{"no rule", and(nil)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if text, err := tt.tree.MarshalJSON(); err == nil {
				t.Errorf("group written as %s", text)
			}
			if text, err := one(tt.tree).MarshalJSON(); err == nil {
				t.Errorf("audience written as %s", text)
			}
			excluded := one(rules.Group{})
			excluded.Exclude = []rules.Criterion{{ListID: 2, Where: tt.tree}}
			if text, err := excluded.MarshalJSON(); err == nil {
				t.Errorf("exclusion written as %s", text)
			}
		})
	}
}
