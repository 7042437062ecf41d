package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"campaignql/internal/testkit"
)

// registeredServer starts a server that serves only the document of the name of a viewer. It returns its
// key.
func registeredServer(t *testing.T) (*running, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "operations.json")
	if err := os.WriteFile(path, []byte(`{"name":"{ viewer { user { username } } }"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := settings()
	cfg.Demo, cfg.Operations = true, path
	server := run(t, "sqlite::memory:", cfg, "  demo key")
	if want := "  operations only those registered in " + path + ", 1"; !slices.Contains(server.greeting, want) {
		t.Errorf("greeting %q, want %q", server.greeting, want)
	}
	return server, strings.Fields(server.greeting[len(server.greeting)-1])[2]
}

func TestServerOfRegisteredOperations(t *testing.T) {
	t.Parallel()
	server, key := registeredServer(t)
	for body, want := range map[string]string{
		`{"documentId":"name"}`: `"username":"`, `{"query":"{ viewer { user { id } } }"}`: "OPERATION_NOT_REGISTERED",
	} {
		got := do(
			t, http.MethodPost, server.url+"/graphql", body, "Content-Type: application/json",
			"Authorization: Bearer "+key,
		)
		if !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	for path, want := range map[string]string{
		"/healthz": `"ok"`, "/schema.graphql": "type Query", "/": `"registeredOnly":true`,
		"/api.php?Command=Campaigns.Get&APIKey=" + key: `"Success":true`,
	} {
		got := do(t, http.MethodGet, server.url+path, "")
		if got.status != http.StatusOK || !strings.Contains(got.body, want) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
}

// TestTheExplorerSaysThatOperationsAreRegistered opens the explorer in a real browser.
func TestTheExplorerSaysThatOperationsAreRegistered(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	server, _ := registeredServer(t)
	page := browse(t, server.url+"/")
	has := func(texts ...string) func(string) bool {
		return func(value string) bool {
			for _, text := range texts {
				if !strings.Contains(value, text) {
					return false
				}
			}
			return true
		}
	}
	page.until(
		"the page says what the server serves", `document.querySelector(".brand")?.innerText ?? ""`,
		has("This server serves registered operations only."),
	)
	const editor = `document.querySelector(".graphiql-query-editor")?.innerText.replace(/\s/g, "") ?? ""`
	page.until("the page says how to explore", editor, has("ToexploretheAPI,startaserverwithout", "--operations"))
	page.click("the button of the documentation", `document.querySelector("[aria-label='Show Documentation Explorer']")`)
	page.until(
		"the page has the schema", `document.querySelector(".graphiql-doc-explorer")?.innerText ?? ""`,
		has("Query", "Mutation", "Subscription"),
	)

	// An operation of an earlier visit.
	page.until("the page has kept an operation", `(key => {
		const state = JSON.parse(localStorage[key] ?? "{}");
		if (!state.tabs) return "";
		state.tabs[0].query = "{ viewer { user { id } } }";
		localStorage[key] = JSON.stringify(state);
		location.reload();
		return "kept";
	})(Object.keys(localStorage).find(key => key.endsWith("graphiql:tabState")))`, has("kept"))
	page.until("the editor has the operation", editor, has("{viewer{user{id}}}"))
	page.click("the button", `document.querySelector("button.graphiql-execute-button")`)
	page.until(
		"the page shows the error of the server", `document.querySelector(".result-window")?.innerText ?? ""`,
		has("OPERATION_NOT_REGISTERED"),
	)
}
