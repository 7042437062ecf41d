package campaign

import (
	"context"
	"slices"
	"strings"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/ent/campaignchange"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/store"
)

// Call names one campaign and, optionally, the version that the caller expects.
type Call struct {
	ID int64
	// ExpectedVersion, if set, must equal the campaign's version. Otherwise the call fails with
	// Precondition and writes nothing.
	ExpectedVersion *int64
}

// draft is a requested change: the columns to set, the status to reach, and the history entry to
// write.
type draft struct {
	action Action
	write  *ent.CampaignUpdate
	to     kind.CampaignStatus
	fields []string
	reason string
	// lists, if set, are the lists that the new audience includes.
	lists *[]int64
	// refusal, if set, is the error that the caller gets after the change is written. The written
	// change then differs from the requested one.
	refusal *apperr.Error
	// then, if set, runs after the change is written, in the same transaction.
	then func(ctx context.Context) error
}

// change is the only way to write one campaign. It reads the campaign, calls decide to get the
// change, adjusts the change for the approval, and writes it under the condition that version and
// status are still the ones it read. If a concurrent change was written first, change starts again
// on the fresh row, so that each of two racing callers gets a correct answer. The history entry is
// written in the same transaction. decide returns nil if there is nothing to change.
func (s *Service) change(ctx context.Context, call Call, decide decision) (*ent.Campaign, error) {
	return s.changeIn(ctx, s.db.Tx, call, decide)
}

// decision returns the change of a campaign that was read, or nil if there is nothing to change.
type decision = func(ctx context.Context, id caller.Identity, c *ent.Campaign) (*draft, error)

// changeIn is change in a transaction of another kind.
func (s *Service) changeIn(
	ctx context.Context, transact func(context.Context, func(context.Context) error) error, call Call, decide decision,
) (*ent.Campaign, error) {
	id, err := caller.Authorize(ctx, kind.ScopeWrite)
	if err != nil {
		return nil, err
	}
	var result *ent.Campaign
	var refusal *apperr.Error
	err = transact(ctx, func(ctx context.Context) error {
		refusal = nil
		c, err := s.find(ctx, call.ID)
		if err != nil {
			return err
		}
		if call.ExpectedVersion != nil && *call.ExpectedVersion != c.Version {
			return &apperr.Error{
				Code: apperr.Precondition, Field: "expectedVersion", Reason: apperr.ReasonStaleVersion,
				Message: "the campaign was changed meanwhile: read it again",
			}
		}
		d, err := decide(ctx, id, c)
		if err != nil {
			return err
		}
		if d == nil {
			result = c
			return nil
		}
		if err := s.settleApproval(ctx, id, c, d); err != nil {
			return err
		}
		if err := s.write(ctx, id, c, d); err != nil {
			return err
		}
		if err := s.endRun(ctx, c, d); err != nil {
			return err
		}
		if d.then != nil {
			if err := d.then(ctx); err != nil {
				return err
			}
		}
		refusal = d.refusal
		result, err = s.find(ctx, call.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return nil, refusal
	}
	return result, nil
}

// endRun ends the run of a campaign that is not sent any further.
func (s *Service) endRun(ctx context.Context, c *ent.Campaign, d *draft) error {
	canceled := d.action == ActionCancel && d.to == kind.StatusSent
	if !canceled && (d.to != kind.StatusDraft || c.Status == d.to) {
		return nil
	}
	return s.runs.Cancel(ctx, c.ID)
}

func (s *Service) find(ctx context.Context, id int64) (*ent.Campaign, error) {
	c, err := s.db.Client(ctx).Campaign.Query().Where(campaign.ID(id)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, apperr.NotFoundf("campaign")
	}
	return c, err
}

// write runs the conditional UPDATE of a change and adds its history entry.
func (s *Service) write(ctx context.Context, id caller.Identity, c *ent.Campaign, d *draft) error {
	now := s.now()
	d.write.Where(campaign.ID(c.ID), campaign.Version(c.Version), campaign.StatusEQ(c.Status)).
		AddVersion(1).
		SetLastActivityAt(now)
	if d.to != c.Status {
		d.write.SetStatus(d.to).SetStatusRank(d.to.Rank()).SetStatusReason(d.reason)
		stampStatus(d.write, c, d.to, now)
	}
	n, err := d.write.Save(ctx)
	if err != nil {
		return err
	}
	if n == 0 {
		return store.ErrStale
	}
	if err := s.writeUses(ctx, c, d); err != nil {
		return err
	}
	return s.record(ctx, id, c, d, c.Version+1, now)
}

// stampStatus sets the columns that depend on the new status.
func stampStatus(u *ent.CampaignUpdate, c *ent.Campaign, to kind.CampaignStatus, now time.Time) {
	_, rescheduled := u.Mutation().NextSendAt()
	rescheduled = rescheduled || u.Mutation().NextSendAtCleared()
	if c.Status == kind.StatusFailed && !begun(c) {
		u.ClearSendingStartedAt().ClearSendingFinishedAt() // nothing was sent: the next sending is the first
	}
	switch to {
	case kind.StatusSending:
		if c.SendingStartedAt == nil {
			u.SetSendingStartedAt(now)
		}
		u.ClearSendingFinishedAt().ClearNextSendAt()
	case kind.StatusSent, kind.StatusFailed:
		u.SetSendingFinishedAt(now).ClearNextSendAt()
	case kind.StatusReady:
		// The rest of a paused campaign is due at once, unless it was rescheduled during the pause.
		if c.Status == kind.StatusPaused && c.NextSendAt == nil && !rescheduled {
			u.SetNextSendAt(now)
		}
	case kind.StatusDraft:
		if !rescheduled {
			planAgain(u, c, now)
		}
	}
}

// planAgain sets the due time of a campaign that becomes a draft again, from its schedule. The
// stored due time cannot be kept, because it may come from a resumed sending. An immediate campaign
// is due only while it is Ready.
func planAgain(u *ent.CampaignUpdate, c *ent.Campaign, now time.Time) {
	next, ok, err := scheduleOf(c).Next(now, c.SentInstances)
	if err != nil || !ok || c.ScheduleType == kind.ScheduleImmediate {
		u.ClearNextSendAt()
		return
	}
	u.SetNextSendAt(next)
}

// record appends an entry to the history of a campaign: the caller, the surface, the old and the
// new status, and the changed fields.
func (s *Service) record(
	ctx context.Context, id caller.Identity, c *ent.Campaign, d *draft, version int64, at time.Time,
) error {
	return s.entry(ctx, id, c, d, version, at).Exec(ctx)
}

func (s *Service) entry(
	ctx context.Context, id caller.Identity, c *ent.Campaign, d *draft, version int64, at time.Time,
) *ent.CampaignChangeCreate {
	action := d.action
	if action == ActionRetry {
		action = ActionResume
	}
	create := s.db.Client(ctx).CampaignChange.Create().
		SetUserID(c.UserID).SetCampaignID(c.ID).SetVersion(version).
		SetAction(campaignchange.Action(action)).SetActorID(id.UserID).SetSurface(id.Surface).
		SetToStatus(d.to).SetFields(kind.Cut(strings.Join(d.fields, ","), 1000)).SetReason(d.reason).SetAt(at)
	if version > 1 {
		create.SetFromStatus(c.Status)
	}
	if id.KeyID != 0 {
		create.SetAPIKeyID(id.KeyID)
	}
	return create
}

// recordAll appends the same change to the history of each campaign.
func (s *Service) recordAll(
	ctx context.Context, id caller.Identity, campaigns []*ent.Campaign, d *draft, at time.Time,
) error {
	for some := range slices.Chunk(campaigns, 1000) {
		changes := make([]*ent.CampaignChangeCreate, len(some))
		for i, c := range some {
			changes[i] = s.entry(ctx, id, c, d, c.Version+1, at)
		}
		if err := s.db.Client(ctx).CampaignChange.CreateBulk(changes...).Exec(ctx); err != nil {
			return err
		}
	}
	return nil
}
