package campaign_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/internal/app"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/people/segment"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// approvals is an account that needs approval, and an admin, with everything that a campaign of the
// account uses.
type approvals struct {
	*fixture
	*app.Services
	admin context.Context
	// list has two segments. One of them names the other.
	list, outer, inner int64
}

func newApprovals(t *testing.T, db *store.Store, opts ...testkit.AccountOption) *approvals {
	t.Helper()
	f := newFixture(t, db, opts...)
	a := &approvals{
		fixture: f, Services: app.NewServices(db, app.ServiceOptions{Now: f.campaigns.Now}),
		admin: testkit.As(t, testkit.Account(t, db, testkit.Admin())),
	}
	a.list = f.list(t, f.owner)
	a.inner = a.newSegment(t, byEmail("a"))
	a.outer = a.newSegment(t, fmt.Sprintf(`[{"type":"segments","operator":"belongs to","value":%d}]`, a.inner))
	return a
}

// byEmail returns the rules of a segment.
func byEmail(prefix string) string {
	return fmt.Sprintf(`[{"type":"fields","field_id":"email","operator":"begins with","value":%q}]`, prefix)
}

func (a *approvals) newSegment(t *testing.T, rules string) int64 {
	t.Helper()
	made, err := a.Segments.Create(a.ctx, segment.Input{ListID: a.list, Name: "S", Rules: rules}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func (a *approvals) newEmail(t *testing.T) int64 {
	t.Helper()
	e, err := a.Emails.Create(a.ctx, content.Patch{
		Name: new(
			"N",
		),
		Subject:   new("Approved"),
		FromEmail: new("me@example.com"),
		HTML:      new("<p>Approved</p>"),
		Plain:     new("Approved"),
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return e.ID
}

// mailing is a campaign with its email and the two emails of its A/B test.
type mailing struct {
	id, email int64
	tested    [2]int64
}

// pending creates a campaign that waits for approval, or is Ready if its owner needs none.
func (a *approvals) pending(t *testing.T) mailing {
	t.Helper()
	email := a.newEmail(t)
	m := mailing{id: a.create(t, "C").ID, email: email, tested: [2]int64{email, a.newEmail(t)}}
	test := campaign.ABTest{
		TestSize: new(10), TestDuration: new(1), Winner: campaign.WinnerByOpens,
		Variations: []campaign.ABVariation{{EmailID: m.tested[0], Weight: 1}, {EmailID: m.tested[1], Weight: 1}},
	}
	a.must(t, a.ctx, m.id, campaign.Patch{
		Schedule: typed(kind.ScheduleImmediate), ABTest: &campaign.ABTestPatch{Test: &test},
		Audience: &campaign.AudiencePatch{Include: new(pair(a.list, a.outer))}, Status: new(kind.StatusReady),
	})
	return m
}

// ready creates a campaign that an admin has approved.
func (a *approvals) ready(t *testing.T) mailing {
	t.Helper()
	m := a.pending(t)
	if a.row(t, m.id).Status == kind.StatusPendingApproval {
		if _, err := a.Campaigns.Approve(a.admin, campaign.Call{ID: m.id}, ""); err != nil {
			t.Fatal(err)
		}
	}
	a.wantStatus(t, m, kind.StatusReady, "")
	return m
}

// before creates a campaign that was Ready before digests were introduced.
func (a *approvals) before(t *testing.T) mailing {
	t.Helper()
	m := a.ready(t)
	client, ctx := a.system(t)
	client.Campaign.UpdateOneID(m.id).ClearApprovedDigest().ExecX(ctx)
	return m
}

func (a *approvals) must(t *testing.T, ctx context.Context, id int64, patch campaign.Patch) *ent.Campaign {
	t.Helper()
	updated, err := a.Campaigns.Update(ctx, campaign.Call{ID: id}, patch)
	if err != nil {
		t.Fatal(err)
	}
	return updated.Campaign
}

// to moves a campaign of the account through the statuses.
func (a *approvals) to(t *testing.T, ctx context.Context, m mailing, statuses ...kind.CampaignStatus) {
	t.Helper()
	for _, status := range statuses {
		if got := a.must(t, ctx, m.id, campaign.Patch{Status: &status}).Status; got != status {
			t.Fatalf("it is %s, want %s", got, status)
		}
	}
}

func (a *approvals) wantStatus(t *testing.T, m mailing, status kind.CampaignStatus, reason string) {
	t.Helper()
	c := a.row(t, m.id)
	entries := a.wantChain(t, m.id)
	if last := entries[len(entries)-1]; c.Status != status || c.StatusReason != reason || last.ToStatus != status ||
		last.Reason != reason {
		t.Errorf(
			"it is %s %q, its history ends with %s %q; want %s %q", c.Status, c.StatusReason, last.ToStatus,
			last.Reason, status, reason,
		)
	}
}

// behindTheBack changes an email without any checks, as another program with access to the database
// could.
func (a *approvals) behindTheBack(t *testing.T, emailID int64) {
	t.Helper()
	client, ctx := a.system(t)
	client.Email.UpdateOneID(emailID).SetSubject("Not approved").ExecX(ctx)
}

// change is an operation on a campaign or on what it uses.
type change struct {
	name string
	do   func(a *approvals, ctx context.Context, m mailing) error
	// withdraws is the reason of the withdrawn approval, or "" if an approval does not cover the
	// change.
	withdraws string
}

func ofEmail(name, withdraws string, patch content.Patch) change {
	return change{name, func(a *approvals, ctx context.Context, m mailing) error {
		_, err := a.Emails.Update(ctx, m.email, patch)
		return err
	}, withdraws}
}

func ofCampaign(name, withdraws string, patch func(a *approvals, m mailing) campaign.Patch) change {
	return change{name, func(a *approvals, ctx context.Context, m mailing) error {
		_, err := a.Campaigns.Update(ctx, campaign.Call{ID: m.id}, patch(a, m))
		return err
	}, withdraws}
}

func ofSegment(name, withdraws string, id func(a *approvals) int64, patch func(a *approvals) segment.Patch) change {
	return change{name, func(a *approvals, ctx context.Context, _ mailing) error {
		_, err := a.Segments.Update(ctx, id(a), patch(a))
		return err
	}, withdraws}
}

const (
	byTheEmail    = "approval withdrawn: the email changed"
	byTheAudience = "approval withdrawn: the audience changed"
	byASegment    = "approval withdrawn: a segment changed"
	byTheResend   = "approval withdrawn: the second sending changed"
)

func inner(a *approvals) int64 { return a.inner }
func outer(a *approvals) int64 { return a.outer }

// changes are all ways to change the content or the audience, and some that change neither.
var changes = []change{
	ofEmail("subject", byTheEmail, content.Patch{Subject: new("Changed")}),
	ofEmail("preheader", byTheEmail, content.Patch{Preheader: new("Changed")}),
	ofEmail("sender's name", byTheEmail, content.Patch{FromName: new("Changed")}),
	ofEmail("sender's address", byTheEmail, content.Patch{FromEmail: new("changed@example.com")}),
	ofEmail("reply name", byTheEmail, content.Patch{ReplyToName: new("Changed")}),
	ofEmail("reply address", byTheEmail, content.Patch{ReplyToEmail: new("changed@example.com")}),
	ofEmail("HTML", byTheEmail, content.Patch{HTML: new("<p>Changed</p>")}),
	ofEmail("plain text", byTheEmail, content.Patch{Plain: new("Changed")}),
	{"email of a variation", func(a *approvals, ctx context.Context, m mailing) error {
		_, err := a.Emails.Update(ctx, m.tested[1], content.Patch{HTML: new("<p>Changed</p>")})
		return err
	}, byTheEmail},
	ofEmail("name of the email", "", content.Patch{Name: new("Changed")}),
	ofEmail("subject to what it is", "", content.Patch{Subject: new("Approved"), HTML: new("<p>Approved</p>")}),
	ofEmail("tracking", "", content.Patch{LinkTracking: new(false)}),
	ofCampaign(
		"no A/B test", byTheEmail,
		func(*approvals, mailing) campaign.Patch { return campaign.Patch{ABTest: &campaign.ABTestPatch{}} },
	),
	ofCampaign("all people of the list", byTheAudience, func(a *approvals, _ mailing) campaign.Patch {
		return campaign.Patch{Audience: &campaign.AudiencePatch{Include: new(pair(a.list, 0))}}
	}),
	ofCampaign("an exclusion", byTheAudience, func(a *approvals, _ mailing) campaign.Patch {
		return campaign.Patch{Audience: &campaign.AudiencePatch{Exclude: new(pair(a.list, a.inner))}}
	}),
	ofCampaign("the audience in other words", "", func(a *approvals, _ mailing) campaign.Patch {
		return campaign.Patch{Audience: &campaign.AudiencePatch{Include: new(" " + pair(a.list, a.outer) + " ,")}}
	}),
	ofCampaign("a second sending", byTheResend, func(*approvals, mailing) campaign.Patch {
		return campaign.Patch{
			AutoResend: campaign.AutoResendPatch{Enabled: new(true), WaitDays: new(1), Subject: new("Again")},
		}
	}),
	ofCampaign(
		"name of the campaign", "",
		func(*approvals, mailing) campaign.Patch { return campaign.Patch{Name: new("Changed")} },
	),
	ofCampaign("schedule", "", func(*approvals, mailing) campaign.Patch {
		return campaign.Patch{Schedule: planned("2026-12-01", "09:00", "UTC")}
	}),
	ofSegment(
		"rules of the segment", byASegment, outer,
		func(*approvals) segment.Patch { return segment.Patch{Rules: new(byEmail("b"))} },
	),
	ofSegment(
		"rules of the segment that it names", byASegment, inner,
		func(*approvals) segment.Patch { return segment.Patch{Rules: new("")} },
	),
	ofSegment(
		"name of the segment", "", inner, func(*approvals) segment.Patch { return segment.Patch{Name: new("Changed")} },
	),
	ofSegment(
		"rules of the segment to what they are", "", inner,
		func(*approvals) segment.Patch { return segment.Patch{Rules: new(byEmail("a"))} },
	),
	{"members of the list", func(a *approvals, ctx context.Context, _ mailing) error {
		who, err := caller.From(a.ctx)
		if err != nil {
			return err
		}
		_, err = a.Subscribers.Add(
			caller.With(ctx, who),
			subscriber.Addition{ListID: a.list, Rows: []subscriber.Row{{Email: "a@example.com"}}}, nil,
		)
		return err
	}, ""},
}

// waitsFor keeps the transaction of first open while second is called. second must wait for it.
// waitsFor returns the error of second.
func (a *approvals) waitsFor(
	t *testing.T, db *store.Store, name string, first func(context.Context) error, second func() error,
) error {
	t.Helper()
	done := make(chan error, 1)
	if err := db.Tx(a.ctx, func(ctx context.Context) error {
		if err := first(ctx); err != nil {
			return err
		}
		go func() { done <- second() }()
		select {
		case err := <-done:
			t.Errorf("%s: it did not wait: %v", name, err)
			done <- err
		case <-time.After(200 * time.Millisecond):
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return <-done
}

// count counts the campaigns of the account in a status.
func (a *approvals) count(t *testing.T, status kind.CampaignStatus) int {
	t.Helper()
	client, ctx := a.system(t)
	return client.Campaign.Query().Where(entcampaign.UserID(a.owner.UserID), entcampaign.StatusEQ(status)).CountX(ctx)
}
