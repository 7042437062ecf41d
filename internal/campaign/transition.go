package campaign

import (
	"context"
	"strings"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

// MaxReasonLength is the maximum length of a reason, in characters. The column holds 1000 bytes.
const MaxReasonLength = 250

// Approve makes a campaign that waits for approval Ready (legacy Campaign.Approve). The explanation
// is a message to the owner of at most MaxReasonLength characters and becomes the status reason.
// The owner's message to the approver stays unchanged. The caller needs the scope approve and must
// be an admin or a trusted account, otherwise the error is Denied. The error is Conflict if the
// campaign does not wait for approval, and Conflict with the reason apperr.ReasonScheduleInPast if
// the send time has passed.
func (s *Service) Approve(ctx context.Context, call Call, explanation string) (*ent.Campaign, error) {
	explanation, err := cleanReason("explanation", explanation, MaxReasonLength)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, call, func(ctx context.Context, id caller.Identity, c *ent.Campaign) (*draft, error) {
		// Permission is checked before status, so that a caller without it always gets Denied.
		if !id.Scopes.Has(kind.ScopeApprove) {
			return nil, id.Require(kind.ScopeApprove)
		}
		if denied := mayApprove(id, c); denied != nil {
			return nil, denied
		}
		if refused := check(id, c, ActionApprove, kind.StatusReady); refused != nil {
			return nil, refused
		}
		d := s.transition(ctx, c, ActionApprove, kind.StatusReady, explanation)
		d.fields = []string{"status"}
		return d, s.dueWhenReady(d, c, scheduleOf(c))
	})
}

// Pause pauses a campaign that is being sent (legacy Campaign.Pause). It returns Conflict if the
// campaign is not Sending.
func (s *Service) Pause(ctx context.Context, call Call, reason string) (*ent.Campaign, error) {
	return s.move(ctx, call, ActionPause, reason, func(*ent.Campaign) kind.CampaignStatus { return kind.StatusPaused })
}

// Resume continues a paused campaign with the recipients it has not reached yet (legacy
// Campaign.Resume). The campaign becomes Ready, or Pending Approval if its content differs from the
// approved one. Resume returns Conflict if the campaign is not Paused.
func (s *Service) Resume(ctx context.Context, call Call) (*ent.Campaign, error) {
	return s.move(ctx, call, ActionResume, "", func(*ent.Campaign) kind.CampaignStatus { return kind.StatusReady })
}

// Cancel ends a campaign (legacy Campaign.Cancel). If nothing was sent yet, the campaign becomes a
// Draft and loses its schedule. Otherwise it becomes Sent with the reason Canceled, and the
// remaining recipients never get it. Cancel returns Conflict if the campaign is Draft, Sent or
// Failed.
func (s *Service) Cancel(ctx context.Context, call Call, reason string) (*ent.Campaign, error) {
	return s.move(ctx, call, ActionCancel, reason, cancelTarget)
}

func (s *Service) move(
	ctx context.Context, call Call, action Action, reason string, target func(*ent.Campaign) kind.CampaignStatus,
) (*ent.Campaign, error) {
	given, err := cleanReason("reason", reason, MaxReasonLength)
	if err != nil {
		return nil, err
	}
	return s.change(ctx, call, func(ctx context.Context, id caller.Identity, c *ent.Campaign) (*draft, error) {
		to := target(c)
		if refused := check(id, c, action, to); refused != nil {
			return nil, refused
		}
		reason := given // a copy, because this function may run again on a changed campaign
		if action == ActionCancel && to == kind.StatusSent {
			reason = ReasonCanceled
		}
		d := s.transition(ctx, c, action, to, reason)
		d.fields = []string{"status"}
		if action == ActionCancel && to == kind.StatusDraft {
			setSchedule(d.write, schedule.Schedule{Type: kind.ScheduleNone}, nil)
			d.fields = append(d.fields, "schedule")
		}
		return d, nil
	})
}

// transition returns the draft of a change of status.
func (s *Service) transition(
	ctx context.Context, c *ent.Campaign, action Action, to kind.CampaignStatus, reason string,
) *draft {
	return &draft{action: action, write: s.db.Client(ctx).Campaign.Update(), to: to, reason: reason}
}

// dueWhenReady sets the due time of a campaign that becomes Ready, from its schedule. If the
// scheduled instant passed while the campaign was not Ready, it returns Conflict with the reason
// apperr.ReasonScheduleInPast, because sending at once would be unexpected. If the campaign was
// interrupted while it was sent, the rest is due at once.
func (s *Service) dueWhenReady(d *draft, c *ent.Campaign, plan schedule.Schedule) error {
	if d.to != kind.StatusReady || c.Status == kind.StatusPaused {
		return nil
	}
	now := s.now()
	if err := schedule.Validate(plan, now); err != nil {
		if faults := apperr.All(err); len(faults) != 1 || faults[0].Reason != apperr.ReasonScheduleInPast {
			return err
		}
		if begun(c) && c.SendingFinishedAt == nil {
			d.write.SetNextSendAt(now)
			return nil
		}
		return &apperr.Error{
			Code: apperr.Conflict, Field: "schedule", Reason: apperr.ReasonScheduleInPast,
			Message: "it cannot be made ready: " + err.Error(),
		}
	}
	next, ok, err := plan.Next(now, c.SentInstances)
	switch {
	case err != nil:
		return err
	case ok:
		d.write.SetNextSendAt(next)
	default:
		d.write.ClearNextSendAt()
	}
	return nil
}

func cleanReason(field, text string, limit int) (string, error) {
	text = strings.TrimSpace(kind.Clean(text))
	if kind.Cut(text, limit) != text {
		return "", apperr.InvalidField(field, apperr.ReasonTextTooLong, "at most %d characters are allowed", limit)
	}
	return text, nil
}
