package campaign_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/ent/campaignchange"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/query"
	"campaignql/internal/caller"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// noon is the current time in the tests: a Monday.
var noon = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

// unknownID is an id that no row has.
const unknownID = int64(1) << 40

// fixture is an account with the services under test and their clock.
type fixture struct {
	db        *store.Store
	campaigns *campaign.Service
	now       time.Time
	owner     caller.Identity
	ctx       context.Context
}

func newFixture(t *testing.T, db *store.Store, opts ...testkit.AccountOption) *fixture {
	t.Helper()
	f := &fixture{db: db, now: noon}
	clock := func() time.Time { return f.now }
	f.campaigns = campaign.New(
		db, content.New(db, content.Options{Now: clock}),
		campaign.Options{Now: clock, CheckAudience: query.New(db, query.Options{Now: clock}).Check},
	)
	f.owner = testkit.Account(t, db, opts...)
	f.ctx = testkit.As(t, f.owner)
	return f
}

// system returns the client and the context of the server itself.
func (f *fixture) system(t *testing.T) (*ent.Client, context.Context) {
	ctx := caller.System(t.Context())
	return f.db.Client(ctx), ctx
}

func (f *fixture) create(t *testing.T, name string) *ent.Campaign {
	t.Helper()
	c, err := f.campaigns.Create(f.ctx, name, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// at creates a campaign in a status without the checks of the service. set may change more columns.
func (f *fixture) at(t *testing.T, status kind.CampaignStatus, set ...func(*ent.CampaignUpdateOne)) *ent.Campaign {
	t.Helper()
	c := f.create(t, "At "+status.Legacy())
	client, ctx := f.system(t)
	update := client.Campaign.UpdateOneID(c.ID).SetStatus(status).SetStatusRank(status.Rank())
	for _, change := range set {
		change(update)
	}
	c, err := update.Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// begun marks a campaign as partly sent.
func begun(u *ent.CampaignUpdateOne) { u.SetTotalSent(3) }

func (f *fixture) email(t *testing.T, owner caller.Identity, subject string) *ent.Email {
	t.Helper()
	client, ctx := f.system(t)
	e, err := client.Email.Create().SetUserID(owner.UserID).SetName("Mail").SetNameKey("mail").
		SetSubject(subject).SetSubjectKey(kind.Fold(subject, 1000)).SetFromEmail("me@example.com").
		SetPlain("Hello %Link:Unsubscribe%").SetCreatedAt(noon).SetUpdatedAt(noon).Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (f *fixture) tag(t *testing.T, owner caller.Identity, name string, campaigns ...int64) int64 {
	t.Helper()
	client, ctx := f.system(t)
	made, err := client.Tag.Create().
		SetUserID(owner.UserID).
		SetName(name).
		SetNameKey(kind.Fold(name, 200)).
		SetCreatedAt(noon).
		Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range campaigns {
		if err := client.CampaignTag.Create().
			SetUserID(owner.UserID).
			SetCampaignID(id).
			SetTagID(made.ID).
			Exec(ctx); err != nil {
			t.Fatal(err)
		}
	}
	return made.ID
}

func (f *fixture) list(t *testing.T, owner caller.Identity) int64 {
	t.Helper()
	client, ctx := f.system(t)
	made, err := client.SubscriberList.Create().
		SetUserID(owner.UserID).
		SetName("List").
		SetNameKey("list").
		SetCreatedAt(noon).
		Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

func (f *fixture) segment(t *testing.T, owner caller.Identity, list int64) int64 {
	t.Helper()
	client, ctx := f.system(t)
	made, err := client.Segment.Create().
		SetUserID(owner.UserID).
		SetListID(list).
		SetName("Segment").
		SetNameKey("segment").
		SetRules(`{"operator":"and","rules":[]}`).
		SetCreatedAt(noon).
		SetUpdatedAt(noon).
		Save(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return made.ID
}

// update changes a campaign and must succeed.
func (f *fixture) update(t *testing.T, id int64, patch campaign.Patch) *ent.Campaign {
	t.Helper()
	updated, err := f.campaigns.Update(f.ctx, campaign.Call{ID: id}, patch)
	if err != nil {
		t.Fatalf("update: %v", err)
	}
	return updated.Campaign
}

// row reads a campaign with the rights of the server.
func (f *fixture) row(t *testing.T, id int64) *ent.Campaign {
	t.Helper()
	client, ctx := f.system(t)
	c, err := client.Campaign.Query().Where(entcampaign.ID(id)).Only(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// history returns the whole history of a campaign, oldest first.
func (f *fixture) history(t *testing.T, id int64) []*ent.CampaignChange {
	t.Helper()
	client, ctx := f.system(t)
	rows, err := client.CampaignChange.Query().
		Where(campaignchange.CampaignID(id)).
		Order(campaignchange.ByVersion()).
		All(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// unwritten fails the test if the campaign or its history has changed.
func (f *fixture) unwritten(t *testing.T, before *ent.Campaign, entries int) {
	t.Helper()
	if after := f.row(t, before.ID); after.String() != before.String() {
		t.Errorf("the campaign was written:\n%v\nbefore:\n%v", after, before)
	}
	if n := len(f.history(t, before.ID)); n != entries {
		t.Errorf("the history has %d entries, want %d", n, entries)
	}
}

// wantFault fails the test unless err has exactly one fault, with this code and reason.
func wantFault(t *testing.T, err error, code apperr.Code, reason apperr.Reason) {
	t.Helper()
	faults := apperr.All(err)
	if len(faults) != 1 || faults[0].Code != code || faults[0].Reason != reason {
		t.Fatalf("got %v, want one fault %s %q", describe(err), code, reason)
	}
}

// describe lists the faults of an error, each as its code and reason.
func describe(err error) []string {
	if err == nil {
		return nil
	}
	var out []string
	for _, fault := range apperr.All(err) {
		out = append(out, string(fault.Code)+" "+string(fault.Reason))
	}
	if out == nil {
		return []string{err.Error()}
	}
	return out
}

func instant(at *time.Time) string {
	if at == nil {
		return ""
	}
	return at.UTC().Format(time.RFC3339)
}

func sorted(ids []int64) []int64 { return slices.Sorted(slices.Values(ids)) }

// recorded records the statements of one call.
type recorded struct{ store.Recorder }

func (r *recorded) ctx(p *population) context.Context {
	return store.WithRecorder(p.fixture.ctx, &r.Recorder)
}
