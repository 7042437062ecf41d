package graph_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// TestServerPassesTheAuditOfGraphQLOverHTTP runs the audit of package transport against the whole
// server, including middleware and authentication.
func TestServerPassesTheAuditOfGraphQLOverHTTP(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		testkit.Missing(t, "node is not installed")
	}
	directory := filepath.Join("transport", "audit")
	if _, err := os.Stat(filepath.Join(directory, "node_modules", "graphql-http")); err != nil {
		testkit.Missing(t, "the audit is not installed: run npm ci in graph/transport/audit")
	}
	s := apitest.New(t, testkit.Engines()[0].Shared(t))
	for name, authorization := range map[string]string{"nobody": "", "an account": "Bearer " + s.Account(t).Key, "a stranger": "Bearer nonsense"} {
		arguments := []string{filepath.Join(directory, "audit.mjs"), s.URL + "/graphql"}
		if authorization != "" {
			arguments = append(arguments, authorization)
		}
		out, err := exec.CommandContext(t.Context(), node, arguments...).CombinedOutput()
		if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "61 of 61") {
			t.Errorf("as %s: %v\n%s", name, err, out)
		}
	}
}
