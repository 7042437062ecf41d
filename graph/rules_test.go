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
	"campaignql/internal/kind"
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

var audienceTree = "rulesJson rules { connector criteria { listId " + ruleTree + " } exclude { listId " + ruleTree + " } }"

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
	const change = `mutation($id: ID!, $of: AudienceInput!) { updateCampaign(input: {id: $id, audience: $of}) { userErrors { message field } } }`
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
				`mutation($in: %s!) { %s(input: $in) { segment { legacyId subscriberCount rulesJson rules { %s } } %s } } %s`,
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
			{[]any{group("OR", group("AND", rule("a"), group("AND", rule("b"), group("OR", rule("c")))))}, `and [ [ a b [ c ] ] ]`},
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

// TestReferencesInRulesAreReadInBatches counts statements for one campaign and for fifty with other rules each.
func TestReferencesInRulesAreReadInBatches(t *testing.T) {
	const rule = `... on FieldRule { customField { name list { name } } } ... on TagRule { tags { name } }
		... on SegmentRule { segment { name rulesJson } } ... on EventRule { campaigns { name } }`
	const criterion = `{ list { name } rules { ` + rule + ` ... on RuleGroup { rules { ` + rule + ` } } } }`
	const document = `{ campaigns(first: 50, filter: {hasAudience: true}) { nodes { audience { rules { criteria ` +
		criterion + ` exclude ` + criterion + ` } } } } }`
	each(t, func(t *testing.T, w *world) {
		w.anySize(t)
		count := func(n int) int {
			a := w.Account(t)
			client := w.db.Client(a.Context)
			w.populated(t, a, n)
			lists, fields := client.SubscriberList.Query().IDsX(a.Context), client.CustomField.Query().IDsX(a.Context)
			labels, segments := client.SubscriberTag.Query().IDsX(a.Context), client.Segment.Query().IDsX(a.Context)
			for i, c := range client.Campaign.Query().AllX(a.Context) {
				all := func() []rules.Rule {
					return []rules.Rule{
						rules.Field{CustomID: fields[i], Operator: rules.IsSet},
						rules.Tags{Operator: rules.HasTag, IDs: []int64{labels[i]}},
						rules.Segment{Operator: rules.BelongsTo, ID: segments[i]},
						rules.CampaignEvent{Event: rules.EventOpened, CampaignIDs: []int64{c.ID}},
					}
				}
				where := rules.Group{Operator: rules.And, Rules: append(
					all(), rules.Group{Operator: rules.Or, Rules: all()},
				)}
				audience := rules.Audience{
					Form: rules.FormRules, Operator: rules.Or,
					Criteria: []rules.Criterion{{ListID: lists[i], Where: where}},
					Exclude:  []rules.Criterion{{ListID: lists[i], Where: where}},
				}
				client.Campaign.UpdateOne(c).SetHasAudience(true).
					SetAudience(string(must(audience.MarshalJSON())(t))).ExecX(a.Context)
			}
			data := compact(w.MustQuery(t, a.Key, document, nil))
			if strings.Contains(data, "null") || strings.Count(data, `"row `) != 10*n { // lists and labels
				t.Errorf("not everything is shown: %.400s", data)
			}
			return len(statements(t, w, a, document))
		}
		if one, fifty := count(1), count(50); one != fifty {
			t.Errorf("%d statements for one campaign, %d for fifty", one, fifty)
		} else {
			t.Logf("%d statements", one)
		}
	})
}

// TestWhatRulesNamedStaysWhenItIsDeleted deletes everything that the rules of a campaign name.
func TestWhatRulesNamedStaysWhenItIsDeleted(t *testing.T) {
	const selection = `rulesJson rules { criteria { listId list { name } rules {
		... on FieldRule { customFieldId customField { name } } ... on TagRule { tagIds tags { name } }
		... on SegmentRule { segmentId segment { name } } ... on EventRule { campaignIds campaigns { name } } } } }`
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		f, page := w.crowd(t, a), w.page(t, a, 3)
		kept, gone := page[1].ID, page[2].ID
		where := rules.Group{Operator: rules.And, Rules: []rules.Rule{
			rules.Field{CustomID: f.text.ID, Operator: rules.IsSet},
			rules.Tags{Operator: rules.HasTag, IDs: []int64{f.label.ID}},
			rules.Segment{Operator: rules.BelongsTo, ID: f.segment.ID},
			rules.CampaignEvent{Event: rules.EventOpened, CampaignIDs: []int64{gone, kept}},
		}}
		audience := rules.Audience{
			Form: rules.FormRules, Operator: rules.Or, Criteria: []rules.Criterion{{ListID: f.list.ID, Where: where}},
		}
		client := w.db.Client(a.Context)
		client.Campaign.UpdateOne(page[0]).SetHasAudience(true).
			SetAudience(string(must(audience.MarshalJSON())(t))).ExecX(a.Context)
		read := func() object {
			return apitest.At(t, w.MustQuery(
				t, a.Key, `query($id: ID!) { campaign(id: $id) { audience { `+selection+` } } }`,
				object{"id": number(page[0].ID)},
			), "campaign", "audience").(object)
		}
		before := read()
		if strings.Contains(compact(before), "null") {
			t.Fatalf("not everything is there: %s", compact(before))
		}
		client.Campaign.UpdateOne(page[0]).SetStatus(kind.StatusSent).SetStatusRank(kind.StatusSent.Rank()).
			ExecX(a.Context) // else most could not be deleted
		for _, of := range []struct {
			mutation string
			id       int64
		}{
			{"deleteCampaigns", gone}, {"deleteCustomFields", f.text.ID}, {"deleteSubscriberTags", f.label.ID}, {"deleteSegments", f.segment.ID},
			{"deleteLists", f.list.ID},
		} {
			data := w.MustQuery(
				t, a.Key, `mutation($ids: [ID!]!) { `+of.mutation+`(input: {ids: $ids}) { deletedIds `+faults+`} }`,
				object{"ids": []any{number(of.id)}},
			)
			if n := len(apitest.At(t, data, of.mutation, "deletedIds").([]any)); n != 1 {
				t.Fatal(compact(data))
			}
		}
		criterion := before["rules"].(object)["criteria"].([]any)[0].(object)
		criterion["list"] = nil
		of := criterion["rules"].([]any)
		of[0].(object)["customField"], of[1].(object)["tags"], of[2].(object)["segment"] = nil, []any{nil}, nil
		of[3].(object)["campaigns"].([]any)[0] = nil
		if diff := cmp.Diff(before, read()); diff != "" {
			t.Errorf("(-expected +after):\n%s", diff)
		}
	})
}

// TestRulesOfASegmentHaveOneForm gives both forms, and clears beside each.
func TestRulesOfASegmentHaveOneForm(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		f := w.crowd(t, a)
		typed := object{"rules": []any{object{"suppression": object{"not": true}}}}
		for _, tt := range []struct {
			mutation, input string
			in              object
			want            string
		}{
			{"createSegment", "CreateSegmentInput", object{"listId": number(f.list.ID), "name": "n", "rules": typed, "rulesJson": "[]"},
				"INVALID input.rulesJson audience_invalid"},
			{"updateSegment", "UpdateSegmentInput", object{"id": number(f.segment.ID), "rules": typed, "rulesJson": "[]"},
				"INVALID input.rulesJson audience_invalid"},
			{"updateSegment", "UpdateSegmentInput", object{"id": number(f.segment.ID), "rules": typed, "clear": []any{"RULES"}},
				"INVALID input.rules cleared_and_set"},
			{"updateSegment", "UpdateSegmentInput", object{"id": number(f.segment.ID), "rulesJson": "[]", "clear": []any{"RULES"}},
				"INVALID input.rulesJson cleared_and_set"},
			{"updateSegment", "UpdateSegmentInput", object{"id": number(f.segment.ID), "rules": typed}, "{}"},
			{"updateSegment", "UpdateSegmentInput", object{"id": number(f.segment.ID), "rules": nil, "rulesJson": nil}, "{}"},
			{"updateSegment", "UpdateSegmentInput", object{"id": number(f.segment.ID), "rulesJson": ""}, "{}"},
		} {
			response := w.Query(t, a.Key, fmt.Sprintf(
				`mutation($in: %s!) { %s(input: $in) { %s } }`, tt.input, tt.mutation, faults,
			), object{"in": tt.in})
			noLeak(t, response)
			if got, _ := outcome(response); got != tt.want {
				t.Errorf("%s %s: %s, want %s", tt.mutation, compact(tt.in), got, tt.want)
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
