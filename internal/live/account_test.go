package live_test

import (
	"fmt"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaignchange"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/live"
	"campaignql/internal/store"
)

// moves changes the status of a campaign as the rules do, with an entry in the history.
func (f *fixture) moves(t *testing.T, c *ent.Campaign, to kind.CampaignStatus) {
	t.Helper()
	from := c.Status
	f.set(t, c.ID, func(u *ent.CampaignUpdate) { u.SetStatus(to).SetStatusRank(to.Rank()).AddVersion(1) })
	c.Status, c.Version = to, c.Version+1
	err := f.db.Client(f.ctx).
		CampaignChange.Create().
		SetUserID(c.UserID).
		SetCampaignID(c.ID).
		SetVersion(c.Version).
		SetAction(campaignchange.ActionUpdate).
		SetActorID(c.UserID).
		SetSurface(kind.SurfaceGraphQL).
		SetFromStatus(from).
		SetToStatus(to).
		SetAt(store.Now()).
		Exec(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) watchAccount(t *testing.T) *live.Watch {
	t.Helper()
	w, err := f.Watch(f.ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

func TestAccountIsFollowedInWhatIsSentAndWhatChangesStatus(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		f, other := newFixture(t, db, live.Options{}), newFixture(t, db, live.Options{})
		sending, draft, moved := f.campaign(
			t, kind.StatusSending,
		), f.campaign(
			t, kind.StatusDraft,
		), f.campaign(t, kind.StatusDraft)
		f.moves(t, moved, kind.StatusReady) // before the watch begins
		theirs := other.campaign(t, kind.StatusSending)
		w := f.watchAccount(t)
		if got := next(t, w); got.ID != sending.ID {
			t.Errorf("began with %v", got)
		}
		nothing(t, w)

		other.sent(t, theirs.ID, 1)
		f.set(t, draft.ID, func(u *ent.CampaignUpdate) { u.AddVersion(1).SetName("Renamed") })
		draft.Version++
		nothing(t, w)

		f.sent(t, sending.ID, 5)
		if got := next(t, w); got.ID != sending.ID || got.TotalSent != 5 {
			t.Errorf("told of %v", got)
		}
		f.moves(t, draft, kind.StatusReady)
		if got := next(t, w); got.ID != draft.ID || got.Status != kind.StatusReady {
			t.Errorf("told of %v", got)
		}
		nothing(t, w)
		// Also without an entry in the history.
		f.set(
			t, sending.ID,
			func(u *ent.CampaignUpdate) { u.SetStatus(kind.StatusSent).SetStatusRank(kind.StatusSent.Rank()) },
		)
		if got := next(t, w); got.ID != sending.ID || got.Status != kind.StatusSent {
			t.Errorf("told of %v", got)
		}
		// A deletion is told also of a campaign that is not followed any more.
		for _, gone := range []int64{sending.ID, draft.ID} {
			f.delete(t, gone)
			if got := because(t, w, gone); got != live.CauseDeleted {
				t.Errorf("told of %d because of %s", gone, got)
			}
		}
		nothing(t, w)
		again := f.campaign(t, kind.StatusSending)
		if got := next(t, w); got.ID != again.ID {
			t.Errorf("told of %v", got)
		}
	})
}

func TestAccountWithManyIsFollowedInTheLatest(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, live.Options{})
		var rows []*ent.CampaignCreate
		for i := range live.MaxCampaigns + 10 {
			rows = append(
				rows,
				db.Client(f.ctx).
					Campaign.Create().
					SetUserID(f.owner.UserID).
					SetName(fmt.Sprint(i)).
					SetNameKey(fmt.Sprint(i)).
					SetStatus(kind.StatusSending).
					SetStatusRank(kind.StatusSending.Rank()).
					SetCreatedAt(store.Now()).
					SetLastActivityAt(store.Now()),
			)
		}
		made, err := db.Client(f.ctx).Campaign.CreateBulk(rows...).Save(f.ctx)
		if err != nil {
			t.Fatal(err)
		}
		w := f.watchAccount(t)
		told := map[int64]bool{}
		for range live.MaxCampaigns {
			told[next(t, w).ID] = true
		}
		nothing(t, w)
		if len(told) != live.MaxCampaigns || told[made[9].ID] || !told[made[10].ID] {
			t.Errorf("told of %d campaigns", len(told))
		}
	})
}

// TestOneStatementReadsForAllWhoWatch counts the statements of one poll: one for the campaigns, and
// one more for all accounts that are followed.
func TestOneStatementReadsForAllWhoWatch(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		f, other := newFixture(t, db, live.Options{Interval: time.Hour}), newFixture(t, db, live.Options{})
		for _, owner := range []*fixture{f, other} {
			for range 3 {
				owner.campaign(t, kind.StatusSending)
			}
		}
		named := f.campaign(t, kind.StatusDraft)
		var watches []*live.Watch
		for _, owner := range []*fixture{f, other, f, other} {
			w, err := f.Watch(owner.ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer w.Close()
			watches = append(watches, w)
		}
		watches = append(watches, f.watch(t, named.ID))
		recorder := new(store.Recorder)
		if err := f.Look(store.WithRecorder(caller.System(t.Context()), recorder), watches); err != nil {
			t.Fatal(err)
		}
		if n := len(recorder.Statements()); n != 2 {
			t.Errorf("%d statements: %v", n, recorder.Statements())
		}
	})
}
