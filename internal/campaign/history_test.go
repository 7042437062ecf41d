package campaign_test

import (
	"fmt"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/ent/campaignchange"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
	"campaignql/internal/testkit"

	diff "github.com/google/go-cmp/cmp"
)

// versions returns the versions of a page.
func versions(result page.Result[*ent.CampaignChange]) []int64 {
	list := []int64{}
	for _, e := range result.Items {
		list = append(list, e.Version)
	}
	return list
}

// TestHistoriesArePagedBothWays walks through histories of several campaigns at once, newest first
// and from the oldest.
func TestHistoriesArePagedBothWays(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		long, short := f.create(t, "Long"), f.create(t, "Short")
		for i := range 5 {
			f.update(t, long.ID, campaign.Patch{Name: new(fmt.Sprint("Long ", i))})
		}
		ids := []int64{long.ID, short.ID, unknownID}
		read := func(request page.Request) map[int64]page.Result[*ent.CampaignChange] {
			t.Helper()
			got, err := f.campaigns.Histories(f.ctx, ids, request)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		want := func(what string, got page.Result[*ent.CampaignChange], previous, next bool, list ...int64) {
			t.Helper()
			if d := diff.Diff(append([]int64{}, list...), versions(got)); d != "" {
				t.Errorf("%s: -want +got\n%s", what, d)
			}
			if got.HasPrevious != previous || got.HasNext != next {
				t.Errorf("%s: previous %t, next %t", what, got.HasPrevious, got.HasNext)
			}
		}
		first := read(page.Request{First: new(3)})
		want("first", first[long.ID], false, true, 6, 5, 4)
		want("first of the short one", first[short.ID], false, false, 1)
		want("first of none", first[unknownID], false, false)
		oldest := read(page.Request{Last: new(2)})
		want("last", oldest[long.ID], true, false, 2, 1)
		ids = []int64{long.ID}
		end, begin := first[long.ID].Cursor(2), oldest[long.ID].Cursor(0)
		want("after", read(page.Request{First: new(2), After: end})[long.ID], true, true, 3, 2)
		want("before", read(page.Request{Last: new(2), Before: begin})[long.ID], true, true, 4, 3)
		want("between", read(page.Request{After: end, Before: begin})[long.ID], true, true, 3)
		sizes, err := f.campaigns.HistorySizes(f.ctx, []int64{long.ID, short.ID, unknownID})
		if err != nil {
			t.Fatal(err)
		}
		if d := diff.Diff(map[int64]int{long.ID: 6, short.ID: 1}, sizes); d != "" {
			t.Errorf("sizes: -want +got\n%s", d)
		}
		if none, err := f.campaigns.Histories(f.ctx, nil, page.Request{}); len(none) != 0 || err != nil {
			t.Errorf("no campaigns: got %v, %v", none, err)
		}
		if _, err := f.campaigns.Histories(f.ctx, ids, page.Request{After: "4"}); apperr.CodeOf(err) != apperr.Invalid {
			t.Errorf("a cursor that is none: %v", err)
		}
	})
}

// TestChangesOfAllCampaignsAreFiltered compares pages of changes with a filter over all of them.
func TestChangesOfAllCampaignsAreFiltered(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f, other := newFixture(t, db), newFixture(t, db)
		other.create(t, "of somebody else")
		a, b := f.create(t, "A"), f.create(t, "B")
		client := db.Client(f.ctx)
		for i := range 8 { // two at each instant, after those of the creations
			client.CampaignChange.Create().SetCampaignID([]int64{a.ID, b.ID}[i%2]).SetVersion(int64(2 + i/2)).
				SetAction("update").SetActorID(int64(7 + i/2%2)).SetSurface(kind.SurfaceGraphQL).
				SetToStatus(kind.StatusDraft).SetAt(noon.Add(time.Duration(i/2+1) * time.Hour)).ExecX(f.ctx)
		}
		all := client.CampaignChange.Query().Order(campaignchange.ByID()).AllX(f.ctx)
		at := func(hours int) *time.Time { instant := noon.Add(time.Duration(hours) * time.Hour); return &instant }
		for name, in := range map[string]struct {
			filter campaign.ChangeFilter
			keep   func(*ent.CampaignChange) bool
		}{
			"all": {campaign.ChangeFilter{}, func(*ent.CampaignChange) bool { return true }},
			"of one campaign": {
				campaign.ChangeFilter{CampaignIDs: []int64{b.ID, unknownID}},
				func(c *ent.CampaignChange) bool { return c.CampaignID == b.ID },
			},
			"of no campaign": {
				campaign.ChangeFilter{CampaignIDs: []int64{}}, func(*ent.CampaignChange) bool { return false },
			},
			"of one actor": {campaign.ChangeFilter{Actor: 7}, func(c *ent.CampaignChange) bool { return c.ActorID == 7 }},
			"of one action": {
				campaign.ChangeFilter{Actions: []campaign.Action{campaign.ActionCreate}},
				func(c *ent.CampaignChange) bool { return c.Action == "create" },
			},
			"of no action": {
				campaign.ChangeFilter{Actions: []campaign.Action{}}, func(*ent.CampaignChange) bool { return false },
			},
			"in a span": {
				campaign.ChangeFilter{Actor: 8, At: campaign.Span{From: at(1), To: at(3)}},
				func(c *ent.CampaignChange) bool {
					return c.ActorID == 8 && !c.At.Before(*at(1)) && c.At.Before(*at(3))
				},
			},
		} {
			var want []int64
			for i := len(all) - 1; i >= 0; i-- { // ids and instants rise together
				if in.keep(all[i]) {
					want = append(want, all[i].ID)
				}
			}
			var got []int64
			request := page.Request{First: new(3)}
			for {
				result, err := f.campaigns.Changes(f.ctx, in.filter, request)
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range result.Items {
					got = append(got, row.ID)
				}
				if !result.HasNext {
					break
				}
				request.After = result.Cursor(len(result.Items) - 1)
			}
			if d := diff.Diff(want, got); d != "" {
				t.Errorf("%s: -want +got\n%s", name, d)
			}
			if n, err := f.campaigns.CountChanges(f.ctx, in.filter); n != len(want) || err != nil {
				t.Errorf("%s: counted %d, %v, want %d", name, n, err, len(want))
			}
		}
	})
}
