package app_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/account"
	"campaignql/internal/caller"
	"campaignql/internal/content"
	"campaignql/internal/importer"
	lists "campaignql/internal/people/list"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// addressWorld is an account with a list, an email and a campaign.
type addressWorld struct {
	*apitest.Server
	owner    *apitest.Account
	list     *ent.SubscriberList
	email    *ent.Email
	campaign *ent.Campaign
	n        int
}

func newAddressWorld(t *testing.T) *addressWorld {
	t.Helper()
	s := onSQLite(t)
	w := &addressWorld{Server: s, owner: s.Account(t)}
	var err error
	if w.list, err = s.Services.Lists.Create(w.owner.Context, lists.Input{Name: "l"}, nil); err != nil {
		t.Fatal(err)
	}
	if w.email, err = s.Services.Emails.Create(w.owner.Context, content.Patch{}, nil); err != nil {
		t.Fatal(err)
	}
	if w.campaign, err = s.Services.Campaigns.Create(w.owner.Context, "c", nil); err != nil {
		t.Fatal(err)
	}
	return w
}

// ask runs a document and returns the value at a path, or the message of the refusal.
func (w *addressWorld) ask(t *testing.T, document string, variables map[string]any, path ...any) (any, string) {
	t.Helper()
	response := w.Query(t, w.owner.Key, document, variables)
	if len(response.Errors) > 0 {
		return nil, response.Errors[0].Message
	}
	payload := apitest.At(t, response.Data, path[0]).(map[string]any)
	if faults, _ := payload["userErrors"].([]any); len(faults) > 0 {
		return nil, apitest.At(t, faults, 0, "message").(string)
	}
	return apitest.At(t, response.Data, path...), ""
}

// add puts an address on the list and returns it as it is stored.
func (w *addressWorld) add(t *testing.T, text string) (stored, refusal string) {
	t.Helper()
	row, refusal := w.ask(t, `mutation($l: ID!, $e: String!) {
		addSubscribers(input: {listId: $l, resubscribe: true, subscribers: [{emailAddress: $e}]}) {
			results { outcome subscriber { legacyId emailAddress } userErrors { message } } userErrors { message } } }`,
		map[string]any{"l": strconv.FormatInt(w.list.ID, 10), "e": text}, "addSubscribers", "results", 0)
	if refusal != "" {
		return "", refusal
	}
	if faults := apitest.At(t, row, "userErrors").([]any); len(faults) > 0 {
		return "", apitest.At(t, faults, 0, "message").(string)
	}
	return apitest.At(t, row, "subscriber", "emailAddress").(string), ""
}

// command runs a command of the bridge. The refusal is its error code.
func (w *addressWorld) command(t *testing.T, name string, more ...string) string {
	t.Helper()
	form := url.Values{"Command": {name}, "APIKey": {w.owner.Key}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	_, body := w.Command(t, form)
	var out struct {
		Success   bool
		ErrorCode any
	}
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if out.Success {
		return ""
	}
	return fmt.Sprint(out.ErrorCode)
}

// event records an event by address and returns its result and message.
func (w *addressWorld) event(t *testing.T, text string) (result, message string) {
	t.Helper()
	w.n++
	row, refusal := w.ask(t, `mutation($in: RecordEventsInput!) { recordEvents(input: $in) {
		results { result message } userErrors { message } } }`, map[string]any{"in": map[string]any{"events": []any{
		map[string]any{
			"id": strconv.Itoa(w.n), "kind": "SENT", "campaignId": strconv.FormatInt(w.campaign.ID, 10), "emailAddress": text,
			"at": time.Now().UTC().Format(time.RFC3339),
		},
	}}}, "recordEvents", "results", 0)
	if refusal != "" {
		t.Fatal(refusal)
	}
	message, _ = apitest.At(t, row, "message").(string)
	return apitest.At(t, row, "result").(string), message
}

// addressEntries are the ways by which an address enters. Each returns the address as it is stored,
// or "" if the way does not show it, and the refusal.
var addressEntries = map[string]func(t *testing.T, w *addressWorld, text string) (stored, refusal string){
	"addSubscribers": func(t *testing.T, w *addressWorld, text string) (string, string) { return w.add(t, text) },
	"updateSubscriber": func(t *testing.T, w *addressWorld, text string) (string, string) {
		w.n++
		if _, refusal := w.add(t, fmt.Sprint("old", w.n, "@example.com")); refusal != "" {
			t.Fatal(refusal)
		}
		id, _ := w.ask(t, `query($id: ID!, $a: String!) { list(id: $id) {
			subscribers(first: 1, filter: {emailAddresses: [$a]}) { nodes { id } } } }`, map[string]any{
			"id": strconv.FormatInt(w.list.ID, 10), "a": fmt.Sprint("old", w.n, "@example.com"),
		}, "list", "subscribers", "nodes", 0, "id")
		stored, refusal := w.ask(t, `mutation($in: UpdateSubscriberInput!) { updateSubscriber(input: $in) {
			subscriber { emailAddress } userErrors { message } } }`,
			map[string]any{"in": map[string]any{"id": id, "emailAddress": text}}, "updateSubscriber", "subscriber", "emailAddress")
		return fmt.Sprint(stored), refusal
	},
	"unsubscribe": func(t *testing.T, w *addressWorld, text string) (string, string) {
		_, refusal := w.ask(t, `mutation($in: UnsubscribeInput!) { unsubscribe(input: $in) {
			subscriber { emailAddress } userErrors { message } } }`,
			map[string]any{"in": map[string]any{"listId": strconv.FormatInt(w.list.ID, 10), "emailAddress": text}},
			"unsubscribe")
		return "", strings.TrimPrefix(refusal, "the address is not subscribed to the list")
	},
	"createEmail fromEmail": func(t *testing.T, w *addressWorld, text string) (string, string) {
		stored, refusal := w.ask(t, `mutation($a: EmailAddress) { createEmail(input: {fromEmail: $a}) {
			email { fromEmail } userErrors { message } } }`, map[string]any{"a": text}, "createEmail", "email", "fromEmail")
		return fmt.Sprint(stored), refusal
	},
	"updateEmail replyToEmail": func(t *testing.T, w *addressWorld, text string) (string, string) {
		stored, refusal := w.ask(t, `mutation($id: ID!, $a: EmailAddress) { updateEmail(input: {id: $id, replyToEmail: $a}) {
			email { replyToEmail } userErrors { message } } }`,
			map[string]any{"id": strconv.FormatInt(w.email.ID, 10), "a": text}, "updateEmail", "email", "replyToEmail")
		return fmt.Sprint(stored), refusal
	},
	"suppress": func(t *testing.T, w *addressWorld, text string) (string, string) {
		stored, refusal := w.ask(t, `mutation($a: String!) { suppress(input: {emailAddresses: [$a]}) {
			suppressions { emailAddress } userErrors { message } } }`, map[string]any{"a": text}, "suppress")
		if refusal != "" {
			return "", refusal
		}
		return apitest.At(t, stored, "suppressions", 0, "emailAddress").(string), ""
	},
	"unsuppress": func(t *testing.T, w *addressWorld, text string) (string, string) {
		_, refusal := w.ask(t, `mutation($a: String!) { unsuppress(input: {emailAddresses: [$a]}) {
			releasedAddresses userErrors { message } } }`, map[string]any{"a": text}, "unsuppress")
		return "", refusal
	},
	"recordEvents": func(t *testing.T, w *addressWorld, text string) (string, string) {
		_, message := w.event(t, text)
		if strings.Contains(message, "not found") {
			message = ""
		}
		return "", message
	},
	"Subscriber.Subscribe": func(t *testing.T, w *addressWorld, text string) (string, string) {
		return "", w.command(t, "Subscriber.Subscribe", "ListID", strconv.FormatInt(w.list.ID, 10),
			"EmailAddress", text, "IPAddress", "192.0.2.1")
	},
	"Email.Update FromEmail": func(t *testing.T, w *addressWorld, text string) (string, string) {
		return "", w.command(t, "Email.Update", "EmailID", strconv.FormatInt(w.email.ID, 10), "ValidateScope", "OptIn",
			"FromEmail", text, "Subject", "s", "PlainContent", "%Link:Confirm% %Link:Reject%")
	},
	"import": func(t *testing.T, w *addressWorld, text string) (string, string) {
		path := filepath.Join(t.TempDir(), "people.csv")
		if err := os.WriteFile(path, []byte("email\n\""+strings.ReplaceAll(text, `"`, `""`)+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		sum, err := importer.Run(w.owner.Context, w.Services.Subscribers, importer.Options{List: w.list, Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if sum.Outcomes["rejected"] == 0 {
			return "", ""
		}
		report, err := os.ReadFile(strings.TrimSuffix(path, ".csv") + ".rejected.csv")
		if err != nil {
			t.Fatal(err)
		}
		return "", strings.ReplaceAll(string(report), `""`, `"`)
	},
	"createUser": func(t *testing.T, w *addressWorld, text string) (string, string) {
		w.n++
		made, _, err := w.Services.Accounts.CreateUser(caller.System(t.Context()), account.NewUser{
			Username: fmt.Sprint("u", w.n), Email: text, Password: "correct horse",
		})
		if err != nil {
			return "", err.Error()
		}
		return made.Email, ""
	},
}

// codesAlone are the entries that answer with a code in place of a message.
var codesAlone = map[string]string{"Subscriber.Subscribe": "5", "Email.Update FromEmail": "[6]"}

func TestEveryEntryParsesAddressesAlike(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	for name, enter := range addressEntries {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newAddressWorld(t)
			for text, want := range map[string]string{
				"ja\u200bne@example.com": "U+200B",
				"jane@exam\u00adple.com": "U+00AD",
				"ja ne@example.com":      "U+0020",
				"a..b@docomo.ne.jp":      `"a..b"@docomo.ne.jp`,
				"a.@docomo.ne.jp":        `"a."@docomo.ne.jp`,
				"jane@-x.example":        `"-x"`,
				"Jane <jane@x.example>":  "without a name",
			} {
				if code := codesAlone[name]; code != "" {
					want = code
				}
				if _, refusal := enter(t, w, text); !strings.Contains(strings.ReplaceAll(refusal, `\"`, `"`), want) {
					t.Errorf("%q is answered by %q, want %q", text, refusal, want)
				}
			}
			for text, want := range map[string]string{
				" \u200bJane@Example.com\ufeff\u3000": "Jane@Example.com",
				`"a..b"@docomo.ne.jp`:                 `"a..b"@docomo.ne.jp`,
				"straße@bücher.example\t":             "straße@bücher.example",
			} {
				if stored, refusal := enter(t, w, text); refusal != "" || stored != "" && stored != want {
					t.Errorf("%q is stored as %q: %s", text, stored, refusal)
				}
			}
		})
	}
}

// TestEveryLookupHasTheKeyOfTheAddress adds an address and looks it up by others.
func TestEveryLookupHasTheKeyOfTheAddress(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	const list = `query($id: ID!, $f: SubscriberFilter) { list(id: $id) {
		subscribers(first: 5, filter: $f) { nodes { emailAddress } } } }`
	for name, finds := range map[string]func(t *testing.T, w *addressWorld, text string) bool{
		"event": func(t *testing.T, w *addressWorld, text string) bool {
			result, _ := w.event(t, text)
			return result == "RECORDED"
		},
		"filter": func(t *testing.T, w *addressWorld, text string) bool {
			nodes, refusal := w.ask(t, list, map[string]any{
				"id": strconv.FormatInt(w.list.ID, 10), "f": map[string]any{"emailAddresses": []any{text}},
			}, "list", "subscribers", "nodes")
			return refusal == "" && len(nodes.([]any)) == 1
		},
		"search": func(t *testing.T, w *addressWorld, text string) bool {
			nodes, refusal := w.ask(t, list, map[string]any{
				"id": strconv.FormatInt(w.list.ID, 10), "f": map[string]any{"search": text},
			}, "list", "subscribers", "nodes")
			return refusal == "" && len(nodes.([]any)) == 1
		},
		"second subscription": func(t *testing.T, w *addressWorld, text string) bool {
			return w.command(t, "Subscriber.Subscribe", "ListID", strconv.FormatInt(w.list.ID, 10),
				"EmailAddress", text, "IPAddress", "192.0.2.1") == "9"
		},
		"unsubscribe": func(t *testing.T, w *addressWorld, text string) bool {
			return w.command(
				t, "Subscriber.Unsubscribe", "ListID", strconv.FormatInt(w.list.ID, 10), "EmailAddress", text,
				"IPAddress", "192.0.2.1",
			) == ""
		},
		"suppression": func(t *testing.T, w *addressWorld, text string) bool {
			if _, refusal := addressEntries["suppress"](t, w, text); refusal != "" {
				t.Fatal(refusal)
			}
			nodes, _ := w.ask(t, list, map[string]any{
				"id": strconv.FormatInt(w.list.ID, 10), "f": map[string]any{"suppressed": true},
			}, "list", "subscribers", "nodes")
			return len(nodes.([]any)) == 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range []struct {
				stored, lookup string
				same           bool
			}{
				{"jane@bücher.example", "Jane@XN--BCHER-KVA.example", true},
				{"jane@xn--bcher-kva.example", " jane@BÜCHER.example\u200b", true},
				{"JÖRG@example.com", "jörg@EXAMPLE.com", true},
				{`a@x.example`, "A@x.example", true},
				{`"a..b"@docomo.ne.jp`, `"A..B"@docomo.ne.jp`, true},
				{"ﬁ@example.com", "fi@example.com", false},
				{"²@example.com", "2@example.com", false},
				{"straße@example.com", "strasse@example.com", false},
				{"a@maßanfertigung.example", "a@massanfertigung.example", false},
			} {
				w := newAddressWorld(t)
				if _, refusal := w.add(t, tt.stored); refusal != "" {
					t.Fatal(refusal)
				}
				if got := finds(t, w, tt.lookup); got != tt.same {
					t.Errorf("%q finds %q: %t", tt.lookup, tt.stored, got)
				}
			}
		})
	}
}
