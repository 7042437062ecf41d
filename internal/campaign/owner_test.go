package campaign_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/content"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestZonesOfOwnersAreForThoseWhoSeeThem(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		s := campaign.New(db, content.New(db, content.Options{}), campaign.Options{})
		berlin, tokyo := testkit.Account(
			t, db, testkit.InZone("Europe/Berlin"),
		), testkit.Account(
			t, db, testkit.InZone("Asia/Tokyo"),
		)
		admin := testkit.Account(t, db, testkit.Admin())
		ids := []int64{berlin.UserID, tokyo.UserID, -1}
		got, err := s.Zones(testkit.As(t, admin), ids)
		if diff := cmp.Diff(
			map[int64]string{berlin.UserID: "Europe/Berlin", tokyo.UserID: "Asia/Tokyo"}, got,
		); diff != "" || err != nil {
			t.Errorf("an admin: %v (-want +got):\n%s", err, diff)
		}
		got, err = s.Zones(testkit.As(t, berlin), ids)
		if diff := cmp.Diff(map[int64]string{berlin.UserID: "Europe/Berlin"}, got); diff != "" || err != nil {
			t.Errorf("a user: %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestAKeyThatMayOnlyWriteCreatesAndCopies(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		s := campaign.New(db, content.New(db, content.Options{}), campaign.Options{})
		ctx := testkit.As(t, testkit.Account(t, db, testkit.Scoped(kind.ScopeWrite)))
		made, err := s.Create(ctx, "A", nil)
		if err != nil {
			t.Fatal(err)
		}
		if copied, err := s.Copy(ctx, made.ID, "", nil); err != nil || copied.Name != "A" {
			t.Errorf("copy: %v, %v", copied, err)
		}
	})
}

// reasonsOf lists the reasons of the faults of an error, in order.
func reasonsOf(err error) []apperr.Reason {
	var out []apperr.Reason
	for _, fault := range apperr.All(err) {
		out = append(out, fault.Reason)
	}
	return out
}

func TestFaultsThatTheSurfaceFoundAreReportedInTheirPlace(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		emails := content.New(db, content.Options{})
		s := campaign.New(db, emails, campaign.Options{})
		ctx := testkit.As(t, testkit.Account(t, db))
		c, err := s.Create(ctx, "A", nil)
		if err != nil {
			t.Fatal(err)
		}
		mine, err := emails.Create(ctx, content.Patch{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := emails.Create(testkit.As(t, testkit.Account(t, db)), content.Patch{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		name, found := "B", apperr.InvalidField("x", "found_by_surface", "bad")
		test := func(emails ...int64) *campaign.ABTest {
			t := &campaign.ABTest{}
			for _, id := range emails {
				t.Variations = append(t.Variations, campaign.ABVariation{EmailID: id})
			}
			return t
		}
		for _, tc := range []struct {
			name  string
			patch campaign.Patch
			want  []apperr.Reason
		}{
			{"beside the rules", campaign.Patch{Name: &name, Status: new(kind.CampaignStatus), Err: found}, []apperr.Reason{apperr.ReasonStatusInvalid, "found_by_surface"}},
			{"alone", campaign.Patch{Name: &name, Err: found}, []apperr.Reason{"found_by_surface"}},
			{"a test without anything readable", campaign.Patch{ABTest: &campaign.ABTestPatch{Err: found}}, []apperr.Reason{"found_by_surface"}},
			{"after a foreign email", campaign.Patch{ABTest: &campaign.ABTestPatch{Test: test(mine.ID, theirs.ID), Err: found}}, []apperr.Reason{apperr.ReasonABTestEmailNotFound, "found_by_surface"}},
			{"after the number of variations", campaign.Patch{ABTest: &campaign.ABTestPatch{Test: test(mine.ID), Err: found}}, []apperr.Reason{apperr.ReasonABTestTooFewVariations, "found_by_surface"}},
			{"an email that is missing is the surface's to tell", campaign.Patch{ABTest: &campaign.ABTestPatch{Test: test(mine.ID, 0), Err: found}}, []apperr.Reason{"found_by_surface"}},
			{"the same email twice is told before the share", campaign.Patch{ABTest: &campaign.ABTestPatch{Test: test(mine.ID, mine.ID)}}, []apperr.Reason{apperr.ReasonABTestValue}},
		} {
			_, err := s.Update(ctx, campaign.Call{ID: c.ID}, tc.patch)
			if diff := cmp.Diff(tc.want, reasonsOf(err)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tc.name, diff)
			}
		}
		if after, err := s.Get(ctx, c.ID); err != nil || after.Name != "A" || after.Version != c.Version {
			t.Errorf("the campaign was written: %v, %v", after, err)
		}
	})
}
