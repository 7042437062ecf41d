package contact

import (
	"context"
	"slices"

	entcontact "campaignql/ent/contact"
	entevent "campaignql/ent/event"
	"campaignql/ent/formercontact"
	"campaignql/internal/store"

	"entgo.io/ent/dialect/sql"
)

// Forget forgets, in the running transaction, who the contacts are. The caller must have locked
// them and deleted their subscriptions. A contact that events name stays as a number without an
// address; the others are deleted. Forget returns those that stay. Their deliverability stays too: it
// follows from the events, and a recount would find it again.
func (s *Service) Forget(ctx context.Context, ids []int64) (stay []int64, err error) {
	client := s.db.Client(ctx).Contact
	for some := range slices.Chunk(store.Distinct(ids), atOnce) {
		named, err := client.Query().Where(entcontact.IDIn(some...), ofEvents).Order(entcontact.ByID()).IDs(ctx)
		if err != nil {
			return nil, err
		}
		stay = append(stay, named...)
		if _, err := s.db.Client(ctx).FormerContact.Delete().Where(formercontact.ContactIDIn(some...)).Exec(ctx); err != nil {
			return nil, err
		}
		gone := slices.DeleteFunc(some, func(id int64) bool { return slices.Contains(named, id) })
		if _, err := client.Delete().Where(entcontact.IDIn(gone...)).Exec(ctx); err != nil {
			return nil, err
		}
		err = client.Update().Where(entcontact.IDIn(named...)).SetEmail("").ClearEmailKey().SetDomain("").Exec(ctx)
		if err != nil {
			return nil, err
		}
	}
	return stay, nil
}

// ofEvents is true for contacts that events name.
func ofEvents(s *sql.Selector) {
	events := sql.Table(entevent.Table)
	s.Where(sql.Exists(sql.Select(events.C(entevent.FieldID)).From(events).
		Where(sql.ColumnsEQ(events.C(entevent.FieldContactID), s.C(entcontact.FieldID)))))
}
