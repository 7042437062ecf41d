package campaign_test

import (
	"fmt"
	"strings"
	"testing"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
)

// The callers of the table: a trusted owner with every scope, an untrusted owner, an admin, and
// keys of trusted owners without delivery and without approve.
var machineCallers = map[string]caller.Identity{
	"trusted": {
		UserID: 1, Role: kind.RoleUser, Reputation: kind.ReputationTrusted, Scopes: kind.AllScopes(kind.RoleUser),
	},
	"untrusted": {
		UserID: 1, Role: kind.RoleUser, Reputation: kind.ReputationUntrusted, Scopes: kind.AllScopes(kind.RoleUser),
	},
	"admin": {
		UserID: 2, Role: kind.RoleAdmin, Reputation: kind.ReputationUntrusted, Scopes: kind.AllScopes(kind.RoleAdmin),
	},
	"undeliver": {
		UserID: 1, Role: kind.RoleUser, Reputation: kind.ReputationTrusted,
		Scopes: kind.Scopes{kind.ScopeRead, kind.ScopeWrite, kind.ScopeApprove},
	},
	"unapprove": {
		UserID: 1, Role: kind.RoleUser, Reputation: kind.ReputationTrusted,
		Scopes: kind.Scopes{kind.ScopeRead, kind.ScopeWrite, kind.ScopeDelivery},
	},
}

const everyone = "trusted untrusted admin undeliver unapprove"

// allowed is the documented lifecycle: from, to, actions, callers, and whether something of the
// campaign was sent.
var allowed = []struct {
	from, to   kind.CampaignStatus
	by         []campaign.Action
	callers    string
	unsent     bool
	partlySent bool
}{
	{
		kind.StatusDraft, kind.StatusReady, []campaign.Action{campaign.ActionUpdate},
		"trusted admin undeliver unapprove", true, true,
	},
	{kind.StatusDraft, kind.StatusPendingApproval, []campaign.Action{campaign.ActionUpdate}, everyone, true, true},
	{
		kind.StatusPendingApproval, kind.StatusReady, []campaign.Action{campaign.ActionApprove},
		"trusted admin undeliver", true, true,
	},
	{
		kind.StatusPendingApproval, kind.StatusDraft, []campaign.Action{campaign.ActionCancel, campaign.ActionUpdate},
		everyone, true, false,
	},
	{kind.StatusPendingApproval, kind.StatusSent, []campaign.Action{campaign.ActionCancel}, everyone, false, true},
	{
		kind.StatusReady, kind.StatusDraft, []campaign.Action{campaign.ActionCancel, campaign.ActionUpdate}, everyone,
		true, false,
	},
	{kind.StatusReady, kind.StatusSent, []campaign.Action{campaign.ActionCancel}, everyone, false, true},
	{kind.StatusReady, kind.StatusSending, []campaign.Action{campaign.ActionUpdate}, everyone, true, true},
	{
		kind.StatusSending, kind.StatusPaused, []campaign.Action{campaign.ActionPause, campaign.ActionUpdate}, everyone,
		true, true,
	},
	{
		kind.StatusPaused, kind.StatusReady, []campaign.Action{campaign.ActionResume, campaign.ActionUpdate}, everyone,
		true, true,
	},
	{kind.StatusSending, kind.StatusSent, []campaign.Action{campaign.ActionCancel}, everyone, true, true},
	{kind.StatusPaused, kind.StatusSent, []campaign.Action{campaign.ActionCancel}, everyone, true, true},
	{
		kind.StatusSending, kind.StatusSent, []campaign.Action{campaign.ActionUpdate},
		"trusted untrusted admin unapprove", true, true,
	},
	{
		kind.StatusSending, kind.StatusFailed, []campaign.Action{campaign.ActionUpdate},
		"trusted untrusted admin unapprove", true, true,
	},
	{kind.StatusPaused, kind.StatusSending, []campaign.Action{campaign.ActionRetry}, everyone, false, true},
	{kind.StatusSent, kind.StatusSending, []campaign.Action{campaign.ActionRetry}, everyone, false, true},
	{kind.StatusFailed, kind.StatusSending, []campaign.Action{campaign.ActionRetry}, everyone, false, true},
	{kind.StatusFailed, kind.StatusDraft, []campaign.Action{campaign.ActionUpdate}, everyone, true, true},
	{
		kind.StatusFailed, kind.StatusReady, []campaign.Action{campaign.ActionUpdate},
		"trusted admin undeliver unapprove", true, true,
	},
	{kind.StatusFailed, kind.StatusPendingApproval, []campaign.Action{campaign.ActionUpdate}, everyone, true, true},
}

func isAllowed(name string, from, to kind.CampaignStatus, by campaign.Action, sent bool) bool {
	for _, row := range allowed {
		if row.from == from && row.to == to && (!sent && row.unsent || sent && row.partlySent) &&
			strings.Contains(row.callers, name) {
			for _, action := range row.by {
				if action == by {
					return true
				}
			}
		}
	}
	return false
}

var machineActions = []campaign.Action{
	campaign.ActionUpdate, campaign.ActionApprove, campaign.ActionPause, campaign.ActionResume,
	campaign.ActionCancel, campaign.ActionRetry, campaign.ActionCreate, campaign.ActionCopy,
}

// eachState calls visit for every caller and status, for campaigns that are partly sent and for
// others.
func eachState(visit func(name string, id caller.Identity, c *ent.Campaign)) {
	for name, id := range machineCallers {
		for _, from := range kind.CampaignStatuses() {
			for _, sent := range []int64{0, 7} {
				visit(name, id, &ent.Campaign{UserID: 1, Status: from, TotalSent: sent, Begun: sent > 0})
			}
		}
	}
}

func TestMachineAllowsExactlyTheTransitionsOfTheLifecycle(t *testing.T) {
	t.Parallel()
	tried := 0
	eachState(func(name string, id caller.Identity, c *ent.Campaign) {
		for _, action := range machineActions {
			for _, to := range kind.CampaignStatuses() {
				tried++
				err := campaign.Check(id, c, action, to)
				want := isAllowed(name, c.Status, to, action, c.TotalSent > 0)
				if (err == nil) != want {
					t.Errorf(
						"%s, %d sent: %s from %s to %s: got %v, want allowed %v", name, c.TotalSent, action, c.Status,
						to, err, want,
					)
				}
				if err != nil &&
					(err.Code != apperr.Conflict && err.Code != apperr.Denied || err.Message == "" || err.Reason == "") {
					t.Errorf(
						"%s: %s from %s to %s is refused as %+v, want a Conflict or Denied with reason and message",
						name, action, c.Status, to, err,
					)
				}
			}
		}
	})
	if want := len(machineCallers) * 7 * 2 * len(machineActions) * 7; tried != want {
		t.Errorf("tried %d cases, want %d", tried, want)
	}
}

func TestMachineSaysWhichScopeOrStandingIsMissing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		caller string
		from   kind.CampaignStatus
		by     campaign.Action
		to     kind.CampaignStatus
		code   apperr.Code
		reason apperr.Reason
	}{
		{"undeliver", kind.StatusSending, campaign.ActionUpdate, kind.StatusSent, apperr.Denied, "delivery_required"},
		{"undeliver", kind.StatusSending, campaign.ActionUpdate, kind.StatusFailed, apperr.Denied, "delivery_required"},
		{"unapprove", kind.StatusPendingApproval, campaign.ActionApprove, kind.StatusReady, apperr.Denied, "approve_scope_required"},
		{"untrusted", kind.StatusPendingApproval, campaign.ActionApprove, kind.StatusReady, apperr.Denied, "approval_required"},
		{"untrusted", kind.StatusDraft, campaign.ActionApprove, kind.StatusReady, apperr.Conflict, "status_transition"},
		{"trusted", kind.StatusSent, campaign.ActionUpdate, kind.StatusDraft, apperr.Conflict, "status_transition"},
	} {
		err := campaign.Check(machineCallers[tt.caller], &ent.Campaign{Status: tt.from}, tt.by, tt.to)
		if err == nil || err.Code != tt.code || err.Reason != tt.reason {
			t.Errorf(
				"%s: %s from %s to %s: got %+v, want %s %s", tt.caller, tt.by, tt.from, tt.to, err, tt.code, tt.reason,
			)
		}
	}
}

func TestRequestedStatusBecomesPendingApprovalForWhoMayNotApprove(t *testing.T) {
	t.Parallel()
	eachState(func(name string, id caller.Identity, c *ent.Campaign) {
		for _, requested := range kind.CampaignStatuses() {
			want := requested
			waits := c.Status == kind.StatusDraft || c.Status == kind.StatusFailed ||
				c.Status == kind.StatusPendingApproval
			if name == "untrusted" && requested == kind.StatusReady && waits {
				want = kind.StatusPendingApproval
			}
			if got := campaign.Effective(id, c, requested); got != want {
				t.Errorf("%s asks for %s from %s: got %s, want %s", name, requested, c.Status, got, want)
			}
		}
	})
}

func TestTransitionsShowWhatTheMachineAllows(t *testing.T) {
	t.Parallel()
	eachState(func(name string, id caller.Identity, c *ent.Campaign) {
		open, listed := map[string]bool{}, map[string]bool{}
		for _, offered := range campaign.Transitions(id, c) {
			key := fmt.Sprint(offered.Action, " ", offered.To)
			listed[key] = true
			if offered.BlockedBy == nil {
				open[key] = true
			} else if offered.BlockedBy.Message == "" {
				t.Errorf("%s from %s: %s is blocked without a message", name, c.Status, key)
			}
		}
		for _, action := range machineActions {
			for _, to := range kind.CampaignStatuses() {
				key := fmt.Sprint(action, " ", to)
				// Pending Approval is not offered to callers who need no approval.
				want := isAllowed(name, c.Status, to, action, c.TotalSent > 0) &&
					(to != kind.StatusPendingApproval || name == "untrusted")
				if open[key] != want {
					t.Errorf(
						"%s, %d sent, from %s: %s is offered %v, want %v", name, c.TotalSent, c.Status, key, open[key],
						want,
					)
				}
			}
		}
		if c.Status == kind.StatusSent && (len(listed) != 1 || !listed["retry sending"]) {
			t.Errorf("%s: a campaign that was sent offers %v, want a retry alone", name, listed)
		}
	})
}
