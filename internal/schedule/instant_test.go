package schedule_test

import (
	"strings"
	"testing"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/schedule"
)

func zone(t testing.TB, text string) *time.Location {
	t.Helper()
	loc, err := schedule.ParseZone(text)
	if err != nil {
		t.Fatalf("ParseZone(%q): %v", text, err)
	}
	return loc
}

func at(t testing.TB, rfc3339 string) time.Time {
	t.Helper()
	instant, err := time.Parse(time.RFC3339, rfc3339)
	if err != nil {
		t.Fatal(err)
	}
	return instant
}

func reasonOf(err error) apperr.Reason {
	if all := apperr.All(err); len(all) > 0 {
		return all[0].Reason
	}
	return ""
}

func TestInstant(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, date, clock, zone, want string
	}{
		{"plain winter time", "2026-01-15", "09:30", "Europe/Berlin", "2026-01-15T08:30:00Z"},
		{"plain summer time with seconds", "2026-07-15", "09:30:15", "Europe/Berlin", "2026-07-15T07:30:15Z"},
		{"last second before the gap", "2026-03-29", "01:59:59", "Europe/Berlin", "2026-03-29T00:59:59Z"},
		{"first second of the gap is its end", "2026-03-29", "02:00", "Europe/Berlin", "2026-03-29T01:00:00Z"},
		{"middle of the gap is its end", "2026-03-29", "02:30", "Europe/Berlin", "2026-03-29T01:00:00Z"},
		{"last second of the gap is its end", "2026-03-29", "02:59:59", "Europe/Berlin", "2026-03-29T01:00:00Z"},
		{"after the gap", "2026-03-29", "03:00", "Europe/Berlin", "2026-03-29T01:00:00Z"},
		{"twice, the first", "2026-10-25", "02:30", "Europe/Berlin", "2026-10-25T00:30:00Z"},
		{"twice, first second", "2026-10-25", "02:00", "Europe/Berlin", "2026-10-25T00:00:00Z"},
		{"twice, last second", "2026-10-25", "02:59:59", "Europe/Berlin", "2026-10-25T00:59:59Z"},
		{"after the repeated hour", "2026-10-25", "03:00", "Europe/Berlin", "2026-10-25T02:00:00Z"},
		{"New York gap", "2026-03-08", "02:15", "America/New_York", "2026-03-08T07:00:00Z"},
		{"New York twice", "2026-11-01", "01:15", "America/New_York", "2026-11-01T05:15:00Z"},
		{"half-hour gap", "2026-10-04", "02:10", "Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
		{"after the half-hour gap", "2026-10-04", "02:30", "Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
		{"half-hour repeated", "2026-04-05", "01:45", "Australia/Lord_Howe", "2026-04-04T14:45:00Z"},
		{"after the half-hour repeated", "2026-04-05", "02:00", "Australia/Lord_Howe", "2026-04-04T15:30:00Z"},
		{"midnight that does not exist", "2018-11-04", "00:00", "America/Sao_Paulo", "2018-11-04T03:00:00Z"},
		{
			"midnight reached once although the hour before repeats", "2018-02-18", "00:00", "America/Sao_Paulo",
			"2018-02-18T03:00:00Z",
		},
		{"hour before midnight repeated", "2018-02-17", "23:30", "America/Sao_Paulo", "2018-02-18T01:30:00Z"},
		{"offset of 45 minutes", "2026-05-01", "12:00", "Asia/Kathmandu", "2026-05-01T06:15:00Z"},
		{"day before the skipped one", "2011-12-29", "23:59:59", "Pacific/Apia", "2011-12-30T09:59:59Z"},
		{"day that was skipped", "2011-12-30", "12:00", "Pacific/Apia", "2011-12-30T10:00:00Z"},
		{"day after the skipped one", "2011-12-31", "00:00", "Pacific/Apia", "2011-12-30T10:00:00Z"},
		{"Ramadan begins: clocks back", "2026-02-15", "02:30", "Africa/Casablanca", "2026-02-15T01:30:00Z"},
		{"Ramadan ends: clocks forward", "2026-03-22", "02:30", "Africa/Casablanca", "2026-03-22T02:00:00Z"},
		{"in Ramadan", "2026-03-01", "12:00", "Africa/Casablanca", "2026-03-01T12:00:00Z"},
		{
			"366th day of a year beyond the listed changes", "2048-12-31", "18:00", "America/New_York",
			"2048-12-31T23:00:00Z",
		},
		{"366th day, southern summer", "2048-12-31", "18:00", "Australia/Sydney", "2048-12-31T07:00:00Z"},
		{"rule far ahead", "2400-03-26", "02:30", "Europe/Berlin", "2400-03-26T01:00:00Z"},
		{"fixed offset", "2026-03-29", "02:30", "+03:00", "2026-03-28T23:30:00Z"},
		{"UTC", "2026-03-29", "02:30", "UTC", "2026-03-29T02:30:00Z"},
		{"29 February in a leap year", "2028-02-29", "00:00", "UTC", "2028-02-29T00:00:00Z"},
		{"last second a database holds", "9999-12-31", "23:59:59", "UTC", "9999-12-31T23:59:59Z"},
		{"year 9999 east of Greenwich", "9999-12-31", "23:59:59", "+14:00", "9999-12-31T09:59:59Z"},
		{"first day", "1970-01-01", "00:00", "UTC", "1970-01-01T00:00:00Z"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := schedule.Instant(tt.date, tt.clock, zone(t, tt.zone))
			if err != nil {
				t.Fatal(err)
			}
			if got.Format(time.RFC3339) != tt.want || got.Location() != time.UTC {
				t.Errorf("got %s, want %s", got.Format(time.RFC3339), tt.want)
			}
		})
	}
}

func TestInstantRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, date, clock, zone string
		reason                  apperr.Reason
		message                 string
	}{
		{"no date", "", "10:00", "UTC", apperr.ReasonScheduleDateRequired, "date is required"},
		{
			"30 February", "2026-02-30", "10:00", "UTC", apperr.ReasonScheduleDateRequired,
			`"2026-02-30" is not a real date; write YYYY-MM-DD`,
		},
		{
			"29 February in a common year", "2026-02-29", "10:00", "UTC", apperr.ReasonScheduleDateRequired,
			"not a real date",
		},
		{
			"29 February in a century year", "2100-02-29", "10:00", "UTC", apperr.ReasonScheduleDateRequired,
			"not a real date",
		},
		{"month 13", "2026-13-01", "10:00", "UTC", apperr.ReasonScheduleDateRequired, "not a real date"},
		{"the legacy unset date", "0000-00-00", "10:00", "UTC", apperr.ReasonScheduleDateRequired, "not a real date"},
		{"one-digit month", "2026-1-01", "10:00", "UTC", apperr.ReasonScheduleDateRequired, "not a real date"},
		{"American order", "01/02/2026", "10:00", "UTC", apperr.ReasonScheduleDateRequired, "not a real date"},
		{"date with time", "2026-01-01T10:00", "10:00", "UTC", apperr.ReasonScheduleDateRequired, "not a real date"},
		{"five-digit year", "10000-01-01", "10:00", "UTC", apperr.ReasonScheduleDateRequired, "not a real date"},
		{"year before 1970", "1969-12-31", "10:00", "UTC", apperr.ReasonScheduleDateRequired, "1970 to 9999"},
		{
			"year 10000 in UTC", "9999-12-31", "21:00", "-03:00", apperr.ReasonScheduleDateRequired,
			"after the year 9999 in UTC",
		},
		{
			"year 10000 in UTC, named zone", "9999-12-31", "23:00", "America/New_York",
			apperr.ReasonScheduleDateRequired, "after the year 9999",
		},
		{"no time", "2026-01-01", "", "UTC", apperr.ReasonScheduleTimeRequired, "time is required"},
		{"one-digit hour", "2026-01-01", "9:05", "UTC", apperr.ReasonScheduleTimeRequired, "HH:MM"},
		{
			"one-digit hour, same length as HH:MM:SS", "2026-01-01", "9:05:000", "UTC",
			apperr.ReasonScheduleTimeRequired, "HH:MM",
		},
		{"hour 24", "2026-01-01", "24:00", "UTC", apperr.ReasonScheduleTimeRequired, "not a real time"},
		{"minute 60", "2026-01-01", "10:60", "UTC", apperr.ReasonScheduleTimeRequired, "not a real time"},
		{"leap second", "2026-06-30", "23:59:60", "UTC", apperr.ReasonScheduleTimeRequired, "not a real time"},
		{"fraction", "2026-01-01", "10:00:00.5", "UTC", apperr.ReasonScheduleTimeRequired, "not a real time"},
		{"half of the day", "2026-01-01", "10:00 AM", "UTC", apperr.ReasonScheduleTimeRequired, "not a real time"},
		{"date is reported before time", "x", "y", "UTC", apperr.ReasonScheduleDateRequired, "not a real date"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := schedule.Instant(tt.date, tt.clock, zone(t, tt.zone))
			if reasonOf(err) != tt.reason || !strings.Contains(err.Error(), tt.message) {
				t.Errorf("got %v, error %v; want reason %s and %q", got, err, tt.reason, tt.message)
			}
		})
	}
}

// The test covers one year, and the days around the end of a leap year. The instant of a clock
// reading must be the instant at which it was read. In the second pass of a repeated hour, it must
// be an earlier instant at which the clock showed the same time.
func TestInstantFindsWhatTheClockShowsInEveryZone(t *testing.T) {
	t.Parallel()
	for _, name := range zoneNames(t) {
		loc := zone(t, name)
		for _, year := range []int{2024, 2048} {
			from := time.Date(year, time.December, 28, 0, 0, 0, 0, time.UTC)
			for at := from; at.Before(from.AddDate(0, 0, 8)); at = at.Add(3 * time.Hour) {
				checkRoundTrip(t, at, loc)
			}
			for at := from.AddDate(-1, 0, 0); at.Before(from); at = at.Add(37 * time.Hour) {
				checkRoundTrip(t, at, loc)
			}
		}
	}
}

func checkRoundTrip(t *testing.T, at time.Time, loc *time.Location) {
	t.Helper()
	local := at.In(loc)
	got, err := schedule.Instant(local.Format(time.DateOnly), local.Format(time.TimeOnly), loc)
	if err != nil {
		t.Fatalf("%s: %v", local, err)
	}
	if got.Equal(at) {
		return
	}
	if !got.Before(at) || got.In(loc).Format(time.DateTime) != local.Format(time.DateTime) {
		t.Errorf("%s in %s: got %s", local, loc, got.In(loc))
	}
}
