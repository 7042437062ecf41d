package subscriber

import (
	"context"
	"slices"

	"campaignql/ent/fieldvalue"
	"campaignql/ent/predicate"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/label"
	"campaignql/internal/store"
)

// Delete deletes subscriptions with the values of their custom fields and their tags (legacy
// Subscribers.Delete), all or nothing. The contacts, their events and their suppressions stay; a
// contact that nothing else remembers goes too. Delete returns the ids that it deleted, in ascending
// order, and ignores ids that the caller does not have. With a list it ignores subscriptions to other
// lists; a list of another account is NotFound, reason "list_not_found". More than MaxRows ids are
// Invalid on ids, reason "too_many_ids".
func (s *Service) Delete(ctx context.Context, listID int64, ids []int64) (deleted []int64, err error) {
	if _, err := caller.Authorize(ctx, kind.ScopeWrite); err != nil {
		return nil, err
	}
	if len(ids) > MaxRows {
		return nil, apperr.InvalidField(
			"ids", apperr.ReasonTooManyIDs, "%d ids, at most %d are allowed", len(ids), MaxRows,
		)
	}
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		which := []predicate.Subscriber{entsubscriber.IDIn(ids...)}
		if listID != 0 {
			if _, err := s.list(ctx, listID); err != nil {
				return err
			}
			which = append(which, entsubscriber.ListID(listID))
		}
		query := s.db.Client(ctx).Subscriber.Query().Where(which...).Order(entsubscriber.ByID())
		query.Modify(store.Lock)
		rows, err := query.Select(entsubscriber.FieldID, entsubscriber.FieldContactID).All(ctx)
		if err != nil {
			return err
		}
		deleted = make([]int64, len(rows))
		contacts := make([]int64, len(rows))
		for i, row := range rows {
			deleted[i], contacts[i] = row.ID, row.ContactID
		}
		return s.remove(ctx, deleted, contacts)
	})
	if err != nil {
		return nil, err
	}
	return deleted, nil
}

// remove deletes locked subscriptions with everything of them, and the contacts that nothing else
// remembers.
func (s *Service) remove(ctx context.Context, ids, contacts []int64) error {
	client := s.db.Client(ctx)
	for some := range slices.Chunk(ids, MaxRows) {
		if _, err := client.FieldValue.Delete().Where(fieldvalue.SubscriberIDIn(some...)).Exec(ctx); err != nil {
			return err
		}
		if err := label.DeleteOf(ctx, s.db, some); err != nil {
			return err
		}
		if _, err := client.Subscriber.Delete().Where(entsubscriber.IDIn(some...)).Exec(ctx); err != nil {
			return err
		}
	}
	return s.contacts.Drop(ctx, contacts)
}
