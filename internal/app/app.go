// Package app is the composition root: it opens the database, builds the domains, mounts the surfaces on one HTTP server and stops all of it in order. It
// holds no rule and answers no request itself but those about the server's own state.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/caller"
	"campaignql/internal/config"
	"campaignql/internal/demo"
	"campaignql/internal/live"
	"campaignql/internal/store"
	"campaignql/internal/surface"
)

// Build tells what was built.
type Build struct{ Version, Commit string }

// readTimeout is how long the whole body of a request may take, but for streams.
const readTimeout = 2 * time.Minute

// sweepEvery is how often expired sessions and the like are deleted.
const sweepEvery = 10 * time.Minute

// StoreOptions are the settings of the database that a configuration asks for.
func StoreOptions(cfg config.Config, log *slog.Logger) store.Options {
	return store.Options{
		MaxConnections: cfg.MaxConnections, StatementTimeout: cfg.StatementTimeout, SlowStatement: cfg.SlowQuery, Log: log,
	}
}

// Run serves until ctx ends, then refuses new requests, lets those under way finish for the configured time, and closes the database. What a person needs
// to know to begin is written to out. The error says in one line what went wrong.
func Run(ctx context.Context, database string, cfg config.Config, build Build, log *slog.Logger, out io.Writer) (err error) {
	if os.Getenv("GOGC") == "" {
		// The live heap is a few megabytes: collecting at four times of it costs little memory and saves a fifth of the time of a page.
		debug.SetGCPercent(400)
	}
	db, err := store.Open(ctx, database, StoreOptions(cfg, log))
	if err != nil {
		return fmt.Errorf("--database: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := prepare(ctx, db, cfg, log); err != nil {
		return err
	}
	services := NewServices(db, ServiceOptions{
		Account: account.Options{SessionTTL: cfg.SessionTTL, FailuresPerMinute: cfg.LoginFailures}, Logger: log,
		Live: live.Options{Interval: cfg.LiveInterval, PerAccount: cfg.MaxSubscriptions},
	})
	defer services.Close()
	var shown demo.Account
	if cfg.Demo {
		if shown, err = demo.Ensure(ctx, db, demo.Services{Accounts: services.Accounts}, store.Now()); err != nil {
			return fmt.Errorf("demo data: %w", err)
		}
	}
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("--listen %s: %w", cfg.Listen, err)
	}
	greet(out, listener.Addr(), cfg, shown)
	handler := Handler(services, HandlerOptions{Config: cfg, Build: build, DemoKey: shown.APIKey, Logger: log, Stopping: ctx.Done()})
	return serve(ctx, listener, handler, cfg, services, log)
}

// prepare migrates the database, or refuses one that lacks migrations.
func prepare(ctx context.Context, db *store.Store, cfg config.Config, log *slog.Logger) error {
	if !cfg.Migrate {
		return db.Ready(ctx)
	}
	applied, err := db.Migrate(ctx)
	for _, m := range applied {
		log.Info("migrated", slog.Int64("version", m.Version), slog.String("name", m.Name))
	}
	return err
}

func greet(out io.Writer, address net.Addr, cfg config.Config, shown demo.Account) {
	url := strings.TrimSuffix(cfg.PublicURL, "/")
	if url == "" {
		url = "http://" + address.String()
	}
	fmt.Fprintf(out, "campaignql serves %s\n", url)
	if cfg.Explorer {
		fmt.Fprintf(out, "  explorer   %s/\n", url)
	}
	fmt.Fprintf(out, "  GraphQL    %s/graphql\n  Command    %s/api.php\n", url, url)
	if shown.APIKey != "" {
		greetDemo(out, shown)
	}
}

// greetDemo tells how to enter the demo account. Its password is known only to the start that made it.
func greetDemo(out io.Writer, shown demo.Account) {
	if shown.Password != "" {
		fmt.Fprintf(out, "  demo user  %s, password %s\n", shown.Username, shown.Password)
	}
	fmt.Fprintf(out, "  demo key   %s\n", shown.APIKey)
}

func serve(ctx context.Context, listener net.Listener, handler http.Handler, cfg config.Config, services *Services, log *slog.Logger) error {
	// Requests outlive ctx: they are given time to finish first.
	requests, cancelRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelRequests()
	running := new(requestCount)
	server := &http.Server{
		Handler:           running.counted(handler),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       readTimeout,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	failed := make(chan error, 1)
	clients := surface.Listen(listener, cfg.ClientTimeout)
	go func() { failed <- server.Serve(clients) }()
	sweeping, stopSweeping := context.WithCancel(ctx)
	defer stopSweeping()
	var swept sync.WaitGroup
	swept.Go(func() { sweep(sweeping, services, log) })
	swept.Go(func() { purgeAll(sweeping, services.Campaigns, "campaigns", log) })
	swept.Go(func() { purgeAll(sweeping, services.Purges, "lists, fields and tags", log) })
	select {
	case err := <-failed:
		stopSweeping()
		swept.Wait()
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	log.Info("stopping", slog.Duration("grace", cfg.ShutdownGrace))
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), cfg.ShutdownGrace)
	defer cancel()
	clients.Stop() // who takes nothing does not hold the others up
	err := server.Shutdown(grace)
	if err == nil {
		err = running.wait(grace) // for those that have left the server's care, such as WebSockets
	}
	if errors.Is(err, context.DeadlineExceeded) {
		cancelRequests() // what still runs is cancelled, with its SQL
		err = server.Close()
	}
	swept.Wait()
	return err
}

// requestCount counts the requests that run.
type requestCount struct{ sync.WaitGroup }

func (c *requestCount) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.Add(1)
		defer c.Done()
		next.ServeHTTP(w, r)
	})
}

// wait returns when none runs any more, or with the error of ctx. No request may begin meanwhile.
func (c *requestCount) wait(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		c.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// sweep deletes what has expired, now and then.
func sweep(ctx context.Context, services *Services, log *slog.Logger) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if n, err := services.Accounts.Sweep(caller.System(ctx)); err != nil && ctx.Err() == nil {
			log.Warn("deleting what has expired failed", slog.Any("error", err))
		} else if n > 0 {
			log.Debug("deleted what has expired", slog.Int("rows", n))
		}
	}
}

// purger deletes what deleted things have left.
type purger interface {
	// Purge deletes until nothing is left, and returns how many rows it deleted.
	Purge(ctx context.Context) (int, error)
	// Deleted tells that there is more.
	Deleted() <-chan struct{}
}

// purgeAll deletes what deleted things have left: what a server that ended has not, and then whenever some are deleted. Now and then it looks whether another
// server on the same database has ended in the middle, and whether something was deleted without one.
func purgeAll(ctx context.Context, of purger, what string, log *slog.Logger) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if n, err := of.Purge(ctx); err != nil && ctx.Err() == nil {
			log.Warn("deleting what deleted things have left failed", slog.String("of", what), slog.Any("error", err))
		} else if n > 0 {
			log.Debug("deleted what deleted things have left", slog.String("of", what), slog.Int("rows", n))
		}
		select {
		case <-ctx.Done():
			return
		case <-of.Deleted():
		case <-tick.C:
		}
	}
}

// GoVersion is the version of Go the program was built with.
func GoVersion() string { return runtime.Version() }
