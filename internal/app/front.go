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
	"campaignql/internal/config"
	"campaignql/internal/store"
	"campaignql/internal/surface"
)

// front is the HTTP server. It listens from the start, so that a port that is taken is found before
// anything is done to the database, and answers that it is starting until it is opened.
type front struct {
	listener *surface.Listener
	server   *http.Server
	handler  atomic.Pointer[http.Handler]
	running  requestCount
	// cancel ends the requests that run, with their SQL.
	cancel context.CancelFunc
	// failed receives the error with which serving ended.
	failed chan error
}

const (
	// headerTimeout is how long the headers of a request may take, maxHeaders about how many bytes
	// they may have.
	headerTimeout = 5 * time.Second
	maxHeaders    = 16 << 10
	// idleTimeout is how long a connection waits for its next request: longer than load balancers
	// keep theirs, which would meet the end of it otherwise.
	idleTimeout = 2 * time.Minute
)

func listen(ctx context.Context, cfg config.Config, log *slog.Logger) (*front, error) {
	listener, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("--listen %s: %w", cfg.Listen, err)
	}
	// Requests outlive ctx: they are given time to finish first.
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

// open makes handler answer the requests from now on.
func (f *front) open(handler http.Handler) { f.handler.Store(&handler) }

func (f *front) address() net.Addr { return f.listener.Addr() }

// shutdown refuses new requests and gives those that run the grace; then they are canceled.
func (f *front) shutdown(ctx context.Context, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	f.listener.Stop() // clients that take nothing do not hold up the others
	err := f.server.Shutdown(ctx)
	if err == nil {
		err = f.running.wait(ctx) // for those that have left the server's care, such as WebSockets
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return f.close()
	}
	return err
}

// closeTimeout is how long requests that were canceled may take to end, before the database is closed under them.
const closeTimeout = 5 * time.Second

// close cancels what runs, closes every connection, and waits until the requests have ended.
func (f *front) close() error {
	f.cancel()
	err := f.server.Close()
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = f.running.wait(ctx) // those that do not end have their SQL canceled
	return err
}

// starting answers while the database is opened and migrated: the process is up and not ready.
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

// prepare migrates the database, or refuses one that lacks migrations or has those of a newer
// release. Either way it refuses one that lacks columns of its versions.
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
