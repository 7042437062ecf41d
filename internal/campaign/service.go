// Package campaign owns campaigns: their state machine; the rules to create, change, copy and
// delete them; their approval and history; what they still lack before they can be sent; and how
// they are filtered, ordered and counted. It must not know GraphQL or the Command bridge: both
// surfaces call the same methods with the same inputs. The store isolates accounts from each other.
//
// # Approval
//
// An approval covers what is sent and to which audience: subject, preheader, sender, reply address,
// HTML and plain text of the email and of the variations of an A/B test; the texts of the automatic
// second sending; the canonical audience; and the rules of the segments that the audience names,
// directly or through other segments. The members of lists, the schedule and the name are not
// covered.
//
// The column approved_digest stores a digest of the covered content if a caller other than the
// owner makes the campaign Ready. If there is no digest, the current content counts as approved.
// Campaigns of trusted owners have no digest, nor do campaigns that were Ready before digests were
// introduced.
//
// What happens to an approval if the change comes from an account that needs approval
// ("untrusted"), or from a trusted account or an admin ("trusted"):
//
//   - The campaign, its email or a segment changes. Untrusted: a Ready campaign becomes Pending
//     Approval if covered content differs; for Sending and Paused the change is rejected.
//     Trusted: the new content of a Ready, Sending or Paused campaign counts as approved.
//   - The content of a Sent campaign changes. Untrusted: rejected, except for segments and for
//     emails that are not sent a second time. Trusted: allowed.
//   - The content changes while the campaign waits for approval. Both: the version grows, so
//     that an approver cannot approve content they have not seen.
//   - The campaign is started (Ready → Sending). Untrusted: if the content differs, the call is
//     rejected and the campaign becomes Pending Approval. Trusted: the same for a campaign of
//     another account.
//   - The campaign is resumed (Paused → Ready). Untrusted: Pending Approval if the content
//     differs. Trusted: the same for a campaign of another account.
//   - Recipients are retried (Paused → Sending): as when it is started. Sent or Failed → Sending:
//     untrusted accounts can do so while the emails are those that were sent; trusted ones always.
//   - The campaign is copied. Both: the copy is a Draft without approval.
//
// # Locks
//
// No caller can change the email of a Sending campaign. If a change is known in advance, locks are
// taken in the order emails, segments, campaigns. An update locks the emails that it names one by
// one, in the order of its input, and then the emails that the campaign had before. Two concurrent
// updates may therefore deadlock; one of them then runs again.
package campaign

import (
	"context"
	"time"

	"campaignql/ent"
	"campaignql/internal/audience/rules"
	"campaignql/internal/purge"
	"campaignql/internal/store"
)

// Emails is the interface that this package needs from package content.
type Emails interface {
	// Copy copies an email in the running transaction and returns the copy.
	Copy(ctx context.Context, id int64) (*ent.Email, error)
}

// Service implements the operations on campaigns. Its methods are safe for concurrent use.
type Service struct {
	db     *store.Store
	emails Emails
	now    func() time.Time
	// checkAudience is Options.CheckAudience.
	checkAudience func(ctx context.Context, ownerID int64, a rules.Audience) error
	purges        *purge.Service
	runs          Runs
}

// Options are the settings of a Service. The zero value is usable.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
	// CheckAudience returns an error on the field "audience" if an audience cannot be evaluated for
	// an account. It runs in the transaction that stores the audience, after all ids that the
	// audience names were found to belong to the account. Only the package that evaluates audiences
	// can check this. If it is nil, every audience with valid references is accepted.
	CheckAudience func(ctx context.Context, ownerID int64, a rules.Audience) error
	// Purges deletes the remaining rows of deleted campaigns. If it is nil, the Service creates its
	// own, and a server notices those deletions only later.
	Purges *purge.Service
	// Runs are the sendings of campaigns. If it is nil, campaigns have none.
	Runs Runs
}

// New returns a Service for a database.
func New(db *store.Store, emails Emails, opts Options) *Service {
	now := store.Now
	if opts.Now != nil {
		now = func() time.Time { return store.Truncate(opts.Now()) }
	}
	if opts.CheckAudience == nil {
		opts.CheckAudience = func(context.Context, int64, rules.Audience) error { return nil }
	}
	if opts.Purges == nil {
		opts.Purges = purge.New(db)
	}
	if opts.Runs == nil {
		opts.Runs = noRuns{}
	}
	return &Service{
		db: db, emails: emails, now: now, checkAudience: opts.CheckAudience, purges: opts.Purges, runs: opts.Runs,
	}
}

// Now returns the current time of the service's clock.
func (s *Service) Now() time.Time { return s.now() }
