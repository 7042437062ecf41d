// Package query owns the evaluation of audiences: it finds the people that an audience reaches. It
// compiles the rule tree of package rules to one SQL statement, which the database evaluates.
// Counting, previewing, explaining and resolving never hold the audience in memory. The package
// must not know how an audience is written down, and what a campaign sends or when.
//
// An audience selects rows of subscribers; a row is the subscription of one contact to one list. In
// FormLists, and if criteria are joined by Or, a row is selected if a criterion of its list matches.
// If criteria are joined by And, a row on one of the named lists is selected if every criterion
// selects its contact. Exclusions remove contacts: if an exclusion selects a contact on any list, in
// any state, the contact is not reached through any other list.
//
// A selected row is reached if it is subscribed on its list, mail can be delivered to its contact,
// and the address is not suppressed by the account. If a contact has several rows, only the one with
// the lowest id is reached, so that nobody is reached twice.
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

// Limits of one evaluation, in addition to the limits of the parser. Above a limit the error is
// Invalid, reason "audience_too_large", with the path of the element that exceeds it.
const (
	// MaxSegmentDepth is the maximum nesting depth of segments. A segment that a criterion names is
	// level 1.
	MaxSegmentDepth = 5
	// MaxRules is the maximum number of rules after each segment is replaced by its rules. The
	// segments themselves count too.
	MaxRules = 500
	// MaxIDs is the maximum number of tags and campaigns that all rules together may name.
	MaxIDs = 5000
)

// Options are the settings of a Service. The zero value uses the defaults.
type Options struct {
	// Now is the clock. Default: store.Now.
	Now func() time.Time
}

// Service evaluates audiences. Its methods are safe for concurrent use. Each method requires the
// scope read. It first reads the objects that the rules name, in at most eleven statements for any
// number of objects. Then it runs the statement that evaluates the audience, and on SQLite possibly
// one more that checks whether there are few people. All faults of an audience are reported
// together.
type Service struct {
	db  *store.Store
	now func() time.Time
}

// New returns a Service for an open database.
func New(db *store.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = store.Now
	}
	return &Service{db: db, now: opts.Now}
}

// Target is an audience to evaluate.
type Target struct {
	// OwnerID is the account whose subscribers are evaluated; 0 means the caller's own account. If
	// the caller cannot see the account, the error is NotFound, reason "account_not_found".
	OwnerID  int64
	Audience rules.Audience
	// At is the instant from which "in_last_x_days" counts back. The zero value means now. A caller
	// that resolves in several calls must pass the same instant in each.
	At time.Time

	// input is the field of the errors. Default: fieldAudience.
	input string
	// latest means that segments are read under a lock, so that rows committed since the
	// transaction began are visible.
	latest bool
	// stored marks rules that were checked when they were saved. A campaign deleted since then has
	// no events, so its rule matches nobody.
	stored bool
	// read is the segment, with its rules, that is the whole audience. If it is nil, the rules are
	// read from the database.
	read *ent.Segment
	// prepared is the plan if it was read and checked before, or nil.
	prepared *plan
}

// fieldAudience is the default field of evaluation errors.
const fieldAudience = "audience"

// field returns the input field of the errors.
func (t Target) field() string {
	if t.input == "" {
		return fieldAudience
	}
	return t.input
}

// tooLarge returns the error for a target that names too many objects.
func (t Target) tooLarge(format string, args ...any) error {
	return apperr.InvalidField(t.field(), apperr.ReasonAudienceTooLarge, "$: %s", fmt.Sprintf(format, args...))
}

// Prepare reads the objects that the target names, once for several evaluations. It returns the
// target with a fixed instant. It returns the same errors as every evaluation of the target.
// Changes between Prepare and the evaluation, for example to the rules of a segment, are not seen.
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

// CampaignColumns are the columns that OfCampaign reads.
var CampaignColumns = []string{entcampaign.FieldUserID, entcampaign.FieldAudience}

// OfCampaign returns the audience of a campaign as a target for the campaign's owner. If the
// campaign has no audience, the target reaches nobody.
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

// owner returns the account to evaluate for. The store does not limit the statements of this
// package to the caller's account, so this check is their only protection.
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
