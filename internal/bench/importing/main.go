// Command importing measures `campaignql import subscribers` as its users run it: the real binary
// as a child process, with a generated CSV file, on SQLite and on every MySQL-protocol server of
// CAMPAIGNQL_BENCH_MYSQL (or CAMPAIGNQL_TEST_MYSQL). It prints rows per second, and the peak memory
// and the processor time of the process, for a file with only addresses and for one with three
// custom fields. It also measures the limit: it inserts the same rows into the same tables of
// another database, one statement per table for 5,000 rows, without reading a file and without any
// checks. The ratio of the two is the result.
//
// It owns its databases, files and child processes, which end with it. Nothing else may depend on
// it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"time"

	"campaignql/internal/bench/bed"
)

// plan is the extent of the measurement.
type plan struct{ rows, writers int }

func main() {
	var p plan
	bed.Bench{
		Name: "bench-import",
		Flags: func(flags *flag.FlagSet) {
			flags.IntVar(&p.rows, "rows", 1_000_000, "rows of each file; SQLite gets a tenth")
			flags.IntVar(&p.writers, "writers", 4, "transactions at the same time of the limit; SQLite writes one")
		},
		Begin: func() (string, error) {
			if p.rows < 1 || p.writers < 1 {
				return "", errors.New("-rows and -writers must be positive")
			}
			return fmt.Sprintf("%d rows", p.rows), nil
		},
		Measure: p.measure,
	}.Main()
}

// measure imports each kind of file into a new database, and inserts the same rows into another
// one.
func (p *plan) measure(ctx context.Context, s *bed.Site) error {
	rows := p.rows
	if !s.MySQL() {
		rows = max(1, rows/10)
	}
	fmt.Printf(
		"%-28s %10s %10s %8s %8s %12s %7s\n", "columns", "imported/s", "memory", "CPU s", "us/row", "limit/s", "ratio",
	)
	for _, header := range []string{"Email", "Email,First name,Age,Since"} {
		path := filepath.Join(s.Dir, "people.csv")
		if err := writePeople(path, header, rows); err != nil {
			return err
		}
		var ours imported
		err := inDatabase(ctx, s, func(w *world) (err error) {
			ours, err = w.imports(ctx, path, rows)
			return err
		})
		if err != nil {
			return err
		}
		var took time.Duration
		err = inDatabase(ctx, s, func(w *world) error {
			begin := time.Now()
			err := w.insertAll(ctx, header, rows, p.writers)
			took = time.Since(begin)
			return err
		})
		if err != nil {
			return err
		}
		rate, limit := float64(rows)/ours.took.Seconds(), float64(rows)/took.Seconds()
		fmt.Printf(
			"%-28s %10.0f %6d MiB %8.1f %8.1f %12.0f %7.2f\n", header, rate, ours.memory>>20, ours.processor.Seconds(),
			float64(ours.processor.Microseconds())/float64(rows), limit, rate/limit,
		)
	}
	return nil
}
