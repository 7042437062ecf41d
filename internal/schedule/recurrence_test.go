package schedule_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/apperr"
	"campaignql/internal/schedule"
)

func TestParseSet(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		set  schedule.Set
		text string
		want []int
	}{
		{"one", schedule.DaysOfWeek, "1", []int{1}},
		{"sorted without duplicates", schedule.DaysOfWeek, "5,1,3,1", []int{1, 3, 5}},
		{"spaces", schedule.Months, " 1 , 12 ", []int{1, 12}},
		{"leading zeros", schedule.Minutes, "05,00", []int{0, 5}},
		{"not given", schedule.Hours, "", nil},
		{"only spaces is not given", schedule.Hours, "  ", nil},
		{"every day of the week", schedule.DaysOfWeek, "0", []int{0}},
		{"every day of the month", schedule.DaysOfMonth, "0", []int{0}},
		{"every month, twice", schedule.Months, "0,0", []int{0}},
		{"hour 0 among others is midnight", schedule.Hours, "0,12", []int{0, 12}},
		{"bounds of the hours", schedule.Hours, "23,0", []int{0, 23}},
		{"bounds of the minutes", schedule.Minutes, "59,0", []int{0, 59}},
		{"bounds of the days of the month", schedule.DaysOfMonth, "31,1", []int{1, 31}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := schedule.ParseSet(tt.set, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("ParseSet(%q): -want +got\n%s", tt.text, diff)
			}
		})
	}
}

func TestParseSetRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		set     schedule.Set
		text    string
		field   string
		reason  apperr.Reason
		message string
	}{
		{
			"day 8", schedule.DaysOfWeek, "1,8", "schedule.recurrence.daysOfWeek", apperr.ReasonScheduleDaysRequired,
			`"8" is not a day of the week; write numbers from 1 to 7`,
		},
		{
			"day 32", schedule.DaysOfMonth, "32", "schedule.recurrence.daysOfMonth", apperr.ReasonScheduleDaysRequired,
			`"32" is not a day of the month; write numbers from 1 to 31`,
		},
		{
			"month 13", schedule.Months, "13", "schedule.recurrence.months", apperr.ReasonScheduleMonthsRequired,
			"1 to 12 separated by commas, or 0 alone",
		},
		{"hour 24", schedule.Hours, "24", "schedule.recurrence.hours", apperr.ReasonScheduleHoursRequired, "0 to 23"},
		{
			"minute 60", schedule.Minutes, "60", "schedule.recurrence.minutes", apperr.ReasonScheduleMinutesRequired,
			"0 to 59",
		},
		{
			"negative", schedule.Minutes, "-1", "schedule.recurrence.minutes", apperr.ReasonScheduleMinutesRequired,
			`"-1"`,
		},
		{"signed", schedule.Minutes, "+1", "schedule.recurrence.minutes", apperr.ReasonScheduleMinutesRequired, `"+1"`},
		{
			"fraction", schedule.Minutes, "1.5", "schedule.recurrence.minutes", apperr.ReasonScheduleMinutesRequired,
			`"1.5"`,
		},
		{
			"word", schedule.DaysOfWeek, "Mon", "schedule.recurrence.daysOfWeek", apperr.ReasonScheduleDaysRequired,
			`"Mon"`,
		},
		{"star", schedule.Months, "*", "schedule.recurrence.months", apperr.ReasonScheduleMonthsRequired, `"*"`},
		{"empty item", schedule.Hours, "1,,2", "schedule.recurrence.hours", apperr.ReasonScheduleHoursRequired, `""`},
		{
			"every among others", schedule.DaysOfWeek, "0,1", "schedule.recurrence.daysOfWeek",
			apperr.ReasonScheduleDaysRequired, "0 means every day of the week and must stand alone",
		},
		{
			"beyond any integer", schedule.Hours, strings.Repeat("9", 40), "schedule.recurrence.hours",
			apperr.ReasonScheduleHoursRequired, "is not an hour",
		},
		{
			"endless", schedule.Hours, strings.Repeat("1,", 600), "schedule.recurrence.hours",
			apperr.ReasonScheduleHoursRequired, "longer than 1000",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := schedule.ParseSet(tt.set, tt.text)
			all := apperr.All(err)
			if len(all) != 1 {
				t.Fatalf("error %v", err)
			}
			if e := all[0]; e.Field != tt.field || e.Reason != tt.reason || !strings.Contains(e.Message, tt.message) {
				t.Errorf("got %s %s %q; want %s %s %q", e.Field, e.Reason, e.Message, tt.field, tt.reason, tt.message)
			}
		})
	}
}

func TestFormatSet(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		numbers []int
		want    string
	}{
		{nil, ""},
		{[]int{}, ""},
		{[]int{0}, "0"},
		{[]int{5, 1, 3, 1}, "1,3,5"},
	} {
		given := append([]int(nil), tt.numbers...)
		if got := schedule.FormatSet(tt.numbers); got != tt.want {
			t.Errorf("FormatSet(%v) = %q, want %q", tt.numbers, got, tt.want)
		}
		if diff := cmp.Diff(given, append([]int(nil), tt.numbers...)); diff != "" {
			t.Errorf("FormatSet changed its argument: %s", diff)
		}
	}
}
