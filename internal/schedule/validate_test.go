package schedule_test

import (
	"strings"
	"testing"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/schedule"
)

func future(date, clock, zone string) schedule.Schedule {
	return schedule.Schedule{Type: kind.ScheduleFuture, Date: date, Time: clock, Zone: zone}
}

// recurring returns a schedule for every day at 09:00 in Berlin without limit, changed by edit.
func recurring(edit func(*schedule.Schedule)) schedule.Schedule {
	s := schedule.Schedule{Type: kind.ScheduleRecurring, Zone: "Europe/Berlin", Recurrence: schedule.Recurrence{
		DaysOfWeek: "0", Months: "0", Hours: "9", Minutes: "0", MaxInstances: new(0),
	}}
	if edit != nil {
		edit(&s)
	}
	return s
}

var now = time.Date(2026, time.June, 1, 12, 0, 0, 0, time.UTC)

func TestValidateAccepts(t *testing.T) {
	t.Parallel()
	tests := map[string]schedule.Schedule{
		"not scheduled":                {Type: kind.ScheduleNone},
		"not scheduled with leftovers": {Type: kind.ScheduleNone, Date: "rubbish", Zone: "rubbish"},
		"immediate":                    {Type: kind.ScheduleImmediate},
		"future":                       future("2026-06-02", "09:00", "Europe/Berlin"),
		"one second ahead":             future("2026-06-01", "14:00:01", "Europe/Berlin"),
		"future with leftover recurrence": {
			Type: kind.ScheduleFuture, Date: "2027-01-01", Time: "00:00", Zone: "UTC",
			Recurrence: schedule.Recurrence{Hours: "99"},
		},
		"legacy zone":                  future("2026-06-02", "09:00", "(GMT-03:00) Brasilia"),
		"last second of the calendar":  future("9999-12-31", "23:59:59", "UTC"),
		"recurring":                    recurring(nil),
		"recurring with leftover date": recurring(func(s *schedule.Schedule) { s.Date = "rubbish" }),
		"recurring on days of the month": recurring(
			func(s *schedule.Schedule) { s.Recurrence.DaysOfWeek, s.Recurrence.DaysOfMonth = "", "1,15" },
		),
		"recurring with a limit": recurring(func(s *schedule.Schedule) { s.Recurrence.MaxInstances = new(5) }),
		"recurring on a day that never is": recurring(func(s *schedule.Schedule) {
			s.Recurrence.DaysOfWeek, s.Recurrence.DaysOfMonth, s.Recurrence.Months = "", "30", "2"
		}),
		"recurring at midnight by a list 0": recurring(func(s *schedule.Schedule) { s.Recurrence.Hours = "0" }),
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := schedule.Validate(s, now); err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestValidateReportsTheFirstFaultInTheOrderOfTheCommand(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		s      schedule.Schedule
		field  string
		reason apperr.Reason
	}{
		{"no type", schedule.Schedule{}, "type", "schedule_type_invalid"},
		{"unknown type", schedule.Schedule{Type: "weekly"}, "type", "schedule_type_invalid"},
		{"future, all missing", future("", "", ""), "sendDate", "schedule_date_required"},
		{"future, date not real", future("2026-02-30", "", ""), "sendDate", "schedule_date_required"},
		{"future, time missing", future("2026-06-02", "", ""), "sendTime", "schedule_time_required"},
		{"future, time not real", future("2026-06-02", "25:00", "rubbish"), "sendTime", "schedule_time_required"},
		{"future, zone missing", future("2026-06-02", "10:00", ""), "timeZone", "schedule_zone_required"},
		{"future, zone blank", future("2026-06-02", "10:00", " "), "timeZone", "schedule_zone_required"},
		{"future, zone unknown", future("2020-06-02", "10:00", "Mars/Olympus"), "timeZone", "schedule_zone_required"},
		{
			"future, out of the calendar in UTC", future("9999-12-31", "23:00", "-03:00"), "sendDate",
			"schedule_date_required",
		},
		{"future, past", future("2026-06-01", "13:59:59", "Europe/Berlin"), "sendDate", "schedule_in_past"},
		{"future, this very second", future("2026-06-01", "14:00", "Europe/Berlin"), "sendDate", "schedule_in_past"},
		{
			"recurring, all missing", schedule.Schedule{Type: kind.ScheduleRecurring}, "recurrence.daysOfWeek",
			"schedule_days_required",
		},
		{
			"recurring, bad day of the week",
			recurring(func(s *schedule.Schedule) { s.Recurrence.DaysOfWeek, s.Recurrence.Months = "8", "" }),
			"recurrence.daysOfWeek", "schedule_days_required",
		},
		{
			"recurring, bad day of the month",
			recurring(func(s *schedule.Schedule) { s.Recurrence.DaysOfMonth, s.Recurrence.Months = "0,5", "" }),
			"recurrence.daysOfMonth", "schedule_days_required",
		},
		{
			"recurring, months missing",
			recurring(func(s *schedule.Schedule) { s.Recurrence.Months, s.Recurrence.Hours = "", "" }),
			"recurrence.months", "schedule_months_required",
		},
		{
			"recurring, hours missing",
			recurring(func(s *schedule.Schedule) { s.Recurrence.Hours, s.Recurrence.Minutes = "", "" }),
			"recurrence.hours", "schedule_hours_required",
		},
		{
			"recurring, minutes bad",
			recurring(func(s *schedule.Schedule) { s.Recurrence.Minutes, s.Recurrence.MaxInstances = "60", nil }),
			"recurrence.minutes", "schedule_minutes_required",
		},
		{
			"recurring, limit missing",
			recurring(func(s *schedule.Schedule) { s.Recurrence.MaxInstances, s.Zone = nil, "" }),
			"recurrence.maxInstances", "schedule_max_instances_required",
		},
		{
			"recurring, limit negative", recurring(func(s *schedule.Schedule) { s.Recurrence.MaxInstances = new(-1) }),
			"recurrence.maxInstances", "schedule_max_instances_required",
		},
		{
			"recurring, zone missing", recurring(func(s *schedule.Schedule) { s.Zone = "" }), "timeZone",
			"schedule_zone_required",
		},
		{
			"recurring, zone unknown", recurring(func(s *schedule.Schedule) { s.Zone = "Local" }), "timeZone",
			"schedule_zone_required",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			all := apperr.All(schedule.Validate(tt.s, now))
			if len(all) != 1 {
				t.Fatalf("got %v", all)
			}
			if e := all[0]; e.Code != apperr.Invalid || e.Field != "schedule."+tt.field || e.Reason != tt.reason ||
				e.Message == "" {
				t.Errorf("got %s %s %s %q; want %s %s", e.Code, e.Field, e.Reason, e.Message, tt.field, tt.reason)
			}
		})
	}
}

func TestValidateEscapesAndCutsWhatItQuotes(t *testing.T) {
	t.Parallel()
	err := schedule.Validate(future("<script>\n"+strings.Repeat("x", 500), "10:00", "UTC"), now)
	if err == nil || strings.Contains(err.Error(), "\n") || len(err.Error()) > 150 {
		t.Errorf("got %v", err)
	}
}
