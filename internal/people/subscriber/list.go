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

// Order is an order of subscribers.
type Order = page.Order[*ent.Subscriber]

// The orders of subscribers. Within a list ByAddress, BySubscription and ByStatus are served by an index.
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

// List returns one page of the subscribers that the filter chooses, in one statement. The errors of
// a bad request are those of page.Request.
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
	// streamBatch is how many subscribers Each reads at first, and largestBatch how many it reads at a time in the end.
	streamBatch  = 250
	largestBatch = 2000
	// sortedAtOnce is of how many subscribers the ids are kept, 8 bytes each, in an order that is
	// sorted anew for each reading of the list.
	sortedAtOnce = 500_000
)

// served are the orders in which an index has the people of a list; the others are sorted.
var served = map[string]bool{ByAddress.Name: true, BySubscription.Name: true, ByStatus.Name: true}

// Each calls visit for the subscribers that the filter chooses, in order, from the offset and at
// most limit of them (0: all), a batch at a time and without ever holding more (legacy
// Subscribers.Get). In an order that no index serves the list is sorted once for half a million
// people, whose ids are held meanwhile. An error of visit ends it.
func (s *Service) Each(
	ctx context.Context, filter Filter, order Order, offset, limit int, columns []string,
	visit func(context.Context, []*ent.Subscriber) error,
) error {
	batch := streamBatch
	if !served[order.Name] {
		if limit == 0 || limit > largestBatch {
			return s.eachSorted(ctx, filter, order, offset, limit, columns, visit)
		}
		batch = limit // in one sort
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

// Count returns how many subscribers the filter chooses (legacy TotalSubscribers).
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

// ActiveCounts returns how many active people each list has (legacy SubscriberCount), in one
// statement, which reads them; a list without any is absent.
func (s *Service) ActiveCounts(ctx context.Context, listIDs []int64) (map[int64]int, error) {
	return s.Counts(ctx, listIDs, Filter{Segment: Active})
}
