// Command statistics measures what reading full statistics costs, of a page of 50 campaigns over HTTP: with few events stored and with very many, in the same
// run and in alternating rounds, on two databases of one database server. Both have the same campaigns, hours, links and domains, so that nothing but the
// number of events differs. It prints the time of a request and the SQL statements it runs.
//
// It owns its databases and child processes, which end with it. Nothing else may depend on it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"campaignql/internal/bench/bed"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-statistics:", err)
		stop()
		os.Exit(1)
	}
}

// plan is what to measure.
type plan struct {
	few, many        int
	rounds, requests int
	recount          bool
}

func run(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("bench-statistics", flag.ContinueOnError)
	var p plan
	flags.IntVar(&p.few, "few", 10_000, "events stored in the one database")
	flags.IntVar(&p.many, "many", 10_000_000, "events stored in the other")
	flags.IntVar(&p.rounds, "rounds", 10, "rounds of each, alternating")
	flags.IntVar(&p.requests, "requests", 20, "requests of a round, one after the other")
	flags.BoolVar(&p.recount, "recount", false, "recount the many from their events too, which must find nothing")
	engines := flags.String("engine", "mysql", "measure on engines whose `name` begins so alone, such as sqlite or mysql-3306")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if p.few < atOnce || p.many < p.few || p.rounds < 1 || p.requests < 1 {
		return fmt.Errorf("-few is %d at least, -many no less than -few, -rounds and -requests positive", atOnce)
	}
	dir, err := os.MkdirTemp("", "campaignql-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary, err := bed.Build(ctx, dir)
	if err != nil {
		return err
	}
	all := slices.DeleteFunc(bed.Engines(dir), func(e bed.Engine) bool { return !strings.HasPrefix(e.Name, *engines) })
	if len(all) == 0 {
		return fmt.Errorf("no engine %q: CAMPAIGNQL_BENCH_MYSQL names the servers", *engines)
	}
	fmt.Printf("%s, %d cores, load %s; page of %d campaigns, %d rounds of %d requests each\n", runtime.Version(), runtime.NumCPU(), bed.LoadAverage(), campaigns, p.rounds, p.requests)
	for _, e := range all {
		if err := measure(ctx, p, e, binary); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return nil
}

// stored is a database with so many events, and its server.
type stored struct {
	events int
	*bed.Process
	address, key string
	drop         func() error
	times        []time.Duration
	bytes        int
}

// begin loads the database and starts its server; end must follow in any case.
func (s *stored) begin(ctx context.Context, e bed.Engine, binary string) (err error) {
	if s.address, s.drop, err = e.Create(ctx); err != nil {
		return err
	}
	began := time.Now()
	if s.key, err = load(ctx, binary, s.address, s.events); err != nil {
		return err
	}
	fmt.Printf("%s: %d events loaded in %s\n", e.Name, s.events, time.Since(began).Round(time.Millisecond))
	s.Process, err = bed.Serve(ctx, binary, s.address)
	return err
}

// end stops the server and drops the database.
func (s *stored) end() (err error) {
	if s.Process != nil {
		err = s.Stop()
	}
	if s.drop != nil {
		err = errors.Join(err, s.drop())
	}
	return err
}

// measure loads both databases of an engine and asks their servers in turns.
func measure(ctx context.Context, p plan, e bed.Engine, binary string) (err error) {
	var both []*stored
	var ran []string
	for _, events := range []int{p.few, p.many} {
		s := &stored{events: events}
		both = append(both, s)
		defer func() { err = errors.Join(err, s.end()) }()
		if err := s.begin(ctx, e, binary); err != nil {
			return err
		}
		if events == p.few || p.recount {
			if err := recount(ctx, binary, s.address); err != nil {
				return err
			}
		}
		if ran, err = statements(ctx, binary, s.address, s.key, ran); err != nil {
			return err
		}
	}
	for round := range p.rounds + 1 {
		for _, s := range both {
			if err := s.round(ctx, p.requests, round == 0); err != nil {
				return err
			}
		}
	}
	return report(os.Stdout, e.Name, both, ran)
}
