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
	// sweepBatches limits one sweep of one table; the next sweep continues with the rest.
	sweepBatches = 200
)

// Sweep deletes expired sessions, expired counters of failed logins, and idempotency keys that are
// past their window. It returns how many rows it deleted. Each batch of at most 500 rows is its own
// statement, so that no lock is held for long. Several servers may sweep concurrently.
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

// sweepSessions reads the ids first, because not every database supports DELETE with LIMIT. The
// DELETE repeats the condition, because a session may have been used after its id was read.
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
