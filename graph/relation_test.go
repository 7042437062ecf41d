package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/ent/contact"
	"campaignql/graph"
	"campaignql/graph/guard"
	"campaignql/internal/kind"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// TestEveryRelationOfEveryListCostsTheSameForAnyNumberOfRows requests every list with all relations of its
// rows, and all relations of those, for 1, 50 and 250 rows.
func TestEveryRelationOfEveryListCostsTheSameForAnyNumberOfRows(t *testing.T) {
	sizes := []int{1, 50, 250}
	each(t, func(t *testing.T, w *world) {
		handler := graph.Handler(graph.Services{
			Accounts: w.Services.Accounts, Campaigns: w.Services.Campaigns, Emails: w.Services.Emails,
			Tags: w.Services.Tags, Statistics: w.Services.Statistics, Lists: w.Services.Lists,
			Contacts: w.Services.Contacts, Subscribers: w.Services.Subscribers, SubscriberTags: w.Services.SubscriberTags,
			Fields: w.Services.Fields, Segments: w.Services.Segments, Suppressions: w.Services.Suppressions,
			Events: w.Services.Events, Forgetting: w.Services.Forgetting, Sending: w.Services.Sending,
			Audiences: w.Services.Audiences,
		}, graph.Options{Development: true, Limits: guard.Limits{Depth: 30, Complexity: 100_000_000}})
		accounts := make([]*apitest.Account, len(sizes))
		for i, n := range sizes {
			accounts[i] = w.Account(t)
			w.populated(t, accounts[i], n)
		}
		types := schema(t).Types
		for _, list := range []string{
			"campaigns", "tags", "emails", "lists", "customFields", "subscriberTags", "suppressions", "contacts",
		} {
			of := types[types["Query"].Fields.ForName(list).Type.Name()]
			node := types[of.Fields.ForName("nodes").Type.Name()]
			document := fmt.Sprintf(
				`{ %s(first: 250) { totalCount edges { cursor } nodes { %s } } }`, list, relations(types, node, 2),
			)
			var before []string
			for i, n := range sizes {
				ran := ranBy(t, answer(handler, accounts[i].Key, document), list, n)
				if i > 0 && len(ran) != len(before) {
					t.Errorf(
						"%s: %d statements for %d rows, %d for %d:\n%s", list, len(before), sizes[i-1], len(ran), n,
						strings.Join(ran, "\n"),
					)
				}
				before = ran
				t.Logf("%s of %d rows: %d statements", list, n, len(ran))
			}
		}
	})
}

// ranBy returns the statements of an answer, which must have n rows and no errors.
func ranBy(t *testing.T, answer, list string, n int) []string {
	t.Helper()
	var parts struct {
		Data       map[string]struct{ Nodes []any }
		Errors     []any
		Extensions struct{ Cost struct{ Statements []string } }
	}
	_, body, _ := strings.Cut(answer, " ")
	if err := json.Unmarshal([]byte(body), &parts); err != nil {
		t.Fatal(err)
	}
	if got := len(parts.Data[list].Nodes); got < n || n > 1 && got > 2*n || len(parts.Errors) > 0 {
		t.Fatalf("%s: %d rows, want %d; %.500v", list, got, n, parts.Errors)
	}
	return slices.DeleteFunc(parts.Extensions.Cost.Statements, func(s string) bool {
		return strings.Contains(s, "api_keys")
	})
}

// perRow are fields that evaluate the audience of one row, which is a statement for each by its nature.
var perRow = map[string]bool{
	"CampaignAudience.count": true, "CampaignAudience.preview": true, "CampaignAudience.waterfall": true,
	"CampaignAudience.explain": true, "Segment.subscriberCount": true,
}

// relations returns a selection of all fields of a type, to a depth of objects.
func relations(types map[string]*ast.Definition, of *ast.Definition, depth int) string {
	var b strings.Builder
	for _, f := range of.Fields {
		below := types[f.Type.Name()]
		if strings.HasPrefix(f.Name, "__") || perRow[of.Name+"."+f.Name] {
			continue
		}
		arguments := ""
		if f.Arguments.ForName("first") != nil {
			arguments = "(first: 2)"
		}
		if f.Arguments.ForName("from") != nil {
			arguments = `(from: "2026-03-01T00:00:00Z", to: "2026-03-03T00:00:00Z")`
		}
		switch {
		case below.IsLeafType():
			b.WriteString(f.Name + arguments + " ")
		case below.Kind == ast.Union && depth > 0:
			fmt.Fprintf(&b, "%s { __typename ", f.Name)
			for _, member := range below.Types {
				fmt.Fprintf(&b, "... on %s { %s} ", member, relations(types, types[member], depth-1))
			}
			b.WriteString("} ")
		case below.Kind != ast.Object:
		case strings.HasSuffix(below.Name, "Connection"):
			node := types[below.Fields.ForName("nodes").Type.Name()]
			if depth > 0 {
				total := ""
				if below.Fields.ForName("totalCount") != nil {
					total = "totalCount "
				}
				fmt.Fprintf(&b, "%s%s { %snodes { %s} } ", f.Name, arguments, total, relations(types, node, depth-1))
			}
		case depth > 0:
			fmt.Fprintf(&b, "%s%s { %s} ", f.Name, arguments, relations(types, below, depth-1))
		}
	}
	if b.Len() == 0 {
		return "__typename "
	}
	return b.String()
}

// populated creates n rows of each kind in an account: campaigns with tags and emails, tags, and lists with two
// people each, who have a value of a custom field, a label and a suppression.
func (w *world) populated(t *testing.T, a *apitest.Account, n int) {
	t.Helper()
	ctx, client := a.Context, w.db.Client(a.Context)
	w.page(t, a, n)
	tags, lists := make([]*ent.TagCreate, n), make([]*ent.SubscriberListCreate, n)
	labels := make([]*ent.SubscriberTagCreate, n)
	for i := range n {
		name := fmt.Sprintf("row %03d", i)
		tags[i] = client.Tag.Create().SetName(name).SetNameKey(name).SetCreatedAt(firstDay)
		lists[i] = client.SubscriberList.Create().SetName(name).SetNameKey(name).SetCreatedAt(firstDay)
		labels[i] = client.SubscriberTag.Create().SetName(name).SetNameKey(name).SetCreatedAt(firstDay)
	}
	must(client.Tag.CreateBulk(tags...).Save(ctx))(t)
	carried := must(client.SubscriberTag.CreateBulk(labels...).Save(ctx))(t)
	var fields []*ent.CustomFieldCreate
	var segments []*ent.SegmentCreate
	var people []*ent.SubscriberCreate
	var suppressions []*ent.SuppressionCreate
	var included []*ent.CampaignListCreate
	campaigns := client.Campaign.Query().Order(campaign.ByID()).IDsX(ctx)
	for i, list := range must(client.SubscriberList.CreateBulk(lists...).Save(ctx))(t) {
		included = append(included, client.CampaignList.Create().SetCampaignID(campaigns[i]).SetListID(list.ID))
		fields = append(fields, client.CustomField.Create().
			SetListID(list.ID).SetName("City").SetNameKey("city").SetCreatedAt(firstDay))
		segments = append(segments, client.Segment.Create().
			SetListID(list.ID).SetName("part").SetNameKey("part").SetRules(`{"rules":[]}`).
			SetCreatedAt(firstDay).SetUpdatedAt(firstDay))
		for j := range 2 {
			email := fmt.Sprintf("p%d-%d@example.com", i, j)
			people = append(people, client.Subscriber.Create().
				SetListID(list.ID).SetContactID(testkit.Contact(t, ctx, client, email)).
				SetEmail(email).SetEmailKey(email).SetCreatedAt(firstDay))
			if j == 0 {
				suppressions = append(suppressions, client.Suppression.Create().
					SetEmail(email).SetEmailKey(email).SetCreatedAt(firstDay))
			}
		}
	}
	must(client.CampaignList.CreateBulk(included...).Save(ctx))(t)
	cities := must(client.CustomField.CreateBulk(fields...).Save(ctx))(t)
	must(client.Segment.CreateBulk(segments...).Save(ctx))(t)
	must(client.Suppression.CreateBulk(suppressions...).Save(ctx))(t)
	var values []*ent.FieldValueCreate
	var taggings []*ent.SubscriberTaggingCreate
	var events []*ent.EventCreate
	sent := client.Campaign.Query().FirstIDX(ctx)
	for i, person := range must(client.Subscriber.CreateBulk(people...).Save(ctx))(t) {
		events = append(events, client.Event.Create().SetID(fmt.Sprintf("%d-%d", sent, i)).SetCampaignID(sent).
			SetContactID(person.ContactID).SetKind(kind.EventSent).SetAt(firstDay))
		values = append(values, client.FieldValue.Create().
			SetSubscriberID(person.ID).SetCustomFieldID(cities[i/2].ID).SetText("Köln").SetTextKey("köln"))
		taggings = append(taggings, client.SubscriberTagging.Create().
			SetSubscriberID(person.ID).SetSubscriberTagID(carried[i/2].ID))
	}
	w.runsTo(t, a, client.Contact.Query().Order(contact.ByID()).IDsX(ctx), campaigns...)
	must(client.FieldValue.CreateBulk(values...).Save(ctx))(t)
	must(client.SubscriberTagging.CreateBulk(taggings...).Save(ctx))(t)
	must(client.Event.CreateBulk(events...).Save(ctx))(t)
}

// TestAFieldOfAMutationShowsWhatAnEarlierOneWrote changes an email between two reads of it.
func TestAFieldOfAMutationShowsWhatAnEarlierOneWrote(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c := w.page(t, a, 1)[0]
		rename := func(alias, name string) string {
			return fmt.Sprintf(
				`%s: updateCampaign(input: {id: "%d", name: "%s"}) { campaign { email { subject } } } `, alias, c.ID, name,
			)
		}
		data := w.MustQuery(t, a.Key, fmt.Sprintf(
			`mutation { %s updateEmail(input: {id: "%d", subject: "Fresh"}) { email { subject } } %s }`,
			rename("before", "one"), *c.EmailID, rename("after", "two"),
		), nil)
		for alias, want := range map[string]string{"before": "News", "after": "Fresh"} {
			if got := apitest.At(t, data, alias, "campaign", "email", "subject"); got != want {
				t.Errorf("%s: %v, want %s", alias, got, want)
			}
		}
	})
}
