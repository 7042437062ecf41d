package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"campaignql/internal/testkit"
	"campaignql/internal/testkit/program"
)

// TestABackupOfSQLiteUnderLoadIsRestored runs the SQLite commands of docs/operations.md. Those for
// MariaDB, MySQL and upgrades need their client programs and run in .ci/long operations.
func TestABackupOfSQLiteUnderLoadIsRestored(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	for _, program := range []string{"bash", "curl", "sqlite3"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CAMPAIGNQL_REQUIRE_ALL") == "1" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	script := exec.CommandContext(t.Context(), filepath.Join("..", "..", ".ci", "operations"), "sqlite")
	script.Env = append(environ(), "CAMPAIGNQL_BINARY="+program.Path(t))
	out, err := script.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}
