package app

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"campaignql/internal/command"
	"campaignql/internal/event"
)

// meters are the metrics of /metrics.
type meters struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
}

func newMeters(services *Services, build Build) *meters {
	m := &meters{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "campaignql_requests_total", Help: "Requests by surface, operation and outcome.",
		}, []string{"surface", "operation", "outcome"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "campaignql_request_duration_seconds",
			Help:    "Time from request to answer.",
			Buckets: prometheus.DefBuckets,
		}, []string{"surface", "operation"}),
	}
	subscriptions := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "campaignql_subscriptions", Help: "Subscriptions that are open on this server.",
	}, func() float64 { return float64(services.Live.Open()) })
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "campaignql_build_info", Help: "What the server was built from; always 1.",
		ConstLabels: prometheus.Labels{"version": build.Version, "commit": build.Commit, "goversion": GoVersion()},
	})
	info.Set(1)
	m.registry.MustRegister(
		info, m.requests, m.duration, subscriptions, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		newStatusCollector(services.Campaigns.Counts, time.Now),
	)
	registerSending(m.registry, services.Sending)
	for _, outcome := range []event.Outcome{event.Recorded, event.Duplicate, event.Rejected} {
		m.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name:        "campaignql_events_total",
			Help:        "Events received since the start, by what came of them.",
			ConstLabels: prometheus.Labels{"outcome": string(outcome)},
		}, func() float64 { return float64(services.Events.Received(outcome)) }))
	}
	for i, db := range services.Store.Pools() {
		m.registry.MustRegister(collectors.NewDBStatsCollector(db, fmt.Sprintf("%s%d", services.Store.Dialect(), i)))
	}
	return m
}

func (m *meters) graphQL(_ context.Context, operation string, took time.Duration, failed bool) {
	outcome := command.Succeeded
	if failed {
		outcome = command.Failed
	}
	m.count("graphql", operation, outcome, took)
}

func (m *meters) command(name string, outcome command.Outcome, took time.Duration) {
	if name == "" {
		name = "unknown"
	}
	m.count("command", name, outcome, took)
}

func (m *meters) count(surface, operation string, outcome command.Outcome, took time.Duration) {
	m.requests.WithLabelValues(surface, operation, string(outcome)).Inc()
	m.duration.WithLabelValues(surface, operation).Observe(took.Seconds())
}
