package tag

import (
	"context"

	"campaignql/ent"
	"campaignql/ent/campaigntag"
	entag "campaignql/ent/tag"
	"campaignql/internal/store"
)

// Copy adds the tags of a campaign to its copy, in the running transaction.
func Copy(ctx context.Context, db *store.Store, sourceID int64, c *ent.Campaign) error {
	client := db.Client(ctx)
	taggings, err := client.CampaignTag.Query().Where(campaigntag.CampaignID(sourceID)).All(ctx)
	if err != nil || len(taggings) == 0 {
		return err
	}
	ids := make([]int64, len(taggings))
	for i, t := range taggings {
		ids[i] = t.TagID
	}
	query := client.Tag.Query().Where(entag.IDIn(ids...))
	query.Modify(store.Lock) // so that none is deleted before the copy has it
	if ids, err = query.IDs(ctx); err != nil || len(ids) == 0 {
		return err
	}
	rows := make([]*ent.CampaignTagCreate, len(ids))
	for i, id := range ids {
		rows[i] = client.CampaignTag.Create().SetUserID(c.UserID).SetCampaignID(c.ID).SetTagID(id)
	}
	return client.CampaignTag.CreateBulk(rows...).Exec(ctx)
}

// TakeOff removes all tags from campaigns that are being deleted, in the running transaction.
func TakeOff(ctx context.Context, db *store.Store, campaignIDs []int64) error {
	_, err := db.Client(ctx).CampaignTag.Delete().Where(campaigntag.CampaignIDIn(campaignIDs...)).Exec(ctx)
	return err
}
