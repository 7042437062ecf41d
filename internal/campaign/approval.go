package campaign

import (
	"context"
	"fmt"
	"slices"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/ent/email"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// withdrawnReason is the prefix of the status reason of a campaign whose approval was withdrawn.
const withdrawnReason = "approval withdrawn: "

// mayApprove accepts an admin or a trusted user. For the campaigns of others they need the scope
// approve. A trusted owner who makes their own campaign Ready needs only the scope write.
func mayApprove(id caller.Identity, c *ent.Campaign) *apperr.Error {
	return mayApproveOf(id, c.UserID)
}

// approves reports whether the caller may approve the campaigns of an account.
func approves(id caller.Identity, ownerID int64) bool { return mayApproveOf(id, ownerID) == nil }

func mayApproveOf(id caller.Identity, ownerID int64) *apperr.Error {
	switch trusted := id.SeesAll() || id.Reputation == kind.ReputationTrusted; {
	case trusted && (id.UserID == ownerID || id.Scopes.Has(kind.ScopeApprove)):
		return nil
	case trusted:
		return errApproveScope()
	}
	return &apperr.Error{
		Code: apperr.Denied, Reason: apperr.ReasonApprovalRequired,
		Message: "this account is not trusted: an admin has to approve the campaign",
	}
}

func errApproveScope() *apperr.Error {
	return &apperr.Error{
		Code: apperr.Denied, Reason: apperr.ReasonApproveScopeRequired, Message: "this key lacks the scope \"approve\"",
	}
}

// settleApproval updates the approval of a campaign so that it always matches the approved content.
// The caller runs it for each change of a campaign, before the change is written. It may redirect
// the change to another status; the list in the package comment says when.
func (s *Service) settleApproval(ctx context.Context, id caller.Identity, c *ent.Campaign, d *draft) error {
	switch {
	case d.to == kind.StatusReady && !approvedIn(c.Status):
		return s.approve(ctx, id, c, d)
	case d.to == kind.StatusDraft || d.to == kind.StatusPendingApproval:
		if c.ApprovedDigest != nil {
			d.write.ClearApprovedDigest()
		}
		if d.to == kind.StatusPendingApproval && c.Status != d.to {
			return s.lockContent(ctx, resulting(c, d.write))
		}
		return nil
	case approvedIn(c.Status) || c.Status == kind.StatusSent:
		return s.keepApproval(ctx, id, c, d)
	default:
		return nil
	}
}

// approvedIn reports whether a campaign in this status has an approval, if its owner needs one.
func approvedIn(status kind.CampaignStatus) bool {
	return status == kind.StatusReady || status == kind.StatusSending || status == kind.StatusPaused
}

// approve stores the digest of the approved content if a caller other than the owner makes the
// campaign Ready. An owner who makes their own campaign Ready needs no stored approval.
func (s *Service) approve(ctx context.Context, id caller.Identity, c *ent.Campaign, d *draft) error {
	if c.UserID == id.UserID {
		d.write.ClearApprovedDigest()
		return nil
	}
	now, err := s.digests(ctx, c.UserID, []*ent.Campaign{resulting(c, d.write)}, store.Lock)
	if err != nil {
		return err
	}
	d.write.SetApprovedDigest(now[0].String())
	return nil
}

// lockContent locks the emails and segments of a campaign that is about to wait for approval. A
// concurrent change of one of them either finishes first, or starts later and finds the campaign
// waiting.
func (s *Service) lockContent(ctx context.Context, c *ent.Campaign) error {
	_, err := s.digests(ctx, c.UserID, []*ent.Campaign{c}, store.Lock)
	return err
}

// keepApproval compares the campaign after the change with the approved content. It does so if the
// change touches approved content or moves the campaign on towards sending.
func (s *Service) keepApproval(ctx context.Context, id caller.Identity, c *ent.Campaign, d *draft) error {
	after := resulting(c, d.write)
	changed, approves := !sameContent(c, after), approves(id, c.UserID)
	if changed && !approves && c.Status != kind.StatusReady {
		return notInStatus(
			firstMaterial(d),
			"only an account that is trusted, or an admin with the scope \"approve\", can change what is sent of a campaign that is %s",
			c.Status.Legacy(),
		)
	}
	starts := d.to == kind.StatusSending && (c.Status == kind.StatusReady || c.Status == kind.StatusPaused)
	resumes := d.to == kind.StatusReady && c.Status == kind.StatusPaused
	if !approvedIn(c.Status) || !changed && !starts && !resumes {
		return nil
	}
	_, stored := approved(c)
	if !stored && (approves || !changed) || approves && !changed && c.UserID == id.UserID {
		if starts {
			return s.lockEmails(ctx, after)
		}
		return nil
	}
	return s.compare(ctx, c, d, after, changed, approves)
}

// compare locks the content, which blocks concurrent changes of it, and withdraws the approval if
// the content differs from the approved one. If the caller may approve, the change itself is an
// approval.
func (s *Service) compare(
	ctx context.Context, c *ent.Campaign, d *draft, after *ent.Campaign, changed, approves bool,
) error {
	digests, err := s.digests(ctx, c.UserID, []*ent.Campaign{c, after}, store.Lock)
	if err != nil {
		return err
	}
	was, err := s.latestApproval(ctx, c)
	if err != nil {
		return err
	}
	covered, stored := approved(was)
	if !stored {
		covered = digests[0]
	}
	now := digests[1]
	switch {
	case changed && approves:
		d.write.SetApprovedDigest(now.String())
		return nil
	case now == covered:
		return nil
	case changed && d.to == kind.StatusSending:
		return refusedStart("the change withdraws the approval: an admin has to approve it before it is sent")
	}
	if d.to == kind.StatusSending {
		// The call is rejected, so that none of the requested changes is written.
		d.write, d.fields, after = s.db.Client(ctx).Campaign.Update(), nil, c
		d.refusal = refusedStart(
			"it is not what was approved (" + now.difference(covered) + "): it waits for approval again",
		)
	}
	d.withdraw(after, now.difference(covered))
	return nil
}

// latestApproval locks a campaign and reads its approval again, because a change of the content may
// have renewed the approval since the campaign was read.
func (s *Service) latestApproval(ctx context.Context, c *ent.Campaign) (*ent.Campaign, error) {
	query := s.db.Client(ctx).Campaign.Query().
		Where(campaign.ID(c.ID), campaign.Version(c.Version), campaign.StatusEQ(c.Status))
	query.Modify(store.Lock)
	latest, err := query.Select(campaign.FieldID, campaign.FieldApprovedDigest).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, store.ErrStale
	}
	return latest, err
}

// lockEmails locks the emails of a campaign that starts. A concurrent change of one of them either
// finishes first, or starts later and finds the campaign Sending.
func (s *Service) lockEmails(ctx context.Context, c *ent.Campaign) error {
	ids := store.Distinct(emailsOf(c))
	if len(ids) == 0 {
		return nil
	}
	query := s.db.Client(ctx).Email.Query().Where(email.IDIn(ids...)).Order(email.ByID())
	query.Modify(store.Lock)
	_, err := query.IDs(ctx)
	return err
}

// withdraw redirects the change to Pending Approval.
func (d *draft) withdraw(after *ent.Campaign, difference string) {
	d.to, d.reason = kind.StatusPendingApproval, withdrawnReason+difference
	if !slices.Contains(d.fields, "status") {
		d.fields = append(d.fields, "status")
	}
	d.write.ClearApprovedDigest()
	if after.ScheduleType == kind.ScheduleImmediate {
		d.write.ClearNextSendAt() // it is due only while it is Ready
	}
}

// resulting returns a copy of the campaign in which the columns that digests reads have the values
// that the change will write.
func resulting(c *ent.Campaign, write *ent.CampaignUpdate) *ent.Campaign {
	after, m := *c, write.Mutation()
	if id, ok := m.EmailID(); ok {
		after.EmailID = &id
	} else if m.EmailIDCleared() {
		after.EmailID = nil
	}
	set(&after.AbTest, m.AbTest)
	set(&after.Audience, m.Audience)
	set(&after.AutoResendEnabled, m.AutoResendEnabled)
	set(&after.AutoResendSubject, m.AutoResendSubject)
	set(&after.AutoResendPreheader, m.AutoResendPreheader)
	set(&after.ScheduleType, m.ScheduleType)
	return &after
}

func set[T any](column *T, written func() (T, bool)) {
	if value, ok := written(); ok {
		*column = value
	}
}

// sameContent reports whether two states of a campaign name the same emails, audience and second
// sending. It does not compare the contents of those emails and segments.
func sameContent(a, b *ent.Campaign) bool {
	return slices.Equal(emailsOf(a), emailsOf(b)) && a.Audience == b.Audience && slices.Equal(resendOf(a), resendOf(b))
}

// firstMaterial returns the first field of a change that an approval covers, or "" if there is
// none.
func firstMaterial(d *draft) string {
	for _, field := range d.fields {
		if slices.Contains([]string{"email", "audience", "abTest", "autoResend"}, field) {
			return field
		}
	}
	return ""
}

func refusedStart(message string) *apperr.Error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "status", Reason: apperr.ReasonApprovalWithdrawn, Message: message,
	}
}

func notInStatus(field, format string, args ...any) *apperr.Error {
	message := fmt.Sprintf(format, args...)
	return &apperr.Error{Code: apperr.Conflict, Field: field, Reason: apperr.ReasonNotInStatus, Message: message}
}
