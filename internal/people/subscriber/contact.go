package subscriber

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// OfContacts returns the same page for each of several contacts: their subscriptions, in the order of
// their ids. It runs one statement per 250 contacts. Without columns it selects all columns. Invalid
// requests return the errors of page.Request.
func (s *Service) OfContacts(
	ctx context.Context, contactIDs []int64, request page.Request, columns ...string,
) (map[int64]page.Result[*ent.Subscriber], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	plan, err := ByID.Plan(request)
	if err != nil {
		return nil, err
	}
	found := make(map[int64][]*ent.Subscriber, len(contactIDs))
	for some := range slices.Chunk(contactIDs, listsAtOnce) {
		parts := make([]*sql.Selector, len(some))
		for i, id := range some {
			t := sql.Table(entsubscriber.Table)
			parts[i] = sql.Select(t.C(entsubscriber.FieldID)).From(t).Where(sql.And(
				sql.EQ(t.C(entsubscriber.FieldContactID), id),
				store.NotDeleted(kind.DeletedList, t.C(entsubscriber.FieldListID)),
			))
		}
		query := s.db.Client(ctx).Subscriber.Query()
		query.Modify(plan.Groups(parts))
		if len(columns) > 0 {
			query.Select(plan.Select(append([]string{entsubscriber.FieldContactID}, columns...))...)
		}
		rows, err := query.All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range rows {
			found[row.ContactID] = append(found[row.ContactID], row)
		}
	}
	pages := make(map[int64]page.Result[*ent.Subscriber], len(contactIDs))
	for _, id := range contactIDs {
		pages[id] = plan.Result(found[id])
	}
	return pages, nil
}

// CountsOfContacts returns the number of subscriptions of each contact, in one statement. A contact without
// any is absent.
func (s *Service) CountsOfContacts(ctx context.Context, contactIDs []int64) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	var groups []struct {
		ContactID int64 `sql:"contact_id"`
		Count     int   `sql:"count"`
	}
	err := s.db.Client(ctx).Subscriber.Query().Where(entsubscriber.ContactIDIn(contactIDs...)).
		GroupBy(entsubscriber.FieldContactID).Aggregate(ent.Count()).Scan(ctx, &groups)
	counts := make(map[int64]int, len(groups))
	for _, g := range groups {
		counts[g.ContactID] = g.Count
	}
	return counts, store.Translate(err)
}
