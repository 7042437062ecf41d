package sending

import (
	"context"
	"sync/atomic"
	"time"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/campaignrun"
	"campaignql/ent/runbatch"
	"campaignql/ent/user"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/mailer"
	"campaignql/internal/store"
)

// Results are what can become of a message in one attempt, for metrics.
var Results = []mailer.Kind{
	mailer.Accepted, mailer.Deferred, mailer.Refused, mailer.NotHandedOver, mailer.InDoubt,
}

// tally counts the messages of this process by result.
type tally map[mailer.Kind]*atomic.Int64

func newTally() tally {
	t := tally{}
	for _, result := range Results {
		t[result] = new(atomic.Int64)
	}
	return t
}

// add counts outcomes that are written down.
func (t tally) add(done []result) {
	for _, r := range done {
		if n := t[r.outcome.Kind]; n != nil {
			n.Add(1)
		}
	}
}

// Messages returns how many messages had this result since the process started.
func (s *Service) Messages(result mailer.Kind) int64 { return s.results[result].Load() }

// BreakerOpen reports whether this process keeps away from the mail server at present.
func (s *Service) BreakerOpen() bool {
	s.breaker.mutex.Lock()
	defer s.breaker.mutex.Unlock()
	return time.Now().Before(s.breaker.until)
}

// Load is how much there is to send, for metrics.
type Load struct {
	// Runs are the runs that have not ended, by phase. Those of paused campaigns are among them.
	Runs map[kind.RunPhase]int
	// Waiting is how long the batch has been due that has waited longest and that nobody works on; 0 if
	// none is.
	Waiting time.Duration
}

// phases are those of runs that have not ended.
var phases = []kind.RunPhase{kind.RunFreezing, kind.RunSending, kind.RunCanceling}

// Load returns how much there is to send for all accounts. The caller needs the scope admin.
func (s *Service) Load(ctx context.Context) (Load, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeAdmin); err != nil {
		return Load{}, err
	}
	load := Load{Runs: map[kind.RunPhase]int{}}
	var rows []struct {
		Phase kind.RunPhase `json:"phase"`
		Count int           `json:"count"`
	}
	err := s.db.Client(ctx).CampaignRun.Query().Where(campaignrun.PhaseIn(phases...)).
		GroupBy(campaignrun.FieldPhase).Aggregate(ent.Count()).Scan(ctx, &rows)
	if err != nil {
		return load, store.Translate(err)
	}
	for _, row := range rows {
		load.Runs[row.Phase] = row.Count
	}
	runs, err := s.going(ctx)
	if err != nil || len(runs) == 0 {
		return load, store.Translate(err)
	}
	now, err := s.now(ctx)
	if err != nil {
		return load, store.Translate(err)
	}
	ids := make([]int64, len(runs))
	for i, r := range runs {
		ids[i] = r.ID
	}
	oldest, err := s.db.Client(ctx).RunBatch.Query().
		Where(
			runbatch.RunIDIn(ids...), runbatch.Closed(false), runbatch.DueAtLTE(now),
			runbatch.Or(runbatch.LeaseUntilIsNil(), runbatch.LeaseUntilLT(now)),
		).
		Order(runbatch.ByDueAt()).Select(runbatch.FieldDueAt).First(ctx)
	if ent.IsNotFound(err) {
		return load, nil
	}
	if err != nil {
		return load, store.Translate(err)
	}
	load.Waiting = now.Sub(oldest.DueAt)
	return load, nil
}

// Status is a run that has not ended, with what a person asks about it.
type Status struct {
	*ent.CampaignRun
	// Name and Status are those of the campaign; Account is the user name of its owner.
	Name    string
	Status  kind.CampaignStatus
	Account string
	Pace    Pace
}

// Statuses returns the runs of all accounts that have not ended, in the order in which they began. The
// caller needs the scope admin.
func (s *Service) Statuses(ctx context.Context) ([]Status, error) {
	if _, err := caller.Authorize(ctx, kind.ScopeAdmin); err != nil {
		return nil, err
	}
	runs, err := s.db.Client(ctx).CampaignRun.Query().Where(campaignrun.PhaseIn(phases...)).
		Order(campaignrun.ByID()).All(ctx)
	if err != nil {
		return nil, store.Translate(err)
	}
	paces, err := s.Paces(ctx, runs)
	if err != nil {
		return nil, err
	}
	var campaigns, owners []int64
	for _, r := range runs {
		campaigns, owners = append(campaigns, r.CampaignID), append(owners, r.UserID)
	}
	named, err := store.ByIDs(
		ctx, campaigns, []string{entcampaign.FieldID, entcampaign.FieldName, entcampaign.FieldStatus},
		func(c *ent.Campaign) int64 { return c.ID },
		func(some ...int64) *ent.CampaignQuery {
			return s.db.Client(ctx).Campaign.Query().Where(entcampaign.IDIn(some...))
		},
	)
	if err != nil {
		return nil, err
	}
	accounts, err := store.ByIDs(
		ctx, owners, []string{user.FieldID, user.FieldUsername}, func(u *ent.User) int64 { return u.ID },
		func(some ...int64) *ent.UserQuery { return s.db.Client(ctx).User.Query().Where(user.IDIn(some...)) },
	)
	if err != nil {
		return nil, err
	}
	out := make([]Status, len(runs))
	for i, r := range runs {
		out[i] = Status{CampaignRun: r, Pace: paces[r.ID]}
		if c := named[r.CampaignID]; c != nil {
			out[i].Name, out[i].Status = c.Name, c.Status
		}
		if u := accounts[r.UserID]; u != nil {
			out[i].Account = u.Username
		}
	}
	return out, nil
}
