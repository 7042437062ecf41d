package sending_test

import (
	"bytes"
	"context"
	"fmt"
	"net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaignchange"
	"campaignql/ent/event"
	"campaignql/ent/runbatch"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/sending"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
	"campaignql/internal/testkit/smtpsink"
)

var (
	onlyFailed  = sending.Selection{States: []kind.RecipientState{kind.RecipientFailed}}
	onlyUnknown = sending.Selection{States: []kind.RecipientState{kind.RecipientUnknown}}
)

// retried tries recipients of a campaign again and returns how many.
func (w *world) retried(id int64, which sending.Selection) int64 {
	w.t.Helper()
	c, n, err := w.Sending.Retry(w.ctx, campaign.Call{ID: id}, which)
	if err != nil {
		w.t.Fatal(err)
	}
	if c.Status != kind.StatusSending {
		w.t.Errorf("after a retry the campaign is %s", c.Status)
	}
	return n
}

// conflicts checks that a retry is a conflict with a reason, and changes nothing.
func (w *world) conflicts(what string, id int64, which sending.Selection, want apperr.Reason) {
	w.t.Helper()
	before := w.campaign(id)
	_, n, err := w.Sending.Retry(w.ctx, campaign.Call{ID: id}, which)
	faults := apperr.All(err)
	if len(faults) != 1 || faults[0].Code != apperr.Conflict || faults[0].Reason != want || n != 0 {
		w.t.Errorf("%s: %d recipients, %v, want a conflict %s", what, n, err, want)
	}
	if after := w.campaign(id); after.Version != before.Version || after.Status != before.Status {
		w.t.Errorf("%s: from %s, version %d, to %s, %d", what, before.Status, before.Version, after.Status, after.Version)
	}
}

// numbers compares the counters of a campaign that has one run with the run, and with its events.
func (w *world) numbers(id int64) {
	w.t.Helper()
	c, r := w.campaign(id), w.runOf(id)
	if c.TotalSent != r.Sent || c.TotalFailed != r.Failed || c.TotalRecipients != r.Total {
		w.t.Errorf(
			"the campaign says %d of %d sent, %d failed, the run %d of %d, %d", c.TotalSent, c.TotalRecipients, c.TotalFailed,
			r.Sent, r.Total, r.Failed,
		)
	}
	found, err := w.Events.Recount(caller.System(w.t.Context()), id)
	if err != nil || len(found) > 0 {
		w.t.Errorf("a recount finds %v, %v", found, err)
	}
	w.check(r.ID)
}

// ended waits until a campaign is Sent, without an end of an earlier run.
func (w *world) ended(id int64, reason string) {
	w.t.Helper()
	if c := w.waitFor(id, kind.StatusSent); c.StatusReason != reason {
		w.t.Errorf("reason %q, want %q", c.StatusReason, reason)
	}
	w.numbers(id)
}

// TestWhoFailedIsTriedAgain retries by state and by code, with an email that has changed since.
func TestWhoFailedIsTriedAgain(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{Script: smtpsink.ByLocalPart, KeepBodies: true})
		id := w.ready(w.people(
			"fine@example.com", "full+rcpt-552-5.2.2-x1@example.com", "strict+dot-550-5.7.1-x1@example.com",
			"gone+rcpt-550-5.1.1-x1@example.com", "never+rcpt-554-5.0.0@example.com", "doubt+dot-drop-x1@example.com",
		))
		stop := w.run(w.Services)
		w.ended(id, "4 failed, 1 unknown")
		stop()
		w.conflicts("a code that nobody had", id, sending.Selection{Codes: []string{"5.9.9"}}, apperr.ReasonNoRecipients)
		subject := "Second attempt"
		if _, err := w.Emails.Update(w.ctx, *w.campaign(id).EmailID, content.Patch{Subject: &subject}); err != nil {
			t.Fatal(err)
		}
		codes := sending.Selection{States: onlyFailed.States, Codes: []string{"552", "5.1.1"}}
		if n := w.retried(id, codes); n != 2 {
			t.Errorf("%d recipients with 552 or 5.1.1", n)
		}
		r := w.runOf(id)
		if r.Pending != 2 || r.Failed != 2 || r.Epoch != 2 || r.Instance != 1 || r.FinishedAt != nil {
			t.Errorf("%d pending, %d failed, epoch %d of instance %d", r.Pending, r.Failed, r.Epoch, r.Instance)
		}
		row := w.recipients(r.ID)["full+rcpt-552-5.2.2-x1@example.com"]
		if row.Attempts != 0 || row.BegunAt != nil || row.SettledAt != nil || row.ReplyCode != 0 || row.Trouble != nil {
			t.Errorf("who is tried again remembers %+v", row)
		}
		w.numbers(id)
		w.conflicts("while it is being sent", id, onlyFailed, apperr.ReasonStatusTransition)
		stop = w.run(w.server())
		w.ended(id, "2 failed, 1 unknown, 1 skipped")
		rows := w.recipients(r.ID)
		if row := rows["gone+rcpt-550-5.1.1-x1@example.com"]; row.Skipped == nil || *row.Skipped != kind.SkippedBounced {
			t.Errorf("who does not exist is %+v", row)
		}
		if n := w.retried(id, sending.Selection{}); n != 3 {
			t.Errorf("%d recipients failed or unknown", n)
		}
		w.ended(id, "1 failed, 1 skipped")
		w.retried(id, onlyFailed)
		w.ended(id, "1 failed, 1 skipped")
		stop()
		for _, entry := range w.sink.Log() {
			message, err := mail.ReadMessage(bytes.NewReader(entry.Body))
			if err != nil {
				t.Fatal(err)
			}
			if again := entry.Address != "fine@example.com"; again != (message.Header.Get("Subject") == subject) {
				t.Errorf("%s got %q", entry.Address, message.Header.Get("Subject"))
			}
		}
		w.tells(id)
	})
}

// tells checks what history and events say of a campaign that was retried three times.
func (w *world) tells(id int64) {
	w.t.Helper()
	client := w.db.Client(w.ctx)
	changes := client.CampaignChange.Query().
		Where(campaignchange.CampaignID(id), campaignchange.ActionEQ(campaignchange.ActionResume)).
		Order(campaignchange.ByID()).AllX(w.ctx)
	var reasons []string
	for _, change := range changes {
		reasons = append(reasons, fmt.Sprint(change.ActorID == w.id.UserID, " ", change.Reason))
	}
	want := []string{
		"true retries recipients that are failed with 552, 5.1.1", "true retries recipients that are failed or unknown",
		"true retries recipients that are failed",
	}
	if !slices.Equal(reasons, want) {
		w.t.Errorf("the history says %q, want %q", reasons, want)
	}
	if n := client.Event.Query().Where(event.CampaignID(id), event.KindEQ(kind.EventFailed)).CountX(w.ctx); n != 1 {
		w.t.Errorf("%d events say that somebody failed, want 1", n)
	}
	if c := w.campaign(id); c.SentInstances != 1 {
		w.t.Errorf("%d instances were sent", c.SentInstances)
	}
}

// TestACampaignThatFailedOrIsPausedIsRetried goes on from the other two statuses.
func TestACampaignThatFailedOrIsPausedIsRetried(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{Script: smtpsink.ByLocalPart})
		failed := w.ready(w.people("a+rcpt-550-5.7.1-x1@example.com", "b+rcpt-550-5.7.1-x1@example.com"))
		paused := w.ready(w.people(
			"c+rcpt-550-5.7.1-x1@example.com", "d+rcpt-450-4.2.1-x1@example.com", "e@example.com",
		))
		stop := w.run(w.Services)
		w.waitFor(failed, kind.StatusFailed)
		w.waitFor(paused, kind.StatusSending)
		w.wait("the first attempts", func() bool {
			r := w.runOf(paused)
			return r.Total == 3 && r.Deferred == 1 && r.Failed == 1 && r.Sent == 1
		})
		if _, err := w.Campaigns.Pause(w.ctx, campaign.Call{ID: paused}, ""); err != nil {
			t.Fatal(err)
		}
		stop()
		w.conflicts("a paused one without anybody unknown", paused, onlyUnknown, apperr.ReasonNoRecipients)
		if n := w.retried(failed, onlyFailed) + w.retried(paused, onlyFailed); n != 3 {
			t.Errorf("%d recipients are tried again, want 3", n)
		}
		if r := w.runOf(paused); r.Deferred != 1 || r.Pending != 1 {
			t.Errorf("%d deferred, %d pending", r.Deferred, r.Pending)
		}
		w.run(w.server())
		w.ended(failed, "")
		w.ahead.Store(int64(2 * time.Minute))
		w.ended(paused, "")
	})
}

// TestThousandsAreTriedAgainWhileTheyAreSent retries more than one transaction takes, with a sender
// that is faster than the retry.
func TestThousandsAreTriedAgainWhileTheyAreSent(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{Script: smtpsink.ByLocalPart, Discard: true})
		addresses := numbered("fine", 500)
		for i := range 2300 {
			addresses = append(addresses, fmt.Sprintf("p%d+rcpt-552-5.2.2-x1@example.com", i))
		}
		id := w.ready(w.people(addresses...))
		w.run(w.Services)
		w.waitFor(id, kind.StatusSent)
		failed := w.runOf(id).Failed
		if n := w.retried(id, onlyFailed); n != failed || failed != 2300 {
			t.Errorf("%d of %d are tried again", n, failed)
		}
		c := w.waitFor(id, kind.StatusSent)
		r := w.runOf(id)
		if r.Sent != 2800 || c.TotalSent != 2800 || c.TotalFailed != 0 || r.Total != 2800 {
			t.Errorf("%d sent in the run, %d in the campaign, %d failed", r.Sent, c.TotalSent, c.TotalFailed)
		}
		if n := db.Client(w.ctx).RunBatch.Query().Where(runbatch.RunID(r.ID), runbatch.OwnerNEQ("")).CountX(w.ctx); n > 0 {
			t.Errorf("%d batches still have an owner", n)
		}
	})
}

// TestARetryEndsInTheMiddle pauses, cancels and gives up retries of more recipients than one transaction
// takes.
func TestARetryEndsInTheMiddle(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{Script: smtpsink.ByLocalPart})
		stop := w.run(w.Services)
		failed := func(prefix string) int64 {
			addresses := numbered(prefix, 10)
			for i := range 1100 {
				addresses = append(addresses, fmt.Sprintf("%s%d+rcpt-552-5.2.2-x1@example.com", prefix, i))
			}
			id := w.ready(w.people(addresses...))
			w.waitFor(id, kind.StatusSent)
			return id
		}
		paused, canceled, left := failed("a"), failed("b"), failed("c")
		stop()

		between := func(f func() error) {
			done := false
			w.Sending.Between(func() {
				if done {
					return
				}
				done = true
				if err := f(); err != nil {
					t.Fatal(err)
				}
			})
		}
		between(func() error {
			_, err := w.Campaigns.Pause(w.ctx, campaign.Call{ID: paused}, "")
			return err
		})
		c, n, err := w.Sending.Retry(w.ctx, campaign.Call{ID: paused}, onlyFailed)
		if err != nil || c.Status != kind.StatusPaused || n != 1000 {
			t.Errorf("paused in the middle: %d, %v, %v", n, c, err)
		}
		if r := w.runOf(paused); r.Pending != 1000 || r.Failed != 100 {
			t.Errorf("%d pending, %d failed", r.Pending, r.Failed)
		}
		w.numbers(paused)
		if n := w.retried(paused, onlyFailed); n != 100 {
			t.Errorf("%d are tried again after the pause", n)
		}

		between(func() error {
			_, err := w.Campaigns.Cancel(w.ctx, campaign.Call{ID: canceled}, "")
			return err
		})
		c, n, err = w.Sending.Retry(w.ctx, campaign.Call{ID: canceled}, onlyFailed)
		if err != nil || c.Status != kind.StatusSent || c.StatusReason != campaign.ReasonCanceled || n != 1000 {
			t.Errorf("canceled in the middle: %d, %v, %v", n, c, err)
		}
		w.numbers(canceled)

		gone, leave := context.WithCancel(w.ctx)
		between(func() error { leave(); return nil })
		if _, _, err = w.Sending.Retry(gone, campaign.Call{ID: left}, onlyFailed); err == nil {
			t.Error("a call that was given up has no error")
		}
		w.numbers(left)
		if n := db.Client(w.ctx).RunBatch.Query().Where(runbatch.OwnerNEQ("")).CountX(w.ctx); n > 0 {
			t.Errorf("%d batches still have an owner", n)
		}

		w.run(w.server())
		if c := w.waitFor(paused, kind.StatusSent); c.TotalSent != 1110 || c.TotalFailed != 0 {
			t.Errorf("paused: %d sent, %d failed", c.TotalSent, c.TotalFailed)
		}
		if c := w.waitFor(left, kind.StatusSent); c.TotalSent != 1010 || c.TotalFailed != 100 {
			t.Errorf("left: %d sent, %d failed", c.TotalSent, c.TotalFailed)
		}
		w.wait("the end of the cancellation", func() bool { return w.runOf(canceled).Phase == kind.RunDone })
		if r := w.runOf(canceled); r.Skipped != 1000 || r.Failed != 100 {
			t.Errorf("canceled: %d skipped, %d failed", r.Skipped, r.Failed)
		}
		for _, id := range []int64{paused, canceled, left} {
			w.numbers(id)
		}
	})
}

// TestFailuresWithoutEventsAreRetried retries more recipients than one statement takes, of which some
// have no event any more: the counters stay those of the events.
func TestFailuresWithoutEventsAreRetried(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{Script: smtpsink.ByLocalPart})
		var addresses []string
		for i := range 1200 {
			addresses = append(addresses, fmt.Sprintf("p%d+rcpt-552-5.2.2-x1@example.com", i))
		}
		id := w.ready(w.people(addresses...))
		stop := w.run(w.Services)
		w.waitFor(id, kind.StatusFailed)
		stop()
		rows := w.recipients(w.runOf(id).ID)
		contacts := make([]int64, 0, len(rows))
		for _, row := range rows {
			contacts = append(contacts, row.ContactID)
		}
		slices.Sort(contacts)
		ctx := caller.System(t.Context())
		db.Client(ctx).Event.Delete().
			Where(event.CampaignID(id), event.ContactIDGTE(contacts[500]), event.ContactIDLT(contacts[1100])).ExecX(ctx)
		if _, err := w.Events.Recount(ctx, id); err != nil {
			t.Fatal(err)
		}
		if n := w.retried(id, onlyFailed); n != 1200 {
			t.Errorf("%d are tried again", n)
		}
		if c := w.campaign(id); c.TotalFailed != 0 {
			t.Errorf("%d failed", c.TotalFailed)
		}
		w.numbers(id)
		if _, err := w.Campaigns.Cancel(w.ctx, campaign.Call{ID: id}, ""); err != nil {
			t.Fatal(err)
		}
	})
}

// TestWhatCannotBeRetried goes through the conflicts.
func TestWhatCannotBeRetried(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{Script: smtpsink.ByLocalPart})
		l := w.people("a+rcpt-550-5.7.1@example.com", "b@example.com")
		draft, id := w.draft(l), w.ready(l)
		w.run(w.Services)
		w.waitFor(id, kind.StatusSent)
		w.conflicts("a draft", draft, onlyFailed, apperr.ReasonStatusTransition)
		w.conflicts("nobody is unknown", id, onlyUnknown, apperr.ReasonNoRecipients)
		stale := int64(1)
		_, _, err := w.Sending.Retry(w.ctx, campaign.Call{ID: id, ExpectedVersion: &stale}, onlyFailed)
		if apperr.CodeOf(err) != apperr.Precondition {
			t.Errorf("a stale version: %v", err)
		}
		stranger := testkit.As(t, testkit.Account(t, db))
		if _, _, err := w.Sending.Retry(stranger, campaign.Call{ID: id}, onlyFailed); apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("another account: %v", err)
		}
		if _, _, err := w.Sending.Resolve(stranger, campaign.Call{ID: id}, kind.RecipientSent); apperr.CodeOf(err) != apperr.NotFound {
			t.Errorf("another account resolves: %v", err)
		}
		for what, which := range map[string]sending.Selection{
			"states": {States: []kind.RecipientState{kind.RecipientSent}}, "codes": {Codes: []string{"5xx"}},
		} {
			_, _, err := w.Sending.Retry(w.ctx, campaign.Call{ID: id}, which)
			faults := apperr.All(err)
			if len(faults) != 1 || faults[0].Code != apperr.Invalid || faults[0].Field != what+"[0]" {
				t.Errorf("%s: %v", what, err)
			}
		}
		system := caller.System(t.Context())
		w.db.Client(system).User.UpdateOneID(w.id.UserID).SetSender(kind.SenderExternal).ExecX(system)
		w.conflicts("another sender", id, onlyFailed, apperr.ReasonNotSentHere)
	})
}

// TestWithoutTrustOnlyWhatWasSentIsRetried changes the email of an account that needs approval.
func TestWithoutTrustOnlyWhatWasSentIsRetried(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{Script: smtpsink.ByLocalPart})
		id := w.ready(w.people("a+rcpt-550-5.7.1-x2@example.com", "b@example.com"))
		stop := w.run(w.Services)
		w.waitFor(id, kind.StatusSent)
		trusted := w.ctx
		untrusted := w.id
		untrusted.Reputation = kind.ReputationUntrusted
		w.ctx = testkit.As(t, untrusted)
		w.retried(id, onlyFailed)
		w.ended(id, "1 failed")
		stop()
		subject := "Something else"
		if _, err := w.Emails.Update(w.ctx, *w.campaign(id).EmailID, content.Patch{Subject: &subject}); err != nil {
			t.Fatal(err)
		}
		w.conflicts("an email that was not approved", id, onlyFailed, apperr.ReasonApprovalWithdrawn)
		w.ctx = trusted
		if n := w.retried(id, onlyFailed); n != 1 {
			t.Errorf("a trusted account retries %d", n)
		}
	})
}

// TestUnknownRecipientsAreResolved decides both ways.
func TestUnknownRecipientsAreResolved(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{Script: smtpsink.ByLocalPart})
		taken := w.ready(w.people("a+dot-takedrop@example.com", "b@example.com", "c+rcpt-550-5.7.1@example.com"))
		lost := w.ready(w.people("d+dot-drop-x1@example.com", "e@example.com"))
		w.run(w.Services)
		w.ended(taken, "1 failed, 1 unknown")
		w.ended(lost, "1 unknown")
		c, n, err := w.Sending.Resolve(w.ctx, campaign.Call{ID: taken}, kind.RecipientSent)
		if err != nil || n != 1 || c.Status != kind.StatusSent || c.StatusReason != "1 failed" {
			t.Errorf("%d resolved, %v, %+v", n, err, c)
		}
		w.numbers(taken)
		if _, _, err := w.Sending.Resolve(w.ctx, campaign.Call{ID: taken}, kind.RecipientSent); apperr.CodeOf(err) != apperr.Conflict {
			t.Errorf("nobody is left: %v", err)
		}
		if _, n, err = w.Sending.Resolve(w.ctx, campaign.Call{ID: lost}, kind.RecipientPending); err != nil || n != 1 {
			t.Errorf("%d resolved, %v", n, err)
		}
		w.wait("the end", func() bool { return w.campaign(lost).Status == kind.StatusSent })
		w.ended(lost, "")
	})
}

// TestInDoubtResendSendsTheSameMessageAgain waits for it with the clock of the sender.
func TestInDoubtResendSendsTheSameMessageAgain(t *testing.T) {
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		w := newWorld(t, db, smtpsink.Options{Script: smtpsink.ByLocalPart, KeepBodies: true}, func(o *sending.Options) {
			o.InDoubt = sending.ResendInDoubt
		})
		const doubtful, hopeless = "a+dot-takedrop-x1@example.com", "b+dot-drop@example.com"
		id := w.ready(w.people(doubtful, hopeless, "c@example.com"))
		w.run(w.Services)
		w.waitFor(id, kind.StatusSending)
		state := func(of string) *ent.RunRecipient { return w.recipients(w.runOf(id).ID)[of] }
		w.wait("the first attempts", func() bool { r := w.runOf(id); return r.Sent == 1 && r.Unknown == 2 })
		w.ahead.Store(int64(29 * time.Minute))
		ticks := w.runOf(id)
		if w.campaign(id).Status != kind.StatusSending || ticks.Unknown != 2 {
			t.Errorf("before the time, the campaign is %s with %d unknown", w.campaign(id).Status, ticks.Unknown)
		}
		w.ahead.Store(int64(31 * time.Minute))
		w.wait("the second attempts", func() bool {
			return state(doubtful).State == kind.RecipientSent && state(hopeless).State == kind.RecipientUnknown &&
				state(hopeless).Attempts == 2
		})
		w.ahead.Store(int64(25 * time.Hour)) // longer than a message is tried
		if c := w.waitFor(id, kind.StatusSent); c.StatusReason != "1 unknown" {
			t.Errorf("reason %q", c.StatusReason)
		}
		var ids []string
		for _, entry := range w.sink.Log() {
			if entry.Address == doubtful {
				message, err := mail.ReadMessage(bytes.NewReader(entry.Body))
				if err != nil {
					t.Fatal(err)
				}
				ids = append(ids, message.Header.Get("Message-Id"))
			}
		}
		if len(ids) != 2 || ids[0] != ids[1] || !strings.HasPrefix(ids[0], "<run") {
			t.Errorf("the messages have the ids %q", ids)
		}
	})
}
