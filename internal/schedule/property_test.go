package schedule_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

// changes are days on which clocks in a zone are put forward or back, and one day without a change.
var changes = []struct{ zone, day string }{
	{"Europe/Berlin", "2026-03-29"},
	{"Europe/Berlin", "2026-10-25"},
	{"Europe/Berlin", "2026-06-30"},
	{"America/New_York", "2026-03-08"},
	{"America/New_York", "2048-11-01"},
	{"America/St_Johns", "2006-10-29"},
	{"America/Sao_Paulo", "2018-02-18"},
	{"America/Sao_Paulo", "2018-11-04"},
	{"Australia/Lord_Howe", "2026-04-05"},
	{"Australia/Lord_Howe", "2026-10-04"},
	{"Asia/Kathmandu", "1986-01-01"},
	{"Asia/Pyongyang", "2018-05-05"},
	{"Africa/Casablanca", "2026-02-15"},
	{"Africa/Casablanca", "2026-03-22"},
	{"Pacific/Apia", "2011-12-30"},
	{"Antarctica/Troll", "2026-03-29"},
	{"(GMT-03:00) Brasilia", "2026-02-15"},
}

// referee computes the instants of a recurrence in a time span the slow way. It visits every minute
// of UTC, keeps the latest time that the clock has shown, and sends when the clock first shows or
// skips a listed minute.
func referee(loc *time.Location, listed func(wall time.Time) bool, from, to time.Time) []time.Time {
	var list []time.Time
	reached := clockOf(from.Add(-49*time.Hour), loc)
	for at := from.Add(-49 * time.Hour); at.Before(to); at = at.Add(time.Minute) {
		send := false
		for shown := clockOf(at, loc); reached.Before(shown); {
			reached = reached.Add(time.Minute)
			send = send || listed(reached)
		}
		if send && at.After(from) {
			list = append(list, at)
		}
	}
	return list
}

func clockOf(at time.Time, loc *time.Location) time.Time {
	local := at.In(loc)
	return time.Date(local.Year(), local.Month(), local.Day(), local.Hour(), local.Minute(), 0, 0, time.UTC)
}

func TestUpcomingAgreesWithAWalkThroughEveryMinute(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		change := rapid.SampledFrom(changes).Draw(t, "change")
		loc, err := schedule.ParseZone(change.zone)
		if err != nil {
			t.Fatal(err)
		}
		day, err := time.Parse(time.DateOnly, change.day)
		if err != nil {
			t.Fatal(err)
		}
		weekdays := drawDays(t, "weekdays", 1, 7)
		monthDays := drawDays(t, "monthDays", 1, 31)
		if len(weekdays) == 0 && len(monthDays) == 0 {
			weekdays = []int{0}
		}
		months := rapid.SampledFrom([][]int{{0}, {int(day.Month())}, {1, int(day.Month())}}).Draw(t, "months")
		hours := rapid.SliceOfNDistinct(rapid.OneOf(rapid.IntRange(0, 4), rapid.IntRange(0, 23)), 1, 4, rapid.ID).
			Draw(t, "hours")
		minutes := rapid.SliceOfNDistinct(rapid.IntRange(0, 59), 1, 4, rapid.ID).Draw(t, "minutes")
		from := day.Add(time.Duration(rapid.IntRange(-36*3600, 36*3600).Draw(t, "after")) * time.Second).
			Truncate(time.Minute)

		listed := func(wall time.Time) bool {
			return matches(months, int(wall.Month())) && slices.Contains(hours, wall.Hour()) &&
				slices.Contains(minutes, wall.Minute()) && dayCounts(weekdays, monthDays, wall)
		}
		want := referee(loc, listed, from, day.Add(72*time.Hour))
		s := schedule.Schedule{Type: kind.ScheduleRecurring, Zone: change.zone, Recurrence: schedule.Recurrence{
			DaysOfWeek: schedule.FormatSet(
				weekdays,
			),
			DaysOfMonth: schedule.FormatSet(monthDays),
			Months:      schedule.FormatSet(months),
			Hours:       schedule.FormatSet(hours),
			Minutes:     schedule.FormatSet(minutes),
		}}
		got, err := s.Upcoming(from, 0, schedule.MaxUpcoming)
		if err != nil {
			t.Fatal(err)
		}
		got = slices.DeleteFunc(got, func(at time.Time) bool { return !at.Before(day.Add(72 * time.Hour)) })
		if len(want) > schedule.MaxUpcoming {
			want = want[:schedule.MaxUpcoming]
		}
		if diff := cmp.Diff(texts(want), texts(got)); diff != "" {
			t.Errorf("%+v after %s: -want +got\n%s", s, from, diff)
		}
	})
}

func drawDays(t *rapid.T, label string, low, high int) []int {
	return rapid.OneOf(
		rapid.Just([]int(nil)),
		rapid.Just([]int{0}),
		rapid.SliceOfNDistinct(rapid.IntRange(low, high), 1, 5, rapid.ID),
	).Draw(t, label)
}

func matches(list []int, n int) bool { return slices.Equal(list, []int{0}) || slices.Contains(list, n) }

// dayCounts implements the rule of days by cases, unlike the code under test.
func dayCounts(weekdays, monthDays []int, wall time.Time) bool {
	weekday := int(wall.Weekday())
	if weekday == 0 {
		weekday = 7
	}
	specific := func(list []int) bool { return len(list) > 0 && list[0] != 0 }
	switch {
	case specific(weekdays) && specific(monthDays):
		return slices.Contains(weekdays, weekday) || slices.Contains(monthDays, wall.Day())
	case specific(weekdays):
		return slices.Contains(weekdays, weekday)
	case specific(monthDays):
		return slices.Contains(monthDays, wall.Day())
	default:
		return true
	}
}

func texts(list []time.Time) []string {
	out := make([]string, len(list))
	for i, at := range list {
		out[i] = format(at)
	}
	return out
}

func TestParseZoneNeverPanicsAndNeverAnswersWithTheZoneOfTheServer(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`\(?(GMT|UTC)? ?[+-]?[0-9]{0,4}:?[0-9]{0,2}\)? ?[A-Za-z ,&()/._-]{0,20}`),
		rapid.StringMatching(`[A-Z][a-z]{2,8}/(\.\./)?[A-Z][a-z]{2,8}`),
	)
	rapid.Check(t, func(t *rapid.T) {
		loc, err := schedule.ParseZone(text.Draw(t, "text"))
		if (loc == nil) == (err == nil) || loc == time.Local {
			t.Errorf("got %v, %v", loc, err)
		}
	})
}

func BenchmarkNextRecurring(b *testing.B) {
	s := recurring(func(s *schedule.Schedule) {
		s.Recurrence.DaysOfMonth, s.Recurrence.DaysOfWeek, s.Recurrence.Months = "29", "", "2"
	})
	after := time.Date(2096, time.March, 1, 0, 0, 0, 0, time.UTC)
	for b.Loop() {
		if _, ok, err := s.Next(after, 0); !ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
