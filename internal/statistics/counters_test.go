package statistics_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/kind"
	"campaignql/internal/statistics"
)

func fraction(f float64) *float64 { return &f }

func TestRateIsAFractionOrUnknown(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		part, whole int64
		want        *float64
	}{
		{0, 0, nil},
		{5, 0, nil},
		{5, -1, nil},
		{0, 10, fraction(0)},
		{5, 10, fraction(0.5)},
		{10, 10, fraction(1)},
		{1, 3, fraction(1.0 / 3)},
	} {
		if diff := cmp.Diff(tt.want, statistics.Rate(tt.part, tt.whole)); diff != "" {
			t.Errorf("Rate(%d, %d): -want +got\n%s", tt.part, tt.whole, diff)
		}
	}
}

func TestRatesAreOfDeliveredAndBouncesOfSent(t *testing.T) {
	t.Parallel()
	c := statistics.Of(&ent.Campaign{
		TotalRecipients: 120, TotalSent: 110, TotalFailed: 4, TotalHardBounces: 7, TotalSoftBounces: 3,
		TotalOpens: 90, UniqueOpens: 50, TotalClicks: 30, UniqueClicks: 20, TotalForwards: 6, UniqueForwards: 5,
		TotalBrowserViews: 4, UniqueBrowserViews: 3, TotalUnsubscriptions: 2, TotalComplaints: 1,
		TotalConversions: 9, ConversionAmount: 123456, AutomatedOpens: 11, AutomatedClicks: 12,
	})
	for name, pair := range map[string][2]any{
		"recipients":         {int64(120), c.Recipients()},
		"sent":               {int64(110), c.Sent()},
		"failed":             {int64(4), c.Failed()},
		"delivered":          {int64(100), c.Delivered()},
		"opens":              {statistics.Unique{Total: 90, Unique: 50, Rate: fraction(0.5)}, c.Opens()},
		"clicks":             {statistics.Unique{Total: 30, Unique: 20, Rate: fraction(0.2)}, c.Clicks()},
		"forwards":           {statistics.Unique{Total: 6, Unique: 5, Rate: fraction(0.05)}, c.Forwards()},
		"browser views":      {statistics.Unique{Total: 4, Unique: 3, Rate: fraction(0.03)}, c.BrowserViews()},
		"unsubscriptions":    {statistics.Count{Total: 2, Rate: fraction(0.02)}, c.Unsubscriptions()},
		"complaints":         {statistics.Count{Total: 1, Rate: fraction(0.01)}, c.Complaints()},
		"bounces":            {statistics.Bounces{Hard: 7, Soft: 3, Rate: fraction(10.0 / 110)}, c.Bounces()},
		"click to open rate": {fraction(0.4), c.ClickToOpenRate()},
		"automated":          {statistics.Automated{Opens: 11, Clicks: 12}, c.Automated()},
	} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
}

func TestRatesOfNothingAreUnknown(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]*statistics.Counters{
		"nothing sent":            statistics.Of(&ent.Campaign{}),
		"everything bounced":      statistics.Of(&ent.Campaign{TotalSent: 5, TotalHardBounces: 5}),
		"more bounces than mails": statistics.Of(&ent.Campaign{TotalSent: 5, TotalHardBounces: 5, TotalSoftBounces: 3}),
	} {
		if c.Delivered() != 0 {
			t.Errorf("%s: %d delivered, want 0", name, c.Delivered())
		}
		for rate, got := range map[string]*float64{
			"opens": c.Opens().Rate, "clicks": c.Clicks().Rate, "forwards": c.Forwards().Rate, "browser views": c.BrowserViews().Rate,
			"unsubscriptions": c.Unsubscriptions().Rate, "complaints": c.Complaints().Rate, "click to open": c.ClickToOpenRate(),
		} {
			if got != nil {
				t.Errorf("%s: the rate of %s is %v, want unknown", name, rate, *got)
			}
		}
	}
	if rate := statistics.Of(&ent.Campaign{}).Bounces().Rate; rate != nil {
		t.Errorf("the bounce rate of nothing is %v, want unknown", *rate)
	}
}

func TestThroughputIsSentBySecondsOfSending(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	after := func(d time.Duration) *time.Time {
		at := start.Add(d)
		return &at
	}
	for _, tt := range []struct {
		name string
		c    ent.Campaign
		now  time.Time
		want statistics.Throughput
	}{
		{
			"before sending", ent.Campaign{Status: kind.StatusReady, TotalRecipients: 100}, start,
			statistics.Throughput{Remaining: 100},
		},
		{
			"started without a mail", ent.Campaign{Status: kind.StatusSending, TotalRecipients: 100, SendingStartedAt: &start}, *after(time.Minute),
			statistics.Throughput{StartedAt: &start, Remaining: 100},
		},
		{
			"under way", ent.Campaign{Status: kind.StatusSending, TotalRecipients: 1000, TotalSent: 500, TotalFailed: 100, SendingStartedAt: &start}, *after(100 * time.Second),
			statistics.Throughput{EmailsPerSecond: 5, StartedAt: &start, Remaining: 400, EstimatedFinish: after(180 * time.Second)},
		},
		{
			"one decimal", ent.Campaign{Status: kind.StatusSending, TotalRecipients: 100, TotalSent: 100, SendingStartedAt: &start}, *after(30 * time.Second),
			statistics.Throughput{EmailsPerSecond: 3.3, StartedAt: &start},
		},
		{
			"within its first second", ent.Campaign{Status: kind.StatusSending, TotalRecipients: 8, TotalSent: 4, SendingStartedAt: &start}, *after(10 * time.Millisecond),
			statistics.Throughput{EmailsPerSecond: 4, StartedAt: &start, Remaining: 4, EstimatedFinish: after(time.Second)},
		},
		{
			"paused has no estimate", ent.Campaign{Status: kind.StatusPaused, TotalRecipients: 20, TotalSent: 10, SendingStartedAt: &start}, *after(10 * time.Second),
			statistics.Throughput{EmailsPerSecond: 1, StartedAt: &start, Remaining: 10},
		},
		{
			"ended", ent.Campaign{Status: kind.StatusSent, TotalRecipients: 100, TotalSent: 90, TotalFailed: 5, SendingStartedAt: &start, SendingFinishedAt: after(10 * time.Second)}, *after(time.Hour),
			statistics.Throughput{EmailsPerSecond: 9, StartedAt: &start, FinishedAt: after(10 * time.Second)},
		},
		{
			"failed leaves nobody to be sent to", ent.Campaign{Status: kind.StatusFailed, TotalRecipients: 100, SendingStartedAt: &start, SendingFinishedAt: after(time.Second)}, *after(time.Hour),
			statistics.Throughput{StartedAt: &start, FinishedAt: after(time.Second)},
		},
		{
			"no end in sight", ent.Campaign{Status: kind.StatusSending, TotalRecipients: 10_000_001, TotalSent: 1, SendingStartedAt: &start}, *after(30 * time.Minute),
			statistics.Throughput{StartedAt: &start, Remaining: 10_000_000},
		},
		{
			"a clock that went back", ent.Campaign{Status: kind.StatusSending, TotalRecipients: 3, TotalSent: 3, SendingStartedAt: &start}, start.Add(-time.Hour),
			statistics.Throughput{EmailsPerSecond: 3, StartedAt: &start},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, statistics.Of(&tt.c).ThroughputAt(tt.now)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}
