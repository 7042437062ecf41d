// Command bench measures the server as its users see it: the real binary as a child process, over
// loopback HTTP, on SQLite and on every MySQL-protocol server of CAMPAIGNQL_BENCH_MYSQL (or
// CAMPAIGNQL_TEST_MYSQL). In alternating rounds it also measures a handwritten handler for the same
// query (net/http, database/sql, prepared statements, the same pools). This handler is the upper
// bound for a GraphQL server. The ratio of the two is the result, because both run on the same
// machine in the same minutes.
//
// It owns its databases and child processes, which end with it. Nothing else may depend on it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"campaignql/internal/bench/bed"
)

// aim is the minimum ratio of the server's requests per second to those of the handwritten handler.
const aim = 0.5

// plan is the extent of a measurement.
type plan struct {
	seconds     float64
	turn        time.Duration
	warmUp      time.Duration
	rounds      int
	connections int
	// requests is the number of requests before the memory is read. starts is the number of timed
	// cold starts.
	requests, starts int
}

func main() {
	if len(os.Args) == 3 && os.Args[1] == rawMode {
		bed.Run("bench", func(ctx context.Context) error { return serveRaw(ctx, os.Args[2], os.Stdout) })
		return
	}
	p := plan{warmUp: time.Second, requests: 10_000, starts: 5}
	bed.Bench{
		Name: "bench",
		Flags: func(flags *flag.FlagSet) {
			flags.Float64Var(&p.seconds, "seconds", 5, "length of one measurement")
			flags.IntVar(&p.rounds, "rounds", 3, "measurements of each server, alternating; the median counts")
			flags.IntVar(
				&p.connections, "connections", 8, "keep-alive connections that send requests one after the other",
			)
		},
		Begin: p.begin, Measure: p.measure,
	}.Main()
}

// rawMode is the argument with which the benchmark starts itself as the handwritten handler. The
// address of the database follows it.
const rawMode = "-raw"

func (p *plan) begin() (string, error) {
	if p.seconds <= 0 || p.rounds < 1 || p.connections < 1 {
		return "", errors.New("-seconds, -rounds and -connections must be positive")
	}
	p.turn = time.Duration(p.seconds * float64(time.Second))
	// The load generator shares its cores with the server, so it collects garbage rarely.
	debug.SetGCPercent(800)
	return fmt.Sprintf("%d connections, %d rounds of %s", p.connections, p.rounds, p.turn), nil
}

// measure fills a database on the engine and measures with it.
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
	key, err := seed(ctx, binary, address)
	if err != nil {
		return err
	}
	result := report{engine: site.Name}
	if result.starts, err = coldStarts(ctx, *p, binary, address, key); err != nil {
		return err
	}
	if err := result.compare(ctx, *p, binary, address, key); err != nil {
		return err
	}
	return result.print(os.Stdout)
}

// coldStarts measures the time from the start of the server to its first response.
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

// compare runs both servers, checks that their responses are equal, and measures them in
// alternating rounds.
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
	list := commandRequest(key, "Campaigns.Get", "RecordsPerRequest", "50")
	one := commandRequest(key, "Campaign.Get", "CampaignID", id)
	rows, row := graphQLRequest(key, rowsQuery), graphQLRequest(key, fmt.Sprintf(oneQuery, id))
	err = errors.Join(succeeds(ours, list, `"TotalCampaigns":250`), succeeds(ours, one, `"CampaignID":`+id))
	if err != nil {
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
		}{
			{&r.ours, ours, page}, {&r.limit, limit, page},
			{&r.list, ours, list}, {&r.rows, ours, rows},
			{&r.one, ours, one}, {&r.row, ours, row},
		} {
			measured, err := one.server.measure(ctx, one.request, p)
			if err != nil {
				return err
			}
			*one.into = append(*one.into, measured)
		}
	}
	return nil
}
