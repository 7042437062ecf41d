// Package program builds the program for tests that run it as a process. Only tests import it.
package program

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// Variable names the environment variable with the path of a program that is built already, which
// the tests of all packages then run. Without it each package that needs the program builds it once.
const Variable = "CAMPAIGNQL_TEST_BINARY"

const folderPrefix = "campaignql-program-"

// built is the program, built once for all tests of a process.
var built struct {
	sync.Once
	path string
	err  error
}

// Path returns the path of the program.
func Path(t testing.TB) string {
	t.Helper()
	built.Do(func() {
		if built.path = os.Getenv(Variable); built.path != "" {
			_, built.err = os.Stat(built.path)
			return
		}
		removeOld()
		var folder string
		if folder, built.err = os.MkdirTemp("", folderPrefix); built.err != nil {
			return
		}
		built.path = filepath.Join(folder, "campaignql")
		// Without debug information, as it is shipped: linking that takes longer than all else.
		build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", built.path, "campaignql/cmd/campaignql")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return built.path
}

// removeOld removes programs of runs that ended over an hour ago. A package does not know when the last
// test of a run has ended.
func removeOld() {
	left, _ := filepath.Glob(filepath.Join(os.TempDir(), folderPrefix+"*"))
	for _, folder := range left {
		if info, err := os.Stat(folder); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(folder)
		}
	}
}
