// Command audience measures the statement that counts an audience, and compares it with a
// handwritten statement for the same question, on SQLite and on every MySQL-protocol server of
// CAMPAIGNQL_BENCH_MYSQL (or CAMPAIGNQL_TEST_MYSQL). Both run alternately over the same connection,
// and must count the same people. The ratio of their times is the result.
//
// It loads its own account into its own database, and keeps the database for later runs, because
// loading takes longer than measuring. Do not run it on a server that has databases of others named
// campaignql_bench_audience_….
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"campaignql/internal/bench/bed"
)

// aim is the maximum ratio of the time of our statement to the time of the handwritten one.
const aim = 1.2

// size is the number of rows in the database.
type size struct{ people, events int }

// options are the values of the command line.
type options struct {
	size
	rounds int
	// only selects the questions whose name contains it. plans prints the query plans of the
	// database.
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
