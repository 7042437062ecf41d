package subscriber

import (
	"context"
	"maps"
	"slices"
	"time"

	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/kind"
)

// changedAtOnce is how many people one statement of Left changes: parts of a UNION are slow to plan
// in thousands.
const changedAtOnce = 500

// Bounced marks subscribers whose mail bounced for good. They were found, and locked, for the
// caller in the running transaction.
func (s *Service) Bounced(ctx context.Context, ids []int64) error {
	return s.db.Client(ctx).Subscriber.Update().
		Where(entsubscriber.IDIn(ids...)).SetBounce(kind.BounceHard).Exec(ctx)
}

// Left takes subscribers off their lists, each at an instant. They were found, and locked, for the
// caller in the running transaction. It costs a statement for 500 of them.
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
