package account

import (
	"context"
	"time"

	"campaignql/ent/loginattempt"
	"campaignql/ent/session"
	"campaignql/internal/caller"
	"campaignql/internal/idempotency"
	"campaignql/internal/store"
)

const (
	sweepBatch = 500
	// sweepBatches bounds one sweep of one table; what is left waits for the next.
	sweepBatches = 200
)

// Sweep deletes sessions and counters of failed logins that have ended, and idempotency keys past
// their window, and returns how many rows it deleted. It deletes in small batches, each a statement
// of its own, so that no lock is held for long; several servers may sweep at once.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	ctx = caller.System(ctx)
	now := s.now()
	tables := []func(context.Context, time.Time) (int, error){s.sweepSessions, s.sweepAttempts, s.sweepIdempotency}
	total := 0
	for _, sweep := range tables {
		for range sweepBatches {
			n, err := sweep(ctx, now)
			total += n
			if err != nil {
				return total, store.Translate(err)
			}
			if n == 0 {
				break
			}
		}
	}
	return total, nil
}

// Ids are read first, as a DELETE with LIMIT does not exist everywhere, and the condition is
// repeated, as a session may have been used meanwhile.

func (s *Service) sweepSessions(ctx context.Context, now time.Time) (int, error) {
	ended := session.ExpiresAtLTE(now)
	ids, err := s.db.Client(ctx).Session.Query().Where(ended).Limit(sweepBatch).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return s.db.Client(ctx).Session.Delete().Where(session.IDIn(ids...), ended).Exec(ctx)
}

func (s *Service) sweepAttempts(ctx context.Context, now time.Time) (int, error) {
	ids, err := s.db.Client(ctx).LoginAttempt.Query().Where(loginattempt.ExpiresAtLTE(now)).Limit(sweepBatch).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return 0, err
	}
	return s.db.Client(ctx).LoginAttempt.Delete().Where(loginattempt.IDIn(ids...)).Exec(ctx)
}

func (s *Service) sweepIdempotency(ctx context.Context, now time.Time) (int, error) {
	return idempotency.Purge(ctx, s.db, now, sweepBatch)
}
