package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strings"
	"testing"

	"campaignql/internal/testkit"
)

func TestVersionIsStampedOrRecorded(t *testing.T) {
	t.Parallel()
	recorded := func(version string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Version: version}, Settings: settings}
	}
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123abc"}
	at := debug.BuildSetting{Key: "vcs.time", Value: "2026-11-29T22:13:00Z"}
	for name, test := range map[string]struct {
		stamped build
		info    *debug.BuildInfo
		want    build
	}{
		"nothing is known": {build{}, nil, build{"development", "unknown", "unknown"}},
		"no repository":    {build{}, recorded("(devel)"), build{"development", "unknown", "unknown"}},
		"go build": {
			build{}, recorded("v0.0.0-20261129221300-0123abc", revision, at),
			build{"v0.0.0-20261129221300-0123abc", "0123abc", "2026-11-29T22:13:00Z"},
		},
		"go build of modified source": {
			build{}, recorded("v1.2.0+dirty", revision, at, debug.BuildSetting{Key: "vcs.modified", Value: "true"}),
			build{"v1.2.0+dirty", "0123abc-dirty", "2026-11-29T22:13:00Z"},
		},
		"go install of a version": {build{}, recorded("v1.2.0"), build{"v1.2.0", "unknown", "unknown"}},
		"a release": {
			build{"v1.3.0", "4567def", "2026-12-01T08:00:00Z"}, recorded("(devel)", revision, at),
			build{"v1.3.0", "4567def", "2026-12-01T08:00:00Z"},
		},
		"only the version is stamped": {
			build{version: "v1.3.0"}, recorded("(devel)", revision, at),
			build{"v1.3.0", "0123abc", "2026-11-29T22:13:00Z"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := describe(test.stamped, test.info); got != test.want {
				t.Errorf("%+v, want %+v", got, test.want)
			}
		})
	}
}

// TestAPlainBuildKnowsItsCommit builds version.go in a separate repository, with the defaults of
// `go build` and `go install`.
func TestAPlainBuildKnowsItsCommit(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	if _, err := exec.LookPath("git"); err != nil {
		if os.Getenv("CAMPAIGNQL_REQUIRE_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	folder, installed := t.TempDir(), t.TempDir()
	source, err := os.ReadFile("version.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"go.mod":     "module campaignql\n",
		"version.go": string(source),
		"main.go":    "package main\n\nfunc main() { print(versionLine()) }\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run := func(name string, args ...string) string {
		t.Helper()
		command := exec.Command(name, args...)
		command.Dir = folder
		command.Env = append(
			os.Environ(), "GOFLAGS=-buildvcs=auto", "GOBIN="+installed, "GIT_CONFIG_GLOBAL="+os.DevNull,
		)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %v: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	run("git", "init", "-q")
	run("git", "add", ".")
	run("git", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "-m", "first")
	revision := strings.TrimSpace(run("git", "rev-parse", "HEAD"))

	run("go", "build", "-o", "campaignql", ".")
	want := regexp.MustCompile(`^campaignql v\d\S* ` + revision + ` \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ go1\.\S+$`)
	if got := run("./campaignql"); !want.MatchString(got) {
		t.Errorf("after go build: %q", got)
	}
	run("go", "install", ".") // the binary built before makes the working tree dirty
	if got := run(filepath.Join(installed, "campaignql")); !strings.Contains(got, " "+revision+"-dirty ") {
		t.Errorf("after go install of modified source: %q", got)
	}
	run("go", "build", "-ldflags", "-X main.version=v9.9.9", "-o", "campaignql", ".")
	if got := run("./campaignql"); !strings.HasPrefix(got, "campaignql v9.9.9 "+revision) {
		t.Errorf("of a stamped build: %q", got)
	}
}
