// Command statistics measures what reading full statistics costs: a page of 50 campaigns over HTTP,
// with few events stored and with very many. It measures both in the same run, in alternating
// rounds, on two databases of one database server. Both databases have the same campaigns, hours,
// links and domains, and differ only in the number of events. It prints the time of a request and
// the SQL statements that it runs.
//
// It owns its databases and child processes, which end with it. Nothing else may depend on it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"time"

	"campaignql/internal/bench/bed"
)

func main() {
	var p plan
	bed.Bench{
		Name: "bench-statistics",
		Flags: func(flags *flag.FlagSet) {
			flags.IntVar(&p.few, "few", 10_000, "events stored in the one database")
			flags.IntVar(&p.many, "many", 10_000_000, "events stored in the other")
			flags.IntVar(&p.rounds, "rounds", 10, "rounds of each, alternating")
			flags.IntVar(&p.requests, "requests", 20, "requests of a round, one after the other")
			flags.BoolVar(
				&p.recount, "recount", false, "recount the many from their events too, which must find nothing",
			)
		},
		Begin: p.begin, Engines: "mysql", Measure: p.measure,
	}.Main()
}

// plan is the extent of the measurement.
type plan struct {
	few, many        int
	rounds, requests int
	recount          bool
}

func (p *plan) begin() (string, error) {
	if p.few < atOnce || p.many < p.few || p.rounds < 1 || p.requests < 1 {
		return "", fmt.Errorf("-few is %d at least, -many no less than -few, -rounds and -requests positive", atOnce)
	}
	return fmt.Sprintf("page of %d campaigns, %d rounds of %d requests each", campaigns, p.rounds, p.requests), nil
}

// stored is a database with the given number of events, and its server.
type stored struct {
	events int
	*bed.Process
	address, key string
	drop         func() error
	times        []time.Duration
	bytes        int
}

// begin loads the database and starts its server. The caller must call end even if begin fails.
func (s *stored) begin(ctx context.Context, e bed.Engine, binary string) (err error) {
	if s.address, s.drop, err = e.Create(ctx); err != nil {
		return err
	}
	began := time.Now()
	if s.key, err = load(ctx, binary, s.address, s.events); err != nil {
		return err
	}
	fmt.Printf("%d events loaded in %s\n", s.events, time.Since(began).Round(time.Millisecond))
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

// measure loads both databases on an engine and sends requests to their servers in alternating
// rounds.
func (p *plan) measure(ctx context.Context, site *bed.Site) (err error) {
	binary, err := site.Binary(ctx)
	if err != nil {
		return err
	}
	var both []*stored
	var ran []string
	for _, events := range []int{p.few, p.many} {
		s := &stored{events: events}
		both = append(both, s)
		defer func() { err = errors.Join(err, s.end()) }()
		if err := s.begin(ctx, site.Engine, binary); err != nil {
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
	return report(os.Stdout, both, ran)
}
