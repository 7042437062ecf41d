package subscriber

import (
	"context"
	"maps"
	"slices"
	"time"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/kind"
)

// changedAtOnce is the number of people per statement of Left. Thousands of UNION parts are slow to
// plan.
const changedAtOnce = 500

// Left unsubscribes subscribers from their lists, each at the given instant. The caller must have
// found and locked them in the running transaction. Left runs one statement per 500 subscribers.
func (s *Service) Left(ctx context.Context, when map[int64]time.Time) error {
	rows := make([][]any, 0, len(when))
	for _, id := range slices.Sorted(maps.Keys(when)) {
		rows = append(rows, []any{id, string(kind.SubscriberUnsubscribed), when[id]})
	}
	columns := []string{entsubscriber.FieldStatus, entsubscriber.FieldUnsubscribedAt}
	for some := range slices.Chunk(rows, changedAtOnce) {
		if err := s.db.Raw(ctx).Change(ctx, entsubscriber.Table, columns, some); err != nil {
			return err
		}
	}
	return nil
}
