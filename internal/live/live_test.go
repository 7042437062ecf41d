package live_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaign"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/live"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

const (
	// often is the poll interval of the tests, shorter than the half second of the default.
	often = 20 * time.Millisecond
	// patience is the timeout for an update; a test that waits longer fails.
	patience = 20 * time.Second
	// quiet is how long a test waits to see that no update arrives: many intervals.
	quiet = 15 * often
)

// keys is a Follow for accounts whose keys are valid until revoked is closed.
type keys struct {
	revoked chan struct{}
	open    atomic.Int64
}

func (k *keys) follow(caller.Identity) (ended <-chan struct{}, stop func()) {
	k.open.Add(1)
	return k.revoked, sync.OnceFunc(func() { k.open.Add(-1) })
}

// fixture is a service, and an account whose campaigns are watched.
type fixture struct {
	*live.Service
	db    *store.Store
	keys  *keys
	owner caller.Identity
	ctx   context.Context
}

func newFixture(t *testing.T, db *store.Store, opts live.Options) *fixture {
	t.Helper()
	if opts.Interval == 0 {
		opts.Interval = often
	}
	f := &fixture{db: db, keys: &keys{revoked: make(chan struct{})}, owner: testkit.Account(t, db)}
	f.ctx = testkit.As(t, f.owner)
	f.Service = live.New(db, f.keys.follow, opts)
	return f
}

func (f *fixture) campaign(t *testing.T, status kind.CampaignStatus) *ent.Campaign {
	t.Helper()
	c, err := f.db.Client(f.ctx).
		Campaign.Create().
		SetName("News").
		SetNameKey("news").
		SetStatus(status).
		SetStatusRank(status.Rank()).
		SetCreatedAt(store.Now()).
		SetLastActivityAt(store.Now()).
		Save(f.ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// set changes a campaign without the rules, as another server would.
func (f *fixture) set(t *testing.T, id int64, change func(*ent.CampaignUpdate)) {
	t.Helper()
	u := f.db.Client(f.ctx).Campaign.Update().Where(campaign.ID(id))
	change(u)
	if err := u.Exec(f.ctx); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) sent(t *testing.T, id, n int64) {
	t.Helper()
	f.set(t, id, func(u *ent.CampaignUpdate) { u.SetTotalSent(n) })
}

func (f *fixture) delete(t *testing.T, id int64) {
	t.Helper()
	if err := f.db.Client(f.ctx).Campaign.DeleteOneID(id).Exec(f.ctx); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) watch(t *testing.T, ids ...int64) *live.Watch {
	t.Helper()
	w, err := f.Watch(f.ctx, ids)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Close)
	return w
}

// next waits for an update.
func next(t *testing.T, w *live.Watch) *ent.Campaign {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, err := w.Next(ctx)
	if err != nil || got == nil || got.Campaign == nil || got.ID != got.Campaign.ID {
		t.Fatalf("got %v, %v, want a state", got, err)
	}
	return got.Campaign
}

// because waits for an update and returns its cause.
func because(t *testing.T, w *live.Watch, id int64) live.Cause {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	got, err := w.Next(ctx)
	if err != nil || got == nil || got.ID != id || (got.Campaign == nil) != (got.Cause == live.CauseDeleted) {
		t.Fatalf("got %v, %v, want an update of %d", got, err, id)
	}
	return got.Cause
}

// nothing fails the test if an update arrives.
func nothing(t *testing.T, w *live.Watch) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), quiet)
	defer cancel()
	if row, err := w.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v, want nothing", row, err)
	}
}

func each(t *testing.T, test func(t *testing.T, db *store.Store)) {
	t.Helper()
	t.Parallel()
	testkit.Each(t, test)
}

func TestWatchTellsThePresentAndThenEveryChange(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, live.Options{})
		c := f.campaign(t, kind.StatusDraft)
		w := f.watch(t, c.ID)
		if got := next(t, w); got.ID != c.ID || got.Status != kind.StatusDraft || got.Name != "News" {
			t.Errorf("began with %v", got)
		}
		nothing(t, w)
		now := store.Now().Add(time.Hour)
		for _, tt := range []struct {
			name   string
			change func(*ent.CampaignUpdate)
		}{
			{"status", func(u *ent.CampaignUpdate) { u.SetStatus(kind.StatusSending).SetStatusRank(kind.StatusSending.Rank()) }},
			{"reason", func(u *ent.CampaignUpdate) { u.SetStatusReason("why not") }},
			{"version", func(u *ent.CampaignUpdate) { u.AddVersion(1) }},
			{"start", func(u *ent.CampaignUpdate) { u.SetSendingStartedAt(now) }},
			{"end", func(u *ent.CampaignUpdate) { u.SetSendingFinishedAt(now) }},
			{"next sending", func(u *ent.CampaignUpdate) { u.SetNextSendAt(now) }},
			{"instances", func(u *ent.CampaignUpdate) { u.SetSentInstances(2) }},
			{"activity", func(u *ent.CampaignUpdate) { u.SetLastActivityAt(now) }},
			{"end taken off", func(u *ent.CampaignUpdate) { u.ClearSendingFinishedAt() }},
		} {
			f.set(t, c.ID, tt.change)
			if got := next(t, w); got.ID != c.ID {
				t.Errorf("%s: told of %v", tt.name, got)
			}
			nothing(t, w)
		}
	})
}

// TestEveryCounterIsWatched changes each counter of the schema, so that a new counter cannot be
// forgotten.
func TestEveryCounterIsWatched(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, live.Options{})
		c := f.campaign(t, kind.StatusSending)
		w := f.watch(t, c.ID)
		next(t, w)
		counters := 0
		for _, column := range campaign.Columns {
			if !strings.HasPrefix(column, "total_") && !strings.HasPrefix(column, "unique_") && !strings.HasPrefix(column, "automated_") &&
				column != campaign.FieldConversionAmount &&
				column != campaign.FieldBenchmarkEmailsPerSecond {
				continue
			}
			counters++
			if _, err := db.Pools()[0].ExecContext(
				t.Context(), fmt.Sprintf("UPDATE campaigns SET %s = 7 WHERE id = %d", column, c.ID),
			); err != nil {
				t.Fatal(err)
			}
			row := next(t, w)
			if got := fmt.Sprint(row); !strings.Contains(got, column+"=7") {
				t.Errorf("%s is not told: %s", column, got)
			}
		}
		if counters != 21 {
			t.Errorf("%d counters were tried", counters)
		}
	})
}

func TestWhoReadsSlowlyGetsTheLatestOfEachCampaign(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, live.Options{})
		a, b, last := f.campaign(
			t, kind.StatusSending,
		), f.campaign(
			t, kind.StatusSending,
		), f.campaign(t, kind.StatusSending)
		slow, fast := f.watch(t, a.ID, b.ID), f.watch(t, a.ID, b.ID, last.ID)
		for range 3 {
			next(t, fast)
		}
		for n := range int64(5) {
			f.sent(t, a.ID, n+1)
			if got := next(t, fast); got.ID != a.ID || got.TotalSent != n+1 {
				t.Fatalf("the fast reader was told %v", got)
			}
		}
		f.sent(t, b.ID, 9)
		if got := next(t, fast); got.ID != b.ID || got.TotalSent != 9 {
			t.Fatalf("the fast reader was told %v", got)
		}
		// After the update for this change, every watch has received all earlier changes.
		f.sent(t, last.ID, 1)
		next(t, fast)
		for _, want := range []struct{ id, sent int64 }{{a.ID, 5}, {b.ID, 9}} {
			if got := next(t, slow); got.ID != want.id || got.TotalSent != want.sent {
				t.Errorf("the slow reader was told %v, want %v", got, want)
			}
		}
		nothing(t, slow)
	})
}

// TestNobodyIsToldMoreThanTwiceASecond changes a campaign a hundred times per second, with a clock
// that advances only while all goroutines wait.
func TestNobodyIsToldMoreThanTwiceASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t, testkit.Open(t, "sqlite::memory:"), live.Options{Interval: live.MinInterval})
		c := f.campaign(t, kind.StatusSending)
		w := f.watch(t, c.ID)
		next(t, w)
		begin := time.Now()
		var sending sync.WaitGroup
		sending.Go(func() {
			for n := range int64(1000) {
				f.sent(t, c.ID, n+1)
				time.Sleep(10 * time.Millisecond)
			}
		})
		var last time.Time
		updates := 0
		for row := next(t, w); ; row = next(t, w) {
			updates++
			if gap := time.Since(last); gap < 500*time.Millisecond {
				t.Errorf("update %d came %s after the one before", updates, gap)
			}
			if last = time.Now(); row.TotalSent == 1000 {
				break
			}
		}
		sending.Wait()
		if passed := last.Sub(begin); updates < 18 || updates > 2*int(passed.Seconds()+1) {
			t.Errorf("%d updates in %s", updates, passed)
		}
		w.Close()
		time.Sleep(time.Second) // the poller ends
	})
}

func TestDeletedCampaignIsToldAndTheLastEndsTheWatch(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, live.Options{})
		a, b := f.campaign(t, kind.StatusDraft), f.campaign(t, kind.StatusDraft)
		w := f.watch(t, a.ID, b.ID)
		next(t, w)
		next(t, w)
		f.delete(t, a.ID)
		if got := because(t, w, a.ID); got != live.CauseDeleted {
			t.Errorf("told of %d because of %s", a.ID, got)
		}
		nothing(t, w)
		f.sent(t, b.ID, 1)
		if got := next(t, w); got.ID != b.ID {
			t.Errorf("told of %v", got)
		}
		f.delete(t, b.ID)
		if got := because(t, w, b.ID); got != live.CauseDeleted {
			t.Errorf("told of %d because of %s", b.ID, got)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if row, err := w.Next(ctx); row != nil || err != nil {
			t.Errorf("got %v, %v, want the end", row, err)
		}
	})
}

func TestCauseOfAnUpdateIsTold(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, live.Options{})
		c, last := f.campaign(t, kind.StatusDraft), f.campaign(t, kind.StatusDraft)
		w, slow := f.watch(t, c.ID), f.watch(t, c.ID)
		want := func(w *live.Watch, want live.Cause) {
			t.Helper()
			if got := because(t, w, c.ID); got != want {
				t.Errorf("told because of %s, want %s", got, want)
			}
		}
		count := func(u *ent.CampaignUpdate) { u.AddTotalSent(1) }
		rename := func(u *ent.CampaignUpdate) { u.SetName("Other").AddVersion(1) }
		send := func(u *ent.CampaignUpdate) {
			u.SetStatus(kind.StatusSending).SetStatusRank(kind.StatusSending.Rank()).AddVersion(1)
		}
		want(w, live.CauseSnapshot)
		f.set(t, c.ID, count)
		want(w, live.CauseCounters)
		want(slow, live.CauseSnapshot) // the first state, whatever has happened since
		for _, step := range []struct {
			change func(*ent.CampaignUpdate)
			want   live.Cause
		}{
			{count, live.CauseCounters}, {rename, live.CauseFields}, {send, live.CauseStatus}, {count, live.CauseCounters},
		} {
			f.set(t, c.ID, step.change)
			want(w, step.want)
		}
		// After the update for this change, every watch has received all earlier changes.
		marker := f.watch(t, last.ID)
		next(t, marker)
		f.sent(t, last.ID, 1)
		next(t, marker)
		want(slow, live.CauseStatus) // the strongest of those between
		f.delete(t, c.ID)
		want(w, live.CauseDeleted)
		want(slow, live.CauseDeleted)
	})
}

func TestEndOfAKeyEndsTheWatch(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, live.Options{})
		c := f.campaign(t, kind.StatusDraft)
		w := f.watch(t, c.ID)
		next(t, w)
		close(f.keys.revoked)
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		if row, err := w.Next(ctx); row != nil || apperr.CodeOf(err) != apperr.Unauthenticated {
			t.Errorf("got %v, %v", row, err)
		}
		if n, followed := f.Open(), f.keys.open.Load(); n != 0 || followed != 0 {
			t.Errorf("%d watches are open, %d callers followed", n, followed)
		}
	})
}

// TestPanicWhileLookingEndsNothing checks that a panic in a poll does not end the server, which
// recovers only panics in requests.
func TestPanicWhileLookingEndsNothing(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		var panics atomic.Bool
		f := newFixture(t, db, live.Options{Log: slog.New(slog.DiscardHandler), Now: func() time.Time {
			if panics.CompareAndSwap(true, false) {
				panic("a fault of the program")
			}
			return store.Now()
		}})
		c := f.campaign(t, kind.StatusSending)
		w, account := f.watch(t, c.ID), f.watchAccount(t) // the clock is read only for watches of accounts
		next(t, w)
		next(t, account)
		panics.Store(true)
		for deadline := time.Now().Add(patience); panics.Load(); time.Sleep(often) {
			if time.Now().After(deadline) {
				t.Fatal("nothing panicked")
			}
		}
		f.sent(t, c.ID, 1)
		if got := next(t, w); got.TotalSent != 1 {
			t.Errorf("told of %v", got)
		}
	})
}

func TestWhatAnotherAccountHasIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		f, other := newFixture(t, db, live.Options{}), newFixture(t, db, live.Options{})
		mine, theirs := f.campaign(t, kind.StatusDraft), other.campaign(t, kind.StatusDraft)
		var texts []string
		for _, id := range []int64{theirs.ID, 1 << 40} {
			_, err := f.Watch(f.ctx, []int64{mine.ID, id})
			if apperr.CodeOf(err) != apperr.NotFound {
				t.Errorf("%d: %v", id, err)
			}
			texts = append(texts, fmt.Sprintf("%#v", apperr.All(err)[0].Error()))
		}
		if texts[0] != texts[1] || f.Open() != 0 {
			t.Errorf("%q, %d open", texts, f.Open())
		}
		admin := testkit.As(t, testkit.Account(t, db, testkit.Admin()))
		w, err := f.Watch(admin, []int64{theirs.ID})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		next(t, w)
		other.sent(t, theirs.ID, 3)
		if got := next(t, w); got.TotalSent != 3 {
			t.Errorf("an admin was told %v", got)
		}
	})
}

func TestWatchesOfAnAccountAreLimited(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, live.Options{PerAccount: 2})
		c := f.campaign(t, kind.StatusDraft)
		first := f.watch(t, c.ID)
		f.watch(t, c.ID)
		if _, err := f.Watch(f.ctx, []int64{c.ID}); apperr.CodeOf(err) != apperr.Limited {
			t.Errorf("the third: %v", err)
		}
		other := newFixture(t, db, live.Options{})
		w, err := f.Watch(other.ctx, nil)
		if err != nil {
			t.Fatalf("another account: %v", err)
		}
		w.Close()
		first.Close()
		first.Close()
		f.watch(t, c.ID)
		if n := f.Open(); n != 2 {
			t.Errorf("%d are open", n)
		}
	})
}

func TestIDsAreChecked(t *testing.T) {
	each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db, live.Options{})
		for _, ids := range [][]int64{{}, make([]int64, live.MaxCampaigns+1)} {
			if _, err := f.Watch(f.ctx, ids); apperr.CodeOf(err) != apperr.Invalid {
				t.Errorf("%d ids: %v", len(ids), err)
			}
		}
		_, err := f.Watch(testkit.As(t, testkit.Account(t, db, testkit.Scoped(kind.ScopeWrite))), nil)
		if apperr.CodeOf(err) != apperr.Denied {
			t.Errorf("without the scope: %v", err)
		}
	})
}

func TestPollerRunsWhileSomebodyWatches(t *testing.T) {
	t.Parallel()
	db := testkit.Engines()[0].Shared(t)
	f := newFixture(t, db, live.Options{})
	c := f.campaign(t, kind.StatusDraft)
	for range 3 {
		w, err := f.Watch(f.ctx, []int64{c.ID})
		if err != nil {
			t.Fatal(err)
		}
		next(t, w)
		f.set(t, c.ID, func(u *ent.CampaignUpdate) { u.AddVersion(1) })
		next(t, w)
		if !f.Polling() {
			t.Error("updates come, and no poller runs")
		}
		w.Close()
		for deadline := time.Now().Add(patience); f.Polling() && time.Now().Before(deadline); {
			time.Sleep(often)
		}
		if f.Polling() {
			t.Fatal("a poller runs for nobody")
		}
	}
}
