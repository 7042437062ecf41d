package statistics_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/statistics"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// sender is an account whose campaigns count events.
type sender struct {
	db     *store.Store
	owner  caller.Identity
	ctx    context.Context
	system context.Context
}

func newSender(t *testing.T, db *store.Store) *sender {
	owner := testkit.Account(t, db)
	return &sender{db: db, owner: owner, ctx: testkit.As(t, owner), system: caller.System(t.Context())}
}

// campaign creates a campaign whose sending began at start ("" for never). The first of the hours
// has one open, the second two, and so on.
func (s *sender) campaign(t *testing.T, start string, hours ...string) *ent.Campaign {
	t.Helper()
	client := s.db.Client(s.system)
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	create := client.Campaign.Create().
		SetUserID(s.owner.UserID).
		SetName("C").
		SetNameKey("c").
		SetCreatedAt(now).
		SetLastActivityAt(now)
	if start != "" {
		create.SetSendingStartedAt(utc(t, start))
	}
	c, err := create.Save(s.system)
	if err != nil {
		t.Fatal(err)
	}
	for i, hour := range hours {
		err := client.HourlyCounter.Create().
			SetUserID(s.owner.UserID).
			SetCampaignID(c.ID).
			SetHour(utc(t, hour)).
			SetOpens(int64(i + 1)).
			Exec(s.system)
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func utc(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse("2006-01-02 15:04", text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// opens returns the days as text, each with its opens.
func opens(days []statistics.Day) []string {
	var out []string
	for _, day := range days {
		out = append(out, fmt.Sprint(day.Date, " ", day.Opens.Total))
	}
	return out
}

func TestDaysAreThoseOfTheZone(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		s := newSender(t, db)
		for _, tt := range []struct {
			name, zone, start string
			days              int
			hours, want       []string
		}{
			{
				"days without events are there with zeros", "UTC", "2026-11-20 10:00", 3,
				[]string{"2026-11-20 10:00", "2026-11-20 23:00", "2026-11-22 00:00"},
				[]string{"2026-11-20 3", "2026-11-21 0", "2026-11-22 3"},
			},
			{
				"the window begins with the first event where sending never started", "UTC", "", 2,
				[]string{"2026-11-20 23:00", "2026-11-21 00:00", "2026-11-21 23:00", "2026-11-22 00:00"},
				[]string{"2026-11-20 1", "2026-11-21 5"},
			},
			{
				"what lies outside the window is left out", "UTC", "2026-11-20 10:00", 1,
				[]string{"2026-11-19 23:00", "2026-11-20 00:00", "2026-11-20 23:00", "2026-11-21 00:00"},
				[]string{"2026-11-20 5"},
			},
			{
				"only events outside the window are none", "UTC", "2026-11-20 10:00", 1,
				[]string{"2026-11-19 23:00", "2026-11-21 00:00"}, nil,
			},
			{
				"no events are none", "UTC", "2026-11-20 10:00", 1, nil, nil,
			},
			{
				"clocks put forward: 28 March has 23 hours", "Europe/Berlin", "2027-03-27 12:00", 3,
				[]string{"2027-03-27 22:00", "2027-03-27 23:00", "2027-03-28 21:00", "2027-03-28 22:00"},
				[]string{"2027-03-27 1", "2027-03-28 5", "2027-03-29 4"},
			},
			{
				"clocks put back: 25 October has 25 hours", "Europe/Berlin", "2026-10-24 12:00", 3,
				[]string{"2026-10-24 21:00", "2026-10-24 22:00", "2026-10-25 22:00", "2026-10-25 23:00"},
				[]string{"2026-10-24 1", "2026-10-25 5", "2026-10-26 4"},
			},
			{
				"a first day without midnight", "America/Sao_Paulo", "2018-11-04 12:00", 2,
				[]string{"2018-11-04 02:00", "2018-11-04 03:00", "2018-11-05 01:00", "2018-11-05 02:00", "2018-11-06 02:00"},
				[]string{"2018-11-04 5", "2018-11-05 4"},
			},
			{
				"a day without midnight after the last", "America/Sao_Paulo", "2018-11-02 12:00", 2,
				[]string{"2018-11-02 03:00", "2018-11-04 02:00", "2018-11-04 03:00"},
				[]string{"2018-11-02 1", "2018-11-03 2"},
			},
			{
				"a first day with two midnights", "America/Havana", "2026-11-01 12:00", 1,
				[]string{"2026-11-01 03:00", "2026-11-01 04:00", "2026-11-01 05:00", "2026-11-02 04:00", "2026-11-02 05:00"},
				[]string{"2026-11-01 9"},
			},
			{
				"the hour in which the first day begins counts for it", "Asia/Kolkata", "2026-11-19 18:40", 2,
				[]string{"2026-11-19 17:00", "2026-11-19 18:00", "2026-11-19 19:00", "2026-11-20 18:00", "2026-11-20 19:00"},
				[]string{"2026-11-20 9", "2026-11-21 5"},
			},
		} {
			t.Run(tt.name, func(t *testing.T) {
				zone, err := time.LoadLocation(tt.zone)
				if err != nil {
					t.Fatal(err)
				}
				c := s.campaign(t, tt.start, tt.hours...)
				got, err := statistics.New(db).Days(s.ctx, []*ent.Campaign{c}, tt.days, zone)
				if err != nil {
					t.Fatal(err)
				}
				if _, there := got[c.ID]; there != (tt.want != nil) {
					t.Fatalf("the campaign is there: %v, want %v", there, tt.want != nil)
				}
				if diff := cmp.Diff(tt.want, opens(got[c.ID])); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
			})
		}
	})
}

func TestDaysAddUpEveryKind(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		s := newSender(t, db)
		c := s.campaign(t, "2026-11-20 10:00")
		for _, hour := range []string{"2026-11-20 10:00", "2026-11-20 11:00"} {
			err := db.Client(s.system).
				HourlyCounter.Create().
				SetUserID(s.owner.UserID).
				SetCampaignID(c.ID).
				SetHour(utc(t, hour)).
				SetOpens(1).
				SetUniqueOpens(2).
				SetClicks(3).
				SetUniqueClicks(4).
				SetForwards(5).
				SetUniqueForwards(6).
				SetBrowserViews(7).
				SetUniqueBrowserViews(8).
				SetUnsubscriptions(9).
				SetHardBounces(10).
				SetSoftBounces(11).
				Exec(s.system)
			if err != nil {
				t.Fatal(err)
			}
		}
		got, err := statistics.New(db).Days(s.ctx, []*ent.Campaign{c}, 1, time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		want := map[int64][]statistics.Day{c.ID: {{
			Date:  "2026-11-20",
			Opens: statistics.Unique{Total: 2, Unique: 4}, Clicks: statistics.Unique{Total: 6, Unique: 8},
			Forwards: statistics.Unique{Total: 10, Unique: 12}, BrowserViews: statistics.Unique{Total: 14, Unique: 16},
			Unsubscriptions: 18, HardBounces: 20, SoftBounces: 22,
		}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

func TestDaysCostOneStatementAndKeepCampaignsApart(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		s := newSender(t, db)
		var campaigns []*ent.Campaign
		for i := range 50 {
			start := ""
			if i%2 == 0 {
				start = fmt.Sprintf("2026-11-%02d 10:00", i%20+1)
			}
			var hours []string
			if i%5 != 4 {
				hours = []string{fmt.Sprintf("2026-11-%02d 1%d:00", i%20+1, i%10)}
			}
			campaigns = append(campaigns, s.campaign(t, start, hours...))
		}
		service := statistics.New(db)
		for _, n := range []int{1, 50} {
			var recorder store.Recorder
			got, err := service.Days(store.WithRecorder(s.ctx, &recorder), campaigns[:n], 2, time.UTC)
			if err != nil {
				t.Fatal(err)
			}
			if statements := recorder.Statements(); len(statements) != 1 {
				t.Errorf("%d campaigns cost %d statements, want 1", n, len(statements))
			}
			for i, c := range campaigns[:n] {
				day, there := got[c.ID]
				if i%5 == 4 {
					if there {
						t.Errorf("campaign %d, without events, is there: %v", i, day)
					}
					continue
				}
				want := []string{fmt.Sprintf("2026-11-%02d 1", i%20+1), fmt.Sprintf("2026-11-%02d 0", i%20+2)}
				if diff := cmp.Diff(want, opens(day)); diff != "" {
					t.Errorf("campaign %d: -want +got\n%s", i, diff)
				}
			}
		}
	})
}

func TestDaysOfNoCampaignsCostNothing(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		var recorder store.Recorder
		got, err := statistics.New(db).
			Days(store.WithRecorder(testkit.As(t, testkit.Account(t, db)), &recorder), nil, 15, time.UTC)
		if err != nil || len(got) != 0 || len(recorder.Statements()) != 0 {
			t.Errorf("got %v, %v and %d statements, want nothing", got, err, len(recorder.Statements()))
		}
	})
}

func TestDaysOfAnotherAccountAreAbsent(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		s := newSender(t, db)
		c := s.campaign(t, "2026-11-20 10:00", "2026-11-20 10:00")
		got, err := statistics.New(db).Days(testkit.As(t, testkit.Account(t, db)), []*ent.Campaign{c}, 1, time.UTC)
		if err != nil || len(got) != 0 {
			t.Errorf("another account gets %v, %v, want nothing", got, err)
		}
	})
}

func TestDaysNeedTheScopeRead(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		_, err := statistics.New(db).
			Days(testkit.As(t, testkit.Account(t, db, testkit.Scoped(kind.ScopeWrite))), nil, 1, time.UTC)
		var fault *apperr.Error
		if !errors.As(err, &fault) || fault.Code != apperr.Denied {
			t.Errorf("got %v, want Denied", err)
		}
	})
}
