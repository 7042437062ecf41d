package app_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"campaignql/graph/transport"
	"campaignql/internal/config"
	"campaignql/internal/testkit"
)

var fence = regexp.MustCompile("(?ms)^```(\\w*)\n(.*?)^```$")

// livePage returns docs/live.md and its examples in a language.
func livePage(t *testing.T, language string) (page string, examples []string) {
	t.Helper()
	text, err := os.ReadFile("../../docs/live.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range fence.FindAllStringSubmatch(string(text), -1) {
		if match[1] == language {
			examples = append(examples, match[2])
		}
	}
	return string(text), examples
}

// demoServer starts a server with the demo account and returns its key.
func demoServer(t *testing.T) (server *running, key string) {
	t.Helper()
	cfg := settings()
	cfg.Demo = true
	server = run(t, "sqlite::memory:", cfg, "  demo key")
	return server, demoKey.FindStringSubmatch(server.greeting[len(server.greeting)-1])[1]
}

// program is a child process that follows campaigns and prints the updates.
type program struct {
	t     *testing.T
	lines *bufio.Scanner
}

// start starts a program, which is ended when the test ends.
func start(t *testing.T, key string, name string, args ...string) *program {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		testkit.Missing(t, "no "+name)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	command := exec.CommandContext(ctx, name, args...)
	command.Env = append(os.Environ(), "KEY="+key)
	command.Stderr = os.Stderr
	printed, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = command.Wait()
	})
	return &program{t, bufio.NewScanner(printed)}
}

// next returns the next line of output about a campaign.
func (p *program) next() string {
	p.t.Helper()
	var all []string
	for p.lines.Scan() {
		if all = append(all, p.lines.Text()); strings.Contains(p.lines.Text(), "campaignChanged") {
			return p.lines.Text()
		}
	}
	p.t.Fatalf("told of no campaign: %q", all)
	return ""
}

// script runs a JavaScript example against a server.
func script(t *testing.T, host, key, example string) *program {
	t.Helper()
	dir := t.TempDir()
	if strings.Contains(example, "import ") {
		linkModules(t, dir)
	}
	if strings.Contains(example, `"graphql-ws"`) {
		// Node needs a flag for the WebSocket of browsers, and the package looks for it too early.
		example = strings.ReplaceAll(example, "createClient({", "createClient({ webSocketImpl: globalThis.WebSocket,")
	}
	file := filepath.Join(dir, "example.mjs")
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(example, documented, host)), 0o600); err != nil {
		t.Fatal(err)
	}
	return start(t, key, "node", "--no-warnings", "--experimental-websocket", file)
}

// linkModules makes the npm packages of the transports available to scripts in a directory.
func linkModules(t *testing.T, dir string) {
	t.Helper()
	modules, err := filepath.Abs("../../graph/transport/audit/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"graphql-ws", "graphql-sse"} {
		if _, err := os.Stat(filepath.Join(modules, name)); err != nil {
			testkit.Missing(t, name+" is not installed: run npm ci in graph/transport/audit")
		}
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
}

const documented = "127.0.0.1:8080"

func TestExamplesOfThePageAboutFollowingRun(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	server, key := demoServer(t)
	host := strings.TrimPrefix(server.url, "http://")
	_, shell := livePage(t, "sh")
	_, scripts := livePage(t, "js")
	if len(shell) != 1 || len(scripts) != 4 {
		t.Fatalf("%d and %d examples", len(shell), len(scripts))
	}
	for i, example := range shell {
		t.Run(fmt.Sprint("shell ", i), func(t *testing.T) {
			t.Parallel()
			// exec replaces the shell, so that the process to end is curl itself.
			got := start(t, key, "sh", "-c", "exec "+strings.ReplaceAll(example, documented, host)).next()
			if !strings.HasPrefix(got, `data: {"data":{"campaignChanged":{"campaign":{"name":"`) ||
				!strings.Contains(got, `"SENDING"`) {
				t.Error(got)
			}
		})
	}
	for i, example := range scripts {
		t.Run(fmt.Sprint("script ", i), func(t *testing.T) {
			t.Parallel()
			if got := script(t, host, key, example).next(); !strings.Contains(got, `"status":"SENDING"`) {
				t.Error(got)
			}
		})
	}
}

// TestClientsOfThePageComeBack stops the server that the examples with packages follow, and starts
// another one at the same address.
func TestClientsOfThePageComeBack(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	_, scripts := livePage(t, "js")
	address := "sqlite:" + t.TempDir() + "/test.db"
	key := seedCampaign(t, address)
	cfg := settings()
	first := run(t, address, cfg, "  Command")
	cfg.Listen = strings.TrimPrefix(first.url, "http://")
	var clients []*program
	for _, example := range scripts {
		if strings.Contains(example, "import ") {
			clients = append(
				clients,
				script(
					t, cfg.Listen, key, strings.ReplaceAll(example, "campaignChanged {", `campaignChanged(campaignIds: [1]) {`),
				),
			)
		}
	}
	if len(clients) != 2 {
		t.Fatalf("%d examples", len(clients))
	}
	for _, client := range clients {
		client.next()
	}
	if err := first.end(); err != nil {
		t.Error(err)
	}
	run(t, address, cfg, "  Command")
	for _, client := range clients {
		if got := client.next(); !strings.Contains(got, `"DRAFT"`) {
			t.Error(got)
		}
	}
}

func TestTranscriptOfThePageAboutFollowingIsTrue(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	server, key := demoServer(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, _, err := websocket.Dial(
		ctx, server.url+"/graphql", &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}},
	)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.CloseNow() }()
	_, transcripts := livePage(t, "text")
	said, heard := 0, 0
	for line := range strings.Lines(transcripts[0]) {
		line = strings.TrimSpace(line)
		if text, ours := strings.CutPrefix(line, "> "); ours {
			said++
			if err := conn.Write(ctx, websocket.MessageText, []byte(strings.ReplaceAll(text, "KEY", key))); err != nil {
				t.Fatal(err)
			}
			continue
		}
		heard++
		_, got, err := conn.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		pattern := strings.NewReplacer(`\{…\}`, `\{.*\}`, "…", `[\w-]+`).
			Replace(regexp.QuoteMeta(strings.TrimPrefix(line, "< ")))
		if !regexp.MustCompile("^" + pattern + "$").Match(got) {
			t.Errorf("got  %s\nwant %s", got, line)
		}
	}
	if said != 5 || heard != 4 {
		t.Errorf("%d messages were sent and %d received", said, heard)
	}
}

func TestPageAboutFollowingNamesSettingsAndCodes(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	page, _ := livePage(t, "sh")
	for _, row := range regexp.MustCompile("(?m)^\\| `--([a-z-]+)` \\| (\\S+) \\|").FindAllStringSubmatch(page, -1) {
		found := false
		for _, field := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
			if field.Tag.Get("name") == row[1] {
				if found = true; field.Tag.Get("default") != row[2] {
					t.Errorf("--%s has the default %s, the page says %s", row[1], field.Tag.Get("default"), row[2])
				}
			}
		}
		if !found {
			t.Errorf("there is no --%s", row[1])
		}
	}
	var codes []string
	for _, row := range regexp.MustCompile(`(?m)^\| (\d{4}) \|`).FindAllStringSubmatch(page, -1) {
		codes = append(codes, row[1])
	}
	want := []string{"1001", "1009"} // close codes of the WebSocket protocol itself
	for _, code := range []int{
		transport.CloseTryLater, transport.CloseInvalid, transport.CloseUnauthorized, transport.CloseForbidden, transport.CloseSubprotocol, transport.CloseInitTimeout,
		transport.CloseDuplicate, transport.CloseTooManyInits, transport.CloseInternal,
	} {
		want = append(want, fmt.Sprint(code))
	}
	if !slices.Equal(codes, want) {
		t.Errorf("the page tells of %v, want %v", codes, want)
	}
}
