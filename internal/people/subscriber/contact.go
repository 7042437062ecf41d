package subscriber

import (
	"context"
	"slices"

	"campaignql/ent"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// OfContacts returns the subscriptions of contacts, by contact, each in the order of their ids, in
// one statement per 5,000 contacts. Without columns it selects all columns.
func (s *Service) OfContacts(
	ctx context.Context, contactIDs []int64, columns ...string,
) (map[int64][]*ent.Subscriber, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	found := make(map[int64][]*ent.Subscriber, len(contactIDs))
	for some := range slices.Chunk(contactIDs, MaxRows) {
		query := s.db.Client(ctx).Subscriber.Query().
			Where(entsubscriber.ContactIDIn(some...)).
			Order(entsubscriber.ByContactID(), entsubscriber.ByID())
		if len(columns) > 0 {
			query.Select(append([]string{entsubscriber.FieldID, entsubscriber.FieldContactID}, columns...)...)
		}
		rows, err := query.All(ctx)
		if err != nil {
			return nil, store.Translate(err)
		}
		for _, row := range rows {
			found[row.ContactID] = append(found[row.ContactID], row)
		}
	}
	return found, nil
}
