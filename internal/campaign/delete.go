package campaign

import (
	"context"

	"campaignql/ent/campaign"
	"campaignql/ent/campaignchange"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/purge"
	"campaignql/internal/store"
	"campaignql/internal/tag"
)

// MaxDelete is the maximum number of campaigns that one call deletes.
const MaxDelete = 10_000

// Delete deletes campaigns in any status, with their tags, history and statistics, all or nothing
// (legacy Campaigns.Delete). It ignores ids of campaigns that the caller does not own. It returns
// the ids that this call deleted, in ascending order. If concurrent callers delete the same
// campaign, only one of them gets its id. After Delete returns, nothing of the campaigns is visible
// and no event is recorded for them. Package purge deletes their events, links and mail domains
// later, because there may be many millions of rows. More than MaxDelete ids are Invalid on the
// field ids, reason "too_many_ids".
func (s *Service) Delete(ctx context.Context, ids []int64) ([]int64, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(ids) > MaxDelete {
		return nil, apperr.InvalidField(
			"ids", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), MaxDelete,
		)
	}
	var deleted []int64
	// TxLatest: each statement sees what was committed before it, and MySQL takes no gap locks.
	err := s.db.TxLatest(ctx, func(ctx context.Context) error {
		deleted = nil
		// All deletions lock campaigns in the order of their ids. If a concurrent deletion has
		// locked one of them, this query waits and then no longer finds it. Event recording locks
		// the campaigns too.
		query := s.db.Client(ctx).Campaign.Query().Where(campaign.IDIn(ids...)).Order(campaign.ByID())
		query.Modify(store.Lock)
		found, err := query.Select(campaign.FieldID, campaign.FieldUserID).All(ctx)
		if err != nil || len(found) == 0 {
			return err
		}
		left := make([]purge.Left, len(found))
		for i, c := range found {
			deleted = append(deleted, c.ID)
			left[i] = purge.Left{OwnerID: c.UserID, ID: c.ID}
		}
		if err := s.remove(ctx, deleted); err != nil {
			return err
		}
		return s.purges.NoteCampaigns(ctx, left)
	})
	if err != nil {
		return nil, err
	}
	if len(deleted) > 0 {
		s.purges.Committed()
	}
	return deleted, nil
}

// remove deletes locked campaigns with their tags, history, lists and emails, one statement for each kind of row.
func (s *Service) remove(ctx context.Context, ids []int64) error {
	client := s.db.Client(ctx)
	if _, err := client.Campaign.Delete().Where(campaign.IDIn(ids...)).Exec(ctx); err != nil {
		return err
	}
	if err := tag.TakeOff(ctx, s.db, ids); err != nil {
		return err
	}
	if err := s.removeUses(ctx, ids); err != nil {
		return err
	}
	if err := s.runs.Cancel(ctx, ids...); err != nil {
		return err
	}
	_, err := client.CampaignChange.Delete().Where(campaignchange.CampaignIDIn(ids...)).Exec(ctx)
	return err
}
