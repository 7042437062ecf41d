package transport

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestAuditOfTheSpecificationIsPassed runs audit/audit.mjs, which needs node and "npm ci" in that
// directory. Without them the test is skipped, unless CAMPAIGNQL_REQUIRE_ALL=1 forbids skipping.
func TestAuditOfTheSpecificationIsPassed(t *testing.T) {
	t.Parallel()
	node, script := audit(t)
	server := httptest.NewServer(newServer(t, HTTP{}, nil))
	defer server.Close()

	out, err := exec.CommandContext(t.Context(), node, script, server.URL).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if got := lines[len(lines)-1]; got != "61 of 61" {
		t.Errorf("the audit says %q:\n%s", got, out)
	}
}

// audit returns the paths of node and of the script.
func audit(t *testing.T) (node, script string) {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node is not installed")
	}
	if _, err := os.Stat(filepath.Join("audit", "node_modules", "graphql-http")); err != nil {
		missing(t, "the audit is not installed: run npm ci in graph/transport/audit")
	}
	return node, filepath.Join("audit", "audit.mjs")
}

func missing(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CAMPAIGNQL_REQUIRE_ALL") == "1" {
		t.Fatalf("GRAPHQL-OVER-HTTP AUDIT NOT RUN: %s", why)
	}
	t.Skipf("GRAPHQL-OVER-HTTP AUDIT NOT RUN: %s", why)
}

// TestAuditFailsWhatIsNotGraphQL checks that the audit can fail.
func TestAuditFailsWhatIsNotGraphQL(t *testing.T) {
	t.Parallel()
	node, script := audit(t)
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	out, err := exec.CommandContext(t.Context(), node, script, server.URL).CombinedOutput()
	if status := (*exec.ExitError)(nil); !errors.As(err, &status) || status.ExitCode() != 1 {
		t.Errorf("%v, want exit status 1\n%s", err, out)
	}
}
