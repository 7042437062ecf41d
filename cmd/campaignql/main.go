// Command campaignql serves email campaigns over GraphQL and over the legacy Command API.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"unicode"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"

	"campaignql/internal/apperr"
	"campaignql/internal/store"
)

// settings are the flags that all commands share.
type settings struct {
	Database   string `env:"CAMPAIGNQL_DATABASE" default:"sqlite:campaignql.db" placeholder:"ADDRESS" help:"sqlite:PATH, sqlite::memory: or mysql://user:password@host:3306/name (${default})."`
	SecretFile string `env:"CAMPAIGNQL_SECRET_FILE" placeholder:"FILE" help:"File with the secret of the installation, the same on every server. With SQLite it is made beside the database, as campaignql.db.secret; CAMPAIGNQL_SECRET may hold the secret itself."`
	// Secret is that of CAMPAIGNQL_SECRET. It is no flag: lists of processes show flags.
	Secret    string `kong:"-"`
	LogLevel  string `env:"CAMPAIGNQL_LOG_LEVEL" default:"info" enum:"debug,info,warn,error" help:"Least important messages to log: ${enum}."`
	LogFormat string `env:"CAMPAIGNQL_LOG_FORMAT" default:"auto" enum:"auto,text,json" help:"How to log: text, json, or text on a terminal and json elsewhere (${enum})."`
}

type commandLine struct {
	settings
	Serve          serveCommand    `cmd:"" help:"Serve the API."`
	Migrate        migrateCommand  `cmd:"" help:"Bring the database up to date."`
	User           userCommands    `cmd:"" help:"Accounts."`
	Key            keyCommands     `cmd:"" help:"API keys."`
	Import         importCommands  `cmd:"" help:"Bring data in from files."`
	SecretCommands secretCommands  `cmd:"" name:"secret" help:"The secret of the installation."`
	Sending        sendingCommands `cmd:"" help:"What the built-in sender does."`
	Recount        recountCommand  `cmd:"" help:"Count the events of campaigns and the bounces of contacts anew, print and correct what differs."`
	Version        versionCommand  `cmd:"" help:"Print version, commit, date of the commit and Go version."`

	Translate  translateCommand          `cmd:"" help:"Print a legacy request as GraphQL."`
	Help       helpCommand               `cmd:"" help:"Explain a command."`
	Completion kongcompletion.Completion `cmd:"" help:"Print what makes a shell complete commands and flags."`

	ShowVersion kong.VersionFlag `name:"version" help:"Print version, commit, date of the commit and Go version."`
}

// environment is what a command needs from the process.
type environment struct {
	settings
	stdin          *os.File
	stdout, stderr io.Writer
	log            *slog.Logger
}

// open opens the database and applies the migrations that it lacks.
func (e *environment) open(ctx context.Context) (*store.Store, error) {
	db, err := e.reach(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := db.Migrate(ctx); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// reach opens the database without migrating it.
func (e *environment) reach(ctx context.Context) (*store.Store, error) {
	db, err := store.Open(ctx, e.Database, store.Options{})
	if err != nil {
		return nil, fmt.Errorf("--database: %w", err)
	}
	return db, nil
}

// exitFailure is the exit status of every error, for example a wrong flag, or a database that cannot
// be reached.
const exitFailure = 2

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

func run(args []string, stdin *os.File, stdout, stderr io.Writer) int {
	var line commandLine
	exit := -1
	parser, err := kong.New(
		&line,
		kong.Name("campaignql"),
		kong.Description("Email campaigns over GraphQL and over the legacy Command API."),
		kong.UsageOnError(),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { exit = code }),
		kong.Vars{"version": versionLine()},
	)
	if err != nil {
		return fail(stderr, err)
	}
	kongcompletion.Register(parser)
	parsed, err := parser.Parse(args)
	if exit >= 0 {
		return exit // kong has printed help or the version
	}
	if err != nil {
		return fail(stderr, err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	line.Secret = os.Getenv("CAMPAIGNQL_SECRET")
	env := &environment{
		settings: line.settings, stdin: stdin, stdout: stdout, stderr: stderr, log: logger(line.settings, stderr),
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(env); err != nil {
		return fail(stderr, err)
	}
	return 0
}

// fail prints the error on one line and returns the exit status.
func fail(stderr io.Writer, err error) int {
	text := err.Error()
	if all := apperr.All(err); len(all) > 0 && all[0].Err != nil {
		text += ": " + all[0].Err.Error()
	}
	fmt.Fprintln(stderr, "campaignql:", strings.ReplaceAll(text, "\n", "; "))
	return exitFailure
}

// flagged replaces the input fields in errors of a domain by the names of the flags, for example
// --time-zone for timeZone.
func flagged(err error) error { return flaggedAs(nil, err) }

// flaggedAs is flagged where fields have flags of other names.
func flaggedAs(flags map[string]string, err error) error {
	var named apperr.Faults
	for _, fault := range apperr.All(err) {
		shown := *fault
		if shown.Field != "" {
			flag, known := flags[shown.Field]
			if !known {
				flag = flagOf(shown.Field)
			}
			shown.Field = "--" + flag
		}
		named.Add(&shown)
	}
	if out := named.Err(); out != nil {
		return out
	}
	return err
}

func flagOf(field string) string {
	switch field {
	case "expiresAt":
		return "expires"
	case "scopes":
		return "scope"
	}
	var flag strings.Builder
	for _, r := range field {
		if unicode.IsUpper(r) {
			flag.WriteByte('-')
		}
		flag.WriteRune(unicode.ToLower(r))
	}
	return flag.String()
}

func logger(s settings, out io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(s.LogLevel)) // kong accepts only valid levels
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: readable}
	if s.LogFormat == "json" || s.LogFormat == "auto" && !isTerminal(out) {
		return slog.New(slog.NewJSONHandler(out, options))
	}
	return slog.New(slog.NewTextHandler(out, options))
}

// readable writes durations as text, for example 1.5s, because slog's JSON would write nanoseconds.
func readable(_ []string, attr slog.Attr) slog.Attr {
	if attr.Value.Kind() == slog.KindDuration {
		attr.Value = slog.StringValue(attr.Value.Duration().String())
	}
	return attr
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
