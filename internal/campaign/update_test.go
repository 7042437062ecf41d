package campaign_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestUpdateChangesWhatItNamesAndNothingElse(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c, extra := f.original(t), f.email(t, f.owner, "Extra").ID
		client, ctx := f.system(t)
		c = client.Campaign.UpdateOneID(c.ID).
			SetStatus(kind.StatusDraft).
			SetStatusRank(kind.StatusDraft.Rank()).
			SaveX(ctx)
		// Each step changes one field. follow makes the same change to the expected campaign.
		for _, step := range []struct {
			field  string
			patch  campaign.Patch
			follow func(c *ent.Campaign)
		}{
			{"name", campaign.Patch{Name: new(" Übung ")}, func(c *ent.Campaign) { c.Name, c.NameKey = "Übung", "übung" }},
			{"statusReason", campaign.Patch{StatusReason: new("Because")}, func(c *ent.Campaign) { c.StatusReason = "Because" }},
			{"statusReason", campaign.Patch{Status: new(kind.StatusDraft), StatusReason: new("")}, func(c *ent.Campaign) { c.StatusReason = "" }},
			{"approvalExplanation", campaign.Patch{ApprovalExplanation: new("New")}, func(c *ent.Campaign) { c.ApprovalExplanation = "New" }},
			{"approvalExplanation", campaign.Patch{ApprovalExplanation: new("")}, func(c *ent.Campaign) { c.ApprovalExplanation = "" }},
			{"googleAnalyticsDomains", campaign.Patch{GoogleAnalyticsDomains: new("a.example, b.example")}, func(c *ent.Campaign) { c.GoogleAnalyticsDomains = "a.example, b.example" }},
			{"googleAnalyticsDomains", campaign.Patch{GoogleAnalyticsDomains: new(" ")}, func(c *ent.Campaign) { c.GoogleAnalyticsDomains = "" }},
			{"publishOnRss", campaign.Patch{PublishOnRSS: new(false)}, func(c *ent.Campaign) { c.PublishOnRss = false }},
			{"s2sEnabled", campaign.Patch{S2SEnabled: new(false)}, func(c *ent.Campaign) { c.S2sEnabled = false }},
			{"autoResend", campaign.Patch{AutoResend: campaign.AutoResendPatch{WaitDays: new(9)}}, func(c *ent.Campaign) { c.AutoResendWaitDays = 9 }},
			{"autoResend", campaign.Patch{AutoResend: campaign.AutoResendPatch{Preheader: new("")}}, func(c *ent.Campaign) { c.AutoResendPreheader = "" }},
			{"autoResend", campaign.Patch{AutoResend: campaign.AutoResendPatch{Enabled: new(false), Subject: new("")}}, func(c *ent.Campaign) { c.AutoResendEnabled, c.AutoResendSubject = false, "" }},
			{"abTest", campaign.Patch{ABTest: &campaign.ABTestPatch{}}, func(c *ent.Campaign) { c.AbTest = "" }},
			{"email", campaign.Patch{EmailID: &extra}, func(c *ent.Campaign) { c.EmailID = &extra }},
			{"email", campaign.Patch{EmailID: new(int64(0))}, func(c *ent.Campaign) { c.EmailID = nil }},
			{"audience", campaign.Patch{Audience: &campaign.AudiencePatch{Rules: new(""), Include: new(""), Exclude: new("")}}, func(c *ent.Campaign) {
				c.Audience, c.AudienceSource, c.HasAudience = "", "", false
			}},
			{"schedule", campaign.Patch{Schedule: typed(kind.ScheduleNone)}, func(c *ent.Campaign) {
				c.ScheduleType, c.SendDate, c.SendTime, c.SendTimeZone, c.NextSendAt = kind.ScheduleNone, "", "", "", nil
			}},
		} {
			want := *c
			step.follow(&want)
			want.Version++
			want.LastActivityAt = noon
			got := f.update(t, c.ID, step.patch)
			if diff := cmp.Diff(want.String(), got.String()); diff != "" {
				t.Errorf("%s: -want +got\n%s", step.field, diff)
			}
			entries := f.history(t, c.ID)
			if last := entries[len(entries)-1]; last.Fields != step.field || last.Version != got.Version ||
				*last.FromStatus != last.ToStatus {
				t.Errorf("%s is told as %v", step.field, last)
			}
			c = got
		}
	})
}

// asItIs returns a patch with every current value of a campaign.
func asItIs(c *ent.Campaign) campaign.Patch {
	test, _ := campaign.ParseABTest(c.AbTest)
	return campaign.Patch{
		Name:         &c.Name,
		Status:       &c.Status,
		StatusReason: &c.StatusReason,
		EmailID:      c.EmailID,
		Schedule: &campaign.SchedulePatch{
			Whole: true, Type: &c.ScheduleType, Date: &c.SendDate, Time: &c.SendTime, Zone: &c.SendTimeZone,
		},
		Audience: &campaign.AudiencePatch{
			Rules: &c.AudienceSource, Include: &c.RecipientLists, Exclude: &c.ExcludedLists,
		},
		ABTest: &campaign.ABTestPatch{Test: test},
		AutoResend: campaign.AutoResendPatch{
			Enabled:   &c.AutoResendEnabled,
			WaitDays:  &c.AutoResendWaitDays,
			Subject:   &c.AutoResendSubject,
			Preheader: &c.AutoResendPreheader,
		},
		ApprovalExplanation:    &c.ApprovalExplanation,
		GoogleAnalyticsDomains: &c.GoogleAnalyticsDomains,
		PublishOnRSS:           &c.PublishOnRss,
		S2SEnabled:             &c.S2sEnabled,
	}
}

func TestUpdateWithPresentValuesWritesNothing(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.original(t)
		entries := len(f.history(t, c.ID))
		client, ctx := f.system(t)
		for _, status := range kind.CampaignStatuses() {
			before := client.Campaign.UpdateOneID(c.ID).SetStatus(status).SetStatusRank(status.Rank()).SaveX(ctx)
			for name, patch := range map[string]campaign.Patch{"nothing": {}, "everything as it is": asItIs(before)} {
				var recorder store.Recorder
				updated, err := f.campaigns.Update(
					store.WithRecorder(f.ctx, &recorder), campaign.Call{ID: c.ID, ExpectedVersion: &c.Version}, patch,
				)
				if err != nil || updated.Campaign.Version != c.Version {
					t.Errorf("%s, %s: got %v, %v, want version %d", status, name, updated, err, c.Version)
				}
				for _, s := range recorder.Statements() {
					if !strings.HasPrefix(s.Query, "SELECT") {
						t.Errorf("%s, %s: wrote %s", status, name, s.Query)
					}
				}
			}
			f.unwritten(t, before, entries)
		}
	})
}

func TestUpdateFreezesWhatIsBeingOrHasBeenSent(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		email := f.email(t, f.owner, "New").ID
		second := f.email(t, f.owner, "Second").ID
		list := f.list(t, f.owner)
		material := map[string]campaign.Patch{
			"email":    {EmailID: &email},
			"schedule": {Schedule: planned("2026-12-24", "18:00", "UTC")},
			"audience": {Audience: &campaign.AudiencePatch{Include: new(pair(list, 0))}},
			"abTest": {ABTest: &campaign.ABTestPatch{Test: &campaign.ABTest{
				Variations: []campaign.ABVariation{{email, 1}, {second, 2}},
			}}},
		}
		for _, status := range kind.CampaignStatuses() {
			frozen := status == kind.StatusSending || status == kind.StatusSent
			for field, patch := range material {
				c := f.at(t, status)
				patch.Name = new("Renamed")
				_, err := f.campaigns.Update(f.ctx, campaign.Call{ID: c.ID}, patch)
				if !frozen {
					if err != nil {
						t.Errorf("%s of a campaign that is %s: %v", field, status, err)
					}
					continue
				}
				wantFault(t, err, apperr.Conflict, apperr.ReasonNotInStatus)
				if got := apperr.All(err)[0].Field; got != field {
					t.Errorf("the fault names %q, want %q", got, field)
				}
				f.unwritten(t, c, 1)
			}
			if c := f.update(
				t, f.at(t, status).ID, campaign.Patch{Name: new("Renamed"), S2SEnabled: new(true)},
			); c.Name != "Renamed" || c.Status != status {
				t.Errorf("settings of a campaign that is %s: %v", status, c)
			}
		}
	})
}

func TestUpdateReportsEveryFaultInTheLegacyOrder(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		draft, sending := f.create(
			t, "A",
		), f.at(
			t, kind.StatusSending, func(u *ent.CampaignUpdateOne) { u.SetEmailID(f.email(t, f.owner, "S").ID) },
		)
		wrong := campaign.Patch{
			Name: new(
				"",
			),
			Status:   new(kind.StatusSent),
			EmailID:  new(unknownID),
			Schedule: typed(kind.ScheduleRecurring),
			AutoResend: campaign.AutoResendPatch{
				Enabled: new(true),
			},
			ABTest:   &campaign.ABTestPatch{Test: &campaign.ABTest{}},
			Audience: &campaign.AudiencePatch{Rules: new("{")},
		}
		late := campaign.Patch{
			Schedule: planned(
				"2020-01-01", "10:00", "UTC",
			),
			AutoResend: campaign.AutoResendPatch{Enabled: new(true), WaitDays: new(1)},
			ABTest: &campaign.ABTestPatch{
				Test: &campaign.ABTest{},
			},
			Audience: &campaign.AudiencePatch{Include: new(pair(unknownID, 0))},
		}
		frozen := late
		frozen.EmailID = new(int64(0))
		for _, tt := range []struct {
			name  string
			c     *ent.Campaign
			patch campaign.Patch
			want  []string
		}{
			{"3, 4, 8, 14, 20, 26, 28 and the name", draft, wrong, []string{
				"conflict " + string(apperr.ReasonStatusTransition), "not_found " + string(apperr.ReasonEmailNotFound), "invalid " + string(apperr.ReasonScheduleDaysRequired),
				"invalid " + string(apperr.ReasonAutoResendWaitDays), "invalid " + string(apperr.ReasonABTestTooFewVariations), "invalid " + string(apperr.ReasonAutoResendRecurring),
				"invalid " + string(apperr.ReasonAudienceInvalid), "invalid " + string(apperr.ReasonNameRequired),
			}},
			{"15, 21, 27, 29", draft, late, []string{
				"invalid " + string(apperr.ReasonAutoResendSubject), "invalid " + string(apperr.ReasonABTestTooFewVariations), "invalid " + string(apperr.ReasonScheduleInPast), "not_found " + string(apperr.ReasonAudienceNotFound),
			}},
			{"30 comes last", sending, frozen, []string{
				"invalid " + string(apperr.ReasonAutoResendSubject), "invalid " + string(apperr.ReasonABTestTooFewVariations), "invalid " + string(apperr.ReasonScheduleInPast), "not_found " + string(apperr.ReasonAudienceNotFound),
				"conflict " + string(apperr.ReasonNotInStatus),
			}},
		} {
			_, err := f.campaigns.Update(f.ctx, campaign.Call{ID: tt.c.ID}, tt.patch)
			if diff := cmp.Diff(tt.want, describe(err)); diff != "" {
				t.Errorf("%s: -want +got\n%s", tt.name, diff)
			}
			f.unwritten(t, tt.c, 1)
		}
	})
}

func TestUpdateRefusesEachFaultByItsReason(t *testing.T) {
	t.Parallel()
	const days = 366
	future := func(date, clock, zone string) campaign.Patch {
		return campaign.Patch{Schedule: planned(date, clock, zone)}
	}
	without := func(drop func(p *campaign.SchedulePatch)) campaign.Patch {
		p := mondays()
		drop(p)
		return campaign.Patch{Schedule: p}
	}
	resend := func(p campaign.AutoResendPatch) campaign.Patch { return campaign.Patch{AutoResend: p} }
	faults := []struct {
		reason apperr.Reason
		patch  campaign.Patch
	}{
		{apperr.ReasonStatusInvalid, campaign.Patch{Status: new(kind.CampaignStatus("gone"))}},
		{apperr.ReasonStatusTransition, campaign.Patch{Status: new(kind.StatusPaused)}},
		{apperr.ReasonEmailNotFound, campaign.Patch{EmailID: new(unknownID)}},
		{apperr.ReasonEmailNotFound, campaign.Patch{EmailID: new(int64(-1))}},
		{apperr.ReasonScheduleTypeInvalid, campaign.Patch{Schedule: typed("weekly")}},
		{apperr.ReasonScheduleDateRequired, future("", "10:00", "UTC")},
		{apperr.ReasonScheduleDateRequired, future("2027-02-29", "10:00", "UTC")},
		{apperr.ReasonScheduleTimeRequired, future("2027-02-28", "", "UTC")},
		{apperr.ReasonScheduleTimeRequired, future("2027-02-28", "25:00", "UTC")},
		{apperr.ReasonScheduleDaysRequired, without(func(p *campaign.SchedulePatch) { p.DaysOfWeek = nil })},
		{apperr.ReasonScheduleDaysRequired, without(func(p *campaign.SchedulePatch) { p.DaysOfWeek = new("8") })},
		{apperr.ReasonScheduleMonthsRequired, without(func(p *campaign.SchedulePatch) { p.Months = nil })},
		{apperr.ReasonScheduleHoursRequired, without(func(p *campaign.SchedulePatch) { p.Hours = new("24") })},
		{apperr.ReasonScheduleMinutesRequired, without(func(p *campaign.SchedulePatch) { p.Minutes = nil })},
		{apperr.ReasonScheduleMaxInstancesRequired, without(func(p *campaign.SchedulePatch) { p.MaxInstances = nil })},
		{
			apperr.ReasonScheduleMaxInstancesRequired,
			without(func(p *campaign.SchedulePatch) { p.MaxInstances = new(-1) }),
		},
		{
			apperr.ReasonScheduleMaxInstancesRequired,
			without(func(p *campaign.SchedulePatch) { p.MaxInstances = new(1_000_001) }),
		},
		{apperr.ReasonScheduleZoneRequired, future("2027-02-28", "10:00", "")},
		{apperr.ReasonScheduleZoneRequired, future("2027-02-28", "10:00", "Europe/Atlantis")},
		{apperr.ReasonScheduleZoneRequired, without(func(p *campaign.SchedulePatch) { p.Zone = nil })},
		{apperr.ReasonAutoResendWaitDays, resend(campaign.AutoResendPatch{Enabled: new(true), Subject: new("S")})},
		{apperr.ReasonAutoResendWaitDays, resend(campaign.AutoResendPatch{WaitDays: new(-1)})},
		{apperr.ReasonAutoResendWaitDays, resend(campaign.AutoResendPatch{WaitDays: new(days)})},
		{
			apperr.ReasonAutoResendSubject,
			resend(campaign.AutoResendPatch{Enabled: new(true), WaitDays: new(1), Subject: new(" ")}),
		},
		{apperr.ReasonTextTooLong, resend(campaign.AutoResendPatch{Subject: new(strings.Repeat("ü", 251))})},
		{apperr.ReasonTextTooLong, resend(campaign.AutoResendPatch{Preheader: new(strings.Repeat("ü", 251))})},
		{
			apperr.ReasonAutoResendRecurring,
			campaign.Patch{
				Schedule:   mondays(),
				AutoResend: campaign.AutoResendPatch{Enabled: new(true), WaitDays: new(1), Subject: new("S")},
			},
		},
		{apperr.ReasonScheduleInPast, future("2026-11-23", "11:59", "UTC")},
		{apperr.ReasonNameRequired, campaign.Patch{Name: new(" ")}},
		{apperr.ReasonNameTooLong, campaign.Patch{Name: new(strings.Repeat("😀", 251))}},
		{apperr.ReasonTextTooLong, campaign.Patch{StatusReason: new(strings.Repeat("ü", 251))}},
		{apperr.ReasonTextTooLong, campaign.Patch{ApprovalExplanation: new(strings.Repeat("ü", 4001))}},
		{apperr.ReasonTextTooLong, campaign.Patch{GoogleAnalyticsDomains: new(strings.Repeat("ü", 4001))}},
	}
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "Whole")
		for i, tt := range faults {
			tt.patch.S2SEnabled = new(true) // all or nothing
			_, err := f.campaigns.Update(f.ctx, campaign.Call{ID: c.ID}, tt.patch)
			if got := apperr.All(err); len(got) != 1 || got[0].Reason != tt.reason || got[0].Message == "" ||
				got[0].Field == "" {
				t.Errorf("fault %d: got %v, want one %s with field and message", i, describe(err), tt.reason)
			}
		}
		f.unwritten(t, c, 1)
		longest := campaign.Patch{
			AutoResend: campaign.AutoResendPatch{
				Enabled: new(true), WaitDays: new(365), Subject: new(strings.Repeat("😀", 250)),
				Preheader: new(strings.Repeat("😀", 250)),
			},
			ApprovalExplanation:    new(strings.Repeat("😀", 4000)),
			GoogleAnalyticsDomains: new(strings.Repeat("😀", 4000)),
			StatusReason:           new(strings.Repeat("😀", 250)),
			Name:                   new(strings.Repeat("😀", 250)),
		}
		if got := f.update(t, c.ID, longest); got.Version != 2 {
			t.Errorf("the longest of everything: %v", got)
		}
		_, err := f.campaigns.Update(f.ctx, campaign.Call{ID: c.ID}, campaign.Patch{Schedule: mondays()})
		wantFault(t, err, apperr.Invalid, apperr.ReasonAutoResendRecurring)
	})
}

func TestUpdateToSentOrFailedIsForTheSender(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, testkit.Scoped(kind.ScopeRead, kind.ScopeWrite))
		sender := f.owner
		sender.Scopes = kind.Scopes{kind.ScopeWrite, kind.ScopeDelivery}
		for _, to := range []kind.CampaignStatus{kind.StatusSent, kind.StatusFailed} {
			c := f.at(t, kind.StatusSending)
			patch := campaign.Patch{Status: &to, StatusReason: new("Done")}
			_, err := f.campaigns.Update(f.ctx, campaign.Call{ID: c.ID}, patch)
			wantFault(t, err, apperr.Denied, "delivery_required")
			f.unwritten(t, c, 1)
			updated, err := f.campaigns.Update(testkit.As(t, sender), campaign.Call{ID: c.ID}, patch)
			if err != nil || updated.Campaign.Status != to || updated.Campaign.StatusReason != "Done" ||
				instant(updated.Campaign.SendingFinishedAt) != instant(&noon) {
				t.Errorf("the sender: got %v, %v", updated, err)
			}
		}
	})
}

func TestABTestReportsItsFirstFault(t *testing.T) {
	t.Parallel()
	variations := func(ids ...int64) (out []campaign.ABVariation) {
		for _, id := range ids {
			out = append(out, campaign.ABVariation{EmailID: id, Weight: 1})
		}
		return out
	}
	two := variations(1, 2)
	weights := func(weights ...float64) (test campaign.ABTest) {
		for i, weight := range weights {
			test.Variations = append(test.Variations, campaign.ABVariation{EmailID: int64(i + 1), Weight: weight})
		}
		return test
	}
	sample := func(size, duration int, winner campaign.ABWinner, of []campaign.ABVariation) campaign.ABTest {
		return campaign.ABTest{TestSize: &size, TestDuration: &duration, Winner: winner, Variations: of}
	}
	for _, tt := range []struct {
		name   string
		test   campaign.ABTest
		field  string
		reason apperr.Reason
	}{
		{"variations alone", campaign.ABTest{Variations: two}, "", ""},
		{"the smallest share", weights(1, 99), "", ""},
		{"the smallest share of a sum that is not exact", weights(0.29, 28.71), "", ""},
		{"weights that are no percents", weights(0.25, 3, 7), "", ""},
		{"a share below one percent", weights(1, 99.1), "abTest.variations[0].weight", apperr.ReasonABTestShare},
		{"the second share below one percent", weights(1000, 9), "abTest.variations[1].weight", apperr.ReasonABTestShare},
		{"no weight", weights(1, 0), "abTest.variations[1].weight", apperr.ReasonABTestValue},
		{"a weight below zero", weights(-1, 1), "abTest.variations[0].weight", apperr.ReasonABTestValue},
		{"a weight that is no number", weights(math.NaN(), 1), "abTest.variations[0].weight", apperr.ReasonABTestValue},
		{"a weight without bound", weights(1, math.Inf(1)), "abTest.variations[1].weight", apperr.ReasonABTestValue},
		{"a value before a share", weights(1, 1000, -1), "abTest.variations[2].weight", apperr.ReasonABTestValue},
		{"the least sample", sample(1, 1, campaign.WinnerByOpens, two), "", ""},
		{"the most", sample(100, 720, campaign.WinnerByClicks, variations(1, 2, 3, 4, 5)), "", ""},
		{"no variation", campaign.ABTest{}, "abTest.variations", apperr.ReasonABTestTooFewVariations},
		{"one variation", sample(10, 1, campaign.WinnerByOpens, variations(1)), "abTest.variations", apperr.ReasonABTestTooFewVariations},
		{"six variations", sample(10, 1, campaign.WinnerByOpens, variations(1, 2, 3, 4, 5, 6)), "abTest.variations", apperr.ReasonABTestTooManyVariations},
		{"one twice", sample(10, 1, campaign.WinnerByOpens, variations(1, 2, 1)), "abTest.variations[2].emailId", apperr.ReasonABTestValue},
		{"too short", sample(10, 0, campaign.WinnerByOpens, two), "abTest.testDuration", apperr.ReasonABTestValue},
		{"too long", sample(10, 721, campaign.WinnerByOpens, two), "abTest.testDuration", apperr.ReasonABTestValue},
		{"unknown winner", sample(10, 1, "Loudest", two), "abTest.winner", apperr.ReasonABTestValue},
		{"no share", sample(0, 1, campaign.WinnerByOpens, two), "abTest.testSize", apperr.ReasonABTestShare},
		{"more than everybody", sample(101, 1, campaign.WinnerByOpens, two), "abTest.testSize", apperr.ReasonABTestValue},
	} {
		err := tt.test.Validate()
		if tt.reason == "" {
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
			continue
		}
		if faults := apperr.All(err); len(faults) != 1 || faults[0].Field != tt.field || faults[0].Reason != tt.reason {
			t.Errorf("%s: got %+v, want %s %s", tt.name, faults, tt.field, tt.reason)
		}
	}
}

func TestEmailsOfTestsAreKeptUnlessTheCampaignIsADraft(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.original(t)
		test, err := campaign.ParseABTest(c.AbTest)
		if err != nil || len(test.Variations) != 2 {
			t.Fatalf("the stored test is %v, %v", test, err)
		}
		owners, unused := []int64{f.owner.UserID}, f.email(t, f.owner, "Unused").ID
		want := fmt.Sprintf("the A/B test of campaign %d, which is %s", c.ID, c.Status.Legacy())
		client, ctx := f.system(t)
		client.Campaign.UpdateOneID(c.ID).ClearEmailID().ExecX(ctx) // the email is only used as a variation
		for _, v := range test.Variations {
			err := f.db.Tx(f.ctx, func(ctx context.Context) error {
				return f.campaigns.ReleaseEmails(ctx, owners, []int64{unused, v.EmailID})
			})
			if got := fmt.Sprint(err); !strings.Contains(got, fmt.Sprintf("email %d is used by %s", v.EmailID, want)) {
				t.Errorf("email %d: %s", v.EmailID, got)
			}
		}
		client.Campaign.UpdateOneID(c.ID).SetStatus(kind.StatusDraft).SetStatusRank(kind.StatusDraft.Rank()).ExecX(ctx)
		err = f.db.Tx(f.ctx, func(ctx context.Context) error {
			return f.campaigns.ReleaseEmails(ctx, owners, []int64{test.Variations[0].EmailID})
		})
		if err != nil {
			t.Errorf("a draft keeps it: %v", err)
		}
		after, entries := f.row(t, c.ID), f.history(t, c.ID)
		if last := entries[len(entries)-1]; after.AbTest != "" || last.Fields != "abTest,email" || last.Version != after.Version {
			t.Errorf("a test with one variation left is %q, told as %v", after.AbTest, last)
		}
		if after.EmailID == nil || *after.EmailID != test.Variations[1].EmailID {
			t.Errorf("its email is %v, want the variation that is left, %d", after.EmailID, test.Variations[1].EmailID)
		}
	})
}

// TestATestFromBeforeHasEqualShares stores a test as earlier versions did: without weights, and with
// an email of the campaign beside it.
func TestATestFromBeforeHasEqualShares(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		own, a, b := f.email(t, f.owner, "Own").ID, f.email(t, f.owner, "A").ID, f.email(t, f.owner, "B").ID
		c := f.create(t, "Old")
		stored := fmt.Sprintf(
			`{"TestSize":20,"TestDuration":4,"Winner":"Most Unique Clicks","Variations":[{"EmailID":%d},{"EmailID":%d}]}`, a, b,
		)
		client, ctx := f.system(t)
		client.Campaign.UpdateOneID(c.ID).SetAbTest(stored).SetEmailID(own).ExecX(ctx)
		test, err := campaign.ParseABTest(stored)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]float64{0.5, 0.5}, test.Shares()); diff != "" {
			t.Errorf("shares (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]int64{a, b}, campaign.ContentOf(f.row(t, c.ID))); diff != "" {
			t.Errorf("content (-want +got):\n%s", diff)
		}
		f.update(t, c.ID, campaign.Patch{ABTest: &campaign.ABTestPatch{Test: test}})
		after, entries := f.row(t, c.ID), f.history(t, c.ID)
		if last := entries[len(entries)-1]; after.EmailID != nil || after.AbTest != stored || last.Fields != "email" {
			t.Errorf("the same test leaves email %v, test %s, change %q", after.EmailID, after.AbTest, last.Fields)
		}
	})
}

func TestADraftLosesTheVariationWhoseEmailIsDeleted(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		var ids []int64
		test := campaign.ABTest{}
		for i := range 3 {
			ids = append(ids, f.email(t, f.owner, "Variation").ID)
			test.Variations = append(test.Variations, campaign.ABVariation{EmailID: ids[i], Weight: float64(i + 1)})
		}
		c, untouched := f.create(t, "Draft"), f.create(t, "Other")
		f.update(t, c.ID, campaign.Patch{ABTest: &campaign.ABTestPatch{Test: &test}})
		before := f.row(t, c.ID)
		err := f.db.Tx(f.ctx, func(ctx context.Context) error {
			return f.campaigns.ReleaseEmails(ctx, []int64{f.owner.UserID}, ids[:1])
		})
		if err != nil {
			t.Fatal(err)
		}
		after := f.row(t, c.ID)
		want := fmt.Sprintf(`{"Variations":[{"EmailID":%d,"Weight":2},{"EmailID":%d,"Weight":3}]}`, ids[1], ids[2])
		if after.AbTest != want || after.Version != before.Version+1 {
			t.Errorf("the test is %s at version %d, want %s at %d", after.AbTest, after.Version, want, before.Version+1)
		}
		f.unwritten(t, untouched, 1)
		// A copy drops a variation whose email is gone.
		client, ctx := f.system(t)
		client.Email.DeleteOneID(ids[2]).ExecX(ctx)
		copied, err := f.campaigns.Copy(f.ctx, c.ID, "", nil)
		if err != nil || copied.AbTest != "" || copied.EmailID == nil || *copied.EmailID <= ids[2] {
			t.Errorf("a copy of a test with one email is %v, %v; it has a copy of that email", copied, err)
		}
	})
}
