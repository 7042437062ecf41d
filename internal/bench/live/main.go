// Command live measures what GraphQL subscriptions to campaigns cost. One server, a child process,
// has hundreds of subscriptions over WebSocket and server-sent events, while events are recorded
// through the same server. There are three phases with the same load: without subscriptions, with
// all of them, and with additional clients that never read. It prints the memory and processor time
// of the server, the updates per second, and the delay from the response to a recording until the
// clients received the update.
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

// plan is the extent of the measurement.
type plan struct {
	readers, deaf, followed int
	phase                   time.Duration
	// rate is the number of events recorded per second, batch the number of events in one request.
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

// measure fills a database on the engine and runs the phases on one server.
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
