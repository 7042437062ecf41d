package subscriber

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/fieldvalue"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

const (
	// maxArguments is the maximum number of values that one statement binds. SQLite accepts 32,766.
	maxArguments = 30_000
	// listsAtOnce is the number of lists per statement. SQLite accepts 500 parts of a UNION.
	listsAtOnce = 250
)

// Lists returns the same page for each of several lists: the people on the list who match the
// filter, whose own list is ignored. It runs one statement per 250 lists, or more statements if the
// filter has very many values. The caller must check the owner of the lists.
func (s *Service) Lists(
	ctx context.Context, listIDs []int64, filter Filter, order Order, request page.Request, columns ...string,
) (map[int64]page.Result[*ent.Subscriber], error) {
	return store.HeavyIf(
		ctx, s.db, filter.heavy(order),
		func(ctx context.Context) (map[int64]page.Result[*ent.Subscriber], error) {
			return s.lists(ctx, listIDs, filter, order, request, columns...)
		},
	)
}

func (s *Service) lists(
	ctx context.Context, listIDs []int64, filter Filter, order Order, request page.Request, columns ...string,
) (map[int64]page.Result[*ent.Subscriber], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	plan, err := order.Plan(request)
	if err != nil {
		return nil, err
	}
	people := map[int64][]*ent.Subscriber{}
	asked := listIDs
	if filter.rules != nil {
		// Rules may bind very many values. Therefore only the one list is queried on which anybody
		// can match them.
		asked = slices.DeleteFunc(slices.Clone(listIDs), func(id int64) bool { return id != filter.rulesOf })
	}
	for some := range slices.Chunk(asked, min(listsAtOnce, max(1, maxArguments/filter.size()))) {
		query := s.db.Client(ctx).Subscriber.Query()
		query.Modify(plan.Groups(filter.parts(some)))
		if len(columns) > 0 {
			query.Select(plan.Select(append([]string{entsubscriber.FieldListID}, columns...))...)
		}
		rows, err := query.All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range rows {
			people[row.ListID] = append(people[row.ListID], row)
		}
	}
	pages := make(map[int64]page.Result[*ent.Subscriber], len(listIDs))
	for _, id := range listIDs {
		pages[id] = plan.Result(people[id])
	}
	return pages, nil
}

// parts selects, for each list, the ids of the people who match the filter.
func (f Filter) parts(listIDs []int64) []*sql.Selector {
	parts := make([]*sql.Selector, len(listIDs))
	for i, id := range listIDs {
		table := sql.Table(entsubscriber.Table)
		parts[i] = sql.Select(table.C(entsubscriber.FieldID)).From(table)
		f.ListID = id
		for _, condition := range f.predicates() {
			condition(parts[i])
		}
	}
	return parts
}

// Counts returns the number of people on each list who match the filter, whose own list is ignored.
// It runs one statement, which reads those people. A list without matches is absent.
func (s *Service) Counts(ctx context.Context, listIDs []int64, filter Filter) (map[int64]int, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) (map[int64]int, error) {
		return s.counts(ctx, listIDs, filter)
	})
}

func (s *Service) counts(ctx context.Context, listIDs []int64, filter Filter) (map[int64]int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	var groups []struct {
		ListID int64 `sql:"list_id"`
		Count  int   `sql:"count"`
	}
	err := s.db.Client(ctx).
		Subscriber.Query().
		Where(append(filter.conditions(), entsubscriber.ListIDIn(listIDs...))...).
		GroupBy(entsubscriber.FieldListID).
		Aggregate(ent.Count()).
		Scan(ctx, &groups)
	if err != nil {
		return nil, store.Translate(err)
	}
	counts := make(map[int64]int, len(groups))
	for _, g := range groups {
		counts[g.ListID] = g.Count
	}
	return counts, nil
}

// TypedValues returns the values of the custom fields of each subscriber, by the id of the field,
// in one statement per 5,000 subscribers. A subscriber without values, or one that the caller
// cannot see, is absent.
func (s *Service) TypedValues(ctx context.Context, subscriberIDs []int64) (map[int64][]*ent.FieldValue, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	values := map[int64][]*ent.FieldValue{}
	for some := range slices.Chunk(subscriberIDs, MaxRows) {
		rows, err := s.db.Client(ctx).FieldValue.Query().Where(fieldvalue.SubscriberIDIn(some...)).
			Order(fieldvalue.ByCustomFieldID()).
			Select(
				fieldvalue.FieldSubscriberID, fieldvalue.FieldCustomFieldID,
				fieldvalue.FieldText, fieldvalue.FieldNumber, fieldvalue.FieldDate,
			).
			All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range rows {
			values[row.SubscriberID] = append(values[row.SubscriberID], row)
		}
	}
	return values, nil
}
