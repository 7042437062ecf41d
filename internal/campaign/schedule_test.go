package campaign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/ent/campaignchange"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func campaignAction(a campaign.Action) campaignchange.Action { return campaignchange.Action(a) }

// scheduleColumns returns the columns of a schedule as text.
func scheduleColumns(c *ent.Campaign) string {
	return strings.Join([]string{
		string(c.ScheduleType), c.SendDate, c.SendTime, c.SendTimeZone, c.RecurDaysOfWeek, c.RecurDaysOfMonth,
		c.RecurMonths, c.RecurHours, c.RecurMinutes,
	}, "|")
}

func planned(date, clock, zone string) *campaign.SchedulePatch {
	return &campaign.SchedulePatch{Whole: true, Type: new(kind.ScheduleFuture), Date: &date, Time: &clock, Zone: &zone}
}

// mondays is a schedule for every Monday at nine.
func mondays() *campaign.SchedulePatch {
	return &campaign.SchedulePatch{
		Whole:        true,
		Type:         new(kind.ScheduleRecurring),
		DaysOfWeek:   new("1"),
		Months:       new("0"),
		Hours:        new("9"),
		Minutes:      new("0"),
		MaxInstances: new(0),
		Zone:         new("UTC"),
	}
}

func typed(t kind.ScheduleType) *campaign.SchedulePatch {
	return &campaign.SchedulePatch{Whole: true, Type: &t}
}

func TestNextSendFollowsScheduleAndStatus(t *testing.T) {
	t.Parallel()
	const now, tomorrow, monday = "2026-11-23T12:00:00Z", "2026-11-24T08:00:00Z", "2026-11-30T09:00:00Z"
	type step struct {
		patch campaign.Patch
		do    campaign.Action
		want  string
	}
	status := func(s kind.CampaignStatus) campaign.Patch { return campaign.Patch{Status: &s} }
	plan := func(p *campaign.SchedulePatch) campaign.Patch { return campaign.Patch{Schedule: p} }
	future := planned("2026-11-24", "09:00", "Europe/Berlin")
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for name, steps := range map[string][]step{
			"not scheduled": {{status(kind.StatusReady), "", ""}, {status(kind.StatusSending), "", ""}},
			"immediate is due while it is Ready": {
				{plan(typed(kind.ScheduleImmediate)), "", ""}, {status(kind.StatusReady), "", now}, {status(kind.StatusDraft), "", ""}, {status(kind.StatusReady), "", now},
				{status(kind.StatusSending), "", ""}, {status(kind.StatusFailed), "", ""}, {status(kind.StatusReady), "", now},
			},
			"immediate and Ready at once": {{campaign.Patch{Status: new(kind.StatusReady), Schedule: typed(kind.ScheduleImmediate)}, "", now}},
			"an immediate one becomes a future draft": {
				{campaign.Patch{Status: new(kind.StatusReady), Schedule: typed(kind.ScheduleImmediate)}, "", now},
				{campaign.Patch{Status: new(kind.StatusDraft), Schedule: future}, "", tomorrow},
			},
			"future": {
				{plan(future), "", tomorrow}, {status(kind.StatusReady), "", tomorrow}, {status(kind.StatusDraft), "", tomorrow}, {status(kind.StatusReady), "", tomorrow},
				{campaign.Patch{}, campaign.ActionCancel, ""},
			},
			"recurring": {
				{plan(mondays()), "", monday}, {status(kind.StatusReady), "", monday}, {plan(future), "", tomorrow}, {plan(mondays()), "", monday},
				{plan(typed(kind.ScheduleNone)), "", ""},
			},
			"what is left after a pause is due at once": {
				{plan(future), "", tomorrow}, {status(kind.StatusReady), "", tomorrow}, {status(kind.StatusSending), "", ""}, {campaign.Patch{}, campaign.ActionPause, ""},
				{campaign.Patch{}, campaign.ActionResume, now}, {status(kind.StatusSending), "", ""}, {status(kind.StatusSent), "", ""},
			},
			"a pause that is rescheduled": {
				{status(kind.StatusReady), "", ""}, {status(kind.StatusSending), "", ""}, {campaign.Patch{}, campaign.ActionPause, ""},
				{plan(future), "", tomorrow}, {campaign.Patch{}, campaign.ActionResume, tomorrow},
			},
			"a pause that is rescheduled as it ends": {
				{status(kind.StatusReady), "", ""}, {status(kind.StatusSending), "", ""}, {campaign.Patch{}, campaign.ActionPause, ""},
				{campaign.Patch{Status: new(kind.StatusReady), Schedule: future}, "", tomorrow},
			},
		} {
			c := f.create(t, name)
			for i, step := range steps {
				var err error
				if step.do != "" {
					c, err = f.act(f.ctx, step.do, campaign.Call{ID: c.ID}, "")
				} else {
					c = f.update(t, c.ID, step.patch)
				}
				if err != nil {
					t.Fatal(err)
				}
				if got := instant(c.NextSendAt); got != step.want {
					t.Errorf("%s, step %d (%s): due %q, want %q", name, i, c.Status, got, step.want)
				}
			}
		}
	})
}

func TestNextSendOfWhatWaitsForApprovalComesWithTheApproval(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, testkit.Untrusted())
		c := f.create(t, "Waits")
		updated, err := f.campaigns.Update(
			f.ctx, campaign.Call{ID: c.ID},
			campaign.Patch{Status: new(kind.StatusReady), Schedule: typed(kind.ScheduleImmediate)},
		)
		if err != nil {
			t.Fatal(err)
		}
		if updated.Campaign.Status != kind.StatusPendingApproval || updated.Requested == nil ||
			*updated.Requested != kind.StatusReady ||
			updated.Campaign.NextSendAt != nil {
			t.Errorf(
				"got %v, requested %v, want Pending Approval for Ready, not due", updated.Campaign, updated.Requested,
			)
		}
		again, err := f.campaigns.Update(f.ctx, campaign.Call{ID: c.ID}, campaign.Patch{Status: new(kind.StatusReady)})
		if err != nil || again.Campaign.Version != updated.Campaign.Version || *again.Requested != kind.StatusReady {
			t.Errorf("asking again: got %v, %v, want success without a change", again, err)
		}
		approved, err := f.campaigns.Approve(
			testkit.As(t, testkit.Account(t, db, testkit.Admin())), campaign.Call{ID: c.ID}, "",
		)
		if err != nil || instant(approved.NextSendAt) != instant(&noon) {
			t.Errorf("approved: got %v, %v, want it due now", approved, err)
		}
	})
}

func TestScheduleKeepsTheWallClockAndZoneAsWritten(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for _, tt := range []struct{ name, date, clock, zone, want, columns string }{
			{"a time that does not exist is the first instant after the gap", "2027-03-28", "02:30", "Europe/Berlin", "2027-03-28T01:00:00Z", "future|2027-03-28|02:30:00|Europe/Berlin|||||"},
			{"a time that exists twice is the first", "2027-10-31", "02:30:15", "Europe/Berlin", "2027-10-31T00:30:15Z", "future|2027-10-31|02:30:15|Europe/Berlin|||||"},
			{"a legacy zone", "2026-12-01", "09:00", "(GMT-03:00) Brasilia", "2026-12-01T12:00:00Z", "future|2026-12-01|09:00:00|(GMT-03:00) Brasilia|||||"},
			{"an offset", "2026-12-01", "09:00", "+05:30", "2026-12-01T03:30:00Z", "future|2026-12-01|09:00:00|+05:30|||||"},
		} {
			c := f.create(t, tt.name)
			c = f.update(t, c.ID, campaign.Patch{Schedule: planned(tt.date, tt.clock, tt.zone)})
			if diff := cmp.Diff(tt.columns, scheduleColumns(c)); diff != "" || instant(c.NextSendAt) != tt.want {
				t.Errorf("%s: due %q, want %q; columns -want +got\n%s", tt.name, instant(c.NextSendAt), tt.want, diff)
			}
		}
	})
}

func TestSchedulePartsChangeAloneWhileTheTypeStays(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "Parts")
		f.update(t, c.ID, campaign.Patch{Schedule: planned("2026-12-01", "09:00", "UTC")})
		c = f.update(t, c.ID, campaign.Patch{Schedule: &campaign.SchedulePatch{Time: new("10:30")}})
		if instant(c.NextSendAt) != "2026-12-01T10:30:00Z" || c.SendDate != "2026-12-01" {
			t.Errorf("the time alone: %v", c)
		}
		_, err := f.campaigns.Update(
			f.ctx, campaign.Call{ID: c.ID},
			campaign.Patch{Schedule: &campaign.SchedulePatch{Whole: true, Time: new("11:00")}},
		)
		wantFault(t, err, apperr.Invalid, apperr.ReasonScheduleDateRequired)
		c = f.update(t, c.ID, campaign.Patch{Schedule: mondays()})
		if got := scheduleColumns(c); got != "recurring|||UTC|1||0|9|0" {
			t.Errorf("another type keeps parts of the first: %s", got)
		}
	})
}

func TestAPastInstantIsRefusedAtSettingAndAtBecomingReady(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "Late")
		for _, past := range []*campaign.SchedulePatch{planned("2026-11-23", "12:00", "UTC"), planned("2026-11-23", "12:59", "Europe/Berlin"), planned("1999-01-01", "00:00", "UTC")} {
			_, err := f.campaigns.Update(f.ctx, campaign.Call{ID: c.ID}, campaign.Patch{Schedule: past})
			wantFault(t, err, apperr.Invalid, apperr.ReasonScheduleInPast)
		}
		f.update(t, c.ID, campaign.Patch{Schedule: planned("2026-11-23", "12:01", "UTC")})
		f.now = noon.Add(time.Hour)
		before := f.row(t, c.ID)
		_, err := f.campaigns.Update(f.ctx, campaign.Call{ID: c.ID}, campaign.Patch{Status: new(kind.StatusReady)})
		wantFault(t, err, apperr.Invalid, apperr.ReasonScheduleInPast)
		f.unwritten(t, before, 2)
		if same := f.update(
			t, c.ID, campaign.Patch{Schedule: planned("2026-11-23", "12:01", "UTC"), Name: new("Renamed")},
		); same.Name != "Renamed" {
			t.Errorf("naming the past instant that it has already stops another change: %v", same)
		}
		waiting := f.at(t, kind.StatusPendingApproval, func(u *ent.CampaignUpdateOne) {
			u.SetScheduleType(kind.ScheduleFuture).
				SetSendDate("2026-11-23").
				SetSendTime("12:01:00").
				SetSendTimeZone("UTC")
		})
		_, err = f.campaigns.Approve(f.ctx, campaign.Call{ID: waiting.ID}, "")
		wantFault(t, err, apperr.Conflict, apperr.ReasonScheduleInPast)
		f.unwritten(t, waiting, 1)
	})
}

func TestUpcomingFollowsTheClockOfTheService(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "Mondays")
		c = f.update(t, c.ID, campaign.Patch{Schedule: mondays()})
		f.now = noon.AddDate(0, 0, 7)
		got, err := f.campaigns.Upcoming(c, 2)
		want := []time.Time{time.Date(2026, 12, 7, 9, 0, 0, 0, time.UTC), time.Date(2026, 12, 14, 9, 0, 0, 0, time.UTC)}
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%v, -want +got\n%s", err, diff)
		}
		c.Status = kind.StatusSent
		if got, err := f.campaigns.Upcoming(c, 2); len(got) != 0 || err != nil {
			t.Errorf("what was sent is due again: %v, %v", got, err)
		}
	})
}
