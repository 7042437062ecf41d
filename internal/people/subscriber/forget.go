package subscriber

import (
	"context"
	"slices"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/store"
)

// Forget deletes, in the running transaction, every subscription of locked contacts with its values
// and tags and what the reports of migrations say of it, also those to lists that wait to be purged.
// The contacts stay.
func (s *Service) Forget(ctx context.Context, contactIDs []int64) error {
	ctx = store.WithDeleted(ctx)
	for some := range slices.Chunk(contactIDs, MaxRows) {
		query := s.db.Client(ctx).Subscriber.Query().
			Where(entsubscriber.ContactIDIn(some...)).Order(entsubscriber.ByID())
		query.Modify(store.Lock)
		found, err := query.IDs(ctx)
		if err != nil {
			return err
		}
		for ids := range slices.Chunk(found, MaxRows) {
			if err := s.remove(ctx, ids, nil); err != nil {
				return err
			}
		}
	}
	return nil
}
