package sending

import (
	"context"
	"errors"

	"campaignql/ent"
	"campaignql/ent/campaignrun"
	"campaignql/ent/runbatch"
	"campaignql/ent/runrecipient"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
)

// rangesAtOnce is how many ranges of contacts one transaction writes down.
const rangesAtOnce = 5

// freeze writes down the recipients of a run, from where an earlier call has stopped. Afterwards the
// audience of the run never changes. Several servers may do so at once: each range is written by one.
func (s *Service) freeze(ctx context.Context, r *ent.CampaignRun) error {
	target, ends, err := s.ranges(ctx, r)
	if err != nil {
		if fault := audienceFault(err); fault != "" {
			return s.fail(ctx, r.ID, fault)
		}
		return err
	}
	for len(ends) > 0 {
		n, err := s.freezeSome(ctx, r.ID, target, ends)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil // the run has ended, or another server is ahead
		}
		ends = ends[n:]
	}
	return s.frozen(ctx, r.ID)
}

// ranges returns the audience of a run and the ends of the ranges that are left of it.
func (s *Service) ranges(ctx context.Context, r *ent.CampaignRun) (query.Target, []int64, error) {
	target, err := query.OfCampaign(&ent.Campaign{UserID: r.UserID, Audience: r.Audience})
	if err != nil {
		return target, nil, err
	}
	target.At = r.ResolvedAt
	if target, err = s.Audiences.Prepare(ctx, target); err != nil {
		return target, nil, err
	}
	ends, err := s.Audiences.Ranges(ctx, target, r.FrozenThrough, s.batch)
	return target, ends, err
}

// audienceFault returns in words why an audience cannot be evaluated, now or later, or "".
func audienceFault(err error) string {
	fault := new(apperr.Error)
	if errors.As(err, &fault) && (fault.Code == apperr.Invalid || fault.Code == apperr.NotFound) {
		return "the audience cannot be evaluated: " + fault.Message
	}
	return ""
}

// freezeSome writes down the next ranges, and returns how many of them are done.
func (s *Service) freezeSome(
	ctx context.Context, runID int64, target query.Target, ends []int64,
) (done int, err error) {
	err = s.db.TxLatest(ctx, func(ctx context.Context) error {
		done = 0
		r, err := s.lockRun(ctx, runID)
		if err != nil || r == nil || r.Phase != kind.RunFreezing {
			return err
		}
		batch, err := s.lastBatch(ctx, r)
		if err != nil {
			return err
		}
		total, through := int64(0), r.FrozenThrough
		for _, end := range ends[:min(rangesAtOnce, len(ends))] {
			done++
			if end <= through {
				continue // another server was here
			}
			n, err := s.insertRange(ctx, r, target, through, end)
			if err != nil {
				return err
			}
			batch.add(s.batch, n, through, end)
			total, through = total+int64(n), end
		}
		if err := batch.save(ctx, s, r); err != nil {
			return err
		}
		return s.db.Client(ctx).CampaignRun.Update().Where(campaignrun.ID(runID)).SetFrozenThrough(through).
			SetBatches(batch.number).AddTotal(total).AddPending(total).Exec(ctx)
	})
	return done, err
}

// insertRange writes down the recipients among a range of contacts and returns their number.
func (s *Service) insertRange(
	ctx context.Context, r *ent.CampaignRun, target query.Target, after, last int64,
) (int, error) {
	from, err := s.Audiences.Contacts(ctx, target, after, last, r.UserID, r.ID)
	if err != nil {
		return 0, err
	}
	raw := s.db.Raw(ctx)
	text := raw.Text()
	text.Append(from.Text, from.Args...)
	n, err := raw.Copy(ctx, runrecipient.Table, recipientColumns, text, from.Hints)
	return int(n), err
}

// recipientColumns are the columns that insertRange writes. The others have their defaults.
var recipientColumns = []string{
	runrecipient.FieldUserID, runrecipient.FieldRunID, runrecipient.FieldContactID, runrecipient.FieldSubscriberID,
}

// batching collects the ranges of a transaction into batches. Ranges with few recipients share one.
type batching struct {
	number int
	// stored is the last batch of earlier transactions, or nil, and grown says that it has changed.
	stored *ent.RunBatch
	grown  bool
	made   []*ent.RunBatch
}

func (s *Service) lastBatch(ctx context.Context, r *ent.CampaignRun) (*batching, error) {
	b := &batching{number: r.Batches}
	if r.Batches == 0 {
		return b, nil
	}
	var err error
	b.stored, err = s.db.Client(ctx).RunBatch.Query().
		Where(runbatch.RunID(r.ID), runbatch.Number(r.Batches)).Only(ctx)
	return b, err
}

// add adds a range with n recipients. A batch holds at most most.
func (b *batching) add(most, n int, after, last int64) {
	if n == 0 {
		return
	}
	current := b.stored
	if len(b.made) > 0 {
		current = b.made[len(b.made)-1]
	}
	if current != nil && current.Size+n <= most {
		current.Size, current.LastContact = current.Size+n, last
		b.grown = b.grown || current == b.stored
		return
	}
	b.number++
	b.made = append(b.made, &ent.RunBatch{Number: b.number, AfterContact: after, LastContact: last, Size: n})
}

func (b *batching) save(ctx context.Context, s *Service, r *ent.CampaignRun) error {
	client := s.db.Client(ctx).RunBatch
	if b.grown {
		err := client.UpdateOne(b.stored).SetSize(b.stored.Size).SetLastContact(b.stored.LastContact).Exec(ctx)
		if err != nil {
			return err
		}
	}
	rows := make([]*ent.RunBatchCreate, len(b.made))
	for i, made := range b.made {
		rows[i] = client.Create().SetUserID(r.UserID).SetRunID(r.ID).SetNumber(made.Number).
			SetAfterContact(made.AfterContact).SetLastContact(made.LastContact).SetSize(made.Size).
			SetDueAt(r.ResolvedAt)
	}
	return client.CreateBulk(rows...).Exec(ctx)
}

// frozen ends the freezing of a run.
func (s *Service) frozen(ctx context.Context, runID int64) error {
	return s.db.TxLatest(ctx, func(ctx context.Context) error {
		r, err := s.db.Client(ctx).CampaignRun.Get(ctx, runID)
		if ent.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		if _, err := s.Campaigns.LockSending(ctx, r.CampaignID, false); err != nil {
			return err
		}
		if r, err = s.lockRun(ctx, runID); err != nil || r == nil || r.Phase != kind.RunFreezing {
			return err
		}
		now, err := s.now(ctx)
		if err != nil {
			return err
		}
		if r.Total == 0 {
			return s.end(ctx, r, campaign.End{Now: now, Failed: true, Reason: "nobody to reach: the audience is empty"})
		}
		if err := s.Campaigns.AddRecipients(ctx, r.CampaignID, r.Total); err != nil {
			return err
		}
		return s.db.Client(ctx).CampaignRun.UpdateOne(r).SetPhase(kind.RunSending).SetFrozenAt(now).Exec(ctx)
	})
}
