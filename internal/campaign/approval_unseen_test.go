package campaign_test

import (
	"context"
	"testing"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/people/segment"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestNobodyApprovesWhatTheyHaveNotSeen makes each change while a campaign waits for approval. An
// approval with the version from before the change succeeds only if approved content did not
// change.
func TestNobodyApprovesWhatTheyHaveNotSeen(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		for _, change := range changes {
			t.Run(change.name, func(t *testing.T) {
				for _, name := range []string{"owner", "admin"} {
					a := newApprovals(t, db, testkit.Untrusted())
					m, by := a.pending(t), a.ctx
					if name == "admin" {
						by = a.admin
					}
					seen, entries := a.row(t, m.id), len(a.history(t, m.id))
					if err := change.do(a, by, m); err != nil {
						t.Fatal(err)
					}
					a.wantChain(t, m.id)
					now := a.row(t, m.id)
					if change.withdraws != "" &&
						(now.Version != seen.Version+1 || len(a.history(t, m.id)) != entries+1) {
						t.Errorf(
							"%s: version %d follows %d, with %d entries more", name, now.Version, seen.Version,
							len(a.history(t, m.id))-entries,
						)
					}
					_, err := a.Campaigns.Approve(a.admin, campaign.Call{ID: m.id, ExpectedVersion: &seen.Version}, "")
					if now.Version == seen.Version {
						if err != nil {
							t.Errorf("%s: %v", name, err)
						}
						continue
					}
					wantFault(t, err, apperr.Precondition, apperr.ReasonStaleVersion)
					if now.Status != kind.StatusPendingApproval || now.StatusReason != seen.StatusReason {
						t.Errorf("%s: it is %s %q", name, now.Status, now.StatusReason)
					}
					call := campaign.Call{ID: m.id, ExpectedVersion: &now.Version}
					if _, err := a.Campaigns.Approve(a.admin, call, ""); err != nil {
						t.Errorf("%s: %v", name, err)
					}
				}
			})
		}
	})
}

// TestAChangeUnderWayIsSeenByACampaignThatBeginsToWait keeps the transaction of a change open while
// the campaign changes to Pending Approval.
func TestAChangeUnderWayIsSeenByACampaignThatBeginsToWait(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := testkit.Open(t, address)
		a := newApprovals(t, db, testkit.Untrusted())
		for name, edit := range map[string]func(ctx context.Context, m mailing) error{
			"email": func(ctx context.Context, m mailing) error {
				_, err := a.Emails.Update(ctx, m.tested[0], content.Patch{Subject: new("Changed")})
				return err
			},
			"segment": func(ctx context.Context, _ mailing) error {
				_, err := a.Segments.Update(ctx, a.inner, segment.Patch{Rules: new(byEmail("z"))})
				return err
			},
		} {
			m := a.pending(t)
			a.to(t, a.ctx, m, kind.StatusDraft)
			a.must(t, a.ctx, m.id, campaign.Patch{Schedule: typed(kind.ScheduleImmediate)})
			err := a.waitsFor(t, db, name, func(ctx context.Context) error { return edit(ctx, m) }, func() error {
				_, err := a.Campaigns.Update(
					a.ctx, campaign.Call{ID: m.id}, campaign.Patch{Status: new(kind.StatusReady)},
				)
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestARefusedStartWritesNothingElse starts a campaign whose content differs from the approved
// content, and changes other fields in the same request.
func TestARefusedStartWritesNothingElse(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a := newApprovals(t, db, testkit.Untrusted())
		for name, by := range map[string]context.Context{"owner": a.ctx, "admin": a.admin} {
			m := a.ready(t)
			before := a.row(t, m.id)
			a.behindTheBack(t, m.email)
			_, err := a.Campaigns.Update(by, campaign.Call{ID: m.id}, campaign.Patch{
				Status:       new(kind.StatusSending),
				StatusReason: new("Go"),
				Name:         new("Changed"),
				PublishOnRSS: new(true),
				Schedule: planned(
					"2026-12-01", "09:00", "UTC",
				),
				AutoResend: campaign.AutoResendPatch{Preheader: new("Changed")},
			})
			wantFault(t, err, apperr.Conflict, apperr.ReasonApprovalWithdrawn)
			a.wantStatus(t, m, kind.StatusPendingApproval, byTheEmail)
			after := a.row(t, m.id)
			entries := a.history(t, m.id)
			if last := entries[len(entries)-1]; last.Fields != "status" {
				t.Errorf("%s: the history tells of %s", name, last.Fields)
			}
			if after.NextSendAt != nil {
				t.Errorf("%s: it is due %v", name, after.NextSendAt)
			}
			if unlike(before, after) {
				t.Errorf("%s: it is\n%v\nbefore\n%v", name, after, before)
			}
		}
	})
}

// unlike reports whether the campaigns differ in more than the status and the columns that depend
// on it.
func unlike(before, after *ent.Campaign) bool {
	a, b := *before, *after
	for _, c := range []*ent.Campaign{&a, &b} {
		c.Status, c.StatusRank, c.StatusReason, c.Version, c.ApprovedDigest, c.NextSendAt = "", 0, "", 0, nil, nil
		c.LastActivityAt = a.LastActivityAt
	}
	return a.String() != b.String()
}

// TestOnlyAKeyThatMayApproveApprovesByChanging changes the content of another account's campaign
// with an admin's key that lacks the scope approve.
func TestOnlyAKeyThatMayApproveApprovesByChanging(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		scoped := testkit.Account(
			t, db, testkit.Admin(), testkit.Scoped(kind.ScopeRead, kind.ScopeWrite, kind.ScopeAdmin),
		)
		admin := testkit.As(t, scoped)
		for _, change := range changes {
			if change.withdraws == "" {
				continue
			}
			t.Run(change.name, func(t *testing.T) {
				a := newApprovals(t, db, testkit.Untrusted())
				m := a.ready(t)
				if err := change.do(a, admin, m); err != nil {
					t.Fatal(err)
				}
				a.wantStatus(t, m, kind.StatusPendingApproval, change.withdraws)
				_, err := a.Campaigns.Approve(admin, campaign.Call{ID: m.id}, "")
				wantFault(t, err, apperr.Denied, "")
				a = newApprovals(t, db, testkit.Untrusted())
				m = a.ready(t)
				a.to(t, a.ctx, m, kind.StatusSending, kind.StatusPaused)
				wantFault(t, change.do(a, admin, m), apperr.Conflict, apperr.ReasonNotInStatus)
			})
		}
		a := newApprovals(t, db, testkit.Untrusted())
		m := a.pending(t)
		a.to(t, a.ctx, m, kind.StatusDraft)
		patch := campaign.Patch{Schedule: typed(kind.ScheduleImmediate), Status: new(kind.StatusReady)}
		if c := a.must(t, admin, m.id, patch); c.Status != kind.StatusPendingApproval || c.ApprovedDigest != nil {
			t.Errorf("a key that may not approve makes it %s, approved is %v", c.Status, c.ApprovedDigest)
		}
		// The caller's own campaign needs no approval.
		own := newApprovals(t, db, testkit.Scoped(kind.ScopeRead, kind.ScopeWrite))
		m = own.ready(t)
		if _, err := own.Emails.Update(own.ctx, m.email, content.Patch{Subject: new("Changed")}); err != nil {
			t.Fatal(err)
		}
		own.to(t, own.ctx, m, kind.StatusSending)
	})
}

// TestAnEmailThatIsSentASecondTimeStays checks that the email of a Sent campaign with a second
// sending cannot change, unless the caller may approve.
func TestAnEmailThatIsSentASecondTimeStays(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a := newApprovals(t, db, testkit.Untrusted())
		for _, again := range []bool{true, false} {
			m := a.ready(t)
			if again {
				a.must(t, a.admin, m.id, campaign.Patch{
					AutoResend: campaign.AutoResendPatch{Enabled: new(true), WaitDays: new(1), Subject: new("Again")},
				})
			}
			a.to(t, a.ctx, m, kind.StatusSending)
			a.to(t, a.admin, m, kind.StatusSent)
			edit := func(ctx context.Context, id int64, subject string) error {
				_, err := a.Emails.Update(ctx, id, content.Patch{Subject: &subject})
				return err
			}
			before, entries := a.row(t, m.id), len(a.history(t, m.id))
			for _, id := range []int64{m.email, m.tested[0]} {
				if err := edit(a.ctx, id, "Changed"); again {
					wantFault(t, err, apperr.Conflict, apperr.ReasonNotInStatus)
					a.unwritten(t, before, entries)
				} else if err != nil {
					t.Error(err)
				}
				if err := edit(a.ctx, id, "Approved"); err != nil && again {
					t.Errorf("what it is already: %v", err)
				}
				if err := edit(a.admin, id, "By an admin"); err != nil {
					t.Error(err)
				}
			}
		}
	})
}
