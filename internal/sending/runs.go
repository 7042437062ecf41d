package sending

import (
	"context"

	"entgo.io/ent/dialect"
	"entgo.io/ent/dialect/sql"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/campaignrun"
	"campaignql/ent/predicate"
	"campaignql/ent/runrecipient"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Runs are the runs of campaigns, for the package campaign.
type Runs struct{ db *store.Store }

// NewRuns returns the runs in a database.
func NewRuns(db *store.Store) Runs { return Runs{db} }

// open are the phases in which a run still writes to people.
var open = []kind.RunPhase{kind.RunFreezing, kind.RunSending}

// Open implements [campaign.Runs].
func (r Runs) Open(ctx context.Context, campaignID int64) (bool, error) {
	found, err := r.db.Client(ctx).CampaignRun.Query().
		Where(campaignrun.CampaignID(campaignID), campaignrun.PhaseIn(open...)).Exist(ctx)
	return found, store.Translate(err)
}

// Cancel implements [campaign.Runs]. The recipients that are left are skipped by [Service.Run].
func (r Runs) Cancel(ctx context.Context, campaignIDs ...int64) error {
	return r.db.Client(ctx).CampaignRun.Update().
		Where(campaignrun.CampaignIDIn(campaignIDs...), campaignrun.PhaseIn(open...)).
		SetPhase(kind.RunCanceling).SetHoldCode("").SetHoldText("").ClearHoldUntil().Exec(ctx)
}

// latest returns the latest run of a campaign, or nil, and locks it.
func (s *Service) latest(ctx context.Context, campaignID int64) (*ent.CampaignRun, error) {
	query := s.db.Client(ctx).CampaignRun.Query().Where(campaignrun.CampaignID(campaignID)).
		Order(ent.Desc(campaignrun.FieldInstance))
	query.Modify(store.Lock)
	found, err := query.First(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	return found, err
}

// lockRun locks a run and returns it, or nil if it is gone.
func (s *Service) lockRun(ctx context.Context, id int64) (*ent.CampaignRun, error) {
	query := s.db.Client(ctx).CampaignRun.Query().Where(campaignrun.ID(id))
	query.Modify(store.Lock)
	found, err := query.Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	return found, err
}

// inPhase returns the runs in a phase, in the order of their ids.
func (s *Service) inPhase(ctx context.Context, phase kind.RunPhase) ([]*ent.CampaignRun, error) {
	return s.db.Client(ctx).CampaignRun.Query().Where(campaignrun.PhaseEQ(phase)).
		Order(campaignrun.ByID()).All(ctx)
}

// going returns the runs whose recipients are written to: those of campaigns that are Sending.
func (s *Service) going(ctx context.Context) ([]*ent.CampaignRun, error) {
	return s.db.Client(ctx).CampaignRun.Query().
		Where(campaignrun.PhaseEQ(kind.RunSending), predicate.CampaignRun(func(run *sql.Selector) {
			t := sql.Table(entcampaign.Table)
			run.Where(sql.Exists(sql.Select().From(t).SelectExpr(sql.Raw("1")).
				Where(sql.ColumnsEQ(t.C(entcampaign.FieldID), run.C(campaignrun.FieldCampaignID))).
				Where(sql.EQ(t.C(entcampaign.FieldStatus), string(kind.StatusSending)))))
		})).
		Order(campaignrun.ByID()).All(ctx)
}

// counts are changes of the numbers of recipients of a run by state.
type counts map[kind.RecipientState]int64

// move counts recipients that change their state.
func (c counts) move(from, to kind.RecipientState, n int64) {
	c[from] -= n
	c[to] += n
}

// addCounts changes the numbers of a run, in the transaction that changes its recipients.
func (s *Service) addCounts(ctx context.Context, runID int64, c counts) error {
	update := s.db.Client(ctx).CampaignRun.Update().Where(campaignrun.ID(runID))
	changes := false
	for state, add := range map[kind.RecipientState]func(int64) *ent.CampaignRunUpdate{
		kind.RecipientPending:  update.AddPending,
		kind.RecipientBegun:    update.AddBegun,
		kind.RecipientDeferred: update.AddDeferred,
		kind.RecipientSent:     update.AddSent,
		kind.RecipientFailed:   update.AddFailed,
		kind.RecipientUnknown:  update.AddUnknown,
		kind.RecipientSkipped:  update.AddSkipped,
	} {
		if c[state] != 0 {
			add(c[state])
			changes = true
		}
	}
	if !changes {
		return nil
	}
	return update.Exec(ctx)
}

// within selects the recipients of a range: after a contact, up to another one.
func within(after, last int64) predicate.RunRecipient {
	return predicate.RunRecipient(func(s *sql.Selector) {
		contact := s.C(runrecipient.FieldContactID)
		s.Where(sql.And(sql.GT(contact, after), sql.LTE(contact, last)))
	})
}

func (s *Service) lite() bool { return s.db.Dialect() == dialect.SQLite }
