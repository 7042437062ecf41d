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

// Bench is a benchmark: its command line, and its measurement on one engine. Everything else is
// common to all benchmarks.
type Bench struct {
	// Name is the name of the target in the Makefile. It is the prefix of errors.
	Name string
	// Flags defines flags in addition to -engine.
	Flags func(*flag.FlagSet)
	// Begin checks the flags and returns a description of the measurement for the first line.
	Begin func() (about string, err error)
	// Engines is the prefix of the names of the engines to measure on if -engine is not set. If no
	// engine has the prefix, the benchmark measures on all engines.
	Engines string
	// Measure measures on one engine and prints the result.
	Measure func(ctx context.Context, s *Site) error
}

// Site is the place of a measurement: an engine, and a folder for files that is deleted when the
// benchmark ends.
type Site struct {
	Engine
	Dir   string
	build func(context.Context) (string, error)
}

// Binary returns the path of the product, built like a release. The first call builds it.
func (s *Site) Binary(ctx context.Context) (string, error) { return s.build(ctx) }

// Main runs the benchmark as its command line says. It is the whole body of a main function.
func (b Bench) Main() { Run(b.Name, b.run) }

// Run runs do. The context of do ends on an interrupt or a termination signal. If do fails, Run
// prints the error and exits with status 1. It is the whole body of a main function.
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
	asked := flags.String("engine", "", "measure only on engines whose `name` begins with this, "+
		"such as sqlite or mysql-3306; CAMPAIGNQL_BENCH_MYSQL names the servers")
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

// chosen returns the engines whose names have the prefix asked, or the prefix otherwise if asked is
// empty.
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

// version returns what the times depend on most: the version of the database, and for a server the
// size of its buffer pool.
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
