package graph_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent/campaign"
	"campaignql/graph/guard"
	"campaignql/internal/command"
	"campaignql/internal/kind"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

const runCommand = `mutation($name: String!, $parameters: JSON) { command(name: $name, parameters: $parameters) }`

// command runs a command through the field and returns its envelope unchanged.
func (w *world) command(t *testing.T, key, name string, parameters any) string {
	t.Helper()
	response := w.Query(t, key, runCommand, object{"name": name, "parameters": parameters})
	if response.Status != 200 || len(response.Errors) > 0 {
		t.Fatalf("%s: %d %s", name, response.Status, response.Body)
	}
	_, rest, _ := strings.Cut(response.Body, `{"data":{"command":`)
	envelope, _, _ := strings.Cut(rest, `},"extensions":`)
	return envelope
}

func TestCommandAnswersTheEnvelopeOfTheBridge(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		me := c.account("")
		draft, tag := c.prop(t, me, "draft"), c.prop(t, me, "tag")
		for _, tt := range []struct {
			name, as, command string
			parameters        object
			// want is the start of the envelope. It ensures that both envelopes are the expected
			// one and not only equal.
			want string
		}{
			{"a campaign", "", "Campaign.Get", object{"CampaignID": draft, "RetrieveTags": true}, `{"Success":true,"ErrorCode":0,"Campaign":{"CampaignID":` + draft + `,`},
			{"a list", "", "campaigns.get", object{"recordsperrequest": 1}, `{"Success":true,"ErrorCode":0,"ErrorText":"","Campaigns":[{"CampaignID":"`},
			{"nothing found", "", "Campaign.Get", object{"CampaignID": 987654321}, `{"Success":true,"ErrorCode":0,"Campaign":[]}`},
			{"a change", "", "Campaign.Update", object{"CampaignID": draft, "CampaignName": "<é> \"]]>\u2028\n"}, `{"Success":true,"ErrorCode":0}`},
			{"without parameters", "", "Tags.Get", nil, `{"Success":true,"ErrorCode":0,"TotalTagCount":`},
			{"plain", "", "Campaign.Pause", object{"CampaignID": draft}, `{"Success":false,"ErrorCode":3,"ErrorText":"Campaign is not in a 'Sending' state"}`},
			{"array", "", "Campaign.Copy", object{}, `{"Success":false,"ErrorCode":[1],"ErrorText":["Invalid source campaign"]}`},
			{"array of two", "", "Tag.Update", nil, `{"Success":false,"ErrorCode":[1,2],"ErrorText":[`},
			{"message", "", "Campaign.Get", nil, `{"Success":false,"ErrorCode":1,"ErrorMessage":"Required parameter`},
			{"keyed", "", "Campaigns.Delete", object{"Campaigns": draft + ",all"}, `{"Success":false,"ErrorCode":{"campaigns":1},`},
			{"with detail", "", "Campaign.Update", object{"CampaignID": draft, "CampaignName": strings.Repeat("x", 251)}, `{"Success":false,"ErrorCode":31,`},
			{"taken", "", "Tag.Update", object{"TagID": tag, "Tag": "a/b"}, `{"Success":false,"ErrorCode":3,`},
			{"unknown command", "", "nope", nil, `{"Success":false,"ErrorCode":100003,"ErrorText":"Invalid API command: \"nope\" not found.","Errors":[{"Code":100003,`},
			{"no command", "", "", nil, `{"Success":false,"ErrorCode":100003,`},
			{"denied", "reader", "Campaign.Pause", object{"CampaignID": draft}, `{"Success":false,"ErrorCode":99999,"ErrorText":"Not enough privileges"}`},
			{"nobody", "nobody", "Tags.Get", nil, `{"Success":false,"ErrorCode":99998,"ErrorText":"Authentication failure or session expired"}`},
			{"a stranger", "stranger", "Tags.Get", nil, `{"Success":false,"ErrorCode":99998,"ErrorText":"Authentication failure or session expired"}`},
		} {
			got := w.command(t, c.keys[tt.as], tt.command, tt.parameters)
			form := url.Values{"Command": {tt.command}, "APIKey": {c.keys[tt.as]}}
			for name, value := range tt.parameters {
				form.Set(name, strings.Trim(compact(value), `"`))
				if text, ok := value.(string); ok {
					form.Set(name, text)
				}
			}
			_, want := w.Command(t, form)
			if diff := cmp.Diff(want, got); diff != "" || !strings.HasPrefix(got, tt.want) {
				t.Errorf("%s: want %s… (-over HTTP +by the field):\n%s\n%s", tt.name, tt.want, diff, got)
			}
		}
	})
}

func TestCommandTakesItsParametersInEveryForm(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		c := w.cast(t)
		me := c.account("")
		draft := c.prop(t, me, "draft")
		const done = `{"Success":true,"ErrorCode":0}`
		malformed := func(text string) string {
			return `{"Success":false,"ErrorCode":100000,"ErrorText":"` + text + `","Errors":[{"Code":100000,"Message":"` + text + `"}]}`
		}
		for _, tt := range []struct {
			name       string
			parameters any
			want       string
		}{
			{"a document as text", `{"CampaignID": ` + draft + `, "campaignname": "text"}`, done},
			{"text that is no document", "CampaignID=" + draft, malformed("The body is not valid JSON.")},
			{"a list", []any{draft}, malformed("The body must be one JSON object.")},
			{"a number", 5, malformed("The body must be one JSON object.")},
			{"nested", object{"CampaignID": draft, "ABTesting": object{"Variations": object{}}}, `{"Success":false,"ErrorCode":21,`},
			{"empty means not given", object{"CampaignID": draft, "CampaignName": "", "ScheduleType": "", "ABTesting": ""}, done},
			{"a command among them is no other command", object{"CampaignID": draft, "Command": "Campaigns.Delete", "Campaigns": draft, "ResponseFormat": "XML"}, done},
		} {
			if got := w.command(t, me.Key, "Campaign.Update", tt.parameters); !strings.HasPrefix(got, tt.want) {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
		}
		written := w.MustQuery(
			t, me.Key,
			`mutation { a: command(name: "Campaign.Update", parameters: {CampaignID: `+draft+`, CampaignName: "literal", S2SEnabled: true}) b: command(name: "nope") }`,
			nil,
		)
		if got := compact(apitest.At(t, written, "a")); got != `{"ErrorCode":0,"Success":true}` {
			t.Errorf("written into the document: %s", got)
		}
		stored := w.command(t, me.Key, "Campaign.Get", object{"campaignid": draft})
		if !strings.Contains(stored, `"CampaignName":"literal"`) {
			t.Errorf("nothing of it was stored: %s", stored)
		}
	})
}

func TestCommandActsForTheCallerOfTheRequestAlone(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		alice, bob := w.Account(t), w.Account(t)
		got := w.command(
			t, alice.Key, "Campaign.Create", object{"CampaignName": "mine", "APIKey": bob.Key, "SessionID": "x"},
		)
		if !strings.HasPrefix(got, `{"Success":true`) {
			t.Fatal(got)
		}
		c := w.db.Client(alice.Context).Campaign.Query().Where(campaign.UserID(alice.User.ID)).OnlyX(alice.Context)
		history := w.MustQuery(
			t, alice.Key, `query($id: ID!) { campaign(id: $id) { name history { nodes { surface } } } }`,
			object{"id": number(c.ID)},
		)
		got = compact(apitest.At(t, history, "campaign"))
		if got != `{"history":{"nodes":[{"surface":"GRAPHQL"}]},"name":"mine"}` {
			t.Errorf("the campaign is %s", got)
		}
		got = w.command(t, "", "Tags.Get", object{"APIKey": alice.Key})
		if !strings.Contains(got, `"ErrorCode":99998`) {
			t.Errorf("a key among the parameters authenticates: %s", got)
		}
	})
}

// takes maps the id parameters of commands to the kind of object that they name. If a new parameter
// has the name of an id and is missing here, the test fails and its author must add it. From then
// on it is tested like the others.
var takes = map[string]thing{
	"CampaignID":                        aCampaign,
	"CampaignIDs":                       aCampaign,
	"Campaigns":                         aCampaign,
	"RelEmailID":                        anEmail,
	"EmailID":                           anEmail,
	"EmailIDs":                          anEmail,
	"TagID":                             aTag,
	"Tags":                              aTag,
	"ListID":                            aList,
	"SubscriberListID":                  aList,
	"RecipientListsAndSegments":         aList,
	"Exclude_RecipientListsAndSegments": aList,
	"SubscriberSegment":                 aSegment,
	"SubscriberID":                      anything,
	"SessionID":                         anything,
}

var endsLikeAnID = regexp.MustCompile(`(?i)(ids?|segments?)$`)

// samples are values of the other parameters, for commands that check these first.
var samples = object{
	"CampaignName":       "x",
	"Tag":                "x",
	"SubscriberListName": "x",
	"EmailAddress":       "nobody@example.com",
	"ValidateScope":      "Campaign",
	"IPAddress":          "203.0.113.1",
	"Activity":           "open",
	"FailOnNotFound":     true,
	"RetrieveTags":       true,
	"RetrieveStatistics": true,
}

func TestNobodyLearnsByCommandWhetherAnotherAccountHasAnID(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		alice, bob := w.Account(t), w.Account(t)
		hers, his := w.settle(t, alice), w.settle(t, bob)
		before := w.dump(t, alice.User.ID)
		tried := 0
		for _, cmd := range command.New(command.Services{}, command.Options{}).Commands() {
			named := func(p command.Parameter) (thing, bool) {
				for name, is := range takes {
					if strings.EqualFold(name, p.Name) {
						return is, true
					}
				}
				return "", false
			}
			base := object{}
			for _, p := range cmd.Parameters {
				if sample, ok := samples[p.Name]; ok {
					base[p.Name] = sample
				}
				if is, ok := named(p); ok && is != anything && p.Required {
					base[p.Name] = his[is][0]
				}
			}
			for _, p := range cmd.Parameters {
				is, known := named(p)
				if !known && endsLikeAnID.MatchString(p.Name) {
					t.Errorf(
						"%s: %s takes an id, and this test does not know of what: teach it in the table takes",
						cmd.Name, p.Name,
					)
				}
				if !known || is == anything {
					continue
				}
				tried++
				ask := func(id int64) string {
					parameters := object{}
					for name, value := range base {
						parameters[name] = value
					}
					parameters[p.Name] = number(id)
					return strings.ReplaceAll(w.command(t, bob.Key, cmd.Name, parameters), number(id), "ID")
				}
				want, got := ask(missingID), ask(hers[is][0])
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s with the %s of another account (-missing +theirs):\n%s", cmd.Name, p.Name, diff)
				}
			}
		}
		if diff := cmp.Diff(before, w.dump(t, alice.User.ID)); diff != "" {
			t.Errorf("what the other account has was changed:\n%s", diff)
		}
		find := func(id int64) string {
			return strings.ReplaceAll(
				w.command(t, alice.Key, "Campaign.Get", object{"campaignid": id}), number(id), "ID",
			)
		}
		if tried < 15 || find(hers[aCampaign][0]) == find(missingID) {
			t.Errorf("%d ids were tried, and their owner finds them: the test proves nothing otherwise", tried)
		}
	})
}

var sessionID = regexp.MustCompile(`"SessionID":"([^"]+)"`)

func TestSessionsByCommand(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		login := func() string {
			t.Helper()
			got := w.command(t, "", "User.Login", object{"Username": a.User.Username, "Password": "correct horse"})
			found := sessionID.FindStringSubmatch(got)
			if found == nil || strings.Contains(got, a.User.PasswordHash) {
				t.Fatalf("login: %s", got)
			}
			return found[1]
		}
		const out = `{"Success":true,"ErrorCode":0}`
		one, two := login(), login()
		for _, session := range []string{one, two} {
			if got := w.command(t, session, "Tags.Get", nil); !strings.HasPrefix(got, `{"Success":true`) {
				t.Errorf("with a session: %s", got)
			}
		}
		if got := w.command(t, one, "User.Logout", nil); got != out {
			t.Errorf("logout: %s", got)
		}
		if got := w.command(t, a.Key, "User.Logout", object{"SessionID": two}); got != out {
			t.Errorf("logout of another session: %s", got)
		}
		for _, session := range []string{one, two} {
			if got := w.command(t, session, "Tags.Get", nil); !strings.Contains(got, `"ErrorCode":99998`) {
				t.Errorf("after logout: %s", got)
			}
		}
		if got := w.command(t, "", "User.Login", nil); !strings.Contains(got, `"ErrorCode":[1,2]`) {
			t.Errorf("login without anything: %s", got)
		}
	})
}

func TestLoginsByCommandAreThrottledWithAllOthers(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := testkit.Open(t, address)
		w := &world{Server: apitest.New(t, db), db: db}
		a := w.Account(t)
		tries := []func(password string) string{
			func(password string) string {
				return w.command(t, "", "User.Login", object{"Username": a.User.Username, "Password": password})
			},
			func(password string) string {
				_, body := w.Command(
					t, url.Values{"Command": {"User.Login"}, "Username": {a.User.Username}, "Password": {password}},
				)
				return body
			},
		}
		refused := 0
		for i := range 40 { // the limit is per minute, and a new minute may start in between
			got := tries[i%2]("wrong")
			if strings.Contains(got, `"ErrorCode":429`) {
				break
			}
			if !strings.Contains(got, `"ErrorCode":[3]`) {
				t.Fatal(got)
			}
			refused++
		}
		if refused < 10 || refused > 20 {
			t.Errorf("%d wrong passwords were tried before the name was limited, want 10", refused)
		}
		for _, try := range tries {
			if got := try("correct horse"); !strings.Contains(got, `"ErrorCode":429`) ||
				strings.Contains(got, "SessionID") {
				t.Errorf("the right password after that: %s", got)
			}
		}
	})
}

func TestCommandsOfOneRequestAreLimited(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		document := func(n int) string {
			var out strings.Builder
			for i := range n {
				id := number(int64(i))
				out.WriteString(" c" + id + `: command(name: "Tag.Create", parameters: {Tag: "t` + id + `"})`)
			}
			return "mutation {" + out.String() + " }"
		}
		response := w.Query(t, a.Key, document(21), nil)
		if len(response.Errors) != 1 || response.Errors[0].Code() != guard.CodeComplexity {
			t.Errorf("21 commands: %s", response.Body)
		}
		if n := w.db.Client(a.Context).Tag.Query().CountX(a.Context); n != 0 {
			t.Errorf("%d commands of the refused request ran", n)
		}
		if data := w.MustQuery(t, a.Key, document(20), nil); len(data) != 20 {
			t.Errorf("20 commands: %v", data)
		}
		if n := w.db.Client(a.Context).Tag.Query().CountX(a.Context); n != 20 {
			t.Errorf("%d of 20 commands ran", n)
		}
	})
}

func TestEnvelopesTooLongForADocumentAreRefused(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a := w.Account(t)
		client := w.db.Client(a.Context)
		long := strings.Repeat("x", 200<<10)
		for range 24 {
			client.Campaign.Create().
				SetName("long").SetNameKey("long").SetAudienceSource(long).SetStatus(kind.StatusDraft).
				SetCreatedAt(firstDay).SetLastActivityAt(firstDay).ExecX(a.Context)
		}
		const refused = "The answer is longer than 4194304 bytes: ask for pages."
		got := w.command(t, a.Key, "Campaigns.Get", nil)
		if got != `{"Success":false,"ErrorCode":100000,"ErrorText":"`+refused+`","Errors":[{"Code":100000,"Message":"`+refused+`"}]}` {
			t.Errorf("the whole list: %.300s", got)
		}
		got = w.command(t, a.Key, "Campaigns.Get", object{"RecordsPerRequest": 10})
		if !strings.HasSuffix(got, `"TotalCampaigns":24}`) || len(got) < 10*len(long) {
			t.Errorf("a page: %d bytes, …%s", len(got), got[max(0, len(got)-100):])
		}
	})
}

func TestEveryCommandNamesAFieldOfTheSchema(t *testing.T) {
	t.Parallel()
	served := schema(t)
	for _, cmd := range command.New(command.Services{}, command.Options{}).Commands() {
		has := served.Query.Fields.ForName(cmd.Operation) != nil || served.Mutation.Fields.ForName(cmd.Operation) != nil
		if !has {
			t.Errorf("%s names the field %s, which the schema does not have", cmd.Name, cmd.Operation)
		}
	}
}
