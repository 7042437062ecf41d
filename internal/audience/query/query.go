// Package query owns who an audience reaches. It compiles the rule tree of package rules to one SQL
// statement, which the database evaluates: counting, previewing, explaining and resolving never
// hold the audience in memory. It must not know how an audience is written, what a campaign is sent
// or when.
//
// An audience chooses rows of subscribers: one address on one list. Of FormLists and of criteria
// joined by Or those are chosen for which a criterion of their list holds; of criteria joined by
// And those on the lists named whose address is chosen by every criterion. Exclusions leave out
// addresses: whoever an exclusion chooses on any list, in whatever state, is not reached through
// another.
//
// Of those chosen are reached who is subscribed on that list, not bounced hard there, and not
// suppressed by the account; of the rows of one address the one with the lowest id, so that nobody
// is reached twice.
package query

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// The limits of one evaluation, beside those of the parser. Past any of them it is Invalid, reason
// "audience_too_large", with the path of what was too much.
const (
	// MaxSegmentDepth is how deep segments may stand within segments; one that is named by a
	// criterion is the first level.
	MaxSegmentDepth = 5
	// MaxRules is the number of rules together once each segment is replaced by its rules, the
	// segments themselves counted too.
	MaxRules = 500
	// MaxIDs is the number of tags and campaigns that all rules together may name.
	MaxIDs = 5000
)

// Options are the settings of a Service. The zero value takes the defaults.
type Options struct {
	// Now is the clock; store.Now otherwise.
	Now func() time.Time
}

// Service evaluates audiences. Its methods may be used from many goroutines. Each needs the scope
// read, and first reads what the rules name, in at most eleven statements however many there are;
// the statement that evaluates comes on top, and on SQLite one that asks whether there are few
// people. All faults of an audience are reported together.
type Service struct {
	db  *store.Store
	now func() time.Time
}

// New returns the service over an open database.
func New(db *store.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	return &Service{db: db, now: opts.Now}
}

// Target is an audience that is to be evaluated.
type Target struct {
	// OwnerID is the account whose people are meant, the caller's own for 0. One that the caller
	// does not see is NotFound, reason "account_not_found".
	OwnerID  int64
	Audience rules.Audience
	// At is the instant from which "in_last_x_days" counts back; now for the zero value. Who
	// resolves in several calls passes the same in each.
	At time.Time

	// input is the field of the errors; fieldAudience for none.
	input string
	// latest tells to read segments under a lock: what was committed since the transaction began is seen.
	latest bool
	// stored marks rules that were checked when they were saved: a campaign deleted since has no
	// events, and its rule holds for nobody.
	stored bool
	// read is the segment that the audience is, with its rules; nil where they are still to be read.
	read *ent.Segment
	// prepared is what the target names, read and checked before; nil for not yet.
	prepared *plan
}

// fieldAudience is the field of the errors of evaluating.
const fieldAudience = "audience"

// field is the input that the errors are about.
func (t Target) field() string {
	if t.input == "" {
		return fieldAudience
	}
	return t.input
}

// tooLarge is the error of a target that names too much.
func (t Target) tooLarge(format string, args ...any) error {
	return apperr.InvalidField(t.field(), apperr.ReasonAudienceTooLarge, "$: %s", fmt.Sprintf(format, args...))
}

// Prepare reads what the target names once for several evaluations, and returns it with its instant
// fixed. Its errors are those that every evaluation of the target would return. What is changed
// between Prepare and the evaluation, such as the rules of a segment, is not seen.
func (s *Service) Prepare(ctx context.Context, target Target) (Target, error) {
	if target.At.IsZero() {
		target.At = s.now()
	}
	p, err := s.plan(ctx, target)
	if err != nil {
		return Target{}, err
	}
	target.prepared = p
	return target, nil
}

// CampaignColumns are the columns OfCampaign reads.
var CampaignColumns = []string{entcampaign.FieldUserID, entcampaign.FieldAudience}

// OfCampaign returns the audience of a campaign, to be evaluated for the campaign's owner; that of
// a campaign without one reaches nobody.
func OfCampaign(c *ent.Campaign) (Target, error) {
	target := Target{OwnerID: c.UserID, stored: true}
	if c.Audience == "" {
		return target, nil
	}
	if err := json.Unmarshal([]byte(c.Audience), &target.Audience); err != nil {
		return Target{}, apperr.Wrap(apperr.Internal, err, "internal error")
	}
	return target, nil
}

// owner returns the account to evaluate for. The statements of this package are not confined by the
// store: this check is what stands before them.
func owner(ctx context.Context, target Target) (int64, error) {
	id, err := caller.Authorize(ctx, kind.ScopeRead)
	switch {
	case err != nil:
		return 0, err
	case target.OwnerID == 0 && id.UserID != 0:
		return id.UserID, nil
	case target.OwnerID == 0 || target.OwnerID != id.UserID && !id.SeesAll():
		return 0, apperr.NotFoundf("account")
	}
	return target.OwnerID, nil
}
