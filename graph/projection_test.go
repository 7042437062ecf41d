package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql"
	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/ent"
	"campaignql/ent/campaignrun"
	"campaignql/graph"
	"campaignql/graph/gid"
	"campaignql/internal/account"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

func TestEveryFieldIsProjected(t *testing.T) {
	t.Parallel()
	types := schema(t).Types
	for _, name := range []string{"Campaign", "Tag", "Email", "SubscriberList", "Subscriber", "CustomField", "Segment", "SubscriberTag", "Suppression", "User", "ApiKey", "AccountStatistics", "SeriesPoint", "CampaignRun", "Recipient"} {
		checkProjection(t, types, types[name], graph.Projection(name), name)
	}
}

// checkProjection compares a type with its table. Every field must have an entry, every entry must
// have a field, and each entry must read something.
func checkProjection(
	t *testing.T, types map[string]*ast.Definition, of *ast.Definition, table map[string]graph.Projected, path string,
) {
	t.Helper()
	for _, field := range of.Fields {
		entry, ok := table[field.Name]
		if !ok {
			t.Errorf("%s.%s is not in the projection", path, field.Name)
			continue
		}
		if entry.Below != nil {
			checkProjection(t, types, types[field.Type.Name()], entry.Below, path+"."+field.Name)
		} else if len(entry.Columns) == 0 {
			t.Errorf("%s.%s reads nothing", path, field.Name)
		}
	}
	for name := range table {
		if of.Fields.ForName(name) == nil {
			t.Errorf("the projection has %s.%s, the schema has not", path, name)
		}
	}
}

// leaf is the path to a scalar below a type.
type leaf []string

func (l leaf) String() string { return strings.Join(l, ".") }

// selection returns a selection of only this leaf.
func (l leaf) selection() string {
	return strings.Join(l, " { ") + strings.Repeat(" }", len(l)-1)
}

// values returns the values at the leaf, one for each element if the path has lists.
func (l leaf) values(at any) []any {
	switch at := at.(type) {
	case []any:
		var all []any
		for _, element := range at {
			all = append(all, l.values(element)...)
		}
		return all
	case object:
		if len(l) > 0 {
			return l[1:].values(at[l[0]])
		}
	case nil:
		return nil
	}
	return []any{at}
}

// apart are the types that are not entered from others, because tests of their own read them. From the
// events of a contact, and from rules, everything else of an account can be reached.
var apart = []string{"ContactEvent", "ContactEventConnection", "AudienceRules", "RuleGroup", "AudienceRule"}

// leaves returns every scalar that can be reached from a type without passing the same type twice.
func leaves(types map[string]*ast.Definition, of *ast.Definition, before leaf, passed ...*ast.Definition) []leaf {
	passed = append(slices.Clone(passed), of)
	var found []leaf
	for _, field := range of.Fields {
		below := types[field.Type.Name()]
		if strings.HasPrefix(field.Name, "__") || slices.Contains(passed, below) ||
			slices.Contains(apart, below.Name) || beside[of.Name+"."+field.Name] {
			continue
		}
		path := append(slices.Clone(before), field.Name)
		if below.Kind == ast.Object {
			found = append(found, leaves(types, below, path, passed...)...)
		} else {
			found = append(found, path)
		}
	}
	return found
}

// beside are relations whose types have a case of their own, and which would be read twice here.
var beside = map[string]bool{
	"AudiencePart.list": true, "AudiencePart.segment": true, "ExplainedCriterion.list": true,
	"Recipient.contact": true, "Campaign.runs": true, "Tag.campaigns": true, "Email.campaigns": true, "SubscriberList.campaigns": true,
}

// everything returns a selection of every leaf of a type.
func everything(types map[string]*ast.Definition, of *ast.Definition, passed ...*ast.Definition) string {
	passed = append(slices.Clone(passed), of)
	var b strings.Builder
	for _, field := range of.Fields {
		below := types[field.Type.Name()]
		if strings.HasPrefix(field.Name, "__") || slices.Contains(passed, below) ||
			slices.Contains(apart, below.Name) || beside[of.Name+"."+field.Name] {
			continue
		}
		if below.Kind != ast.Object {
			b.WriteString(field.Name + " ")
		} else if inner := everything(types, below, passed...); inner != "" {
			b.WriteString(field.Name + " { " + inner + "} ")
		}
	}
	return b.String()
}

// full creates a campaign with a value in every field, and returns it with one of its tags. Some of
// its values cannot exist together under the rules, for example both kinds of schedule, so it
// writes them directly to the database.
func (w *world) full(t *testing.T, owner *apitest.Account) (*ent.Campaign, *ent.Tag) {
	t.Helper()
	rows := w.page(t, owner, 1)
	client := w.db.Client(owner.Context)
	include, exclude := w.reachable(t, owner)
	target := must(rules.ParseLists(include, exclude))(t)
	encoded := must(json.Marshal(target))(t)
	c := must(client.Campaign.UpdateOne(rows[0]).
		SetStatus(kind.StatusSending).SetStatusRank(kind.StatusSending.Rank()).SetStatusReason("because").SetVersion(7).
		SetScheduleType(kind.ScheduleRecurring).
		SetSendDate("2027-02-03").SetSendTime("04:05:06").SetSendTimeZone("Europe/Berlin").
		SetRecurDaysOfWeek("1,3").
		SetRecurDaysOfMonth("2,9").SetRecurMonths("3,4").SetRecurHours("8").SetRecurMinutes("15,45").
		SetRecurMaxInstances(12).SetSentInstances(3).SetNextSendAt(firstDay.Add(time.Hour)).
		SetAudience(string(encoded)).SetRecipientLists(include).SetExcludedLists(exclude).
		SetApprovalExplanation("please").
		SetGoogleAnalyticsDomains("example.com").SetPublishOnRss(true).SetS2sEnabled(true).
		SetAutoResendEnabled(true).
		SetAutoResendWaitDays(5).SetAutoResendSubject("again").SetAutoResendPreheader("once more").
		SetTotalRecipients(2000).
		SetTotalSent(1000).
		SetTotalFailed(11).SetTotalOpens(500).SetUniqueOpens(301).SetTotalClicks(90).SetUniqueClicks(77).
		SetTotalForwards(9).
		SetUniqueForwards(8).SetTotalBrowserViews(19).SetUniqueBrowserViews(18).SetTotalUnsubscriptions(5).
		SetTotalHardBounces(13).
		SetTotalSoftBounces(14).SetTotalComplaints(2).SetTotalConversions(4).SetConversionAmount(12345).
		SetAutomatedOpens(21).SetAutomatedClicks(22).
		SetSendingStartedAt(firstDay.Add(2 * time.Hour)).SetSendingFinishedAt(firstDay.Add(3 * time.Hour)).
		SetLastActivityAt(firstDay.Add(4 * time.Hour)).Save(owner.Context))(t)
	key := must(client.APIKey.Create().SetHash(randomName()).SetHint("cq_abcde").SetScopes("read").SetNote("for a test").
		SetCreatedAt(firstDay).SetExpiresAt(firstDay).SetLastUsedAt(firstDay).SetRevokedAt(firstDay).Save(owner.Context))(t)
	must(
		client.CampaignChange.Create().
			SetCampaignID(c.ID).SetVersion(2).SetAction("update").SetActorID(owner.User.ID).
			SetAPIKeyID(key.ID).SetSurface(kind.SurfaceCommand).SetFromStatus(kind.StatusDraft).
			SetToStatus(kind.StatusReady).SetFields("name,status").SetReason("so it was").
			SetAt(firstDay.Add(time.Hour)).Save(owner.Context),
	)(t)
	w.counted(t, owner, c.ID)
	w.runs(t, owner, c.ID)
	_, err := client.Email.Update().
		SetPreheader("pre").SetFromName("Ann").SetReplyToName("Bob").SetReplyToEmail("b@example.com").
		SetHTML("<p>hello</p>").SetPlain("hello").SetMode(kind.EmailModeEditor).Save(owner.Context)
	if err != nil {
		t.Fatal(err)
	}
	tag := must(client.Tag.Query().First(owner.Context))(t)
	return c, tag
}

// counted creates an hour, a link and a mail domain with all kinds of numbers for a campaign.
func (w *world) counted(t *testing.T, owner *apitest.Account, campaignID int64) {
	t.Helper()
	client := w.db.Client(owner.Context)
	must(
		client.HourlyCounter.Create().
			SetCampaignID(campaignID).SetHour(firstDay.Add(2 * time.Hour)).SetSent(40).SetFailed(2).
			SetOpens(31).SetUniqueOpens(30).SetClicks(21).SetUniqueClicks(20).SetForwards(6).
			SetUniqueForwards(5).SetBrowserViews(8).SetUniqueBrowserViews(7).SetUnsubscriptions(3).
			SetHardBounces(4).SetSoftBounces(9).SetComplaints(10).SetConversions(11).
			SetConversionAmount(1250).SetAutomatedOpens(12).SetAutomatedClicks(13).Save(owner.Context),
	)(t)
	// The last is more than a floating-point number can hold.
	for currency, amount := range map[string]int64{"EUR": 1250, "": 5, "JPY": 1<<53 + 1} {
		must(
			client.ConversionAmount.Create().
				SetCampaignID(campaignID).SetHour(firstDay.Add(2 * time.Hour)).SetCurrency(currency).
				SetAmount(amount).Save(owner.Context),
		)(t)
	}
	must(
		client.LinkCounter.Create().
			SetCampaignID(campaignID).SetURLHash("a").SetURL("https://example.com/a").SetClicks(5).
			SetUniqueClicks(4).Save(owner.Context),
	)(t)
	must(
		client.LinkCounter.Create().
			SetCampaignID(campaignID).SetURLHash("b").SetURL("https://example.com/b").SetClicks(9).
			SetUniqueClicks(3).Save(owner.Context),
	)(t)
	for i, domain := range []string{"example.com", "example.org"} {
		must(
			client.DomainCounter.Create().
				SetCampaignID(campaignID).SetDomain(domain).SetSent(int64(20 + i)).SetFailed(1).
				SetUniqueOpens(8).SetUniqueClicks(7).SetUnsubscriptions(6).SetHardBounces(5).
				SetSoftBounces(4).SetComplaints(3).Save(owner.Context),
		)(t)
	}
}

// anySize makes the server accept documents that select everything.
func (w *world) anySize(t *testing.T) {
	t.Helper()
	cfg := apitest.Config()
	cfg.MaxComplexity, cfg.MaxDepth = 100_000_000, 20
	w.Server = apitest.With(t, w.db, cfg)
}

// mayBeEmpty are the ends of leaves that may be null or false even in full objects, with the
// reason.
var mayBeEmpty = map[string]string{
	"pageInfo.hasNextPage":     "everything fits a page",
	"pageInfo.hasPreviousPage": "it is the first page",
}

// elsewhere are the objects on the path to leaves that another case reads, where they have a value.
var elsewhere = []string{"audience.preview.subscriber.", "audience.preview.list."}

// filled reports whether a leaf has a value.
func (l leaf) filled(values []any) bool {
	for end := range mayBeEmpty {
		if strings.HasSuffix(l.String(), end) {
			return true
		}
	}
	return slices.ContainsFunc(values, func(v any) bool { return !empty(v) }) ||
		slices.ContainsFunc(elsewhere, func(part string) bool { return strings.Contains(l.String(), part) })
}

// alone is a type with the ways to reach a full object of it. %s is the selection.
type alone struct {
	typeName string
	forms    []string
}

// readAlone reads each leaf of the types alone, in the first form and, in turn, in one of the
// others, and together with all other leaves.
func (w *world) readAlone(t *testing.T, key string, types map[string]*ast.Definition, tests []alone) {
	t.Helper()
	for _, tt := range tests {
		all := make([]any, len(tt.forms))
		for i, form := range tt.forms {
			all[i] = w.MustQuery(t, key, fmt.Sprintf(form, everything(types, types[tt.typeName])), nil)["x"]
		}
		for i, l := range leaves(types, types[tt.typeName], nil) {
			for _, f := range []int{0, 1 + i%(len(tt.forms)-1)} {
				document := fmt.Sprintf(tt.forms[f], l.selection())
				alone, among := l.of(w.MustQuery(t, key, document, nil)["x"]), l.of(all[f])
				if diff := cmp.Diff(among, alone); diff != "" && !moving(l.String()) {
					t.Errorf("%s (-among all +alone):\n%s", document, diff)
				}
				if !l.filled(alone) {
					t.Errorf("%s answers %v: give the full thing something to show", document, alone)
				}
			}
		}
	}
}

// moving reports whether a leaf depends on the time of the request.
func moving(leaf string) bool {
	return strings.HasSuffix(leaf, "estimatedFinish") || leaf == "pace" || strings.HasSuffix(leaf, "run.pace")
}

func empty(value any) bool {
	return value == nil || value == false || value == "" || value == 0.0
}

func TestFieldAskedForAloneIsWhatItIsAmongAll(t *testing.T) {
	types := schema(t).Types
	each(t, func(t *testing.T, w *world) {
		w.anySize(t)
		a := w.Account(t, func(u *account.NewUser) { u.FirstName, u.LastName = "Ann", "Ant" })
		c, tag := w.full(t, a)
		key := w.key(t, a, kind.ScopeRead, kind.ScopeWrite) // transitions that only the sender may make are blocked
		campaign, email := number(c.ID), number(*c.EmailID)
		run := must(w.db.Client(a.Context).CampaignRun.Query().Order(campaignrun.ByID(sql.OrderDesc())).FirstID(a.Context))(t)
		w.underWay(a, run)
		w.readAlone(t, key, types, []alone{
			{
				"Campaign",
				[]string{
					`{ x: campaign(id: ` + campaign + `) { %s } }`,
					`{ x: campaigns(first: 5) { nodes { %s } } }`,
					`{ x: campaigns(first: 5, orderBy: {field: STATUS}) { edges { node { %s } } } }`,
					`{ x: node(id: "` + globalID(gid.Campaign, c.ID) + `") { ... on Campaign { %s } } }`,
					`mutation { x: tagCampaigns(input: {campaignIds: ["` + campaign + `"], tagIds: ["` +
						number(tag.ID) + `"]}) { campaigns { %s } } }`,
				},
			},
			{"CampaignRun", []string{
				`{ x: campaign(id: ` + campaign + `) { run { %s } } }`,
				`{ x: campaign(id: ` + campaign + `) { runs { nodes { %s } } } }`,
				`{ x: campaigns { nodes { runs(last: 2) { edges { node { %s } } } } } }`,
				`{ x: node(id: "` + globalID(gid.CampaignRun, run) + `") { ... on CampaignRun { %s } } }`,
				`mutation { x: tagCampaigns(input: {campaignIds: ["` + campaign + `"], tagIds: ["` +
					number(tag.ID) + `"]}) { campaigns { run { %s } } } }`,
			}},
			{"Recipient", []string{
				`{ x: campaign(id: ` + campaign + `) { run { recipients { nodes { %s } } } } }`,
				`{ x: campaign(id: ` + campaign + `) { runs { nodes { recipients(last: 9) { edges { node { %s } } } } } } }`,
			}},
			{"Tag", []string{
				`{ x: tag(id: ` + number(tag.ID) + `) { %s } }`,
				`{ x: tags { nodes { %s } } }`,
				`{ x: tags(search: "o") { edges { node { %s } } } }`,
				`{ x: campaign(id: ` + campaign + `) { tags { %s } } }`,
				`{ x: nodes(ids: ["` + globalID(gid.Tag, tag.ID) + `"]) { ... on Tag { %s } } }`,
			}},
			{"Email", []string{
				`{ x: email(id: ` + email + `) { %s } }`,
				`{ x: emails { nodes { %s } } }`,
				`{ x: emails(orderBy: {field: NAME}) { edges { node { %s } } } }`,
				`{ x: campaigns { nodes { email { %s } } } }`,
				`{ x: campaigns { nodes { abTest { variations { email { %s } } } } } }`,
				`{ x: node(id: "` + globalID(gid.Email, *c.EmailID) + `") { ... on Email { %s } } }`,
				`mutation { x: updateEmail(input: {id: "` + email + `"}) { email { %s } } }`,
			}},
		})
	})
}

// of returns the values without the fields of connections, payloads and relations on the path to
// the object.
func (l leaf) of(at any) []any {
	for {
		switch inner := at.(type) {
		case []any:
			var all []any
			for _, element := range inner {
				all = append(all, l.of(element)...)
			}
			return all
		case object:
			if _, ok := inner[l[0]]; ok {
				return l.values(inner)
			}
			next, found := any(nil), false
			for _, name := range []string{"run", "runs", "recipients", "nodes", "edges", "node", "campaigns", "tags", "email", "abTest", "variations", "list", "subscriber",
				"subscribers", "customField", "customFields", "fields", "field", "segment", "segments", "suppression", "subscriberTag"} {
				if next, found = inner[name]; found {
					break
				}
			}
			if !found {
				return nil
			}
			at = next
		default:
			return nil
		}
	}
}

// TestMutationAnswersAnyField reads every field of a campaign in the payload of the mutation that
// has just written it.
func TestMutationAnswersAnyField(t *testing.T) {
	types := schema(t).Types
	each(t, func(t *testing.T, w *world) {
		w.anySize(t)
		a := w.Account(t)
		c, _ := w.full(t, a)
		fields := everything(types, types["Campaign"])
		for document, name := range map[string]string{
			`mutation($id: ID!) { x: updateCampaign(input: {id: $id, name: "renamed"}) { campaign { %s } userErrors { message } } }`: "renamed",
			`mutation($id: ID!) { x: pauseCampaign(input: {id: $id}) { campaign { %s } userErrors { message } } }`:                   "",
			`mutation($id: ID!) { x: copyCampaign(input: {id: $id, name: "copy"}) { campaign { %s } userErrors { message } } }`:      "copy",
		} {
			data := w.MustQuery(t, a.Key, fmt.Sprintf(document, fields), object{"id": number(c.ID)})
			shown, ok := apitest.At(t, data, "x", "campaign").(object)
			if !ok {
				t.Fatalf("%s answers %v", document, data)
			}
			again := apitest.At(
				t,
				w.MustQuery(
					t, a.Key, fmt.Sprintf(`query($id: ID!) { campaign(id: $id) { %s } }`, fields),
					object{"id": shown["id"]},
				),
				"campaign",
			)
			finish := func(v any) { apitest.At(t, v, "statistics", "throughput").(object)["estimatedFinish"] = nil }
			finish(shown)
			finish(again)
			if diff := cmp.Diff(again, any(shown)); diff != "" {
				t.Errorf("%s (-read again +answered):\n%s", document, diff)
			}
			if name != "" && shown["name"] != name {
				t.Errorf("%s answers the name %v", document, shown["name"])
			}
		}
	})
}
