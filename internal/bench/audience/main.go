// Command audience measures the statement that counts an audience beside one written by hand for
// the same question, on SQLite and on every MySQL-protocol server that CAMPAIGNQL_BENCH_MYSQL (or
// CAMPAIGNQL_TEST_MYSQL) names. Both run in turn over the same connection, and must count the same
// people. What counts is the ratio of their times.
//
// It loads an account of its own into a database of its own, which it finds again the next time:
// loading takes longer than measuring. It must not be pointed at a server whose databases called
// campaignql_bench_audience_… are somebody else's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"campaignql/internal/bench/bed"
)

// aim is how many times as long as the statement written by hand ours may take.
const aim = 1.2

// size is how much there is in the database.
type size struct{ people, events int }

// options are what the command line says.
type options struct {
	size
	rounds int
	// only keeps the questions whose name contains it; plans prints what the database says it does.
	only         string
	plans, drops bool
}

func main() {
	var o options
	bed.Bench{
		Name: "bench-audience",
		Flags: func(flags *flag.FlagSet) {
			flags.IntVar(&o.people, "people", 1_000_000, "subscribers on three lists; SQLite gets a tenth")
			flags.IntVar(&o.events, "events", 5_000_000, "events; SQLite gets a tenth")
			flags.IntVar(
				&o.rounds, "rounds", 7, "how often each statement is timed, in turn with the other; the median counts",
			)
			flags.StringVar(&o.only, "only", "", "measure only questions whose name contains this `text`")
			flags.BoolVar(
				&o.plans, "plans", false, "print both statements of each question, and how the database evaluates them",
			)
			flags.BoolVar(&o.drops, "drop", false, "drop the databases that were loaded instead of measuring")
		},
		Begin: func() (string, error) {
			if o.people < 1000 || o.events < 1000 || o.rounds < 1 {
				return "", errors.New("-people and -events must be at least 1000, -rounds 1")
			}
			return fmt.Sprintf("the median of %d", o.rounds), nil
		},
		Measure: func(ctx context.Context, s *bed.Site) error { return engine{s.Engine}.measure(ctx, o) },
	}.Main()
}
