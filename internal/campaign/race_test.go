package campaign_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// atOnce runs n calls that start at the same time and returns their results.
func atOnce(n int, call func(i int) (*ent.Campaign, error)) ([]*ent.Campaign, []error) {
	changed, errs := make([]*ent.Campaign, n), make([]error, n)
	var ready, done sync.WaitGroup
	ready.Add(1)
	for i := range n {
		done.Go(func() {
			ready.Wait()
			changed[i], errs[i] = call(i)
		})
	}
	ready.Done()
	done.Wait()
	return changed, errs
}

// wantChain fails the test unless the history of a campaign is one chain that ends in its current
// status and version.
func (f *fixture) wantChain(t *testing.T, id int64) []*ent.CampaignChange {
	t.Helper()
	c, entries := f.row(t, id), f.history(t, id)
	for i, e := range entries {
		if e.Version != int64(i+1) {
			t.Fatalf("entry %d has version %d: the versions are not contiguous", i, e.Version)
		}
		if i > 0 && (e.FromStatus == nil || *e.FromStatus != entries[i-1].ToStatus) {
			t.Errorf(
				"version %d comes from %v, but the one before it led to %s", e.Version, e.FromStatus,
				entries[i-1].ToStatus,
			)
		}
	}
	last := entries[len(entries)-1]
	if last.Version != c.Version || last.ToStatus != c.Status || c.StatusRank != c.Status.Rank() {
		t.Errorf(
			"the campaign is %s at version %d, its history ends with %s at %d", c.Status, c.Version, last.ToStatus,
			last.Version,
		)
	}
	return entries
}

func TestRacingCallersEachLearnTheTruth(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "Raced")
		f.update(t, c.ID, campaign.Patch{Status: new(kind.StatusReady), Schedule: typed(kind.ScheduleImmediate)})
		c = f.update(t, c.ID, campaign.Patch{Status: new(kind.StatusSending)})
		before := len(f.history(t, c.ID))
		stale := c.Version

		const callers = 50
		changed, errs := atOnce(callers, func(i int) (*ent.Campaign, error) {
			call := campaign.Call{ID: c.ID}
			switch {
			case i == callers-1:
				return f.campaigns.Cancel(f.ctx, call, "")
			case i%5 == 0:
				return f.campaigns.Pause(f.ctx, call, "")
			case i%5 == 1:
				return f.campaigns.Resume(f.ctx, call)
			case i%5 == 2:
				call.ExpectedVersion = &stale
				return f.campaigns.Pause(f.ctx, call, "")
			default: // the name makes it a change in every status
				patch := campaign.Patch{Name: new(fmt.Sprint("Name ", i))}
				if i%5 == 3 {
					patch.Status = new(kind.StatusSending)
				}
				updated, err := f.campaigns.Update(f.ctx, call, patch)
				if err != nil {
					return nil, err
				}
				return updated.Campaign, nil
			}
		})
		entries := f.wantChain(t, c.ID)
		var versions []int64
		for i := range callers {
			if errs[i] == nil {
				versions = append(versions, changed[i].Version)
				continue
			}
			if code := apperr.CodeOf(errs[i]); code != apperr.Conflict && code != apperr.Precondition {
				t.Errorf("caller %d failed with %s: %v", i, code, errs[i])
			}
		}
		slices.Sort(versions)
		if len(versions) != len(entries)-before {
			t.Errorf("%d calls changed it, the history has %d more entries", len(versions), len(entries)-before)
		}
		for i, version := range versions {
			if version != int64(before+i+1) {
				t.Fatalf("the calls that changed it answered versions %v, want each once from %d", versions, before+1)
			}
		}
	})
}

func TestOfTwoRacersForOneTransitionExactlyOneWins(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for action, from := range map[campaign.Action]kind.CampaignStatus{
			campaign.ActionPause: kind.StatusSending, campaign.ActionResume: kind.StatusPaused, campaign.ActionCancel: kind.StatusReady, campaign.ActionApprove: kind.StatusPendingApproval,
		} {
			c := f.at(t, from)
			_, errs := atOnce(
				6, func(int) (*ent.Campaign, error) { return f.act(f.ctx, action, campaign.Call{ID: c.ID}, "") },
			)
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else if apperr.CodeOf(err) != apperr.Conflict {
					t.Errorf("%s: a loser got %v, want Conflict", action, err)
				}
			}
			if won != 1 || len(f.history(t, c.ID)) != 2 {
				t.Errorf(
					"%s: %d callers won, and the history has %d entries, want 1 and 2", action, won,
					len(f.history(t, c.ID)),
				)
			}
		}
	})
}

func TestConcurrentUpdatesOfDifferentFieldsLoseNone(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "Before")
		f.update(
			t, c.ID,
			campaign.Patch{
				Schedule:   planned("2026-12-01", "09:00", "UTC"),
				AutoResend: campaign.AutoResendPatch{WaitDays: new(1), Subject: new("Before")},
			},
		)
		list, mail, second := f.list(t, f.owner), f.email(t, f.owner, "One").ID, f.email(t, f.owner, "Two").ID
		test := campaign.ABTest{
			TestSize: new(10), TestDuration: new(1), Winner: campaign.WinnerByOpens,
			Variations: []campaign.ABVariation{{mail, 1}, {second, 3}},
		}
		patches := []struct {
			patch campaign.Patch
			kept  func(c *ent.Campaign) bool
		}{
			{
				campaign.Patch{Name: new("After")},
				func(c *ent.Campaign) bool { return c.Name == "After" && c.NameKey == "after" },
			},
			{campaign.Patch{StatusReason: new("Why")}, func(c *ent.Campaign) bool { return c.StatusReason == "Why" }},
			{
				campaign.Patch{Schedule: &campaign.SchedulePatch{Date: new("2026-12-02")}},
				func(c *ent.Campaign) bool { return c.SendDate == "2026-12-02" },
			},
			{
				campaign.Patch{Schedule: &campaign.SchedulePatch{Time: new("10:30")}},
				func(c *ent.Campaign) bool { return c.SendTime == "10:30:00" },
			},
			{
				campaign.Patch{Schedule: &campaign.SchedulePatch{Zone: new("Asia/Tokyo")}},
				func(c *ent.Campaign) bool { return instant(c.NextSendAt) == "2026-12-02T01:30:00Z" },
			},
			{
				campaign.Patch{Audience: &campaign.AudiencePatch{Include: new(pair(list, 0))}},
				func(c *ent.Campaign) bool { return c.RecipientLists == pair(list, 0) },
			},
			{
				campaign.Patch{Audience: &campaign.AudiencePatch{Exclude: new(pair(list, 0))}},
				func(c *ent.Campaign) bool { return c.ExcludedLists == pair(list, 0) && c.HasAudience },
			},
			{
				campaign.Patch{ABTest: &campaign.ABTestPatch{Test: &test}},
				func(c *ent.Campaign) bool { return c.AbTest != "" },
			},
			{
				campaign.Patch{AutoResend: campaign.AutoResendPatch{Enabled: new(true)}},
				func(c *ent.Campaign) bool { return c.AutoResendEnabled },
			},
			{
				campaign.Patch{AutoResend: campaign.AutoResendPatch{WaitDays: new(7)}},
				func(c *ent.Campaign) bool { return c.AutoResendWaitDays == 7 },
			},
			{
				campaign.Patch{AutoResend: campaign.AutoResendPatch{Subject: new("After")}},
				func(c *ent.Campaign) bool { return c.AutoResendSubject == "After" },
			},
			{
				campaign.Patch{AutoResend: campaign.AutoResendPatch{Preheader: new("After")}},
				func(c *ent.Campaign) bool { return c.AutoResendPreheader == "After" },
			},
			{
				campaign.Patch{ApprovalExplanation: new("After")},
				func(c *ent.Campaign) bool { return c.ApprovalExplanation == "After" },
			},
			{
				campaign.Patch{GoogleAnalyticsDomains: new("after.example")},
				func(c *ent.Campaign) bool { return c.GoogleAnalyticsDomains == "after.example" },
			},
			{campaign.Patch{PublishOnRSS: new(true)}, func(c *ent.Campaign) bool { return c.PublishOnRss }},
			{campaign.Patch{S2SEnabled: new(true)}, func(c *ent.Campaign) bool { return c.S2sEnabled }},
		}
		// Three more callers repeat a change. Each of them finds it made or makes it.
		repeats := []int{0, 2, 15}
		_, errs := atOnce(len(patches)+len(repeats), func(i int) (*ent.Campaign, error) {
			if i >= len(patches) {
				i = repeats[i-len(patches)]
			}
			_, err := f.campaigns.Update(f.ctx, campaign.Call{ID: c.ID}, patches[i].patch)
			return nil, err
		})
		for i, err := range errs {
			if err != nil {
				t.Errorf("update %d: %v", i, err)
			}
		}
		after := f.row(t, c.ID)
		for i, p := range patches {
			if !p.kept(after) {
				t.Errorf("update %d was lost: %v", i, after)
			}
		}
		if entries := f.wantChain(t, c.ID); len(entries) != 2+len(patches) {
			t.Errorf("the history has %d entries, want %d", len(entries), 2+len(patches))
		}
	})
}

func TestConcurrentCreatesWithOneKeyMakeOneCampaign(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		key := "once"
		made, errs := atOnce(10, func(int) (*ent.Campaign, error) { return f.campaigns.Create(f.ctx, "Once", &key) })
		for i := range made {
			if errs[i] != nil || made[i].ID != made[0].ID {
				t.Fatalf("caller %d got %v, %v, want the campaign of the first", i, made[i], errs[i])
			}
		}
		if n, err := f.campaigns.Count(f.ctx, campaign.Filter{}); n != 1 || err != nil {
			t.Errorf("%d campaigns, %v, want 1", n, err)
		}
	})
}
