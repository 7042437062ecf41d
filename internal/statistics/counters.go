// Package statistics owns the meaning of the numbers of a campaign: the counters stored on it, the
// rates computed from them, and its days. Lists, details and the Command bridge all use this one
// definition. It must not know how events are recorded or how numbers are displayed.
package statistics

import (
	"math"
	"time"

	"campaignql/ent"
	"campaignql/internal/kind"
)

// Counters are the numbers of one campaign, read from the columns of its row. No method counts
// events. Each method reads the columns that its documentation names. If a column was not selected,
// its value is zero.
type Counters ent.Campaign

// Of returns the numbers of a campaign.
func Of(c *ent.Campaign) *Counters { return (*Counters)(c) }

// Recipients is total_recipients: the number of recipients, counted when sending began.
func (c *Counters) Recipients() int64 { return c.TotalRecipients }

// Sent is total_sent: mails handed to the mail system.
func (c *Counters) Sent() int64 { return c.TotalSent }

// Failed is total_failed.
func (c *Counters) Failed() int64 { return c.TotalFailed }

// Delivered is total_sent minus total_hard_bounces and total_soft_bounces, never negative.
func (c *Counters) Delivered() int64 {
	return max(0, c.TotalSent-c.TotalHardBounces-c.TotalSoftBounces)
}

// Unique counts something that can happen to one person many times.
type Unique struct {
	// Total counts every event, Unique counts each person once.
	Total, Unique int64
	// Rate is Unique as a fraction of delivered; nil if nothing was delivered.
	Rate *float64
}

// Count counts something that happens to a person at most once.
type Count struct {
	Total int64
	// Rate is Total as a fraction of delivered; nil if nothing was delivered.
	Rate *float64
}

// Bounces counts the mails that bounced.
type Bounces struct {
	Hard, Soft int64
	// Rate is hard and soft bounces together as a fraction of sent; nil if nothing was sent.
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

// ClickToOpenRate is unique clicks as a fraction of unique opens; nil without opens.
func (c *Counters) ClickToOpenRate() *float64 { return Rate(c.UniqueClicks, c.UniqueOpens) }

func (c *Counters) unique(total, unique int64) Unique {
	return Unique{Total: total, Unique: unique, Rate: Rate(unique, c.Delivered())}
}

func (c *Counters) count(total int64) Count {
	return Count{Total: total, Rate: Rate(total, c.Delivered())}
}

// Rate returns part as a fraction of whole, or nil if whole is zero.
func Rate(part, whole int64) *float64 {
	if whole <= 0 {
		return nil
	}
	rate := float64(part) / float64(whole)
	return &rate
}

// Throughput is the sending speed of a campaign.
type Throughput struct {
	// EmailsPerSecond is sent divided by the seconds of sending so far or in total, with at most
	// one decimal; 0 before sending.
	EmailsPerSecond       float64
	StartedAt, FinishedAt *time.Time
	// Remaining is the number of recipients not sent to yet; 0 after sending has ended.
	Remaining int64
	// EstimatedFinish is the estimated end of sending at the current speed. It is nil if the
	// campaign is not being sent, if its speed is unknown, or if the end is more than a hundred
	// years away.
	EstimatedFinish *time.Time
}

// farthest is the upper bound of an estimate.
const farthest = 100 * 365 * 24 * time.Hour

// ThroughputColumns are the columns that ThroughputAt reads.
var ThroughputColumns = []string{
	"status",
	"sending_started_at",
	"sending_finished_at",
	"total_sent",
	"total_failed",
	"total_recipients",
}

// ThroughputAt returns the throughput of the campaign at the given time.
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
	// Sending shorter than a second still has a speed.
	seconds := max(1, end.Sub(*t.StartedAt).Seconds())
	pace := float64(c.TotalSent) / seconds
	t.EmailsPerSecond = math.Round(pace*10) / 10
	left := float64(t.Remaining) / pace
	if c.Status == kind.StatusSending && t.Remaining > 0 && left < farthest.Seconds() {
		finish := now.Add(time.Duration(left * float64(time.Second))).UTC().Truncate(time.Second)
		t.EstimatedFinish = &finish
	}
	return t
}

// Conversions is the number of conversions and what they are worth. The column conversion_amount,
// the sum over all currencies, is for legacy scripts only.
type Conversions struct {
	// Count is total_conversions.
	Count int64
	// Amounts are the sums of the amounts, as Service.Amounts and Service.SumAmounts return them.
	Amounts []kind.Money
}

// Automated counts the opens and clicks of machines. No other number includes them.
type Automated struct{ Opens, Clicks int64 }

// Automated is automated_opens and automated_clicks.
func (c *Counters) Automated() Automated {
	return Automated{Opens: c.AutomatedOpens, Clicks: c.AutomatedClicks}
}
