package campaign

import (
	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
)

// ProspectColumns are the columns that CheckProspects reads.
var ProspectColumns = []string{entcampaign.FieldStatus, entcampaign.FieldHasAudience}

// CheckProspects returns why nobody can say whom a campaign would reach, or nil. A campaign that is
// neither Draft nor Pending Approval nor Ready has begun: its recipients are those of its runs. The
// error is Conflict, reason "not_in_status". One without an audience is Conflict, reason "not_ready".
func CheckProspects(c *ent.Campaign) error {
	switch c.Status {
	case kind.StatusDraft, kind.StatusPendingApproval, kind.StatusReady:
	default:
		return &apperr.Error{
			Code: apperr.Conflict, Field: "id", Reason: apperr.ReasonNotInStatus,
			Message: "the campaign is " + c.Status.Legacy(),
		}
	}
	if !c.HasAudience {
		return &apperr.Error{
			Code: apperr.Conflict, Field: "id", Reason: apperr.ReasonNotReady, Message: "nobody was chosen to send it to",
		}
	}
	return nil
}
