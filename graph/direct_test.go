package graph_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/ent"
	"campaignql/graph"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

// TestDirectAnswersAsTheExecutor sends random documents to both executors and compares the bytes of
// the answers.
func TestDirectAnswersAsTheExecutor(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		w.page(t, a, 12)
		w.oddities(t, a)
		services := graph.Services{
			Accounts:       w.Services.Accounts,
			Campaigns:      w.Services.Campaigns,
			Emails:         w.Services.Emails,
			Tags:           w.Services.Tags,
			Statistics:     w.Services.Statistics,
			Lists:          w.Services.Lists,
			Subscribers:    w.Services.Subscribers,
			SubscriberTags: w.Services.SubscriberTags,
			Fields:         w.Services.Fields,
			Segments:       w.Services.Segments,
			Suppressions:   w.Services.Suppressions,
			Audiences:      w.Services.Audiences,
		}
		direct, executor := graph.Handler(services, graph.Options{}), graph.ExecutorHandler(services, graph.Options{})
		documents := append([]string{
			`{ campaigns { totalCount } }`,
			`{ campaigns(first: 0) { nodes { id } pageInfo { startCursor endCursor hasNextPage } } }`,
			`{ campaign(id: "999999999") { name } }`,
			`{ a: campaigns(first: 1) { __typename nodes { __typename } } b: tags { nodes { ... on Node { __typename id } } } __typename }`,
			`{ campaigns(first: 251) { nodes { id } } }`,
			`{ campaigns(after: "x") { nodes { id } totalCount } }`,
			`{ campaign(id: "Q") { id } }`,
			`query($skip: Boolean = true) { campaigns { nodes { id @skip(if: $skip) } edges @include(if: $skip) { cursor } } }`,
			`{ campaigns(filter: {search: "%"}, orderBy: {field: NAME, direction: DESC}) { nodes { name } totalCount } }`,
			`{ campaigns { nodes { statistics { throughput { emailsPerSecond remaining } } } } }`,
		}, randomDocuments(schema(t), 400)...)
		for _, document := range documents {
			want, got := answer(executor, a.Key, document), answer(direct, a.Key, document)
			if want != got {
				t.Fatalf("%s\nthe executor answers %s\ndirect        %s", document, want, got)
			}
		}
		if got, want := answer(direct, "", documents[0]), answer(executor, "", documents[0]); got != want ||
			!strings.Contains(got, "UNAUTHENTICATED") {
			t.Errorf("without a key: %s, the executor answers %s", got, want)
		}
	})
}

// oddities creates campaigns and tags with texts and numbers that are hard to encode.
func (w *world) oddities(t *testing.T, a *apitest.Account) {
	t.Helper()
	client := w.db.Client(a.Context)
	for i, name := range []string{"quoted \"name\" \\ with\ttab\nand line", "größe 🎉 \u2028 \u007f", "<script>&amp;", "control \x01 character"} {
		name := name + strings.Repeat("!", i)
		at := time.Date(2026, 1, 2, 3, 4, 5, 678901000*i%1000000000, time.UTC)
		c := must(
			client.Campaign.Create().
				SetName(name).SetNameKey(name).SetCreatedAt(at).SetLastActivityAt(at).
				SetStatus(kind.StatusPaused).SetScheduleType(kind.ScheduleFuture).
				SetSendDate("2026-12-24").SetSendTime("10:00:00").SetSendTimeZone("Europe/Berlin").
				SetNextSendAt(at).SetSendingStartedAt(at).SetStatusReason(name).
				SetAutoResendEnabled(true).SetAutoResendSubject(name).SetApprovalExplanation(name).
				SetTotalSent(7).SetUniqueOpens(3).SetUniqueClicks(1).SetTotalHardBounces(1).
				SetConversionAmount(1<<50 + 7).SetTotalComplaints(int64(i)).Save(a.Context),
		)(t)
		w.aim(t, a, c, i)
		label := must(client.Tag.Create().SetName(name).SetNameKey(name).SetCreatedAt(at).Save(a.Context))(t)
		must(client.CampaignTag.Create().SetCampaignID(c.ID).SetTagID(label.ID).Save(a.Context))(t)
	}
}

// aim sets the audience of a campaign, alternating between lists and rules, and a recurring
// schedule.
func (w *world) aim(t *testing.T, a *apitest.Account, c *ent.Campaign, turn int) {
	t.Helper()
	include, exclude := w.reachable(t, a)
	target := must(rules.ParseLists(include, exclude))(t)
	if turn%2 == 1 {
		target = must(
			rules.ParseRules(fmt.Appendf(nil, `{"operator":"or","criteria":[{"list_id":%d,"operator":"and","rules":[
			{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"<\"é"}]}]}`, target.Criteria[0].ListID)),
		)(t)
	}
	encoded := must(json.Marshal(target))(t)
	write := c.Update().SetAudience(string(encoded))
	if turn > 1 {
		write.SetScheduleType(kind.ScheduleRecurring).
			SetRecurDaysOfWeek([]string{"0", "1,7"}[turn%2]).SetRecurDaysOfMonth("0").
			SetRecurMonths("1,12").SetRecurHours("9").SetRecurMinutes("0,30").SetRecurMaxInstances(3)
	}
	must(write.Save(a.Context))(t)
}

// answer returns the status and the body of the answer to a document.
func answer(h http.Handler, key, document string) string {
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		return err.Error()
	}
	r := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(string(body)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Request-Id", "same") // otherwise each answer has another id
	r.Header.Set("Authorization", "Bearer "+key)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return fmt.Sprint(w.Code, " ", w.Body)
}

// randomDocuments returns queries over pages of campaigns and tags with fields, aliases, fragments
// and repeated fields. They are the same in every run.
func randomDocuments(schema *ast.Schema, n int) []string {
	g := generator{schema: schema, random: rand.New(rand.NewPCG(1, 2))}
	documents := make([]string, n)
	for i := range documents {
		roots := []string{
			"campaigns(first: 3)",
			"campaigns(last: 2)",
			"campaigns(first: 4, offset: 2, orderBy: {field: LAST_ACTIVITY_AT, direction: ASC})",
			"campaigns(filter: {status: [PAUSED]})",
			"tags(first: 2)",
		}
		root := roots[g.random.IntN(len(roots))]
		of := "CampaignConnection"
		if strings.HasPrefix(root, "tags") {
			of = "TagConnection"
		}
		documents[i] = fmt.Sprintf("{ %s %s }", root, g.selection(of, 6))
	}
	return documents
}

type generator struct {
	schema *ast.Schema
	random *rand.Rand
}

// selection returns a valid selection on a type. It adds no more levels when the depth is reached.
func (g generator) selection(typeName string, depth int) string {
	of := g.schema.Types[typeName]
	var b strings.Builder
	b.WriteString("{ ")
	for range 1 + g.random.IntN(4) {
		switch g.random.IntN(12) {
		case 0:
			b.WriteString("__typename ")
		case 1:
			fmt.Fprintf(&b, "... on %s %s ", typeName, g.selection(typeName, depth-1))
		default:
			g.field(&b, of.Fields[g.random.IntN(len(of.Fields))], depth)
		}
	}
	if b.Len() == 2 {
		b.WriteString("__typename ")
	}
	b.WriteString("}")
	return b.String()
}

func (g generator) field(b *strings.Builder, f *ast.FieldDefinition, depth int) {
	if strings.HasPrefix(f.Name, "__") {
		return
	}
	// These fields depend on the time of the request or are covered by another test.
	if f.Name == "throughput" || f.Name == "upcoming" {
		return
	}
	if g.random.IntN(5) == 0 {
		fmt.Fprintf(b, "a%d: ", g.random.IntN(1<<30))
	}
	b.WriteString(f.Name + " ")
	of := g.schema.Types[f.Type.Name()]
	if of.Kind == ast.Object {
		if depth <= 0 {
			b.WriteString("{ __typename } ")
			return
		}
		b.WriteString(g.selection(of.Name, depth-1) + " ")
	}
}
