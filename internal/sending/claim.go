package sending

import (
	"context"
	"time"

	"campaignql/ent"
	"campaignql/ent/runbatch"
	"campaignql/ent/runrecipient"
	"campaignql/internal/kind"
)

// lostAnswer is the reply of recipients whose server ended while it was writing to them.
const lostAnswer = "the server that was writing to this person stopped before it knew the answer"

// claim is a batch that belongs to this process until its lease ends.
type claim struct {
	run
	batch       int64
	after, last int64
	fence       int64
	// marked says that the campaign is known to have begun.
	marked bool
}

// next claims a batch of a run that goes on, or returns nil if there is none. Campaigns take turns.
func (s *Service) next(ctx context.Context) (*claim, error) {
	runs, err := s.going(ctx)
	if err != nil || len(runs) == 0 {
		return nil, err
	}
	s.turns.Lock()
	defer s.turns.Unlock()
	first := 0
	for first < len(runs) && runs[first].ID <= s.turns.last {
		first++
	}
	for i := range runs {
		r := runs[(first+i)%len(runs)]
		c, err := s.claim(ctx, r)
		if err != nil || c != nil {
			s.turns.last = r.ID
			return c, err
		}
	}
	return nil, nil
}

// claim claims a batch of a run that is due and that nobody works on. What an earlier owner has left
// begun becomes unknown: it may have been handed over.
func (s *Service) claim(ctx context.Context, r *ent.CampaignRun) (claimed *claim, err error) {
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		claimed = nil
		now, err := s.now(ctx)
		if err != nil {
			return err
		}
		free := runbatch.Or(runbatch.LeaseUntilIsNil(), runbatch.LeaseUntilLT(now))
		b, err := s.db.Client(ctx).RunBatch.Query().
			Where(runbatch.RunID(r.ID), runbatch.Closed(false), runbatch.DueAtLTE(now), free).
			Order(runbatch.ByDueAt(), runbatch.ByNumber()).First(ctx)
		if ent.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := s.db.Client(ctx).RunBatch.Update().
			Where(runbatch.ID(b.ID), runbatch.Fence(b.Fence), runbatch.Closed(false), free).
			AddFence(1).SetOwner(s.owner).SetLeaseUntil(now.Add(s.Lease)).Save(ctx)
		if err != nil || n == 0 {
			return err // another server was faster; the next look finds another batch
		}
		c := counts{}
		if err := s.doubt(ctx, r.ID, b.AfterContact, b.LastContact, now, c); err != nil {
			return err
		}
		claimed = &claim{run: runOf(r), batch: b.ID, after: b.AfterContact, last: b.LastContact, fence: b.Fence + 1}
		return s.addCounts(ctx, r.ID, c)
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// doubt makes the recipients unknown that were left begun in a range.
func (s *Service) doubt(ctx context.Context, runID, after, last int64, now time.Time, c counts) error {
	n, err := s.db.Client(ctx).RunRecipient.Update().
		Where(
			runrecipient.RunID(runID), within(after, last),
			runrecipient.StateEQ(kind.RecipientBegun),
		).
		SetState(kind.RecipientUnknown).SetTrouble(kind.RecipientUnknown).SetReply(lostAnswer).
		SetReplyCode(0).SetEnhancedCode("").SetSettledAt(now).Save(ctx)
	c.move(kind.RecipientBegun, kind.RecipientUnknown, int64(n))
	return err
}

// renew extends the lease of a claimed batch and reports whether the batch still belongs to the claim.
func (s *Service) renew(ctx context.Context, c *claim, now time.Time) (bool, error) {
	n, err := s.db.Client(ctx).RunBatch.Update().
		Where(runbatch.ID(c.batch), runbatch.Fence(c.fence), runbatch.Owner(s.owner)).
		SetLeaseUntil(now.Add(s.Lease)).Save(ctx)
	return n == 1, err
}

// release gives a claimed batch back. It is closed if nothing is left to do for its recipients, and
// due when the first of them is.
func (s *Service) release(ctx context.Context, c *claim, now time.Time) error {
	rows, err := s.db.Client(ctx).RunRecipient.Query().
		Where(
			runrecipient.RunID(c.id), within(c.after, c.last),
			runrecipient.StateIn(kind.RecipientPending, kind.RecipientBegun, kind.RecipientDeferred),
		).
		Select(runrecipient.FieldState, runrecipient.FieldDueAt).All(ctx)
	if err != nil {
		return err
	}
	update := s.db.Client(ctx).RunBatch.Update().
		Where(runbatch.ID(c.batch), runbatch.Fence(c.fence), runbatch.Owner(s.owner)).
		SetOwner("").ClearLeaseUntil()
	if len(rows) == 0 {
		return update.SetClosed(true).Exec(ctx)
	}
	var due time.Time
	for _, row := range rows {
		at := now
		if row.State == kind.RecipientDeferred && row.DueAt != nil {
			at = *row.DueAt
		}
		if due.IsZero() || at.Before(due) {
			due = at
		}
	}
	return update.SetDueAt(due).Exec(ctx)
}
