package graph_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

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
			{"deleteCampaigns", gone}, {"deleteCustomFields", f.text.ID}, {"deleteSubscriberTags", f.label.ID},
			{"deleteSegments", f.segment.ID}, {"deleteLists", f.list.ID},
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
