package app

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
)

const (
	// countEvery is the maximum age of the campaign counts in /metrics. Each count reads every
	// campaign of the database.
	countEvery = time.Minute
	// countTimeout bounds one count.
	countTimeout = 5 * time.Second
)

// statusCollector reports the number of campaigns of all accounts by status. It counts at most once
// in countEvery, however often the metrics are read. If counting fails, it reports the last counts,
// or the error if there are none.
type statusCollector struct {
	count countCampaigns
	now   func() time.Time

	mu sync.Mutex
	// tried is the time of the last attempt to count, whether successful or not. known are the last
	// counts, failed is the last error.
	tried  time.Time
	known  map[kind.CampaignStatus]int
	failed error
}

type countCampaigns = func(context.Context, campaign.Filter) (*campaign.Counts, error)

func newStatusCollector(count countCampaigns, now func() time.Time) *statusCollector {
	return &statusCollector{count: count, now: now}
}

var campaignsByStatus = prometheus.NewDesc("campaignql_campaigns",
	"Campaigns of all accounts by status, counted once a minute.", []string{"status"}, nil)

// Describe implements prometheus.Collector.
func (c *statusCollector) Describe(out chan<- *prometheus.Desc) { out <- campaignsByStatus }

// Collect implements prometheus.Collector. It reports every status, including those that no
// campaign has.
func (c *statusCollector) Collect(out chan<- prometheus.Metric) {
	counts, err := c.counts()
	if err != nil {
		out <- prometheus.NewInvalidMetric(campaignsByStatus, err)
		return
	}
	for _, status := range kind.CampaignStatuses() {
		n := float64(counts[status])
		out <- prometheus.MustNewConstMetric(campaignsByStatus, prometheus.GaugeValue, n, string(status))
	}
}

// counts returns the last counts, or new ones if the last are too old.
func (c *statusCollector) counts() (map[kind.CampaignStatus]int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); c.tried.IsZero() || now.Sub(c.tried) >= countEvery {
		c.tried = now
		ctx, cancel := context.WithTimeout(caller.System(context.Background()), countTimeout)
		defer cancel()
		counts, err := c.count(ctx, campaign.Filter{})
		if c.failed = err; err == nil {
			c.known = counts.ByStatus
		}
	}
	if c.known == nil {
		return nil, c.failed
	}
	return c.known, nil
}
