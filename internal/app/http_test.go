package app_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/graph"
	"campaignql/internal/account"
	"campaignql/internal/app"
	"campaignql/internal/config"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// answer is a response as received, without decoding.
type answer struct {
	status int
	header http.Header
	body   string
}

// do sends a request with headers in the form "Name: value". It does not decompress the response.
func do(t *testing.T, method, target, body string, headers ...string) answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Add(name, value)
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}

// post sends a GraphQL document.
func post(t *testing.T, s *apitest.Server, document string, headers ...string) answer {
	t.Helper()
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		t.Fatal(err)
	}
	return do(
		t,
		http.MethodPost,
		s.URL+"/graphql",
		string(body),
		append([]string{"Content-Type: application/json"}, headers...)...)
}

// onSQLite starts a server with its own SQLite database.
func onSQLite(t *testing.T, change ...func(*config.Config)) *apitest.Server {
	t.Helper()
	cfg := apitest.Config()
	for _, f := range change {
		f(&cfg)
	}
	return apitest.With(t, testkit.Open(t, "sqlite::memory:"), cfg)
}

func TestAServerIsReadyOnceItsDatabaseIsMigratedAndAsLongAsItAnswers(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db, err := store.Open(t.Context(), address, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		s := apitest.New(t, db)
		check := func(when string, status int, body string) {
			t.Helper()
			if got := do(t, http.MethodGet, s.URL+"/healthz", ""); got.status != http.StatusOK ||
				got.body != `{"status":"ok"}`+"\n" {
				t.Errorf("%s: /healthz answers %d %s", when, got.status, got.body)
			}
			got := do(t, http.MethodGet, s.URL+"/readyz", "")
			if got.status != status || got.body != body+"\n" {
				t.Errorf("%s: /readyz answers %d %s, want %d %s", when, got.status, got.body, status, body)
			}
			kind, cache := got.header.Get("Content-Type"), got.header.Get("Cache-Control")
			if kind != "application/json; charset=utf-8" || cache != "no-store" {
				t.Errorf("%s: /readyz is %q, %q", when, kind, cache)
			}
		}
		check(
			"before the migrations", http.StatusServiceUnavailable,
			`{"reason":"the database has not been migrated","status":"unavailable"}`,
		)
		if _, err := db.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		check("after the migrations", http.StatusOK, `{"status":"ok"}`)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		check(
			"without the database", http.StatusServiceUnavailable,
			`{"reason":"the database cannot be reached","status":"unavailable"}`,
		)
	})
}

func TestTheSchemaIsServedAsText(t *testing.T) {
	t.Parallel()
	got := do(t, http.MethodGet, onSQLite(t).URL+"/schema.graphql", "")
	if got.status != http.StatusOK || got.body != graph.Schema() ||
		got.header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf(
			"%d, %s, %d bytes, want the %d of the schema", got.status, got.header.Get("Content-Type"), len(got.body),
			len(graph.Schema()),
		)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: got.body})
	if err != nil {
		t.Fatal(err)
	}
	if schema.Query == nil || schema.Mutation == nil {
		t.Error("the schema has no operations")
	}
}

func TestTheExplorerIsServedUnlessItIsOff(t *testing.T) {
	t.Parallel()
	on := onSQLite(t)
	if got := do(t, http.MethodGet, on.URL+"/", ""); got.status != http.StatusOK ||
		!strings.HasPrefix(got.header.Get("Content-Type"), "text/html") || !strings.Contains(got.body, "/explorer/") {
		t.Errorf("/ answers %d %s", got.status, got.body)
	}
	off := onSQLite(t, func(c *config.Config) { c.Explorer = false })
	for target, what := range map[string]string{
		off.URL + "/": "the page when it is off", off.URL + "/explorer/": "its files when it is off",
		on.URL + "/explorer/nothing.js": "a file that is not there", on.URL + "/nothing": "a path that is not there",
	} {
		if got := do(t, http.MethodGet, target, ""); got.status != http.StatusNotFound {
			t.Errorf("%s: %d", what, got.status)
		}
	}
}

func TestEveryAnswerCarriesTheIDOfItsRequest(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	const made = ""
	tests := []struct{ name, sent, want string }{
		{"none is made up", "", made},
		{"a proxy's is kept", "3f2b-0c_A9", "3f2b-0c_A9"},
		{"64 characters are kept", strings.Repeat("a", 64), strings.Repeat("a", 64)},
		{"65 characters are replaced", strings.Repeat("a", 65), made},
		{"markup is replaced", "<script>", made},
		{"a blank is replaced", "a b", made},
		{"what is not ASCII is replaced", "é", made},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var headers []string
			if test.sent != "" {
				headers = []string{"X-Request-Id: " + test.sent}
			}
			got := post(t, s, `{ campaignCounts { total } }`, headers...)
			id := got.header.Get("X-Request-Id")
			if test.want != made && id != test.want || test.want == made && (len(id) != 26 || id == test.sent) {
				t.Errorf("the header says %q", id)
			}
			var body apitest.Response
			if err := json.Unmarshal([]byte(got.body), &body); err != nil || len(body.Errors) != 1 {
				t.Fatalf("%v: %s", err, got.body)
			}
			if told := body.Errors[0].Extensions["requestId"]; told != id ||
				body.Errors[0].Code() != "UNAUTHENTICATED" {
				t.Errorf("the header says %q and the error %v: %s", id, told, got.body)
			}
			elsewhere := do(t, http.MethodGet, s.URL+"/nothing", "", headers...)
			if len(elsewhere.header.Get("X-Request-Id")) != len(id) {
				t.Errorf("a path that is not there answers with the id %q", elsewhere.header.Get("X-Request-Id"))
			}
		})
	}
	one, two := do(t, http.MethodGet, s.URL+"/healthz", ""), do(t, http.MethodGet, s.URL+"/healthz", "")
	if one.header.Get("X-Request-Id") == two.header.Get("X-Request-Id") {
		t.Error("two requests were given the same id")
	}
}

// TestAPanicIsAnsweredAsAnInternalError requests the readiness of a store that was never opened.
func TestAPanicIsAnsweredAsAnInternalError(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	services := app.NewServices(new(store.Store), app.ServiceOptions{Account: account.Options{}})
	handler := app.Handler(
		services, app.HandlerOptions{Config: apitest.Config(), Logger: slog.New(slog.NewJSONHandler(&log, nil))},
	)
	recorder := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil)
	request.Header.Set("X-Request-Id", "panicking")
	handler.ServeHTTP(recorder, request)

	if kind := recorder.Header().
		Get("Content-Type"); recorder.Code != http.StatusInternalServerError ||
		kind != "application/json; charset=utf-8" {
		t.Errorf("%d %s", recorder.Code, kind)
	}
	const want = `{"errors":[{"extensions":{"code":"INTERNAL","requestId":"panicking"},"message":"internal error"}]}`
	if got := strings.TrimSpace(recorder.Body.String()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var line struct{ Msg, RequestID, Path, Panic, Stack string }
	first, _, _ := bytes.Cut(log.Bytes(), []byte("\n")) // the second line is from the access log
	if err := json.Unmarshal(first, &line); err != nil {
		t.Fatalf("%v in %s", err, log.String())
	}
	if line.Msg != "request panicked" || line.RequestID != "panicking" || line.Path != "/readyz" || line.Panic == "" ||
		!strings.Contains(line.Stack, "Ready") {
		t.Errorf("the log says %+v", line)
	}
}
