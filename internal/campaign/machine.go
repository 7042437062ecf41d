package campaign

import (
	"fmt"
	"slices"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

// Action is the operation that caused a change, as stored in the history.
type Action string

const (
	ActionCreate  Action = "create"
	ActionCopy    Action = "copy"
	ActionUpdate  Action = "update"
	ActionApprove Action = "approve"
	ActionPause   Action = "pause"
	ActionResume  Action = "resume"
	ActionCancel  Action = "cancel"
	// ActionRetry is stored as ActionResume: the campaign goes on.
	ActionRetry Action = "retry"
)

// ReasonCanceled is the status reason of a campaign that was canceled after sending had begun.
const ReasonCanceled = "Canceled"

// who checks whether a caller may take a transition. It returns nil if so.
type who func(id caller.Identity, c *ent.Campaign) *apperr.Error

// transition is one allowed change of status.
type transition struct {
	from, to kind.CampaignStatus
	// by lists the actions that may cause the transition.
	by []Action
	// guard, if set, returns the reason why this caller cannot take the transition for this
	// campaign.
	guard who
}

// machine is the complete state machine. If an owner who is not trusted requests Draft to Ready,
// the result is Draft to Pending Approval; see effective. A row without actions cannot be
// requested: it withdraws an approval, see settleApproval.
//
// The main path is Draft → Ready → Sending → Sent. Pending Approval comes before Ready. Sending may
// change to Paused and back through Ready. Sending may end in Failed.
//
// Sent is final, but for recipients who did not get it. Rows are tried in order. The first row with a
// matching action and matching states decides.
var machine = []transition{
	{kind.StatusDraft, kind.StatusReady, []Action{ActionUpdate}, mayApprove},
	{kind.StatusDraft, kind.StatusPendingApproval, []Action{ActionUpdate}, nil},
	{kind.StatusPendingApproval, kind.StatusReady, []Action{ActionApprove}, mayApprove},
	{kind.StatusPendingApproval, kind.StatusDraft, []Action{ActionCancel, ActionUpdate}, nothingSent},
	{kind.StatusPendingApproval, kind.StatusSent, []Action{ActionCancel}, somethingSent},
	{kind.StatusReady, kind.StatusDraft, []Action{ActionCancel, ActionUpdate}, nothingSent},
	{kind.StatusReady, kind.StatusSent, []Action{ActionCancel}, somethingSent},
	{kind.StatusReady, kind.StatusSending, []Action{ActionUpdate}, nil},
	{kind.StatusReady, kind.StatusPendingApproval, nil, nil},
	{kind.StatusSending, kind.StatusPaused, []Action{ActionPause, ActionUpdate}, nil},
	{kind.StatusSending, kind.StatusSent, []Action{ActionCancel}, nil},
	{kind.StatusSending, kind.StatusSent, []Action{ActionUpdate}, isSender},
	{kind.StatusSending, kind.StatusFailed, []Action{ActionUpdate}, isSender},
	{kind.StatusPaused, kind.StatusReady, []Action{ActionResume, ActionUpdate}, nil},
	{kind.StatusPaused, kind.StatusPendingApproval, nil, nil},
	{kind.StatusPaused, kind.StatusSent, []Action{ActionCancel}, nil},
	{kind.StatusPaused, kind.StatusSending, []Action{ActionRetry}, sentByServer},
	{kind.StatusSent, kind.StatusSending, []Action{ActionRetry}, sentByServer},
	{kind.StatusFailed, kind.StatusSending, []Action{ActionRetry}, sentByServer},
	{kind.StatusFailed, kind.StatusDraft, []Action{ActionUpdate}, nil},
	{kind.StatusFailed, kind.StatusReady, []Action{ActionUpdate}, mayApprove},
	{kind.StatusFailed, kind.StatusPendingApproval, []Action{ActionUpdate}, nil},
}

func isSender(id caller.Identity, _ *ent.Campaign) *apperr.Error {
	if id.Scopes.Has(kind.ScopeDelivery) {
		return nil
	}
	return &apperr.Error{
		Code: apperr.Denied, Reason: apperr.ReasonDeliveryRequired,
		Message: "only the sender, a key with the scope \"delivery\", may say that sending has ended",
	}
}

func nothingSent(_ caller.Identity, c *ent.Campaign) *apperr.Error {
	if !begun(c) {
		return nil
	}
	return &apperr.Error{
		Code: apperr.Conflict, Reason: apperr.ReasonAlreadyBegun,
		Message: "some of its recipients have been sent to already: cancel it or copy it instead",
	}
}

func somethingSent(_ caller.Identity, c *ent.Campaign) *apperr.Error {
	if begun(c) {
		return nil
	}
	return &apperr.Error{Code: apperr.Conflict, Reason: apperr.ReasonNotBegun, Message: "nothing of it has been sent"}
}

// sentByServer accepts campaigns of which the built-in sender has begun recipients.
func sentByServer(_ caller.Identity, c *ent.Campaign) *apperr.Error {
	if c.Begun {
		return nil
	}
	return &apperr.Error{
		Code: apperr.Conflict, Reason: apperr.ReasonNotBegun, Message: "this server has sent nothing of it",
	}
}

// begun reports whether a campaign has been sent to some of its recipients, before a pause or in an
// earlier instance. It matters for a campaign that is Ready or waits for approval again.
func begun(c *ent.Campaign) bool { return c.TotalSent > 0 || c.Begun }

// Transition is a change of status that a caller could request now.
type Transition struct {
	To kind.CampaignStatus
	// Action is the action that requests the change.
	Action Action
	// BlockedBy is the error that the caller would get, or nil if the change is allowed.
	BlockedBy *apperr.Error
}

// Transitions returns the transitions that the machine has for the campaign's status, each with the
// error that blocks this caller, if any.
func Transitions(id caller.Identity, c *ent.Campaign) []Transition {
	var out []Transition
	for _, t := range machine {
		if t.from != c.Status || t.to == kind.StatusPendingApproval && mayApprove(id, c) == nil {
			continue
		}
		for _, action := range t.by {
			out = append(out, Transition{To: t.to, Action: action, BlockedBy: blocked(id, c, t, action)})
		}
	}
	return out
}

// effective returns the status that a request leads to. If an owner who may not approve requests
// Ready, the campaign becomes Pending Approval.
func effective(id caller.Identity, c *ent.Campaign, requested kind.CampaignStatus) kind.CampaignStatus {
	if requested == kind.StatusReady && (c.Status == kind.StatusDraft || c.Status == kind.StatusFailed) &&
		mayApprove(id, c) != nil {
		return kind.StatusPendingApproval
	}
	// A second request for Ready while the campaign waits for approval is a no-op.
	if requested == kind.StatusReady && c.Status == kind.StatusPendingApproval && mayApprove(id, c) != nil {
		return kind.StatusPendingApproval
	}
	return requested
}

// check returns nil if the machine lets the caller move the campaign to a status by an action.
// Otherwise it returns the reason.
func check(id caller.Identity, c *ent.Campaign, action Action, to kind.CampaignStatus) *apperr.Error {
	var reason *apperr.Error
	for _, t := range machine {
		if t.from != c.Status || t.to != to || !slices.Contains(t.by, action) {
			continue
		}
		if reason = blocked(id, c, t, action); reason == nil {
			return nil
		}
	}
	if reason != nil {
		return reason
	}
	return errStatus(c.Status, action, to)
}

func blocked(id caller.Identity, c *ent.Campaign, t transition, action Action) *apperr.Error {
	if id.Require(kind.ScopeWrite) != nil {
		return &apperr.Error{
			Code: apperr.Denied, Reason: apperr.ReasonWriteScopeRequired, Message: "this key lacks the scope \"write\"",
		}
	}
	if action == ActionApprove && !id.Scopes.Has(kind.ScopeApprove) {
		return errApproveScope()
	}
	if t.guard == nil {
		return nil
	}
	return t.guard(id, c)
}

func errStatus(from kind.CampaignStatus, action Action, to kind.CampaignStatus) *apperr.Error {
	message := fmt.Sprintf("a campaign that is %s cannot become %s", from.Legacy(), to.Legacy())
	switch action {
	case ActionApprove:
		message = fmt.Sprintf("there is nothing to approve: the campaign is %s", from.Legacy())
	case ActionPause:
		message = fmt.Sprintf("only a campaign that is Sending can be paused: this one is %s", from.Legacy())
	case ActionResume:
		message = fmt.Sprintf("only a campaign that is Paused can be resumed: this one is %s", from.Legacy())
	case ActionRetry:
		message = fmt.Sprintf("only a campaign that is Sent, Failed or Paused can be retried: this one is %s", from.Legacy())
	case ActionCancel:
		message = fmt.Sprintf("a campaign that is %s cannot be canceled", from.Legacy())
	}
	return &apperr.Error{
		Code: apperr.Conflict, Field: "status", Reason: apperr.ReasonStatusTransition, Message: message,
	}
}

// cancelTarget returns the status after canceling: Draft if nothing was sent yet, Sent otherwise.
func cancelTarget(c *ent.Campaign) kind.CampaignStatus {
	switch {
	case c.Status == kind.StatusSending, c.Status == kind.StatusPaused,
		begun(c) && (c.Status == kind.StatusReady || c.Status == kind.StatusPendingApproval):
		return kind.StatusSent
	default:
		return kind.StatusDraft
	}
}
