package config_test

import (
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"

	"campaignql/internal/config"
)

// parse parses a command line as the program does, including the defaults.
func parse(t *testing.T, args ...string) (config.Config, error) {
	t.Helper()
	var line struct{ config.Config }
	parser, err := kong.New(&line, kong.Exit(func(int) {}))
	if err != nil {
		t.Fatal(err)
	}
	_, err = parser.Parse(args)
	return line.Config, err
}

// defaults are the settings of an empty command line.
func defaults() config.Config {
	return config.Config{
		Listen:         "127.0.0.1:8080",
		AccessLog:      "auto",
		Explorer:       true,
		Migrate:        true,
		Introspection:  true,
		MaxDepth:       12,
		MaxComplexity:  20_000,
		MaxTokens:      2000,
		MaxGraphQLBody: 1 << 20,
		MaxBatchBody:   16 << 20,
		MaxCommandBody: 10 << 20,
		Timeout:        30 * time.Second,
		ClientTimeout:  30 * time.Second,
		ShutdownGrace:  15 * time.Second,
		SessionTTL:     24 * time.Hour,
		LoginFailures:  10,
		Bounces:        config.Bounces{SoftBounceLimit: 5},
		Sending: config.Sending{
			Sending: true, SendingConnections: 8, SendingBurst: 64, SendingLease: time.Minute, GiveUp: 24 * time.Hour,
			MaxLateness: 4 * time.Hour, InDoubt: "hold",
		},
		MaxClients:          2000,
		MaxAddressClients:   500,
		MaxRequests:         1000,
		MaxAccountRequests:  200,
		MaxSubscriptions:    100,
		MaxSocketOperations: 32,
		MaxSockets:          1000,
		MaxAccountSockets:   100,
		MaxAnonymousSockets: 64,
		MaxDownloads:        32,
		MaxAccountDownloads: 8,
		LiveInterval:        500 * time.Millisecond,
		MaxBodyMemory:       128 << 20,
		MaxStreams:          32,
		MaxAccountStreams:   8,
		MaxAnswer:           32 << 20,
		MaxAnswers:          128 << 20,
		MaxAccountHeavy:     2,
		MaxConnections:      32,
		StatementTimeout:    time.Minute,
		SlowQuery:           time.Second,
	}
}

func TestWhatIsNotSaidTakesTheDocumentedDefault(t *testing.T) {
	t.Parallel()
	got, err := parse(t)
	if diff := cmp.Diff(defaults(), got); err != nil || diff != "" {
		t.Error(err, diff)
	}
	if err := got.Validate(); err != nil {
		t.Errorf("the defaults are at fault: %v", err)
	}
}

func TestAFlagOverridesTheEnvironment(t *testing.T) {
	t.Setenv("CAMPAIGNQL_LISTEN", "0.0.0.0:80")
	t.Setenv("CAMPAIGNQL_CORS_ORIGINS", "https://a.example.com,https://b.example.com")
	t.Setenv("CAMPAIGNQL_EXPLORER", "false")
	t.Setenv("CAMPAIGNQL_TIMEOUT", "5s")
	t.Setenv("CAMPAIGNQL_OPERATIONS", "operations, and more")
	want := defaults()
	want.Operations = "operations, and more"
	want.Listen, want.CORSOrigins, want.Explorer, want.Timeout, want.Migrate = "0.0.0.0:80", []string{
		"https://a.example.com", "https://b.example.com",
	}, false, 10*time.Second, false
	got, err := parse(t, "--timeout", "10s", "--no-migrate")
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

// settings are the fields that are settings, not groups of them.
func settings() []reflect.StructField {
	return slices.DeleteFunc(
		reflect.VisibleFields(reflect.TypeFor[config.Config]()), func(f reflect.StructField) bool { return f.Anonymous },
	)
}

func TestEverySettingHasAVariableAndAText(t *testing.T) {
	t.Parallel()
	for _, field := range settings() {
		if !strings.HasPrefix(field.Tag.Get("env"), "CAMPAIGNQL_") || field.Tag.Get("name") == "" ||
			!strings.HasSuffix(field.Tag.Get("help"), ".") {
			t.Errorf("%s is tagged %s", field.Name, field.Tag)
		}
		if _, negatable := field.Tag.Lookup("negatable"); negatable != (field.Tag.Get("default") == "true") {
			t.Errorf(
				"%s: a switch that is on, and no other, is turned off by --no-%s", field.Name, field.Tag.Get("name"),
			)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*config.Config)
		// want is the flag in the error, or empty if the value is valid.
		want string
	}{
		{"every interface", func(c *config.Config) { c.Listen = ":8080" }, ""},
		{"a free port", func(c *config.Config) { c.Listen = "[::1]:0" }, ""},
		{"a named port", func(c *config.Config) { c.Listen = "localhost:http" }, ""},
		{"no port", func(c *config.Config) { c.Listen = "localhost" }, "listen"},
		{"a port beyond the last", func(c *config.Config) { c.Listen = "localhost:65536" }, "listen"},
		{"a port below the first", func(c *config.Config) { c.Listen = "localhost:-1" }, "listen"},
		{"an address without brackets", func(c *config.Config) { c.Listen = "::1:80" }, "listen"},
		{"no address", func(c *config.Config) { c.Listen = "" }, "listen"},

		{"a public URL", func(c *config.Config) { c.PublicURL = "https://example.com/mail/" }, ""},
		{"a public URL without scheme", func(c *config.Config) { c.PublicURL = "example.com" }, "public-url"},
		{"a public URL of another scheme", func(c *config.Config) { c.PublicURL = "ftp://example.com" }, "public-url"},
		{"a public URL without host", func(c *config.Config) { c.PublicURL = "https:///mail" }, "public-url"},
		{
			"a public URL with a query", func(c *config.Config) { c.PublicURL = "https://example.com/?a=b" },
			"public-url",
		},
		{
			"a public URL with a user", func(c *config.Config) { c.PublicURL = "https://ann:secret@example.com" },
			"public-url",
		},

		{
			"origins",
			func(c *config.Config) { c.CORSOrigins = []string{"https://a.example.com", "http://localhost:3000"} }, "",
		},
		{
			"an origin with a slash, which no browser sends",
			func(c *config.Config) { c.CORSOrigins = []string{"https://a.example.com/"} }, "cors-origin",
		},
		{
			"an origin with a path", func(c *config.Config) { c.CORSOrigins = []string{"https://a.example.com/app"} },
			"cors-origin",
		},
		{
			"an origin in capitals, which no browser sends",
			func(c *config.Config) { c.CORSOrigins = []string{"https://A.example.com"} }, "cors-origin",
		},
		{"every origin", func(c *config.Config) { c.CORSOrigins = []string{"*"} }, "cors-origin"},
		{"the origin of a file", func(c *config.Config) { c.CORSOrigins = []string{"null"} }, "cors-origin"},
		{
			"an origin with a user",
			func(c *config.Config) { c.CORSOrigins = []string{"https://ann:secret@a.example.com"} }, "cors-origin",
		},
		{"an empty origin", func(c *config.Config) { c.CORSOrigins = []string{""} }, "cors-origin"},

		{"no depth", func(c *config.Config) { c.MaxDepth = 0 }, "max-depth"},
		{"no complexity", func(c *config.Config) { c.MaxComplexity = -1 }, "max-complexity"},
		{"no tokens", func(c *config.Config) { c.MaxTokens = 0 }, "max-tokens"},
		{"no body of GraphQL", func(c *config.Config) { c.MaxGraphQLBody = 0 }, "max-graphql-body"},
		{"no body of a batch", func(c *config.Config) { c.MaxBatchBody = 0 }, "max-batch-body"},
		{
			"a body of a batch that is smaller than others", func(c *config.Config) { c.MaxBatchBody = 1<<20 - 1 },
			"max-batch-body",
		},
		{"a body of a batch like others", func(c *config.Config) { c.MaxBatchBody = 1 << 20 }, ""},
		{"no body of a command", func(c *config.Config) { c.MaxCommandBody = 0 }, "max-command-body"},
		{"no time", func(c *config.Config) { c.Timeout = 0 }, "timeout"},
		{"no grace", func(c *config.Config) { c.ShutdownGrace = -time.Second }, "shutdown-grace"},
		{"no session", func(c *config.Config) { c.SessionTTL = 0 }, "session-ttl"},
		{"no failures", func(c *config.Config) { c.LoginFailures = 0 }, "login-failures"},
		{"no soft bounces", func(c *config.Config) { c.SoftBounceLimit = 0 }, "soft-bounce-limit"},
		{"one soft bounce", func(c *config.Config) { c.SoftBounceLimit = 1 }, ""},
		{"soft bounces of years", func(c *config.Config) { c.SoftBounceLimit = 1001 }, "soft-bounce-limit"},
		{"no clients", func(c *config.Config) { c.MaxClients = 0 }, "max-clients"},
		{"no clients of an address", func(c *config.Config) { c.MaxAddressClients = 0 }, "max-address-clients"},
		{"no requests", func(c *config.Config) { c.MaxRequests = 0 }, "max-requests"},
		{"no requests of an account", func(c *config.Config) { c.MaxAccountRequests = -1 }, "max-account-requests"},
		{"no subscriptions", func(c *config.Config) { c.MaxSubscriptions = 0 }, "max-subscriptions"},
		{
			"no operations over a WebSocket", func(c *config.Config) { c.MaxSocketOperations = 0 },
			"max-socket-operations",
		},
		{"no WebSockets", func(c *config.Config) { c.MaxSockets = 0 }, "max-sockets"},
		{"no WebSockets of an account", func(c *config.Config) { c.MaxAccountSockets = 0 }, "max-account-sockets"},
		{"no anonymous WebSockets", func(c *config.Config) { c.MaxAnonymousSockets = 0 }, "max-anonymous-sockets"},
		{
			"proxies",
			func(c *config.Config) { c.TrustedProxies = []string{"10.0.0.0/8", "192.0.2.1", "2001:db8::/32", "::1"} },
			"",
		},
		{
			"a proxy by name", func(c *config.Config) { c.TrustedProxies = []string{"proxy.example.com"} },
			"trusted-proxy",
		},
		{"a proxy with a port", func(c *config.Config) { c.TrustedProxies = []string{"10.0.0.1:80"} }, "trusted-proxy"},
		{
			"a network that is too long", func(c *config.Config) { c.TrustedProxies = []string{"10.0.0.0/33"} },
			"trusted-proxy",
		},
		{"no proxy", func(c *config.Config) { c.TrustedProxies = []string{""} }, "trusted-proxy"},
		{"answers of nothing", func(c *config.Config) { c.MaxAnswer = 0 }, "max-answer"},
		{"no memory for one answer", func(c *config.Config) { c.MaxAnswers = c.MaxAnswer - 1 }, "max-answers"},
		{"fewer heavy than none", func(c *config.Config) { c.MaxHeavy = -1 }, "max-heavy"},
		{"no heavy work", func(c *config.Config) { c.MaxAccountHeavy = 0 }, "max-account-heavy"},
		{"no downloads", func(c *config.Config) { c.MaxDownloads = -1 }, "max-downloads"},
		{"no downloads of an account", func(c *config.Config) { c.MaxAccountDownloads = 0 }, "max-account-downloads"},
		{"no streams", func(c *config.Config) { c.MaxStreams = 0 }, "max-streams"},
		{"no streams of an account", func(c *config.Config) { c.MaxAccountStreams = 0 }, "max-account-streams"},
		{"no memory for bodies", func(c *config.Config) { c.MaxBodyMemory = 0 }, "max-body-memory"},
		{"no memory for the largest body", func(c *config.Config) { c.MaxBatchBody = 64 << 20 }, "max-body-memory"},
		{
			"more than two updates a second", func(c *config.Config) { c.LiveInterval = 499 * time.Millisecond },
			"live-interval",
		},
		{"fewer updates", func(c *config.Config) { c.LiveInterval = 5 * time.Second }, ""},
		{"no connections", func(c *config.Config) { c.MaxConnections = 0 }, "max-connections"},
		{"no connections to send", func(c *config.Config) { c.SendingConnections = 0 }, "sending-connections"},
		{"an empty burst", func(c *config.Config) { c.SendingBurst = 0 }, "sending-burst"},
		{"no lease", func(c *config.Config) { c.SendingLease = -1 }, "sending-lease"},
		{"nothing is tried again", func(c *config.Config) { c.GiveUp = 0 }, "give-up"},
		{"everything is late", func(c *config.Config) { c.MaxLateness = 0 }, "max-lateness"},
		{"no time for a statement", func(c *config.Config) { c.StatementTimeout = 0 }, "statement-timeout"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			cfg := defaults()
			test.change(&cfg)
			err := cfg.Validate()
			if test.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			text := fmt.Sprint(err)
			if !strings.HasPrefix(text, "--"+test.want+": ") || strings.Contains(text, "\n") ||
				strings.Contains(text, "secret") {
				t.Errorf("got %q, want one fault of --%s", text, test.want)
			}
		})
	}
}

func TestValidateTellsEveryFaultAtOnce(t *testing.T) {
	t.Parallel()
	err := config.Config{CORSOrigins: []string{"a", "b"}}.Validate()
	var flags []string
	for line := range strings.Lines(fmt.Sprint(err)) {
		flag, _, _ := strings.Cut(line, ":")
		flags = append(flags, flag)
	}
	want := []string{
		"--listen",
		"--cors-origin",
		"--cors-origin",
		"--max-depth",
		"--max-complexity",
		"--max-tokens",
		"--max-graphql-body",
		"--max-batch-body",
		"--max-command-body",
		"--timeout",
		"--client-timeout",
		"--shutdown-grace",
		"--session-ttl",
		"--login-failures",
		"--max-connections",
		"--statement-timeout",
		"--max-clients",
		"--max-address-clients",
		"--max-requests",
		"--max-account-requests",
		"--max-subscriptions",
		"--max-socket-operations",
		"--max-sockets",
		"--max-account-sockets",
		"--max-body-memory",
		"--max-streams",
		"--max-account-streams",
		"--max-anonymous-sockets",
		"--max-downloads",
		"--max-account-downloads",
		"--sending-connections",
		"--sending-burst",
		"--sending-lease",
		"--give-up",
		"--max-lateness",
		"--max-answer",
		"--max-answers",
		"--max-account-heavy",
		"--soft-bounce-limit",
		"--live-interval",
	}
	if diff := cmp.Diff(want, flags); diff != "" {
		t.Error(diff)
	}
}

// TestTheReadmeTellsOfEverySetting checks the table in the README: flag, variable and default.
func TestTheReadmeTellsOfEverySetting(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range settings() {
		row := regexp.MustCompile("(?m)^\\| `--" + field.Tag.Get("name") + "` \\| `" + field.Tag.Get("env") + "` \\| ([^|]+) \\| [^|]+ \\|$").
			FindSubmatch(readme)
		if row == nil {
			t.Errorf("the README has no row for --%s and %s", field.Tag.Get("name"), field.Tag.Get("env"))
			continue
		}
		if want := field.Tag.Get("default"); want != "" && want != "true" && strings.Trim(string(row[1]), "`") != want {
			t.Errorf("--%s has the default %s, the README says %s", field.Tag.Get("name"), want, row[1])
		}
	}
}

func TestProxiesAreNetworksOfEitherFamily(t *testing.T) {
	t.Parallel()
	networks, err := config.Config{
		TrustedProxies: []string{
			"10.1.2.3/8", " 192.0.2.1", "::ffff:198.51.100.1", "::ffff:203.0.113.0/120", "2001:db8::1/32",
		},
	}.Proxies()
	if err != nil {
		t.Fatal(err)
	}
	const want = "[10.0.0.0/8 192.0.2.1/32 198.51.100.1/32 203.0.113.0/24 2001:db8::/32]"
	if got := fmt.Sprint(networks); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
