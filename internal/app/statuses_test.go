package app

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"campaignql/internal/campaign"
	"campaignql/internal/kind"
)

// scrape returns the counts that the collector reports by status. failed says whether it reports an
// error.
func scrape(t *testing.T, c *statusCollector) (reported map[string]float64, failed bool) {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		return nil, true
	}
	reported = map[string]float64{}
	for _, metric := range families[0].GetMetric() {
		reported[metric.GetLabel()[0].GetValue()] = metric.GetGauge().GetValue()
	}
	return reported, false
}

func TestCampaignsAreCountedOnceAMinuteHoweverOftenTheMetricsAreRead(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	counted, drafts := 0, 3
	var fault error
	c := newStatusCollector(func(context.Context, campaign.Filter) (*campaign.Counts, error) {
		counted++
		return &campaign.Counts{ByStatus: map[kind.CampaignStatus]int{kind.StatusDraft: drafts}}, fault
	}, func() time.Time { return now })
	check := func(wantCounted int, wantDrafts float64) {
		t.Helper()
		got, failed := scrape(t, c)
		if failed || counted != wantCounted || got["draft"] != wantDrafts {
			t.Errorf(
				"counted %d times, %v drafts, failed %t; want %d, %v", counted, got["draft"], failed, wantCounted,
				wantDrafts,
			)
		}
		if sent, there := got["sent"]; !there || sent != 0 {
			t.Errorf("a status without campaigns is reported as %v, %t", sent, there)
		}
	}
	check(1, 3)
	drafts = 5
	check(1, 3) // a second scrape runs no statement
	now = now.Add(countEvery)
	check(2, 5)
	fault = errors.New("the database is gone")
	now = now.Add(countEvery)
	check(3, 5) // the last counts are kept
	check(3, 5) // a failed count is not retried at every scrape
}

func TestWithoutAnyCountAFailureIsReported(t *testing.T) {
	t.Parallel()
	c := newStatusCollector(func(context.Context, campaign.Filter) (*campaign.Counts, error) {
		return nil, errors.New("the database is gone")
	}, time.Now)
	if got, failed := scrape(t, c); !failed {
		t.Errorf("reported %v", got)
	}
}
