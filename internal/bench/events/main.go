// Command events measures how many events per second are recorded, including their counters: in
// batches of 1, 100 and 5,000, with one writer and with eight, for one campaign and for a thousand,
// on SQLite and on every MySQL-protocol server of CAMPAIGNQL_BENCH_MYSQL (or
// CAMPAIGNQL_TEST_MYSQL). In alternating turns it also measures the limit: the same number of
// writers insert the same rows into the same table, one statement per batch, without any counting.
// The ratio of the two is the result.
//
// It owns its databases, which end with it. Nothing else may depend on it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"campaignql/internal/app"
	"campaignql/internal/bench/bed"
	"campaignql/internal/event"
	"campaignql/internal/store"
)

// aim is the minimum ratio to the limit for batches of 5,000 on MySQL.
const aim = 0.4

func main() {
	var p plan
	bed.Bench{
		Name: "bench-events",
		Flags: func(flags *flag.FlagSet) {
			flags.Float64Var(&p.seconds, "seconds", 2, "length of one turn")
			flags.IntVar(&p.rounds, "rounds", 3, "turns of each, alternating; the median counts")
			flags.IntVar(&p.size, "batch", 0, "measure batches of this size alone")
		},
		Begin: p.begin, Measure: p.measure,
	}.Main()
}

// plan is the extent of the measurement.
type plan struct {
	seconds float64
	turn    time.Duration
	rounds  int
	size    int
	batches []int
}

func (p *plan) begin() (string, error) {
	if p.seconds <= 0 || p.rounds < 1 {
		return "", errors.New("-seconds and -rounds must be positive")
	}
	p.turn = time.Duration(p.seconds * float64(time.Second))
	p.batches = []int{1, 100, 5000}
	if p.size > 0 {
		p.batches = []int{min(p.size, event.MaxEvents)}
	}
	return fmt.Sprintf("medians of %d turns of %s; events a second", p.rounds, p.turn), nil
}

// measure fills a new database and measures with it.
func (p *plan) measure(ctx context.Context, s *bed.Site) (err error) {
	address, drop, err := s.Create(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	db, err := store.Open(ctx, address, store.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.Migrate(ctx); err != nil {
		return err
	}
	w, err := seed(ctx, db)
	if err != nil {
		return err
	}
	fmt.Printf("%9s %8s %10s %12s %12s %7s\n", "batch", "writers", "campaigns", "recorded", "limit", "ratio")
	for _, batch := range p.batches {
		for _, writers := range []int{1, 8} {
			for _, campaigns := range []int{1, seededCampaigns} {
				if err := w.cell(ctx, p, batch, writers, campaigns); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// cell measures one kind of load: the product and the limit in alternating turns.
func (w *world) cell(ctx context.Context, p *plan, batch, writers, campaigns int) error {
	service := app.NewServices(w.db, app.ServiceOptions{}).Events
	ours := func(ctx context.Context, events []event.Event) error {
		results, err := service.Record(w.as(ctx), events)
		if err == nil &&
			slices.ContainsFunc(results, func(r event.Result) bool { return r.Outcome != event.Recorded }) {
			return fmt.Errorf("not every event was recorded: %v", results[0])
		}
		return err
	}
	var recorded, limit []float64
	for range p.rounds {
		for _, one := range []struct {
			do   func(context.Context, []event.Event) error
			into *[]float64
		}{{ours, &recorded}, {w.insert, &limit}} {
			rate, err := w.turn(ctx, p.turn, batch, writers, campaigns, one.do)
			if err != nil {
				return err
			}
			*one.into = append(*one.into, rate)
		}
	}
	slices.Sort(recorded)
	slices.Sort(limit)
	a, b := recorded[len(recorded)/2], limit[len(limit)/2]
	note := ""
	if batch == 5000 && a < aim*b {
		note = fmt.Sprintf("  under %.1f", aim)
	}
	_, err := fmt.Printf("%9d %8d %10d %12.0f %12.0f %7.2f%s\n", batch, writers, campaigns, a, b, a/b, note)
	return err
}

// turn runs the writers for the given time, each of them one batch after the other, and returns the
// events per second.
func (w *world) turn(
	ctx context.Context, length time.Duration, batch, writers, campaigns int,
	do func(context.Context, []event.Event) error,
) (float64, error) {
	var done atomic.Int64
	var failed error
	var once sync.Once
	var all sync.WaitGroup
	begin := time.Now()
	for range writers {
		all.Go(func() {
			random := rand.New(rand.NewPCG(rand.Uint64(), 1))
			for time.Since(begin) < length && ctx.Err() == nil {
				if err := do(ctx, w.invent(random, batch, campaigns)); err != nil {
					once.Do(func() { failed = err })
					return
				}
				done.Add(int64(batch))
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds(), errors.Join(failed, ctx.Err())
}
