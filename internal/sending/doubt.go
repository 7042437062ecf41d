package sending

import (
	"context"
	"time"

	"campaignql/ent"
	"campaignql/ent/predicate"
	"campaignql/ent/runbatch"
	"campaignql/ent/runrecipient"
	"campaignql/internal/kind"
)

// InDoubt says what becomes of recipients whose mail server may have accepted the message.
type InDoubt string

const (
	// HoldInDoubt leaves them unknown: their owner decides.
	HoldInDoubt InDoubt = "hold"
	// ResendInDoubt sends the same message again resentAfter later, with the same Message-ID.
	ResendInDoubt InDoubt = "resend"
)

// resentAfter is the time in which a late answer can still come.
const resentAfter = 30 * time.Minute

// resent selects the unknown recipients of a run that are sent to again: those whose first attempt is
// not older than GiveUp.
func (s *Service) resent(runID int64, now time.Time) predicate.RunRecipient {
	return runrecipient.And(
		runrecipient.RunID(runID), runrecipient.TroubleEQ(kind.RecipientUnknown),
		runrecipient.BegunAtGT(now.Add(-s.GiveUp)),
	)
}

// resends reports whether unknown recipients of a run are still to be sent to again.
func (s *Service) resends(ctx context.Context, r *ent.CampaignRun) (bool, error) {
	if s.InDoubt != ResendInDoubt || r.Unknown == 0 {
		return false, nil
	}
	now, err := s.now(ctx)
	if err != nil {
		return false, err
	}
	return s.db.Client(ctx).RunRecipient.Query().Where(s.resent(r.ID, now)).Exist(ctx)
}

// resend makes unknown recipients of a run pending whose answer has not come in time, retriedAtOnce at
// most. Their attempts stay counted.
func (s *Service) resend(ctx context.Context, r *ent.CampaignRun) error {
	if s.InDoubt != ResendInDoubt || r.Unknown == 0 {
		return nil
	}
	return s.db.TxLatest(ctx, func(ctx context.Context) error {
		now, err := s.now(ctx)
		if err != nil {
			return err
		}
		rows, err := s.db.Client(ctx).RunRecipient.Query().
			Where(s.resent(r.ID, now), runrecipient.SettledAtLTE(now.Add(-resentAfter))).
			Order(ent.Asc(runrecipient.FieldContactID)).Limit(retriedAtOnce).
			Select(runrecipient.FieldContactID).All(ctx)
		if err != nil || len(rows) == 0 {
			return err
		}
		sending, err := s.Campaigns.LockSending(ctx, r.CampaignID, false)
		if err != nil || !sending {
			return err
		}
		r, err := s.lockRun(ctx, r.ID)
		if err != nil || r == nil || r.Phase != kind.RunSending {
			return err
		}
		return s.resendTo(ctx, r, rows, now)
	})
}

// resendTo makes those of the recipients pending that are still unknown.
func (s *Service) resendTo(ctx context.Context, r *ent.CampaignRun, rows []*ent.RunRecipient, now time.Time) error {
	n, err := s.db.Client(ctx).RunRecipient.Update().
		Where(
			runrecipient.RunID(r.ID), runrecipient.ContactIDIn(contactsOf(rows)...),
			runrecipient.TroubleEQ(kind.RecipientUnknown),
		).
		SetState(kind.RecipientPending).ClearTrouble().SetReply("").ClearSettledAt().Save(ctx)
	if err != nil {
		return err
	}
	changes := counts{}
	changes.move(kind.RecipientUnknown, kind.RecipientPending, int64(n))
	if err := s.addCounts(ctx, r.ID, changes); err != nil {
		return err
	}
	batches, err := s.ranged(ctx, r.ID)
	if err != nil {
		return err
	}
	return s.db.Client(ctx).RunBatch.Update().Where(runbatch.IDIn(holding(batches, rows)...)).
		SetClosed(false).SetDueAt(now).Exec(ctx)
}
