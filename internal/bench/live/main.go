// Command live measures what following campaigns costs: one server, a child process, with hundreds of subscriptions over WebSocket and server-sent events, while
// events are recorded through the same server. Three phases with the same load: with nobody following, with all of them, and once more beside readers that
// never read. It prints memory and processor time of the server, updates a second, and how long after the answer to a recording the clients were told.
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
	"slices"
	"strings"
	"syscall"
	"time"

	"campaignql/internal/bench/bed"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-live:", err)
		stop()
		os.Exit(1)
	}
}

// plan is what to measure.
type plan struct {
	readers, deaf, followed int
	phase                   time.Duration
	// rate is how many events a second are recorded, batch how many at a time.
	rate, batch int
}

func run(ctx context.Context, args []string) (err error) {
	flags := flag.NewFlagSet("bench-live", flag.ContinueOnError)
	var p plan
	flags.IntVar(&p.readers, "readers", 500, "subscriptions that are read, half over WebSocket, half over server-sent events")
	flags.IntVar(&p.deaf, "deaf", 50, "further subscriptions, in the last phase, that are never read")
	flags.IntVar(&p.followed, "campaigns", 50, "campaigns that are followed")
	flags.DurationVar(&p.phase, "phase", 15*time.Second, "length of one phase")
	flags.IntVar(&p.rate, "rate", 2000, "events recorded a second")
	flags.IntVar(&p.batch, "batch", 40, "events recorded at a time")
	engines := flags.String("engine", "", "measure on engines whose `name` begins so alone, such as sqlite or mysql; on MySQL servers by default, on SQLite without one")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if p.readers < 2 || p.deaf < 0 || p.followed < 1 || p.phase <= 0 || p.rate < 1 || p.batch < 1 || p.batch > 1000 {
		return errors.New("the numbers must be positive, and -batch at most 1000")
	}
	dir, err := os.MkdirTemp("", "campaignql-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	binary, err := bed.Build(ctx, dir)
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d cores, load %s; %d subscriptions over %d campaigns, %d events/s in batches of %d, phases of %s\n",
		runtime.Version(), runtime.NumCPU(), bed.LoadAverage(), p.readers, p.followed, p.rate, p.batch, p.phase)
	all := bed.Engines(dir)
	if *engines == "" {
		*engines = "mysql"
		if len(all) == 1 {
			*engines = "sqlite"
		}
	}
	all = slices.DeleteFunc(all, func(e bed.Engine) bool { return !strings.HasPrefix(e.Name, *engines) })
	if len(all) == 0 {
		return fmt.Errorf("no engine %q: CAMPAIGNQL_BENCH_MYSQL names the servers", *engines)
	}
	for _, e := range all {
		if err := measure(ctx, p, e, binary); err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
	}
	return nil
}

// measure fills a database of the engine and runs the phases on one server.
func measure(ctx context.Context, p plan, e bed.Engine, binary string) (err error) {
	address, drop, err := e.Create(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()
	w, err := seed(ctx, binary, address, p)
	if err != nil {
		return err
	}
	server, err := bed.Serve(ctx, binary, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	w.url = "http://" + server.Address
	s := &scene{plan: p, world: w, server: server}
	if err := s.run(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, server.Logged())
	}
	return s.print(os.Stdout, e.Name)
}
