package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/config"
	"campaignql/internal/store"
	"campaignql/internal/surface"
)

// front is the HTTP server. It listens before the database is opened, so that a port in use is
// detected before the database is changed. Until open is called, it answers that the server is
// starting.
type front struct {
	listener *surface.Listener
	server   *http.Server
	handler  atomic.Pointer[http.Handler]
	running  requestCount
	// cancel ends the running requests and their SQL statements.
	cancel context.CancelFunc
	// failed receives the error with which the server stopped serving.
	failed chan error
}

const (
	// headerTimeout is the upper bound for reading the headers of a request. maxHeaders is the
	// approximate upper bound for their size in bytes.
	headerTimeout = 5 * time.Second
	maxHeaders    = 16 << 10
	// idleTimeout is how long a connection waits for its next request. It is longer than the idle
	// timeout of load balancers, which would otherwise send a request on a connection that is being
	// closed.
	idleTimeout = 2 * time.Minute
)

func listen(ctx context.Context, cfg config.Config, log *slog.Logger) (*front, error) {
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", cfg.Listen, err)
	}
	// Requests do not end with ctx: they get time to finish first.
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	f := &front{cancel: cancel, failed: make(chan error, 1)}
	f.listener = surface.Listen(listener, surface.ListenOptions{
		Timeout: cfg.ClientTimeout, MaxClients: cfg.MaxClients, MaxAddressClients: cfg.MaxAddressClients,
		Proxies: trustedProxies(cfg), Logger: log,
	})
	f.open(starting(cfg, log))
	f.server = &http.Server{
		Handler:           f.running.counted(http.HandlerFunc(f.answer)),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaders,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	go func() { f.failed <- f.listener.Serve(f.server) }()
	return f, nil
}

func (f *front) answer(w http.ResponseWriter, r *http.Request) { (*f.handler.Load()).ServeHTTP(w, r) }

// open sets the handler that answers requests from now on.
func (f *front) open(handler http.Handler) { f.handler.Store(&handler) }

func (f *front) address() net.Addr { return f.listener.Addr() }

// shutdown rejects new requests and lets running ones finish within the grace period. Then it
// cancels them.
func (f *front) shutdown(ctx context.Context, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	f.listener.Stop() // clients that read nothing must not delay the shutdown
	err := f.server.Shutdown(ctx)
	if err == nil {
		err = f.running.wait(ctx) // Shutdown does not wait for hijacked connections such as WebSockets
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return f.close()
	}
	return err
}

// closeTimeout is how long canceled requests may take to end before the database is closed.
const closeTimeout = 5 * time.Second

// close cancels the running requests, closes every connection, and waits until the requests have
// ended.
func (f *front) close() error {
	f.cancel()
	err := f.server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = f.running.wait(ctx) // the SQL of requests that have not ended is canceled
	return err
}

// starting returns the handler that answers while the database is opened and migrated: the process
// is alive but not ready.
func starting(cfg config.Config, log *slog.Logger) http.Handler {
	const reason = "the server is starting: its database is being opened or migrated"
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { state(w, http.StatusOK, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		state(w, http.StatusServiceUnavailable, errors.New(reason))
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "5")
		surface.RefuseAs(w, r, http.StatusServiceUnavailable, surface.Code(apperr.Unavailable), reason)
	})
	return served(cfg, log, mux)
}

// prepare migrates the database. If migration is disabled, it rejects a database that lacks
// migrations or that a newer release has migrated. In both cases it rejects a database that lacks
// columns of its recorded versions.
func prepare(ctx context.Context, db *store.Store, cfg config.Config, log *slog.Logger) error {
	if !cfg.Migrate {
		if err := db.Compatible(ctx); err != nil {
			return err
		}
		if err := db.Ready(ctx); err != nil {
			return err
		}
		return db.Complete(ctx)
	}
	pending, err := db.Pending(ctx)
	if err != nil || len(pending) == 0 {
		return err
	}
	log.Info("migrating the database", slog.Int("migrations", len(pending)))
	applied, err := db.Migrate(ctx)
	for _, m := range applied {
		log.Info("migrated", slog.Int64("version", m.Version), slog.String("name", m.Name))
	}
	return err
}

// requestCount counts the running requests.
type requestCount struct{ sync.WaitGroup }

func (c *requestCount) counted(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.Add(1)
		defer c.Done()
		next.ServeHTTP(w, r)
	})
}

// wait returns when no request is running, or with the error of ctx. No request may begin during
// the wait.
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

// RecountPending recounts the campaigns whose counters a migration could not keep, and logs what
// differed. Nothing is served before, because the counters would be wrong.
func RecountPending(ctx context.Context, services *Services, log *slog.Logger) error {
	return services.Events.RecountPending(caller.System(ctx), func(d fmt.Stringer) {
		log.Info("recounted after the migration", slog.String("corrected", d.String()))
	})
}
