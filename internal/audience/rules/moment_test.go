package rules_test

import (
	"testing"
	"time"

	"campaignql/internal/audience/rules"
)

// TestADayEndsWhereTheNextBegins includes days on which clocks are put forward over midnight, so
// that the day begins at one o'clock, east and west of Greenwich.
func TestADayEndsWhereTheNextBegins(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ day, begins string }{
		"America/Havana":    {"2026-03-08", "2026-03-08T01:00:00-04:00"},
		"America/Sao_Paulo": {"2018-11-04", "2018-11-04T01:00:00-02:00"},
		"America/Santiago":  {"2026-09-06", "2026-09-06T01:00:00-03:00"},
		"Africa/Cairo":      {"2026-04-24", "2026-04-24T01:00:00+03:00"},
		"Europe/Berlin":     {"2026-03-29", "2026-03-29T00:00:00+01:00"},
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		day, ok := rules.ParseMoment(test.day)
		if !ok {
			t.Fatal(test.day)
		}
		before, _ := rules.ParseMoment(day.Wall.AddDate(0, 0, -1).Format(time.DateOnly))
		if got := day.Start(zone).Format(time.RFC3339); got != test.begins {
			t.Errorf("%s begins %s, want %s", name, got, test.begins)
		}
		if !before.End(zone).Equal(day.Start(zone)) {
			t.Errorf("%s: the day before ends %v", name, before.End(zone))
		}
	}
}
