package command_test

import (
	"encoding/json"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// count sets some numbers of a campaign: 1,000 sent, and opens at midnight of its owner's second
// day.
func (f *fixture) count(t *testing.T, p person, id int64) {
	t.Helper()
	client := f.db.Client(p.ctx)
	err := client.Campaign.UpdateOneID(id).
		SetTotalRecipients(2000).SetTotalSent(1000).SetTotalFailed(1).
		SetTotalOpens(12).SetUniqueOpens(9).SetTotalClicks(3).SetUniqueClicks(2).
		SetTotalHardBounces(10).SetTotalSoftBounces(5).SetTotalUnsubscriptions(1).Exec(p.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		at            time.Time
		opens, unique int64
	}{
		{start, 5, 5},
		{time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC), 3, 2},
		{time.Date(2026, 11, 23, 23, 0, 0, 0, time.UTC), 4, 2}, // the 24th in Berlin
	} {
		err := client.HourlyCounter.Create().
			SetCampaignID(id).
			SetHour(row.at.Truncate(time.Hour)).
			SetOpens(row.opens).
			SetUniqueOpens(row.unique).
			SetClicks(1).
			SetUniqueClicks(1).
			SetUnsubscriptions(1).
			SetHardBounces(2).
			SetSoftBounces(1).
			Exec(p.ctx)
		if err != nil {
			t.Fatal(err)
		}
	}
}

func parse(t *testing.T, id string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// namesOf returns the names of the campaigns of a list, and their total number.
func namesOf(t *testing.T, body string) []string {
	t.Helper()
	var list struct {
		Campaigns      []map[string]any
		TotalCampaigns int
	}
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	names := []string{"of " + strconv.Itoa(list.TotalCampaigns)}
	for _, c := range list.Campaigns {
		names = append(names, c["CampaignName"].(string))
	}
	return names
}

func sessionOf(t *testing.T, body string) string {
	t.Helper()
	_, rest, _ := strings.Cut(body, `"SessionID":"`)
	session, _, ok := strings.Cut(rest, `"`)
	if !ok || session == "" {
		t.Fatalf("no session in %s", body)
	}
	return session
}

// differs matches what differs between two responses to the same request: the new session and the
// id of a new object.
var differs = regexp.MustCompile(`"SessionID":"[^"]*"|<\d+>`)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }
