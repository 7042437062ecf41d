package tag

import (
	"context"
	"slices"
	"time"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/campaigntag"
	entag "campaignql/ent/tag"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// ByIDs returns the tags with the given ids, in one statement per 5,000 ids. An id that the caller
// does not have is absent.
func (s *Service) ByIDs(ctx context.Context, ids []int64, columns ...string) (map[int64]*ent.Tag, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	return store.ByIDs(
		ctx, ids, columns, func(row *ent.Tag) int64 { return row.ID },
		func(some ...int64) *ent.TagQuery {
			return s.db.Client(ctx).Tag.Query().Where(entag.IDIn(some...))
		},
	)
}

// tagging is one row of ByCampaigns: a campaign and the requested columns of one of its tags.
// Scanning into it needs a third of the memory of Ent's entities with a joined column.
type tagging struct {
	CampaignID int64     `sql:"campaign_id"`
	ID         int64     `sql:"id"`
	UserID     int64     `sql:"user_id"`
	Name       string    `sql:"name"`
	NameKey    string    `sql:"name_key"`
	CreatedAt  time.Time `sql:"created_at"`
}

// ByCampaigns returns the tags of each campaign, sorted by name, in one statement per 5,000
// campaigns. A campaign without tags, or one that the caller cannot see, is absent. Campaigns with
// the same tag share one *ent.Tag, which must not be modified and whose edges cannot be queried.
func (s *Service) ByCampaigns(
	ctx context.Context, campaignIDs []int64, columns ...string,
) (map[int64][]*ent.Tag, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	if len(columns) == 0 {
		columns = entag.Columns
	}
	columns = with(columns, entag.FieldID)
	tags := make(map[int64][]*ent.Tag, len(campaignIDs))
	known := map[int64]*ent.Tag{}
	for some := range slices.Chunk(campaignIDs, batch) {
		var rows []tagging
		query := s.db.Client(ctx).CampaignTag.Query().Where(campaigntag.CampaignIDIn(some...))
		if err := query.Modify(joinTags(columns)).Scan(ctx, &rows); err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range rows {
			tag := known[row.ID]
			if tag == nil {
				tag = &ent.Tag{
					ID: row.ID, UserID: row.UserID, Name: row.Name, NameKey: row.NameKey, CreatedAt: row.CreatedAt,
				}
				known[row.ID] = tag
			}
			tags[row.CampaignID] = append(tags[row.CampaignID], tag)
		}
	}
	return tags, nil
}

// joinTags makes a query of taggings select the campaign and the columns of the tag, sorted by the
// tag's name.
func joinTags(columns []string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		tags := sql.Table(entag.Table)
		// Every tagging has a tag, but with an inner join SQLite would start with all tags of the
		// account.
		s.LeftJoin(tags).OnP(sql.And(
			sql.ColumnsEQ(tags.C(entag.FieldID), s.C(campaigntag.FieldTagID)),
			sql.ColumnsEQ(tags.C(entag.FieldUserID), s.C(campaigntag.FieldUserID)),
		))
		s.Select(s.C(campaigntag.FieldCampaignID)).AppendSelect(tags.Columns(columns...)...)
		s.OrderBy(tags.C(entag.FieldNameKey), tags.C(entag.FieldID))
	}
}

// CampaignCounts returns the number of campaigns with each tag, in one statement per 5,000 tags. A
// tag without campaigns is absent.
func (s *Service) CampaignCounts(ctx context.Context, tagIDs []int64) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	counts := make(map[int64]int, len(tagIDs))
	for some := range slices.Chunk(tagIDs, batch) {
		var rows []struct {
			TagID int64 `sql:"tag_id"`
			Count int   `sql:"count"`
		}
		err := s.db.Client(ctx).CampaignTag.Query().
			Where(campaigntag.TagIDIn(some...)).
			GroupBy(campaigntag.FieldTagID).
			Aggregate(ent.Count()).
			Scan(ctx, &rows)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range rows {
			counts[row.TagID] = row.Count
		}
	}
	return counts, nil
}

// with returns the columns, with needed added if it is missing.
func with(columns []string, needed string) []string {
	if slices.Contains(columns, needed) {
		return columns
	}
	return append([]string{needed}, columns...)
}
