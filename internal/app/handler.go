package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"campaignql/graph"
	"campaignql/graph/download"
	"campaignql/graph/guard"
	"campaignql/graph/ingest"
	"campaignql/graph/registered"
	"campaignql/internal/budget"
	"campaignql/internal/capture"
	"campaignql/internal/command"
	"campaignql/internal/config"
	"campaignql/internal/explorer"
	"campaignql/internal/gate"
	"campaignql/internal/leave"
	"campaignql/internal/surface"
	"campaignql/internal/tracking"
)

// HandlerOptions are the settings of the surfaces.
type HandlerOptions struct {
	Config  config.Config
	Build   Build
	DemoKey string
	// Mail, if not nil, is the mail server of the demo.
	Mail *capture.Server
	// Operations, if not nil, are the only GraphQL operations that are served; see ReadOperations.
	Operations *registered.Operations
	Logger     *slog.Logger
	// Bodies bounds request bodies. If its Memory is 0, the value of Config is used.
	Bodies surface.BodyLimits
	// Stopping is closed when the server begins to stop; streams of events and subscriptions then
	// end. If it is nil, they never end for this reason.
	Stopping <-chan struct{}
}

// Handler returns a handler that serves every path of the server.
func Handler(services *Services, opts HandlerOptions) http.Handler {
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	cfg := opts.Config
	meters := newMeters(services, opts.Build)
	if opts.Bodies.Memory == 0 {
		opts.Bodies.Memory = cfg.MaxBodyMemory
	}
	bodies := surface.NewBodies(opts.Bodies)
	answers := budget.NewPool(cfg.MaxAnswer, cfg.MaxAnswers)
	requests := surface.NewRequests(answers, cfg.MaxRequests, cfg.MaxAccountRequests)
	bridge := command.New(
		command.Services{
			Accounts:    services.Accounts,
			Audiences:   services.Audiences,
			Campaigns:   services.Campaigns,
			Contacts:    services.Contacts,
			Emails:      services.Emails,
			Events:      services.Events,
			Fields:      services.Fields,
			Lists:       services.Lists,
			Sending:     services.Sending,
			Statistics:  services.Statistics,
			Subscribers: services.Subscribers,
			Tags:        services.Tags,
		},
		command.Options{
			MaxBody:   cfg.MaxCommandBody,
			Bodies:    bodies,
			Timeout:   cfg.Timeout,
			Logger:    opts.Logger,
			RequestID: surface.RequestID,
			Observe:   meters.command,
		})
	graphQL := graph.Handler(
		graph.Services{
			Accounts:       services.Accounts,
			Campaigns:      services.Campaigns,
			Emails:         services.Emails,
			Tags:           services.Tags,
			Statistics:     services.Statistics,
			Commands:       bridge,
			Lists:          services.Lists,
			Contacts:       services.Contacts,
			Subscribers:    services.Subscribers,
			SubscriberTags: services.SubscriberTags,
			Fields:         services.Fields,
			Segments:       services.Segments,
			Suppressions:   services.Suppressions,
			Forgetting:     services.Forgetting,
			Sending:        services.Sending,
			Audiences:      services.Audiences,
			Events:         services.Events,
			Exports:        services.Exports,
			Live:           services.Live,
			Captured:       opts.Mail,
		},
		graph.Options{
			Info: graph.Info{
				Version:   opts.Build.Version,
				Commit:    opts.Build.Commit,
				GoVersion: GoVersion(),
				Database:  services.Store.Dialect(),
				Demo:      cfg.Demo,
			},
			Limits:              limits(cfg),
			Operations:          opts.Operations,
			MaxBody:             cfg.MaxGraphQLBody,
			MaxBatchBody:        cfg.MaxBatchBody,
			Bodies:              bodies,
			Requests:            requests,
			Timeout:             cfg.Timeout,
			Development:         cfg.Development || cfg.Demo,
			HideSchema:          !cfg.Introspection,
			MaxSocketOperations: cfg.MaxSocketOperations,
			MaxSockets:          cfg.MaxSockets,
			MaxAccountSockets:   cfg.MaxAccountSockets,
			MaxAnonymousSockets: cfg.MaxAnonymousSockets,
			Stopping:            opts.Stopping,
			Logger:              opts.Logger,
			Observe:             meters.graphQL,
		})

	pages := origins{named: cfg.CORSOrigins, local: cfg.Demo}
	mux := http.NewServeMux()
	mux.Handle("/graphql", pages.cors(pages.protect(compressed(graphQL))))
	mux.Handle("/api.php", pages.cors(compressed(bridge)))
	mux.Handle("/command", pages.cors(compressed(bridge)))
	mux.Handle("POST /events", pages.protect(ingest.New(services.Accounts, services.Events, ingest.Options{
		Logger:   opts.Logger,
		Gate:     gate.New("streams of events", cfg.MaxStreams, cfg.MaxAccountStreams),
		Timeout:  cfg.Timeout,
		Stopping: opts.Stopping,
	})))
	downloads := download.New(services.Accounts, services.Exports, download.Options{
		Logger:  opts.Logger,
		Timeout: cfg.Timeout,
		Gate:    gate.New("downloads", cfg.MaxDownloads, cfg.MaxAccountDownloads),
	})
	mux.Handle("/export/campaigns/{id}/{file}", pages.cors(compressed(downloads)))
	if services.Links != nil { // also without a public URL: messages from before have links
		mux.Handle(tracking.UnsubscribePath, leave.New(services.Links, services.Leaving, leave.Options{
			Logger: opts.Logger, Timeout: cfg.Timeout,
		}))
	}
	if opts.Mail != nil {
		mux.Handle(capture.Path, opts.Mail.Handler())
		mux.Handle(capture.Path+"/", opts.Mail.Handler())
	}
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
	// If the database cannot be reached, the campaigns cannot be counted. ContinueOnError still
	// reports all other metrics.
	mux.Handle("GET /metrics", promhttp.HandlerFor(meters.registry, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError,
		Registry:      meters.registry,
		ErrorLog:      slog.NewLogLogger(opts.Logger.Handler(), slog.LevelWarn),
	}))
	if cfg.Explorer {
		page := explorer.Handler(explorer.Options{DemoKey: opts.DemoKey, RegisteredOnly: opts.Operations != nil})
		mux.Handle("/{$}", page)
		mux.Handle("/explorer/", page)
	}
	return served(cfg, opts.Logger, requests.Handler(mux))
}

// ReadOperations reads and checks the registered operations of a configuration. It returns nil if the
// configuration has none.
func ReadOperations(cfg config.Config) (*registered.Operations, error) {
	if cfg.Operations == "" {
		return nil, nil
	}
	operations, err := graph.ReadOperations(cfg.Operations, limits(cfg))
	if err != nil {
		return nil, fmt.Errorf("--operations: %w", err)
	}
	return operations, nil
}

// limits returns the limits of GraphQL documents.
func limits(cfg config.Config) guard.Limits {
	return guard.Limits{Depth: cfg.MaxDepth, Complexity: cfg.MaxComplexity, Tokens: cfg.MaxTokens}
}

// served adds what all paths share: the identity of requests, the access log, the rejection of
// excess connections, deadlines and the recovery from panics.
func served(cfg config.Config, log *slog.Logger, next http.Handler) http.Handler {
	identity := surface.Identity{Proxies: trustedProxies(cfg), PublicURL: cfg.PublicURL, Logger: log}
	answered := surface.Deadlines(cfg.ClientTimeout, readTimeout, surface.Recover(log, next))
	answered = surface.RefuseExcess(log, answered, "/healthz", "/readyz")
	return surface.Identify(identity, surface.Log(log, accessLog(cfg), answered))
}

// accessLog returns which requests are logged.
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

func trustedProxies(cfg config.Config) surface.Proxies {
	networks, err := cfg.Proxies()
	if err != nil {
		panic("app: " + err.Error()) // cannot happen after config.Validate
	}
	return networks
}

// upgrades reports whether the request asks to open a WebSocket.
func upgrades(r *http.Request) bool { return r.Header.Get("Upgrade") != "" }

// state answers a request for the state of the server: unavailable with the reason if err is not
// nil.
func state(w http.ResponseWriter, status int, err error) {
	answer := map[string]string{"status": "ok"}
	if err != nil {
		answer = map[string]string{"status": "unavailable", "reason": err.Error()}
	}
	surface.WriteJSON(w, status, answer)
}
