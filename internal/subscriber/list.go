package subscriber

import (
	"context"
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

// The orders of subscribers. Within a list ByAddress and BySubscription are served by an index.
var (
	ByID             = Order{Name: "ID", Column: entsubscriber.FieldID, Key: func(p *ent.Subscriber) page.Key { return page.Key{ID: p.ID} }}
	ByAddress        = textOrder("EMAIL", entsubscriber.FieldEmailKey, func(p *ent.Subscriber) string { return p.EmailKey })
	ByStatus         = textOrder("STATUS", entsubscriber.FieldStatus, func(p *ent.Subscriber) string { return string(p.Status) })
	ByBounce         = textOrder("BOUNCE", entsubscriber.FieldBounce, func(p *ent.Subscriber) string { return string(p.Bounce) })
	ByIP             = textOrder("IP", entsubscriber.FieldSubscriptionIP, func(p *ent.Subscriber) string { return p.SubscriptionIP })
	BySubscription   = instantOrder("SUBSCRIBED_AT", entsubscriber.FieldSubscribedAt, func(p *ent.Subscriber) *time.Time { return p.SubscribedAt })
	ByOptIn          = instantOrder("OPTED_IN_AT", entsubscriber.FieldOptedInAt, func(p *ent.Subscriber) *time.Time { return p.OptedInAt })
	ByUnsubscription = instantOrder("UNSUBSCRIBED_AT", entsubscriber.FieldUnsubscribedAt, func(p *ent.Subscriber) *time.Time { return p.UnsubscribedAt })
)

func textOrder(name, column string, value func(*ent.Subscriber) string) Order {
	return Order{Name: name, Column: column, Type: page.Text, Key: func(p *ent.Subscriber) page.Key { return page.Key{Value: value(p), ID: p.ID} }}
}

func instantOrder(name, column string, value func(*ent.Subscriber) *time.Time) Order {
	return Order{Name: name, Column: column, Type: page.Instant, Nullable: true, Key: func(p *ent.Subscriber) page.Key {
		return page.Key{Value: page.Optional(value(p)), ID: p.ID}
	}}
}

// List returns one page of the subscribers that the filter chooses, in one statement. The errors of a bad request are those of page.Request.
func (s *Service) List(ctx context.Context, filter Filter, order Order, request page.Request, columns ...string) (page.Result[*ent.Subscriber], error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return page.Result[*ent.Subscriber]{}, err
	}
	return page.Read(ctx, order, request, s.db.Client(ctx).Subscriber.Query().Where(filter.predicates()...), columns)
}

// streamBatch is how many subscribers Each reads at first, and largestBatch how many it reads at a time in the end.
const (
	streamBatch  = 250
	largestBatch = 2000
)

// Each calls visit for the subscribers that the filter chooses, in order, from the offset and at most limit of them (0: all), a batch at a time and
// without ever holding more (legacy Subscribers.Get). An error of visit ends it.
func (s *Service) Each(ctx context.Context, filter Filter, order Order, offset, limit int, columns []string, visit func([]*ent.Subscriber) error) error {
	return page.Each(offset, limit, streamBatch, largestBatch, func(request page.Request) (page.Result[*ent.Subscriber], error) {
		return s.List(ctx, filter, order, request, columns...)
	}, visit)
}

// Count returns how many subscribers the filter chooses (legacy TotalSubscribers).
func (s *Service) Count(ctx context.Context, filter Filter) (int, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return 0, err
	}
	n, err := s.db.Client(ctx).Subscriber.Query().Where(filter.predicates()...).Count(ctx)
	return n, store.Translate(err)
}

// ActiveCounts returns how many active people each list has (legacy SubscriberCount), in one statement, which reads them; a list without any is
// absent.
func (s *Service) ActiveCounts(ctx context.Context, listIDs []int64) (map[int64]int, error) {
	return s.Counts(ctx, listIDs, Filter{Segment: Active})
}
