package schedule_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/schedule"
)

func zoneNames(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("zones.txt")
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(text))
	if len(names) < 500 {
		t.Fatalf("only %d zones", len(names))
	}
	return names
}

func TestParseZoneReadsEveryNameOfTheDatabase(t *testing.T) {
	t.Parallel()
	for _, name := range zoneNames(t) {
		for _, text := range []string{name, strings.ToLower(name), " " + name + " "} {
			loc, err := schedule.ParseZone(text)
			if err != nil || loc.String() != name {
				t.Errorf("ParseZone(%q) = %v, %v; want %s", text, loc, err, name)
			}
		}
	}
}

func TestParseZone(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"Europe/Berlin", "Europe/Berlin"},
		{"europe/BERLIN", "Europe/Berlin"},
		{"UTC", "UTC"},
		{"utc", "UTC"},
		{"Z", "UTC"},
		{"GMT", "GMT"},
		{"Etc/GMT+3", "Etc/GMT+3"},
		{"+03:00", "+03:00"},
		{"-0330", "-03:30"},
		{"+3", "+03:00"},
		{"+3:30", "+03:30"},
		{"+00:00", "UTC"},
		{"-00:00", "UTC"},
		{"+14:00", "+14:00"},
		{"-12:00", "-12:00"},
		{"+05:45", "+05:45"},
		{"UTC+3", "+03:00"},
		{"gmt-3", "-03:00"},
		{"GMT -03:30", "-03:30"},
		{"\u221203:00", "-03:00"},

		{"(GMT-03:00) Brasilia", "America/Sao_Paulo"},
		{"(gmt-03:00) brasilia", "America/Sao_Paulo"},
		{"(GMT-03:00) São Paulo", "America/Sao_Paulo"},
		{"(UTC-03:00) Brasilia", "America/Sao_Paulo"},
		{"(GMT-0300)Brasilia", "America/Sao_Paulo"},
		{"(GMT+01:00) Amsterdam, Berlin, Bern", "Europe/Amsterdam"},
		{"(GMT 01:00) Amsterdam, Berlin, Bern", "Europe/Amsterdam"},
		{"(GMT+01:00) Bern", "Europe/Zurich"},
		{"(GMT-05:00) Eastern Time (US & Canada)", "America/New_York"},
		{"(GMT-05:00) Eastern Time (US and Canada)", "America/New_York"},
		{"(GMT-04:00) Eastern Time (US & Canada)", "America/New_York"},
		{"(GMT-08:00) Pacific Time (US & Canada); Tijuana", "America/Los_Angeles"},
		{"(GMT) London", "Europe/London"},
		{"(GMT+00:00) London", "Europe/London"},
		{"(GMT+01:00) London", "Europe/London"},
		{"(GMT) Greenwich Mean Time : Dublin, Edinburgh, Lisbon, London", "Europe/Dublin"},
		{"(GMT) Greenwich Mean Time", "UTC"},
		{"(GMT) Casablanca", "Africa/Casablanca"},
		{"(GMT+05:30) Chennai, Kolkata", "Asia/Kolkata"},
		{"(GMT+05:45) Kathmandu", "Asia/Kathmandu"},
		{"(GMT+02:00) Kyiv", "Europe/Kyiv"},
		{"(GMT+09:30) Adelaide", "Australia/Adelaide"},
		{"(GMT-07:00) Chihuahua, La Paz, Mazatlan", "America/Mazatlan"},
		{"(GMT-11:00) Midway Island, Samoa", "Pacific/Midway"},
		{"(GMT-11:00) Samoa", "Pacific/Pago_Pago"},
		{"(GMT+13:00) Samoa", "Pacific/Apia"},
		{"(GMT+13:00) Nuku'alofa", "Pacific/Tongatapu"},
		{"(GMT-05:00) America/New_York", "America/New_York"},
		{"(GMT-05:00) America/New York", "America/New_York"},
		{"(GMT+02:00) Israel", "Israel"},

		{"(GMT-04:30) Caracas", "-04:30"},
		{"(GMT+05:00) Brasilia", "+05:00"},
		{"(GMT-02:00) Atlantis", "-02:00"},
		{"(GMT-02:00)", "-02:00"},
		{"(GMT)", "UTC"},
		{"(GMT+03:00) GMT+3", "+03:00"},
		{"(GMT+03:00) Local", "+03:00"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			loc, err := schedule.ParseZone(tt.text)
			if err != nil || loc.String() != tt.want {
				t.Errorf("ParseZone(%q) = %v, %v; want %s", tt.text, loc, err, tt.want)
			}
		})
	}
}

func TestParseZoneFixedOffsetsCountEastOfGreenwich(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"+03:00": 3 * 3600, "-0330": -(3*3600 + 1800), "UTC+3": 3 * 3600, "(GMT-04:30) Caracas": -(4*3600 + 1800), "Etc/GMT+3": -3 * 3600,
	} {
		if _, got := time.Unix(0, 0).In(zone(t, text)).Zone(); got != want {
			t.Errorf("%s: %d seconds, want %d", text, got, want)
		}
	}
}

func TestParseZoneRefuses(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, message string }{
		{"", "required"},
		{"   ", "required"},
		{"Local", "not a time zone"},
		{"local", "not a time zone"},
		{"Factory", "not a time zone"},
		{"../../etc/passwd", "not a time zone"},
		{"/usr/share/zoneinfo/Europe/Berlin", "not a time zone"},
		{"Europe/../Europe/Berlin", "not a time zone"},
		{"Europe", "not a time zone"},
		{"Europe/Berlin\x00", "cannot be printed"},
		{"Europe\nBerlin", "cannot be printed"},
		{"(GMT+01:00) \xff", "cannot be printed"},
		{"Berlin", "write Europe/Berlin"},
		{"Brasilia", "write America/Sao_Paulo"},
		{"PST", "such as Europe/Berlin"},
		{"03:00", "such as +03:00"},
		{"+15:00", "-12:00 to +14:00"},
		{"-13:00", "-12:00 to +14:00"},
		{"+03:60", "-12:00 to +14:00"},
		{"+030", "such as +03:00"},
		{"(GMT+25:00) Berlin", "between -12:00 and +14:00"},
		{"(GMT+) Berlin", "not a time zone"},
		{"(GMT01:00) Berlin", "not a time zone"},
		{"(EST-05:00) New York", "not a time zone"},
		{"(GMT+01:00) " + strings.Repeat("x", 100), "longer than 100"},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			loc, err := schedule.ParseZone(tt.text)
			if err == nil || !strings.Contains(err.Error(), tt.message) {
				t.Fatalf("ParseZone(%q) = %v, %v; want %q", tt.text, loc, err, tt.message)
			}
			if apperr.CodeOf(err) != apperr.Invalid || reasonOf(err) != apperr.ReasonTimeZoneInvalid {
				t.Errorf("code %s, reason %s", apperr.CodeOf(err), reasonOf(err))
			}
		})
	}
}

// The labels come from Rails, from which most lists of this form are derived, with the offsets of
// the current rules. Each label must give a named zone and not a fixed offset, because a fixed
// offset has no daylight saving time.
func TestParseZoneFindsAZoneForEveryWellKnownLabel(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/labels.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		label, want, ok := strings.Cut(strings.TrimSpace(line), " = ")
		if !ok {
			t.Fatalf("line %q", line)
		}
		loc, err := schedule.ParseZone(label)
		if err != nil || loc.String() != want {
			t.Errorf("%s: %v, %v; want %s", label, loc, err, want)
		}
	}
}
