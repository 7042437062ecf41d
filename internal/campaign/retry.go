package campaign

import (
	"context"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

// Retry is how a campaign goes on with recipients who did not get it.
type Retry struct {
	// Reason says which recipients, for the history.
	Reason string
	// Check returns more gaps than Readiness, such as tags that nobody knows.
	Check func(ctx context.Context, c *ent.Campaign, emails []*ent.Email) ([]Gap, error)
	// Unchanged reports whether the emails are those that the last run has sent.
	Unchanged func(ctx context.Context, c *ent.Campaign, emails []*ent.Email) (bool, error)
	// Begin runs in the transaction that makes the campaign Sending.
	Begin func(ctx context.Context, c *ent.Campaign, emails []*ent.Email) error
}

// Retry makes a campaign Sending again that is Sent, Failed or Paused, for recipients who did not get
// it. Begin chooses them. The campaign must have been sent by the built-in sender, otherwise the error
// is Conflict, reason apperr.ReasonNotSentHere. Conflict with the reason apperr.ReasonNotReady means
// that something is missing by now.
//
// A Paused campaign that is not what was approved waits for approval again, as Resume does. A Sent or
// Failed one needs no new approval as long as its emails are those that were sent; otherwise only an
// account that may approve can retry it, and the error is Conflict, reason
// apperr.ReasonApprovalWithdrawn.
//
// The transaction is one of store.TxLatest, as events need it.
func (s *Service) Retry(ctx context.Context, call Call, retry Retry) (*ent.Campaign, error) {
	return s.changeIn(ctx, s.db.TxLatest, call, func(ctx context.Context, id caller.Identity, c *ent.Campaign) (*draft, error) {
		if err := s.retriable(ctx, id, c); err != nil {
			return nil, err
		}
		emails, err := s.startingEmails(ctx, c)
		if err != nil {
			return nil, err
		}
		more, err := retry.Check(ctx, c, emails)
		if err != nil {
			return nil, err
		}
		if gaps := append(startGaps(c, emails), more...); len(gaps) > 0 {
			return nil, &apperr.Error{
				Code: apperr.Conflict, Field: "campaignId", Reason: apperr.ReasonNotReady, Message: reasonOf(gaps),
			}
		}
		d := s.transition(ctx, c, ActionRetry, kind.StatusSending, kind.Cut(retry.Reason, MaxReasonLength))
		d.fields = []string{"status"}
		d.then = func(ctx context.Context) error {
			if d.to != kind.StatusSending {
				return nil // the approval was withdrawn
			}
			return retry.Begin(ctx, c, emails)
		}
		if c.Status == kind.StatusPaused {
			return d, nil
		}
		// The instance was counted when its run ended, and is counted again when it ends the next time.
		d.write.SetSentInstances(max(0, c.SentInstances-1))
		return d, s.approveRetry(ctx, id, c, d, retry, emails)
	})
}

// retriable returns why a campaign cannot be retried, or nil.
func (s *Service) retriable(ctx context.Context, id caller.Identity, c *ent.Campaign) error {
	builtIn, err := s.sentHere(ctx, c.UserID)
	if err != nil {
		return err
	}
	if refused := check(id, c, ActionRetry, kind.StatusSending); refused != nil {
		return refused
	}
	if !builtIn {
		return errNotSentHere()
	}
	if c.Status == kind.StatusSent && c.ScheduleType == kind.ScheduleRecurring && c.StatusReason == ReasonCanceled {
		return &apperr.Error{
			Code: apperr.Conflict, Field: "campaignId", Reason: apperr.ReasonStatusTransition,
			Message: "a recurring campaign that was canceled cannot be retried: its further instances would go out too",
		}
	}
	return nil
}

// approveRetry checks the approval of a campaign that is Sent or Failed.
func (s *Service) approveRetry(
	ctx context.Context, id caller.Identity, c *ent.Campaign, d *draft, retry Retry, emails []*ent.Email,
) error {
	if approves(id, c.UserID) {
		return s.approve(ctx, id, c, d)
	}
	same, err := retry.Unchanged(ctx, c, emails)
	if err != nil || same {
		return err
	}
	return &apperr.Error{
		Code: apperr.Conflict, Field: "campaignId", Reason: apperr.ReasonApprovalWithdrawn,
		Message: "its email is not the one that was approved and sent: an admin or a trusted account has to retry it",
	}
}

func errNotSentHere() *apperr.Error {
	return &apperr.Error{
		Code: apperr.Conflict, Field: "campaignId", Reason: apperr.ReasonNotSentHere,
		Message: "this server has not sent the campaign, or does not send for its account",
	}
}

// SentHere returns a campaign whose recipients the caller may decide about. It checks the version, and
// that the built-in sender sends the campaigns of the account, as Retry does. It changes nothing.
func (s *Service) SentHere(ctx context.Context, call Call) (*ent.Campaign, error) {
	return s.change(ctx, call, func(ctx context.Context, _ caller.Identity, c *ent.Campaign) (*draft, error) {
		builtIn, err := s.sentHere(ctx, c.UserID)
		if err == nil && !builtIn {
			err = errNotSentHere()
		}
		return nil, err
	})
}

// Resolved writes into the history that the caller has decided about recipients of a campaign. If it has
// ended, and counted says that its status reason counts recipients, the reason becomes the new one.
func (s *Service) Resolved(
	ctx context.Context, id int64, counted func(reason string) bool, is, history string,
) (*ent.Campaign, error) {
	return s.change(ctx, Call{ID: id}, func(ctx context.Context, _ caller.Identity, c *ent.Campaign) (*draft, error) {
		d := s.transition(ctx, c, ActionUpdate, c.Status, history)
		ended := c.Status == kind.StatusSent || c.Status == kind.StatusFailed
		if ended && c.StatusReason != is && counted(c.StatusReason) {
			d.write.SetStatusReason(is)
			d.fields = []string{"statusReason"}
		}
		return d, nil
	})
}
