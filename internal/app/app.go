// Package app is the composition root. It opens the database, builds the domains, mounts the
// surfaces on one HTTP server, and stops everything in order. It must not contain rules of a
// domain, and answers only the requests about the state of the server itself.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"runtime"
	"strings"
	"sync"
	"time"

	"campaignql/graph/registered"
	"campaignql/internal/account"
	"campaignql/internal/caller"
	"campaignql/internal/capture"
	"campaignql/internal/config"
	"campaignql/internal/demo"
	"campaignql/internal/live"
	"campaignql/internal/purge"
	"campaignql/internal/secret"
	"campaignql/internal/store"
)

// Build identifies the build of the server.
type Build struct{ Version, Commit string }

// readTimeout is the upper bound for reading the whole body of a request, except for streams.
const readTimeout = 2 * time.Minute

// sweepEvery is the interval at which expired rows, such as sessions, are deleted.
const sweepEvery = 10 * time.Minute

// StoreOptions returns the database settings of a configuration.
func StoreOptions(cfg config.Config, log *slog.Logger) store.Options {
	return store.Options{
		MaxConnections:   cfg.MaxConnections,
		StatementTimeout: cfg.StatementTimeout,
		SlowStatement:    cfg.SlowQuery,
		Log:              log,
		MigrationGrace:   cfg.ShutdownGrace,
		MaxHeavy:         cfg.MaxHeavy,
		MaxAccountHeavy:  cfg.MaxAccountHeavy,
	}
}

// Run serves until ctx ends. It then rejects new requests, lets running requests finish for the
// configured time, and closes the database. load returns the secret of the installation, or nil; it
// is called once the database is open. If people were forgotten under a secret that it does not hold,
// Run fails. It writes the URLs of the server, and the credentials of the demo account, to out. The
// error describes the problem in one line.
func Run(
	ctx context.Context, database string, cfg config.Config, load func() (*secret.Secret, error), build Build,
	log *slog.Logger, out io.Writer,
) (err error) {
	tuneMemory(cfg)
	operations, err := ReadOperations(cfg)
	if err != nil {
		return err
	}
	front, err := listen(ctx, cfg, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, front.close()) }()
	db, err := store.Open(ctx, database, StoreOptions(cfg, log))
	if err != nil {
		return fmt.Errorf("--database: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := prepare(ctx, db, cfg, log); err != nil {
		if ctx.Err() == nil {
			return err
		}
		log.Warn("stopped before the database was migrated", slog.Any("error", err))
		return nil
	}
	known, err := load()
	if err != nil {
		return err
	}
	toSend, err := sendingOptions(cfg)
	if err != nil {
		return err
	}
	var mail *capture.Server
	if cfg.Demo && toSend.Route == nil {
		if mail, err = capture.Listen(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, mail.Close()) }()
		toSend.Route, toSend.Burst = new(mail.Route()), min(toSend.Burst, demoBurst)
	}
	services := NewServices(db, ServiceOptions{
		Account:         account.Options{SessionTTL: cfg.SessionTTL, FailuresPerMinute: cfg.LoginFailures},
		SoftBounceLimit: cfg.SoftBounceLimit,
		Logger:          log,
		Secret:          known,
		PublicURL:       publicURL(cfg, front.address()),
		Live:            live.Options{Interval: cfg.LiveInterval, PerAccount: cfg.MaxSubscriptions},
		Sending:         toSend,
	})
	defer services.Close()
	if err := services.Suppressions.CheckSecret(caller.System(ctx)); err != nil && ctx.Err() == nil {
		return err
	}
	if err := RecountPending(ctx, services, log); err != nil {
		if ctx.Err() == nil {
			return fmt.Errorf("recount: %w", err)
		}
		return nil
	}
	var shown demo.Account
	if cfg.Demo {
		if shown, err = demo.Ensure(ctx, db, demo.Services{Accounts: services.Accounts}, store.Now()); err != nil {
			return fmt.Errorf("demo data: %w", err)
		}
	}
	if mail != nil {
		defer attend(ctx, mail, shown, services, log).End()
	}
	handler := Handler(services, HandlerOptions{
		Config: cfg, Build: build, DemoKey: shown.APIKey, Mail: mail, Operations: operations, Logger: log,
		Stopping: ctx.Done(),
	})
	front.open(handler)
	greet(out, front.address(), cfg, operations, shown, mail != nil)
	return serve(ctx, front, cfg, services, log)
}

// publicURL returns the URL under which recipients of messages reach the server. A demo has the address
// that it listens on; elsewhere nobody knows whether recipients reach that.
func publicURL(cfg config.Config, address net.Addr) string {
	if cfg.PublicURL == "" && cfg.Demo {
		return "http://" + address.String()
	}
	return cfg.PublicURL
}

func greet(
	out io.Writer, address net.Addr, cfg config.Config, operations *registered.Operations, shown demo.Account,
	mail bool,
) {
	url := strings.TrimSuffix(cfg.PublicURL, "/")
	if url == "" {
		url = "http://" + address.String()
	}
	fmt.Fprintf(out, "campaignql serves %s\n", url)
	if cfg.Explorer {
		fmt.Fprintf(out, "  explorer   %s/\n", url)
	}
	if mail {
		fmt.Fprintf(out, "  mail       %s%s\n", url, capture.Path)
	}
	fmt.Fprintf(out, "  GraphQL    %s/graphql\n  Command    %s/api.php\n", url, url)
	if operations != nil {
		fmt.Fprintf(out, "  operations only those registered in %s, %d\n", cfg.Operations, operations.Len())
	}
	if shown.APIKey != "" {
		greetDemo(out, shown)
	}
}

// greetDemo prints the credentials of the demo account. Its password is known only to the run that
// created the account.
func greetDemo(out io.Writer, shown demo.Account) {
	if shown.Password != "" {
		fmt.Fprintf(out, "  demo user  %s, password %s\n", shown.Username, shown.Password)
	}
	fmt.Fprintf(out, "  demo key   %s\n", shown.APIKey)
}

func serve(ctx context.Context, front *front, cfg config.Config, services *Services, log *slog.Logger) error {
	sweeping, stopSweeping := context.WithCancel(ctx)
	defer stopSweeping()
	var swept sync.WaitGroup
	swept.Go(func() { sweep(sweeping, services, log) })
	swept.Go(func() { purgeAll(sweeping, services.Purges, log) })
	if cfg.Sending.Sending {
		swept.Go(func() { services.Sending.Run(sweeping) })
	}
	select {
	case err := <-front.failed:
		stopSweeping()
		swept.Wait()
		return errors.Join(fmt.Errorf("serve: %w", err), front.close())
	case <-ctx.Done():
	}
	log.Info("stopping", slog.Duration("grace", cfg.ShutdownGrace))
	err := front.shutdown(ctx, cfg.ShutdownGrace)
	swept.Wait()
	return err
}

// sweep deletes expired rows at regular intervals.
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

// purgeAll deletes the remains of deleted objects of every kind: first those that an earlier run of
// the server left, and then again after each deletion. At regular intervals it also checks for the
// work of another server on the same database that has ended, and for deletions that no server
// made.
func purgeAll(ctx context.Context, purges *purge.Service, log *slog.Logger) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		n, err := purges.Purge(ctx)
		if err != nil && ctx.Err() == nil {
			log.Warn("deleting what deleted things have left failed", slog.Any("error", err))
		}
		if n > 0 {
			log.Debug("deleted what deleted things have left", slog.Int("rows", n))
		}
		select {
		case <-ctx.Done():
			return
		case <-purges.Deleted():
		case <-tick.C:
		}
	}
}

// GoVersion returns the version of Go with which the program was built.
func GoVersion() string { return runtime.Version() }
