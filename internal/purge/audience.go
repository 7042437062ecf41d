package purge

import (
	"context"
	"slices"

	"entgo.io/ent/dialect"

	"campaignql/ent"
	"campaignql/ent/fieldvalue"
	"campaignql/ent/formercontact"
	"campaignql/ent/mergedsubscriber"
	"campaignql/ent/subscriber"
	"campaignql/ent/subscribertagging"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/store"
)

// purgePeople deletes the people of a list with their values and tags. It reads them by status,
// because an index holds the people of one status in the order of their ids. Each read starts after
// the last id of the previous one. If a status changes concurrently, the next round finds that
// person.
func (s *Service) purgePeople(ctx context.Context, listID int64) (total int, err error) {
	for found := true; found; {
		found = false
		for _, status := range kind.SubscriberStatus("").Values() {
			for after := int64(0); ; {
				ids, err := s.following(ctx, listID, status, after)
				if err != nil {
					return total, err
				}
				if len(ids) == 0 {
					break
				}
				found, after = true, ids[len(ids)-1]
				n, err := s.purgeSome(ctx, ids)
				total += n
				if err != nil {
					return total, err
				}
			}
		}
	}
	return total, nil
}

// following returns people of a list with one status and an id above after, in the order of their
// ids. The query names the index. Otherwise MySQL reads the whole table in id order if it estimates
// that the list is a large part of it.
func (s *Service) following(ctx context.Context, listID int64, status string, after int64) ([]int64, error) {
	raw := s.db.Raw(ctx)
	t := raw.Text()
	t.WriteString("SELECT id FROM subscribers ")
	if s.db.Dialect() == dialect.SQLite {
		t.WriteString("INDEXED BY subscriber_list_id_status")
	} else {
		t.WriteString("FORCE INDEX (subscriber_list_id_status)")
	}
	t.WriteString(" WHERE list_id=")
	t.Value(listID)
	t.WriteString(" AND status=")
	t.Value(status)
	t.WriteString(" AND id>")
	t.Value(after)
	t.WriteString(" ORDER BY id LIMIT ")
	t.Value(int64(s.atOnce))
	var ids []int64
	err := raw.Query(ctx, t, func(rows store.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, err
}

// purgeSome deletes people together with their rows in other tables, as many per transaction as the
// row limit allows. All rows of one person are deleted in the same transaction, even above the
// limit.
func (s *Service) purgeSome(ctx context.Context, people []int64) (total int, err error) {
	rows, err := s.rowsOf(ctx, people)
	if err != nil {
		return 0, err
	}
	for len(people) > 0 {
		size, n := rows[people[0]], 1
		for ; n < len(people) && size+rows[people[n]] <= s.atOnce; n++ {
			size += rows[people[n]]
		}
		deleted, err := s.deletePeople(ctx, people[:n])
		total += deleted
		if err != nil {
			return total, err
		}
		people = people[n:]
	}
	return total, nil
}

// rowsOf returns the number of rows to delete for each person, including the subscriber row.
func (s *Service) rowsOf(ctx context.Context, people []int64) (map[int64]int, error) {
	rows := make(map[int64]int, len(people))
	for _, id := range people {
		rows[id] = 1
	}
	client := s.db.Client(ctx)
	// The id of a person has the same column name in these tables.
	counted := []interface {
		Scan(ctx context.Context, v any) error
	}{
		client.FieldValue.Query().Where(fieldvalue.SubscriberIDIn(people...)).
			GroupBy(fieldvalue.FieldSubscriberID).Aggregate(ent.Count()),
		client.SubscriberTagging.Query().Where(subscribertagging.SubscriberIDIn(people...)).
			GroupBy(subscribertagging.FieldSubscriberID).Aggregate(ent.Count()),
		client.MergedSubscriber.Query().Where(mergedsubscriber.SubscriberIDIn(people...)).
			GroupBy(mergedsubscriber.FieldSubscriberID).Aggregate(ent.Count()),
		client.FormerContact.Query().Where(formercontact.SubscriberIDIn(people...)).
			GroupBy(formercontact.FieldSubscriberID).Aggregate(ent.Count()),
	}
	for _, table := range counted {
		var having []struct {
			ID    int64 `sql:"subscriber_id"`
			Count int   `sql:"count"`
		}
		if err := table.Scan(ctx, &having); err != nil {
			return nil, err
		}
		for _, h := range having {
			rows[h.ID] += h.Count
		}
	}
	return rows, nil
}

// deletePeople deletes people together with their rows in other tables, with what the reports of
// migrations say of them, and the contacts that nothing else remembers. A concurrent transaction that
// found a person before the list was deleted, and writes rows for that person, holds a lock on the
// person. deletePeople waits for the lock and then deletes those rows too.
func (s *Service) deletePeople(ctx context.Context, people []int64) (int, error) {
	client := s.db.Client
	var held, contacts []int64
	return s.delete(ctx,
		func(ctx context.Context) (_ int, err error) {
			query := client(ctx).Subscriber.Query().Where(subscriber.IDIn(people...)).Order(subscriber.ByID())
			query.Modify(store.Lock)
			rows, err := query.Select(subscriber.FieldID, subscriber.FieldContactID).All(ctx)
			held, contacts = nil, nil // an attempt before may have been aborted
			for _, row := range rows {
				held, contacts = append(held, row.ID), append(contacts, row.ContactID)
			}
			return 0, err
		},
		func(ctx context.Context) (int, error) {
			return client(ctx).FieldValue.Delete().Where(fieldvalue.SubscriberIDIn(held...)).Exec(ctx)
		},
		func(ctx context.Context) (int, error) {
			return client(ctx).SubscriberTagging.Delete().Where(subscribertagging.SubscriberIDIn(held...)).Exec(ctx)
		},
		func(ctx context.Context) (int, error) {
			merged, err := client(ctx).MergedSubscriber.Query().Where(mergedsubscriber.SubscriberIDIn(held...)).IDs(ctx)
			if err != nil {
				return 0, err
			}
			return 0, event.ForgetFindings(ctx, s.db, slices.Concat(held, merged))
		},
		func(ctx context.Context) (int, error) {
			return client(ctx).MergedSubscriber.Delete().Where(mergedsubscriber.SubscriberIDIn(held...)).Exec(ctx)
		},
		func(ctx context.Context) (int, error) { return contact.DeleteFormer(ctx, s.db, held) },
		func(ctx context.Context) (int, error) {
			return client(ctx).Subscriber.Delete().Where(subscriber.IDIn(held...)).Exec(ctx)
		},
		func(ctx context.Context) (int, error) { return 0, s.contacts.Drop(ctx, contacts) },
	)
}

func (s *Service) purgeValues(ctx context.Context, fieldID int64) (int, error) {
	return s.rows(ctx,
		func(most int) (people []int64, err error) {
			err = s.db.Client(ctx).
				FieldValue.Query().
				Where(fieldvalue.CustomFieldID(fieldID)).
				Limit(most).
				Select(fieldvalue.FieldSubscriberID).
				Scan(ctx, &people)
			return people, err
		},
		func(ctx context.Context, people []int64) (int, error) {
			return s.db.Client(ctx).
				FieldValue.Delete().
				Where(fieldvalue.CustomFieldID(fieldID), fieldvalue.SubscriberIDIn(people...)).
				Exec(ctx)
		})
}

func (s *Service) purgeTaggings(ctx context.Context, tagID int64) (int, error) {
	return s.rows(ctx,
		func(most int) (people []int64, err error) {
			err = s.db.Client(ctx).
				SubscriberTagging.Query().
				Where(subscribertagging.SubscriberTagID(tagID)).
				Limit(most).
				Select(subscribertagging.FieldSubscriberID).
				Scan(ctx, &people)
			return people, err
		},
		func(ctx context.Context, people []int64) (int, error) {
			return s.db.Client(ctx).SubscriberTagging.Delete().
				Where(subscribertagging.SubscriberTagID(tagID), subscribertagging.SubscriberIDIn(people...)).Exec(ctx)
		})
}
