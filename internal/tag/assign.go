package tag

import (
	"context"
	"slices"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/campaigntag"
	entag "campaignql/ent/tag"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// maxPairs is the upper bound of campaigns times tags in one call.
const maxPairs = 100_000

// Assign adds a tag to campaigns (legacy Tag.AssignToCampaigns), all or nothing. It returns the
// number of these campaigns that have the tag now. Campaigns outside the tag's account are silently
// ignored. Adding a tag again is a no-op. More than 100,000 campaigns are Invalid on the field
// campaignIds, reason "too_many_ids".
func (s *Service) Assign(ctx context.Context, tagID int64, campaignIDs []int64) (int, error) {
	return s.assign(ctx, pairs{tags: []int64{tagID}, campaigns: campaignIDs})
}

// Unassign removes a tag from campaigns (legacy Tag.UnassignFromCampaigns) and returns the number
// of campaigns that had it. Campaigns without the tag, and campaigns that the caller does not have,
// are silently ignored.
func (s *Service) Unassign(ctx context.Context, tagID int64, campaignIDs []int64) (int, error) {
	return s.unassign(ctx, pairs{tags: []int64{tagID}, campaigns: campaignIDs})
}

// AssignMany adds each of the tags to each of the campaigns and returns the number of campaigns. A
// missing tag or campaign is NotFound on the field tagIds or campaignIds, and nothing is written.
// The same happens if the tags belong to several accounts, which is possible only for an admin.
// More than 100,000 pairs are Invalid on campaignIds, reason "too_many_ids".
func (s *Service) AssignMany(ctx context.Context, campaignIDs, tagIDs []int64) (int, error) {
	return s.assign(ctx, pairs{tags: tagIDs, campaigns: campaignIDs, strict: true})
}

// UnassignMany removes each of the tags from each of the campaigns and returns the number of
// removed taggings. It returns the errors of AssignMany.
func (s *Service) UnassignMany(ctx context.Context, campaignIDs, tagIDs []int64) (int, error) {
	return s.unassign(ctx, pairs{tags: tagIDs, campaigns: campaignIDs, strict: true})
}

// pairs are the tags and campaigns of one call. If strict is set, a missing campaign is an error,
// and errors name input fields.
type pairs struct {
	tags, campaigns []int64
	strict          bool
}

func (s *Service) assign(ctx context.Context, p pairs) (n int, err error) {
	if err := p.prepare(ctx); err != nil {
		return 0, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		client := s.db.Client(ctx)
		owner, campaigns, err := p.resolve(ctx, client)
		if err != nil {
			return err
		}
		n = len(campaigns)
		rows := make([]*ent.CampaignTagCreate, 0, len(campaigns)*len(p.tags))
		for _, campaignID := range campaigns {
			for _, tagID := range p.tags {
				rows = append(rows, client.CampaignTag.Create().
					SetUserID(owner).SetCampaignID(campaignID).SetTagID(tagID))
			}
		}
		for some := range slices.Chunk(rows, batch) {
			// MySQL does not support DoNothing, so this uses Ignore.
			err := client.CampaignTag.CreateBulk(some...).
				OnConflictColumns(campaigntag.FieldCampaignID, campaigntag.FieldTagID).
				Ignore().Exec(ctx)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

func (s *Service) unassign(ctx context.Context, p pairs) (n int, err error) {
	if err := p.prepare(ctx); err != nil {
		return 0, err
	}
	err = s.db.Tx(ctx, func(ctx context.Context) error {
		n = 0
		client := s.db.Client(ctx)
		_, campaigns, err := p.resolve(ctx, client)
		if err != nil || len(p.tags) == 0 {
			return err
		}
		for some := range slices.Chunk(campaigns, batch) {
			removed, err := client.CampaignTag.Delete().
				Where(campaigntag.TagIDIn(p.tags...), campaigntag.CampaignIDIn(some...)).
				Exec(ctx)
			if err != nil {
				return err
			}
			n += removed
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// prepare authorizes the call, removes duplicate ids and checks the size.
func (p *pairs) prepare(ctx context.Context) error {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return err
	}
	p.tags, p.campaigns = store.Distinct(p.tags), store.Distinct(p.campaigns)
	if max(len(p.tags), 1)*max(len(p.campaigns), 1) > maxPairs || len(p.tags) > batch {
		return apperr.InvalidField(
			"campaignIds", apperr.ReasonTooManyIDs, "at most %d tags on campaigns in one call", maxPairs,
		)
	}
	return nil
}

// resolve locks the tags and the campaigns. It returns their owner and the existing campaigns in
// ascending order.
func (p *pairs) resolve(ctx context.Context, client *ent.Client) (owner int64, campaigns []int64, err error) {
	if len(p.tags) > 0 {
		query := client.Tag.Query().Where(entag.IDIn(p.tags...)).Order(entag.ByID())
		query.Modify(store.Lock)
		tags, err := query.Select(entag.FieldID, entag.FieldUserID).All(ctx)
		if err != nil {
			return 0, nil, store.Translate(err)
		}
		if len(tags) < len(p.tags) ||
			slices.ContainsFunc(tags, func(t *ent.Tag) bool { return t.UserID != tags[0].UserID }) {
			return 0, nil, p.missing(notFound(), "tagIds")
		}
		owner = tags[0].UserID
	}
	campaigns = make([]int64, 0, len(p.campaigns))
	for some := range slices.Chunk(p.campaigns, batch) {
		query := client.Campaign.Query().Where(entcampaign.IDIn(some...)).Order(entcampaign.ByID())
		if owner != 0 {
			query.Where(entcampaign.UserID(owner))
		}
		query.Modify(store.Lock)
		found, err := query.IDs(ctx)
		if err != nil {
			return 0, nil, store.Translate(err)
		}
		campaigns = append(campaigns, found...)
	}
	if p.strict && len(campaigns) < len(p.campaigns) {
		return 0, nil, p.missing(apperr.NotFoundf("campaign"), "campaignIds")
	}
	return owner, campaigns, nil
}

func (p *pairs) missing(err *apperr.Error, field string) error {
	if p.strict {
		err.Field = field
	}
	return err
}
