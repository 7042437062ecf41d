package campaign_test

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"

	"campaignql/ent"
	entcampaign "campaignql/ent/campaign"
	"campaignql/internal/apperr"
	"campaignql/internal/campaign"
	"campaignql/internal/page"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// comparers compare two campaigns for each order, ignoring their ids.
var comparers = []struct {
	order   campaign.Order
	compare func(a, b *ent.Campaign) int
}{
	{campaign.ByID, func(_, _ *ent.Campaign) int { return 0 }},
	{campaign.ByName, func(a, b *ent.Campaign) int { return cmp.Compare(a.NameKey, b.NameKey) }},
	{campaign.ByCreated, func(a, b *ent.Campaign) int { return a.CreatedAt.Compare(b.CreatedAt) }},
	{campaign.ByLastActivity, func(a, b *ent.Campaign) int { return a.LastActivityAt.Compare(b.LastActivityAt) }},
	{campaign.ByNextSend, func(a, b *ent.Campaign) int { return nullsFirst(a.NextSendAt, b.NextSendAt) }},
	{
		campaign.BySendingStart,
		func(a, b *ent.Campaign) int { return nullsFirst(a.SendingStartedAt, b.SendingStartedAt) },
	},
	{
		campaign.BySendingFinish,
		func(a, b *ent.Campaign) int { return nullsFirst(a.SendingFinishedAt, b.SendingFinishedAt) },
	},
	{campaign.ByStatus, func(a, b *ent.Campaign) int { return cmp.Compare(a.Status.Rank(), b.Status.Rank()) }},
	{campaign.ByRecipients, func(a, b *ent.Campaign) int { return cmp.Compare(a.TotalRecipients, b.TotalRecipients) }},
}

func nullsFirst(a, b *time.Time) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	default:
		return a.Compare(*b)
	}
}

// walk reads a whole list in pages of seven, from its start or from its end, and returns the ids in
// the order of the list.
func (p *population) walk(t *testing.T, order campaign.Order, backward bool) []int64 {
	t.Helper()
	const size = 7
	var ids []int64
	request := page.Request{First: new(size)}
	if backward {
		request = page.Request{Last: new(size)}
	}
	for range len(p.rows) {
		result, err := p.campaigns.List(p.ctx, campaign.Filter{}, order, request, entcampaign.FieldStatus)
		if err != nil {
			t.Fatal(err)
		}
		more := result.HasNext
		if backward {
			ids, more = append(idsOf(result.Items), ids...), result.HasPrevious
		} else {
			ids = append(ids, idsOf(result.Items)...)
		}
		if !more {
			break
		}
		if backward {
			request.Before = result.Cursor(0)
		} else {
			request.After = result.Cursor(len(result.Items) - 1)
		}
	}
	return ids
}

func TestEveryOrderVisitsEachCampaignOnce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		p := populate(t, db, rand.New(rand.NewPCG(3, 3)))
		for _, tt := range comparers {
			var want []int64
			rows := slices.Clone(p.rows)
			slices.SortFunc(
				rows,
				func(a, b known) int { return cmp.Or(tt.compare(a.Campaign, b.Campaign), cmp.Compare(a.ID, b.ID)) },
			)
			for _, row := range rows {
				want = append(want, row.ID)
			}
			for _, descending := range []bool{false, true} {
				order := tt.order
				order.Desc = descending
				if descending {
					slices.Reverse(want)
				}
				for _, backward := range []bool{false, true} {
					if d := diff.Diff(want, p.walk(t, order, backward)); d != "" {
						t.Errorf("%s, descending %v, backward %v: -want +got\n%s", order.Name, descending, backward, d)
					}
				}
			}
		}
	})
}

func TestEachStreamsEveryMatchInBatches(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		p := populate(t, db, rand.New(rand.NewPCG(4, 4)))
		whole := p.walk(t, campaign.ByName, false)
		for _, tt := range []struct{ offset, limit, from, to int }{
			{0, 0, 0, 60}, {0, 10, 0, 10}, {55, 10, 55, 60}, {5, 20, 5, 25}, {60, 0, 60, 60}, {100, 5, 60, 60},
		} {
			got := []int64{}
			err := p.campaigns.Each(
				p.ctx, campaign.Filter{}, campaign.ByName, tt.offset, tt.limit, nil,
				func(_ context.Context, rows []*ent.Campaign) error {
					got = append(got, idsOf(rows)...)
					return nil
				},
			)
			if d := diff.Diff(whole[tt.from:tt.to], got); d != "" || err != nil {
				t.Errorf("from %d, at most %d: %v, -want +got\n%s", tt.offset, tt.limit, err, d)
			}
		}
		stop := apperr.New(apperr.Canceled, "enough")
		if err := p.campaigns.Each(
			p.ctx,
			campaign.Filter{},
			campaign.ByName,
			0,
			0,
			nil,
			func(context.Context, []*ent.Campaign) error { return stop },
		); err != stop { //nolint:errorlint // the same error value
			t.Errorf("got %v, want the error of the visitor", err)
		}
	})
}

func TestReadsCostAFixedNumberOfStatements(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		p := populate(t, db, rand.New(rand.NewPCG(5, 5)))
		for _, n := range []int{1, 60} {
			var ids []int64
			for _, row := range p.rows[:n] {
				ids = append(ids, row.ID)
			}
			for name, read := range map[string]func(f *recorded) error{
				"List": func(f *recorded) error {
					_, err := p.campaigns.List(f.ctx(p), campaign.Filter{TagsAnyOf: p.tags, Search: "a", SearchSubject: true}, campaign.ByName, page.Request{First: &n})
					return err
				},
				"Count":  func(f *recorded) error { _, err := p.campaigns.Count(f.ctx(p), campaign.Filter{IDs: ids}); return err },
				"Counts": func(f *recorded) error { _, err := p.campaigns.Counts(f.ctx(p), campaign.Filter{IDs: ids}); return err },
				"ByIDs":  func(f *recorded) error { _, err := p.campaigns.ByIDs(f.ctx(p), ids); return err },
				"Histories": func(f *recorded) error {
					_, err := p.campaigns.Histories(f.ctx(p), ids, page.Request{First: new(3)})
					return err
				},
				"HistorySizes": func(f *recorded) error { _, err := p.campaigns.HistorySizes(f.ctx(p), ids); return err },
				"Changes": func(f *recorded) error {
					_, err := p.campaigns.Changes(f.ctx(p), campaign.ChangeFilter{CampaignIDs: ids}, page.Request{})
					return err
				},
				"CountChanges": func(f *recorded) error {
					_, err := p.campaigns.CountChanges(f.ctx(p), campaign.ChangeFilter{CampaignIDs: ids})
					return err
				},
			} {
				f := &recorded{}
				if err := read(f); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if got := len(f.Statements()); got != 1 {
					t.Errorf("%s of %d campaigns costs %d statements, want 1", name, n, got)
				}
			}
		}
	})
}

func TestListSelectsTheColumnsThatAreAskedFor(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		c := f.create(t, "Whole")
		result, err := f.campaigns.List(
			f.ctx, campaign.Filter{}, campaign.ByCreated, page.Request{}, entcampaign.FieldName,
		)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Items[0]; got.ID != c.ID || got.Name != "Whole" || !got.CreatedAt.Equal(noon) ||
			got.NameKey != "" ||
			got.Status != "" {
			t.Errorf("got %v, want id, name and the column of the order alone", got)
		}
		got, err := f.campaigns.Get(f.ctx, c.ID, entcampaign.FieldName)
		if err != nil || got.ID != c.ID || got.Name != "Whole" || got.Status != "" {
			t.Errorf("got %v, %v, want id and name alone", got, err)
		}
	})
}

func TestListRefusesFaultsOfPageAndFilterTogether(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		f := newFixture(t, db)
		_, err := f.campaigns.List(
			f.ctx, campaign.Filter{And: make([]campaign.Filter, 100)}, campaign.ByID, page.Request{First: new(251)},
		)
		if d := diff.Diff([]string{"invalid page_size", "invalid filter_too_large"}, describe(err)); d != "" {
			t.Errorf("-want +got\n%s", d)
		}
	})
}
