package campaign_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/people/segment"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestAChangeOfWhatWasApprovedWithdrawsTheApproval makes each change of an approved campaign as its
// owner, who needs approval. It does so with a stored digest, and for a campaign that was Ready
// before digests were introduced.
func TestAChangeOfWhatWasApprovedWithdrawsTheApproval(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		for _, digested := range []bool{true, false} {
			for _, change := range changes {
				t.Run(fmt.Sprintf("%s, digest %v", change.name, digested), func(t *testing.T) {
					a := newApprovals(t, db, testkit.Untrusted())
					m := a.before(t)
					if digested {
						m = a.ready(t)
					}
					if err := change.do(a, a.ctx, m); err != nil {
						t.Fatal(err)
					}
					if change.withdraws == "" {
						if c := a.row(t, m.id); c.Status != kind.StatusReady {
							t.Errorf("it is %s", c.Status)
						}
						a.to(t, a.ctx, m, kind.StatusSending)
						return
					}
					a.wantStatus(t, m, kind.StatusPendingApproval, change.withdraws)
					if c := a.row(t, m.id); c.ApprovedDigest != nil || c.NextSendAt != nil {
						t.Errorf("it has the digest %v and is due %v", c.ApprovedDigest, c.NextSendAt)
					}
					_, err := a.Campaigns.Update(
						a.ctx, campaign.Call{ID: m.id}, campaign.Patch{Status: new(kind.StatusSending)},
					)
					wantFault(t, err, apperr.Conflict, apperr.ReasonStatusTransition)
					if _, err := a.Campaigns.Approve(a.admin, campaign.Call{ID: m.id}, ""); err != nil {
						t.Fatal(err)
					}
					a.to(t, a.ctx, m, kind.StatusSending)
				})
			}
		}
	})
}

// TestWhoMayApproveApprovesByChanging makes the same changes as an admin and as a trusted owner.
// The campaign stays Ready and its owner can start it.
func TestWhoMayApproveApprovesByChanging(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		for _, change := range changes {
			t.Run(change.name, func(t *testing.T) {
				untrusted, trusted := newApprovals(t, db, testkit.Untrusted()), newApprovals(t, db)
				for who, by := range map[*approvals]context.Context{untrusted: untrusted.admin, trusted: trusted.ctx} {
					m := who.ready(t)
					if err := change.do(who, by, m); err != nil {
						t.Fatal(err)
					}
					who.to(t, who.ctx, m, kind.StatusSending)
				}
			})
		}
	})
}

// TestWhatAChangeDoesNotTouchKeepsItsApproval changes an email and a segment that only one of
// several campaigns uses.
func TestWhatAChangeDoesNotTouchKeepsItsApproval(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a, other := newApprovals(t, db, testkit.Untrusted()), newApprovals(t, db, testkit.Untrusted())
		changed, kept, foreign := a.ready(t), a.ready(t), other.ready(t)
		if _, err := a.Emails.Update(a.ctx, changed.email, content.Patch{Subject: new("Changed")}); err != nil {
			t.Fatal(err)
		}
		a.wantStatus(t, changed, kind.StatusPendingApproval, byTheEmail)
		a.wantStatus(t, kept, kind.StatusReady, "")
		unused := a.newSegment(t, byEmail("c"))
		if _, err := a.Segments.Update(a.ctx, unused, segment.Patch{Rules: new(byEmail("d"))}); err != nil {
			t.Fatal(err)
		}
		a.wantStatus(t, kept, kind.StatusReady, "")
		if _, err := a.Segments.Update(a.ctx, a.inner, segment.Patch{Rules: new(byEmail("d"))}); err != nil {
			t.Fatal(err)
		}
		a.wantStatus(t, kept, kind.StatusPendingApproval, byASegment)
		other.wantStatus(t, foreign, kind.StatusReady, "")
	})
}

// TestTheStartComparesWhatWasApproved changes an email directly in the database. The start is then
// rejected and the approval withdrawn, for the owner's key and for an admin's key with the scope
// delivery. For a campaign without a digest, its current content counts as approved.
func TestTheStartComparesWhatWasApproved(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a := newApprovals(t, db, testkit.Untrusted())
		for name, by := range map[string]context.Context{"owner": a.ctx, "admin": a.admin} {
			m := a.ready(t)
			a.behindTheBack(t, m.tested[0])
			_, err := a.Campaigns.Update(by, campaign.Call{ID: m.id}, campaign.Patch{Status: new(kind.StatusSending)})
			if faults := apperr.All(err); len(faults) != 1 || faults[0].Code != apperr.Conflict ||
				faults[0].Reason != apperr.ReasonApprovalWithdrawn || faults[0].Field != "status" {
				t.Errorf("%s: %v", name, describe(err))
			}
			a.wantStatus(t, m, kind.StatusPendingApproval, byTheEmail)
		}
		m := a.before(t)
		a.behindTheBack(t, m.email)
		a.to(t, a.ctx, m, kind.StatusSending)

		trusted := newApprovals(t, db)
		m = trusted.ready(t)
		trusted.behindTheBack(t, m.email)
		trusted.to(t, trusted.ctx, m, kind.StatusSending)
	})
}

// TestAChangeAndAStartInOneRequestAreRefusedTogether checks that nothing of the request is written.
func TestAChangeAndAStartInOneRequestAreRefusedTogether(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a := newApprovals(t, db, testkit.Untrusted())
		for _, m := range []mailing{a.ready(t), a.before(t)} {
			for name, patch := range map[string]campaign.Patch{
				"email": {ABTest: &campaign.ABTestPatch{}}, "audience": {Audience: &campaign.AudiencePatch{Include: new(pair(a.list, 0))}},
				"variations": {ABTest: &campaign.ABTestPatch{}},
				"resend":     {AutoResend: campaign.AutoResendPatch{Enabled: new(true), WaitDays: new(1), Subject: new("Again")}},
			} {
				if name == "email" {
					other := a.newEmail(t)
					a.behindTheBack(t, other)
					patch.EmailID = &other
				}
				before, entries := a.row(t, m.id), len(a.history(t, m.id))
				patch.Status = new(kind.StatusSending)
				_, err := a.Campaigns.Update(a.ctx, campaign.Call{ID: m.id}, patch)
				wantFault(t, err, apperr.Conflict, apperr.ReasonApprovalWithdrawn)
				a.unwritten(t, before, entries)
			}
		}
	})
}

// TestWhatIsSentOfAPausedCampaignStaysUnlessTheCallerMayApprove also checks that resuming does not
// bypass an approval.
func TestWhatIsSentOfAPausedCampaignStaysUnlessTheCallerMayApprove(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		for _, change := range changes {
			t.Run(change.name, func(t *testing.T) {
				a := newApprovals(t, db, testkit.Untrusted())
				m := a.ready(t)
				a.to(t, a.ctx, m, kind.StatusSending, kind.StatusPaused)
				before, entries := a.row(t, m.id), len(a.history(t, m.id))
				err := change.do(a, a.ctx, m)
				if change.withdraws == "" {
					if err != nil {
						t.Error(err)
					}
				} else {
					wantFault(t, err, apperr.Conflict, apperr.ReasonNotInStatus)
					a.unwritten(t, before, entries)
				}
				if err := change.do(a, a.admin, m); err != nil {
					t.Fatal(err)
				}
				a.to(t, a.ctx, m, kind.StatusReady, kind.StatusSending)
			})
		}
	})
}

func TestResumingComparesWhatWasApproved(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a := newApprovals(t, db, testkit.Untrusted())
		resumed := map[string]func(id int64) (*ent.Campaign, error){
			"resume": func(id int64) (*ent.Campaign, error) { return a.Campaigns.Resume(a.ctx, campaign.Call{ID: id}) },
			"update": func(id int64) (*ent.Campaign, error) {
				return a.must(t, a.ctx, id, campaign.Patch{Status: new(kind.StatusReady)}), nil
			},
		}
		for name, resume := range resumed {
			m := a.ready(t)
			client, ctx := a.system(t)
			a.to(t, a.ctx, m, kind.StatusSending, kind.StatusPaused)
			client.Campaign.UpdateOneID(m.id).SetTotalSent(3).ExecX(ctx)
			a.behindTheBack(t, m.email)
			if c, err := resume(m.id); err != nil || c.Status != kind.StatusPendingApproval {
				t.Fatalf("%s: %v, %v", name, c, err)
			}
			a.wantStatus(t, m, kind.StatusPendingApproval, byTheEmail)
			// The sending has begun, so the campaign can never be a Draft again.
			_, err := a.Campaigns.Update(a.ctx, campaign.Call{ID: m.id}, campaign.Patch{Status: new(kind.StatusDraft)})
			wantFault(t, err, apperr.Conflict, "already_begun")
			// After the approval the rest is due at once, although the schedule is in the past.
			client.Campaign.UpdateOneID(m.id).
				SetScheduleType(kind.ScheduleFuture).
				SetSendDate("2026-11-01").
				SetSendTime("09:00:00").
				SetSendTimeZone("UTC").
				ExecX(ctx)
			if c, err := a.Campaigns.Approve(a.admin, campaign.Call{ID: m.id}, ""); err != nil ||
				instant(c.NextSendAt) != instant(&noon) {
				t.Fatalf("%s: %v, %v", name, c, err)
			}
			a.to(t, a.ctx, m, kind.StatusSending, kind.StatusPaused)
			a.behindTheBack(t, m.tested[0])
			if _, err := resume(m.id); err != nil {
				t.Fatal(err)
			}
			if c, err := a.Campaigns.Cancel(a.ctx, campaign.Call{ID: m.id}, ""); err != nil ||
				c.Status != kind.StatusSent || c.StatusReason != campaign.ReasonCanceled {
				t.Errorf("%s: canceled it is %v, %v", name, c, err)
			}
		}
	})
}

// TestTheContentOfACampaignThatIsSendingStays checks that nobody can change the content while the
// campaign is Sending, and that callers who may approve can change it while it is Paused.
func TestTheContentOfACampaignThatIsSendingStays(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		untrusted, trusted := newApprovals(t, db, testkit.Untrusted()), newApprovals(t, db)
		for _, tt := range []struct {
			of *approvals
			by context.Context
		}{{untrusted, untrusted.ctx}, {untrusted, untrusted.admin}, {trusted, trusted.ctx}, {trusted, trusted.admin}} {
			a, m := tt.of, tt.of.ready(t)
			a.to(t, a.ctx, m, kind.StatusSending)
			for _, id := range []int64{m.email, m.tested[0], m.tested[1]} {
				before, err := a.Emails.Get(a.ctx, id)
				if err != nil {
					t.Fatal(err)
				}
				_, err = a.Emails.Update(tt.by, id, content.Patch{Subject: new("Changed")})
				wantFault(t, err, apperr.Conflict, apperr.ReasonNotInStatus)
				if !strings.Contains(err.Error(), fmt.Sprintf("campaign %d", m.id)) {
					t.Errorf("%v does not name the campaign", err)
				}
				_, err = a.Emails.Update(tt.by, id, content.Patch{OpenTracking: new(false)})
				wantFault(t, err, apperr.Conflict, apperr.ReasonNotInStatus)
				_, err = a.Emails.Delete(tt.by, []int64{id})
				wantFault(t, err, apperr.Conflict, "email_in_use")
				if !strings.Contains(err.Error(), fmt.Sprintf("campaign %d", m.id)) {
					t.Errorf("%v does not name the campaign", err)
				}
				after, err := a.Emails.Get(a.ctx, id)
				if err != nil || after.String() != before.String() {
					t.Errorf("%v, the email was written: %v", err, after)
				}
				// The name is not sent to recipients.
				if _, err := a.Emails.Update(
					tt.by, id, content.Patch{Name: new("Changed"), Subject: new("Approved")},
				); err != nil {
					t.Error(err)
				}
			}
			for field, patch := range map[string]campaign.Patch{
				"email": {EmailID: new(a.newEmail(t)), ABTest: &campaign.ABTestPatch{}}, "schedule": {Schedule: typed(kind.ScheduleNone)}, "abTest": {ABTest: &campaign.ABTestPatch{}},
				"audience": {Audience: &campaign.AudiencePatch{Include: new(pair(a.list, 0))}},
			} {
				_, err := a.Campaigns.Update(tt.by, campaign.Call{ID: m.id}, patch)
				wantFault(t, err, apperr.Conflict, apperr.ReasonNotInStatus)
				patch.Status = new(kind.StatusPaused)
				_, err = a.Campaigns.Update(tt.by, campaign.Call{ID: m.id}, patch)
				if faults := apperr.All(err); len(faults) != 1 || faults[0].Reason != apperr.ReasonNotInStatus {
					t.Errorf("%s and a pause in one request: %v", field, err)
				}
			}
			a.to(t, a.ctx, m, kind.StatusPaused)
			_, err := a.Emails.Update(tt.by, m.email, content.Patch{Subject: new("Changed")})
			if tt.by == untrusted.ctx {
				wantFault(t, err, apperr.Conflict, apperr.ReasonNotInStatus)
			} else if err != nil {
				t.Error(err)
			}
		}
	})
}

// TestSecondSendingsNeedApprovalUntilTheyAreSent changes the second sending of a campaign that is
// Sending or Sent.
func TestSecondSendingsNeedApprovalUntilTheyAreSent(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a := newApprovals(t, db, testkit.Untrusted())
		m := a.ready(t)
		again := campaign.Patch{
			AutoResend: campaign.AutoResendPatch{Enabled: new(true), WaitDays: new(1), Subject: new("Again")},
		}
		for _, status := range []kind.CampaignStatus{kind.StatusSending, kind.StatusSent} {
			a.to(t, a.ctx, m, status)
			_, err := a.Campaigns.Update(a.ctx, campaign.Call{ID: m.id}, again)
			wantFault(t, err, apperr.Conflict, apperr.ReasonNotInStatus)
		}
		a.must(t, a.admin, m.id, again)
	})
}

// TestReadyIsReachedByNoWayAroundAnApproval requests Ready from every status, as an owner who needs
// approval.
func TestReadyIsReachedByNoWayAroundAnApproval(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a := newApprovals(t, db, testkit.Untrusted())
		m := a.pending(t)
		ask := func() kind.CampaignStatus {
			return a.must(t, a.ctx, m.id, campaign.Patch{Status: new(kind.StatusReady)}).Status
		}
		want := func(when string, status kind.CampaignStatus) {
			t.Helper()
			if got := ask(); got != status {
				t.Errorf("%s it becomes %s, want %s", when, got, status)
			}
		}
		want("waiting", kind.StatusPendingApproval)
		_, err := a.Campaigns.Approve(a.ctx, campaign.Call{ID: m.id}, "")
		wantFault(t, err, apperr.Denied, "approval_required")
		a.to(t, a.ctx, m, kind.StatusDraft)
		want("a draft", kind.StatusPendingApproval)
		// A change while the campaign waits is part of what is approved.
		if _, err := a.Emails.Update(a.ctx, m.email, content.Patch{Subject: new("While it waits")}); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Campaigns.Approve(a.admin, campaign.Call{ID: m.id}, ""); err != nil {
			t.Fatal(err)
		}
		want("Ready", kind.StatusReady)
		a.to(t, a.ctx, m, kind.StatusDraft)
		if c := a.row(t, m.id); c.ApprovedDigest != nil {
			t.Error("a draft has an approval")
		}
		want("a draft again", kind.StatusPendingApproval)
		a.to(t, a.ctx, m, kind.StatusDraft)
		a.to(t, a.admin, m, kind.StatusReady) // an admin approves by making it Ready
		if c := a.row(t, m.id); c.ApprovedDigest == nil {
			t.Error("nothing is stored of what an admin made Ready")
		}
		a.to(t, a.ctx, m, kind.StatusSending, kind.StatusFailed)
		want("Failed", kind.StatusPendingApproval)
	})
}

func TestACopyIsNotApproved(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a := newApprovals(t, db, testkit.Untrusted())
		m := a.ready(t)
		for name, by := range map[string]context.Context{"owner": a.ctx, "admin": a.admin} {
			c, err := a.Campaigns.Copy(by, m.id, "", nil)
			if err != nil || c.ApprovedDigest != nil || c.Status != kind.StatusDraft {
				t.Fatalf("%s: the copy is %v, %v", name, c, err)
			}
			if got := a.must(
				t, a.ctx, c.ID, campaign.Patch{Schedule: typed(kind.ScheduleImmediate), Status: new(kind.StatusReady)},
			).Status; got != kind.StatusPendingApproval {
				t.Errorf("%s: the copy becomes %s", name, got)
			}
		}
	})
}

// TestApprovingAfterTheTimeToSendIsRefused checks the error and its reason.
func TestApprovingAfterTheTimeToSendIsRefused(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a := newApprovals(t, db, testkit.Untrusted())
		m := a.pending(t)
		a.must(t, a.ctx, m.id, campaign.Patch{Schedule: planned("2026-11-23", "12:30", "UTC")})
		a.now = noon.Add(time.Hour)
		before, entries := a.row(t, m.id), len(a.history(t, m.id))
		_, err := a.Campaigns.Approve(a.admin, campaign.Call{ID: m.id}, "")
		wantFault(t, err, apperr.Conflict, apperr.ReasonScheduleInPast)
		a.unwritten(t, before, entries)
	})
}

// TestStatementsOfAChangeDoNotGrowWithTheCampaignsItTouches changes an email and a segment that one
// campaign uses, and then one that many campaigns use.
func TestStatementsOfAChangeDoNotGrowWithTheCampaignsItTouches(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		var counts [2][2]int
		for i, n := range []int{1, 20} {
			a := newApprovals(t, db, testkit.Untrusted())
			shared := a.newEmail(t)
			share := func() {
				for range n {
					m := a.pending(t)
					a.must(t, a.ctx, m.id, campaign.Patch{EmailID: &shared, ABTest: &campaign.ABTestPatch{}})
					if _, err := a.Campaigns.Approve(a.admin, campaign.Call{ID: m.id}, ""); err != nil {
						t.Fatal(err)
					}
				}
			}
			for j, do := range []func(ctx context.Context) error{
				func(ctx context.Context) error {
					_, err := a.Emails.Update(ctx, shared, content.Patch{Subject: new("Changed")})
					return err
				},
				func(ctx context.Context) error {
					_, err := a.Segments.Update(ctx, a.inner, segment.Patch{Rules: new(byEmail("b"))})
					return err
				},
			} {
				share()
				recorder := new(store.Recorder)
				if err := do(store.WithRecorder(a.ctx, recorder)); err != nil {
					t.Fatal(err)
				}
				counts[i][j] = len(recorder.Statements())
				if waiting := a.count(t, kind.StatusPendingApproval); waiting != n*(j+1) {
					t.Errorf("%d campaigns wait for approval, want %d", waiting, n*(j+1))
				}
			}
		}
		if counts[0] != counts[1] || counts[0][0] > 20 {
			t.Errorf("one campaign costs %v statements, 20 cost %v", counts[0], counts[1])
		}
	})
}

// TestNothingIsStartedThatWasNotApproved lets an admin approve while the owner changes the email
// and starts the campaign, many times. The content of a Sending campaign must be the approved
// content.
func TestNothingIsStartedThatWasNotApproved(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a := newApprovals(t, db, testkit.Untrusted())
		started := 0
		for round := range 15 {
			m := a.pending(t)
			begin := make(chan struct{})
			var done sync.WaitGroup
			run := func(times int, do func() error) {
				done.Go(func() {
					<-begin
					for range times {
						switch err := do(); apperr.CodeOf(err) {
						case "", apperr.Conflict, apperr.Invalid:
						default:
							t.Errorf("round %d: %v", round, err)
						}
					}
				})
			}
			run(6, func() error { _, err := a.Campaigns.Approve(a.admin, campaign.Call{ID: m.id}, ""); return err })
			for i, id := range []int64{m.email, m.tested[1]} {
				run(1, func() error {
					_, err := a.Emails.Update(
						a.ctx, id, content.Patch{Subject: new(fmt.Sprint(round, i, time.Now().UnixNano()))},
					)
					return err
				})
			}
			run(1, func() error {
				_, err := a.Segments.Update(
					a.ctx, a.inner, segment.Patch{Rules: new(byEmail(fmt.Sprint(time.Now().UnixNano())))},
				)
				return err
			})
			for range 2 {
				run(12, func() error {
					_, err := a.Campaigns.Update(
						a.ctx, campaign.Call{ID: m.id}, campaign.Patch{Status: new(kind.StatusSending)},
					)
					return err
				})
			}
			close(begin)
			done.Wait()
			c := a.row(t, m.id)
			a.wantChain(t, m.id)
			if c.Status != kind.StatusSending && c.Status != kind.StatusReady {
				continue
			}
			if c.Status == kind.StatusSending {
				started++
			}
			now, err := a.campaigns.Digest(caller.System(t.Context()), c)
			if err != nil || c.ApprovedDigest == nil || *c.ApprovedDigest != now {
				t.Fatalf("round %d: %s is %v, approved was %v, %v", round, c.Status, now, c.ApprovedDigest, err)
			}
		}
		t.Logf("%d of 15 were started", started)
	})
}

// TestAChangeOfAnEmailWaitsForAStart keeps the transaction of a start open while the email is
// changed, and the other way round. The second operation must see the result of the first.
func TestAChangeOfAnEmailWaitsForAStart(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		untrusted, trusted := newApprovals(t, db, testkit.Untrusted()), newApprovals(t, db)
		for _, a := range []*approvals{untrusted, trusted} {
			start := func(ctx context.Context, m mailing) error {
				_, err := a.Campaigns.Update(
					ctx, campaign.Call{ID: m.id}, campaign.Patch{Status: new(kind.StatusSending)},
				)
				return err
			}
			edit := func(ctx context.Context, m mailing) error {
				_, err := a.Emails.Update(ctx, m.tested[0], content.Patch{Subject: new("Changed")})
				return err
			}
			behind := func(m mailing, first, second func(context.Context, mailing) error) error {
				return a.waitsFor(
					t, db, "", func(ctx context.Context) error { return first(ctx, m) },
					func() error { return second(a.ctx, m) },
				)
			}
			wantFault(t, behind(a.ready(t), start, edit), apperr.Conflict, apperr.ReasonNotInStatus)
			m := a.ready(t)
			err := behind(m, edit, start)
			if a == trusted {
				if err != nil {
					t.Error(err)
				}
				a.wantStatus(t, m, kind.StatusSending, "")
				continue
			}
			wantFault(t, err, apperr.Conflict, apperr.ReasonStatusTransition)
			a.wantStatus(t, m, kind.StatusPendingApproval, byTheEmail)
		}
	})
}
