package main

import (
	"errors"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"campaignql/internal/testkit"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"campaignql": main})
}

// hunter is the password in every script. The program must never print it.
const hunter = "hunter2-hunter2"

func TestScripts(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	testscript.Run(t, scripts("testdata/script"))
}

// TestScriptsOnEveryEngine gives each script its own empty database in CAMPAIGNQL_DATABASE.
func TestScriptsOnEveryEngine(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/script/database/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			testkit.EachFresh(t, func(t *testing.T, address string) {
				params := scripts("")
				params.Files = []string{file}
				params.Setup = func(env *testscript.Env) error {
					env.Setenv("CAMPAIGNQL_DATABASE", address)
					return nil
				}
				testscript.Run(t, params)
			})
		})
	}
}

func scripts(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"refused": refused,
			"silent":  silent,
		},
	}
}

// refused runs a command line that must fail like every mistake of a caller: exit status 2, nothing
// on stdout, and one line on stderr that names the program and contains neither a stack trace nor a
// password.
func refused(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: refused command…")
	}
	err := ts.Exec(args[0], args[1:]...)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailure {
		ts.Fatalf("ended with %v, not with exit status %d", err, exitFailure)
	}
	if out := ts.ReadFile("stdout"); out != "" {
		ts.Fatalf("a refusal printed on stdout: %s", out)
	}
	line, rest, _ := strings.Cut(ts.ReadFile("stderr"), "\n")
	if !strings.HasPrefix(line, "campaignql: ") || rest != "" {
		ts.Fatalf("not one line that begins with the program's name")
	}
	for _, word := range []string{hunter, "goroutine", ".go:", "panic"} {
		if strings.Contains(line, word) {
			ts.Fatalf("the line holds %q", word)
		}
	}
}

// silent fails if the last command printed the password.
func silent(ts *testscript.TestScript, _ bool, _ []string) {
	if strings.Contains(ts.ReadFile("stdout")+ts.ReadFile("stderr"), hunter) {
		ts.Fatalf("the password was printed")
	}
}

func TestDurationsAreLoggedAsText(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]string{"json": `"took":"1.5s"`, "text": "took=1.5s"} {
		var out strings.Builder
		logger(settings{LogFormat: format}, &out).Info("done", slog.Duration("took", 1500*time.Millisecond))
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s: %s, want %s in it", format, out.String(), want)
		}
	}
}
