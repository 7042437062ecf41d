// Command bench measures the server as its users meet it: the real binary as a child process, over loopback HTTP, on SQLite and on every MySQL-protocol
// server that CAMPAIGNQL_BENCH_MYSQL (or CAMPAIGNQL_TEST_MYSQL) names. Beside it, in alternating rounds, it measures a handler written by hand for
// the one query (net/http, database/sql, prepared statements, the same pools), which is the limit that a GraphQL server can come near to. What counts
// is the ratio of the two: both see the same machine in the same minutes.
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
	"runtime/debug"
	"syscall"
	"time"

	"campaignql/internal/bench/bed"
)

// aim is the least share of the handler's requests per second that the server is to reach.
const aim = 0.5

// plan is how long and how hard to measure.
type plan struct {
	seconds     time.Duration
	warmUp      time.Duration
	rounds      int
	connections int
	// requests is how many of them come before the memory is read, and starts how often a cold start is timed.
	requests, starts int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	seconds := flags.Float64("seconds", 5, "length of one measurement")
	rounds := flags.Int("rounds", 3, "measurements of each server, alternating; the median counts")
	connections := flags.Int("connections", 8, "keep-alive connections that send requests one after the other")
	raw := flags.String("raw", "", "serve the handler written by hand on the `database` of this address, as the benchmark does for itself")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *seconds <= 0 || *rounds < 1 || *connections < 1 {
		return errors.New("-seconds, -rounds and -connections must be positive")
	}
	if *raw != "" {
		return serveRaw(ctx, *raw, os.Stdout)
	}
	p := plan{
		seconds: time.Duration(*seconds * float64(time.Second)), warmUp: time.Second, rounds: *rounds, connections: *connections,
		requests: 10_000, starts: 5,
	}
	// The load is made on the same cores: it collects its garbage rarely.
	debug.SetGCPercent(800)
	return benchmark(ctx, p)
}

// benchmark measures every engine and prints what it found.
func benchmark(ctx context.Context, p plan) (err error) {
	dir, err := os.MkdirTemp("", "campaignql-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary, err := bed.Build(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d cores, %d connections, %d rounds of %s\n", runtime.Version(), runtime.NumCPU(), p.connections, p.rounds, p.seconds)
	for _, e := range bed.Engines(dir) {
		if err := measure(ctx, e, p, binary); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return nil
}

// measure fills a database of the engine and measures on it.
func measure(ctx context.Context, e bed.Engine, p plan, binary string) (err error) {
	address, drop, err := e.Create(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	key, err := seed(ctx, binary, address)
	if err != nil {
		return err
	}
	result := report{engine: e.Name}
	if result.starts, err = coldStarts(ctx, p, binary, address, key); err != nil {
		return err
	}
	if err := result.compare(ctx, p, binary, address, key); err != nil {
		return err
	}
	return result.print(os.Stdout)
}

// coldStarts times the server from its start to its first answer.
func coldStarts(ctx context.Context, p plan, binary, address, key string) ([]time.Duration, error) {
	var times []time.Duration
	for range p.starts {
		begin := time.Now()
		server, err := startServer(ctx, binary, address)
		if err != nil {
			return nil, err
		}
		_, err = server.once(graphQLRequest(key, query))
		times = append(times, time.Since(begin))
		if err := errors.Join(err, server.Stop()); err != nil {
			return nil, err
		}
	}
	return times, nil
}

// compare runs both servers, checks that they answer the same, and measures them in alternating rounds.
func (r *report) compare(ctx context.Context, p plan, binary, address, key string) (err error) {
	ours, err := startServer(ctx, binary, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, ours.Stop()) }()
	limit, err := startLimit(ctx, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, limit.Stop()) }()
	page := graphQLRequest(key, query)
	if err := sameData(ours, limit, page); err != nil {
		return err
	}
	id, err := newest(ours, key)
	if err != nil {
		return err
	}
	list, one := commandRequest(key, "Campaigns.Get", "RecordsPerRequest", "50"), commandRequest(key, "Campaign.Get", "CampaignID", id)
	rows, row := graphQLRequest(key, rowsQuery), graphQLRequest(key, fmt.Sprintf(oneQuery, id))
	if err := errors.Join(succeeds(ours, list, `"TotalCampaigns":250`), succeeds(ours, one, `"CampaignID":`+id)); err != nil {
		return err
	}
	for _, r := range []request{rows, row} {
		if _, err := answers(ours, r); err != nil {
			return err
		}
	}
	if _, err := ours.load(ctx, page, p.connections, until{requests: p.requests}); err != nil {
		return err
	}
	if r.memory, err = ours.Memory(); err != nil {
		return err
	}
	for range p.rounds {
		for _, one := range []struct {
			into    *[]sample
			server  *child
			request request
		}{{&r.ours, ours, page}, {&r.limit, limit, page}, {&r.list, ours, list}, {&r.rows, ours, rows}, {&r.one, ours, one}, {&r.row, ours, row}} {
			measured, err := one.server.measure(ctx, one.request, p)
			if err != nil {
				return err
			}
			*one.into = append(*one.into, measured)
		}
	}
	return nil
}
