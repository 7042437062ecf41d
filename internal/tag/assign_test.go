package tag_test

import (
	"context"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	entag "campaignql/ent/tag"
	"campaignql/internal/apperr"
	"campaignql/internal/store"
	"campaignql/internal/tag"
	"campaignql/internal/testkit"
)

func TestAssignTwiceIsSuccessWithoutDuplicates(t *testing.T) {
	each(t, func(f fixture) {
		id, campaigns := f.tag("a"), f.campaigns(3)
		for _, some := range [][]int64{campaigns[:2], campaigns, {campaigns[0], campaigns[0], campaigns[0]}} {
			want := min(len(some), len(campaigns))
			if some[0] == some[1] {
				want = 1
			}
			if n, err := f.Assign(f.ctx, id, some); err != nil || n != want {
				f.t.Errorf("assigned %d, %v, want %d", n, err, want)
			}
		}
		counts, err := f.CampaignCounts(f.ctx, []int64{id})
		if diff := cmp.Diff(map[int64]int{id: 3}, counts); err != nil || diff != "" {
			f.t.Error(err, diff)
		}
	})
}

func TestAssignLeavesOutCampaignsOfOthers(t *testing.T) {
	each(t, func(f fixture) {
		id, own, theirs := f.tag("a"), f.campaigns(1), f.other().campaigns(1)
		mixed := []int64{theirs[0], own[0], 1 << 60, -3}
		if n, err := f.Assign(f.ctx, id, mixed); err != nil || n != 1 {
			f.t.Errorf("assigned %d, %v", n, err)
		}
		if n, err := f.Assign(f.ctx, id, nil); err != nil || n != 0 {
			f.t.Errorf("assigned %d to no campaigns, %v", n, err)
		}
		if n, err := f.Unassign(f.ctx, id, mixed); err != nil || n != 1 {
			f.t.Errorf("unassigned %d, %v", n, err)
		}
		if n, err := f.Unassign(f.ctx, id, mixed); err != nil || n != 0 {
			f.t.Errorf("unassigned %d the second time, %v", n, err)
		}
	})
}

func TestAssignManyIsAllOrNothing(t *testing.T) {
	each(t, func(f fixture) {
		tags, own, theirs := f.tags("b", "a"), f.campaigns(2), f.other().campaigns(1)
		const unknown = 1 << 60
		for label, campaign := range map[string]int64{"another account's": theirs[0], "unknown": unknown} {
			if _, err := f.AssignMany(
				f.ctx, append([]int64{campaign}, own...), tags,
			); fault(err) != "not_found campaign_not_found campaignIds" {
				f.t.Errorf("%s campaign: %v", label, err)
			}
		}
		if _, err := f.AssignMany(
			f.ctx, own, append([]int64{unknown}, tags...),
		); fault(err) != "not_found tag_not_found tagIds" {
			f.t.Errorf("unknown tag: %v", err)
		}
		if got := f.carried(own[0]); got != "" {
			f.t.Errorf("a failed call left %q", got)
		}
		if n, err := f.AssignMany(f.ctx, own, tags); err != nil || n != 2 {
			f.t.Errorf("assigned %d, %v", n, err)
		}
		if got := f.carried(own[1]); got != "a,b" {
			f.t.Errorf("carries %q", got)
		}
		if _, err := f.UnassignMany(
			f.ctx, append([]int64{unknown}, own...), tags,
		); fault(err) != "not_found campaign_not_found campaignIds" {
			f.t.Errorf("unassign of an unknown campaign: %v", err)
		}
		if n, err := f.UnassignMany(f.ctx, own, tags[:1]); err != nil || n != 2 {
			f.t.Errorf("unassigned %d, %v", n, err)
		}
		if got := f.carried(own[1]); got != "a" {
			f.t.Errorf("carries %q", got)
		}
	})
}

func TestAssignBoundsItsWork(t *testing.T) {
	each(t, func(f fixture) {
		many := make([]int64, 100_001)
		for i := range many {
			many[i] = int64(i)
		}
		n, err := statements(f.ctx, func(ctx context.Context) error { return second(f.Assign(ctx, 1, many)) })
		if fault(err) != "invalid too_many_ids campaignIds" || n != 0 {
			f.t.Errorf("%d statements, %v", n, err)
		}
		if _, err := f.AssignMany(f.ctx, many[:1000], many[:101]); fault(err) != "invalid too_many_ids campaignIds" {
			f.t.Error(err)
		}
	})
}

func TestAdminKeepsAccountsApart(t *testing.T) {
	each(t, func(f fixture) {
		stranger := f.other()
		mine, theirs := f.tag("a"), stranger.tag("a")
		own, other := f.campaigns(1), stranger.campaigns(1)
		admin := testkit.As(f.t, testkit.Account(f.t, f.db, testkit.Admin()))
		if n, err := f.Assign(admin, mine, append(other, own...)); err != nil || n != 1 {
			f.t.Errorf("assigned %d, %v", n, err)
		}
		if _, err := f.AssignMany(admin, own, []int64{mine, theirs}); fault(err) != "not_found tag_not_found tagIds" {
			f.t.Errorf("tags of two accounts: %v", err)
		}
		if _, err := f.AssignMany(
			admin, other, []int64{mine},
		); fault(err) != "not_found campaign_not_found campaignIds" {
			f.t.Errorf("tag and campaign of two accounts: %v", err)
		}
		if got := f.carried(own[0]); got != "a" {
			f.t.Errorf("the owner sees %q after the admin's assignment", got)
		}
		seen, err := f.ByCampaigns(admin, append(other, own...))
		if err != nil || len(seen) != 1 {
			f.t.Errorf("the admin sees %v, %v", seen, err)
		}
	})
}

func TestAssignAgainstDeleteLeavesNoOrphans(t *testing.T) {
	each(t, func(f fixture) {
		for range 5 {
			id, campaigns := f.tag("short-lived"), f.campaigns(5)
			var wg sync.WaitGroup
			for _, campaign := range campaigns {
				wg.Go(func() {
					if _, err := f.Assign(f.ctx, id, []int64{campaign}); err != nil &&
						apperr.CodeOf(err) != apperr.NotFound {
						f.t.Error(err)
					}
				})
			}
			wg.Go(func() {
				if _, err := f.Delete(f.ctx, []int64{id}); err != nil {
					f.t.Error(err)
				}
			})
			wg.Wait()
		}
		if n, err := f.db.Client(f.ctx).CampaignTag.Query().Count(f.ctx); err != nil || n != 0 {
			f.t.Errorf("%d taggings without a tag, %v", n, err)
		}
	})
}

func TestByCampaignsSortsAndSelects(t *testing.T) {
	each(t, func(f fixture) {
		tags, campaigns := f.tags("beta", "Alpha", "gamma"), f.campaigns(3)
		if _, err := f.AssignMany(f.ctx, campaigns[:1], tags); err != nil {
			f.t.Fatal(err)
		}
		if _, err := f.AssignMany(f.ctx, campaigns[1:2], tags[:1]); err != nil {
			f.t.Fatal(err)
		}
		full, err := f.ByCampaigns(f.ctx, campaigns)
		if err != nil {
			f.t.Fatal(err)
		}
		if len(full) != 2 || names(full[campaigns[0]]) != "Alpha,beta,gamma" || names(full[campaigns[1]]) != "beta" {
			f.t.Errorf("got %v", full)
		}
		beta := full[campaigns[1]][0]
		if beta.ID != tags[0] || beta.NameKey != "beta" || !beta.CreatedAt.Equal(made) || beta.UserID == 0 {
			f.t.Errorf("all columns: %+v", beta)
		}
		if full[campaigns[0]][1] != beta {
			f.t.Error("campaigns do not share the tag")
		}
		slim, err := f.ByCampaigns(f.ctx, campaigns[1:], entag.FieldName)
		if err != nil {
			f.t.Fatal(err)
		}
		got := slim[campaigns[1]][0]
		if got.ID != tags[0] || got.Name != "beta" || got.NameKey != "" || !got.CreatedAt.IsZero() {
			f.t.Errorf("only the name: %+v", got)
		}
		byID, err := f.ByIDs(f.ctx, []int64{tags[1], 1 << 60}, entag.FieldName)
		if err != nil || len(byID) != 1 || byID[tags[1]].Name != "Alpha" || byID[tags[1]].ID != tags[1] {
			f.t.Errorf("by ids: %v, %v", byID, err)
		}
	})
}

func TestStatementsDoNotGrowWithRows(t *testing.T) {
	each(t, func(f fixture) {
		tags, campaigns := f.tags("a", "b", "c"), f.campaigns(50)
		if _, err := f.AssignMany(f.ctx, campaigns, tags); err != nil {
			f.t.Fatal(err)
		}
		calls := map[string]struct {
			want int
			run  func(ctx context.Context, n int) error
		}{
			"by campaigns": {
				1, func(ctx context.Context, n int) error { return second(f.ByCampaigns(ctx, campaigns[:n])) },
			},
			"counts": {
				1, func(ctx context.Context, n int) error { return second(f.CampaignCounts(ctx, tags[:min(n, 3)])) },
			},
			"by ids": {
				1, func(ctx context.Context, n int) error { return second(f.ByIDs(ctx, tags[:min(n, 3)])) },
			},
			"all": {1, func(ctx context.Context, _ int) error { return second(f.All(ctx)) }},
			"assign": {
				3, func(ctx context.Context, n int) error { return second(f.AssignMany(ctx, campaigns[:n], tags)) },
			},
			"unassign": {
				3,
				func(ctx context.Context, n int) error { return second(f.UnassignMany(ctx, campaigns[:n], tags[:1])) },
			},
		}
		for label, call := range calls {
			for _, rows := range []int{1, 50} {
				n, err := statements(f.ctx, func(ctx context.Context) error { return call.run(ctx, rows) })
				if err != nil || n != call.want {
					f.t.Errorf("%s of %d rows: %d statements, %v, want %d", label, rows, n, err, call.want)
				}
			}
		}
	})
}

func BenchmarkByCampaigns(b *testing.B) {
	db, err := store.Open(b.Context(), "sqlite:"+b.TempDir()+"/bench.db", store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := db.Migrate(b.Context()); err != nil {
		b.Fatal(err)
	}
	service, ctx := tag.New(db, tag.Options{}), testkit.As(b, testkit.Account(b, db))
	var tags, campaigns []int64
	for _, name := range []string{"a", "b", "c"} {
		t, err := service.Create(ctx, tag.Input{Name: name}, nil)
		if err != nil {
			b.Fatal(err)
		}
		tags = append(tags, t.ID)
	}
	for range 50 {
		c, err := db.Client(ctx).
			Campaign.Create().
			SetName("c").
			SetNameKey("c").
			SetLastActivityAt(made).
			SetCreatedAt(made).
			Save(ctx)
		if err != nil {
			b.Fatal(err)
		}
		campaigns = append(campaigns, c.ID)
	}
	if _, err := service.AssignMany(ctx, campaigns, tags); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := service.ByCampaigns(ctx, campaigns, entag.FieldName); err != nil || len(got) != len(campaigns) {
			b.Fatal(len(got), err)
		}
	}
}
