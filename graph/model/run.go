package model

import (
	"time"

	"campaignql/ent"
	"campaignql/graph/gid"
	"campaignql/internal/kind"
	"campaignql/internal/sending"
)

// CampaignRun shows a run of a campaign.
type CampaignRun struct{ *ent.CampaignRun }

// GlobalID returns the opaque id.
func (r *CampaignRun) GlobalID() string { return gid.Encode(gid.CampaignRun, r.ID) }

// Number returns the number of the run.
func (r *CampaignRun) Number() int64 { return r.ID }

// Hold returns why nothing is sent at present, or nil if something is.
func (r *CampaignRun) Hold() *RunHold {
	if r.HoldCode == "" {
		return nil
	}
	return &RunHold{Code: r.HoldCode, Text: r.HoldText, Until: r.HoldUntil}
}

// Counts returns the numbers of recipients.
func (r *CampaignRun) Counts() *RunCounts { return (*RunCounts)(r.CampaignRun) }

// CountOf returns the number of recipients in a state, or of all for nil.
func (r *CampaignRun) CountOf(state *kind.RecipientState) int {
	if state == nil {
		return int(r.Total)
	}
	return int(map[kind.RecipientState]int64{
		kind.RecipientPending: r.Pending, kind.RecipientBegun: r.Begun, kind.RecipientDeferred: r.Deferred,
		kind.RecipientSent: r.Sent, kind.RecipientFailed: r.Failed, kind.RecipientUnknown: r.Unknown,
		kind.RecipientSkipped: r.Skipped,
	}[*state])
}

// RunHold shows why a run sends nothing at present.
type RunHold struct {
	Code, Text string
	Until      *time.Time
}

// RunCounts shows the numbers of recipients of a run.
type RunCounts ent.CampaignRun

// GlobalID returns the opaque id.
func (c *RunCounts) GlobalID() string { return gid.Encode(gid.RunCounts, c.ID) }

// RecipientProblem shows what recipients have in common that did not get a campaign.
type RecipientProblem sending.Problem

// SkippedBecause returns why they were not written to, or nil if they were.
func (p *RecipientProblem) SkippedBecause() *kind.SkipReason { return p.Skipped }

// Code returns nil where the mail server said none, as do its siblings.
func (p *RecipientProblem) Code() *int64 { return positive(p.ReplyCode) }

// EnhancedCode returns nil without one.
func (p *RecipientProblem) EnhancedCode() *string { return text(p.Enhanced) }

// Reply returns nil without one.
func (p *RecipientProblem) Reply() *string { return text(p.Text) }

// Recipient shows what became of a contact in a run.
type Recipient struct{ *ent.RunRecipient }

// SkippedBecause returns why it was not written to, or nil if it was.
func (r *Recipient) SkippedBecause() *kind.SkipReason { return r.Skipped }

// Attempts returns how often it was tried.
func (r *Recipient) Attempts() int { return int(r.RunRecipient.Attempts) }

// Code returns nil where the mail server said none.
func (r *Recipient) Code() *int64 { return positive(int64(r.ReplyCode)) }

// EnhancedCode returns nil without one.
func (r *Recipient) EnhancedCode() *string { return text(r.RunRecipient.EnhancedCode) }

// Reply returns nil without one.
func (r *Recipient) Reply() *string { return text(r.RunRecipient.Reply) }

func positive(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

// TestOutcome shows what became of a test to one address.
type TestOutcome sending.TestOutcome

// Code returns nil where the mail server said none.
func (o *TestOutcome) Code() *int64 { return positive(o.ReplyCode) }

// EnhancedCode returns nil without one.
func (o *TestOutcome) EnhancedCode() *string { return text(o.Enhanced) }

// Reply returns nil without one.
func (o *TestOutcome) Reply() *string { return text(o.Text) }
