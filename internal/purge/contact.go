package purge

import (
	"context"
	"slices"

	"entgo.io/ent/dialect"

	"campaignql/internal/event"
	"campaignql/internal/store"
)

// purgeContact removes from the events of a contact what tells of the person. No new events can
// follow, because nothing is recorded for a contact without an address.
func (s *Service) purgeContact(ctx context.Context, contactID int64) (total int, err error) {
	for after := ""; ; {
		ids, err := s.eventsOf(ctx, contactID, after)
		if err != nil || len(ids) == 0 {
			return total, err
		}
		for some := range slices.Chunk(ids, s.atOnce) {
			n, err := s.delete(ctx, func(ctx context.Context) (int, error) { return event.Forget(ctx, s.db, some) })
			total += n
			if err != nil {
				return total, err
			}
		}
		after = ids[len(ids)-1]
	}
}

// eventsOf returns ids above after, in ascending order, of those events of a contact that tell of the
// person. The query names the index. Otherwise MySQL might read all events in the order of their ids.
func (s *Service) eventsOf(ctx context.Context, contactID int64, after string) ([]string, error) {
	raw := s.db.Raw(ctx)
	t := raw.Text()
	t.WriteString("SELECT id FROM events ")
	if s.db.Dialect() == dialect.SQLite {
		t.WriteString("INDEXED BY event_contact_id_kind_at_automated")
	} else {
		t.WriteString("FORCE INDEX (event_contact_id_kind_at_automated)")
	}
	t.WriteString(" WHERE contact_id=")
	t.Value(contactID)
	t.WriteString(" AND id>")
	t.Value(after)
	t.WriteString(" AND (subscriber_id IS NOT NULL OR ip<>'' OR user_agent<>'' OR reason<>'') ORDER BY id LIMIT ")
	t.Value(int64(s.atOnce * statementsRead))
	var ids []string
	err := raw.Query(ctx, t, func(rows store.Rows) error {
		var id string
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}
