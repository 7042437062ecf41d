package sending

import (
	"context"
	"math/rand/v2"
	"time"

	"campaignql/ent"
	"campaignql/ent/runrecipient"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// recipient is somebody who has been begun.
type recipient struct {
	person
	token    int64
	attempts int16
	content  *content
}

// turn settles the recipients of the last burst, and begins at most want further ones. All of it is
// one transaction. It begins nobody if the campaign is not Sending any more, if it was resumed
// since the claim, or if the batch was lost. If it begins nobody, the batch is given back.
//
// An error means that nothing was written. The caller must call it again with the same results.
func (s *Service) turn(ctx context.Context, c *claim, done []result, want int) (begun []recipient, err error) {
	recording := event.NewRecording()
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		begun = nil
		now, err := s.now(ctx)
		if err != nil {
			return err
		}
		changes := counts{}
		if err := s.settle(ctx, c, recording, done, now, changes); err != nil {
			return err
		}
		goes, err := s.goesOn(ctx, c, now)
		if err != nil {
			return err
		}
		if goes && want > 0 {
			if begun, err = s.beginSome(ctx, c, want, now, changes); err != nil {
				return err
			}
		}
		if err := s.addCounts(ctx, c.id, changes); err != nil || len(begun) > 0 {
			return err
		}
		return s.release(ctx, c, now)
	})
	if err != nil {
		return nil, err
	}
	c.marked = c.marked || len(begun) > 0
	s.results.add(done)
	return begun, nil
}

// goesOn locks the campaign and the run, renews the lease, and reports whether recipients may be begun.
func (s *Service) goesOn(ctx context.Context, c *claim, now time.Time) (bool, error) {
	sending, err := s.Campaigns.LockSending(ctx, c.campaign, false)
	if err != nil {
		return false, err
	}
	r, err := s.lockRun(ctx, c.id)
	if err != nil || r == nil {
		return false, err
	}
	held, err := s.renew(ctx, c, now)
	return held && sending && r.Phase == kind.RunSending && r.Epoch == c.epoch, err
}

// beginSome begins recipients of a batch: those that are pending, and those whose next attempt is due.
// Who must not get the campaign any more is skipped.
func (s *Service) beginSome(
	ctx context.Context, c *claim, want int, now time.Time, changes counts,
) ([]recipient, error) {
	var begun []recipient
	for len(begun) < want {
		rows, err := s.due(ctx, c, want-len(begun), now)
		if err != nil || len(rows) == 0 {
			return begun, err
		}
		people, err := s.people(ctx, rows)
		if err != nil {
			return nil, err
		}
		var write []recipient
		skipped := map[kind.SkipReason][]*ent.RunRecipient{}
		for i, row := range rows {
			if people[i].skip != "" {
				skipped[people[i].skip] = append(skipped[people[i].skip], row)
				continue
			}
			content, err := s.contents.choose(ctx, c.run, row.ContactID)
			if err != nil {
				return nil, err
			}
			write = append(write, recipient{people[i], rand.Int64(), row.Attempts + 1, content})
			changes.move(row.State, kind.RecipientBegun, 1)
		}
		if err := s.skip(ctx, c, skipped, now, changes); err != nil {
			return nil, err
		}
		if err := s.markBegun(ctx, c, write, now); err != nil {
			return nil, err
		}
		begun = append(begun, write...)
	}
	return begun, nil
}

// due locks the next recipients of a batch that are to be begun.
func (s *Service) due(ctx context.Context, c *claim, most int, now time.Time) ([]*ent.RunRecipient, error) {
	query := s.db.Client(ctx).RunRecipient.Query().
		Where(
			runrecipient.RunID(c.id), within(c.after, c.last),
			runrecipient.Or(
				runrecipient.StateEQ(kind.RecipientPending),
				runrecipient.And(runrecipient.StateEQ(kind.RecipientDeferred), runrecipient.DueAtLTE(now)),
			),
		).
		Order(ent.Asc(runrecipient.FieldContactID)).Limit(most)
	query.Modify(store.Lock)
	return query.Select(
		runrecipient.FieldContactID, runrecipient.FieldSubscriberID, runrecipient.FieldState, runrecipient.FieldAttempts,
	).All(ctx)
}

// skip marks recipients who must not get the campaign any more.
func (s *Service) skip(
	ctx context.Context, c *claim, skipped map[kind.SkipReason][]*ent.RunRecipient, now time.Time, changes counts,
) error {
	for reason, rows := range skipped {
		ids := make([]int64, len(rows))
		for i, row := range rows {
			ids[i] = row.ContactID
			changes.move(row.State, kind.RecipientSkipped, 1)
		}
		err := s.db.Client(ctx).RunRecipient.Update().
			Where(runrecipient.RunID(c.id), runrecipient.ContactIDIn(ids...)).
			SetState(kind.RecipientSkipped).SetTrouble(kind.RecipientSkipped).SetSkipped(reason).
			SetSettledAt(now).ClearDueAt().Exec(ctx)
		if err != nil {
			return err
		}
	}
	return nil
}

// markBegun writes down that recipients are begun, each with its token, and notes at the campaign that
// it has begun.
func (s *Service) markBegun(ctx context.Context, c *claim, write []recipient, now time.Time) error {
	if len(write) == 0 {
		return nil
	}
	if !c.marked {
		if _, err := s.Campaigns.LockSending(ctx, c.campaign, true); err != nil {
			return err
		}
	}
	rows := make([][]any, len(write))
	for i, r := range write {
		rows[i] = []any{r.contact, r.token, int64(r.attempts), int64(r.content.number)}
	}
	return s.changeRows(ctx, c.id, []string{"token", "attempts", "content"}, rows, func(t *store.Text) {
		t.WriteString(",state=")
		t.Value(string(kind.RecipientBegun))
		t.WriteString(",trouble=NULL,due_at=NULL,begun_at=COALESCE(begun_at,")
		t.Value(now)
		t.WriteString(")")
	})
}

// changeRows sets columns of recipients of a run. The first value of each row is the contact; the
// values of the columns follow. more writes further assignments, the same for all.
func (s *Service) changeRows(
	ctx context.Context, runID int64, columns []string, rows [][]any, more func(t *store.Text),
) error {
	part := store.Part{Column: runrecipient.FieldRunID, Value: runID, Key: runrecipient.FieldContactID}
	return s.db.Raw(ctx).ChangePart(ctx, runrecipient.Table, part, columns, rows, more)
}
