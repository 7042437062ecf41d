package campaign

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/ent/campaigntag"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// Pages are pages of campaigns by what they belong to.
type Pages = map[int64]page.Result[*ent.Campaign]

// OfTags returns one page of the campaigns that carry each of the tags, newest first, in two
// statements for up to 250 tags. On MySQL they read no more rows of a tag than its page; SQLite sorts
// all of them. Invalid requests return the errors of page.Request.
func (s *Service) OfTags(ctx context.Context, tagIDs []int64, request page.Request, columns ...string) (Pages, error) {
	part := func(id int64) *sql.Selector {
		c, t := sql.Table(campaign.Table), sql.Table(campaigntag.Table)
		return sql.Select(c.C(campaign.FieldID)).From(c).
			Join(t).On(t.C(campaigntag.FieldCampaignID), c.C(campaign.FieldID)).
			Where(sql.EQ(t.C(campaigntag.FieldTagID), id))
	}
	return s.grouped(ctx, tagIDs, request, columns, part, func(rows []*ent.Campaign, ids []int64) (
		func(*ent.Campaign) []int64, error,
	) {
		numbers := make([]int64, len(rows))
		for i, row := range rows {
			numbers[i] = row.ID
		}
		carried, err := s.db.Client(ctx).CampaignTag.Query().
			Where(campaigntag.CampaignIDIn(numbers...), campaigntag.TagIDIn(ids...)).All(ctx)
		tags := map[int64][]int64{}
		for _, row := range carried {
			tags[row.CampaignID] = append(tags[row.CampaignID], row.TagID)
		}
		return func(c *ent.Campaign) []int64 { return tags[c.ID] }, store.Translate(err)
	})
}

// OfEmails returns one page of the campaigns whose content each of the emails is, newest first, in
// one statement for up to 250 emails. Invalid requests return the errors of page.Request.
func (s *Service) OfEmails(
	ctx context.Context, emails []*ent.Email, request page.Request, columns ...string,
) (Pages, error) {
	ids, owners := make([]int64, len(emails)), make(map[int64]int64, len(emails))
	for i, e := range emails {
		ids[i], owners[e.ID] = e.ID, e.UserID
	}
	part := func(id int64) *sql.Selector {
		c := sql.Table(campaign.Table)
		return sql.Select(c.C(campaign.FieldID)).From(c).
			Where(sql.And(sql.EQ(c.C(campaign.FieldUserID), owners[id]), sql.EQ(c.C(campaign.FieldEmailID), id)))
	}
	of := func([]*ent.Campaign, []int64) (func(*ent.Campaign) []int64, error) {
		return func(c *ent.Campaign) []int64 { return []int64{*c.EmailID} }, nil
	}
	return s.grouped(ctx, ids, request, append(columns, campaign.FieldEmailID), part, of)
}

// grouped returns one page for each id. part selects the campaigns of one id. of returns a function
// that returns the ids to which a row belongs.
func (s *Service) grouped(
	ctx context.Context, ids []int64, request page.Request, columns []string, part func(id int64) *sql.Selector,
	of func(rows []*ent.Campaign, ids []int64) (func(*ent.Campaign) []int64, error),
) (Pages, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	plan, err := NewestFirst().Plan(request)
	if err != nil {
		return nil, err
	}
	pages := make(Pages, len(ids))
	for some := range slices.Chunk(ids, campaignsAtOnce) {
		parts := make([]*sql.Selector, len(some))
		for i, id := range some {
			parts[i] = part(id)
		}
		query := s.db.Client(ctx).Campaign.Query()
		query.Modify(plan.Groups(parts))
		found, err := query.Select(plan.Select(columns)...).All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		belongs, err := of(found, some)
		if err != nil {
			return nil, err
		}
		// A row that is here for another id is beyond the page of this one, which Result cuts off.
		rows := make(map[int64][]*ent.Campaign, len(some))
		for _, row := range found {
			for _, id := range belongs(row) {
				rows[id] = append(rows[id], row)
			}
		}
		for _, id := range some {
			pages[id] = plan.Result(rows[id])
		}
	}
	return pages, nil
}

// EmailCounts returns how many campaigns have each of the emails as their content, in one statement.
func (s *Service) EmailCounts(ctx context.Context, emails []*ent.Email) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	var rows []struct {
		EmailID int64 `sql:"email_id"`
		Count   int   `sql:"count"`
	}
	ids, owners := make([]int64, len(emails)), make([]int64, len(emails))
	for i, e := range emails {
		ids[i], owners[i] = e.ID, e.UserID
	}
	slices.Sort(owners)
	err := s.db.Client(ctx).Campaign.Query().
		Where(campaign.UserIDIn(slices.Compact(owners)...), campaign.EmailIDIn(ids...)). // the index begins with the account
		GroupBy(campaign.FieldEmailID).Aggregate(ent.Count()).Scan(ctx, &rows)
	counts := make(map[int64]int, len(rows))
	for _, row := range rows {
		counts[row.EmailID] = row.Count
	}
	return counts, store.Translate(err)
}
