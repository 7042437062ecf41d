package graph_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/graph/guard"
	"campaignql/internal/kind"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// reachable creates lists so that every step of the waterfall removes one subscriber. It returns
// the lists to include and to exclude. The first list has ann, bob, cid, dee and eve, the second
// has ann again, and the third, which is excluded, has eve. Only ann is reached.
func (w *world) reachable(t *testing.T, a *apitest.Account) (include, exclude string) {
	t.Helper()
	ctx, client := a.Context, w.db.Client(a.Context)
	prefix := strings.ToLower(randomName())
	var lists []int64
	for _, people := range []string{"ann bob cid dee eve", "ann", "eve"} {
		list := client.SubscriberList.Create().SetName("L").SetNameKey("l").SetCreatedAt(firstDay).SaveX(ctx).ID
		for name := range strings.FieldsSeq(people) {
			email := name + "." + prefix + "@example.com"
			create := client.Subscriber.Create().
				SetListID(list).SetContactID(testkit.Contact(t, ctx, client, email)).SetEmail(email).SetEmailKey(email).
				SetCreatedAt(firstDay)
			switch name {
			case "bob":
				create.SetStatus(kind.SubscriberUnsubscribed)
			case "cid":
				client.Suppression.Create().SetEmail(email).SetEmailKey(email).SetCreatedAt(firstDay).ExecX(ctx)
			case "dee":
				create.SetBounce(kind.BounceHard)
			}
			create.ExecX(ctx)
		}
		lists = append(lists, list)
	}
	whole := func(list int64) *ent.Segment {
		rules := `{"operator":"and","rules":[{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"` + prefix + `"}]}`
		return client.Segment.Create().
			SetListID(list).SetName("S").SetNameKey("s").SetRules(rules).SetCreatedAt(firstDay).
			SetUpdatedAt(firstDay).SaveX(ctx)
	}
	return fmt.Sprintf(
		"%d:%d,%d:0",
		lists[0],
		whole(lists[0]).ID,
		lists[1],
	), fmt.Sprintf("%d:%d", lists[2], whole(lists[2]).ID)
}

// listPart is a list, or one of its segments unless that is 0.
func listPart(list, segment string) object {
	if segment == "0" {
		return object{"listId": list}
	}
	return object{"listId": list, "segmentId": segment}
}

// campaign creates a draft.
func (w *world) campaign(t *testing.T, a *apitest.Account) *ent.Campaign {
	t.Helper()
	return must(
		w.db.Client(a.Context).
			Campaign.Create().SetName("C").SetNameKey("c").SetCreatedAt(firstDay).
			SetLastActivityAt(firstDay).Save(a.Context),
	)(t)
}

const evaluated = `{
	form rulesJson count
	preview(first: 5) { emailAddress subscriber { emailAddress status } list { legacyId } }
	waterfall { matched excluded notSubscribed suppressed bounced duplicates reached }
	explain { reached criteria { path list { legacyId } people chosen left rules { path ruleJson matches left rules { path } } } exclude { path people chosen left rules { matches } } } }`

// TestBothSurfacesStoreTheSameAudience stores an audience in each possible form. It reads the
// reached people for the stored audience and for an unsaved one.
func TestBothSurfacesStoreTheSameAudience(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		include, exclude := w.reachable(t, a)
		first, _, _ := strings.Cut(include, ":")
		bundle := `{"operator":"or","criteria":[{"list_id":` + first + `,"rules":[{"type":"fields","field_id":"email","operator":"STARTS_WITH","value":"a"}]}]}`
		typed := object{"criteria": []any{object{"listId": first, "rules": []any{object{"field": object{
			"of": object{"name": "EMAIL_ADDRESS"}, "operator": "BEGINS_WITH", "value": "a",
		}}}}}}
		var parts []any
		for pair := range strings.SplitSeq(include, ",") {
			list, segment, _ := strings.Cut(pair, ":")
			parts = append(parts, listPart(list, segment))
		}
		list, segment, _ := strings.Cut(exclude, ":")
		lists := object{
			"lists": object{
				"include": parts, "exclude": []any{listPart(list, segment)},
			},
		}
		for _, tt := range []struct {
			form      string
			legacy    url.Values
			inputs    []object
			count     float64
			waterfall object
		}{
			{"LISTS", url.Values{"RecipientListsAndSegments": {include}, "Exclude_RecipientListsAndSegments": {exclude}}, []object{lists}, 1,
				object{"matched": 6.0, "excluded": 1.0, "notSubscribed": 1.0, "suppressed": 1.0, "bounced": 1.0, "duplicates": 1.0, "reached": 1.0}},
			{"RULES", url.Values{"RulesJsonBundle": {bundle}}, []object{{"rulesJson": bundle}, {"rules": typed}}, 1,
				object{"matched": 1.0, "excluded": 0.0, "notSubscribed": 0.0, "suppressed": 0.0, "bounced": 0.0, "duplicates": 0.0, "reached": 1.0}},
		} {
			legacy := w.campaign(t, a)
			tt.legacy.Set("Command", "Campaign.Update")
			tt.legacy.Set("APIKey", a.Key)
			tt.legacy.Set("CampaignID", number(legacy.ID))
			if _, body := w.Command(t, tt.legacy); !strings.Contains(body, `"Success":true`) {
				t.Fatal(body)
			}
			saved := func(id int64) any {
				return apitest.At(
					t,
					w.MustQuery(
						t, a.Key, `query($id: ID!) { campaign(id: $id) { audience `+evaluated+` } }`,
						object{"id": number(id)},
					),
					"campaign", "audience",
				)
			}
			want := saved(legacy.ID)
			if form, count := apitest.At(t, want, "form"), apitest.At(t, want, "count"); form != tt.form ||
				count != tt.count {
				t.Errorf("%s counts %v as %v", tt.form, count, form)
			}
			if diff := cmp.Diff(any(tt.waterfall), apitest.At(t, want, "waterfall")); diff != "" {
				t.Errorf("%s falls (-want +got):\n%s", tt.form, diff)
			}
			if got := apitest.At(t, want, "explain", "reached"); got != tt.count {
				t.Errorf("%s explains %v", tt.form, got)
			}
			same := func(way string, got any) {
				t.Helper()
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-Campaign.Update +%s):\n%s", tt.form, way, diff)
				}
			}
			for _, input := range tt.inputs {
				c := w.campaign(t, a)
				document := `mutation($in: UpdateCampaignInput!) { updateCampaign(input: $in) { campaign { audience ` + evaluated + ` } userErrors { message } } }`
				data := w.MustQuery(t, a.Key, document, object{"in": object{"id": number(c.ID), "audience": input}})
				same("updateCampaign", apitest.At(t, data, "updateCampaign", "campaign", "audience"))
				same("campaign", saved(c.ID))
				same(
					"audience",
					apitest.At(
						t,
						w.MustQuery(
							t, a.Key, `query($in: AudienceInput!) { audience(input: $in) `+evaluated+` }`,
							object{"in": input},
						),
						"audience",
					),
				)
			}
			data := w.MustQuery(
				t, a.Key,
				`mutation($id: ID!) { copyCampaign(input: {id: $id}) { campaign { audience `+evaluated+` } } }`,
				object{"id": number(legacy.ID)},
			)
			same("copyCampaign", apitest.At(t, data, "copyCampaign", "campaign", "audience"))
			listed := w.MustQuery(
				t, a.Key,
				`{ campaigns(first: 1, orderBy: {field: CREATED_AT, direction: DESC}) { nodes { audience { count } } } }`,
				nil,
			)
			if got := apitest.At(t, listed, "campaigns", "nodes", 0, "audience", "count"); got != tt.count {
				t.Errorf("%s is listed with %v", tt.form, got)
			}
		}
	})
}

func TestAudienceThatCannotBeEvaluated(t *testing.T) {
	const ask = `query($in: AudienceInput!) { audience(input: $in) { count } }`
	rules := func(text string) object { return object{"in": object{"rulesJson": text}} }
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		list := w.db.Client(a.Context).
			SubscriberList.Create().SetName("L").SetNameKey("l").SetCreatedAt(firstDay).
			SaveX(a.Context).ID
		for _, tt := range []struct {
			name      string
			variables object
			code      string
			message   string
		}{
			{"an unknown operator", rules(`{"criteria":[{"list_id":1},{"list_id":1,"rules":[{"type":"tags","operator":"has","value":1}]}]}`), "BAD_USER_INPUT",
				`input.rulesJson: criteria[1].rules[0].operator: unknown operator "has"`},
			{"two labels for one", object{"in": object{"rules": object{"criteria": []any{object{"listId": 1, "rules": []any{object{"tag": object{"match": "HAS_TAG", "tagIds": []any{1, 2}}}}}}}}},
				"BAD_USER_INPUT", `input.rules.criteria[0].rules[0].tag.tagIds: expected one tag, not 2`},
			{"a list that is not there", rules(`{"criteria":[{"list_id":987654321}]}`), "NOT_FOUND", "criteria[0].list_id: there is no list 987654321"},
			{"two faults", rules(`{"criteria":[{"list_id":"x"},{"list_id":-1}]}`), "BAD_USER_INPUT", "criteria[1].list_id"},
			{"no JSON", rules(`{`), "BAD_USER_INPUT", "$"},
			{"no text", rules(``), "BAD_USER_INPUT", "$"},
			{"no rules", object{"in": object{"rules": nil}}, "BAD_USER_INPUT", ""},
			{"journeys", rules(fmt.Sprintf(`{"criteria":[{"list_id":%d,"rules":[{"type":"journeys"}]}]}`, list)), "BAD_USER_INPUT", "criteria[0].rules[0].type"},
			{"a page that is too large", object{}, "BAD_USER_INPUT", "first"},
		} {
			document := ask
			if tt.name == "a page that is too large" {
				document = fmt.Sprintf(
					`{ audience(input: {lists: {include: [{listId: %d}]}}) { preview(first: 251) { emailAddress } } }`,
					list,
				)
			}
			response := w.Query(t, a.Key, document, tt.variables)
			noLeak(t, response)
			if len(response.Errors) != 1 || response.Errors[0].Code() != tt.code ||
				!strings.Contains(response.Errors[0].Message, tt.message) {
				t.Errorf("%s: %s", tt.name, response.Body)
			}
		}
		change := w.MustQuery(
			t, a.Key,
			`mutation($id: ID!) { updateCampaign(input: {id: $id, audience: {rulesJson: "{"}}) { userErrors { field } } }`,
			object{"id": number(w.page(t, a, 1)[0].ID)},
		)
		got := compact(apitest.At(t, change, "updateCampaign", "userErrors"))
		if got != `[{"field":["input","audience","rulesJson"]}]` {
			t.Errorf("updateCampaign names %s", got)
		}
		nobody := w.MustQuery(t, a.Key, ask, object{"in": object{"kind": "NOBODY"}})
		if got := apitest.At(t, nobody, "audience", "count"); got != 0.0 {
			t.Errorf("nobody counts %v", got)
		}
		response := w.Query(t, "", ask, object{"in": object{"kind": "NOBODY"}})
		if len(response.Errors) != 1 || response.Errors[0].Code() != "UNAUTHENTICATED" {
			t.Errorf("without a key: %s", response.Body)
		}
	})
}

// TestOneAudienceThatCannotBeCountedDoesNotHideThePage changes the type of a field that a saved
// audience uses.
func TestOneAudienceThatCannotBeCountedDoesNotHideThePage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		client := w.db.Client(a.Context)
		f := w.crowd(t, a)
		c := w.campaign(t, a)
		bundle := fmt.Sprintf(
			`{"criteria":[{"list_id":%d,"rules":[{"type":"fields","field_id":%d,"operator":"is less than","value":"x"}]}]}`,
			f.list.ID,
			f.text.ID,
		)
		document := `mutation($in: UpdateCampaignInput!) { updateCampaign(input: $in) { campaign { audience { count } } userErrors { message } } }`
		w.MustQuery(
			t, a.Key, document, object{"in": object{"id": number(c.ID), "audience": object{"rulesJson": bundle}}},
		)
		client.CustomField.UpdateOneID(f.text.ID).SetType(kind.FieldNumber).ExecX(a.Context)
		response := w.Query(t, a.Key, `{ campaigns { nodes { name audience { form count } } } }`, nil)
		got := compact(response.Data)
		if got != `{"campaigns":{"nodes":[{"audience":{"count":null,"form":"RULES"},"name":"C"}]}}` {
			t.Errorf("the page shows %s", got)
		}
		if len(response.Errors) != 1 || !strings.Contains(response.Errors[0].Message, "criteria[0].rules[0].value") {
			t.Errorf("errors %v", response.Errors)
		}
	})
}

// TestCountingAudiencesCosts checks the cost of a page of campaigns whose audiences are counted,
// and that there is no cost if the audiences are not selected.
func TestCountingAudiencesCosts(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		include, exclude := w.reachable(t, a)
		rows := w.page(t, a, 6)
		for _, c := range rows[:5] {
			_, body := w.Command(
				t,
				url.Values{
					"Command":    {"Campaign.Update"},
					"APIKey":     {a.Key},
					"CampaignID": {number(c.ID)},
					"RecipientListsAndSegments": {
						include,
					},
					"Exclude_RecipientListsAndSegments": {exclude},
				},
			)
			if !strings.Contains(body, `"Success":true`) {
				t.Fatal(body)
			}
		}
		ran := statements(
			t,
			w,
			a,
			`{ campaigns(first: 50) { nodes { audience { form include { segmented } rulesJson rules { connector criteria { connector } } } } } }`,
		)
		if len(ran) != 1 {
			t.Errorf("audiences that are not counted cost %d statements:\n%s", len(ran), strings.Join(ran, "\n"))
		}
		// For each of five: the lists, the segments, and the count. The zone of the owner is
		// already known.
		if ran := statements(t, w, a, `{ campaigns(first: 50) { nodes { audience { count } } } }`); len(ran) != 1+5*3 {
			t.Errorf("five counts cost %d statements:\n%s", len(ran), strings.Join(ran, "\n"))
		}
		ran = statements(
			t,
			w,
			a,
			fmt.Sprintf(
				`{ campaign(id: %d) { audience { explain { reached criteria { rules { matches } } } } } }`, rows[0].ID,
			),
		)
		if len(ran) != 1+2+2 {
			t.Errorf("an explanation costs %d statements:\n%s", len(ran), strings.Join(ran, "\n"))
		}
		for document, refused := range map[string]bool{
			`{ campaigns(first: 50) { nodes { name audience { count } } } }`:          false,
			`{ campaigns(first: 100) { nodes { name audience { count } } } }`:         true,
			`{ campaigns(first: 50) { nodes { audience { explain { reached } } } } }`: true,
			`{ campaign(id: 1) { audience { count preview { emailAddress subscriber { emailAddress fields { text } } } waterfall { reached }
				explain { criteria { rules { ruleJson left rules { ruleJson left rules { ruleJson left rules { ruleJson left } } } } } } } } }`: false,
		} {
			response := w.Query(t, a.Key, document, nil)
			if got := len(response.Errors) == 1 &&
				response.Errors[0].Code() == guard.CodeComplexity; got != refused ||
				!got && len(response.Errors) > 0 {
				t.Errorf("%s: %v", document, response.Errors)
			}
		}
	})
}

func TestSegmentListsAndCountsItsPeople(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		include, _ := w.reachable(t, a)
		pair, second, _ := strings.Cut(include, ",")
		list, segment, _ := strings.Cut(pair, ":")
		other, _, _ := strings.Cut(second, ":")
		const document = `query($l: ID!, $s: ID!) { segment(id: $s) { subscriberCount } list(id: $l) { subscribers(filter: {segmentId: $s}) { totalCount nodes { emailAddress } } } }`
		data := w.MustQuery(t, a.Key, document, object{"l": list, "s": segment})
		// Ann and eve are reached; bob has unsubscribed, cid is suppressed, dee bounced.
		if got := apitest.At(t, data, "segment", "subscriberCount"); got != 2.0 {
			t.Errorf("the segment counts %v", got)
		}
		nodes := compact(apitest.At(t, data, "list", "subscribers", "nodes"))
		got := apitest.At(t, data, "list", "subscribers", "totalCount")
		if got != 2.0 || !strings.Contains(nodes, "ann.") || !strings.Contains(nodes, "eve.") {
			t.Errorf("the list shows %v: %s", got, nodes)
		}
		_, body := w.Command(
			t,
			url.Values{
				"Command": {"Subscribers.Get"}, "APIKey": {a.Key}, "SubscriberListID": {list},
				"SubscriberSegment": {segment},
			},
		)
		if !strings.Contains(body, `"TotalSubscribers":2`) || strings.Contains(body, "bob.") {
			t.Errorf("Subscribers.Get shows %s", body)
		}
		data = w.MustQuery(t, a.Key, document, object{"l": other, "s": segment})
		if got := apitest.At(t, data, "list", "subscribers", "totalCount"); got != 0.0 {
			t.Errorf("another list shows %v people of the segment", got)
		}
	})
}
