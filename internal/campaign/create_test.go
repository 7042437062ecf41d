package campaign_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"campaignql/ent"
	"campaignql/ent/campaigntag"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestCreateKeepsAnAcceptableName(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for _, tt := range []struct{ name, given, want string }{
			{"plain", "Summer Sale", "Summer Sale"},
			{"trimmed", " \t Summer\u00a0Sale \n", "Summer\u00a0Sale"},
			{"250 characters of four bytes", strings.Repeat("😀", 250), strings.Repeat("😀", 250)},
			{"250 characters that grow when folded", strings.Repeat("ﷺ", 250), strings.Repeat("ﷺ", 250)},
			{"250 characters within blanks", "  " + strings.Repeat("ü", 250) + "  ", strings.Repeat("ü", 250)},
			{"invalid UTF-8 is replaced", "caf\xe9", "caf\uFFFD"},
			{"NUL is replaced", "a\x00b", "a\uFFFDb"},
		} {
			c := f.create(t, tt.given)
			if c.Name != tt.want || f.row(t, c.ID).Name != tt.want {
				t.Errorf("%s: the name is %q, want %q", tt.name, c.Name, tt.want)
			}
		}
	})
}

func TestCreateRefusesANameThatIsBlankOrTooLong(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		for given, reason := range map[string]apperr.Reason{
			"":                        apperr.ReasonNameRequired,
			" \t\n\u00a0\u3000":       apperr.ReasonNameRequired,
			strings.Repeat("a", 251):  apperr.ReasonNameTooLong,
			strings.Repeat("ü", 251):  apperr.ReasonNameTooLong,
			strings.Repeat("a", 9999): apperr.ReasonNameTooLong,
		} {
			_, err := f.campaigns.Create(f.ctx, given, nil)
			wantFault(t, err, apperr.Invalid, reason)
		}
		if n, err := f.campaigns.Count(f.ctx, campaign.Filter{}); n != 0 || err != nil {
			t.Errorf("%d campaigns were made, %v", n, err)
		}
	})
}

func TestCreateMakesADraftWithItsFirstEntry(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "Same name")
		want := &ent.Campaign{
			ID:             c.ID,
			UserID:         f.owner.UserID,
			Name:           "Same name",
			NameKey:        "same name",
			Status:         kind.StatusDraft,
			StatusRank:     kind.StatusDraft.Rank(),
			Version:        1,
			ScheduleType:   kind.ScheduleNone,
			CreatedAt:      noon,
			LastActivityAt: noon,
		}
		if diff := cmp.Diff(
			want, f.row(t, c.ID), cmpopts.IgnoreUnexported(ent.Campaign{}, ent.CampaignEdges{}),
		); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		entries := f.history(t, c.ID)
		if len(entries) != 1 || entries[0].Action != "create" || entries[0].FromStatus != nil ||
			entries[0].ToStatus != kind.StatusDraft ||
			entries[0].Version != 1 {
			t.Errorf("the history is %v", entries)
		}
		if again := f.create(t, "Same name"); again.ID == c.ID {
			t.Error("a name that is taken made no campaign of its own")
		}
	})
}

func TestCreateWithAnIdempotencyKeyAnswersTheFirstResultForADay(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		key := "k1"
		first, err := f.campaigns.Create(f.ctx, "Once", &key)
		if err != nil {
			t.Fatal(err)
		}
		again, err := f.campaigns.Create(f.ctx, "  Once ", &key)
		if err != nil || again.ID != first.ID {
			t.Fatalf("got %v, %v, want the first campaign", again, err)
		}
		_, err = f.campaigns.Create(f.ctx, "Another", &key)
		wantFault(t, err, apperr.Invalid, "idempotency_key_reused")
		f.now = noon.Add(25 * time.Hour)
		if later, err := f.campaigns.Create(f.ctx, "Once", &key); err != nil || later.ID == first.ID {
			t.Errorf("a day later: got %v, %v, want another campaign", later, err)
		}
	})
}

func TestCreateNeedsTheScopeWrite(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, testkit.Scoped(kind.ScopeRead, kind.ScopeDelivery, kind.ScopeApprove))
		call := campaign.Call{ID: unknownID}
		for name, do := range map[string]func() error{
			"Create":  func() error { _, err := f.campaigns.Create(f.ctx, "A", nil); return err },
			"Copy":    func() error { _, err := f.campaigns.Copy(f.ctx, unknownID, "", nil); return err },
			"Update":  func() error { _, err := f.campaigns.Update(f.ctx, call, campaign.Patch{}); return err },
			"Approve": func() error { _, err := f.campaigns.Approve(f.ctx, call, ""); return err },
			"Pause":   func() error { _, err := f.campaigns.Pause(f.ctx, call, ""); return err },
			"Resume":  func() error { _, err := f.campaigns.Resume(f.ctx, call); return err },
			"Cancel":  func() error { _, err := f.campaigns.Cancel(f.ctx, call, ""); return err },
			"Delete":  func() error { _, err := f.campaigns.Delete(f.ctx, []int64{unknownID}); return err },
		} {
			if code := apperr.CodeOf(do()); code != apperr.Denied {
				t.Errorf("%s: got %q, want Denied", name, code)
			}
		}
	})
}

// original creates a campaign with all settings.
func (f *fixture) original(t *testing.T) *ent.Campaign {
	t.Helper()
	email, other := f.email(t, f.owner, "Sale"), f.email(t, f.owner, "Other")
	list := f.list(t, f.owner)
	c := f.create(t, "Original")
	f.update(t, c.ID, campaign.Patch{
		EmailID: &email.ID,
		Schedule: &campaign.SchedulePatch{
			Type: new(kind.ScheduleFuture), Date: new("2026-12-24"), Time: new("18:00"), Zone: new("Europe/Berlin"),
		},
		Audience: &campaign.AudiencePatch{
			Rules: new(rules(list, `{"type":"fields","field_id":"EmailAddress","operator":"contains","value":"a"}`)),
		},
		ABTest: &campaign.ABTestPatch{Test: &campaign.ABTest{
			TestSize:     new(20),
			TestDuration: new(4),
			Winner:       campaign.WinnerByOpens,
			Variations:   []campaign.ABVariation{{email.ID, 1}, {other.ID, 3}},
		}},
		AutoResend: campaign.AutoResendPatch{
			Enabled: new(true), WaitDays: new(3), Subject: new("Again"), Preheader: new("Still"),
		},
		ApprovalExplanation: new(
			"They asked",
		),
		GoogleAnalyticsDomains: new("example.com"),
		PublishOnRSS:           new(true),
		S2SEnabled:             new(true),
	})
	client, ctx := f.system(t)
	err := client.Campaign.UpdateOneID(c.ID).
		SetStatus(kind.StatusSent).
		SetStatusRank(kind.StatusSent.Rank()).
		SetStatusReason("Canceled").
		SetTotalRecipients(9).
		SetTotalSent(8).
		SetTotalFailed(1).
		SetTotalDelivered(7).
		SetTotalOpens(5).
		SetUniqueOpens(4).
		SetTotalClicks(3).
		SetUniqueClicks(2).
		SetTotalHardBounces(1).
		SetTotalComplaints(1).
		SetSentInstances(1).
		SetSendingStartedAt(noon).
		SetSendingFinishedAt(noon).
		Exec(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return f.row(t, c.ID)
}

func TestCopyTakesEverySettingButScheduleAndStatistics(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		source := f.original(t)
		tags := []int64{f.tag(t, f.owner, "One", source.ID), f.tag(t, f.owner, "Two", source.ID)}
		entries := len(f.history(t, source.ID))
		f.now = noon.Add(time.Hour)

		c, err := f.campaigns.Copy(f.ctx, source.ID, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		test, err := campaign.ParseABTest(c.AbTest)
		if err != nil {
			t.Fatal(err)
		}
		before, err := campaign.ParseABTest(source.AbTest)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range test.Variations {
			if v.EmailID == before.Variations[0].EmailID || v.EmailID == before.Variations[1].EmailID {
				t.Errorf("variation %d of the copy has email %d of the original", i, v.EmailID)
			}
			before.Variations[i].EmailID = v.EmailID
		}
		copied, err := before.Encode()
		if err != nil {
			t.Fatal(err)
		}
		want := &ent.Campaign{
			ID:                     c.ID,
			UserID:                 f.owner.UserID,
			Name:                   "Original",
			NameKey:                "original",
			Status:                 kind.StatusDraft,
			StatusRank:             kind.StatusDraft.Rank(),
			Version:                1,
			ScheduleType:           kind.ScheduleNone,
			ApprovalExplanation:    "They asked",
			GoogleAnalyticsDomains: "example.com",
			PublishOnRss:           true,
			S2sEnabled:             true,
			AutoResendEnabled:      true,
			AutoResendWaitDays:     3,
			AutoResendSubject:      "Again",
			AutoResendPreheader:    "Still",
			Audience:               source.Audience,
			AudienceSource:         source.AudienceSource,
			HasAudience:            true,
			AbTest:                 copied,
			CreatedAt:              f.now,
			LastActivityAt:         f.now,
		}
		if diff := cmp.Diff(
			want, f.row(t, c.ID), cmpopts.IgnoreUnexported(ent.Campaign{}, ent.CampaignEdges{}),
		); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		client, ctx := f.system(t)
		var carried []int64
		for _, row := range client.CampaignTag.Query().Where(campaigntag.CampaignID(c.ID)).AllX(ctx) {
			carried = append(carried, row.TagID)
		}
		if diff := cmp.Diff(tags, sorted(carried)); diff != "" {
			t.Errorf("tags: -want +got\n%s", diff)
		}
		if mail := client.Email.GetX(ctx, campaign.ContentOf(c)[0]); mail.Subject != "Sale" || mail.UserID != f.owner.UserID {
			t.Errorf("the copied email is %v", mail)
		}
		if made := f.history(t, c.ID); len(made) != 1 || made[0].Action != "copy" || made[0].FromStatus != nil {
			t.Errorf("the history of the copy is %v", made)
		}
		f.unwritten(t, source, entries)
	})
}

func TestCopyTakesListsAndAnotherName(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		source := f.create(t, "Lists")
		list := f.list(t, f.owner)
		f.update(
			t, source.ID,
			campaign.Patch{
				Audience: &campaign.AudiencePatch{
					Include: new(pair(list, 0)), Exclude: new(pair(list, f.segment(t, f.owner, list))),
				},
			},
		)
		before := f.row(t, source.ID)
		key := "copy"
		c, err := f.campaigns.Copy(f.ctx, source.ID, " Second ", &key)
		if err != nil {
			t.Fatal(err)
		}
		if c.Name != "Second" || c.NameKey != "second" || c.EmailID != nil ||
			c.RecipientLists != before.RecipientLists ||
			c.ExcludedLists != before.ExcludedLists ||
			!c.HasAudience {
			t.Errorf("the copy is %v", c)
		}
		if again, err := f.campaigns.Copy(f.ctx, source.ID, "Second", &key); err != nil || again.ID != c.ID {
			t.Errorf("the same key: got %v, %v, want the first copy", again, err)
		}
		_, err = f.campaigns.Copy(f.ctx, source.ID, " ", nil)
		wantFault(t, err, apperr.Invalid, apperr.ReasonNameRequired)
		_, err = f.campaigns.Copy(f.ctx, unknownID, "", nil)
		wantFault(t, err, apperr.NotFound, "campaign_not_found")
	})
}

func TestCopyByAnAdminStaysWithTheOwner(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		source := f.original(t)
		f.tag(t, f.owner, "One", source.ID)
		admin := testkit.Account(t, db, testkit.Admin())
		c, err := f.campaigns.Copy(testkit.As(t, admin), source.ID, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		client, ctx := f.system(t)
		owners := []int64{
			c.UserID, client.Email.GetX(ctx, campaign.ContentOf(c)[1]).UserID,
			client.CampaignTag.Query().Where(campaigntag.CampaignID(c.ID)).OnlyX(ctx).UserID,
			f.history(t, c.ID)[0].UserID,
		}
		for i, owner := range owners {
			if owner != f.owner.UserID {
				t.Errorf("part %d of the copy is owned by %d, want %d", i, owner, f.owner.UserID)
			}
		}
		if actor := f.history(t, c.ID)[0].ActorID; actor != admin.UserID {
			t.Errorf("the history names %d, want the admin", actor)
		}
	})
}
