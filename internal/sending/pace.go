package sending

import (
	"context"
	"slices"
	"time"

	"campaignql/ent"
	"campaignql/ent/runbatch"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// paceWindow is the time over which the pace is measured, at most.
const paceWindow = time.Minute

// answered are the states of recipients whose message has been answered, or whose answer was lost.
var answered = []any{
	string(kind.RecipientSent), string(kind.RecipientDeferred), string(kind.RecipientFailed),
	string(kind.RecipientUnknown),
}

// Pace is how fast a run goes on.
type Pace struct {
	// PerSecond is the number of messages that are answered in a second; 0 while nothing is sent.
	PerSecond float64
	// Finish is when the run ends at this pace, or nil while nothing is sent.
	Finish *time.Time
}

// Paces returns the pace of each run, in three statements. The runs need id, phase, pending, begun and
// deferred. Nothing is stored for it: each server works on a batch of a thousand recipients at a time,
// whose rows say when their answers came. The pace is the sum of those of the batches that are leased;
// it counts what was answered in them within the last minute.
func (s *Service) Paces(ctx context.Context, runs []*ent.CampaignRun) (map[int64]Pace, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		return nil, err
	}
	now, err := s.now(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	ids := make([]int64, 0, len(runs))
	for _, r := range runs {
		if r.Phase == kind.RunSending {
			ids = append(ids, r.ID)
		}
	}
	batches, err := s.db.Client(ctx).RunBatch.Query().
		Where(
			runbatch.RunIDIn(ids...), runbatch.Closed(false), runbatch.LeaseUntilGT(now),
			runbatch.OwnerNEQ(""),
		).
		Select(runbatch.FieldID, runbatch.FieldRunID, runbatch.FieldAfterContact, runbatch.FieldLastContact).All(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	perSecond, err := s.perSecond(ctx, batches, now)
	if err != nil {
		return nil, store.Translate(err)
	}
	paces := make(map[int64]Pace, len(runs))
	for _, r := range runs {
		p := Pace{PerSecond: perSecond[r.ID]}
		if p.PerSecond > 0 {
			left := float64(r.Pending+r.Begun+r.Deferred) / p.PerSecond
			p.Finish = new(now.Add(time.Duration(left * float64(time.Second))).Truncate(time.Second))
		}
		paces[r.ID] = p
	}
	return paces, nil
}

// perSecond returns the paces of runs in these batches.
func (s *Service) perSecond(ctx context.Context, batches []*ent.RunBatch, now time.Time) (map[int64]float64, error) {
	paces := map[int64]float64{}
	since := now.Add(-paceWindow)
	for some := range slices.Chunk(batches, groupsAtOnce) {
		raw := s.db.Raw(ctx)
		t := raw.Text()
		for i, b := range some {
			if i > 0 {
				t.WriteString(" UNION ALL ")
			}
			t.WriteString("SELECT ")
			t.Value(b.RunID)
			// A message takes from its begin to its answer; one that is tried again was begun before.
			t.WriteString(",COUNT(*),MIN(CASE WHEN begun_at>")
			t.Value(since)
			t.WriteString(" THEN begun_at ELSE ")
			t.Value(since)
			t.WriteString(" END) FROM run_recipients WHERE run_id=")
			t.Value(b.RunID)
			t.WriteString(" AND contact_id>")
			t.Value(b.AfterContact)
			t.WriteString(" AND contact_id<=")
			t.Value(b.LastContact)
			t.WriteString(" AND settled_at>")
			t.Value(since)
			t.WriteString(" AND state IN (")
			t.List(answered)
			t.WriteString(")")
		}
		err := raw.Query(ctx, t, func(rows store.Rows) error {
			var id, n int64
			var from store.Instant
			if err := rows.Scan(&id, &n, &from); err != nil || n == 0 {
				return err
			}
			paces[id] += float64(n) / max(now.Sub(from.Time).Seconds(), 0.1)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return paces, nil
}
