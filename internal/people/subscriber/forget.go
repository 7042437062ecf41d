package subscriber

import (
	"context"
	"slices"

	"campaignql/ent/mergedsubscriber"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/store"
)

// Forget deletes, in the running transaction, every subscription of locked contacts with its values
// and tags, also those to lists that wait to be purged. The contacts stay. It returns the ids of the
// subscriptions, and those of the subscriptions that were merged with them.
func (s *Service) Forget(ctx context.Context, contactIDs []int64) (ids []int64, err error) {
	ctx = store.WithDeleted(ctx)
	client := s.db.Client(ctx)
	for some := range slices.Chunk(contactIDs, MaxRows) {
		query := client.Subscriber.Query().Where(entsubscriber.ContactIDIn(some...)).Order(entsubscriber.ByID())
		query.Modify(store.Lock)
		found, err := query.IDs(ctx)
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
	}
	for some := range slices.Chunk(slices.Clone(ids), MaxRows) {
		merged, err := client.MergedSubscriber.Query().Where(mergedsubscriber.SubscriberIDIn(some...)).IDs(ctx)
		if err != nil {
			return nil, err
		}
		ids = append(ids, merged...)
		if err := s.remove(ctx, some, nil); err != nil {
			return nil, err
		}
	}
	return ids, nil
}
