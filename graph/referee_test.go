package graph_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/graph"
	"campaignql/graph/guard"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/testkit/apitest"
)

// TestGeneratedExecutorAnswersAsGqlgens sends random queries over the whole schema to both executors. Both
// must answer the same data, byte for byte, and the same errors in any order.
func TestGeneratedExecutorAnswersAsGqlgens(t *testing.T) {
	documents := 500
	if os.Getenv("CAMPAIGNQL_LONG") == "1" {
		documents = 20_000
	}
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		w.page(t, a, 12)
		w.oddities(t, a)
		services := graph.Services{
			Accounts: w.Services.Accounts, Campaigns: w.Services.Campaigns, Emails: w.Services.Emails,
			Tags: w.Services.Tags, Statistics: w.Services.Statistics, Lists: w.Services.Lists,
			Contacts: w.Services.Contacts, Subscribers: w.Services.Subscribers, SubscriberTags: w.Services.SubscriberTags,
			Fields: w.Services.Fields, Segments: w.Services.Segments, Suppressions: w.Services.Suppressions,
			Events: w.Services.Events, Forgetting: w.Services.Forgetting, Sending: w.Services.Sending,
			Audiences: w.Services.Audiences,
		}
		options := graph.Options{Limits: guard.Limits{Depth: 30, Complexity: 100_000_000}}
		generated, gqlgens := graph.Handler(services, options), graph.RefereeHandler(services, options)
		known := w.known(t, a)
		empty := 0
		for seed := range documents {
			g := &generator{schema: schema(t), random: rand.New(rand.NewPCG(uint64(seed), 13)), known: known}
			document := g.document()
			want, got := answer(gqlgens, a.Key, document), answer(generated, a.Key, document)
			wantData, wantErrors := parted(t, want)
			gotData, gotErrors := parted(t, got)
			if wantData != gotData || !slices.Equal(wantErrors, gotErrors) {
				t.Fatalf(
					"document %d: %s\ngqlgen answers %s\n%s\nthe generated executor %s\n%s", seed, document, wantData,
					strings.Join(wantErrors, "\n"), gotData, strings.Join(gotErrors, "\n"),
				)
			}
			if len(gotData) < 20 {
				empty++
			}
		}
		if empty > documents/3 {
			t.Errorf("%d of %d documents have no data: they show little", empty, documents)
		}
		document := `{ campaigns { totalCount } }`
		got, want := answer(generated, "", document), answer(gqlgens, "", document)
		if got != want || !strings.Contains(got, "UNAUTHENTICATED") {
			t.Errorf("without a key: %s, gqlgen answers %s", got, want)
		}
	})
}

// parted returns the data of an answer and its errors, sorted and without their locations: gqlgen leaves
// those of a batch resolver's errors out.
func parted(t *testing.T, answer string) (data string, faults []string) {
	t.Helper()
	_, body, _ := strings.Cut(answer, " ")
	var parts struct {
		Data   json.RawMessage
		Errors []object
	}
	if err := json.Unmarshal([]byte(body), &parts); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	for _, one := range parts.Errors {
		delete(one, "locations")
		faults = append(faults, compact(one))
	}
	slices.Sort(faults)
	return string(parts.Data), faults
}

// known returns the ids of the account's objects by the name of their type.
func (w *world) known(t *testing.T, a *apitest.Account) map[string][]string {
	t.Helper()
	data := w.MustQuery(t, a.Key, `{
		Campaign: campaigns { nodes { id } } Tag: tags { nodes { id } } Email: emails { nodes { id } }
		SubscriberTag: subscriberTags { nodes { id } } CustomField: customFields { nodes { id } }
		SubscriberList: lists { nodes { id segments { nodes { id } } subscribers { nodes { id } } } } }`, nil)
	known := map[string][]string{}
	add := func(kind string, nodes any) {
		for _, node := range nodes.([]any) {
			known[kind] = append(known[kind], node.(object)["id"].(string))
		}
	}
	for kind, connection := range data {
		add(kind, connection.(object)["nodes"])
	}
	for i := range known["SubscriberList"] {
		add("Segment", apitest.At(t, data, "SubscriberList", "nodes", i, "segments", "nodes"))
		add("Subscriber", apitest.At(t, data, "SubscriberList", "nodes", i, "subscribers", "nodes"))
	}
	return known
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
