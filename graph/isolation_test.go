package graph_test

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/ent/apikey"
	"campaignql/ent/campaign"
	"campaignql/ent/campaignchange"
	"campaignql/ent/campaignemail"
	"campaignql/ent/campaignlist"
	"campaignql/ent/campaignrun"
	"campaignql/ent/campaigntag"
	"campaignql/ent/contact"
	"campaignql/ent/customfield"
	"campaignql/ent/email"
	"campaignql/ent/fieldvalue"
	"campaignql/ent/runrecipient"
	"campaignql/ent/segment"
	"campaignql/ent/subscriber"
	"campaignql/ent/subscriberlist"
	"campaignql/ent/subscribertag"
	"campaignql/ent/subscribertagging"
	"campaignql/ent/suppression"
	"campaignql/ent/tag"
	"campaignql/graph/gid"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

// thing is a kind of object that an argument can identify.
type thing string

const (
	aCampaign    thing = "Campaign"
	aRun         thing = "CampaignRun"
	aTag         thing = "Tag"
	anEmail      thing = "Email"
	aKey         thing = "ApiKey"
	aUser        thing = "User"
	aList        thing = "SubscriberList"
	aSegment     thing = "Segment"
	aPerson      thing = "Subscriber"
	aContact     thing = "Contact"
	aField       thing = "CustomField"
	aLabel       thing = "SubscriberTag"
	aSuppression thing = "Suppression"
	// anything is the kind of the ids of node and nodes.
	anything thing = "anything"
)

// named maps the end of the path of an argument or input field to the kind of its ids. A new path
// that no entry matches fails the test, and its author must add it here. From then on it is tested
// like the others.
var named = []struct {
	path string
	is   thing
}{
	{"Query.node.id", anything},
	{"Query.nodes.ids", anything},
	{"Query.campaign.id", aCampaign},
	{"Query.tag.id", aTag},
	{"Query.email.id", anEmail},
	{
		"CampaignFilter.ids", aCampaign,
	},
	{"CampaignChangeFilter.campaignIds", aCampaign},
	{"CampaignChangeFilter.actorId", aUser},
	{"Query.user.id", aUser},
	{"CampaignFilter.ownerIds", aUser},
	{"Query.compare.campaignIds", aCampaign},
	{"Query.exportStatistics.campaignId", aCampaign},
	{"CampaignTagFilter.anyOf", aTag},
	{"CampaignTagFilter.allOf", aTag},
	{"CampaignTagFilter.noneOf", aTag},
	{"CopyCampaignInput.id", aCampaign},
	{"UpdateCampaignInput.id", aCampaign},
	{"ApproveCampaignInput.id", aCampaign},
	{"PauseCampaignInput.id", aCampaign},
	{"ResumeCampaignInput.id", aCampaign},
	{"CancelCampaignInput.id", aCampaign},
	{"RetryRecipientsInput.campaignId", aCampaign},
	{"ResolveUnknownInput.campaignId", aCampaign},
	{"SendTestInput.campaignId", aCampaign},
	{"SendTestInput.emailId", anEmail},
	{"SendTestInput.subscriberId", aPerson},
	{
		"DeleteCampaignsInput.ids", aCampaign,
	},
	{"UpdateCampaignInput.emailId", anEmail},
	{"ABTestVariationInput.emailId", anEmail},
	{"AudiencePartInput.listId", aList},
	{"AudiencePartInput.segmentId", aSegment},
	{"AudienceCriterionInput.listId", aList},
	{"RuleFieldInput.customFieldId", aField},
	{"EventRuleInput.campaignIds", aCampaign},
	{"TagRuleInput.tagIds", aLabel},
	{"SegmentRuleInput.segmentId", aSegment},
	{"UpdateTagInput.id", aTag},
	{"DeleteTagsInput.ids", aTag},
	{"TagCampaignsInput.campaignIds", aCampaign},
	{"TagCampaignsInput.tagIds", aTag},
	{"UntagCampaignsInput.campaignIds", aCampaign},
	{"UntagCampaignsInput.tagIds", aTag},
	{"UpdateEmailInput.id", anEmail},
	{"DeleteEmailsInput.ids", anEmail},
	{"RevokeApiKeyInput.id", aKey},
	{
		"Query.list.id", aList,
	},
	{"Query.subscriber.id", aPerson},
	{"Query.contact.id", aContact},
	{"Query.segment.id", aSegment},
	{"Query.subscriberTag.id", aLabel},
	{"Query.customFields.listId", aList},
	{"UpdateListInput.id", aList},
	{"DeleteListsInput.ids", aList},
	{
		"AddSubscribersInput.listId", aList,
	},
	{"CustomFieldValueInput.fieldId", aField},
	{"UpdateSubscriberInput.id", aPerson},
	{"UpdateSubscriberInput.clearFields", aField},
	{"UpdateContactInput.id", aContact},
	{"DeleteSubscribersInput.ids", aPerson},
	{"DeleteContactsInput.ids", aContact},
	{"UnsubscribeInput.listId", aList},
	{"UnsubscribeInput.campaignId", aCampaign},
	{
		"CreateCustomFieldInput.listId", aList,
	},
	{"UpdateCustomFieldInput.id", aField},
	{"DeleteCustomFieldsInput.ids", aField},
	{"CreateSegmentInput.listId", aList},
	{"UpdateSegmentInput.id", aSegment},
	{"DeleteSegmentsInput.ids", aSegment},
	{"UpdateSubscriberTagInput.id", aLabel},
	{"DeleteSubscriberTagsInput.ids", aLabel},
	{"TagSubscribersInput.subscriberIds", aPerson},
	{"TagSubscribersInput.tagIds", aLabel},
	{"EventInput.campaignId", aCampaign},
	{"EventInput.subscriberId", aPerson},
	{"EventInput.contactId", aContact},
	{"UntagSubscribersInput.subscriberIds", aPerson},
	{"UntagSubscribersInput.tagIds", aLabel},
}

// nodeKinds are the kinds that node and nodes accept.
var nodeKinds = []thing{
	aCampaign, aRun, aTag, anEmail, aKey, aUser, aList, aSegment, aPerson, aContact, aField, aLabel, aSuppression,
}

// position is a place in an operation that can hold an id.
type position struct {
	operation ast.Operation
	field     *ast.FieldDefinition
	// path is the path from the field to the id. at is the type and name of its last element.
	path []string
	at   string
	is   thing
}

func (p position) String() string { return p.field.Name + "(" + strings.Join(p.path, ".") + ")" }

// holdsID reports whether a scalar field identifies an object: by its type, or by its name if it is
// a number of the legacy API.
func holdsID(name string, of *ast.Type) bool {
	return of.Name() == "ID" || of.Name() == "BigInt" && strings.HasSuffix(name, "LegacyId")
}

// positions returns the positions of all arguments of queries and mutations.
func positions(t *testing.T, schema *ast.Schema) []position {
	t.Helper()
	var found []position
	for operation, root := range map[ast.Operation]*ast.Definition{ast.Query: schema.Query, ast.Mutation: schema.Mutation} {
		for _, field := range root.Fields {
			for _, argument := range field.Arguments {
				found = append(
					found,
					below(t, schema, position{operation: operation, field: field, path: []string{argument.Name},
						at: root.Name + "." + field.Name + "." + argument.Name}, argument.Type, nil)...)
			}
		}
	}
	return found
}

func below(t *testing.T, schema *ast.Schema, p position, of *ast.Type, passed []string) []position {
	t.Helper()
	definition := schema.Types[of.Name()]
	if holdsID(p.path[len(p.path)-1], of) {
		for _, known := range named {
			if known.path == p.at {
				p.is = known.is
				return []position{p}
			}
		}
		t.Errorf("%s (%s) takes an id, and this test does not know of what: teach it in the table named", p, p.at)
		return nil
	}
	if definition.Kind != ast.InputObject || slices.Contains(passed, definition.Name) {
		return nil
	}
	var found []position
	for _, field := range definition.Fields {
		deeper := p
		deeper.path = append(slices.Clone(p.path), field.Name)
		deeper.at = definition.Name + "." + field.Name
		found = append(found, below(t, schema, deeper, field.Type, append(slices.Clone(passed), definition.Name))...)
	}
	return found
}

// estate holds the ids of an account's objects: one or two of each kind.
type estate map[thing][]int64

// call writes the arguments of an operation. It uses the given id at the position, and the caller's
// own ids in all other places that require one.
func (p position) call(t *testing.T, schema *ast.Schema, mine estate, theirs string) object {
	t.Helper()
	arguments := object{}
	for _, argument := range p.field.Arguments {
		value, given := p.value(
			t, schema, mine, theirs, argument.Type, argument.Name, p.field.Name, argument.DefaultValue != nil,
			p.path,
		)
		if given {
			arguments[argument.Name] = value
		}
	}
	return arguments
}

func (p position) value(
	t *testing.T, schema *ast.Schema, mine estate, theirs string, of *ast.Type, name, parent string, optional bool,
	rest []string,
) (any, bool) {
	t.Helper()
	onPath := len(rest) > 0 && rest[0] == name
	if !onPath && (optional || !of.NonNull) {
		return nil, false
	}
	var value any
	definition := schema.Types[of.Name()]
	switch {
	case onPath && len(rest) == 1:
		value = theirs
	case definition.Kind == ast.InputObject:
		value = p.input(t, schema, mine, theirs, definition, onPath, rest)
	case holdsID(name, of):
		value = own(t, mine, parent, name)
	case definition.Kind == ast.Enum:
		value = definition.EnumValues[0].Name
	default:
		sample, ok := map[string]any{"String": "a text", "Int": 3, "Boolean": true, "Float": 0.5, "TimeZone": "UTC", "Date": "2031-01-02", "LocalTime": "03:04",
			"EmailAddress": "nobody@example.com"}[of.Name()]
		if !ok {
			t.Fatalf("%s.%s: this test has no value of the type %s: teach it one", parent, name, of.Name())
		}
		value = sample
	}
	if of.Elem != nil {
		list := []any{value}
		switch { // these need at least two
		case onPath && len(rest) == 1 && parent == "compare":
			list = append(list, number(mine[p.is][1]))
		case onPath && parent == "ABTestInput":
			list = append(list, object{"emailId": number(mine[p.is][1])})
		}
		return list, true
	}
	return value, true
}

func (p position) input(
	t *testing.T, schema *ast.Schema, mine estate, theirs string, definition *ast.Definition, onPath bool,
	rest []string,
) object {
	t.Helper()
	if onPath {
		rest = rest[1:]
	} else {
		rest = nil
	}
	fields := object{}
	for _, field := range definition.Fields {
		value, given := p.value(
			t, schema, mine, theirs, field.Type, field.Name, definition.Name, field.DefaultValue != nil, rest,
		)
		if given {
			fields[field.Name] = value
		}
	}
	switch definition.Name {
	case "CustomFieldValueInput", "FieldRuleInput":
		fields["value"] = "a text" // without a value it names nothing
	}
	return fields
}

func own(t *testing.T, mine estate, parent, name string) string {
	t.Helper()
	for _, known := range named {
		if known.path == parent+"."+name {
			return number(mine[known.is][0])
		}
	}
	t.Fatalf("%s.%s: teach this test what it names", parent, name)
	return ""
}

// document returns the operation with its arguments as variables. It selects everything in the
// answer.
func (p position) document(schema *ast.Schema) string {
	var declared, passed []string
	for _, argument := range p.field.Arguments {
		declared = append(declared, fmt.Sprintf("$%s: %s", argument.Name, argument.Type.String()))
		passed = append(passed, fmt.Sprintf("%s: $%s", argument.Name, argument.Name))
		if argument.DefaultValue != nil {
			declared[len(declared)-1] = fmt.Sprintf(
				"$%s: %s = %s", argument.Name, argument.Type.String(), argument.DefaultValue.String(),
			)
		}
	}
	return fmt.Sprintf(
		"%s(%s) { x: %s(%s) { %s } }", p.operation, strings.Join(declared, ", "), p.field.Name,
		strings.Join(passed, ", "), shallow(schema, schema.Types[p.field.Type.Name()], 3),
	)
}

// shallow selects every scalar down to a depth.
func shallow(schema *ast.Schema, of *ast.Definition, depth int) string {
	parts := []string{"__typename"}
	for _, field := range of.Fields {
		inner := schema.Types[field.Type.Name()]
		switch {
		case strings.HasPrefix(field.Name, "__"):
		case inner.IsLeafType():
			parts = append(parts, field.Name)
		case depth > 1 && field.Name != "history":
			parts = append(parts, field.Name+" { "+shallow(schema, inner, depth-1)+" }")
		}
	}
	return strings.Join(parts, " ")
}

// settle creates two objects of each kind for an account, with ids that occur nowhere else in an
// answer.
func (w *world) settle(t *testing.T, a *apitest.Account) estate {
	t.Helper()
	ctx, client := a.Context, w.db.Client(a.Context)
	base := 700_000_000 + 10*rand.Int64N(20_000_000)
	has := estate{aUser: {a.User.ID}}
	for i := range int64(2) {
		id := base + 3_000_000*i // far from the ids of parallel tests
		name := fmt.Sprint("thing ", i)
		must(
			client.Email.Create().
				SetID(id).SetName(name).SetNameKey(name).SetCreatedAt(firstDay).SetUpdatedAt(firstDay).
				Save(ctx),
		)(t)
		must(
			client.Campaign.Create().
				SetID(id).SetName(name).SetNameKey(name).SetEmailID(id).SetCreatedAt(firstDay).
				SetLastActivityAt(firstDay).Save(ctx),
		)(t)
		must(
			client.CampaignRun.Create().
				SetID(id).SetCampaignID(id).SetInstance(1).SetAudience("{}").SetResolvedAt(firstDay).
				SetStartedAt(firstDay).Save(ctx),
		)(t)
		must(client.Tag.Create().SetID(id).SetName(name).SetNameKey(name).SetCreatedAt(firstDay).Save(ctx))(t)
		must(client.CampaignTag.Create().SetCampaignID(id).SetTagID(id).Save(ctx))(t)
		must(
			client.SubscriberList.Create().SetID(id).SetName(name).SetNameKey(name).SetCreatedAt(firstDay).Save(ctx),
		)(t)
		must(client.CampaignEmail.Create().SetCampaignID(id).SetEmailID(id).Save(ctx))(t)
		must(client.CampaignList.Create().SetCampaignID(id).SetListID(id).Save(ctx))(t)
		email := fmt.Sprintf("a%d@example.com", i)
		must(
			client.Contact.Create().
				SetID(id).SetEmail(email).SetEmailKey(email).SetDomain("example.com").SetCreatedAt(firstDay).
				Save(ctx),
		)(t)
		must(client.RunRecipient.Create().SetRunID(id).SetContactID(id).SetSubscriberID(id).Save(ctx))(t)
		must(
			client.Subscriber.Create().
				SetID(id).SetListID(id).SetContactID(id).SetEmail(email).SetEmailKey(email).
				SetCreatedAt(firstDay).Save(ctx),
		)(t)
		must(
			client.CustomField.Create().
				SetID(id).SetListID(id).SetName(name).SetNameKey(name).SetCreatedAt(firstDay).Save(ctx),
		)(t)
		must(
			client.FieldValue.Create().
				SetSubscriberID(id).SetCustomFieldID(id).SetText(name).SetTextKey(name).Save(ctx),
		)(t)
		must(client.SubscriberTag.Create().SetID(id).SetName(name).SetNameKey(name).SetCreatedAt(firstDay).Save(ctx))(t)
		must(client.SubscriberTagging.Create().SetSubscriberID(id).SetSubscriberTagID(id).Save(ctx))(t)
		must(client.Suppression.Create().SetID(id).SetEmail(name).SetEmailKey(name).SetCreatedAt(firstDay).Save(ctx))(t)
		must(
			client.Segment.Create().
				SetID(id).SetListID(id).SetName(name).SetNameKey(name).SetRules(`{"rules":[]}`).
				SetCreatedAt(firstDay).SetUpdatedAt(firstDay).Save(ctx),
		)(t)
		for _, is := range nodeKinds {
			if is == aKey || is == aUser {
				continue
			}
			has[is] = append(has[is], id)
		}
		w.key(t, a, kind.ScopeRead)
	}
	has[aKey] = must(client.APIKey.Query().Where(apikey.UserID(a.User.ID)).Order(apikey.ByID()).IDs(ctx))(t)
	return has
}

// dump returns all rows of an account from the database.
func (w *world) dump(t *testing.T, owner int64) string {
	t.Helper()
	ctx, client := w.system()
	keys := must(client.APIKey.Query().Where(apikey.UserID(owner)).Order(apikey.ByID()).All(ctx))(t)
	for _, key := range keys {
		key.LastUsedAt = nil
	}
	return compact([]any{
		must(client.User.Get(ctx, owner))(t),
		must(client.CampaignRun.Query().Where(campaignrun.UserID(owner)).Order(campaignrun.ByID()).All(ctx))(t),
		must(
			client.RunRecipient.Query().
				Where(runrecipient.UserID(owner)).
				Order(runrecipient.ByRunID(), runrecipient.ByContactID()).
				All(ctx),
		)(t),
		must(client.Campaign.Query().Where(campaign.UserID(owner)).Order(campaign.ByID()).All(ctx))(t),
		must(client.Tag.Query().Where(tag.UserID(owner)).Order(tag.ByID()).All(ctx))(t),
		must(client.Email.Query().Where(email.UserID(owner)).Order(email.ByID()).All(ctx))(t),
		must(
			client.CampaignList.Query().
				Where(campaignlist.UserID(owner)).
				Order(campaignlist.ByCampaignID(), campaignlist.ByListID()).
				All(ctx),
		)(t),
		must(
			client.CampaignEmail.Query().
				Where(campaignemail.UserID(owner)).
				Order(campaignemail.ByCampaignID(), campaignemail.ByEmailID()).
				All(ctx),
		)(t),
		must(
			client.CampaignTag.Query().
				Where(campaigntag.UserID(owner)).
				Order(campaigntag.ByCampaignID(), campaigntag.ByTagID()).
				All(ctx),
		)(t),
		must(
			client.CampaignChange.Query().Where(campaignchange.UserID(owner)).Order(campaignchange.ByID()).All(ctx),
		)(t),
		must(
			client.SubscriberList.Query().Where(subscriberlist.UserID(owner)).Order(subscriberlist.ByID()).All(ctx),
		)(t),
		must(client.Segment.Query().Where(segment.UserID(owner)).Order(segment.ByID()).All(ctx))(t),
		must(client.Contact.Query().Where(contact.UserID(owner)).Order(contact.ByID()).All(ctx))(t),
		must(client.Subscriber.Query().Where(subscriber.UserID(owner)).Order(subscriber.ByID()).All(ctx))(t),
		must(client.CustomField.Query().Where(customfield.UserID(owner)).Order(customfield.ByID()).All(ctx))(t),
		must(
			client.FieldValue.Query().
				Where(fieldvalue.UserID(owner)).
				Order(fieldvalue.BySubscriberID(), fieldvalue.ByCustomFieldID()).
				All(ctx),
		)(t),
		must(client.SubscriberTag.Query().Where(subscribertag.UserID(owner)).Order(subscribertag.ByID()).All(ctx))(t),
		must(
			client.SubscriberTagging.Query().
				Where(subscribertagging.UserID(owner)).
				Order(subscribertagging.BySubscriberID(), subscribertagging.BySubscriberTagID()).
				All(ctx),
		)(t),
		must(client.Suppression.Query().Where(suppression.UserID(owner)).Order(suppression.ByID()).All(ctx))(t),
		keys,
	})
}

var requestIDs = regexp.MustCompile(`"requestId":"[^"]*"`)

// answer returns the body of an answer without the parts that differ between requests, and with
// both forms of the id replaced.
func (w *world) answer(t *testing.T, a *apitest.Account, document string, arguments object, replaced ...string) string {
	t.Helper()
	response := w.Query(t, a.Key, document, arguments)
	noLeak(t, response)
	body := requestIDs.ReplaceAllString(response.Body, `"requestId":""`)
	for _, text := range replaced {
		body = strings.ReplaceAll(body, text, "ID")
	}
	return body
}

// names returns the forms of an object's id. An argument of any type accepts the last one.
func names(is thing, id int64) []string {
	switch is {
	case aKey, aUser:
		return []string{globalID(gid.Kind(is), id)}
	default:
		return []string{globalID(gid.Kind(is), id), number(id)}
	}
}

// missingID is an id that no object has.
const missingID = 987_654_321

func TestNobodyLearnsWhetherAnotherAccountHasAnID(t *testing.T) {
	served := schema(t)
	all := positions(t, served)
	if len(all) < len(named) {
		t.Fatalf("the schema was walked to %d ids only", len(all))
	}
	each(t, func(t *testing.T, w *world) {
		alice, bob := w.Account(t), w.Account(t)
		hers, his := w.settle(t, alice), w.settle(t, bob)
		before := w.dump(t, alice.User.ID) + w.dump(t, bob.User.ID)
		found := map[thing]bool{}
		for _, p := range all {
			kinds := []thing{p.is}
			if p.is == anything {
				kinds = nodeKinds
			}
			document := p.document(served)
			for _, is := range kinds {
				for form := range names(is, 1) {
					if p.is == anything && form > 0 {
						continue // node accepts only global ids
					}
					real, none := names(is, hers[is][0]), names(is, missingID)
					got := w.answer(t, bob, document, p.call(t, served, his, real[form]), real...)
					want := w.answer(t, bob, document, p.call(t, served, his, none[form]), none...)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s with the id of a %s (-missing +of another account):\n%s", p, is, diff)
					}
					if p.operation == ast.Query &&
						w.answer(t, alice, document, p.call(t, served, hers, real[form]), real...) != got {
						found[is] = true
					}
				}
			}
		}
		if diff := cmp.Diff(before, w.dump(t, alice.User.ID)+w.dump(t, bob.User.ID)); diff != "" {
			t.Errorf("what the two accounts have was changed:\n%s", diff)
		}
		for _, is := range nodeKinds {
			if is == aKey || is == aUser {
				continue
			}
			if !found[is] {
				t.Errorf("nobody finds a %s: the test proves nothing", is)
			}
		}
	})
}

// TestRulesNameNothingOfAnotherAccount covers the ids inside JSON rules, for every input with
// rules.
func TestRulesNameNothingOfAnotherAccount(t *testing.T) {
	ways := map[string]func(w *world, a *apitest.Account, own int64, bundle, rules string) string{
		"updateCampaign": func(w *world, a *apitest.Account, own int64, bundle, _ string) string {
			return w.answer(
				t, a,
				`mutation($id: ID!, $rules: String!) { updateCampaign(input: {id: $id, audience: {rulesJson: $rules}}) { campaign { name } userErrors { code message field reason } } }`,
				object{"id": number(own), "rules": bundle},
			)
		},
		"audience": func(w *world, a *apitest.Account, _ int64, bundle, _ string) string {
			return w.answer(
				t, a, `query($rules: String!) { audience(input: {rulesJson: $rules}) { form } }`,
				object{"rules": bundle},
			)
		},
		"audience counted": func(w *world, a *apitest.Account, _ int64, bundle, _ string) string {
			return w.answer(
				t, a,
				`query($rules: String!) { audience(input: {rulesJson: $rules}) { count preview { emailAddress } waterfall { matched } explain { reached } } }`,
				object{"rules": bundle},
			)
		},
		"createSegment": func(w *world, a *apitest.Account, own int64, _, rules string) string {
			return w.answer(
				t, a,
				`mutation($id: ID!, $rules: String!) { createSegment(input: {listId: $id, name: "s", rulesJson: $rules}) { segment { name } userErrors { code message field reason } } }`,
				object{"id": number(own), "rules": rules},
			)
		},
		"updateSegment": func(w *world, a *apitest.Account, own int64, _, rules string) string {
			return w.answer(
				t, a,
				`mutation($id: ID!, $rules: String!) { updateSegment(input: {id: $id, rulesJson: $rules}) { segment { name } userErrors { code message field reason } } }`,
				object{"id": number(own), "rules": rules},
			)
		},
		"Campaign.Update": func(w *world, a *apitest.Account, own int64, bundle, _ string) string {
			_, body := w.Command(
				t,
				url.Values{
					"Command": {"Campaign.Update"}, "APIKey": {a.Key}, "CampaignID": {number(own)},
					"RulesJsonBundle": {bundle},
				},
			)
			if strings.Contains(body, `"ErrorCode":[29]`) || strings.Contains(body, `"ErrorCode":29`) {
				body += "NOT_FOUND"
			}
			return body
		},
	}
	rules := map[thing]string{
		aCampaign: `[{"type":"campaign-events","operator":"not opened","value":%d}]`,
		aSegment:  `[{"type":"segments","operator":"does not belong to","value":%d}]`,
		aLabel:    `[{"type":"tags","operator":"has this tag","value":%d}]`,
		aField:    `[{"type":"fields","field_id":%d,"operator":"is set"}]`,
		aList:     `[]`,
	}
	each(t, func(t *testing.T, w *world) {
		alice, bob := w.Account(t), w.Account(t)
		hers, his := w.settle(t, alice), w.settle(t, bob)
		for name, ask := range ways {
			for is, rule := range rules {
				if is == aList && strings.HasSuffix(name, "Segment") {
					continue // the list of a segment is an argument
				}
				asked := func(a *apitest.Account, own, id int64) string {
					list, text := own, rule
					if is == aList {
						list = id
					} else {
						text = fmt.Sprintf(rule, id)
					}
					answer := ask(w, a, own, fmt.Sprintf(`{"criteria":[{"list_id":%d,"rules":%s}]}`, list, text), text)
					return strings.ReplaceAll(answer, number(id), "ID")
				}
				got, want := asked(bob, his[is][0], hers[is][0]), asked(bob, his[is][0], missingID)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s of a %s (-missing +of another account):\n%s", name, is, diff)
				}
				if !strings.Contains(got, "NOT_FOUND") ||
					strings.Contains(got, `"NOT_FOUND"`) == (name == "Campaign.Update") {
					t.Errorf("%s of a %s: %s", name, is, got)
				}
				// A segment cannot refer to itself.
				if mine := asked(bob, his[is][0], his[is][0]); strings.Contains(mine, "NOT_FOUND") ||
					name != "updateSegment" && strings.Contains(mine, `"INVALID"`) {
					t.Errorf("%s of a %s of one's own: %s", name, is, mine)
				}
			}
		}
	})
}

// belowRoot are the ids in the arguments of fields below the root. Each has a document that sends
// an id in that place, on the caller's own list.
var belowRoot = map[string]struct {
	is       thing
	document string
}{
	"CustomFieldSearch.fieldId": {
		aField,
		`query($own: ID!, $id: ID!) { list(id: $own) { subscribers(filter: {field: {fieldId: $id, contains: "thing"}}) { totalCount nodes { legacyId } } } }`,
	},
	"SubscriberFilter.segmentId": {
		aSegment,
		`query($own: ID!, $id: ID!) { list(id: $own) { subscribers(filter: {segmentId: $id}) { totalCount nodes { legacyId } } } }`,
	},
	"SubscriberTagFilter.anyOf": {
		aLabel,
		`query($own: ID!, $id: ID!) { list(id: $own) { subscribers(filter: {tags: {anyOf: [$id]}}) { totalCount nodes { legacyId } } } }`,
	},
	"SubscriberTagFilter.allOf": {
		aLabel,
		`query($own: ID!, $id: ID!) { list(id: $own) { subscribers(filter: {tags: {allOf: [$id]}}) { totalCount nodes { legacyId } } } }`,
	},
	"SubscriberTagFilter.noneOf": {
		aLabel,
		`query($own: ID!, $id: ID!) { list(id: $own) { subscribers(filter: {tags: {noneOf: [$id]}}) { totalCount nodes { legacyId } } } }`,
	},
}

// subscribed are the ids in the arguments of subscriptions.
// TestSubscriptionToWhatIsNotThereBeginsNothing covers them.
var subscribed = map[string]bool{"Subscription.campaignChanged.campaignIds": true}

// TestNobodyLearnsOfAnotherAccountBelowTheRoot covers the arguments of fields of all types other
// than Query and Mutation.
func TestNobodyLearnsOfAnotherAccountBelowTheRoot(t *testing.T) {
	served := schema(t)
	var inner func(of *ast.Type, at, name string, passed []string)
	inner = func(of *ast.Type, at, name string, passed []string) {
		definition := served.Types[of.Name()]
		if holdsID(name, of) {
			if _, known := belowRoot[at]; !known && !subscribed[at] {
				t.Errorf("%s takes an id, and this test does not know of what: teach it in the table belowRoot", at)
			}
		}
		if definition.Kind != ast.InputObject || slices.Contains(passed, definition.Name) {
			return
		}
		for _, field := range definition.Fields {
			inner(field.Type, definition.Name+"."+field.Name, field.Name, append(slices.Clone(passed), definition.Name))
		}
	}
	for _, of := range served.Types {
		if of == served.Query || of == served.Mutation || of == served.Subscription || of.Kind != ast.Object {
			continue // the tests of subscriptions cover these
		}
		for _, field := range of.Fields {
			for _, argument := range field.Arguments {
				inner(argument.Type, of.Name+"."+field.Name+"."+argument.Name, argument.Name, nil)
			}
		}
	}
	each(t, func(t *testing.T, w *world) {
		alice, bob := w.Account(t), w.Account(t)
		hers, his := w.settle(t, alice), w.settle(t, bob)
		for at, tt := range belowRoot {
			real, none := names(tt.is, hers[tt.is][0]), names(tt.is, missingID)
			for form := range real {
				ask := func(a *apitest.Account, own int64, id string, replaced ...string) string {
					return w.answer(t, a, tt.document, object{"own": number(own), "id": id}, replaced...)
				}
				got, want := ask(bob, his[aList][0], real[form], real...), ask(bob, his[aList][0], none[form], none...)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s (-missing +of another account):\n%s", at, diff)
				}
				if ask(alice, hers[aList][0], real[form]) == ask(alice, hers[aList][0], none[form]) {
					t.Errorf("%s finds nothing for its owner: the test proves nothing", at)
				}
			}
		}
	})
}
