package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/graph"
	"campaignql/graph/guard"
	"campaignql/internal/config"
	"campaignql/internal/tag"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// The registered documents of these tests, with the ids that clients give them.
const (
	tagNameID       = "3be4abb81fa595e25eb725b2c6a87508"
	tagNameDocument = "query TagName($id: ID!) { tag(id: $id) { name } }"
	makeTagID       = "27fb2cd9d2d4cb4b6e6b6d1c2d5b2a8e"
	makeTagDocument = `mutation MakeTag { createTag(input: {name: "made"}) { tag { name } } }`
	followID        = "00000000000000000000000000000001"
	changesDocument = "subscription Changes($ids: [ID!]) { campaignChanged(campaignIds: $ids) { campaign { status } } }"
	countsDocument  = "query Counts { campaignCounts { total } }"
	countsHash      = "d7e8d78c0ae01fbbf2bbcd1b3dbd8a22a1ff8ccdfdbd2a1c9b8f5d7b4a3ad0f3"
)

// registeredWorld is a server that serves only the documents above.
func registeredWorld(t *testing.T) *world {
	t.Helper()
	db := testkit.Open(t, "sqlite::memory:")
	cfg := liveConfig()
	cfg.Operations = operationsFile(t, map[string]string{
		tagNameID: tagNameDocument, makeTagID: makeTagDocument, followID: changesDocument, countsHash: countsDocument,
	})
	return &world{Server: apitest.With(t, db, cfg), db: db}
}

// operationsFile writes documents as Relay's compiler does.
func operationsFile(t *testing.T, documents map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "persisted.json")
	if err := os.WriteFile(path, must(json.Marshal(documents))(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// request sends a request with a key and returns status and body. A GET has no body. Headers are
// "Name: value".
func (w *world) request(t *testing.T, key, method, query, body string, headers ...string) (int, string) {
	t.Helper()
	request := must(http.NewRequestWithContext(t.Context(), method, w.URL+"/graphql?"+query, strings.NewReader(body)))(t)
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Authorization", "Bearer "+key)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Set(name, value)
	}
	response := must(http.DefaultClient.Do(request))(t)
	defer response.Body.Close()
	return response.StatusCode, string(must(io.ReadAll(response.Body))(t))
}

// spellings are the ways in which clients name a registered document.
func spellings(id, document string) map[string]object {
	hash := object{"persistedQuery": object{"version": 1, "sha256Hash": id}}
	return map[string]object{
		"Relay":                              {"id": id},
		"Relay with doc_id":                  {"doc_id": id, "query": nil},
		"the draft":                          {"documentId": id},
		"the draft with a prefix":            {"documentId": "sha256:" + id},
		"Apollo and graphql-codegen":         {"extensions": hash},
		"the draft with extensions":          {"documentId": id, "extensions": object{"other": 1}},
		"Apollo's retry with the text":       {"query": document, "extensions": hash},
		"the text":                           {"query": document},
		"the text, and an id that is no id":  {"query": document, "id": []int{1}},
		"the text, and the id of a request":  {"query": document, "id": 17},
		"an empty text with Apollo's hash":   {"query": "", "extensions": hash},
		"the draft, and an id that is no id": {"documentId": id, "id": object{}},
	}
}

func TestRegisteredOperationsAreFoundOverEveryTransport(t *testing.T) {
	t.Parallel()
	w := registeredWorld(t)
	owner := w.Account(t)
	gold := must(w.Services.Tags.Create(owner.Context, tag.Input{Name: "gold"}, nil))(t)
	variables := object{"id": number(gold.ID)}
	const want = `"tag":{"name":"gold"}`
	ws := connect(t, w.URL, owner.Key)
	for name, named := range spellings(tagNameID, tagNameDocument) {
		named["variables"] = variables
		body := string(must(json.Marshal(named))(t))
		query := url.Values{}
		for name, value := range named {
			if text, ok := value.(string); ok {
				query.Set(name, text)
			} else if value != nil {
				query.Set(name, string(must(json.Marshal(value))(t)))
			}
		}
		if status, got := w.request(t, owner.Key, "POST", "", body); status != 200 || !strings.Contains(got, want) {
			t.Errorf("%s: POST: %d %s", name, status, got)
		}
		if status, got := w.request(t, owner.Key, "GET", query.Encode(), ""); status != 200 || !strings.Contains(got, want) {
			t.Errorf("%s: GET: %d %s", name, status, got)
		}
		status, got := w.request(t, owner.Key, "POST", "", body, "Accept: text/event-stream")
		if status != 200 || !strings.Contains(got, "event: next\ndata: {") || !strings.Contains(got, want) {
			t.Errorf("%s: server-sent events: %d %s", name, status, got)
		}
		ws.send("subscribe", "1", named)
		if got := ws.want("next"); !strings.Contains(string(got.Payload), want) {
			t.Errorf("%s: WebSocket: %s", name, got.Payload)
		}
		ws.want("complete")
	}
}

func TestRegisteredSubscriptionsAndMutations(t *testing.T) {
	t.Parallel()
	w := registeredWorld(t)
	owner := w.Account(t)
	c := w.sending(t, owner)
	body := string(must(json.Marshal(object{"id": followID, "variables": object{"ids": []string{number(c.ID)}}}))(t))

	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request := must(http.NewRequestWithContext(ctx, "POST", w.URL+"/graphql", strings.NewReader(body)))(t)
	request.Header = http.Header{
		"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "Authorization": {"Bearer " + owner.Key},
	}
	response := must(http.DefaultClient.Do(request))(t)
	defer response.Body.Close()
	var events []byte
	for !bytes.Contains(events, []byte(`{"campaignChanged":{"campaign":{"status":"SENDING"}}}`)) {
		part := make([]byte, 4096)
		n, err := response.Body.Read(part)
		if events = append(events, part[:n]...); err != nil {
			t.Fatalf("%v after %s", err, events)
		}
	}

	ws := connect(t, w.URL, owner.Key)
	ws.send("subscribe", "1", json.RawMessage(body))
	if got := ws.want("next"); !strings.Contains(string(got.Payload), "SENDING") {
		t.Error(got)
	}

	if status, got := w.request(t, owner.Key, "GET", "documentId="+makeTagID, ""); status != 405 ||
		!strings.Contains(got, "A mutation needs POST") {
		t.Errorf("a mutation by GET: %d %s", status, got)
	}
	if status, got := w.request(t, owner.Key, "POST", "", `{"doc_id":"`+makeTagID+`"}`); status != 200 ||
		!strings.Contains(got, `"tag":{"name":"made"}`) {
		t.Errorf("a mutation: %d %s", status, got)
	}
}

func TestWhatIsNotRegisteredIsRefusedBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	w := registeredWorld(t)
	owner := w.Account(t)
	const newer, plain = "Accept: application/graphql-response+json", "Accept: application/json"
	const only = "This server serves registered operations only, and "
	const unknown = "this document is none of them."
	ws := connect(t, w.URL, owner.Key)
	for _, test := range []struct {
		name, body, message string
	}{
		{"a text", `{"query":"{ viewer { user { id } } }"}`, only + unknown},
		{"a text that cannot be parsed", `{"query":"{"}`, only + unknown},
		{"a text with another blank", `{"query":"` + countsDocument + ` "}`, only + unknown},
		{"introspection", `{"query":"{ __schema { queryType { name } } }"}`, only + unknown},
		{"a text with the id of another", `{"query":"{ viewer { user { id } } }","documentId":"` + tagNameID + `"}`, only + unknown},
		{
			"a registration",
			`{"query":"{ __typename }","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` +
				"ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38" + `"}}}`,
			only + unknown,
		},
		{"an id", `{"id":"7"}`, only + `none has the id "7".`},
		{"a number", `{"doc_id":7}`, only + `none has the id "7".`},
		{
			"a hash", `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ecf4"}}}`,
			only + `none has the id "ecf4".`,
		},
		{
			"a long id", `{"documentId":"sha256:` + strings.Repeat("e", 5000) + `"}`,
			only + `none has the id "sha256:` + strings.Repeat("e", 93) + `".`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			statements := w.Record(func() {
				for accept, want := range map[string]int{newer: 400, plain: 200} {
					status, got := w.request(t, owner.Key, "POST", "", test.body, accept)
					refusedAs(t, got, test.message)
					if status != want {
						t.Errorf("%s: %d, want %d", accept, status, want)
					}
				}
				status, got := w.request(t, owner.Key, "POST", "", test.body, "Accept: text/event-stream")
				data, ok := strings.CutPrefix(got, "event: next\ndata: ")
				data, rest, _ := strings.Cut(data, "\n")
				if !ok || status != 200 || rest != "\nevent: complete\ndata:\n\n" {
					t.Errorf("server-sent events: %d %s", status, got)
				}
				refusedAs(t, data, test.message)
			})
			if len(statements) > 0 {
				t.Errorf("SQL ran: %v", statements)
			}
			ws.send("subscribe", "1", json.RawMessage(test.body))
			refusedAs(t, `{"errors":`+string(ws.want("error").Payload)+`}`, test.message)
		})
	}
	if status, got := w.request(t, owner.Key, "GET", "documentId=sha256%3Aecf4", "", newer); status != 400 {
		t.Errorf("GET: %d", status)
	} else {
		refusedAs(t, got, only+`none has the id "sha256:ecf4".`)
	}
}

// refusedAs checks the only error of a response without data.
func refusedAs(t *testing.T, body, message string) {
	t.Helper()
	var response struct {
		Errors []apitest.Error
		Data   *json.RawMessage
	}
	if err := json.Unmarshal([]byte(body), &response); err != nil || len(response.Errors) != 1 || response.Data != nil {
		t.Errorf("%v in %s", err, body)
		return
	}
	got := response.Errors[0]
	if got.Code() != "OPERATION_NOT_REGISTERED" || got.Message != message || got.Extensions["requestId"] == nil {
		t.Errorf("got %s, want %s", body, message)
	}
}

func TestRequestThatNamesNoOperationIsMalformed(t *testing.T) {
	t.Parallel()
	w := registeredWorld(t)
	const want = "The request names no operation: send the id of a registered one as documentId, or its text as query."
	for _, body := range []string{
		`{}`, `{"id":null}`, `{"id":["` + tagNameID + `"]}`, `{"extensions":{"persistedQuery":{"version":1}}}`,
		`{"extensions":{"persistedQuery":7}}`,
	} {
		if status, got := w.request(t, "", "POST", "", body); status != 400 || !strings.Contains(got, want) ||
			!strings.Contains(got, "BAD_REQUEST") {
			t.Errorf("%s: %d %s", body, status, got)
		}
	}
}

func TestRegistrationLeavesTheBridgeAlone(t *testing.T) {
	t.Parallel()
	w := registeredWorld(t)
	owner := w.Account(t)
	status, got := w.Command(t, url.Values{"APIKey": {owner.Key}, "Command": {"Tags.Get"}})
	if status != 200 || !strings.Contains(got, `"Success":true`) {
		t.Errorf("%d %s", status, got)
	}
}

func TestWithoutRegistrationIdsAreIgnored(t *testing.T) {
	t.Parallel()
	w := &world{Server: apitest.New(t, testkit.Open(t, "sqlite::memory:"))}
	status, got := w.request(t, "", "POST", "", `{"query":"{ __typename }","id":{},"doc_id":7,"documentId":"x"}`)
	if status != 200 || !strings.Contains(got, `"__typename":"Query"`) {
		t.Errorf("%d %s", status, got)
	}
	status, got = w.request(t, "", "POST", "", `{"documentId":"x"}`)
	if status != 400 || !strings.Contains(got, "The parameter query is missing") {
		t.Errorf("%d %s", status, got)
	}
}

// TestRegisteredOperationsAreParsedOnce uses a document that is too long for the cache of documents
// from requests.
func TestRegisteredOperationsAreParsedOnce(t *testing.T) {
	t.Parallel()
	document := "{ __typename }#" + strings.Repeat("x", 100<<10)
	path := operationsFile(t, map[string]string{"1": document})
	operations := must(graph.ReadOperations(path, guard.Limits{}))(t)
	var parsed []*ast.QueryDocument
	h := graph.Handler(graph.Services{}, graph.Options{
		Operations: operations, Logger: slog.New(slog.DiscardHandler),
		Observe: func(ctx context.Context, _ string, _ time.Duration, _ bool) {
			parsed = append(parsed, graphql.GetOperationContext(ctx).Doc)
		},
	})
	for range 2 {
		if got := answer(h, "", document); !strings.Contains(got, `"__typename":"Query"`) {
			t.Fatal(got)
		}
	}
	if len(parsed) != 2 || parsed[0] != parsed[1] {
		t.Errorf("the document of each request: %p", parsed)
	}
}

func TestRegisteredOperationsPassTheSchemaAndTheLimits(t *testing.T) {
	t.Parallel()
	long := "{ __typename " + strings.Repeat("@include(if: true) ", 10) + "}"
	for _, test := range []struct{ name, document, want string }{
		{
			"a field that is not there", "{ campain { id } }",
			`line 1, column 3: Cannot query field "campain" on type "Query". Did you mean`,
		},
		{"no GraphQL", "{", "line 1, column 2: Expected Name, found <EOF>"},
		{"no operation", "fragment F on Query { __typename }", "the document has no operation"},
		{"fragments in a circle", "{ ...F } fragment F on Query { ...F }", "Cannot spread fragment"},
		{"too many tokens", long, "The document has more than 40 tokens, the most that is allowed"},
		{
			"too deep", "{ campaigns { nodes { history { nodes { actor { username } } } } } }",
			"The operation has 6 levels of fields, the limit is 5",
		},
		{
			"too expensive", "query($n: Int = 200) { campaigns(first: $n) { nodes { history(first: 5) { nodes { at } } } } }",
			"points of complexity, the limit is 1000",
		},
		{
			"a size without a default", "query($n: Int!) { campaigns(first: $n) { nodes { id } } }", "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			path := operationsFile(t, map[string]string{"good": "{ __typename }", "faulty": test.document})
			_, err := graph.ReadOperations(path, guard.Limits{Tokens: 40, Depth: 5, Complexity: 1000})
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || !strings.HasPrefix(err.Error(), path+`: id "faulty": `) ||
				!strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestRegisteredOperationsAreLimitedWithTheirVariables(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, "sqlite::memory:")
	cfg := config.Config{Timeout: patience, LoginFailures: 10, Introspection: true}
	cfg.Operations = operationsFile(t, map[string]string{
		"1": "query($n: Int!) { campaigns(first: $n) { nodes { history(first: 100) { nodes { at } } } } }",
	})
	w := &world{Server: apitest.With(t, db, cfg), db: db}
	_, got := w.request(t, "", "POST", "", `{"id":"1","variables":{"n":250}}`)
	if !strings.Contains(got, guard.CodeComplexity) {
		t.Error(got)
	}
}
