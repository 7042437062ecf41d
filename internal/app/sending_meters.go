package app

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/sending"
)

const (
	// loadEvery is the maximum age of what loadCollector reports.
	loadEvery = 5 * time.Second
	// loadTimeout bounds one read.
	loadTimeout = 2 * time.Second
)

// registerSending registers the metrics of the built-in sender.
func registerSending(registry *prometheus.Registry, sender *sending.Service) {
	for _, result := range sending.Results {
		registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name:        "campaignql_messages_total",
			Help:        "Attempts to send a message by this server since its start, by what came of them.",
			ConstLabels: prometheus.Labels{"result": strings.ReplaceAll(result.String(), " ", "_")},
		}, func() float64 { return float64(sender.Messages(result)) }))
	}
	registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "campaignql_sending_breaker_open",
			Help: "1 while this server keeps away from the mail server because of its faults, otherwise 0.",
		}, func() float64 {
			if sender.BreakerOpen() {
				return 1
			}
			return 0
		}),
		&loadCollector{load: sender.Load, now: time.Now},
	)
}

// loadCollector reports how much there is to send for all accounts. It reads the database at most once
// in loadEvery, however often the metrics are read.
type loadCollector struct {
	load func(context.Context) (sending.Load, error)
	now  func() time.Time

	mu    sync.Mutex
	tried time.Time
	known sending.Load
	err   error
}

var (
	runsOpen = prometheus.NewDesc(
		"campaignql_runs_open", "Runs of campaigns of all accounts that have not ended, by phase.", []string{"phase"}, nil,
	)
	queueAge = prometheus.NewDesc(
		"campaignql_sending_queue_age_seconds",
		"How long the batch has been due that has waited longest for a server; 0 if none waits.", nil, nil,
	)
)

// Describe implements prometheus.Collector.
func (c *loadCollector) Describe(out chan<- *prometheus.Desc) {
	out <- runsOpen
	out <- queueAge
}

// Collect implements prometheus.Collector.
func (c *loadCollector) Collect(out chan<- prometheus.Metric) {
	load, err := c.read()
	if err != nil {
		out <- prometheus.NewInvalidMetric(queueAge, err)
		return
	}
	for _, phase := range []kind.RunPhase{kind.RunFreezing, kind.RunSending, kind.RunCanceling} {
		n := float64(load.Runs[phase])
		out <- prometheus.MustNewConstMetric(runsOpen, prometheus.GaugeValue, n, string(phase))
	}
	out <- prometheus.MustNewConstMetric(queueAge, prometheus.GaugeValue, load.Waiting.Seconds())
}

// read returns what was read last, or reads it again if that is too old.
func (c *loadCollector) read() (sending.Load, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); c.tried.IsZero() || now.Sub(c.tried) >= loadEvery {
		c.tried = now
		ctx, cancel := context.WithTimeout(caller.System(context.Background()), loadTimeout)
		defer cancel()
		c.known, c.err = c.load(ctx)
	}
	return c.known, c.err
}
