package campaign

import (
	"context"

	"campaignql/ent/campaign"
	"campaignql/ent/campaignchange"
	"campaignql/ent/campaigntag"
	"campaignql/ent/domaincounter"
	"campaignql/ent/event"
	"campaignql/ent/hourlycounter"
	"campaignql/ent/linkcounter"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
)

// MaxDelete is the most campaigns one call deletes.
const MaxDelete = 10_000

// Delete removes campaigns in any status, with their tags, history, events and statistics, all or nothing (legacy Campaigns.Delete). Ids that are
// not the caller's are left alone. It returns the ids that were removed.
func (s *Service) Delete(ctx context.Context, ids []int64) ([]int64, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(ids) > MaxDelete {
		return nil, apperr.InvalidField("ids", "too_many_ids", "%d ids, at most %d are allowed", len(ids), MaxDelete)
	}
	var deleted []int64
	err := s.db.Tx(ctx, func(ctx context.Context) error {
		client := s.db.Client(ctx)
		var err error
		if deleted, err = client.Campaign.Query().Where(campaign.IDIn(ids...)).Order(campaign.ByID()).IDs(ctx); err != nil || len(deleted) == 0 {
			return err
		}
		if _, err := client.Campaign.Delete().Where(campaign.IDIn(deleted...)).Exec(ctx); err != nil {
			return err
		}
		if _, err := client.CampaignTag.Delete().Where(campaigntag.CampaignIDIn(deleted...)).Exec(ctx); err != nil {
			return err
		}
		if _, err := client.CampaignChange.Delete().Where(campaignchange.CampaignIDIn(deleted...)).Exec(ctx); err != nil {
			return err
		}
		if _, err := client.HourlyCounter.Delete().Where(hourlycounter.CampaignIDIn(deleted...)).Exec(ctx); err != nil {
			return err
		}
		if _, err := client.LinkCounter.Delete().Where(linkcounter.CampaignIDIn(deleted...)).Exec(ctx); err != nil {
			return err
		}
		if _, err := client.DomainCounter.Delete().Where(domaincounter.CampaignIDIn(deleted...)).Exec(ctx); err != nil {
			return err
		}
		_, err = client.Event.Delete().Where(event.CampaignIDIn(deleted...)).Exec(ctx)
		return err
	})
	return deleted, err
}
