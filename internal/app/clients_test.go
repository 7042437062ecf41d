package app_test

import (
	"encoding/json"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/testkit"
)

// clientsFolder holds the programs of docs/clients.md.
const clientsFolder = "../../docs/clients"

// clients are the programs of docs/clients.md. Each has a folder of its own, with what checks it.
var clients = []struct {
	name string
	// schema is whether its tools read the schema in its folder.
	schema bool
	// commands are run in its folder one by one; the last prints what matches prints.
	commands []string
	prints   string
}{
	{"apollo", false, []string{"node check.mjs"}, "^passed\n$"},
	{"urql", false, []string{"node check.mjs"}, "^passed\n$"},
	{"relay", true, []string{"../node_modules/.bin/relay-compiler", "node build.mjs", "node check.mjs"}, "^passed\n$"},
	{"codegen", true, []string{
		"../node_modules/.bin/graphql-codegen --config codegen.yml", "../node_modules/.bin/tsc", "node check.mjs",
	}, "^passed\n$"},
	{"fetch", false, []string{"node check.mjs"}, "^passed\n$"},
	{"ws", false, []string{"node ../check/follow.mjs ../ws/follow.mjs"}, "^passed\n$"},
	{"sse", false, []string{"node ../check/follow.mjs ../sse/follow.mjs"}, "^passed\n$"},
	{"curl", false, []string{"sh campaigns.sh"}, `(?s)^\{"data":.*"nodes":\[\].*"code":"INVALID".*"cause":"SNAPSHOT"`},
}

// TestClientsWorkAgainstTheServer runs each program against a server of its own with 200 campaigns. What
// it has to show is in its check: the pages in both directions, the filter, the optimistic name, and that
// live updates reach its cache without a request and without a warning.
func TestClientsWorkAgainstTheServer(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	folder := copyClients(t)
	database, key := demoDatabase(t)
	for _, client := range clients {
		t.Run(client.name, func(t *testing.T) {
			t.Parallel()
			address := filepath.Join(t.TempDir(), "demo.db")
			if err := os.WriteFile(address, database, 0o600); err != nil {
				t.Fatal(err)
			}
			server := run(t, "sqlite:"+address, settings(), "  Command")
			own := filepath.Join(folder, client.name)
			if client.schema {
				copySchema(t, own)
			}
			var printed string
			for _, command := range client.commands {
				printed = runClient(t, own, server.url, key, strings.Fields(command)...)
			}
			if !regexp.MustCompile(client.prints).MatchString(printed) {
				t.Errorf("it prints %s", printed)
			}
		})
	}
}

// TestGenqlientRenamesACampaignAndNothingElse compares everything that a client can read of a campaign:
// genqlient sends null for each field of the input that the program did not set.
func TestGenqlientRenamesACampaignAndNothingElse(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	folder := filepath.Join(copyClients(t), "genqlient")
	copySchema(t, folder)
	server, key := demoServer(t)
	query := func(query string) (data map[string]any) {
		t.Helper()
		body, _ := json.Marshal(map[string]string{"query": query})
		got := do(
			t, http.MethodPost, server.url+"/graphql", string(body),
			"Content-Type: application/json", "Authorization: Bearer "+key,
		)
		var answer struct{ Data map[string]map[string]any }
		if err := json.Unmarshal([]byte(got.body), &answer); err != nil || answer.Data["of"] == nil {
			t.Fatalf("%v in %s", err, got.body)
		}
		return answer.Data["of"]
	}
	id := func(filter string) string {
		t.Helper()
		nodes := query(`{ of: campaigns(first: 1, filter: ` + filter + `) { nodes { id } } }`)["nodes"].([]any)
		return nodes[0].(map[string]any)["id"].(string)
	}
	renamed := id(`{ status: [READY], scheduleType: [RECURRING], hasEmail: true, hasAudience: true }`)
	draft := id(`{ status: [DRAFT] }`)
	whole := `{ of: campaign(id: "` + renamed + `") {
		legacyId name status statusReason email { id } tags { id } approvalExplanation googleAnalyticsDomains
		schedule {
			type sendDate sendTime timeZone nextSendAt sentInstances
			recurrence { daysOfWeek daysOfMonth months hours minutes maxInstances }
		}
		audience { form rulesJson count }
		abTest { winner variations { email { id } } }
		autoResend { enabled waitDays subject preheader }
		publishOnRss s2sEnabled sendingStartedAt sendingFinishedAt createdAt
	} }`
	want := query(whole)
	if audience := want["audience"].(map[string]any); want["email"] == nil || audience["rulesJson"] == nil {
		t.Fatalf("a campaign that has nothing to lose: %v", want)
	}

	runClient(t, folder, server.url, key, "go", "tool", "genqlient")
	printed := runClient(t, folder, server.url, key, "go", "run", ".", server.url, key, renamed, draft)
	const lines = "200\n\"INVALID input.name: the campaign name is required\"\n\"Named by genqlient\"\n"
	if diff := cmp.Diff(lines, printed); diff != "" {
		t.Error(diff)
	}
	want["name"] = "Named by genqlient"
	if diff := cmp.Diff(want, query(whole)); diff != "" {
		t.Error(diff)
	}
	due := query(`{ of: campaign(id: "` + draft + `") { schedule { type nextSendAt } } }`)["schedule"].(map[string]any)
	if due["type"] != "FUTURE" || due["nextSendAt"] == nil {
		t.Errorf("the draft is due: %v", due)
	}
}

// demoDatabase returns a SQLite database with the demo account, and the account's key. Copying it
// is faster than making one for each client.
func demoDatabase(t *testing.T) (database []byte, key string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "demo.db")
	cfg := settings()
	cfg.Demo = true
	server := run(t, "sqlite:"+path, cfg, "  demo key")
	if err := server.end(); err != nil {
		t.Fatal(err)
	}
	database, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return database, demoKey.FindStringSubmatch(server.greeting[len(server.greeting)-1])[1]
}

// copyClients copies the programs to a folder in which their tools may generate code.
func copyClients(t *testing.T) string {
	t.Helper()
	modules, err := filepath.Abs(filepath.Join(clientsFolder, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, ".package-lock.json")); err != nil {
		testkit.Missing(t, "the clients are not installed: run npm ci in docs/clients")
	}
	folder := t.TempDir()
	for path, text := range clientFiles(t) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, path)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, path), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(modules, filepath.Join(folder, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return folder
}

// generatedByClients are the names of files and folders in docs/clients that tools make.
var generatedByClients = []string{"node_modules", "__generated__", "gql", "out", "generated.go", "schema.graphql"}

// clientFiles returns the files of the programs by their path within docs/clients, without generated ones.
func clientFiles(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(clientsFolder), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(generatedByClients, entry.Name()) && entry.IsDir():
			return fs.SkipDir
		case slices.Contains(generatedByClients, entry.Name()) || entry.IsDir():
			return nil
		}
		text, err := os.ReadFile(filepath.Join(clientsFolder, path))
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func copySchema(t *testing.T, folder string) {
	t.Helper()
	schema, err := os.ReadFile("../../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "schema.graphql"), schema, 0o600); err != nil {
		t.Fatal(err)
	}
}

// runClient runs a command that ends by itself and must succeed, and returns what it prints.
func runClient(t *testing.T, folder, url, key string, command ...string) string {
	t.Helper()
	if _, err := exec.LookPath(command[0]); err != nil && !strings.Contains(command[0], "/") {
		testkit.Missing(t, "no "+command[0])
	}
	if command[0] == "node" {
		// Node 20 has the WebSocket of browsers behind a flag.
		command = slices.Insert(command, 1, "--no-warnings", "--experimental-websocket")
	}
	schema, err := filepath.Abs("../../schema.graphql")
	if err != nil {
		t.Fatal(err)
	}
	run := exec.CommandContext(t.Context(), command[0], command[1:]...)
	run.Dir = folder
	run.Env = append(os.Environ(), "URL="+url, "KEY="+key, "SCHEMA="+schema, "NODE_ENV=development")
	var stdout, stderr strings.Builder
	run.Stdout, run.Stderr = &stdout, &stderr
	if err := run.Run(); err != nil {
		t.Fatalf("%v: %v\n%s\n%s", command, err, &stdout, &stderr)
	}
	return stdout.String()
}

var (
	shownRegion = regexp.MustCompile("(?ms)^```\\w+ (\\S+) (\\w+)\n(.*?)^```$")
	fileRegion  = regexp.MustCompile(`(?ms)^(?://|#) #region (\w+)\n(.*?)^(?://|#) #endregion$`)
)

// TestPageAboutClientsShowsWhatIsRun compares each example of docs/clients.md with the region of the file
// that its fence names, as in "js apollo/campaigns.mjs client". Every region is shown.
func TestPageAboutClientsShowsWhatIsRun(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	page, err := os.ReadFile("../../docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for path, text := range clientFiles(t) {
		for _, region := range fileRegion.FindAllStringSubmatch(text, -1) {
			want[path+" "+region[1]] = strings.TrimRight(region[2], "\n") + "\n"
		}
	}
	for _, shown := range shownRegion.FindAllStringSubmatch(string(page), -1) {
		got[shown[1]+" "+shown[2]] = shown[3]
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-docs/clients +docs/clients.md):\n%s", diff)
	}
	for _, client := range slices.Sorted(maps.Keys(want)) {
		if folder, _, _ := strings.Cut(client, "/"); !isClient(folder) {
			t.Errorf("%s is shown, and nothing runs it", client)
		}
	}
}

func isClient(folder string) bool {
	if folder == "genqlient" || strings.HasPrefix(folder, "facts.mjs") {
		return true
	}
	for _, client := range clients {
		if client.name == folder {
			return true
		}
	}
	return false
}
