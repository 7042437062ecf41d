package app

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzhttp"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"campaignql/graph"
	"campaignql/graph/download"
	"campaignql/graph/guard"
	"campaignql/graph/ingest"
	"campaignql/internal/apperr"
	"campaignql/internal/command"
	"campaignql/internal/config"
	"campaignql/internal/explorer"
	"campaignql/internal/gate"
	"campaignql/internal/surface"
)

// HandlerOptions are what the surfaces are built with.
type HandlerOptions struct {
	Config  config.Config
	Build   Build
	DemoKey string
	Logger  *slog.Logger
	// Stopping is closed when the server begins to stop: streams of events and subscriptions then end. Never if nil.
	Stopping <-chan struct{}
}

// Handler mounts every path of the server.
func Handler(services *Services, opts HandlerOptions) http.Handler {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	cfg := opts.Config
	meters := newMeters(services, opts.Build)
	bridge := command.New(
		command.Services{
			Accounts: services.Accounts, Campaigns: services.Campaigns, Emails: services.Emails, Lists: services.Lists, Statistics: services.Statistics,
			Subscribers: services.Subscribers, Tags: services.Tags,
		},
		command.Options{MaxBody: cfg.MaxCommandBody, Timeout: cfg.Timeout, Logger: opts.Logger, RequestID: surface.RequestID, Observe: meters.command})
	graphQL := graph.Handler(
		graph.Services{
			Accounts: services.Accounts, Campaigns: services.Campaigns, Emails: services.Emails, Tags: services.Tags, Statistics: services.Statistics, Commands: bridge,
			Lists: services.Lists, Subscribers: services.Subscribers, SubscriberTags: services.SubscriberTags, Fields: services.Fields,
			Segments: services.Segments, Suppressions: services.Suppressions, Audiences: services.Audiences,
			Events: services.Events, Exports: services.Exports,
			Live: services.Live,
		},
		graph.Options{
			Info: graph.Info{
				Version: opts.Build.Version, Commit: opts.Build.Commit, GoVersion: GoVersion(), Database: services.Store.Dialect(), Demo: cfg.Demo,
			},
			Limits:  guard.Limits{Depth: cfg.MaxDepth, Complexity: cfg.MaxComplexity, Tokens: cfg.MaxTokens},
			MaxBody: cfg.MaxGraphQLBody, MaxBatchBody: cfg.MaxBatchBody, Timeout: cfg.Timeout, Development: cfg.Development || cfg.Demo, HideSchema: !cfg.Introspection,
			PublicURL:           cfg.PublicURL,
			MaxSocketOperations: cfg.MaxSocketOperations, MaxSockets: cfg.MaxSockets, MaxAccountSockets: cfg.MaxAccountSockets, Stopping: opts.Stopping,
			Logger: opts.Logger, Observe: meters.graphQL,
		})

	mux := http.NewServeMux()
	mux.Handle("/graphql", cors(cfg.CORSOrigins, sameOrigin(cfg.CORSOrigins, compressed(graphQL))))
	mux.Handle("/api.php", cors(cfg.CORSOrigins, gzhttp.GzipHandler(bridge)))
	mux.Handle("/command", cors(cfg.CORSOrigins, gzhttp.GzipHandler(bridge)))
	mux.Handle("POST /events", sameOrigin(cfg.CORSOrigins, ingest.New(services.Accounts, services.Events, ingest.Options{
		Logger: opts.Logger, Timeout: cfg.Timeout, Stopping: opts.Stopping,
	})))
	mux.Handle("/export/campaigns/{id}/{file}", cors(cfg.CORSOrigins, compressed(download.New(services.Accounts, services.Exports, download.Options{
		Logger: opts.Logger, Timeout: cfg.Timeout, Gate: gate.New("downloads", cfg.MaxDownloads, cfg.MaxAccountDownloads),
	}))))
	if cfg.Introspection {
		mux.HandleFunc("GET /schema.graphql", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			_, _ = io.WriteString(w, graph.Schema())
		})
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { state(w, http.StatusOK, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := services.Store.Ready(ctx); err != nil {
			opts.Logger.WarnContext(r.Context(), "not ready", slog.Any("error", err))
			state(w, http.StatusServiceUnavailable, err)
			return
		}
		state(w, http.StatusOK, nil)
	})
	// Without the database the campaigns cannot be counted; everything else is told all the more.
	mux.Handle("GET /metrics", promhttp.HandlerFor(meters.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, Registry: meters.registry, ErrorLog: slog.NewLogLogger(opts.Logger.Handler(), slog.LevelWarn),
	}))
	if cfg.Explorer {
		page := explorer.Handler(explorer.Options{DemoKey: opts.DemoKey})
		mux.Handle("/{$}", page)
		mux.Handle("/explorer/", page)
	}
	return surface.Identify(surface.Log(opts.Logger, accessLog(cfg), surface.Deadlines(cfg.ClientTimeout, readTimeout, surface.Recover(opts.Logger, mux))))
}

// accessLog says which requests are logged.
func accessLog(cfg config.Config) surface.AccessLog {
	switch {
	case cfg.AccessLog != "auto" && cfg.AccessLog != "":
		return surface.AccessLog(cfg.AccessLog)
	case cfg.Development || cfg.Demo:
		return surface.AccessLogAll
	default:
		return surface.AccessLogErrors
	}
}

// compressed compresses answers, but for what is sent bit by bit: each stream would hold the memory of its own compressor.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.ContentTypeFilter(func(contentType string) bool {
		return !strings.HasPrefix(contentType, "text/event-stream") && gzhttp.DefaultContentTypeFilter(contentType)
	}))
	if err != nil {
		panic("app: " + err.Error()) // of settings that are written here
	}
	zipped := wrap(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if upgrades(r) {
			next.ServeHTTP(w, r)
			return
		}
		zipped.ServeHTTP(w, r)
	})
}

// upgrades reports whether the request wants a WebSocket.
func upgrades(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }

// state answers whether the server is up or ready.
func state(w http.ResponseWriter, status int, err error) {
	answer := map[string]string{"status": "ok"}
	if err != nil {
		answer = map[string]string{"status": "unavailable", "reason": err.Error()}
	}
	surface.WriteJSON(w, status, answer)
}

// sameOrigin keeps pages of other origins than the configured ones from writing with the help of a browser. Programs that are no browser send neither
// Sec-Fetch-Site nor Origin, and pass.
func sameOrigin(origins []string, next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	for _, origin := range origins {
		if err := protection.AddTrustedOrigin(origin); err != nil {
			panic("app: " + err.Error()) // config.Validate admits origins alone
		}
	}
	deny := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		surface.RefuseAs(w, r, http.StatusForbidden, surface.Code(apperr.Denied), "pages of this origin may not call the API")
	})
	protection.SetDenyHandler(deny)
	protected := protection.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if upgrades(r) {
			// A browser lets any page open a WebSocket, and mutations pass through it: it is a POST in the guise of a GET.
			asPost := r.Clone(r.Context())
			asPost.Method = http.MethodPost
			if protection.Check(asPost) != nil {
				deny(w, r)
				return
			}
		}
		protected.ServeHTTP(w, r)
	})
}

// cors lets pages of the configured origins call the API. No cookie is ever read, so no credentials are allowed.
func cors(origins []string, next http.Handler) http.Handler {
	if len(origins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		if origin != "" && slices.Contains(origins, origin) {
			w.Header().Set("Access-Control-Allow-Origin", origin)
			w.Header().Set("Access-Control-Expose-Headers", "X-Request-Id, X-GraphQL-Operation, Retry-After, Content-Disposition")
			if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
				w.Header().Set("Access-Control-Allow-Methods", "GET, POST")
				w.Header().Set("Access-Control-Allow-Headers", "Authorization, Content-Type, X-Request-Id")
				w.Header().Set("Access-Control-Max-Age", "600")
				w.WriteHeader(http.StatusNoContent)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}
