package sending_test

import (
	"testing"
	"time"

	"campaignql/ent/runbatch"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/mailer"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/smtpsink"
)

// TestTheLoadAndTheResultsAreKnown looks at a campaign that waits for a second attempt and is then paused.
func TestTheLoadAndTheResultsAreKnown(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{Script: smtpsink.ByLocalPart})
		system := caller.System(t.Context())
		id := w.ready(w.people("a@example.com", "b+rcpt-550-5.7.1@example.com", "c+rcpt-450-4.2.1@example.com"))
		stop := w.run(w.Services)
		w.waitFor(id, kind.StatusSending)
		w.wait("the first attempts", func() bool { return w.runOf(id).Deferred == 1 && w.runOf(id).Sent == 1 })
		stop()
		for result, want := range map[mailer.Kind]int64{
			mailer.Accepted: 1, mailer.Refused: 1, mailer.Deferred: 1, mailer.InDoubt: 0, mailer.NotHandedOver: 0,
		} {
			if got := w.Sending.Messages(result); got != want {
				t.Errorf("%d messages are %s, want %d", got, result, want)
			}
		}
		load, err := w.Sending.Load(system)
		if err != nil || load.Runs[kind.RunSending] < 1 || load.Waiting != 0 {
			t.Errorf("before the second attempt is due: %+v, %v", load, err)
		}
		due := db.Client(system).RunBatch.Query().Where(runbatch.RunID(w.runOf(id).ID)).OnlyX(system).DueAt
		w.ahead.Store(int64(time.Hour))
		if load, err = w.Sending.Load(system); err != nil || load.Waiting < time.Hour-2*time.Minute || load.Waiting > time.Until(due)+2*time.Hour {
			t.Errorf("an hour later: %+v, %v", load, err)
		}
		if _, err := w.Sending.Load(w.ctx); apperr.CodeOf(err) != apperr.Denied {
			t.Errorf("an account reads the load of all: %v", err)
		}
		if _, err := w.Campaigns.Pause(w.ctx, campaign.Call{ID: id}, ""); err != nil {
			t.Fatal(err)
		}
		statuses, err := w.Sending.Statuses(system)
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, s := range statuses {
			if s.CampaignID == id {
				found = s.Name == "News" && s.Account != "" && s.Status == kind.StatusPaused && s.Sent == 1 && s.Pace.Finish == nil
			}
		}
		if !found {
			t.Errorf("the statuses are %+v", statuses)
		}
		if w.Sending.BreakerOpen() {
			t.Error("the breaker is open")
		}
	})
}

// TestTheBreakerIsShown sends while nobody listens.
func TestTheBreakerIsShown(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{})
		w.sink.Close()
		w.ready(w.people(numbered("p", 3)...))
		w.run(w.Services)
		w.wait("an open breaker", w.Sending.BreakerOpen)
	})
}
