package campaign

import (
	"fmt"
	"slices"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

// Action is the way a change came about, as the history tells it.
type Action string

const (
	ActionCreate  Action = "create"
	ActionCopy    Action = "copy"
	ActionUpdate  Action = "update"
	ActionApprove Action = "approve"
	ActionPause   Action = "pause"
	ActionResume  Action = "resume"
	ActionCancel  Action = "cancel"
)

// ReasonCanceled is the status reason of a campaign that was canceled after it had begun.
const ReasonCanceled = "Canceled"

// A who says which callers may take a transition.
type who func(id caller.Identity, c *ent.Campaign) *apperr.Error

// transition is one allowed change of status.
type transition struct {
	from, to kind.CampaignStatus
	// by lists the actions that may cause it.
	by []Action
	// guard, if set, says what stands in the way of this caller and campaign.
	guard who
}

// machine is the state machine, whole. Draft to Ready asked for by an owner who is not trusted
// becomes Draft to Pending Approval: see effective. A row without actions cannot be asked for: it
// withdraws an approval, see settleApproval.
//
//	Draft → Ready → Sending → Sent, with Pending Approval before Ready, Paused beside Sending, Failed after it.
//
// Sent is final. A row is tried in order; the first whose action and states fit decides.
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
	{kind.StatusFailed, kind.StatusDraft, []Action{ActionUpdate}, nil},
	{kind.StatusFailed, kind.StatusReady, []Action{ActionUpdate}, mayApprove},
	{kind.StatusFailed, kind.StatusPendingApproval, []Action{ActionUpdate}, nil},
}

// mayApprove: an admin or a trusted user, who for the campaigns of others needs the scope approve; a
// trusted owner's own step to Ready needs write alone.
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

// begun reports whether a campaign that waits as Ready, or for approval again, has been sent to
// some of its recipients, before a pause or in an earlier instance.
func begun(c *ent.Campaign) bool { return c.TotalSent > 0 }

// Transition is a change of status a caller could ask for now.
type Transition struct {
	To kind.CampaignStatus
	// Action is the way to ask for it.
	Action Action
	// BlockedBy says why the caller would be refused; nil when it would not.
	BlockedBy *apperr.Error
}

// Transitions lists the changes that the machine knows from the campaign's status, each with what
// stands in the way of the caller.
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

// effective returns the status that a request for one leads to: Ready asked for by an owner who may
// not approve waits for approval.
func effective(id caller.Identity, c *ent.Campaign, requested kind.CampaignStatus) kind.CampaignStatus {
	if requested == kind.StatusReady && (c.Status == kind.StatusDraft || c.Status == kind.StatusFailed) &&
		mayApprove(id, c) != nil {
		return kind.StatusPendingApproval
	}
	// Asking again for Ready while the campaign waits for approval changes nothing.
	if requested == kind.StatusReady && c.Status == kind.StatusPendingApproval && mayApprove(id, c) != nil {
		return kind.StatusPendingApproval
	}
	return requested
}

// check returns nil when the machine lets the caller take the campaign to a status by an action,
// and otherwise the reason why not.
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

func errApproveScope() *apperr.Error {
	return &apperr.Error{
		Code: apperr.Denied, Reason: apperr.ReasonApproveScopeRequired, Message: "this key lacks the scope \"approve\"",
	}
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
	case ActionCancel:
		message = fmt.Sprintf("a campaign that is %s cannot be canceled", from.Legacy())
	}
	return &apperr.Error{
		Code: apperr.Conflict, Field: "status", Reason: apperr.ReasonStatusTransition, Message: message,
	}
}

// cancelTarget returns where canceling leads from a status: back to Draft before anything was sent,
// to Sent afterwards.
func cancelTarget(c *ent.Campaign) kind.CampaignStatus {
	switch {
	case c.Status == kind.StatusSending, c.Status == kind.StatusPaused,
		begun(c) && (c.Status == kind.StatusReady || c.Status == kind.StatusPendingApproval):
		return kind.StatusSent
	default:
		return kind.StatusDraft
	}
}
