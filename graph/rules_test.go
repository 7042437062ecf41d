package graph_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/ent"
	"campaignql/internal/audience/rules"
	"campaignql/internal/testkit/apitest"
)

// aRule selects what can be written again of a rule that is no group.
const aRule = ` fragment rule on AudienceRule { __typename
	... on FieldRule { name customFieldId operator value }
	... on EventRule { event not campaignIds count { atLeast atMost exactly } time {
		inLastDays notInLastDays between { from to } notBetween { from to } after before } }
	... on TagRule { match tagIds }
	... on SegmentRule { not segmentId }
	... on SuppressionRule { not } }`

// ruleTree selects rules and the groups in them, as deep as groups nest.
var ruleTree = strings.Repeat("connector rules { ...rule ... on RuleGroup { ", rules.MaxDepth) + "connector" +
	strings.Repeat(" } }", rules.MaxDepth)

var audienceTree = "rulesJson rules { connector criteria { listId " + ruleTree + " } exclude { listId " + ruleTree +
	" } }"

// asInput turns rules as they are read into the input that writes them: without what is null, and each rule as the
// field of AudienceRuleInput.
func asInput(read any) any {
	switch read := read.(type) {
	case []any:
		out := make([]any, len(read))
		for i, element := range read {
			out[i] = asInput(element)
		}
		return out
	case object:
		out := object{}
		for name, value := range read {
			if value != nil && name != "__typename" {
				out[name] = asInput(value)
			}
		}
		switch name, _ := read["__typename"].(string); name {
		case "":
			return out
		case "FieldRule":
			of := object{}
			for _, name := range []string{"name", "customFieldId"} {
				if value := out[name]; value != nil {
					of[name] = value
				}
				delete(out, name)
			}
			out["of"] = of
			return object{"field": out}
		case "RuleGroup":
			return object{"group": out}
		default:
			return object{strings.ToLower(strings.TrimSuffix(name, "Rule")): out}
		}
	}
	return read
}

// TestRulesAreTheSameInBothForms stores random rules in the legacy syntax, reads them typed, and writes them
// back typed.
func TestRulesAreTheSameInBothForms(t *testing.T) {
	const change = `mutation($id: ID!, $of: AudienceInput!) {
		updateCampaign(input: {id: $id, audience: $of}) { userErrors { message field } } }`
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		page := w.page(t, a, 4)
		d := ruleDraw{rand.New(rand.NewPCG(1, 2)), w.crowd(t, a), []int64{page[2].ID, page[3].ID}}
		write := func(id int64, of object) (any, *ent.Campaign) {
			t.Helper()
			data := w.MustQuery(t, a.Key, change, object{"id": number(id), "of": of})
			if told := apitest.At(t, data, "updateCampaign", "userErrors").([]any); len(told) > 0 {
				t.Fatalf("%s: %v", compact(of), told)
			}
			data = w.MustQuery(
				t, a.Key, `query($id: ID!) { campaign(id: $id) { audience { form count `+audienceTree+` } } }`+aRule,
				object{"id": number(id)},
			)
			return apitest.At(t, data, "campaign", "audience"), w.db.Client(a.Context).Campaign.GetX(a.Context, id)
		}
		for range 60 {
			drawn := d.audience()
			canonical := string(must(drawn.MarshalJSON())(t))
			legacy, stored := write(page[0].ID, object{"rulesJson": canonical})
			input := asInput(apitest.At(t, legacy, "rules"))
			typed, again := write(page[1].ID, object{"rules": input})
			if diff := cmp.Diff(legacy, typed); diff != "" {
				t.Fatalf("%s (-legacy +typed):\n%s", compact(input), diff)
			}
			if again.Audience != stored.Audience || again.AudienceSource != canonical {
				t.Fatalf("stored %s\nsource %s\nof     %s", again.Audience, again.AudienceSource, canonical)
			}
			var want any
			if err := json.Unmarshal([]byte(canonical), &want); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, apitest.At(t, typed, "rulesJson")); diff != "" {
				t.Fatalf("%s (-want +rulesJson):\n%s", canonical, diff)
			}
			draft := apitest.At(t, w.MustQuery(
				t, a.Key, `query($of: AudienceInput!) { audience(input: $of) { form count `+audienceTree+` } }`+aRule,
				object{"of": object{"rules": input}},
			), "audience")
			if diff := cmp.Diff(typed, draft); diff != "" {
				t.Fatalf("%s (-saved +draft):\n%s", canonical, diff)
			}
		}
	})
}

func TestRulesOfSegmentsAreTheSameInBothForms(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		page := w.page(t, a, 2)
		d := ruleDraw{rand.New(rand.NewPCG(3, 4)), w.crowd(t, a), []int64{page[0].ID, page[1].ID}}
		list, client := number(d.crowd.list.ID), w.db.Client(a.Context)
		made := func(mutation, input string, in object) (any, string) {
			t.Helper()
			data := w.MustQuery(t, a.Key, fmt.Sprintf(
				`mutation($in: %s!) { %s(input: $in) {
					segment { legacyId subscriberCount rulesJson rules { %s } } %s } } %s`,
				input, mutation, ruleTree, faults, aRule), object{"in": in})
			if told := apitest.At(t, data, mutation, "userErrors").([]any); len(told) > 0 {
				t.Fatalf("%s: %v", compact(in), told)
			}
			shown := apitest.At(t, data, mutation, "segment").(object)
			id := shown["legacyId"].(string)
			delete(shown, "legacyId")
			return shown, id
		}
		for i := range 30 {
			group := d.group(draw(d, rules.And, rules.Or), 1)
			if i == 0 {
				group = rules.Group{}
			}
			canonical := string(must(group.MarshalJSON())(t))
			legacy, first := made("createSegment", "CreateSegmentInput", object{
				"listId": list, "name": "legacy", "rulesJson": canonical,
			})
			input := asInput(apitest.At(t, legacy, "rules"))
			typed, second := made("createSegment", "CreateSegmentInput", object{
				"listId": list, "name": "typed", "rules": input,
			})
			changed, _ := made("updateSegment", "UpdateSegmentInput", object{"id": first, "rules": input})
			for way, got := range map[string]any{"createSegment": typed, "updateSegment": changed} {
				if diff := cmp.Diff(legacy, got); diff != "" {
					t.Fatalf("%s %s (-legacy +typed):\n%s", way, canonical, diff)
				}
			}
			stored := string(must(json.Marshal(group))(t))
			for _, id := range []string{first, second} {
				row := client.Segment.GetX(a.Context, parsed(t, id))
				if row.Rules != stored || row.RulesSource != canonical {
					t.Fatalf("stored %s\nsource %s\nof     %s", row.Rules, row.RulesSource, canonical)
				}
			}
		}
	})
}

// TestGroupsOfOneConnectorAreOneList writes groups that the legacy syntax cannot say, and reads what means the
// same.
func TestGroupsOfOneConnectorAreOneList(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		f := w.crowd(t, a)
		rule := func(value string) object {
			return object{"field": object{"of": object{"name": "EMAIL_ADDRESS"}, "operator": "IS", "value": value}}
		}
		group := func(connector string, of ...any) object {
			return object{"group": object{"connector": connector, "rules": of}}
		}
		for _, tt := range []struct {
			rules []any
			want  string
		}{
			{[]any{group("AND", rule("a"), group("AND", rule("b"))), rule("c")}, `and a b c`},
			{[]any{group("OR", rule("a"), group("OR", rule("b"))), rule("c")}, `and [ a b ] c`},
			{
				[]any{group("OR", group("AND", rule("a"), group("AND", rule("b"), group("OR", rule("c")))))},
				`and [ [ a b [ c ] ] ]`,
			},
		} {
			data := w.MustQuery(t, a.Key, `query($of: AudienceInput!) { audience(input: $of) { rulesJson } }`, object{
				"of": object{"rules": object{"criteria": []any{object{"listId": number(f.list.ID), "rules": tt.rules}}}},
			})
			criterion := apitest.At(t, data, "audience", "rulesJson", "criteria", 0).(object)
			if got := fmt.Sprint(criterion["operator"]) + outline(criterion["rules"]); got != tt.want {
				t.Errorf("%s is %s, want %s", compact(tt.rules), got, tt.want)
			}
		}
	})
}

func outline(of any) string {
	text := ""
	for _, element := range of.([]any) {
		if rule, ok := element.(object); ok {
			text += fmt.Sprint(" ", rule["value"])
		} else {
			text += " [" + outline(element) + " ]"
		}
	}
	return text
}

// TestRulesOfASegmentHaveOneForm gives both forms, and clears beside each.
func TestRulesOfASegmentHaveOneForm(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		f := w.crowd(t, a)
		typed := object{"rules": []any{object{"suppression": object{"not": true}}}}
		list, id := number(f.list.ID), number(f.segment.ID)
		for _, tt := range []struct {
			in   object
			want string
		}{
			{
				object{"listId": list, "name": "n", "rules": typed, "rulesJson": "[]"},
				"INVALID input.rulesJson audience_invalid",
			},
			{object{"id": id, "rules": typed, "rulesJson": "[]"}, "INVALID input.rulesJson audience_invalid"},
			{object{"id": id, "rules": typed, "clear": []any{"RULES"}}, "INVALID input.rules cleared_and_set"},
			{object{"id": id, "rulesJson": "[]", "clear": []any{"RULES"}}, "INVALID input.rulesJson cleared_and_set"},
			{object{"id": id, "rules": typed}, "{}"},
			{object{"id": id, "rules": nil, "rulesJson": nil}, "{}"},
			{object{"id": id, "rulesJson": ""}, "{}"},
		} {
			mutation, input := "updateSegment", "UpdateSegmentInput"
			if tt.in["id"] == nil {
				mutation, input = "createSegment", "CreateSegmentInput"
			}
			response := w.Query(t, a.Key, fmt.Sprintf(
				`mutation($in: %s!) { %s(input: $in) { %s } }`, input, mutation, faults,
			), object{"in": tt.in})
			noLeak(t, response)
			if got, _ := outcome(response); got != tt.want {
				t.Errorf("%s %s: %s, want %s", mutation, compact(tt.in), got, tt.want)
			}
		}
	})
}

// TestMembersOfAUnionAreReadTogether compares fields of the same name: of different types, GraphQL would refuse to
// select them in one place.
func TestMembersOfAUnionAreReadTogether(t *testing.T) {
	t.Parallel()
	served := schema(t)
	for _, of := range served.Types {
		if of.Kind != ast.Union {
			continue
		}
		types := map[string]string{}
		for _, member := range of.Types {
			for _, field := range served.Types[member].Fields {
				if known, ok := types[field.Name]; ok && known != field.Type.String() {
					t.Errorf("%s: %s.%s is %s, elsewhere %s", of.Name, member, field.Name, field.Type, known)
				}
				types[field.Name] = field.Type.String()
			}
		}
	}
}
