package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/kind"
	"campaignql/internal/sending"
)

func TestSendingStatusIsATable(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)
	row := &ent.CampaignRun{
		CampaignID: 7, Phase: kind.RunSending, Total: 10, Pending: 2, Begun: 1, Deferred: 1, Sent: 3, Failed: 1, Unknown: 1,
		Skipped: 1, HoldText: "AUTH: 535 who are you", HoldUntil: &at,
	}
	runs := []printedRun{
		printableRun(sending.Status{
			CampaignRun: row, Name: "News", Account: "jane", Status: kind.StatusSending,
			Pace: sending.Pace{PerSecond: 1.25, Finish: &at},
		}),
		printableRun(sending.Status{CampaignRun: row, Name: "Old", Account: "joe", Status: kind.StatusPaused}),
	}
	var out bytes.Buffer
	if err := printRuns(&out, runs); err != nil {
		t.Fatal(err)
	}
	var got [][]string
	for line := range strings.Lines(out.String()) {
		got = append(got, strings.Fields(line))
	}
	hold := strings.Fields("AUTH: 535 who are you (until 10:00:00 UTC)")
	want := [][]string{
		strings.Fields("ID CAMPAIGN ACCOUNT PHASE SENT LEFT FAILED UNKNOWN SKIPPED TOTAL PER SECOND UNTIL HOLD"),
		append(strings.Fields("7 News jane sending 3 4 1 1 1 10 1.2 2026-12-01 10:00 UTC"), hold...),
		append(strings.Fields("7 Old joe paused 3 4 1 1 1 10 0.0"), hold...),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSendingStatusOfAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	database := "sqlite:" + t.TempDir() + "/c.db"
	for flag, want := range map[string]string{"": "Nothing is being sent.\n", "--json": ""} {
		args := []string{"sending", "status", "--database", database}
		if flag != "" {
			args = append(args, flag)
		}
		var out, errors bytes.Buffer
		if code := run(args, nil, &out, &errors); code != 0 || out.String() != want {
			t.Errorf("%s: %d, %q, %s", flag, code, out.String(), errors.String())
		}
	}
}
