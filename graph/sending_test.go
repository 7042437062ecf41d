package graph_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/ent/runrecipient"
	"campaignql/graph/gid"
	"campaignql/internal/app"
	"campaignql/internal/kind"
	"campaignql/internal/mailer"
	"campaignql/internal/testkit/apitest"
	"campaignql/internal/testkit/smtpsink"
)

// underWay makes a server work on a run: it holds a batch, and has just sent to one recipient.
func (w *world) underWay(a *apitest.Account, run int64) {
	ctx, client := a.Context, w.db.Client(a.Context)
	now := must2(w.db.Clock(ctx))
	client.RunBatch.Create().SetRunID(run).SetNumber(1).SetAfterContact(0).SetLastContact(1 << 60).SetSize(7).
		SetDueAt(firstDay).SetOwner("server").SetLeaseUntil(now.Add(time.Hour)).ExecX(ctx)
	client.RunRecipient.Update().Where(runrecipient.RunID(run), runrecipient.StateEQ(kind.RecipientSent)).
		SetBegunAt(now.Add(-10 * time.Second)).SetSettledAt(now.Add(time.Hour)).ExecX(ctx) // a slow test goes on
}

func must2[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestThePaceOfARunIsThatOfItsBatches has a server answer one message in ten seconds.
func TestThePaceOfARunIsThatOfItsBatches(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		rows := w.page(t, a, 2)
		runs := w.runs(t, a, rows[0].ID, rows[1].ID)
		w.underWay(a, runs[1].ID)
		read := func(c *ent.Campaign) object {
			document := fmt.Sprintf(`{ campaign(id: %d) { run { pace estimatedFinish } } }`, c.ID)
			return apitest.At(t, w.MustQuery(t, a.Key, document, nil), "campaign", "run").(object)
		}
		if got := compact(read(rows[1])); got != `{"estimatedFinish":null,"pace":0}` {
			t.Errorf("a run that nobody works on has %s", got)
		}
		got := read(rows[0])
		// One message in the 10 seconds since its begin; the minute of the test is the least.
		if pace := got["pace"].(float64); pace <= 1.0/60 || pace > 0.1 {
			t.Errorf("pace %v, want at most one in 10 seconds", pace)
		}
		finish := must(time.Parse(time.RFC3339, got["estimatedFinish"].(string)))(t)
		if left := finish.Sub(must2(w.db.Clock(a.Context))); left < 20*time.Second || left > 4*time.Minute {
			t.Errorf("3 recipients are left for %s", left)
		}
	})
}

func TestRecipientsAreFoundByCodeAndAddress(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		rows := w.page(t, a, 1)
		w.runs(t, a, rows[0].ID)
		for _, tt := range []struct{ arguments, want string }{
			{`code: "550"`, "failed"},
			{`code: "5.1.1"`, "failed"},
			{`code: "4.7.1"`, "deferred"},
			{`code: "550", state: DEFERRED`, ""},
			{`code: "550", state: FAILED`, "failed"},
			{`search: "FAIL"`, "failed"},
			{`search: "e"`, "pending begun deferred sent failed unknown skipped"},
			{`search: "ed@exa"`, "deferred failed skipped"},
			{`search: "ed@exa", state: SKIPPED`, "skipped"},
			{`search: "%"`, ""},
			{`search: "_"`, ""},
			{`search: "", code: ""`, "pending begun deferred sent failed unknown skipped"},
		} {
			document := fmt.Sprintf(`{ campaign(id: %d) { run { recipients(%s) { totalCount nodes { emailAddress } } } } }`,
				rows[0].ID, tt.arguments)
			found := apitest.At(t, w.MustQuery(t, a.Key, document, nil), "campaign", "run", "recipients").(object)
			var got []string
			for _, node := range found["nodes"].([]any) {
				got = append(got, strings.TrimSuffix(node.(object)["emailAddress"].(string), "@example.com"))
			}
			if strings.Join(got, " ") != tt.want || found["totalCount"] != float64(len(got)) {
				t.Errorf("%s: %v of %v, want %s", tt.arguments, got, found["totalCount"], tt.want)
			}
		}
		for _, arguments := range []string{`code: "55"`, `code: "x"`, `search: "` + strings.Repeat("a", 255) + `"`} {
			document := fmt.Sprintf(`{ campaign(id: %d) { run { recipients(%s) { totalCount } } } }`, rows[0].ID, arguments)
			if response := w.Query(t, a.Key, document, nil); len(response.Errors) != 1 ||
				response.Errors[0].Extensions["code"] != "BAD_USER_INPUT" {
				t.Errorf("%.20s: %s", arguments, response.Body)
			}
		}
	})
}

func TestFilteredRecipientsCostTheSameForAnyNumberOfRuns(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.anySize(t)
		before := -1
		for _, n := range []int{1, 50} {
			a := w.Account(t)
			var ids []int64
			for _, c := range w.page(t, a, n) {
				ids = append(ids, c.ID)
			}
			for i, run := range w.runs(t, a, ids...) {
				if i%2 == 1 {
					w.underWay(a, run.ID)
				}
			}
			ran := statements(t, w, a, `{ campaigns(first: 50) { nodes { run { pace estimatedFinish
				recipients(code: "550", search: "a", first: 3) { totalCount nodes { reply } } } } } }`)
			if before >= 0 && len(ran) != before {
				t.Errorf("%d statements for %d campaigns, %d for one:\n%s", len(ran), n, before, strings.Join(ran, "\n"))
			}
			before = len(ran)
		}
	})
}

const retryDocument = `mutation($in: RetryRecipientsInput!) { retryRecipients(input: $in) {
	campaign { status run { phase counts { pending failed unknown } } } retried userErrors { code reason field } } }`

// ended makes a campaign that the server has sent, with a run whose recipients are in every state that
// is an end, and returns it.
func (w *world) ended(t *testing.T, a *apitest.Account) *ent.Campaign {
	t.Helper()
	w.MustQuery(t, a.Key, `mutation { updateAccount(input: {sender: BUILT_IN}) { user { sender } } }`, nil)
	id := parsed(t, w.ready(t, a))
	ctx, client := a.Context, w.db.Client(a.Context)
	c := client.Campaign.UpdateOneID(id).SetStatus(kind.StatusSent).SetStatusRank(kind.StatusSent.Rank()).
		SetBegun(true).SetSentInstances(1).ClearNextSendAt().SaveX(ctx)
	run := w.runs(t, a, id)[1]
	client.CampaignRun.UpdateOne(run).SetPhase(kind.RunDone).SetTotal(4).SetPending(0).SetBegun(0).SetDeferred(0).ExecX(ctx)
	client.RunRecipient.Delete().Where(runrecipient.RunID(run.ID), runrecipient.StateIn(
		kind.RecipientPending, kind.RecipientBegun, kind.RecipientDeferred,
	)).ExecX(ctx)
	client.RunBatch.Create().SetRunID(run.ID).SetNumber(1).SetAfterContact(0).SetLastContact(1 << 60).SetSize(4).
		SetDueAt(firstDay).SetClosed(true).ExecX(ctx)
	return c
}

// ready makes a campaign with an email and an audience and returns its id.
func (w *world) ready(t *testing.T, a *apitest.Account) string {
	t.Helper()
	data := w.MustQuery(t, a.Key, `mutation {
		createList(input: {name: "People"}) { list { legacyId } }
		createEmail(input: {subject: "News", fromName: "Ann", fromEmail: "ann@shop.example.com", mode: EMPTY,
			html: "<p>%Subscriber:EmailAddress%</p><a href='%Link:Unsubscribe%'>Unsubscribe</a>"}) { email { legacyId } userErrors { message } }
		createCampaign(input: {name: "News"}) { campaign { legacyId } } }`, nil)
	at := func(path ...any) string { return fmt.Sprint(apitest.At(t, data, path...)) }
	id := at("createCampaign", "campaign", "legacyId")
	w.MustQuery(t, a.Key, `mutation($in: UpdateCampaignInput!) { updateCampaign(input: $in) { userErrors { message } } }`, object{
		"in": object{
			"id": id, "emailId": at("createEmail", "email", "legacyId"), "schedule": object{"kind": "IMMEDIATE"},
			"audience": object{"lists": object{"include": []any{object{"listId": at("createList", "list", "legacyId")}}}},
		},
	})
	return id
}

func TestRecipientsAreRetriedAndResolved(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.sendsTo(t, 25) // where nothing goes: no sender runs
		a := w.Account(t)
		c := w.ended(t, a)
		retry := func(key string, in object) string {
			response := w.Query(t, key, retryDocument, object{"in": in})
			noLeak(t, response)
			if len(response.Errors) > 0 {
				return fmt.Sprint(response.Errors[0].Extensions["code"])
			}
			return compact(apitest.At(t, response.Data, "retryRecipients"))
		}
		refused := func(code, field, reason string) string {
			return `{"campaign":null,"retried":0,"userErrors":[{"code":"` + code + `","field":["input"` + field + `],"reason":"` + reason + `"}]}`
		}
		check := func(what, got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("%s:\n%s, want\n%s", what, got, want)
			}
		}
		in := func(more object) object {
			more["campaignId"] = number(c.ID)
			return more
		}
		check("without the scope", retry(w.key(t, a, kind.ScopeRead), in(object{})), "FORBIDDEN")
		check("a code that is none", retry(a.Key, in(object{"codes": []any{"550", "5"}})),
			refused("INVALID", `,"codes","1"`, "VALUE_INVALID"))
		check("nobody", retry(a.Key, in(object{"codes": []any{"599"}})),
			refused("CONFLICT", `,"campaignId"`, "NO_RECIPIENTS"))
		check("an older version", retry(a.Key, in(object{"expectedVersion": 99})),
			refused("CONFLICT", `,"expectedVersion"`, "STALE_VERSION"))
		check("of somebody else", retry(w.Account(t).Key, in(object{})),
			`{"campaign":null,"retried":0,"userErrors":[{"code":"NOT_FOUND","field":[],"reason":"CAMPAIGN_NOT_FOUND"}]}`)
		resolved := w.MustQuery(t, a.Key, fmt.Sprintf(`mutation { resolveUnknown(input: {campaignId: %d, as: SENT}) {
			campaign { status run { counts { sent unknown } } } resolved userErrors { reason } } }`, c.ID), nil)
		check("resolved", compact(apitest.At(t, resolved, "resolveUnknown")),
			`{"campaign":{"run":{"counts":{"sent":2,"unknown":0}},"status":"SENT"},"resolved":1,"userErrors":[]}`)
		check("retried", retry(a.Key, in(object{"states": []any{"FAILED"}, "codes": []any{"5.1.1"}})),
			`{"campaign":{"run":{"counts":{"failed":0,"pending":1,"unknown":0},"phase":"SENDING"},"status":"SENDING"},"retried":1,"userErrors":[]}`)
		w.MustQuery(t, a.Key, `mutation { updateAccount(input: {sender: EXTERNAL}) { user { sender } } }`, nil)
	})
}

// sendsTo gives the world a server that can send to a mail server of this machine.
func (w *world) sendsTo(t *testing.T, port int) {
	t.Helper()
	w.Server = apitest.With(t, w.db, apitest.Config(), func(o *app.ServiceOptions) {
		o.Sending.Route = &mailer.Route{Host: "127.0.0.1", Port: port, Security: mailer.Off}
		o.Sending.UnsubscribeURL = func(run, contact int64) string {
			return fmt.Sprintf("https://e.example.com/%d-%d", run, contact)
		}
	})
}

const testDocument = `mutation($in: SendTestInput!) { sendTest(input: $in) {
	outcomes { emailAddress accepted code enhancedCode } userErrors { code reason field } } }`

func TestATestGoesToItsAddressesAndCountsNowhere(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sink := smtpsink.Start(t, smtpsink.Options{Script: smtpsink.ByLocalPart, KeepBodies: true})
		w.sendsTo(t, sink.Port)
		a := w.Account(t)
		w.MustQuery(t, a.Key, `mutation { updateAccount(input: {sender: BUILT_IN}) { user { sender } } }`, nil)
		id := w.ready(t, a)
		send := func(key string, in object) string {
			response := w.Query(t, key, testDocument, object{"in": in})
			noLeak(t, response)
			if len(response.Errors) > 0 {
				return fmt.Sprint(response.Errors[0].Extensions["code"], " ", response.Errors[0].Extensions["reason"])
			}
			return compact(apitest.At(t, response.Data, "sendTest"))
		}
		got := send(a.Key, object{"campaignId": id, "to": []any{"eve@example.com", "no+rcpt-550-5.1.1@example.com"}})
		want := `{"outcomes":[{"accepted":true,"code":250,"emailAddress":"eve@example.com","enhancedCode":"2.0.0"},` +
			`{"accepted":false,"code":550,"emailAddress":"no+rcpt-550-5.1.1@example.com","enhancedCode":"5.1.1"}],"userErrors":[]}`
		if got != want {
			t.Errorf("%s, want\n%s", got, want)
		}
		if log := sink.Log(); len(log) != 1 || !strings.Contains(string(log[0].Body), "\r\nSubject: [Test] News\r\n") ||
			!strings.Contains(string(log[0].Body), "https://e.example.com/0-0") {
			t.Errorf("the message is %+v", log)
		}
		c := w.db.Client(a.Context).Campaign.GetX(a.Context, parsed(t, id))
		if n := w.db.Client(a.Context).Event.Query().CountX(a.Context); n != 0 || c.Status != kind.StatusDraft || c.TotalSent != 0 {
			t.Errorf("%d events, %s, %d sent", n, c.Status, c.TotalSent)
		}
		many := make([]any, 11)
		for i := range many {
			many[i] = fmt.Sprintf("p%d@example.com", i)
		}
		for what, tt := range map[string]struct {
			in   object
			want string
		}{
			"nothing to send":  {object{"to": many[:1]}, `INVALID VALUE_INVALID ["input","emailId"]`},
			"too many":         {object{"campaignId": id, "to": many}, `INVALID TOO_MANY_ADDRESSES ["input","to"]`},
			"nobody":           {object{"campaignId": id, "to": []any{}}, `INVALID TOO_MANY_ADDRESSES ["input","to"]`},
			"no such campaign": {object{"campaignId": "987654321", "to": many[:1]}, `NOT_FOUND CAMPAIGN_NOT_FOUND ["input","campaignId"]`},
			"no such email":    {object{"emailId": "987654321", "to": many[:1]}, `NOT_FOUND EMAIL_NOT_FOUND ["input","emailId"]`},
			"no such person": {
				object{"campaignId": id, "to": many[:1], "subscriberId": "987654321"},
				`NOT_FOUND SUBSCRIBER_NOT_FOUND ["input","subscriberId"]`,
			},
			"another kind": {object{"emailId": globalID(gid.Campaign, 1), "to": many[:1]}, `INVALID ID_INVALID ["input","emailId"]`},
		} {
			parts := strings.Fields(tt.want)
			want := `{"outcomes":[],"userErrors":[{"code":"` + parts[0] + `","field":` + parts[2] + `,"reason":"` + parts[1] + `"}]}`
			if got := send(a.Key, tt.in); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		for range 9 { // 2 of 100 are used
			send(a.Key, object{"campaignId": id, "to": many[:10]})
		}
		if got := send(a.Key, object{"campaignId": id, "to": many[:9]}); !strings.HasPrefix(got, "RATE_LIMITED") {
			t.Errorf("beyond the limit: %s", got)
		}
	})
}

// TestWithoutTrustATestGoesToTheAccountAlone keeps mail that nobody has approved from strangers.
func TestWithoutTrustATestGoesToTheAccountAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		sink := smtpsink.Start(t, smtpsink.Options{})
		w.Server = apitest.With(t, w.db, apitest.Config(), func(o *app.ServiceOptions) {
			o.Sending.Route = &mailer.Route{Host: "127.0.0.1", Port: sink.Port, Security: mailer.Off}
			o.Sending.UnsubscribeURL = func(int64, int64) string { return "https://e.example.com/" }
		})
		a := w.Account(t)
		w.MustQuery(t, a.Key, `mutation { updateAccount(input: {sender: BUILT_IN}) { user { sender } } }`, nil)
		id := w.ready(t, a)
		w.db.Client(a.Context).User.UpdateOneID(a.User.ID).SetReputation(kind.ReputationUntrusted).ExecX(a.Context)
		response := w.Query(t, a.Key, testDocument, object{"in": object{"campaignId": id, "to": []any{"eve@example.com"}}})
		if len(response.Errors) != 1 || response.Errors[0].Extensions["reason"] != "APPROVAL_REQUIRED" {
			t.Errorf("to a stranger: %s", response.Body)
		}
		own := w.MustQuery(t, a.Key, testDocument, object{"in": object{"campaignId": id, "to": []any{strings.ToUpper(a.User.Email)}}})
		if apitest.At(t, own, "sendTest", "outcomes").([]any)[0].(object)["accepted"] != true || sink.Count() != 1 {
			t.Errorf("to itself: %v", own)
		}
	})
}
