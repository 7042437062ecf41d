package rules_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/audience/rules"
)

func TestReferencesNameEverythingOnceWhereItIsNamedFirst(t *testing.T) {
	t.Parallel()
	a, err := rules.ParseRules([]byte(`{"criteria":[
		{"list_id":9,"operator":"or","rules":[
			{"type":"tags","operator":"has any of these tags","value":"8,2"},
			[{"type":"segments","operator":"belongs to","value":4},{"type":"fields","field_id":"EmailAddress","operator":"is set"}],
			{"type":"fields","field_id":5,"operator":"is set"},
			{"type":"campaign-events","operator":"opened","value":[7,6]},
			{"type":"suppressions","operator":"exist"}]},
		{"list_id":3,"rules":[
			{"type":"fields","field_id":"CustomField5","operator":"is not set"},
			{"type":"tags","operator":"has this tag","value":2},{"type":"tags","operator":"has no tags"}]}],
		"exclude":[
			{"list_id":9,"rules":[{"type":"segments","operator":"does not belong to","value":4},{"type":"campaign-events","operator":"clicked","value":""}]},
			{"list_id":1,"rules":[{"type":"segments","operator":"belongs to","value":4}]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := rules.References{
		Lists: []rules.Reference{
			{
				ID: 1, Path: "exclude[1].list_id",
			},
			{ID: 3, Path: "criteria[1].list_id"},
			{ID: 9, Path: "criteria[0].list_id"},
		},
		Segments: []rules.Reference{
			{
				ID: 4, ListID: 1, Path: "exclude[1].rules[0].value",
			},
			{ID: 4, ListID: 9, Path: "criteria[0].rules[1][0].value"},
		},
		Tags: []rules.Reference{
			{ID: 2, Path: "criteria[0].rules[0].value"}, {ID: 8, Path: "criteria[0].rules[0].value"},
		},
		Fields: []rules.Reference{
			{
				ID: 5, ListID: 3, Path: "criteria[1].rules[0].field_id",
			},
			{ID: 5, ListID: 9, Path: "criteria[0].rules[2].field_id"},
		},
		AnyCampaign: true,
		AnyTag:      true,
		Campaigns: []rules.Reference{
			{ID: 6, Path: "criteria[0].rules[3].value"}, {ID: 7, Path: "criteria[0].rules[3].value"},
		},
	}
	if diff := cmp.Diff(want, a.References()); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
}

func TestReferencesOfListsNameTheEntry(t *testing.T) {
	t.Parallel()
	a, err := rules.ParseLists("3:2,1,3:2", "1:7")
	if err != nil {
		t.Fatal(err)
	}
	want := rules.References{
		Lists:    []rules.Reference{{ID: 1, Path: "include[1]"}, {ID: 3, Path: "include[0]"}},
		Segments: []rules.Reference{{ID: 2, ListID: 3, Path: "include[0]"}, {ID: 7, ListID: 1, Path: "exclude[0]"}},
	}
	if diff := cmp.Diff(want, a.References()); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
}

func TestReferencesOfASegmentBeginAtRules(t *testing.T) {
	t.Parallel()
	g, err := rules.ParseSegmentRules(
		[]byte(
			`[[{"type":"fields","field_id":5,"operator":"is set"}],[{"type":"segments","operator":"belongs to","value":2}]]`,
		),
	)
	if err != nil {
		t.Fatal(err)
	}
	want := rules.References{
		Segments: []rules.Reference{{ID: 2, ListID: 3, Path: "rules[1][0].value"}},
		Fields:   []rules.Reference{{ID: 5, ListID: 3, Path: "rules[0][0].field_id"}},
	}
	if diff := cmp.Diff(want, g.References(3)); diff != "" {
		t.Errorf("references (-want +got):\n%s", diff)
	}
}
