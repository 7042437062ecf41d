package schedule_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

func TestNormalized(t *testing.T) {
	t.Parallel()
	full := func(typ kind.ScheduleType) schedule.Schedule {
		return schedule.Schedule{
			Type: typ, Date: "2026-06-02", Time: "09:30", Zone: "(GMT-03:00) Brasilia",
			Recurrence: schedule.Recurrence{
				DaysOfWeek:   "5, 1,1",
				DaysOfMonth:  "",
				Months:       "0",
				Hours:        "09",
				Minutes:      "rubbish",
				MaxInstances: new(3),
			},
		}
	}
	tests := []struct {
		name     string
		in, want schedule.Schedule
	}{
		{"not scheduled keeps nothing", full(kind.ScheduleNone), schedule.Schedule{Type: kind.ScheduleNone}},
		{"immediate keeps nothing", full(kind.ScheduleImmediate), schedule.Schedule{Type: kind.ScheduleImmediate}},
		{
			"future keeps the instant, with seconds, and the zone as written",
			full(kind.ScheduleFuture),
			schedule.Schedule{
				Type: kind.ScheduleFuture, Date: "2026-06-02", Time: "09:30:00", Zone: "(GMT-03:00) Brasilia",
			},
		},
		{
			"recurring keeps the recurrence, in order, and what cannot be read",
			full(kind.ScheduleRecurring),
			schedule.Schedule{
				Type: kind.ScheduleRecurring,
				Zone: "(GMT-03:00) Brasilia",
				Recurrence: schedule.Recurrence{
					DaysOfWeek: "1,5", Months: "0", Hours: "9", Minutes: "rubbish", MaxInstances: new(3),
				},
			},
		},
		{"a time that is not real stays", future("x", "25:00", "y"), future("x", "25:00", "y")},
		{"an unknown type changes nothing", full("weekly"), full("weekly")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.in.Normalized()
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if diff := cmp.Diff(got, got.Normalized()); diff != "" {
				t.Errorf("not stable: %s", diff)
			}
		})
	}
}

func TestNextOfTheTypesThatSendOnce(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		s    schedule.Schedule
		sent int
		want string
	}{
		{"not scheduled: never", schedule.Schedule{Type: kind.ScheduleNone}, 0, ""},
		{"immediate: now", schedule.Schedule{Type: kind.ScheduleImmediate}, 0, "2026-06-01T12:00:00Z"},
		{"immediate, sent: never again", schedule.Schedule{Type: kind.ScheduleImmediate}, 1, ""},
		{"future", future("2026-06-02", "09:00", "Europe/Berlin"), 0, "2026-06-02T07:00:00Z"},
		{"future that is overdue", future("2020-06-02", "09:00", "Europe/Berlin"), 0, "2020-06-02T07:00:00Z"},
		{"future, sent: never again", future("2026-06-02", "09:00", "Europe/Berlin"), 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, ok, err := tt.s.Next(now.In(time.FixedZone("", 3600)), tt.sent)
			if err != nil {
				t.Fatal(err)
			}
			if text := format(got); ok != (tt.want != "") || ok && text != tt.want {
				t.Errorf("got %s, %t; want %q", text, ok, tt.want)
			}
		})
	}
}

func format(at time.Time) string { return at.Format(time.RFC3339) }

func TestUpcomingOfARecurrence(t *testing.T) {
	t.Parallel()
	type edit = func(*schedule.Schedule)
	days := func(week, month, months string) edit {
		return func(s *schedule.Schedule) {
			s.Zone, s.Recurrence.Hours = "UTC", "0"
			s.Recurrence.DaysOfWeek, s.Recurrence.DaysOfMonth, s.Recurrence.Months = week, month, months
		}
	}
	clock := func(zone, hours, minutes string) edit {
		return func(s *schedule.Schedule) { s.Zone, s.Recurrence.Hours, s.Recurrence.Minutes = zone, hours, minutes }
	}
	tests := []struct {
		name  string
		edit  edit
		after string
		want  string // the first instants
	}{
		{
			"daily keeps the wall clock over the start of summer time", clock("Europe/Berlin", "9", "0"),
			"2026-03-27T12:00:00Z", "2026-03-28T08:00:00Z 2026-03-29T07:00:00Z 2026-03-30T07:00:00Z",
		},
		{"strictly after", clock("UTC", "9", "0"), "2026-03-27T09:00:00Z", "2026-03-28T09:00:00Z"},
		{"a moment before", clock("UTC", "9", "0"), "2026-03-27T08:59:59Z", "2026-03-27T09:00:00Z"},
		{"hours and minutes combine", clock("UTC", "9,17", "0,30"), "2026-03-27T09:10:00Z",
			"2026-03-27T09:30:00Z 2026-03-27T17:00:00Z 2026-03-27T17:30:00Z 2026-03-28T09:00:00Z"},
		{"two times in one gap are sent once", clock("Europe/Berlin", "2", "0,30"), "2026-03-28T12:00:00Z",
			"2026-03-29T01:00:00Z 2026-03-30T00:00:00Z 2026-03-30T00:30:00Z"},
		{
			"a time in the gap and one at its end are sent once", clock("Europe/Berlin", "2,3", "0"),
			"2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z 2026-03-30T00:00:00Z 2026-03-30T01:00:00Z",
		},
		{"a repeated time is sent once", clock("Europe/Berlin", "2", "30"), "2026-10-24T12:00:00Z",
			"2026-10-25T00:30:00Z 2026-10-26T01:30:00Z"},
		{
			"every half hour pauses while the hour repeats", clock("Europe/Berlin", "1,2,3", "0,30"),
			"2026-10-25T00:00:00Z",
			"2026-10-25T00:30:00Z 2026-10-25T02:00:00Z 2026-10-25T02:30:00Z 2026-10-26T00:00:00Z",
		},
		{"asked in the second round of the repeated hour", clock("Europe/Berlin", "2,3", "45"), "2026-10-25T01:10:00Z",
			"2026-10-25T02:45:00Z"},
		{"midnight that does not exist", clock("America/Sao_Paulo", "0", "0"), "2018-11-03T12:00:00Z",
			"2018-11-04T03:00:00Z 2018-11-05T02:00:00Z"},
		{"half-hour gap", clock("Australia/Lord_Howe", "2", "0,15,30"), "2026-10-03T12:00:00Z",
			"2026-10-03T15:30:00Z 2026-10-04T15:00:00Z"},
		{"a skipped day is made up for once", clock("Pacific/Apia", "9,15", "0"), "2011-12-29T20:00:00Z",
			"2011-12-30T01:00:00Z 2011-12-30T10:00:00Z 2011-12-30T19:00:00Z 2011-12-31T01:00:00Z"},
		{"Mondays", days("1", "", "0"), "2026-06-01T12:00:00Z", "2026-06-08T00:00:00Z 2026-06-15T00:00:00Z"},
		{"Sundays", days("7", "", "0"), "2026-06-01T12:00:00Z", "2026-06-07T00:00:00Z 2026-06-14T00:00:00Z"},
		{
			"10th or Monday", days("1", "10", "0"), "2026-06-01T12:00:00Z",
			"2026-06-08T00:00:00Z 2026-06-10T00:00:00Z 2026-06-15T00:00:00Z",
		},
		{
			"every weekday does not widen the 15th", days("0", "15", "0"), "2026-06-01T12:00:00Z",
			"2026-06-15T00:00:00Z 2026-07-15T00:00:00Z",
		},
		{
			"every day of the month does not widen Monday", days("1", "0", "0"), "2026-06-01T12:00:00Z",
			"2026-06-08T00:00:00Z",
		},
		{
			"every weekday and every day of the month", days("0", "0", "0"), "2026-06-01T12:00:00Z",
			"2026-06-02T00:00:00Z 2026-06-03T00:00:00Z",
		},
		{
			"every day of the month alone", days("", "0", "0"), "2026-06-01T12:00:00Z",
			"2026-06-02T00:00:00Z 2026-06-03T00:00:00Z",
		},
		{"all seven listed do widen", days("1,2,3,4,5,6,7", "15", "0"), "2026-06-01T12:00:00Z", "2026-06-02T00:00:00Z"},
		{
			"31st skips short months", days("", "31", "0"), "2026-01-31T12:00:00Z",
			"2026-03-31T00:00:00Z 2026-05-31T00:00:00Z 2026-07-31T00:00:00Z",
		},
		{"months", days("", "1", "3,12"), "2026-06-01T12:00:00Z", "2026-12-01T00:00:00Z 2027-03-01T00:00:00Z"},
		{
			"29 February over a century year", days("", "29", "2"), "2092-03-01T00:00:00Z",
			"2096-02-29T00:00:00Z 2104-02-29T00:00:00Z 2108-02-29T00:00:00Z",
		},
		{
			"west of Greenwich the last minute of the year", clock("-03:00", "23", "59"), "2026-12-31T12:00:00Z",
			"2027-01-01T02:59:00Z",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := recurring(tt.edit)
			want := strings.Fields(tt.want)
			list, err := s.Upcoming(at(t, tt.after), 7, len(want))
			if err != nil {
				t.Fatal(err)
			}
			got := make([]string, len(list))
			for i, instant := range list {
				got[i] = format(instant)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			first, ok, err := s.Next(at(t, tt.after), 7)
			if err != nil || !ok || format(first) != want[0] {
				t.Errorf("Next = %s, %t, %v; want %s", format(first), ok, err, want[0])
			}
		})
	}
}

func TestUpcomingEnds(t *testing.T) {
	t.Parallel()
	limited := func(limit int) schedule.Schedule {
		return recurring(func(s *schedule.Schedule) { s.Recurrence.MaxInstances = new(limit) })
	}
	tests := []struct {
		name    string
		s       schedule.Schedule
		after   string
		sent, n int
		want    int
	}{
		{"no limit", limited(0), "2026-06-01T00:00:00Z", 1000, 100, 100},
		{
			"limit not given is none", recurring(func(s *schedule.Schedule) { s.Recurrence.MaxInstances = nil }),
			"2026-06-01T00:00:00Z", 5, 10, 10,
		},
		{"limit, none sent", limited(3), "2026-06-01T00:00:00Z", 0, 10, 3},
		{"limit, two sent", limited(3), "2026-06-01T00:00:00Z", 2, 10, 1},
		{"limit reached", limited(3), "2026-06-01T00:00:00Z", 3, 10, 0},
		{"limit lowered below what was sent", limited(3), "2026-06-01T00:00:00Z", 9, 10, 0},
		{"none asked for", limited(0), "2026-06-01T00:00:00Z", 0, 0, 0},
		{"30 February", recurring(func(s *schedule.Schedule) {
			s.Recurrence.DaysOfWeek, s.Recurrence.DaysOfMonth, s.Recurrence.Months = "", "30,31", "2"
		}), "2026-06-01T00:00:00Z", 0, 10, 0},
		{"31st of the short months", recurring(func(s *schedule.Schedule) {
			s.Recurrence.DaysOfWeek, s.Recurrence.DaysOfMonth, s.Recurrence.Months = "0", "31", "2,4,6,9,11"
		}), "2026-06-01T00:00:00Z", 0, 10, 0},
		{
			"end of the calendar", recurring(func(s *schedule.Schedule) { s.Zone = "UTC" }), "9999-12-28T12:00:00Z", 0,
			10, 3,
		},
		{
			"end of the calendar, west of Greenwich",
			recurring(func(s *schedule.Schedule) { s.Zone, s.Recurrence.Hours = "-03:00", "22" }),
			"9999-12-28T12:00:00Z", 0, 10, 3,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			list, err := tt.s.Upcoming(at(t, tt.after), tt.sent, tt.n)
			if err != nil || len(list) != tt.want {
				t.Errorf("got %v, %v; want %d", list, err, tt.want)
			}
		})
	}
}

func TestNextReportsAScheduleThatCannotBeRead(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		s      schedule.Schedule
		reason apperr.Reason
	}{
		"type": {schedule.Schedule{Type: "weekly"}, apperr.ReasonScheduleTypeInvalid},
		"date": {future("2026-02-30", "10:00", "UTC"), apperr.ReasonScheduleDateRequired},
		"zone": {future("2026-02-20", "10:00", "Nowhere"), apperr.ReasonScheduleZoneRequired},
		"recurrence": {
			recurring(func(s *schedule.Schedule) { s.Recurrence.Hours = "" }), apperr.ReasonScheduleHoursRequired,
		},
		"its zone": {recurring(func(s *schedule.Schedule) { s.Zone = "Nowhere" }), apperr.ReasonScheduleZoneRequired},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok, err := tt.s.Next(now, 0)
			if reasonOf(err) != tt.reason || ok {
				t.Errorf("got %v, %t, %v; want reason %s", got, ok, err, tt.reason)
			}
		})
	}
}

func TestUpcomingRefusesToListMoreThanItMay(t *testing.T) {
	t.Parallel()
	for _, n := range []int{-1, schedule.MaxUpcoming + 1} {
		if _, err := recurring(nil).Upcoming(now, 0, n); reasonOf(err) != apperr.ReasonScheduleUpcomingCountInvalid {
			t.Errorf("%d: %v", n, err)
		}
	}
}
