package graph_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"campaignql/internal/testkit"
)

// TestSchemaHasNoFaultOfESLint runs the rules of graphql-eslint over the schema, and over one
// with faults that they have to find.
func TestSchemaHasNoFaultOfESLint(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		testkit.Missing(t, "node is not installed")
	}
	directory := filepath.Join("testdata", "eslint")
	if _, err := os.Stat(filepath.Join(directory, "node_modules", "eslint")); err != nil {
		testkit.Missing(t, "graphql-eslint is not installed: run npm ci in graph/testdata/eslint")
	}
	lint := func(path string) string {
		out, _ := exec.CommandContext(t.Context(), node, filepath.Join(directory, "lint.mjs"), path).CombinedOutput()
		return strings.TrimSpace(string(out))
	}
	if got := lint(filepath.Join("..", "schema.graphql")); got != "none" {
		t.Errorf("graphql-eslint finds:\n%s", got)
	}
	text := string(must(os.ReadFile(filepath.Join("..", "schema.graphql")))(t))
	faults := map[string][2]string{
		"relay-arguments": {
			"    \"Cursor before which the page ends.\"\n    before: String\n  ): TagConnection!", "  ): TagConnection!",
		},
		"relay-edge-types":           {"  \"Cursor of the tag.\"\n  cursor: String!\n", ""},
		"relay-connection-types":     {"  edges: [TagEdge!]!\n", "  edges: Int\n"},
		"relay-page-info":            {"  hasNextPage: Boolean!\n", "  hasNextPage: Boolean\n"},
		"input-name":                 {"createTag(\"The new tag.\" input:", "createTag(\"The new tag.\" tag:"},
		"require-description":        {"  \"Cursor of the email in this order.\"\n", ""},
		"require-deprecation-reason": {"  campaignCount: Int!\n", "  campaignCount: Int! @deprecated\n"},
		"no-unreachable-types":       {"\n\"A page of tags.\"", "\n\"Nothing.\"\nscalar Nothing\n\n\"A page of tags.\""},
		"no-hashtag-description":     {"\n\"A label of campaigns.\"\n", "\n# A label of campaigns.\n"},
	}
	for rule, change := range faults {
		if !strings.Contains(text, change[0]) {
			t.Errorf("%s: the schema has no %q to change", rule, change[0])
		}
		text = strings.Replace(text, change[0], change[1], 1)
	}
	path := filepath.Join(t.TempDir(), "schema.graphql")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	found := lint(path)
	for rule := range faults {
		if !strings.Contains(found, "@graphql-eslint/"+rule+":") {
			t.Errorf("%s is not found:\n%s", rule, found)
		}
	}
	script := string(must(os.ReadFile(filepath.Join(directory, "lint.mjs")))(t))
	page := string(must(os.ReadFile(filepath.Join("..", "docs", "architecture.md")))(t))
	_, list, _ := strings.Cut(script, "const notTaken = [")
	list, _, _ = strings.Cut(list, "]")
	names := regexp.MustCompile(`\'([a-z-]+)\'`).FindAllStringSubmatch(list, -1)
	for _, name := range names {
		if !strings.Contains(page, "| `"+name[1]+"` |") {
			t.Errorf("docs/architecture.md does not say why %s is not taken", name[1])
		}
	}
	if len(names) == 0 {
		t.Error("the script lists no rules that are not taken")
	}
}
