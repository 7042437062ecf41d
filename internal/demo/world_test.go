package demo

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/kind"
)

// steps are the valid changes of status in the history.
var steps = map[kind.CampaignStatus][]kind.CampaignStatus{
	kind.StatusDraft:           {kind.StatusDraft, kind.StatusPendingApproval, kind.StatusReady},
	kind.StatusPendingApproval: {kind.StatusReady},
	kind.StatusReady:           {kind.StatusSending},
	kind.StatusSending:         {kind.StatusSent, kind.StatusPaused, kind.StatusFailed},
}

func TestWorldHoldsTogetherWheneverItIsMade(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"2026-11-24T10:30:00Z",
		"2026-03-29T00:59:59Z", // the clocks in Berlin go forward in one second
		"2026-03-30T06:00:00Z",
		"2026-10-25T01:30:00Z", // the repeated hour has just passed
		"2027-01-04T08:10:00Z", // a Monday, ten minutes after the digest
		"2027-06-30T23:59:59Z",
		"2027-07-20T11:00:00Z", // the season of the largest audiences
		"2028-02-29T12:00:00Z",
		"2030-12-31T23:30:00.123456Z",
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			now, err := time.Parse(time.RFC3339, text)
			if err != nil {
				t.Fatal(err)
			}
			w, err := newWorld(now)
			if err != nil {
				t.Fatal(err)
			}
			if len(w.campaigns) != 200 {
				t.Errorf("%d campaigns", len(w.campaigns))
			}
			statuses, canceled := map[kind.CampaignStatus]int{}, 0
			for _, m := range w.campaigns {
				statuses[m.status]++
				if m.status == kind.StatusSent && m.reason == "Canceled" {
					canceled++
				}
				checkHistory(t, m, now)
				checkEvents(t, m, now)
			}
			for status, want := range map[kind.CampaignStatus]int{
				kind.StatusSent: sentCampaigns + canceledCampaigns, kind.StatusDraft: draftCampaigns + 1, kind.StatusPendingApproval: pendingCampaigns,
				kind.StatusReady: 11, kind.StatusSending: sendingCampaigns, kind.StatusPaused: pausedCampaigns, kind.StatusFailed: failedCampaigns,
			} {
				if statuses[status] != want {
					t.Errorf("%d campaigns are %s, want %d", statuses[status], status, want)
				}
			}
			if canceled != canceledCampaigns {
				t.Errorf("%d campaigns were canceled, want %d", canceled, canceledCampaigns)
			}
		})
	}
}

func checkHistory(t *testing.T, m *mailing, now time.Time) {
	t.Helper()
	at, status := m.created, kind.StatusDraft
	for i, c := range m.changes {
		if c.at.Nanosecond() != 0 {
			t.Errorf("%s: change %d is of %v", m.name, i+1, c.at)
		}
		if c.at.Before(at) || c.at.After(now) {
			t.Errorf("%s: change %d is of %v, after %v, now is %v", m.name, i+1, c.at, at, now)
		}
		if (c.from == nil) != (i == 0) || c.from != nil && *c.from != status {
			t.Errorf("%s: change %d does not begin where the last one ended, with %s", m.name, i+1, status)
		}
		if i > 0 && !slices.Contains(steps[status], c.to) {
			t.Errorf("%s: change %d leads from %s to %s", m.name, i+1, status, c.to)
		}
		at, status = c.at, c.to
	}
	if status != m.status {
		t.Errorf("%s: is %s, its history ends with %s", m.name, m.status, status)
	}
}

func checkEvents(t *testing.T, m *mailing, now time.Time) {
	t.Helper()
	opened := map[*person]bool{}
	for _, e := range m.events {
		if e.at.After(now) || e.at.Before(*m.started) {
			t.Errorf("%s: %s at %v, begun %v, now is %v", m.name, e.kind, e.at, m.started, now)
		}
		if (e.kind == kind.EventSent || e.kind == kind.EventFailed) && m.finished != nil && e.at.After(*m.finished) {
			t.Errorf("%s: %s at %v, after the end of sending", m.name, e.kind, e.at)
		}
		if !e.at.Equal(e.at.Truncate(time.Microsecond)) {
			t.Errorf("%s: %s at %v, finer than a database keeps", m.name, e.kind, e.at)
		}
		switch {
		case e.automated:
		case e.kind == kind.EventOpened:
			opened[e.to] = true
		case e.kind == kind.EventClicked && !opened[e.to]:
			t.Errorf("%s: a click without an open", m.name)
		}
	}
	if n := m.total; n.Delivered != n.Sent-n.HardBounces-n.SoftBounces {
		t.Errorf(
			"%s: %d delivered of %d sent with %d bounces", m.name, n.Delivered, n.Sent, n.HardBounces+n.SoftBounces,
		)
	}
	if m.status == kind.StatusSending && (m.total.Sent == 0 || m.total.Sent+m.total.Failed >= m.recipients) {
		t.Errorf("%s: is being sent, with %d of %d done", m.name, m.total.Sent, m.recipients)
	}
}

// TestCampaignsAreInTheSameOrderOnEveryDay protects the documentation, whose examples name
// campaigns by id.
func TestCampaignsAreInTheSameOrderOnEveryDay(t *testing.T) {
	t.Parallel()
	var want []string
	// 24 steps of 62 days and some hours cover each weekday, hour, and part of the month, in four
	// years.
	for now := time.Date(2026, 11, 24, 10, 30, 0, 0, time.UTC); now.Year() < 2031; now = now.Add(62*day + 5*time.Hour + 7*time.Minute + 11*time.Second) {
		w, err := newWorld(now)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]string, len(w.campaigns))
		for i, m := range w.campaigns {
			got[i] = fmt.Sprintf("%d %s %s", i+1, m.status, m.plan.Type)
			// Digests are planned ahead and follow the Mondays
			if m.plan.Type == kind.ScheduleFuture || m.plan.Type == kind.ScheduleImmediate {
				got[i] = fmt.Sprintf("%d %s", i+1, m.status)
			}
			if lead := at(m).Sub(m.created); m.status == kind.StatusSent && (lead < 3*day || lead > 20*day) {
				t.Errorf("%v: %q was made %v before it was sent", now, m.name, lead)
			}
		}
		if want == nil {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%v: other campaigns than on the first day:\n%s", now, diff)
		}
	}
}

func at(m *mailing) time.Time {
	if m.started == nil {
		return m.created
	}
	return *m.started
}

func TestWorldIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 10, 30, 0, 0, time.UTC)
	a, err := newWorld(now)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newWorld(now)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.campaigns {
		x, y := a.campaigns[i], b.campaigns[i]
		if x.name != y.name || x.status != y.status || len(x.events) != len(y.events) ||
			x.total.Opens != y.total.Opens ||
			x.total.ConversionAmount != y.total.ConversionAmount ||
			!x.created.Equal(y.created) {
			t.Errorf("campaign %d is %q the first time and %q the second, or its numbers differ", i, x.name, y.name)
		}
	}
}
