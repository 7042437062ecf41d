// Command live measures what following campaigns costs: one server, a child process, with hundreds
// of subscriptions over WebSocket and server-sent events, while events are recorded through the
// same server. Three phases with the same load: with nobody following, with all of them, and once
// more beside readers that never read. It prints memory and processor time of the server, updates a
// second, and how long after the answer to a recording the clients were told.
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
		Name: "bench-live",
		Flags: func(flags *flag.FlagSet) {
			flags.IntVar(
				&p.readers, "readers", 500,
				"subscriptions that are read, half over WebSocket, half over server-sent events",
			)
			flags.IntVar(&p.deaf, "deaf", 50, "further subscriptions, in the last phase, that are never read")
			flags.IntVar(&p.followed, "campaigns", 50, "campaigns that are followed")
			flags.DurationVar(&p.phase, "phase", 15*time.Second, "length of one phase")
			flags.IntVar(&p.rate, "rate", 2000, "events recorded a second")
			flags.IntVar(&p.batch, "batch", 40, "events recorded at a time")
		},
		Begin: p.begin, Engines: "mysql", Measure: p.measure,
	}.Main()
}

// plan is what to measure.
type plan struct {
	readers, deaf, followed int
	phase                   time.Duration
	// rate is how many events a second are recorded, batch how many at a time.
	rate, batch int
}

func (p *plan) begin() (string, error) {
	if p.readers < 2 || p.deaf < 0 || p.followed < 1 || p.phase <= 0 || p.rate < 1 || p.batch < 1 || p.batch > 1000 {
		return "", errors.New("the numbers must be positive, and -batch at most 1000")
	}
	return fmt.Sprintf(
		"%d subscriptions over %d campaigns, %d events/s in batches of %d, phases of %s", p.readers, p.followed, p.rate,
		p.batch, p.phase,
	), nil
}

// measure fills a database of the engine and runs the phases on one server.
func (p *plan) measure(ctx context.Context, site *bed.Site) (err error) {
	binary, err := site.Binary(ctx)
	if err != nil {
		return err
	}
	address, drop, err := site.Create(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	w, err := seed(ctx, binary, address, *p)
	if err != nil {
		return err
	}
	server, err := bed.Serve(ctx, binary, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	w.url = "http://" + server.Address
	s := &scene{plan: *p, world: w, server: server}
	if err := s.run(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, server.Logged())
	}
	return s.print(os.Stdout)
}
