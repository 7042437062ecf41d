package sending_test

import (
	"testing"
	"time"

	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/smtpsink"
)

func TestAReadyCampaignGoesOutToEverybodyOnce(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{})
		id := w.ready(w.people(numbered("p", 10)...), w.people(append(numbered("q", 5), numbered("p", 5)...)...))
		stop := w.run(w.Services)
		c := w.waitFor(id, kind.StatusSent)
		stop()
		if c.TotalSent != 15 || c.TotalRecipients != 15 || c.TotalFailed != 0 || c.StatusReason != "" {
			t.Errorf("sent %d of %d, failed %d, reason %q", c.TotalSent, c.TotalRecipients, c.TotalFailed, c.StatusReason)
		}
		if c.SendingStartedAt == nil || c.SendingFinishedAt == nil {
			t.Error("the campaign does not say when it was sent")
		}
		r := w.runOf(id)
		if r.Phase != kind.RunDone || r.Sent != 15 {
			t.Errorf("the run is %s with %d sent", r.Phase, r.Sent)
		}
		w.check(r.ID)
	})
}

func TestWhatBecomesOfRecipients(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{Script: smtpsink.ByLocalPart})
		id := w.ready(w.people(
			"fine@example.com", "gone+rcpt-550-5.1.1@example.com", "full+rcpt-552-5.2.2@example.com",
			"later+rcpt-450-4.2.1-x1@example.com", "doubt+dot-takedrop@example.com", "busy+dot-451-4.3.0-x2@example.com",
		))
		w.run(w.Services)
		w.waitFor(id, kind.StatusSending)
		r := w.runOf(id)
		w.wait("the first attempts", func() bool {
			r = w.runOf(id)
			return r.Total == 6 && r.Pending == 0 && r.Begun == 0
		})
		w.check(r.ID)
		w.ahead.Store(int64(2 * time.Minute))
		w.wait("the second attempt", func() bool {
			return w.recipients(r.ID)["later+rcpt-450-4.2.1-x1@example.com"].State == kind.RecipientSent
		})
		w.ahead.Store(int64(20 * time.Minute))
		c := w.waitFor(id, kind.StatusSent)
		if want := "2 failed, 1 unknown"; c.StatusReason != want {
			t.Errorf("reason %q, want %q", c.StatusReason, want)
		}
		rows := w.recipients(r.ID)
		for to, want := range map[string]kind.RecipientState{
			"fine@example.com": kind.RecipientSent, "gone+rcpt-550-5.1.1@example.com": kind.RecipientFailed,
			"full+rcpt-552-5.2.2@example.com": kind.RecipientFailed, "doubt+dot-takedrop@example.com": kind.RecipientUnknown,
			"busy+dot-451-4.3.0-x2@example.com": kind.RecipientSent,
		} {
			if rows[to].State != want {
				t.Errorf("%s is %s, want %s", to, rows[to].State, want)
			}
		}
		if row := rows["busy+dot-451-4.3.0-x2@example.com"]; row.Attempts != 3 {
			t.Errorf("%d attempts, want 3", row.Attempts)
		}
		if c.TotalSent != 3 || c.TotalFailed != 2 || c.TotalHardBounces != 1 {
			t.Errorf("sent %d, failed %d, hard bounces %d", c.TotalSent, c.TotalFailed, c.TotalHardBounces)
		}
		w.check(r.ID)
	})
}

func TestPauseResumeAndCancel(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{RoundTrip: 5 * time.Millisecond})
		id := w.ready(w.people(numbered("p", 1500)...))
		w.run(w.Services)
		w.wait("the first messages", func() bool { return w.sink.Count() > 50 })
		if _, err := w.Campaigns.Pause(w.ctx, campaign.Call{ID: id}, ""); err != nil {
			t.Fatal(err)
		}
		begun := w.begunEver(id)
		w.wait("the answers to the last bursts", func() bool { return w.runOf(id).Begun == 0 })
		if after := w.begunEver(id); after != begun {
			t.Errorf("%d were begun when the pause was answered, %d later", begun, after)
		}
		w.check(w.runOf(id).ID)
		if _, err := w.Campaigns.Resume(w.ctx, campaign.Call{ID: id}); err != nil {
			t.Fatal(err)
		}
		w.wait("more messages", func() bool { return int64(w.sink.Count()) > begun+50 })
		if r := w.runOf(id); r.Epoch != 2 || r.Instance != 1 {
			t.Errorf("epoch %d of instance %d, want 2 of 1", r.Epoch, r.Instance)
		}
		if _, err := w.Campaigns.Cancel(w.ctx, campaign.Call{ID: id}, ""); err != nil {
			t.Fatal(err)
		}
		w.wait("the end of the run", func() bool { return w.runOf(id).Phase == kind.RunDone })
		r := w.runOf(id)
		if c := w.campaign(id); c.Status != kind.StatusSent || c.StatusReason != campaign.ReasonCanceled || c.TotalSent != r.Sent {
			t.Errorf("%s, %q, %d sent, the run says %d", c.Status, c.StatusReason, c.TotalSent, r.Sent)
		}
		if r.Pending+r.Begun+r.Deferred != 0 || r.Sent+r.Skipped != 1500 || r.Skipped == 0 {
			t.Errorf("%d pending, %d sent, %d skipped", r.Pending, r.Sent, r.Skipped)
		}
		w.check(r.ID)
	})
}
