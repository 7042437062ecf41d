package campaign

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/campaignemail"
	"campaignql/ent/campaignlist"
	"campaignql/ent/campaigntag"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// Pages are pages of campaigns by what they belong to.
type Pages = map[int64]page.Result[*ent.Campaign]

// OfTags returns one page of the campaigns that carry each of the tags, newest first, in two
// statements for up to 250 tags. They read no more rows of a tag than its page. Invalid requests
// return the errors of page.Request.
func (s *Service) OfTags(ctx context.Context, tagIDs []int64, request page.Request, columns ...string) (Pages, error) {
	pairs := pairTable{campaigntag.Table, campaigntag.FieldCampaignID, campaigntag.FieldTagID}
	return s.grouped(ctx, tagIDs, request, columns, pairs, func(campaigns, ids []int64, found *[]pair) error {
		return s.db.Client(ctx).CampaignTag.Query().
			Where(campaigntag.CampaignIDIn(campaigns...), campaigntag.TagIDIn(ids...)).
			Modify(pairs.choose).Scan(ctx, found)
	})
}

// OfEmails is OfTags for the campaigns that use each of the emails, as their own or as a variation of
// their A/B test.
func (s *Service) OfEmails(
	ctx context.Context, emailIDs []int64, request page.Request, columns ...string,
) (Pages, error) {
	pairs := pairTable{campaignemail.Table, campaignemail.FieldCampaignID, campaignemail.FieldEmailID}
	return s.grouped(ctx, emailIDs, request, columns, pairs, func(campaigns, ids []int64, found *[]pair) error {
		return s.db.Client(ctx).CampaignEmail.Query().
			Where(campaignemail.CampaignIDIn(campaigns...), campaignemail.EmailIDIn(ids...)).
			Modify(pairs.choose).Scan(ctx, found)
	})
}

// OfLists is OfTags for the campaigns whose audience includes each of the lists.
func (s *Service) OfLists(
	ctx context.Context, listIDs []int64, request page.Request, columns ...string,
) (Pages, error) {
	pairs := pairTable{campaignlist.Table, campaignlist.FieldCampaignID, campaignlist.FieldListID}
	return s.grouped(ctx, listIDs, request, columns, pairs, func(campaigns, ids []int64, found *[]pair) error {
		return s.db.Client(ctx).CampaignList.Query().
			Where(campaignlist.CampaignIDIn(campaigns...), campaignlist.ListIDIn(ids...)).
			Modify(pairs.choose).Scan(ctx, found)
	})
}

// pair is a campaign and something that it belongs to.
type pair struct {
	Campaign int64 `sql:"campaign"`
	Of       int64 `sql:"of_id"`
}

// pairTable is a table of pairs, with an index on of and campaign.
type pairTable struct{ table, campaign, of string }

// choose selects the columns of pair.
func (p pairTable) choose(s *sql.Selector) {
	s.Select(sql.As(s.C(p.campaign), "campaign"), sql.As(s.C(p.of), "of_id"))
}

// part selects the campaigns of one id.
func (p pairTable) part(id int64) *sql.Selector {
	t := sql.Table(p.table)
	return sql.Select(t.C(p.campaign)).From(t).Where(sql.EQ(t.C(p.of), id))
}

// grouped returns one page for each id. read finds the pairs of campaigns and ids.
func (s *Service) grouped(
	ctx context.Context, ids []int64, request page.Request, columns []string, pairs pairTable,
	read func(campaigns, ids []int64, found *[]pair) error,
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
			parts[i] = pairs.part(id)
		}
		query := s.db.Client(ctx).Campaign.Query()
		query.Modify(plan.GroupsBy(pairs.campaign, parts))
		found, err := query.Select(plan.Select(columns)...).All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		var belongs []pair
		if len(found) > 0 {
			if err := read(idsOf(found), some, &belongs); err != nil {
				return nil, store.Translate(err)
			}
		}
		of := make(map[int64][]int64, len(found))
		for _, p := range belongs {
			of[p.Campaign] = append(of[p.Campaign], p.Of)
		}
		// A row that is here for another id is beyond the page of this one, which Result cuts off.
		rows := make(map[int64][]*ent.Campaign, len(some))
		for _, row := range found {
			for _, id := range of[row.ID] {
				rows[id] = append(rows[id], row)
			}
		}
		for _, id := range some {
			pages[id] = plan.Result(rows[id])
		}
	}
	return pages, nil
}

// EmailCounts returns how many campaigns use each of the emails, in one statement.
func (s *Service) EmailCounts(ctx context.Context, emailIDs []int64) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	var rows []counted
	err := s.db.Client(ctx).CampaignEmail.Query().
		Where(campaignemail.EmailIDIn(emailIDs...)).
		Modify(countBy(campaignemail.FieldEmailID)).Scan(ctx, &rows)
	return countsOf(rows), store.Translate(err)
}

// ListCounts returns how many campaigns have an audience that includes each of the lists, in one statement.
func (s *Service) ListCounts(ctx context.Context, listIDs []int64) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	var rows []counted
	err := s.db.Client(ctx).CampaignList.Query().
		Where(campaignlist.ListIDIn(listIDs...)).
		Modify(countBy(campaignlist.FieldListID)).Scan(ctx, &rows)
	return countsOf(rows), store.Translate(err)
}

// counted is an id and a number of campaigns.
type counted struct {
	ID    int64 `sql:"of_id"`
	Count int   `sql:"n"`
}

func countBy(column string) func(*sql.Selector) {
	return func(s *sql.Selector) {
		s.Select(sql.As(s.C(column), "of_id"), sql.As(sql.Count("*"), "n")).GroupBy(s.C(column))
	}
}

func countsOf(rows []counted) map[int64]int {
	counts := make(map[int64]int, len(rows))
	for _, row := range rows {
		counts[row.ID] = row.Count
	}
	return counts
}
