package campaign_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

func TestCampaignsOfAnotherAccountAreLikeThoseThatDoNotExist(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a, b := newFixture(t, db), newFixture(t, db)
		version := int64(9)
		type answer struct {
			Result any
			Err    error
		}
		methods := map[string]func(id int64) answer{
			"Get":  func(id int64) answer { c, err := b.campaigns.Get(b.ctx, id); return answer{c, err} },
			"Copy": func(id int64) answer { c, err := b.campaigns.Copy(b.ctx, id, "", nil); return answer{c, err} },
			"Copy, named": func(id int64) answer {
				c, err := b.campaigns.Copy(b.ctx, id, "Mine now", new("key"))
				return answer{c, err}
			},
			"Update": func(id int64) answer {
				c, err := b.campaigns.Update(b.ctx, campaign.Call{ID: id}, campaign.Patch{Name: new("N")})
				return answer{c, err}
			},
			"Approve": func(id int64) answer {
				c, err := b.campaigns.Approve(b.ctx, campaign.Call{ID: id}, "")
				return answer{c, err}
			},
			"Pause": func(id int64) answer {
				c, err := b.campaigns.Pause(b.ctx, campaign.Call{ID: id}, "")
				return answer{c, err}
			},
			"Resume": func(id int64) answer {
				c, err := b.campaigns.Resume(b.ctx, campaign.Call{ID: id})
				return answer{c, err}
			},
			"Cancel": func(id int64) answer {
				c, err := b.campaigns.Cancel(b.ctx, campaign.Call{ID: id}, "")
				return answer{c, err}
			},
			"with a version": func(id int64) answer {
				c, err := b.campaigns.Cancel(b.ctx, campaign.Call{ID: id, ExpectedVersion: &version}, "")
				return answer{c, err}
			},
			"Delete": func(id int64) answer {
				ids, err := b.campaigns.Delete(b.ctx, []int64{id})
				return answer{len(ids), err}
			},
			"ByIDs": func(id int64) answer {
				found, err := b.campaigns.ByIDs(b.ctx, []int64{id})
				return answer{len(found), err}
			},
			"List": func(id int64) answer {
				found, err := b.campaigns.List(
					b.ctx, campaign.Filter{IDs: []int64{id}}, campaign.NewestFirst(), page.Request{},
				)
				return answer{len(found.Items), err}
			},
			"Count": func(id int64) answer {
				n, err := b.campaigns.Count(b.ctx, campaign.Filter{IDs: []int64{id}})
				return answer{n, err}
			},
			"Counts": func(id int64) answer {
				n, err := b.campaigns.Counts(b.ctx, campaign.Filter{IDs: []int64{id}})
				return answer{n, err}
			},
			"Histories": func(id int64) answer {
				h, err := b.campaigns.Histories(b.ctx, []int64{id}, page.Request{})
				return answer{h[id].Items, err}
			},
			"HistorySizes": func(id int64) answer {
				n, err := b.campaigns.HistorySizes(b.ctx, []int64{id})
				return answer{n[id], err}
			},
			"Changes": func(id int64) answer {
				found, err := b.campaigns.Changes(b.ctx, campaign.ChangeFilter{CampaignIDs: []int64{id}}, page.Request{})
				return answer{len(found.Items), err}
			},
			"CountChanges": func(id int64) answer {
				n, err := b.campaigns.CountChanges(b.ctx, campaign.ChangeFilter{CampaignIDs: []int64{id}})
				return answer{n, err}
			},
		}
		for _, status := range kind.CampaignStatuses() {
			foreign := a.at(t, status)
			for name, method := range methods {
				got, want := method(foreign.ID), method(unknownID)
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(ent.Campaign{})); diff != "" {
					t.Errorf("%s of a foreign campaign that is %s: -unknown +foreign\n%s", name, status, diff)
				}
				if got.Err != nil && apperr.CodeOf(got.Err) != apperr.NotFound {
					t.Errorf("%s: got %v, want NotFound", name, got.Err)
				}
			}
			a.unwritten(t, foreign, 1)
		}
	})
}

func TestNoFilterOpensAnotherAccount(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		a, b := newFixture(t, db), newFixture(t, db)
		foreign := a.at(t, kind.StatusSending)
		either := campaign.Filter{
			Or: []campaign.Filter{{IDs: []int64{foreign.ID}}, {Statuses: []kind.CampaignStatus{kind.StatusSending}}},
		}
		for name, filter := range map[string]campaign.Filter{
			"a bucket of two kinds":        {Bucket: campaign.BucketOutbox},
			"a name or a subject":          {Search: "at sending", SearchSubject: true},
			"either of two":                either,
			"either of two, alone in and":  {And: []campaign.Filter{either}},
			"either of two, alone in or":   {Or: []campaign.Filter{either}},
			"neither of two that are not":  {Not: &campaign.Filter{Or: []campaign.Filter{{IDs: []int64{unknownID}}, {Statuses: []kind.CampaignStatus{}}}}},
			"either of two, deeply nested": {And: []campaign.Filter{{Or: []campaign.Filter{{And: []campaign.Filter{either}}}}}},
		} {
			if n, err := a.campaigns.Count(a.ctx, filter); n != 1 || err != nil {
				t.Errorf("%s: the owner counts %d, %v, want 1", name, n, err)
			}
			result, err := b.campaigns.List(b.ctx, filter, campaign.ByID, page.Request{})
			if err != nil || len(result.Items) != 0 {
				t.Errorf("%s: another account is shown %v, %v", name, result.Items, err)
			}
			if n, err := b.campaigns.Count(b.ctx, filter); n != 0 || err != nil {
				t.Errorf("%s: another account counts %d, %v", name, n, err)
			}
			if counts, err := b.campaigns.Counts(b.ctx, filter); err != nil || counts.Total != 0 {
				t.Errorf("%s: another account counts %+v, %v", name, counts, err)
			}
		}
	})
}

func TestAnAdminReachesTheCampaignsOfEveryAccount(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "Theirs")
		ctx := testkit.As(t, testkit.Account(t, db, testkit.Admin()))
		mail := f.email(t, f.owner, "Theirs")
		updated, err := f.campaigns.Update(
			ctx, campaign.Call{ID: c.ID}, campaign.Patch{EmailID: &mail.ID, Status: new(kind.StatusReady)},
		)
		if err != nil || updated.Campaign.UserID != f.owner.UserID || updated.Campaign.Status != kind.StatusReady {
			t.Fatalf("got %v, %v", updated, err)
		}
		histories, err := f.campaigns.Histories(ctx, []int64{c.ID}, page.Request{})
		if err != nil || len(histories[c.ID].Items) != 2 {
			t.Errorf("the history has %v, %v", histories, err)
		}
	})
}

func TestWithoutACallerNothingIsAnswered(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		ctx := t.Context()
		for name, do := range map[string]func() error{
			"Create": func() error { _, err := f.campaigns.Create(ctx, "A", nil); return err },
			"Update": func() error { _, err := f.campaigns.Update(ctx, campaign.Call{ID: 1}, campaign.Patch{}); return err },
			"Delete": func() error { _, err := f.campaigns.Delete(ctx, []int64{1}); return err },
			"Get":    func() error { _, err := f.campaigns.Get(ctx, 1); return err },
			"Count":  func() error { _, err := f.campaigns.Count(ctx, campaign.Filter{}); return err },
			"Counts": func() error { _, err := f.campaigns.Counts(ctx, campaign.Filter{}); return err },
			"List": func() error {
				_, err := f.campaigns.List(ctx, campaign.Filter{}, campaign.NewestFirst(), page.Request{})
				return err
			},
			"Histories":    func() error { _, err := f.campaigns.Histories(ctx, nil, page.Request{}); return err },
			"HistorySizes": func() error { _, err := f.campaigns.HistorySizes(ctx, nil); return err },
			"Changes": func() error {
				_, err := f.campaigns.Changes(ctx, campaign.ChangeFilter{}, page.Request{})
				return err
			},
			"CountChanges": func() error {
				_, err := f.campaigns.CountChanges(ctx, campaign.ChangeFilter{})
				return err
			},
		} {
			if code := apperr.CodeOf(do()); code != apperr.Unauthenticated {
				t.Errorf("%s: got %q, want Unauthenticated", name, code)
			}
		}
	})
}
