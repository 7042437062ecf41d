package campaign

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/campaignchange"
	"campaignql/ent/predicate"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// Orders of changes, newest first. An index serves each of them.
var (
	byVersion = page.Order[*ent.CampaignChange]{
		Name: "VERSION", Column: campaignchange.FieldVersion, Type: page.Number, Desc: true,
		Key: func(c *ent.CampaignChange) page.Key { return page.Key{Value: c.Version, ID: c.ID} },
	}
	byTime = page.Order[*ent.CampaignChange]{
		Name: "AT", Column: campaignchange.FieldAt, Type: page.Instant, Desc: true,
		Key: func(c *ent.CampaignChange) page.Key { return page.Key{Value: c.At, ID: c.ID} },
	}
)

// campaignsAtOnce is how many campaigns one statement reads. SQLite allows 500 parts in a UNION.
const campaignsAtOnce = 250

// Histories returns one page of the history of each campaign, newest first. It runs one statement for
// up to 250 campaigns, which reads no more rows than it returns. A campaign that the caller does not
// have has an empty page. Invalid requests return the errors of page.Request.
func (s *Service) Histories(
	ctx context.Context, campaignIDs []int64, request page.Request,
) (map[int64]page.Result[*ent.CampaignChange], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	plan, err := byVersion.Plan(request)
	if err != nil {
		return nil, err
	}
	rows := map[int64][]*ent.CampaignChange{}
	for some := range slices.Chunk(campaignIDs, campaignsAtOnce) {
		parts := make([]*sql.Selector, len(some))
		for i, id := range some {
			t := sql.Table(campaignchange.Table)
			parts[i] = sql.Select(t.C(campaignchange.FieldID)).From(t).
				Where(sql.EQ(t.C(campaignchange.FieldCampaignID), id))
		}
		query := s.db.Client(ctx).CampaignChange.Query()
		query.Modify(plan.Groups(parts))
		found, err := query.All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range found {
			rows[row.CampaignID] = append(rows[row.CampaignID], row)
		}
	}
	pages := make(map[int64]page.Result[*ent.CampaignChange], len(campaignIDs))
	for _, id := range campaignIDs {
		pages[id] = plan.Result(rows[id])
	}
	return pages, nil
}

// HistorySizes returns the number of entries in the history of each campaign, in one statement.
func (s *Service) HistorySizes(ctx context.Context, campaignIDs []int64) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	var rows []struct {
		CampaignID int64 `sql:"campaign_id"`
		Count      int   `sql:"count"`
	}
	err := s.db.Client(ctx).CampaignChange.Query().
		Where(campaignchange.CampaignIDIn(campaignIDs...)).
		GroupBy(campaignchange.FieldCampaignID).
		Aggregate(ent.Count()).
		Scan(ctx, &rows)
	sizes := make(map[int64]int, len(rows))
	for _, row := range rows {
		sizes[row.CampaignID] = row.Count
	}
	return sizes, store.Translate(err)
}

// ChangeFilter selects changes of campaigns. The zero value selects all. An empty list, unlike nil,
// selects none.
type ChangeFilter struct {
	CampaignIDs []int64
	// Actor is the user who made the change, or 0 for any.
	Actor int64
	// Actions are what was done.
	Actions []Action
	// At is when it was done.
	At Span
}

func (f ChangeFilter) predicates() []predicate.CampaignChange {
	var chosen []predicate.CampaignChange
	if f.CampaignIDs != nil {
		chosen = append(chosen, campaignchange.CampaignIDIn(f.CampaignIDs...))
	}
	if f.Actor != 0 {
		chosen = append(chosen, campaignchange.ActorID(f.Actor))
	}
	if f.Actions != nil {
		chosen = append(chosen, func(s *sql.Selector) {
			sql.FieldIn(campaignchange.FieldAction, f.Actions...)(s)
		})
	}
	if f.At.From != nil {
		chosen = append(chosen, campaignchange.AtGTE(*f.At.From))
	}
	if f.At.To != nil {
		chosen = append(chosen, campaignchange.AtLT(*f.At.To))
	}
	return chosen
}

// heavy reports whether a page may have to pass over many changes.
func (f ChangeFilter) heavy() bool { return f.CampaignIDs != nil || f.Actions != nil }

// Changes returns one page of the changes of all campaigns that the caller can see, newest first, in
// one statement. A deleted campaign has no history. Invalid requests return the errors of
// page.Request.
func (s *Service) Changes(
	ctx context.Context, filter ChangeFilter, request page.Request,
) (page.Result[*ent.CampaignChange], error) {
	return store.HeavyIf(
		ctx, s.db, filter.heavy(), func(ctx context.Context) (page.Result[*ent.CampaignChange], error) {
			if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
				return page.Result[*ent.CampaignChange]{}, err
			}
			query := s.db.Client(ctx).CampaignChange.Query().Where(filter.predicates()...)
			return page.Read(ctx, byTime, request, query, nil)
		},
	)
}

// CountChanges returns the number of changes that match the filter.
func (s *Service) CountChanges(ctx context.Context, filter ChangeFilter) (int, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) (int, error) {
		if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
			return 0, err
		}
		n, err := s.db.Client(ctx).CampaignChange.Query().Where(filter.predicates()...).Count(ctx)
		return n, store.Translate(err)
	})
}
