package subscriber

import (
	"context"
	"slices"
	"time"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
)

// Order is a sort order of subscribers.
type Order = page.Order[*ent.Subscriber]

// Orders of subscribers. Within a list an index serves ByAddress, BySubscription and ByStatus.
var (
	ByID = Order{
		Name: "ID", Column: entsubscriber.FieldID, Key: func(p *ent.Subscriber) page.Key { return page.Key{ID: p.ID} },
	}
	ByAddress = textOrder(
		"EMAIL", entsubscriber.FieldEmailKey, func(p *ent.Subscriber) string { return p.EmailKey },
	)
	ByStatus = textOrder(
		"STATUS", entsubscriber.FieldStatus, func(p *ent.Subscriber) string { return string(p.Status) },
	)
	ByBounce = textOrder(
		"BOUNCE", entsubscriber.FieldBounce, func(p *ent.Subscriber) string { return string(p.Bounce) },
	)
	ByIP = textOrder(
		"IP", entsubscriber.FieldSubscriptionIP, func(p *ent.Subscriber) string { return p.SubscriptionIP },
	)
	BySubscription = instantOrder(
		"SUBSCRIBED_AT", entsubscriber.FieldSubscribedAt, func(p *ent.Subscriber) *time.Time { return p.SubscribedAt },
	)
	ByOptIn = instantOrder(
		"OPTED_IN_AT", entsubscriber.FieldOptedInAt, func(p *ent.Subscriber) *time.Time { return p.OptedInAt },
	)
	ByUnsubscription = instantOrder(
		"UNSUBSCRIBED_AT", entsubscriber.FieldUnsubscribedAt,
		func(p *ent.Subscriber) *time.Time { return p.UnsubscribedAt },
	)
)

func textOrder(name, column string, value func(*ent.Subscriber) string) Order {
	return Order{
		Name: name, Column: column, Type: page.Text,
		Key: func(p *ent.Subscriber) page.Key { return page.Key{Value: value(p), ID: p.ID} },
	}
}

func instantOrder(name, column string, value func(*ent.Subscriber) *time.Time) Order {
	return Order{Name: name, Column: column, Type: page.Instant, Nullable: true, Key: func(p *ent.Subscriber) page.Key {
		return page.Key{Value: page.Optional(value(p)), ID: p.ID}
	}}
}

// List returns one page of the subscribers that match the filter, in one statement. Invalid page
// requests return the errors of page.Request.
func (s *Service) List(
	ctx context.Context, filter Filter, order Order, request page.Request, columns ...string,
) (page.Result[*ent.Subscriber], error) {
	return store.HeavyIf(
		ctx, s.db, filter.heavy(order),
		func(ctx context.Context) (page.Result[*ent.Subscriber], error) {
			return s.listPage(ctx, filter, order, request, columns...)
		},
	)
}

func (s *Service) listPage(
	ctx context.Context, filter Filter, order Order, request page.Request, columns ...string,
) (page.Result[*ent.Subscriber], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return page.Result[*ent.Subscriber]{}, err
	}
	return page.Read(ctx, order, request, s.db.Client(ctx).Subscriber.Query().Where(filter.predicates()...), columns)
}

const (
	// streamBatch is the size of the first batch that Each reads, and largestBatch is the upper
	// bound to which batches grow.
	streamBatch  = 250
	largestBatch = 2000
	// sortedAtOnce is the number of subscribers whose ids are kept in memory, 8 bytes each, if each
	// read of the list must sort it again.
	sortedAtOnce = 500_000
)

// served are the orders for which a list has an index. Other orders need a sort.
var served = map[string]bool{ByAddress.Name: true, BySubscription.Name: true, ByStatus.Name: true}

// Each calls visit with batches of the subscribers that match the filter, in order, starting at the
// offset (legacy Subscribers.Get). It visits at most limit subscribers; 0 means all. It holds only
// one batch in memory. For an order without an index, the list is sorted once per half a million
// people, whose ids are held in memory. An error of visit stops Each.
func (s *Service) Each(
	ctx context.Context, filter Filter, order Order, offset, limit int, columns []string,
	visit func(context.Context, []*ent.Subscriber) error,
) error {
	batch := streamBatch
	if !served[order.Name] {
		if limit == 0 || limit > largestBatch {
			return s.eachSorted(ctx, filter, order, offset, limit, columns, visit)
		}
		batch = limit // one sort
	}
	return page.Each(
		ctx, offset, limit, batch, largestBatch,
		func(ctx context.Context, request page.Request) (page.Result[*ent.Subscriber], error) {
			return s.List(ctx, filter, order, request, columns...)
		},
		visit,
	)
}

func (s *Service) eachSorted(
	ctx context.Context, filter Filter, order Order, offset, limit int, columns []string,
	visit func(context.Context, []*ent.Subscriber) error,
) error {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return err
	}
	if len(columns) > 0 {
		columns = append(slices.Clone(columns), order.Column)
	}
	return page.EachSorted(ctx, offset, limit, page.Sorted[*ent.Subscriber]{
		Order: order, Window: sortedAtOnce, Batch: largestBatch,
		IDs: func(ctx context.Context, plan page.Plan[*ent.Subscriber]) ([]int64, error) {
			return store.Heavy(ctx, s.db, func(ctx context.Context) ([]int64, error) {
				query := s.db.Client(ctx).Subscriber.Query().Where(filter.predicates()...)
				query.Modify(plan.Apply)
				ids, err := query.IDs(ctx)
				return ids, store.Translate(err)
			})
		},
		Rows: func(ctx context.Context, ids []int64) (map[int64]*ent.Subscriber, error) {
			return s.ByIDs(ctx, ids, columns...)
		},
	}, visit)
}

// Count returns the number of subscribers that match the filter (legacy TotalSubscribers).
func (s *Service) Count(ctx context.Context, filter Filter) (int, error) {
	return store.Heavy(ctx, s.db, func(ctx context.Context) (int, error) {
		return s.count(ctx, filter)
	})
}

func (s *Service) count(ctx context.Context, filter Filter) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).Subscriber.Query().Where(filter.predicates()...).Count(ctx)
	return n, store.Translate(err)
}

// ActiveCounts returns the number of active people of each list (legacy SubscriberCount), in one
// statement that reads all of them. A list without active people is absent.
func (s *Service) ActiveCounts(ctx context.Context, listIDs []int64) (map[int64]int, error) {
	return s.Counts(ctx, listIDs, Filter{Segment: Active})
}
