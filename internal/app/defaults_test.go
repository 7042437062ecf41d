package app_test

import (
	"go/constant"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"campaignql/graph/guard"
	"campaignql/internal/config"
)

// TestPackagesHaveTheDefaultsOfTheSettings compares the defaults of config with those that the
// packages use by themselves, for example in their tests.
func TestPackagesHaveTheDefaultsOfTheSettings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ flag, folder, pattern string }{
		{"max-graphql-body", "graph/transport", `DefaultMaxBody = (.+)`},
		{"max-batch-body", "graph", `defaultMaxBatchBody += (.+)`},
		{"max-command-body", "internal/command", `DefaultMaxBody = (.+)`},
		{"max-body-memory", "internal/surface", `defaultBodyMemory += (.+)`},
		{"timeout", "graph", `options\.Timeout = (.+)`},
		{"timeout", "graph/ingest", `opts\.Timeout = (.+)`},
		{"timeout", "graph/download", `opts\.Timeout = (.+)`},
		{"timeout", "internal/export", `s\.timeout = (.+)`},
		{"timeout", "internal/command", `defaultTimeout = (.+)`},
		{"client-timeout", "internal/surface", `DefaultClientTimeout = (.+)`},
		{"shutdown-grace", "internal/store", `cmp\.Or\(opts\.MigrationGrace, (.+?)\)`},
		{"session-ttl", "internal/account", `s\.ttl = (.+)`},
		{"login-failures", "internal/account", `s\.failures = (.+)`},
		{"soft-bounce-limit", "internal/event", `DefaultSoftBounceLimit = (.+)`},
		{"max-socket-operations", "graph/transport", `defaultSocketOperations += (.+)`},
		{"max-anonymous-sockets", "graph", `defaultMaxAnonymousSockets += (.+)`},
		{"max-answer", "internal/budget", `DefaultAnswer, DefaultAnswers = (.+), .+`},
		{"max-answers", "internal/budget", `DefaultAnswer, DefaultAnswers = .+, (.+)`},
		{"max-account-heavy", "internal/store", `defaultAccountHeavy = (.+)`},
		{"max-connections", "internal/store", `limit = (\d+)$`},
		{"statement-timeout", "internal/store", `cmp\.Or\(opts\.StatementTimeout, (.+?)\)`},
		{"max-subscriptions", "internal/live", `PerAccount = (.+)`},
		{"live-interval", "internal/live", `MinInterval = (.+)`},
	} {
		if got, want := value(t, tt.folder, tt.pattern), setting(t, tt.flag); got != want {
			t.Errorf("%s: the default of --%s is %d, that of config %d", tt.folder, tt.flag, got, want)
		}
	}
	limits := guard.DefaultLimits()
	for flag, got := range map[string]int{
		"max-depth": limits.Depth, "max-complexity": limits.Complexity, "max-tokens": limits.Tokens,
	} {
		if want := setting(t, flag); int64(got) != want {
			t.Errorf("guard: the default of --%s is %d, that of config %d", flag, got, want)
		}
	}
}

// TestTranslateKnowsTheLimitsOfGraphQL compares the limits by which translate divides a request
// with those that GraphQL checks.
func TestTranslateKnowsTheLimitsOfGraphQL(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{`\bmaxIDs += (\d+)`, `\bmaxFilterTags += (\d+)`} {
		if got, want := value(t, "internal/translate", pattern), value(t, "graph", pattern); got != want {
			t.Errorf("%s: %d in translate, %d in graph", pattern, got, want)
		}
	}
}

// setting returns the default of a flag; durations are in nanoseconds.
func setting(t *testing.T, flag string) int64 {
	t.Helper()
	for _, field := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		if field.Tag.Get("name") != flag {
			continue
		}
		text := field.Tag.Get("default")
		if field.Type == reflect.TypeFor[time.Duration]() {
			d, err := time.ParseDuration(text)
			if err != nil {
				t.Fatal(err)
			}
			return int64(d)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	t.Fatalf("there is no setting --%s", flag)
	return 0
}

// value returns the value of the constant expression that the pattern captures in the files of a
// folder. It must occur once.
func value(t *testing.T, folder, pattern string) int64 {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "..", folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?m)`+pattern).FindAllStringSubmatch(string(source), -1) {
			found = append(found, match[1])
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s: %q occurs %d times: the test has lost sight of it", folder, pattern, len(found))
	}
	clock := types.NewPackage("time", "time")
	for name, d := range map[string]time.Duration{
		"Millisecond": time.Millisecond, "Second": time.Second, "Minute": time.Minute, "Hour": time.Hour,
	} {
		clock.Scope().Insert(
			types.NewConst(token.NoPos, clock, name, types.Typ[types.UntypedInt], constant.MakeInt64(int64(d))),
		)
	}
	scope := types.NewPackage("defaults", "defaults")
	scope.Scope().Insert(types.NewPkgName(token.NoPos, scope, "time", clock))
	result, err := types.Eval(token.NewFileSet(), scope, token.NoPos, found[0])
	if err != nil {
		t.Fatalf("%s: %s: %v", folder, found[0], err)
	}
	n, exact := constant.Int64Val(constant.ToInt(result.Value))
	if !exact {
		t.Fatalf("%s: %s is no whole number", folder, found[0])
	}
	return n
}
