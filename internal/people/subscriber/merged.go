package subscriber

import (
	"context"
	"slices"

	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	"campaignql/ent/mergedsubscriber"
	"campaignql/ent/predicate"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/event"
	"campaignql/internal/store"
)

// Survivors returns, for ids of subscriptions that were merged with another one of the same list,
// the id of the subscription that stays. Other ids are absent. It runs one statement per 5,000 ids.
// It requires no scope: it returns only ids of the caller's account. Callers ask only for ids that
// they did not find, so that the others cost nothing.
func (s *Service) Survivors(ctx context.Context, ids []int64) (map[int64]int64, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := store.ByIDs(
		ctx, ids, []string{mergedsubscriber.FieldSubscriberID},
		func(row *ent.MergedSubscriber) int64 { return row.ID },
		func(some ...int64) *ent.MergedSubscriberQuery {
			return s.db.Client(ctx).MergedSubscriber.Query().Where(mergedsubscriber.IDIn(some...))
		},
	)
	survivors := make(map[int64]int64, len(rows))
	for id, row := range rows {
		survivors[id] = row.SubscriberID
	}
	return survivors, err
}

// finding calls find, which returns those of the ids that it finds, and calls it again for the
// survivors of those that it did not find. An id of a merged subscription stands in the result for
// its survivor.
func finding[T any](
	ctx context.Context, s *Service, ids []int64, find func(ids []int64) (map[int64]T, error),
) (map[int64]T, error) {
	found, err := find(ids)
	if err != nil || len(found) >= len(ids) {
		return found, err
	}
	missing := slices.DeleteFunc(store.Distinct(ids), func(id int64) bool {
		_, is := found[id]
		return is
	})
	survivors, err := s.Survivors(ctx, missing)
	if err != nil || len(survivors) == 0 {
		return found, err
	}
	var unread []int64
	for _, id := range survivors {
		if _, is := found[id]; !is {
			unread = append(unread, id)
		}
	}
	more, err := find(store.Distinct(unread))
	if err != nil {
		return nil, err
	}
	for id, survivor := range survivors {
		row, is := found[survivor]
		if !is {
			row, is = more[survivor]
		}
		if is {
			found[id] = row
		}
	}
	return found, nil
}

// answeringTo selects the subscriber with an id, or the one with whom it was merged. The subquery is
// a constant, so that a database finds the row by its primary key.
func answeringTo(id int64) predicate.Subscriber {
	return func(s *sql.Selector) {
		s.Where(sql.P(func(b *sql.Builder) {
			b.WriteString(s.C(entsubscriber.FieldID)).WriteString(" = COALESCE((SELECT ")
			b.Ident(mergedsubscriber.FieldSubscriberID).WriteString(" FROM ").Ident(mergedsubscriber.Table)
			b.WriteString(" WHERE ").Ident(mergedsubscriber.FieldID).WriteString(" = ").Arg(id)
			b.WriteString("), ").Arg(id).WriteString(")")
		}))
	}
}

// forgetMerged deletes the ids that subscriptions which are being deleted answer to, and what the
// reports of migrations say of the subscriptions.
func (s *Service) forgetMerged(ctx context.Context, ids []int64) error {
	if err := s.forgetFindings(ctx, ids); err != nil {
		return err
	}
	_, err := s.db.Client(ctx).MergedSubscriber.Delete().Where(mergedsubscriber.SubscriberIDIn(ids...)).Exec(ctx)
	return err
}

// forgetFindings deletes what the reports of migrations say of subscriptions, by any of their ids:
// it contains the address of that time.
func (s *Service) forgetFindings(ctx context.Context, ids []int64) error {
	merged, err := s.db.Client(ctx).MergedSubscriber.Query().Where(mergedsubscriber.SubscriberIDIn(ids...)).IDs(ctx)
	if err != nil {
		return err
	}
	return event.ForgetFindings(ctx, s.db, slices.Concat(ids, merged))
}
