package sending_test

import (
	"bytes"
	"net/mail"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/mailer"
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
		c := w.campaign(id)
		if c.Status != kind.StatusSent || c.StatusReason != campaign.ReasonCanceled || c.TotalSent != r.Sent {
			t.Errorf("%s, %q, %d sent, the run says %d", c.Status, c.StatusReason, c.TotalSent, r.Sent)
		}
		if r.Pending+r.Begun+r.Deferred != 0 || r.Sent+r.Skipped != 1500 || r.Skipped == 0 {
			t.Errorf("%d pending, %d sent, %d skipped", r.Pending, r.Sent, r.Skipped)
		}
		w.check(r.ID)
	})
}

// TestWhatChangesDuringAPause pauses a campaign in the middle. Who has left since, or must not be written
// to any more, is skipped, and who is left gets the text of after the pause.
func TestWhatChangesDuringAPause(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{RoundTrip: 5 * time.Millisecond, KeepBodies: true})
		id := w.ready(w.people(numbered("p", 700)...))
		stop := w.run(w.Services)
		w.wait("the first messages", func() bool { return w.sink.Count() > 50 })
		if _, err := w.Campaigns.Pause(w.ctx, campaign.Call{ID: id}, ""); err != nil {
			t.Fatal(err)
		}
		w.wait("the answers to the last bursts", func() bool { return w.runOf(id).Begun == 0 })
		before := w.sink.Count()
		run := w.runOf(id).ID
		left := w.leave(run)
		subject := "Other news"
		if _, err := w.Emails.Update(w.ctx, *w.campaign(id).EmailID, content.Patch{Subject: &subject}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Campaigns.Resume(w.ctx, campaign.Call{ID: id}); err != nil {
			t.Fatal(err)
		}
		w.waitFor(id, kind.StatusSent)
		stop()
		rows := w.recipients(run)
		for to, want := range left {
			if row := rows[to]; row == nil || row.State != kind.RecipientSkipped || row.Skipped == nil || *row.Skipped != want {
				t.Errorf("%s: %+v, want skipped, %s", to, row, want)
			}
		}
		for i, entry := range w.sink.Log() {
			message, err := mail.ReadMessage(bytes.NewReader(entry.Body))
			if err != nil {
				t.Fatal(err)
			}
			if got, changed := message.Header.Get("Subject"), i >= before; changed != (got == subject) {
				t.Fatalf("message %d of %d before the pause has the subject %q", i, before, got)
			}
			if message.Header.Get("List-Unsubscribe-Post") == "" || message.Header.Get("Message-Id") == "" {
				t.Fatalf("a message without %v", message.Header)
			}
		}
		w.check(run)
	})
}

// leave has people leave who have not got the campaign yet, each in another way, and returns why they
// are to be skipped.
func (w *world) leave(run int64) map[string]kind.SkipReason {
	w.t.Helper()
	var waiting []*ent.RunRecipient
	for _, row := range w.recipients(run) {
		if row.State == kind.RecipientPending {
			waiting = append(waiting, row)
		}
	}
	if len(waiting) < 4 {
		w.t.Fatalf("only %d people are left", len(waiting))
	}
	address := func(i int) string { return waiting[i].Edges.Contact.Email }
	client, system := w.db.Client(w.ctx), caller.System(w.t.Context())
	must := func(err error) {
		w.t.Helper()
		if err != nil {
			w.t.Fatal(err)
		}
	}
	must(w.Subscribers.Left(system, map[int64]time.Time{waiting[0].SubscriberID: store.Now()}))
	must(client.Suppression.Create().SetEmail(address(1)).SetEmailKey(address(1)).
		SetReason(kind.SuppressedManually).SetCreatedAt(store.Now()).Exec(w.ctx))
	must(client.Contact.UpdateOneID(waiting[2].ContactID).SetDeliverability(kind.BounceHard).Exec(w.ctx))
	_, err := w.Subscribers.Delete(w.ctx, []int64{waiting[3].SubscriberID})
	must(err)
	return map[string]kind.SkipReason{
		address(0): kind.SkippedUnsubscribed, address(1): kind.SkippedSuppressed, address(2): kind.SkippedBounced,
	}
}

// TestAServerThatStopsLeavesNobodyInDoubt ends the sender in the middle of a campaign, as SIGTERM does.
func TestAServerThatStopsLeavesNobodyInDoubt(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{RoundTrip: 5 * time.Millisecond})
		id := w.ready(w.people(numbered("p", 500)...))
		for i := range 3 {
			stop := w.run(w.server())
			w.wait("more messages", func() bool { return w.sink.Count() > 60*(i+1) })
			stop()
			r := w.runOf(id)
			if r.Begun != 0 || r.Unknown != 0 || r.Sent != int64(w.sink.Count()) {
				t.Errorf("%d begun, %d unknown, %d sent of %d messages", r.Begun, r.Unknown, r.Sent, w.sink.Count())
			}
		}
		w.run(w.Services)
		w.waitFor(id, kind.StatusSent)
		w.check(w.runOf(id).ID)
	})
}

// TestNobodyListens sends while there is no mail server: nobody loses an attempt, the run says what is
// wrong, and the campaign goes on by itself.
func TestNobodyListens(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{})
		address := w.sink.Addr
		w.sink.Close()
		id := w.ready(w.people(numbered("p", 5)...))
		stop := w.run(w.Services)
		w.wait("a word about the mail server", func() bool {
			return w.campaign(id).Status == kind.StatusSending && w.runOf(id).HoldCode != ""
		})
		r := w.runOf(id)
		if r.HoldCode != string(mailer.StepConnect) || !strings.Contains(r.HoldText, "nothing accepts connections") {
			t.Errorf("%s: %s", r.HoldCode, r.HoldText)
		}
		stop()
		for to, row := range w.recipients(r.ID) {
			if row.State != kind.RecipientPending || row.Attempts != 0 {
				t.Errorf("%s is %s after %d attempts", to, row.State, row.Attempts)
			}
		}
		w.sink = smtpsink.Start(t, smtpsink.Options{Address: address})
		w.run(w.server())
		if c := w.waitFor(id, kind.StatusSent); c.TotalSent != 5 {
			t.Errorf("%d sent", c.TotalSent)
		}
		if r := w.runOf(id); r.HoldCode != "" {
			t.Errorf("the run still says %s", r.HoldText)
		}
		w.check(w.runOf(id).ID)
	})
}
