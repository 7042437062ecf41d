// Package statistics owns what the numbers of a campaign mean: the counters kept on it, the rates
// that follow from them, and its days. It is the one definition behind a list, a detail and the
// Command bridge. It knows nothing of how events came in or of how numbers are shown.
package statistics

import (
	"math"
	"time"

	"campaignql/ent"
	"campaignql/internal/kind"
)

// Counters are the numbers of one campaign, read from its own columns: no event is counted to show
// them. Each method reads the columns that its documentation names; a row selected without them
// gives zeros.
type Counters ent.Campaign

// Of returns the numbers of a campaign.
func Of(c *ent.Campaign) *Counters { return (*Counters)(c) }

// Recipients is total_recipients: the people it goes to, as counted when sending began.
func (c *Counters) Recipients() int64 { return c.TotalRecipients }

// Sent is total_sent: mails handed to the mail system.
func (c *Counters) Sent() int64 { return c.TotalSent }

// Failed is total_failed.
func (c *Counters) Failed() int64 { return c.TotalFailed }

// Delivered is total_sent less total_hard_bounces and total_soft_bounces, never negative.
func (c *Counters) Delivered() int64 {
	return max(0, c.TotalSent-c.TotalHardBounces-c.TotalSoftBounces)
}

// Unique counts something that may happen to one person many times.
type Unique struct {
	// Total counts every time, Unique every person.
	Total, Unique int64
	// Rate is Unique as a fraction of delivered; nil when nothing was delivered.
	Rate *float64
}

// Count counts something that happens to a person at most once.
type Count struct {
	Total int64
	// Rate is Total as a fraction of delivered; nil when nothing was delivered.
	Rate *float64
}

// Bounces counts the mails that came back.
type Bounces struct {
	Hard, Soft int64
	// Rate is both as a fraction of sent; nil when nothing was sent.
	Rate *float64
}

// Opens is total_opens and unique_opens; its rate also needs the columns of Delivered.
func (c *Counters) Opens() Unique { return c.unique(c.TotalOpens, c.UniqueOpens) }

// Clicks is total_clicks and unique_clicks.
func (c *Counters) Clicks() Unique { return c.unique(c.TotalClicks, c.UniqueClicks) }

// Forwards is total_forwards and unique_forwards.
func (c *Counters) Forwards() Unique { return c.unique(c.TotalForwards, c.UniqueForwards) }

// BrowserViews is total_browser_views and unique_browser_views.
func (c *Counters) BrowserViews() Unique { return c.unique(c.TotalBrowserViews, c.UniqueBrowserViews) }

// Unsubscriptions is total_unsubscriptions.
func (c *Counters) Unsubscriptions() Count { return c.count(c.TotalUnsubscriptions) }

// Complaints is total_complaints.
func (c *Counters) Complaints() Count { return c.count(c.TotalComplaints) }

// Bounces is total_hard_bounces and total_soft_bounces; its rate also needs total_sent.
func (c *Counters) Bounces() Bounces {
	return Bounces{
		Hard: c.TotalHardBounces, Soft: c.TotalSoftBounces,
		Rate: Rate(c.TotalHardBounces+c.TotalSoftBounces, c.TotalSent),
	}
}

// ClickToOpenRate is unique clicks as a fraction of unique opens; nil when nobody opened.
func (c *Counters) ClickToOpenRate() *float64 { return Rate(c.UniqueClicks, c.UniqueOpens) }

func (c *Counters) unique(total, unique int64) Unique {
	return Unique{Total: total, Unique: unique, Rate: Rate(unique, c.Delivered())}
}

func (c *Counters) count(total int64) Count {
	return Count{Total: total, Rate: Rate(total, c.Delivered())}
}

// Rate is part as a fraction of whole; nil when the whole is nothing.
func Rate(part, whole int64) *float64 {
	if whole <= 0 {
		return nil
	}
	rate := float64(part) / float64(whole)
	return &rate
}

// Throughput says how fast a campaign is being sent.
type Throughput struct {
	// EmailsPerSecond is sent by seconds of sending, so far or in total, with at most one decimal; 0 before sending.
	EmailsPerSecond       float64
	StartedAt, FinishedAt *time.Time
	// Remaining is the number of recipients still to be sent to; 0 once sending ended.
	Remaining int64
	// EstimatedFinish is when sending ends at this pace; nil unless it is being sent at a known
	// pace, and beyond a hundred years.
	EstimatedFinish *time.Time
}

// farthest is how far an estimate reaches.
const farthest = 100 * 365 * 24 * time.Hour

// ThroughputColumns are the columns ThroughputAt reads.
var ThroughputColumns = []string{
	"status",
	"sending_started_at",
	"sending_finished_at",
	"total_sent",
	"total_failed",
	"total_recipients",
}

// ThroughputAt returns how fast the campaign is being sent, as seen at an instant.
func (c *Counters) ThroughputAt(now time.Time) Throughput {
	t := Throughput{StartedAt: c.SendingStartedAt, FinishedAt: c.SendingFinishedAt}
	if c.Status != kind.StatusSent && c.Status != kind.StatusFailed {
		t.Remaining = max(0, c.TotalRecipients-c.TotalSent-c.TotalFailed)
	}
	if t.StartedAt == nil || c.TotalSent == 0 {
		return t
	}
	end := now
	if t.FinishedAt != nil {
		end = *t.FinishedAt
	}
	// What was sent within less than a second is a pace all the same.
	seconds := max(1, end.Sub(*t.StartedAt).Seconds())
	pace := float64(c.TotalSent) / seconds
	t.EmailsPerSecond = math.Round(pace*10) / 10
	if left := float64(
		t.Remaining,
	) / pace; c.Status == kind.StatusSending && t.Remaining > 0 &&
		left < farthest.Seconds() {
		finish := now.Add(time.Duration(left * float64(time.Second))).UTC().Truncate(time.Second)
		t.EstimatedFinish = &finish
	}
	return t
}

// Conversions counts what people did in the end, and what it is worth.
type Conversions struct {
	Count int64
	// Amount is the sum of the amounts in units of the currency.
	Amount float64
}

// Conversions is total_conversions and conversion_amount.
func (c *Counters) Conversions() Conversions {
	return Conversions{Count: c.TotalConversions, Amount: float64(c.ConversionAmount) / 100}
}

// Automated counts what machines did, which is in no number of people.
type Automated struct{ Opens, Clicks int64 }

// Automated is automated_opens and automated_clicks.
func (c *Counters) Automated() Automated {
	return Automated{Opens: c.AutomatedOpens, Clicks: c.AutomatedClicks}
}
