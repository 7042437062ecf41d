package segment

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entsegment "campaignql/ent/segment"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// Filter selects segments. The zero value selects all.
type Filter struct {
	// Search is a part of the name, ignoring case. "%" and "_" have no special meaning.
	Search string
}

func (f Filter) where(s *sql.Selector) {
	if search := kind.Fold(kind.Clean(f.Search), maxNameKey); search != "" {
		s.Where(sql.Contains(s.C(entsegment.FieldNameKey), search))
	}
}

var byName = page.Order[*ent.Segment]{
	Name: "NAME", Column: entsegment.FieldNameKey, Type: page.Text,
	Key: func(s *ent.Segment) page.Key { return page.Key{Value: s.NameKey, ID: s.ID} },
}

// listsAtOnce is the number of lists per statement. SQLite accepts 500 parts of a UNION.
const listsAtOnce = 250

// Lists returns the same page of the segments of each list, sorted by name, in one statement per
// 250 lists. The caller must check the owner of the lists. Invalid page requests return the errors
// of page.Request.
func (s *Service) Lists(
	ctx context.Context, listIDs []int64, filter Filter, request page.Request, columns ...string,
) (map[int64]page.Result[*ent.Segment], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	plan, err := byName.Plan(request)
	if err != nil {
		return nil, err
	}
	found := map[int64][]*ent.Segment{}
	for some := range slices.Chunk(listIDs, listsAtOnce) {
		parts := make([]*sql.Selector, len(some))
		for i, id := range some {
			table := sql.Table(entsegment.Table)
			parts[i] = sql.Select(table.C(entsegment.FieldID)).
				From(table).
				Where(sql.EQ(table.C(entsegment.FieldListID), id))
			filter.where(parts[i])
		}
		query := s.db.Client(ctx).Segment.Query()
		query.Modify(plan.Groups(parts))
		if len(columns) > 0 {
			query.Select(plan.Select(append([]string{entsegment.FieldListID}, columns...))...)
		}
		rows, err := query.All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range rows {
			found[row.ListID] = append(found[row.ListID], row)
		}
	}
	pages := make(map[int64]page.Result[*ent.Segment], len(listIDs))
	for _, id := range listIDs {
		pages[id] = plan.Result(found[id])
	}
	return pages, nil
}

// Counts returns the number of segments of each list that match the filter, in one statement. A
// list without matches is absent.
func (s *Service) Counts(ctx context.Context, listIDs []int64, filter Filter) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	var groups []struct {
		ListID int64 `sql:"list_id"`
		Count  int   `sql:"count"`
	}
	err := s.db.Client(ctx).Segment.Query().Where(entsegment.ListIDIn(listIDs...), filter.where).
		GroupBy(entsegment.FieldListID).Aggregate(ent.Count()).Scan(ctx, &groups)
	if err != nil {
		return nil, store.Translate(err)
	}
	counts := make(map[int64]int, len(groups))
	for _, g := range groups {
		counts[g.ListID] = g.Count
	}
	return counts, nil
}
