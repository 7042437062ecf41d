// Package campaign owns campaigns: their state machine, the rules of creating, changing, copying
// and deleting them, their approval and history, what they still lack before they can be sent, and
// how they are filtered, ordered and counted. It knows nothing of GraphQL or of the Command bridge:
// both call the same methods with the same inputs. The store keeps accounts apart.
//
// An approval covers what is sent and to whom: subject, preheader, sender, reply address, HTML and
// plain text of the email and of the variations of an A/B test, the texts of the automatic second
// sending, the canonical audience, and the rules of the segments that it names, directly or through
// others. The members of lists, the schedule and the name are not part of it. A digest of it is
// stored when somebody else than the owner makes a campaign Ready. What does not have one counts as
// approved as it is: campaigns of trusted owners, and those that were Ready before there were
// digests.
//
//	what happens                      by an account that needs approval               by a trusted account or an admin
//	the campaign, its email or a      Ready: Pending Approval if anything covered     Ready, Sending, Paused: what it is
//	segment changes                   differs. Sending, Paused: refused               then counts as approved
//	it is Sent and that changes       refused, but for emails that are not sent a     it changes
//	                                  second time, and for segments
//	it waits for approval and that    its version grows, so that what was not seen    the same
//	changes                           is not approved
//	it is started (Ready → Sending)   refused if it differs, and Pending Approval     the same for another's campaign
//	it is resumed (Paused → Ready)    Pending Approval if it differs                  the same for another's campaign
//	it is copied                      a Draft, which nobody has approved              the same
//
// The email of a campaign that is Sending does not change, whoever asks. Locks are taken in the
// order emails, segments, campaigns where a change is known beforehand. An update locks the emails
// that it names one after the other, in the order of its input, and what it had before after them:
// two such changes may deadlock, and one of them then runs again.
package campaign

import (
	"context"
	"time"

	"campaignql/ent"
	"campaignql/internal/audience/rules"
	"campaignql/internal/purge"
	"campaignql/internal/store"
)

// Emails is what the domain needs of the content of mailings.
type Emails interface {
	// Copy makes a copy of an email in the running transaction and returns it.
	Copy(ctx context.Context, id int64) (*ent.Email, error)
}

// Service answers for campaigns. Its methods may be called from many goroutines.
type Service struct {
	db     *store.Store
	emails Emails
	now    func() time.Time
	// checkAudience is that of Options.
	checkAudience func(ctx context.Context, ownerID int64, a rules.Audience) error
	purges        *purge.Service
}

// Options are the settings of a Service; the zero value is ready.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
	// CheckAudience reports why an audience could not be evaluated for an account, on the field
	// "audience". It is called in the transaction that is to keep the audience, after all that it
	// names was found to be the account's. Only the domain of evaluating can tell; without it every
	// such audience is kept.
	CheckAudience func(ctx context.Context, ownerID int64, a rules.Audience) error
	// Purges takes what deleted campaigns leave behind; one of its own otherwise, which a server
	// hears of later.
	Purges *purge.Service
}

// New returns the service over a database.
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
	return &Service{db: db, emails: emails, now: now, checkAudience: opts.CheckAudience, purges: opts.Purges}
}

// Now returns the present instant by the service's clock.
func (s *Service) Now() time.Time { return s.now() }
