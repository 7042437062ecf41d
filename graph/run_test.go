package graph_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/ent/contact"
	"campaignql/graph/gid"
	"campaignql/internal/app"
	"campaignql/internal/kind"
	"campaignql/internal/mailer"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// runs creates two runs of each campaign, with a value in every field of the second. Each has a
// recipient in every state.
func (w *world) runs(t testing.TB, owner *apitest.Account, campaigns ...int64) []*ent.CampaignRun {
	t.Helper()
	var contacts []int64
	for _, state := range kind.RecipientStates() {
		email := string(state) + "@example.com"
		contacts = append(contacts, testkit.Contact(t, owner.Context, w.db.Client(owner.Context), email))
	}
	return w.runsTo(t, owner, contacts, campaigns...)
}

// runsTo is runs with these contacts as recipients, as far as there are as many states.
func (w *world) runsTo(
	t testing.TB, owner *apitest.Account, contacts []int64, campaigns ...int64,
) []*ent.CampaignRun {
	t.Helper()
	ctx, client := owner.Context, w.db.Client(owner.Context)
	var rows []*ent.CampaignRunCreate
	for _, id := range campaigns {
		for instance := range 2 {
			row := client.CampaignRun.Create().
				SetCampaignID(id).SetInstance(instance + 1).SetAudience("{}").SetResolvedAt(firstDay).
				SetStartedAt(firstDay).SetTotal(7).SetPending(1).SetBegun(1).SetDeferred(1).SetSent(1).SetFailed(1).
				SetUnknown(1).SetSkipped(1)
			if instance > 0 {
				row.SetPhase(kind.RunSending).SetHoldCode("AUTH").SetHoldText("535 who are you").
					SetHoldUntil(firstDay.Add(time.Hour)).SetFrozenAt(firstDay).SetFinishedAt(firstDay)
			}
			rows = append(rows, row)
		}
	}
	var made []*ent.CampaignRun
	for some := range slices.Chunk(rows, 500) {
		made = append(made, must(client.CampaignRun.CreateBulk(some...).Save(ctx))(t)...)
	}
	var recipients []*ent.RunRecipientCreate
	for _, run := range made {
		for i, state := range kind.RecipientStates() {
			if i < len(contacts) {
				recipients = append(recipients, recipient(client, run.ID, contacts[i], state))
			}
		}
	}
	for some := range slices.Chunk(recipients, 500) {
		must(client.RunRecipient.CreateBulk(some...).Save(ctx))(t)
	}
	return made
}

// recipient makes a recipient in a state, with a value in every field that the state may have.
func recipient(client *ent.Client, run, contact int64, state kind.RecipientState) *ent.RunRecipientCreate {
	row := client.RunRecipient.Create().SetRunID(run).SetContactID(contact).SetSubscriberID(1).SetState(state)
	switch state {
	case kind.RecipientDeferred:
		row.SetReplyCode(451).SetEnhancedCode("4.7.1").SetReply("come back").SetDueAt(firstDay.Add(time.Minute))
	case kind.RecipientFailed:
		row.SetReplyCode(550).SetEnhancedCode("5.1.1").SetReply("no such user")
	case kind.RecipientSkipped:
		row.SetSkipped(kind.SkippedSuppressed)
	case kind.RecipientPending, kind.RecipientBegun, kind.RecipientSent, kind.RecipientUnknown:
	}
	if state != kind.RecipientPending && state != kind.RecipientSkipped {
		row.SetAttempts(2).SetBegunAt(firstDay)
	}
	if !state.Open() {
		row.SetSettledAt(firstDay)
	}
	if state == kind.RecipientDeferred || !state.Open() && state != kind.RecipientSent {
		row.SetTrouble(state)
	}
	return row
}

const runDocument = `query($id: ID!) { campaign(id: $id) { run {
	instance purpose phase hold { code text until } counts { total pending begun deferred sent failed unknown skipped }
	startedAt frozenAt finishedAt problems { state skippedBecause code enhancedCode reply count }
	recipients { totalCount nodes {
		contact { emailAddress } emailAddress state skippedBecause attempts code enhancedCode reply begunAt settledAt dueAt
	} } } } }`

func TestTheLatestRunTellsWhatBecameOfEverybody(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		rows := w.page(t, a, 2)
		runs := w.runs(t, a, rows[0].ID)
		ctx, client := a.Context, w.db.Client(a.Context)
		got := apitest.At(t, w.MustQuery(t, a.Key, runDocument, object{"id": number(rows[0].ID)}), "campaign", "run")
		const at = "2026-03-01T12:00:00Z"
		person := func(state string, more object) object {
			row := object{
				"contact":      object{"emailAddress": strings.ToLower(state) + "@example.com"},
				"emailAddress": strings.ToLower(state) + "@example.com", "state": state, "skippedBecause": nil,
				"attempts": 2.0, "code": nil, "enhancedCode": nil, "reply": nil, "begunAt": at, "settledAt": nil,
				"dueAt": nil,
			}
			for name, value := range more {
				row[name] = value
			}
			return row
		}
		problem := func(state string, because, code, enhanced, reply any) object {
			return object{
				"state": state, "skippedBecause": because, "code": code, "enhancedCode": enhanced, "reply": reply,
				"count": 1.0,
			}
		}
		want := object{
			"instance": 2.0, "purpose": "MAIN", "phase": "SENDING",
			"hold": object{"code": "AUTH", "text": "535 who are you", "until": "2026-03-01T13:00:00Z"},
			"counts": object{
				"total": 7.0, "pending": 1.0, "begun": 1.0, "deferred": 1.0, "sent": 1.0, "failed": 1.0, "unknown": 1.0,
				"skipped": 1.0,
			},
			"startedAt": at, "frozenAt": at, "finishedAt": at,
			"problems": []any{
				problem("DEFERRED", nil, 451.0, "4.7.1", "come back"),
				problem("FAILED", nil, 550.0, "5.1.1", "no such user"),
				problem("SKIPPED", "SUPPRESSED", nil, nil, nil),
				problem("UNKNOWN", nil, nil, nil, nil),
			},
			"recipients": object{"totalCount": 7.0, "nodes": []any{
				person("PENDING", object{"attempts": 0.0, "begunAt": nil}),
				person("BEGUN", nil),
				person("DEFERRED", object{
					"code": 451.0, "enhancedCode": "4.7.1", "reply": "come back", "dueAt": "2026-03-01T12:01:00Z",
				}),
				person("SENT", object{"settledAt": at}),
				person("FAILED", object{"code": 550.0, "enhancedCode": "5.1.1", "reply": "no such user", "settledAt": at}),
				person("UNKNOWN", object{"settledAt": at}),
				person("SKIPPED", object{
					"attempts": 0.0, "begunAt": nil, "settledAt": at, "skippedBecause": "SUPPRESSED",
				}),
			}},
		}
		if diff := cmp.Diff(any(want), got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		// What is gone is null, and a campaign that was never sent has no run.
		client.Contact.Delete().Where(contact.Email("pending@example.com")).ExecX(ctx)
		first := w.MustQuery(t, a.Key, fmt.Sprintf(`{ node(id: "%s") { ... on CampaignRun { hold { code }
			recipients(first: 1) { nodes { emailAddress contact { id } state } } } }
			campaign(id: %d) { run { id } runs { totalCount nodes { id } } } }`,
			globalID(gid.CampaignRun, runs[0].ID), rows[1].ID), nil)
		if got, want := compact(first), `{"campaign":{"run":null,"runs":{"nodes":[],"totalCount":0}},"node":{"hold":null,`+
			`"recipients":{"nodes":[{"contact":null,"emailAddress":null,"state":"PENDING"}]}}}`; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

// walk reads the nodes of a connection in pages of a size, from its start or from its end.
func walk(t *testing.T, size int, backward bool, page func(variables object) object) []any {
	t.Helper()
	ways := [4]string{"first", "after", "endCursor", "hasNextPage"}
	if backward {
		ways = [4]string{"last", "before", "startCursor", "hasPreviousPage"}
	}
	var got []any
	for variables := (object{ways[0]: size}); ; {
		some := page(variables)
		nodes, info := some["nodes"].([]any), some["pageInfo"].(object)
		if backward {
			got = append(slices.Clone(nodes), got...)
		} else {
			got = append(got, nodes...)
		}
		if info[ways[3]] != true {
			return got
		}
		variables[ways[1]] = info[ways[2]]
	}
}

const (
	pageArguments = `first: $first, after: $after, last: $last, before: $before`
	pageVariables = `$first: Int, $after: String, $last: Int, $before: String`
	pageEnds      = `pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount`
)

func TestRecipientsAndRunsAreReadPageByPage(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c := w.page(t, a, 2)[0]
		ctx, client := a.Context, w.db.Client(a.Context)
		runs := w.runs(t, a, c.ID)
		var rows []*ent.RunRecipientCreate
		want := map[string][]any{}
		for _, row := range client.RunRecipient.Query().WithContact().AllX(ctx) {
			if row.RunID == runs[1].ID {
				name := strings.ToUpper(string(row.State))
				want[name] = append(want[name], object{"emailAddress": row.Edges.Contact.Email, "state": name})
			}
		}
		for i := range 30 {
			email := fmt.Sprintf("p%02d@example.com", i)
			state := kind.RecipientStates()[i%7]
			rows = append(rows, recipient(client, runs[1].ID, testkit.Contact(t, ctx, client, email), state))
			name := strings.ToUpper(string(state))
			want[name] = append(want[name], object{"emailAddress": email, "state": name})
		}
		client.RunRecipient.CreateBulk(rows...).SaveX(ctx)
		const read = `query($id: ID!, $state: RecipientState, ` + pageVariables + `) { node(id: $id) { ... on CampaignRun {
			recipients(state: $state, ` + pageArguments + `) { nodes { emailAddress state } ` + pageEnds + ` } } } }`
		for state, rows := range want {
			for _, backward := range []bool{false, true} {
				got := walk(t, 2, backward, func(variables object) object {
					variables["id"], variables["state"] = globalID(gid.CampaignRun, runs[1].ID), state
					return apitest.At(t, w.MustQuery(t, a.Key, read, variables), "node", "recipients").(object)
				})
				if diff := cmp.Diff(rows, got); diff != "" {
					t.Errorf("%s, backward %v (-want +got)\n%s", state, backward, diff)
				}
			}
		}
		all := walk(t, 11, false, func(variables object) object {
			variables["id"] = globalID(gid.CampaignRun, runs[1].ID)
			return apitest.At(t, w.MustQuery(t, a.Key, read, variables), "node", "recipients").(object)
		})
		if len(all) != 37 {
			t.Errorf("%d recipients on all pages, want 37", len(all))
		}
		const readRuns = `query($id: ID!, ` + pageVariables + `) { campaign(id: $id) { runs(` + pageArguments + `) {
			nodes { instance } ` + pageEnds + ` } } }`
		for _, backward := range []bool{false, true} {
			got := walk(t, 1, backward, func(variables object) object {
				variables["id"] = number(c.ID)
				return apitest.At(t, w.MustQuery(t, a.Key, readRuns, variables), "campaign", "runs").(object)
			})
			if diff := cmp.Diff([]any{object{"instance": 2.0}, object{"instance": 1.0}}, got); diff != "" {
				t.Errorf("runs, backward %v (-want +got)\n%s", backward, diff)
			}
		}
	})
}

func TestTheMostFrequentProblemsOfARunComeFirst(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		c := w.page(t, a, 1)[0]
		ctx, client := a.Context, w.db.Client(a.Context)
		runs := w.runs(t, a, c.ID)
		var rows []*ent.RunRecipientCreate
		for problem := range 25 {
			for i := range problem + 2 {
				contact := testkit.Contact(t, ctx, client, fmt.Sprintf("p%d-%d@example.com", problem, i))
				rows = append(rows, recipient(client, runs[0].ID, contact, kind.RecipientFailed).
					SetReply(fmt.Sprint("reply ", problem)))
			}
		}
		client.RunRecipient.CreateBulk(rows...).SaveX(ctx)
		data := w.MustQuery(t, a.Key, fmt.Sprintf(
			`{ campaign(id: %d) { runs { nodes { instance problems { reply count } } } } }`, c.ID,
		), nil)
		shown := apitest.At(t, data, "campaign", "runs", "nodes").([]any)
		if few := apitest.At(t, shown[0], "problems").([]any); len(few) != 4 {
			t.Errorf("the other run has the problems %v", few)
		}
		many := apitest.At(t, shown[1], "problems").([]any)
		if len(many) != 20 {
			t.Fatalf("%d problems, want 20", len(many))
		}
		for i, problem := range many {
			want := object{"reply": fmt.Sprint("reply ", 24-i), "count": float64(26 - i)}
			if diff := cmp.Diff(any(want), problem); diff != "" {
				t.Errorf("problem %d (-want +got)\n%s", i, diff)
			}
		}
	})
}

func TestRunsCostTheSameForAnyNumber(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.anySize(t)
		var before []string
		for _, n := range []int{1, 50} {
			a := w.Account(t)
			var ids []int64
			for _, c := range w.page(t, a, n) {
				ids = append(ids, c.ID)
			}
			w.runs(t, a, ids...)
			ran := statements(t, w, a, `{ campaigns(first: 50) { nodes {
				readiness { code } run { phase counts { total sent } problems { count } }
				runs(first: 2) { totalCount nodes { instance
					recipients(state: FAILED, first: 3) { totalCount nodes { reply emailAddress contact { id } } } } } } } }`)
			if before != nil && len(ran) != len(before) {
				t.Errorf("%d statements for %d campaigns, %d for one:\n%s", len(ran), n, len(before), strings.Join(ran, "\n"))
			}
			before = ran
		}
		for _, statement := range before {
			if strings.Contains(statement, "`campaign_runs`.`audience`") || strings.Contains(statement, "`token`") {
				t.Errorf("reads what nobody asked for: %s", statement)
			}
		}
	})
}

func TestNobodyReadsTheRunsOfAnotherAccount(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		alice, bob := w.Account(t), w.Account(t)
		c := w.page(t, alice, 1)[0]
		run := w.runs(t, alice, c.ID)[1]
		document := fmt.Sprintf(`{ node(id: "%s") { ... on CampaignRun { recipients { nodes { emailAddress } } problems { reply } } }
			campaign(id: %d) { run { id } } }`, globalID(gid.CampaignRun, run.ID), c.ID)
		if got := compact(w.MustQuery(t, bob.Key, document, nil)); got != `{"campaign":null,"node":null}` {
			t.Errorf("another account reads %s", got)
		}
		for _, who := range []*apitest.Account{alice, w.admin(t)} {
			data := w.MustQuery(t, who.Key, document, nil)
			if n := len(apitest.At(t, data, "node", "recipients", "nodes").([]any)); n != 7 {
				t.Errorf("%s finds %d recipients: the test proves nothing", who.User.Username, n)
			}
		}
		nothing := w.key(t, alice, kind.ScopeDelivery)
		if response := w.Query(t, nothing, document, nil); len(response.Errors) == 0 {
			t.Errorf("a key without the scope read reads %s", response.Body)
		}
	})
}

func TestReadinessNamesTheGapsOfTheInstallationWhereTheServerSends(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		const document = `{ campaigns { nodes { readiness { code message } } } }`
		installation := func(a *apitest.Account) (codes []string) {
			for _, node := range apitest.At(t, w.MustQuery(t, a.Key, document, nil), "campaigns", "nodes").([]any) {
				for _, gap := range node.(object)["readiness"].([]any) {
					if code := gap.(object)["code"].(string); code == "DELIVERY_SERVER" || code == "PUBLIC_URL" {
						codes = append(codes, code)
					}
				}
			}
			return codes
		}
		external, builtIn := w.Account(t), w.Account(t)
		w.MustQuery(t, builtIn.Key, `mutation { updateAccount(input: {sender: BUILT_IN}) { user { sender } } }`, nil)
		for _, a := range []*apitest.Account{external, builtIn} {
			w.page(t, a, 2)
		}
		if got := installation(external); got != nil {
			t.Errorf("a mailer of the account would lack %v", got)
		}
		want := []string{"DELIVERY_SERVER", "PUBLIC_URL", "DELIVERY_SERVER", "PUBLIC_URL"}
		if diff := cmp.Diff(want, installation(builtIn)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		w.Server = apitest.With(t, w.db, apitest.Config(), func(o *app.ServiceOptions) {
			o.Sending.Route = &mailer.Route{Host: "mail.example.com", Port: 25}
			o.Sending.UnsubscribeURL = func(int64, int64) string { return "https://example.com" }
		})
		if got := installation(builtIn); got != nil {
			t.Errorf("an installation that has everything lacks %v", got)
		}
	})
}

func TestAnAccountChoosesItsSender(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, other := w.Account(t), w.Account(t)
		const document = `mutation($in: UpdateAccountInput!) { updateAccount(input: $in) {
			user { username sender } userErrors { code reason field } } }`
		update := func(key string, in object) string {
			response := w.Query(t, key, document, object{"in": in})
			noLeak(t, response)
			if len(response.Errors) > 0 {
				return fmt.Sprint(response.Errors[0].Extensions["code"])
			}
			return compact(apitest.At(t, response.Data, "updateAccount"))
		}
		done := func(sender string) string {
			return `{"user":{"sender":"` + sender + `","username":"` + a.User.Username + `"},"userErrors":[]}`
		}
		refused := `{"user":null,"userErrors":[{"code":"CONFLICT","field":["input","sender"],"reason":"RUN_OPEN"}]}`
		check := func(what, got, want string) {
			if got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		check("nothing given", update(a.Key, object{}), done("EXTERNAL"))
		check("to the server", update(a.Key, object{"sender": "BUILT_IN"}), done("BUILT_IN"))
		check("null", update(a.Key, object{"sender": nil}), done("BUILT_IN"))
		w.sending(t, other)
		check("while another account sends", update(a.Key, object{"sender": "EXTERNAL"}), done("EXTERNAL"))
		w.sending(t, a)
		check("while sending", update(a.Key, object{"sender": "BUILT_IN"}), refused)
		check("the same while sending", update(a.Key, object{"sender": "EXTERNAL"}), done("EXTERNAL"))
		check("without the scope", update(w.key(t, a, kind.ScopeRead), object{"sender": "BUILT_IN"}), "FORBIDDEN")
		if sender := w.db.Client(other.Context).User.GetX(other.Context, other.User.ID).Sender; sender != kind.SenderExternal {
			t.Errorf("another account has the sender %s", sender)
		}
	})
}
