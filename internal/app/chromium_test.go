package app_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"campaignql/internal/testkit"
)

// tab is a page in a real browser, controlled through the DevTools protocol
// (https://chromedevtools.github.io/devtools-protocol/).
type tab struct {
	t    *testing.T
	ctx  context.Context
	conn *websocket.Conn
	sent int
}

var debuggerURL = regexp.MustCompile(`DevTools listening on ws://([^/\s]+)/`)

// browserPatience is the timeout of one step of a page. A browser starts slowly on a busy machine.
const browserPatience = time.Minute

// browse opens a page in a headless Chromium, which is closed when the test ends.
func browse(t *testing.T, url string) *tab {
	t.Helper()
	name, err := exec.LookPath("chromium")
	if err != nil {
		testkit.Missing(t, "no chromium to open the page with")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*browserPatience)
	t.Cleanup(cancel)
	profile, err := os.MkdirTemp("", "campaignql-chromium-")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(
		ctx, name, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1600,1000",
		"--user-data-dir="+profile, "--remote-debugging-port=0", url,
	)
	logged, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		_ = os.RemoveAll(profile) // best effort: child processes of the browser may still use it
	})
	for lines := bufio.NewScanner(logged); lines.Scan(); {
		if found := debuggerURL.FindStringSubmatch(lines.Text()); found != nil {
			return attach(t, ctx, found[1])
		}
	}
	t.Fatal("the browser does not say where it listens")
	return nil
}

// attach connects to the only page of a browser.
func attach(t *testing.T, ctx context.Context, host string) *tab {
	t.Helper()
	for {
		var pages []struct{ Type, WebSocketDebuggerURL string }
		got := do(t, http.MethodGet, "http://"+host+"/json/list", "")
		if json.Unmarshal([]byte(got.body), &pages) != nil {
			t.Fatal(got.body)
		}
		for _, page := range pages {
			if page.Type != "page" {
				continue
			}
			conn, _, err := websocket.Dial(ctx, page.WebSocketDebuggerURL, nil)
			if err != nil {
				t.Fatal(err)
			}
			conn.SetReadLimit(-1)
			t.Cleanup(func() { _ = conn.CloseNow() })
			return &tab{t: t, ctx: ctx, conn: conn}
		}
		if ctx.Err() != nil {
			t.Fatal("the browser opens no page")
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// eval evaluates a script in the page and returns its value as text.
func (b *tab) eval(script string) string {
	b.t.Helper()
	b.sent++
	call, err := json.Marshal(
		map[string]any{
			"id": b.sent, "method": "Runtime.evaluate",
			"params": map[string]any{"expression": script, "returnByValue": true},
		},
	)
	if err != nil {
		b.t.Fatal(err)
	}
	if err := b.conn.Write(b.ctx, websocket.MessageText, call); err != nil {
		b.t.Fatal(err)
	}
	for {
		_, text, err := b.conn.Read(b.ctx)
		if err != nil {
			b.t.Fatal(err)
		}
		var answer struct {
			ID     int
			Result struct {
				Result           struct{ Value any }
				ExceptionDetails any
			}
		}
		if err := json.Unmarshal(text, &answer); err != nil {
			b.t.Fatal(err)
		}
		if answer.ID != b.sent {
			continue
		}
		if answer.Result.ExceptionDetails != nil {
			b.t.Fatalf("%s: %s", script, text)
		}
		return fmt.Sprint(answer.Result.Result.Value)
	}
}

// until evaluates a script repeatedly until its value is accepted.
func (b *tab) until(what, script string, accept func(value string) bool) {
	b.t.Helper()
	last := ""
	for deadline := time.Now().Add(browserPatience); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if last = b.eval(script); accept(last) {
			return
		}
	}
	b.t.Fatalf("never: %s; last %q", what, last)
}

// click clicks the element that a script finds, as soon as the element exists.
func (b *tab) click(what, script string) {
	b.t.Helper()
	b.until(
		"there is "+what, `(e => e ? (e.click(), "clicked") : "")(`+script+`)`,
		func(value string) bool { return value == "clicked" },
	)
}

// TestTheExplorerFollowsCampaigns runs the sample subscription of the explorer in a real browser.
func TestTheExplorerFollowsCampaigns(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	server, key := demoServer(t)
	page := browse(t, server.url+"/")
	const result = `document.querySelector(".result-window")?.innerText.replace(/\s/g, "") ?? ""`
	shows := func(what string) {
		t.Helper()
		page.until("the page shows "+what, result, func(value string) bool { return strings.Contains(value, what) })
	}
	page.click(
		"the tab of the subscription",
		`[...document.querySelectorAll(".graphiql-tab-button")].find(e => e.textContent.includes("CampaignChanged"))`,
	)
	const button = `document.querySelector("button.graphiql-execute-button")`
	page.until(
		"the editor has the subscription",
		`document.querySelector(".graphiql-query-editor")?.innerText.replace(/\s/g, "") ?? ""`,
		func(value string) bool { return strings.Contains(value, "campaignChanged") },
	)
	page.click("the button", button)
	// The page knows the operation to run a moment after its editor. If the click is too early, it
	// is repeated.
	const again = `(text => (text.includes("notfound") && !(Date.now() - window.pressed < 2000) && (window.pressed = Date.now(), ` + button + `.click()), text))(` + result + `)`
	page.until(
		"the page shows a campaign that is being sent", again,
		func(value string) bool { return strings.Contains(value, `"status":"SENDING"`) },
	)

	auth := "Authorization: Bearer " + key
	ask := func(document string) string {
		body := `{"query":"` + document + `"}`
		return do(t, http.MethodPost, server.url+"/graphql", body, "Content-Type: application/json", auth).body
	}
	sending := regexp.MustCompile(`"legacyId":"([0-9]+)"`).
		FindStringSubmatch(ask(`{ campaigns(filter: {status: [SENDING]}, first: 1) { nodes { legacyId } } }`))
	if sending == nil {
		t.Fatal("the demo has no campaign that is being sent")
	}
	pause := `mutation { pauseCampaign(input: {id: ` + sending[1] + `}) { campaign { status } } }`
	if got := ask(pause); !strings.Contains(got, "PAUSED") {
		t.Fatal(got)
	}
	shows(`"status":"PAUSED"`)

	open := func() string {
		return regexp.MustCompile(`(?m)^campaignql_subscriptions (.*)$`).
			FindString(do(t, http.MethodGet, server.url+"/metrics", "").body)
	}
	if got := open(); got != "campaignql_subscriptions 1" {
		t.Error(got)
	}
	page.click("the button, now to stop", button)
	for deadline := time.Now().Add(browserPatience); open() != "campaignql_subscriptions 0"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the subscription goes on")
		}
	}
}
