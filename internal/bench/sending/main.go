// Command sending measures how fast a server sends a campaign, as its users run it: the real binary as
// a child process, and a mail server in another process that takes everything. The campaign goes to
// 30,000 people, each with a message of their own: HTML of 7.5 KB with 40 links, and a plain text. It
// prints how fast the recipients were written down and the messages handed over, the processor time
// of the server for a message, its peak memory, and the statements for a message, both from the start
// of the campaign to its end. The second line of each engine has a mail server whose every reply takes
// a round trip, and a tenth of the people.
//
// It owns its databases and child processes, which end with it. Nothing else may depend on it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"time"

	"campaignql/internal/bench/bed"
)

// plan is the extent of the measurement.
type plan struct {
	people, connections int
	roundTrip           time.Duration
}

func main() {
	var p plan
	bed.Bench{
		Name: "bench-sending",
		Flags: func(flags *flag.FlagSet) {
			flags.IntVar(&p.people, "people", 30_000, "recipients of a campaign; a tenth of them with round trips")
			flags.DurationVar(&p.roundTrip, "round-trip", 20*time.Millisecond, "the time of a round trip in the second line")
			flags.IntVar(&p.connections, "connections", 8, "connections to the mail server")
		},
		Begin: func() (string, error) {
			if p.people < 100 || p.connections < 1 {
				return "", errors.New("-people must be at least 100, -connections 1")
			}
			return fmt.Sprintf("%d people, %d connections", p.people, p.connections), nil
		},
		Measure: p.measure,
	}.Main()
}

func (p *plan) measure(ctx context.Context, s *bed.Site) error {
	fmt.Printf(
		"%-12s %10s %10s %12s %10s %12s\n", "round trip", "frozen/s", "messages/s", "CPU ms/msg", "memory",
		"statements",
	)
	for _, trip := range []time.Duration{0, p.roundTrip} {
		people := p.people
		if trip > 0 {
			people /= 10
		}
		var got sent
		err := inDatabase(ctx, s, people, func(w *world) (err error) {
			got, err = w.send(ctx, trip, p.connections)
			return err
		})
		if err != nil {
			return err
		}
		statements := "-"
		if got.statements > 0 {
			statements = fmt.Sprintf("%.2f", float64(got.statements)/float64(people))
		}
		fmt.Printf(
			"%-12s %10.0f %10.0f %12.3f %6d MiB %12s\n", trip, float64(people)/got.freeze.Seconds(),
			float64(people)/got.took.Seconds(), float64(got.processor.Microseconds())/1000/float64(people),
			got.memory>>20, statements,
		)
	}
	return nil
}
