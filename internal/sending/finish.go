package sending

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/ent/runbatch"
	"campaignql/ent/runrecipient"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// end ends a run and its campaign, in the running transaction, which has locked the campaign and then
// the run.
func (s *Service) end(ctx context.Context, r *ent.CampaignRun, how campaign.End) error {
	err := s.db.Client(ctx).CampaignRun.UpdateOne(r).SetPhase(kind.RunDone).SetFinishedAt(how.Now).
		SetHoldCode("").SetHoldText("").ClearHoldUntil().Exec(ctx)
	if err != nil {
		return err
	}
	return s.Campaigns.Finish(ctx, r.CampaignID, how)
}

// fail ends a run that cannot go on.
func (s *Service) fail(ctx context.Context, runID int64, reason string) error {
	return s.ending(ctx, runID, func(ctx context.Context, r *ent.CampaignRun) (*campaign.End, error) {
		return &campaign.End{Failed: true, Reason: reason}, nil
	})
}

// complete ends a run for whose recipients nothing is left to do.
func (s *Service) complete(ctx context.Context, r *ent.CampaignRun) error {
	if err := s.resend(ctx, r); err != nil {
		return err
	}
	left, err := s.db.Client(ctx).RunBatch.Query().Where(runbatch.RunID(r.ID), runbatch.Closed(false)).Exist(ctx)
	if err != nil || left {
		return err
	}
	return s.ending(ctx, r.ID, func(ctx context.Context, r *ent.CampaignRun) (*campaign.End, error) {
		if r.Phase != kind.RunSending {
			return nil, nil
		}
		if waits, err := s.resends(ctx, r); err != nil || waits {
			return nil, err
		}
		counted, err := s.count(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		if n := counted[kind.RecipientPending] + counted[kind.RecipientBegun] + counted[kind.RecipientDeferred]; n > 0 {
			// Never expected: the batches of these recipients are opened again.
			s.Log.Error("batches were closed with recipients that are open", "run", r.ID, "recipients", n)
			return nil, s.db.Client(ctx).RunBatch.Update().Where(runbatch.RunID(r.ID)).SetClosed(false).Exec(ctx)
		}
		nobody := counted[kind.RecipientSent] == 0 && counted[kind.RecipientFailed] > 0
		return &campaign.End{Failed: nobody, Reason: reasonOf(counted)}, nil
	})
}

// ending ends a run as decide says, unless it says nil. It locks the campaign and the run, and does
// nothing unless the campaign is Sending.
func (s *Service) ending(
	ctx context.Context, runID int64,
	decide func(ctx context.Context, r *ent.CampaignRun) (*campaign.End, error),
) error {
	return s.db.TxLatest(ctx, func(ctx context.Context) error {
		r, err := s.db.Client(ctx).CampaignRun.Get(ctx, runID)
		if ent.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		sending, err := s.Campaigns.LockSending(ctx, r.CampaignID, false)
		if err != nil || !sending {
			return err
		}
		if r, err = s.lockRun(ctx, runID); err != nil || r == nil || r.Phase == kind.RunDone {
			return err
		}
		how, err := decide(ctx, r)
		if err != nil || how == nil {
			return err
		}
		if how.Now, err = s.now(ctx); err != nil {
			return err
		}
		return s.end(ctx, r, *how)
	})
}

// count counts the recipients of a run by state.
func (s *Service) count(ctx context.Context, runID int64) (counts, error) {
	var rows []struct {
		State kind.RecipientState `json:"state"`
		Count int64               `json:"count"`
	}
	err := s.db.Client(ctx).RunRecipient.Query().Where(runrecipient.RunID(runID)).
		GroupBy(runrecipient.FieldState).Aggregate(ent.Count()).Scan(ctx, &rows)
	counted := counts{}
	for _, row := range rows {
		counted[row.State] = row.Count
	}
	return counted, err
}

// reasonOf says in words who did not get a campaign.
func reasonOf(counted counts) string {
	var parts []string
	for _, state := range []kind.RecipientState{
		kind.RecipientFailed, kind.RecipientUnknown, kind.RecipientSkipped,
	} {
		if n := counted[state]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, state))
		}
	}
	return strings.Join(parts, ", ")
}

// counting is the form of what reasonOf returns.
var counting = regexp.MustCompile(`^(\d+ (failed|unknown|skipped)(, )?)+$`)

// isReason reports whether reasonOf has made a reason.
func isReason(reason string) bool { return counting.MatchString(reason) }

// sweep skips the recipients that a canceled run has left, batch by batch. A recipient that another
// server has begun is left to it, for the time of its lease.
func (s *Service) sweep(ctx context.Context, r *ent.CampaignRun) error {
	batches, err := s.db.Client(ctx).RunBatch.Query().Where(runbatch.RunID(r.ID), runbatch.Closed(false)).
		Order(runbatch.ByID()).All(ctx)
	if err != nil {
		return err
	}
	busy := false
	for _, b := range batches {
		closed, err := s.sweepBatch(ctx, r, b.ID)
		if err != nil {
			return err
		}
		busy = busy || !closed
	}
	if busy {
		return nil
	}
	return s.db.TxLatest(ctx, func(ctx context.Context) error {
		now, err := s.now(ctx)
		if err != nil {
			return err
		}
		r, err := s.lockRun(ctx, r.ID)
		if err != nil || r == nil || r.Phase != kind.RunCanceling {
			return err
		}
		return s.db.Client(ctx).CampaignRun.UpdateOne(r).SetPhase(kind.RunDone).SetFinishedAt(now).Exec(ctx)
	})
}

// sweepBatch skips the open recipients of a batch and reports whether none is left.
func (s *Service) sweepBatch(ctx context.Context, r *ent.CampaignRun, batchID int64) (closed bool, err error) {
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		closed = false
		now, err := s.now(ctx)
		if err != nil {
			return err
		}
		query := s.db.Client(ctx).RunBatch.Query().Where(runbatch.ID(batchID))
		query.Modify(store.Lock)
		b, err := query.Only(ctx)
		if ent.IsNotFound(err) {
			closed = true
			return nil
		}
		if err != nil {
			return err
		}
		c := counts{}
		if err := s.skipOpen(ctx, r.ID, b, now, c); err != nil {
			return err
		}
		leased := b.LeaseUntil != nil && b.LeaseUntil.After(now)
		if !leased {
			if err := s.doubt(ctx, r.ID, b.AfterContact, b.LastContact, now, c); err != nil {
				return err
			}
		}
		if err := s.addCounts(ctx, r.ID, c); err != nil || leased {
			return err
		}
		closed = true
		return s.db.Client(ctx).RunBatch.UpdateOne(b).SetClosed(true).SetOwner("").ClearLeaseUntil().
			AddFence(1).Exec(ctx)
	})
	return closed, err
}

// skipOpen skips the recipients of a batch that are pending or deferred, because of a cancellation.
func (s *Service) skipOpen(ctx context.Context, runID int64, b *ent.RunBatch, now time.Time, c counts) error {
	for _, state := range []kind.RecipientState{kind.RecipientPending, kind.RecipientDeferred} {
		n, err := s.db.Client(ctx).RunRecipient.Update().
			Where(
				runrecipient.RunID(runID), within(b.AfterContact, b.LastContact), runrecipient.StateEQ(state),
			).
			SetState(kind.RecipientSkipped).SetTrouble(kind.RecipientSkipped).SetSkipped(kind.SkippedCanceled).
			SetSettledAt(now).ClearDueAt().Save(ctx)
		if err != nil {
			return err
		}
		c.move(state, kind.RecipientSkipped, int64(n))
	}
	return nil
}
