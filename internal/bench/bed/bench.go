package bed

import (
	"context"
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"campaignql/internal/store"
)

// Bench is a benchmark: what its command line says, and what it does on one engine. The rest is the same for all.
type Bench struct {
	// Name is that of its target in the Makefile; errors begin with it.
	Name string
	// Flags defines flags besides -engine.
	Flags func(*flag.FlagSet)
	// Begin checks the flags and says what is measured, for the first line.
	Begin func() (about string, err error)
	// Engines is how the names of the engines begin on which it measures unless -engine names
	// others; all of them if there are none such.
	Engines string
	// Measure measures on one engine and prints what it found.
	Measure func(ctx context.Context, s *Site) error
}

// Site is where a benchmark measures: an engine, and a folder for files, which goes when the benchmark ends.
type Site struct {
	Engine
	Dir   string
	build func(context.Context) (string, error)
}

// Binary returns the product as it is released, which is built when it is first asked for.
func (s *Site) Binary(ctx context.Context) (string, error) { return s.build(ctx) }

// Main runs the benchmark as its command line says. It is a whole main function.
func (b Bench) Main() { Run(b.Name, b.run) }

// Run runs what a process is for until it ends or is told to stop. It is a whole main function.
func Run(name string, do func(ctx context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := do(ctx)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, name+":", err)
		os.Exit(1)
	}
}

func (b Bench) run(ctx context.Context) (err error) {
	flags := flag.NewFlagSet(b.Name, flag.ContinueOnError)
	asked := flags.String(
		"engine", "",
		"measure on engines whose `name` begins so alone, such as sqlite or mysql-3306; CAMPAIGNQL_BENCH_MYSQL names the servers",
	)
	b.Flags(flags)
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	about, err := b.Begin()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "campaignql-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	engines, err := chosen(Engines(dir), *asked, b.Engines)
	if err != nil {
		return err
	}
	binary := ""
	build := func(ctx context.Context) (_ string, err error) {
		if binary == "" {
			binary, err = Build(ctx, dir)
		}
		return binary, err
	}
	fmt.Printf("%s, %d cores, load %s; %s\n", runtime.Version(), runtime.NumCPU(), LoadAverage(), about)
	for _, e := range engines {
		version, err := e.version(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		fmt.Printf("\n%s: %s\n", e.Name, version)
		if err := b.Measure(ctx, &Site{Engine: e, Dir: dir, build: build}); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return nil
}

// chosen returns the engines whose names begin as asked, or else as the benchmark would have it.
func chosen(all []Engine, asked, otherwise string) ([]Engine, error) {
	named := func(prefix string) (some []Engine) {
		for _, e := range all {
			if strings.HasPrefix(e.Name, prefix) {
				some = append(some, e)
			}
		}
		return some
	}
	if asked == "" {
		if some := named(otherwise); len(some) > 0 {
			return some, nil
		}
		return slices.Clone(all), nil
	}
	some := named(asked)
	if len(some) == 0 {
		return nil, fmt.Errorf("no engine %q: CAMPAIGNQL_BENCH_MYSQL names the servers", asked)
	}
	return some, nil
}

// version says what the times depend on most: the version, and of a server how much it keeps in memory.
func (e Engine) version(ctx context.Context) (_ string, err error) {
	var version string
	if !e.MySQL() {
		db, err := store.Open(ctx, "sqlite::memory:", store.Options{})
		if err != nil {
			return "", err
		}
		err = db.Pools()[0].QueryRowContext(ctx, "SELECT sqlite_version()").Scan(&version)
		return version, errors.Join(err, db.Close())
	}
	var pool int64
	err = e.administer(func(db *sql.DB) error {
		return db.QueryRowContext(ctx, "SELECT VERSION(), @@innodb_buffer_pool_size").Scan(&version, &pool)
	})
	return fmt.Sprintf("%s, innodb_buffer_pool_size %d MiB", version, pool>>20), err
}
