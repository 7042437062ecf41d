package campaign_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// act runs one of the actions on a campaign.
func (f *fixture) act(
	ctx context.Context, action campaign.Action, call campaign.Call, reason string,
) (*ent.Campaign, error) {
	switch action {
	case campaign.ActionApprove:
		return f.campaigns.Approve(ctx, call, reason)
	case campaign.ActionPause:
		return f.campaigns.Pause(ctx, call, reason)
	case campaign.ActionResume:
		return f.campaigns.Resume(ctx, call)
	case campaign.ActionCancel:
		return f.campaigns.Cancel(ctx, call, reason)
	default:
		updated, err := f.campaigns.Update(ctx, call, campaign.Patch{Name: new("Renamed by " + string(action))})
		if err != nil {
			return nil, err
		}
		return updated.Campaign, nil
	}
}

func TestActionsLeadWhereTheLifecycleSays(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		// A missing entry means Conflict.
		want := map[campaign.Action]map[kind.CampaignStatus]kind.CampaignStatus{
			campaign.ActionApprove: {kind.StatusPendingApproval: kind.StatusReady},
			campaign.ActionPause:   {kind.StatusSending: kind.StatusPaused},
			campaign.ActionResume:  {kind.StatusPaused: kind.StatusReady},
			campaign.ActionCancel: {
				kind.StatusPendingApproval: kind.StatusDraft, kind.StatusReady: kind.StatusDraft,
				kind.StatusSending: kind.StatusSent, kind.StatusPaused: kind.StatusSent,
			},
		}
		for action, targets := range want {
			for _, from := range kind.CampaignStatuses() {
				before := f.at(t, from)
				after, err := f.act(f.ctx, action, campaign.Call{ID: before.ID}, "")
				to, ok := targets[from]
				if !ok {
					wantFault(t, err, apperr.Conflict, apperr.ReasonStatusTransition)
					f.unwritten(t, before, 1)
					continue
				}
				if err != nil || after.Status != to || after.StatusRank != to.Rank() ||
					after.Version != before.Version+1 {
					t.Errorf("%s from %s: got %v, %v, want %s", action, from, after, err, to)
					continue
				}
				entries := f.history(t, before.ID)
				last := entries[len(entries)-1]
				if last.Action != campaignAction(action) || *last.FromStatus != from || last.ToStatus != to ||
					last.Version != after.Version ||
					!strings.HasPrefix(last.Fields, "status") {
					t.Errorf("%s from %s is told as %v", action, from, last)
				}
			}
		}
	})
}

func TestCancelClearsTheScheduleOfWhatHasNotBegun(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for _, from := range []kind.CampaignStatus{kind.StatusReady, kind.StatusPendingApproval} {
			before := f.at(t, from, func(u *ent.CampaignUpdateOne) {
				u.SetScheduleType(kind.ScheduleRecurring).
					SetSendTimeZone("UTC").
					SetRecurDaysOfWeek("1").
					SetRecurMonths("0").
					SetRecurHours("9").
					SetRecurMinutes("0").
					SetRecurMaxInstances(4).
					SetNextSendAt(noon.Add(time.Hour)).
					SetSendDate("2027-01-01").
					SetSendTime("10:00:00")
			})
			after, err := f.campaigns.Cancel(f.ctx, campaign.Call{ID: before.ID}, "Wrong price")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(
				scheduleColumns(&ent.Campaign{ScheduleType: kind.ScheduleNone}), scheduleColumns(after),
			); diff != "" || after.NextSendAt != nil || after.StatusReason != "Wrong price" {
				t.Errorf(
					"from %s: reason %q, due %v, schedule -want +got\n%s", from, after.StatusReason, after.NextSendAt,
					diff,
				)
			}
		}
	})
}

func TestCancelOfWhatHasBegunEndsItAsCanceled(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for _, from := range []kind.CampaignStatus{kind.StatusReady, kind.StatusSending, kind.StatusPaused} {
			c := f.at(t, from, begun, func(u *ent.CampaignUpdateOne) {
				u.SetScheduleType(kind.ScheduleImmediate).SetNextSendAt(noon).SetSendingStartedAt(noon.Add(-time.Hour))
			})
			after, err := f.campaigns.Cancel(f.ctx, campaign.Call{ID: c.ID}, "Enough")
			if err != nil || after.Status != kind.StatusSent || after.StatusReason != campaign.ReasonCanceled ||
				after.NextSendAt != nil ||
				instant(after.SendingFinishedAt) != instant(&noon) ||
				after.TotalSent != 3 {
				t.Errorf("from %s: got %v, %v", from, after, err)
			}
		}
		ready := f.at(t, kind.StatusReady, begun)
		_, err := f.campaigns.Update(f.ctx, campaign.Call{ID: ready.ID}, campaign.Patch{Status: new(kind.StatusDraft)})
		wantFault(t, err, apperr.Conflict, "already_begun")
	})
}

func TestReasonsAreKeptUpToTheirLimit(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.at(t, kind.StatusSending)
		longest := strings.Repeat("😀", campaign.MaxReasonLength)
		_, err := f.campaigns.Pause(f.ctx, campaign.Call{ID: c.ID}, longest+"!")
		wantFault(t, err, apperr.Invalid, apperr.ReasonTextTooLong)
		after, err := f.campaigns.Pause(f.ctx, campaign.Call{ID: c.ID}, " "+longest+" ")
		if err != nil || after.StatusReason != longest {
			t.Fatalf("got %v, %v, want the longest reason", after, err)
		}
		if after, err = f.campaigns.Resume(f.ctx, campaign.Call{ID: c.ID}); err != nil || after.StatusReason != "" {
			t.Errorf("the reason of the pause outlives it: %v, %v", after, err)
		}
		waiting := f.at(t, kind.StatusPendingApproval)
		explained, err := f.campaigns.Approve(f.ctx, campaign.Call{ID: waiting.ID}, longest)
		if err != nil || explained.StatusReason != longest {
			t.Errorf("the longest explanation: %v", err)
		}
	})
}

func TestApproveIsForTrustedOwnersAndAdmins(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, testkit.Untrusted())
		c := f.at(
			t, kind.StatusPendingApproval,
			func(u *ent.CampaignUpdateOne) { u.SetApprovalExplanation("They asked for it") },
		)
		_, err := f.campaigns.Approve(f.ctx, campaign.Call{ID: c.ID}, "")
		wantFault(t, err, apperr.Denied, "approval_required")
		trusted := f.owner
		trusted.Reputation, trusted.Scopes = kind.ReputationTrusted, kind.Scopes{kind.ScopeRead, kind.ScopeWrite}
		if _, err := f.campaigns.Approve(
			testkit.As(t, trusted), campaign.Call{ID: c.ID}, "",
		); apperr.CodeOf(err) != apperr.Denied {
			t.Errorf("a key without the scope approve: got %v, want Denied", err)
		}
		f.unwritten(t, c, 1)
		admin := testkit.Account(t, db, testkit.Admin())
		after, err := f.campaigns.Approve(testkit.As(t, admin), campaign.Call{ID: c.ID}, "Looks fine")
		if err != nil || after.Status != kind.StatusReady || after.StatusReason != "Looks fine" ||
			after.ApprovalExplanation != "They asked for it" {
			t.Fatalf("an admin: got %v, %v", after, err)
		}
		if entry := f.history(t, c.ID)[1]; entry.ActorID != admin.UserID || entry.UserID != f.owner.UserID ||
			entry.Reason != "Looks fine" {
			t.Errorf("the history is %v, want it to name the admin, say why, and stay with the owner", entry)
		}
	})
}

func TestAStaleVersionWritesNothing(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for action, from := range map[campaign.Action]kind.CampaignStatus{
			campaign.ActionUpdate: kind.StatusDraft, campaign.ActionApprove: kind.StatusPendingApproval, campaign.ActionPause: kind.StatusSending,
			campaign.ActionResume: kind.StatusPaused, campaign.ActionCancel: kind.StatusReady,
		} {
			c := f.at(t, from)
			for _, stale := range []int64{0, c.Version - 1, c.Version + 1} {
				_, err := f.act(f.ctx, action, campaign.Call{ID: c.ID, ExpectedVersion: &stale}, "")
				wantFault(t, err, apperr.Precondition, "stale_version")
			}
			f.unwritten(t, c, 1)
			if after, err := f.act(
				f.ctx, action, campaign.Call{ID: c.ID, ExpectedVersion: &c.Version}, "",
			); err != nil || after.Version != c.Version+1 {
				t.Errorf("%s with the right version: got %v, %v", action, after, err)
			}
		}
	})
}

func TestHistoryTellsWhoDidWhatThroughWhichSurface(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "Told")
		f.now = noon.Add(time.Minute)
		script := f.owner
		script.KeyID, script.Surface = 77, kind.SurfaceCommand
		patch := campaign.Patch{
			Name: new("Retold"), Status: new(kind.StatusReady), StatusReason: new("Go"), S2SEnabled: new(true),
		}
		if _, err := f.campaigns.Update(testkit.As(t, script), campaign.Call{ID: c.ID}, patch); err != nil {
			t.Fatal(err)
		}
		f.update(t, c.ID, campaign.Patch{Status: new(kind.StatusSending)})
		sender := f.owner
		sender.KeyID, sender.Surface = 78, kind.SurfaceSender
		if _, err := f.campaigns.Pause(testkit.As(t, sender), campaign.Call{ID: c.ID}, "Quota"); err != nil {
			t.Fatal(err)
		}
		type entry struct {
			Version          int64
			Action, Surface  string
			Key              int64
			From, To         kind.CampaignStatus
			Fields, Reason   string
			At               time.Time
			Actor, Owner, Of int64
		}
		var got []entry
		for _, e := range f.history(t, c.ID) {
			row := entry{
				Version: e.Version,
				Action:  string(e.Action),
				Surface: string(e.Surface),
				To:      e.ToStatus,
				Fields:  e.Fields,
				Reason:  e.Reason,
				At:      e.At,
				Actor:   e.ActorID,
				Owner:   e.UserID,
				Of:      e.CampaignID,
			}
			if e.APIKeyID != nil {
				row.Key = *e.APIKeyID
			}
			if e.FromStatus != nil {
				row.From = *e.FromStatus
			}
			got = append(got, row)
		}
		me := f.owner.UserID
		want := []entry{
			{1, "create", "graphql", 0, "", kind.StatusDraft, "", "", noon, me, me, c.ID},
			{
				2, "update", "command", 77, kind.StatusDraft, kind.StatusReady, "status,name,s2sEnabled", "Go", f.now,
				me, me, c.ID,
			},
			{3, "update", "graphql", 0, kind.StatusReady, kind.StatusSending, "status", "", f.now, me, me, c.ID},
			{4, "pause", "sender", 78, kind.StatusSending, kind.StatusPaused, "status", "Quota", f.now, me, me, c.ID},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		if last := f.row(t, c.ID); !last.LastActivityAt.Equal(f.now) || last.Version != 4 {
			t.Errorf("the campaign is %v", last)
		}
	})
}

func TestStatusesStampWhenSendingBeganAndEnded(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "Stamped")
		for i, step := range []struct {
			to                   kind.CampaignStatus
			started, finished    time.Duration
			hasStarted, hasEnded bool
		}{
			{kind.StatusReady, 0, 0, false, false},
			{kind.StatusSending, 1, 0, true, false},
			{kind.StatusPaused, 1, 0, true, false},
			{kind.StatusReady, 1, 0, true, false},
			{kind.StatusSending, 1, 0, true, false},
			{kind.StatusFailed, 1, 5, true, true},
			{kind.StatusReady, 0, 0, false, false},
			{kind.StatusSending, 7, 0, true, false},
			{kind.StatusSent, 7, 8, true, true},
		} {
			f.now = noon.Add(time.Duration(i) * time.Minute)
			c = f.update(t, c.ID, campaign.Patch{Status: &step.to})
			started, finished := "", ""
			if step.hasStarted {
				started = noon.Add(step.started * time.Minute).Format(time.RFC3339)
			}
			if step.hasEnded {
				finished = noon.Add(step.finished * time.Minute).Format(time.RFC3339)
			}
			if instant(c.SendingStartedAt) != started || instant(c.SendingFinishedAt) != finished {
				t.Errorf(
					"step %d, %s: began %q and ended %q, want %q and %q", i, step.to, instant(c.SendingStartedAt),
					instant(c.SendingFinishedAt), started, finished,
				)
			}
		}
	})
}

func TestADraftIsNotDueByAnInstantOfItsPast(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		to := func(id int64, statuses ...kind.CampaignStatus) *ent.Campaign {
			t.Helper()
			var c *ent.Campaign
			for _, status := range statuses {
				c = f.update(t, id, campaign.Patch{Status: &status})
			}
			return c
		}
		sendingAndBack := []kind.CampaignStatus{
			kind.StatusReady, kind.StatusSending, kind.StatusPaused, kind.StatusReady, kind.StatusDraft,
		}
		unscheduled := f.create(t, "No schedule")
		if c := to(unscheduled.ID, sendingAndBack...); c.NextSendAt != nil {
			t.Errorf("a draft without schedule is due %v", c.NextSendAt)
		}
		if c := to(unscheduled.ID, kind.StatusReady); c.NextSendAt != nil {
			t.Errorf("without a schedule it is due %v once it is Ready", c.NextSendAt)
		}
		future := f.create(t, "Future")
		planned := f.update(t, future.ID, campaign.Patch{Schedule: &campaign.SchedulePatch{
			Type: new(kind.ScheduleFuture), Date: new("2030-01-02"), Time: new("10:00"), Zone: new("UTC"),
		}}).NextSendAt
		if c := to(future.ID, sendingAndBack...); planned == nil || instant(c.NextSendAt) != instant(planned) {
			t.Errorf("a draft planned for %v is due %v", planned, c.NextSendAt)
		}
	})
}

func TestASendingThatFailedIsNotTheNextOne(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		earlier := noon.Add(-24 * time.Hour)
		failed := func() *ent.Campaign {
			return f.at(t, kind.StatusFailed, func(u *ent.CampaignUpdateOne) {
				u.SetSendingStartedAt(earlier).SetSendingFinishedAt(earlier.Add(time.Hour))
			})
		}
		c := f.update(t, failed().ID, campaign.Patch{Status: new(kind.StatusDraft)})
		if c.SendingStartedAt != nil || c.SendingFinishedAt != nil {
			t.Errorf("a draft says it was sent from %v to %v", c.SendingStartedAt, c.SendingFinishedAt)
		}
		half := f.at(t, kind.StatusFailed, begun, func(u *ent.CampaignUpdateOne) {
			u.SetSendingStartedAt(earlier).SetSendingFinishedAt(earlier.Add(time.Hour))
		})
		f.update(t, half.ID, campaign.Patch{Status: new(kind.StatusReady)})
		if c := f.update(
			t, half.ID, campaign.Patch{Status: new(kind.StatusSending)},
		); instant(c.SendingStartedAt) != instant(&earlier) {
			t.Errorf("the rest of what was begun %v is sent from %v", earlier, c.SendingStartedAt)
		}
		again := failed().ID
		f.update(t, again, campaign.Patch{Status: new(kind.StatusReady)})
		if c := f.update(
			t, again, campaign.Patch{Status: new(kind.StatusSending)},
		); instant(c.SendingStartedAt) != instant(&noon) || c.SendingFinishedAt != nil {
			t.Errorf("it is sent from %v to %v, want from now", c.SendingStartedAt, c.SendingFinishedAt)
		}
	})
}
