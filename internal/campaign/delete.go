package campaign

import (
	"context"

	"campaignql/ent/campaign"
	"campaignql/ent/campaignchange"
	"campaignql/ent/campaigntag"
	"campaignql/ent/hourlycounter"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

// MaxDelete is the most campaigns one call deletes.
const MaxDelete = 10_000

// Delete removes campaigns in any status, with their tags, history and statistics, all or nothing (legacy Campaigns.Delete). Ids that are not the caller's
// are left alone. It returns the ids that were removed. Once it has returned nothing of them is to be seen and nothing is recorded for them; their events,
// links and mail domains, of which there may be many millions, are deleted by Purge.
func (s *Service) Delete(ctx context.Context, ids []int64) ([]int64, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(ids) > MaxDelete {
		return nil, apperr.InvalidField("ids", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), MaxDelete)
	}
	var deleted []int64
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		deleted = nil
		client := s.db.Client(ctx)
		found, err := client.Campaign.Query().Where(campaign.IDIn(ids...)).Order(campaign.ByID()).Select(campaign.FieldID, campaign.FieldUserID).All(ctx)
		if err != nil || len(found) == 0 {
			return err
		}
		for _, c := range found {
			deleted = append(deleted, c.ID)
		}
		// First: who records for a campaign has locked it, and whoever comes later finds that it is gone.
		if _, err := client.Campaign.Delete().Where(campaign.IDIn(deleted...)).Exec(ctx); err != nil {
			return err
		}
		if _, err := client.CampaignTag.Delete().Where(campaigntag.CampaignIDIn(deleted...)).Exec(ctx); err != nil {
			return err
		}
		if _, err := client.CampaignChange.Delete().Where(campaignchange.CampaignIDIn(deleted...)).Exec(ctx); err != nil {
			return err
		}
		// The hours are read by account, not by campaign.
		if _, err := client.HourlyCounter.Delete().Where(hourlycounter.CampaignIDIn(deleted...)).Exec(ctx); err != nil {
			return err
		}
		return s.toPurge(ctx, found)
	})
	if err != nil {
		return nil, err
	}
	if len(deleted) > 0 {
		select {
		case s.deleted <- struct{}{}:
		default: // it is known already
		}
	}
	return deleted, nil
}
