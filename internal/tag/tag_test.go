package tag_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	entag "campaignql/ent/tag"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/store"
	"campaignql/internal/tag"
	"campaignql/internal/testkit"
)

var made = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)

// fixture is an account with the service under test.
type fixture struct {
	*tag.Service
	t   *testing.T
	db  *store.Store
	ctx context.Context
}

func newFixture(t *testing.T, db *store.Store, opts ...testkit.AccountOption) fixture {
	t.Helper()
	service := tag.New(db, tag.Options{Now: func() time.Time { return made }})
	return fixture{Service: service, t: t, db: db, ctx: testkit.As(t, testkit.Account(t, db, opts...))}
}

func each(t *testing.T, test func(f fixture)) {
	t.Helper()
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		test(newFixture(t, db))
	})
}

// other returns the same service for another account.
func (f fixture) other(opts ...testkit.AccountOption) fixture {
	f.t.Helper()
	return newFixture(f.t, f.db, opts...)
}

func (f fixture) tag(name string) int64 {
	f.t.Helper()
	made, err := f.Create(f.ctx, tag.Input{Name: name}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return made.ID
}

func (f fixture) tags(names ...string) []int64 {
	f.t.Helper()
	ids := make([]int64, len(names))
	for i, name := range names {
		ids[i] = f.tag(name)
	}
	return ids
}

func (f fixture) campaigns(n int) []int64 {
	f.t.Helper()
	rows := make([]*ent.CampaignCreate, n)
	for i := range rows {
		rows[i] = f.db.Client(f.ctx).
			Campaign.Create().
			SetName("c").
			SetNameKey("c").
			SetLastActivityAt(made).
			SetCreatedAt(made)
	}
	made, err := f.db.Client(f.ctx).Campaign.CreateBulk(rows...).Save(f.ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	ids := make([]int64, n)
	for i, c := range made {
		ids[i] = c.ID
	}
	return ids
}

// carried returns the joined names of the tags of a campaign.
func (f fixture) carried(campaignID int64) string {
	f.t.Helper()
	byCampaign, err := f.ByCampaigns(f.ctx, []int64{campaignID})
	if err != nil {
		f.t.Fatal(err)
	}
	return names(byCampaign[campaignID])
}

func names(tags []*ent.Tag) string {
	out := make([]string, len(tags))
	for i, t := range tags {
		out[i] = t.Name
	}
	return strings.Join(out, ",")
}

// fault returns the visible parts of an error.
func fault(err error) string {
	var out []string
	for _, e := range apperr.All(err) {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Code, e.Reason, e.Field)))
	}
	return strings.Join(out, "; ")
}

func statements(ctx context.Context, run func(ctx context.Context) error) (int, error) {
	var recorder store.Recorder
	err := run(store.WithRecorder(ctx, &recorder))
	return len(recorder.Statements()), err
}

func TestCreateKeepsTheTrimmedName(t *testing.T) {
	each(t, func(f fixture) {
		created, err := f.Create(f.ctx, tag.Input{Name: " Summer 10% "}, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		got, err := f.Get(f.ctx, created.ID)
		if err != nil {
			f.t.Fatal(err)
		}
		if got.Name != "Summer 10%" || got.NameKey != "summer 10%" || !got.CreatedAt.Equal(made) {
			f.t.Errorf("got %+v", got)
		}
	})
}

func TestNameIsUniqueInItsAccountWithoutRegardToCase(t *testing.T) {
	each(t, func(f fixture) {
		id := f.tag("Summer")
		if _, err := f.Create(f.ctx, tag.Input{Name: "SUMMER "}, nil); fault(err) != "conflict tag_exists name" {
			f.t.Errorf("create: %v", err)
		}
		winter := f.tag("Winter")
		if _, err := f.Rename(f.ctx, winter, "summer"); fault(err) != "conflict tag_exists name" {
			f.t.Errorf("rename: %v", err)
		}
		if got, err := f.Rename(f.ctx, id, "SUMMER"); err != nil || got.Name != "SUMMER" {
			f.t.Errorf("another case of its own name: %v, %v", got, err)
		}
		if got, err := f.Rename(f.ctx, id, "SUMMER"); err != nil || got.ID != id {
			f.t.Errorf("its own name: %v, %v", got, err)
		}
		f.other().tag("Summer")
	})
}

func TestSameKeyAnswersTheFirstTag(t *testing.T) {
	each(t, func(f fixture) {
		key := "key"
		first, err := f.Create(f.ctx, tag.Input{Name: "Summer"}, &key)
		if err != nil {
			f.t.Fatal(err)
		}
		again, err := f.Create(f.ctx, tag.Input{Name: " Summer "}, &key)
		if err != nil || again.ID != first.ID || again.Name != "Summer" {
			f.t.Errorf("the same call: %v, %v", again, err)
		}
		if _, err := f.Create(
			f.ctx, tag.Input{Name: "Winter"}, &key,
		); fault(err) != "invalid idempotency_key_reused idempotencyKey" {
			f.t.Errorf("another tag with the key: %v", err)
		}
		other := "other"
		if _, err := f.Create(f.ctx, tag.Input{Name: "summer"}, &other); fault(err) != "conflict tag_exists name" {
			f.t.Errorf("a taken name with a fresh key: %v", err)
		}
	})
}

func TestConcurrentCreatesMakeOneTag(t *testing.T) {
	each(t, func(f fixture) {
		const calls = 10
		var wg sync.WaitGroup
		var errs [calls]error
		for i := range calls {
			wg.Go(func() { _, errs[i] = f.Create(f.ctx, tag.Input{Name: "Same"}, nil) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if fault(err) != "conflict tag_exists name" {
				f.t.Error(err)
			}
		}
		if n, err := f.Count(f.ctx, tag.Filter{}); won != 1 || n != 1 || err != nil {
			f.t.Errorf("%d creates succeeded and made %d tags, %v", won, n, err)
		}
	})
}

func TestBadNameChangesNothing(t *testing.T) {
	each(t, func(f fixture) {
		id := f.tag("good")
		for name, want := range map[string]string{
			"":                       "invalid tag_name_required name",
			"  ":                     "invalid tag_name_empty name",
			"a/b":                    "invalid tag_name_characters name",
			strings.Repeat("a", 101): "invalid tag_name_too_long name",
		} {
			if _, err := f.Create(f.ctx, tag.Input{Name: name}, nil); fault(err) != want {
				f.t.Errorf("create %q: %v", name, err)
			}
			if _, err := f.Rename(f.ctx, id, name); fault(err) != want {
				f.t.Errorf("rename %q: %v", name, err)
			}
		}
		if all, err := f.All(f.ctx); err != nil || names(all) != "good" {
			f.t.Errorf("tags are %s, %v", names(all), err)
		}
	})
}

func TestDeleteTakesTheTagOffItsCampaigns(t *testing.T) {
	each(t, func(f fixture) {
		ids, campaigns, stranger := f.tags("a", "b", "c"), f.campaigns(2), f.other()
		theirs := stranger.tag("a")
		if _, err := f.AssignMany(f.ctx, campaigns, ids); err != nil {
			f.t.Fatal(err)
		}
		deleted, err := f.Delete(f.ctx, []int64{ids[1], theirs, ids[0], ids[1], -1, 1 << 60})
		if diff := cmp.Diff(ids[:2], deleted); err != nil || diff != "" {
			f.t.Fatal(err, diff)
		}
		if got := f.carried(campaigns[0]); got != "c" {
			f.t.Errorf("the campaign carries %q", got)
		}
		left, err := f.db.Client(f.ctx).CampaignTag.Query().Count(f.ctx)
		if err != nil || left != len(campaigns) {
			f.t.Errorf("%d taggings are left, %v", left, err)
		}
		if _, err := stranger.Get(stranger.ctx, theirs); err != nil {
			f.t.Errorf("the tag of another account: %v", err)
		}
		if deleted, err := f.Delete(f.ctx, nil); err != nil || len(deleted) != 0 {
			f.t.Errorf("delete of nothing: %v, %v", deleted, err)
		}
	})
}

func TestListPagesOverEveryTagOnce(t *testing.T) {
	each(t, func(f fixture) {
		var want []string
		for i := range 23 {
			name := "tag " + strconv.Itoa(100+i)
			f.tag(name)
			want = append(want, name)
		}
		f.other().tag("tag 105")
		for _, size := range []int{1, 5, 22, 23, 100} {
			var forward, backward []string
			request := page.Request{First: &size}
			for {
				got, err := f.List(f.ctx, tag.Filter{}, request)
				if err != nil {
					f.t.Fatal(err)
				}
				for _, item := range got.Items {
					forward = append(forward, item.Name)
				}
				if !got.HasNext {
					break
				}
				request.After = got.Cursor(len(got.Items) - 1)
			}
			request = page.Request{Last: &size}
			for {
				got, err := f.List(f.ctx, tag.Filter{}, request, entag.FieldName)
				if err != nil {
					f.t.Fatal(err)
				}
				var items []string
				for _, item := range got.Items {
					items = append(items, item.Name)
				}
				backward = append(items, backward...)
				if !got.HasPrevious {
					break
				}
				request.Before = got.Cursor(0)
			}
			if diff := cmp.Diff(want, forward); diff != "" {
				f.t.Errorf("forward by %d: %s", size, diff)
			}
			if diff := cmp.Diff(want, backward); diff != "" {
				f.t.Errorf("backward by %d: %s", size, diff)
			}
		}
	})
}

func TestListTakesOffsetsAndBounds(t *testing.T) {
	each(t, func(f fixture) {
		f.tags("a", "b", "c", "d", "e")
		all, err := f.List(f.ctx, tag.Filter{}, page.Request{})
		if err != nil {
			f.t.Fatal(err)
		}
		two, none, three := 2, 0, 3
		tests := map[string]struct {
			request        page.Request
			want           string
			next, previous bool
		}{
			"default":      {page.Request{}, "a,b,c,d,e", false, false},
			"offset":       {page.Request{First: &two, Offset: &three}, "d,e", false, true},
			"none":         {page.Request{First: &none}, "", true, false},
			"between":      {page.Request{After: all.Cursor(0), Before: all.Cursor(4)}, "b,c,d", true, true},
			"last between": {page.Request{Last: &two, After: all.Cursor(0), Before: all.Cursor(4)}, "c,d", true, true},
		}
		for label, test := range tests {
			got, err := f.List(f.ctx, tag.Filter{}, test.request)
			if err != nil || names(got.Items) != test.want || got.HasNext != test.next ||
				got.HasPrevious != test.previous {
				f.t.Errorf("%s: %s next %v previous %v, %v", label, names(got.Items), got.HasNext, got.HasPrevious, err)
			}
		}
		tooMany := 251
		if _, err := f.List(
			f.ctx, tag.Filter{}, page.Request{First: &tooMany},
		); fault(err) != "invalid page_size first" {
			f.t.Error(err)
		}
	})
}

func TestSearchTakesSignsLiterally(t *testing.T) {
	each(t, func(f fixture) {
		f.tags("Sale 10%", "sale_2026", "SALES", "Größe")
		for search, want := range map[string]string{
			"":       "Größe,Sale 10%,sale_2026,SALES",
			"sale":   "Sale 10%,sale_2026,SALES",
			"%":      "Sale 10%",
			"_":      "sale_2026",
			"e_2":    "sale_2026",
			`\`:      "",
			"GRÖSSE": "Größe",
			" ales ": "SALES",
		} {
			got, err := f.List(f.ctx, tag.Filter{Search: search}, page.Request{})
			if err != nil {
				f.t.Fatal(err)
			}
			if names(got.Items) != want {
				f.t.Errorf("search %q found %s, want %s", search, names(got.Items), want)
			}
			n, err := f.Count(f.ctx, tag.Filter{Search: search})
			if err != nil || n != len(got.Items) {
				f.t.Errorf("search %q counted %d, %v", search, n, err)
			}
		}
	})
}

func TestListSelectsOnlyWhatIsAsked(t *testing.T) {
	each(t, func(f fixture) {
		f.tag("a")
		var recorder store.Recorder
		if _, err := f.List(
			store.WithRecorder(f.ctx, &recorder), tag.Filter{}, page.Request{}, entag.FieldName,
		); err != nil {
			f.t.Fatal(err)
		}
		query := recorder.Statements()[0].Query
		if selected, _, _ := strings.Cut(query, " FROM "); strings.Contains(selected, "created_at") {
			f.t.Errorf("selected more than asked: %s", query)
		}
	})
}

func TestTagOfAnotherAccountIsOneThatDoesNotExist(t *testing.T) {
	each(t, func(f fixture) {
		id, campaigns := f.tag("mine"), f.campaigns(1)
		stranger := f.other()
		own := stranger.campaigns(1)
		const unknown = 1 << 60
		calls := map[string]func(id int64) error{
			"get":    func(id int64) error { _, err := stranger.Get(stranger.ctx, id); return err },
			"rename": func(id int64) error { _, err := stranger.Rename(stranger.ctx, id, "theirs"); return err },
			"assign": func(id int64) error { _, err := stranger.Assign(stranger.ctx, id, own); return err },
			"unassign": func(id int64) error {
				_, err := stranger.Unassign(stranger.ctx, id, own)
				return err
			},
			"assign many": func(id int64) error {
				_, err := stranger.AssignMany(stranger.ctx, own, []int64{id})
				return err
			},
			"unassign many": func(id int64) error {
				_, err := stranger.UnassignMany(stranger.ctx, own, []int64{id})
				return err
			},
		}
		for label, call := range calls {
			theirs, nobodys := call(id), call(unknown)
			if apperr.CodeOf(theirs) != apperr.NotFound || fault(theirs) != fault(nobodys) ||
				theirs.Error() != nobodys.Error() {
				f.t.Errorf(
					"%s: %v (%s), for an unknown id %v (%s)", label, theirs, fault(theirs), nobodys, fault(nobodys),
				)
			}
		}
		if _, err := f.Assign(f.ctx, id, campaigns); err != nil {
			f.t.Fatal(err)
		}
		seen, err := stranger.ByCampaigns(stranger.ctx, campaigns)
		if err != nil || len(seen) != 0 {
			f.t.Errorf("sees tags %v, %v", seen, err)
		}
		counts, err := stranger.CampaignCounts(stranger.ctx, []int64{id})
		if err != nil || len(counts) != 0 {
			f.t.Errorf("sees counts %v, %v", counts, err)
		}
		byID, err := stranger.ByIDs(stranger.ctx, []int64{id})
		if err != nil || len(byID) != 0 {
			f.t.Errorf("sees %v, %v", byID, err)
		}
	})
}

func TestEveryMethodAsksForItsScope(t *testing.T) {
	each(t, func(f fixture) {
		reads := map[string]func(context.Context) error{
			"get":     func(ctx context.Context) error { _, err := f.Get(ctx, 1); return err },
			"list":    func(ctx context.Context) error { _, err := f.List(ctx, tag.Filter{}, page.Request{}); return err },
			"count":   func(ctx context.Context) error { _, err := f.Count(ctx, tag.Filter{}); return err },
			"all":     func(ctx context.Context) error { _, err := f.All(ctx); return err },
			"ids":     func(ctx context.Context) error { _, err := f.ByIDs(ctx, []int64{1}); return err },
			"carried": func(ctx context.Context) error { _, err := f.ByCampaigns(ctx, []int64{1}); return err },
			"counts":  func(ctx context.Context) error { _, err := f.CampaignCounts(ctx, []int64{1}); return err },
		}
		writes := map[string]func(context.Context) error{
			"create":        func(ctx context.Context) error { _, err := f.Create(ctx, tag.Input{Name: "a"}, nil); return err },
			"rename":        func(ctx context.Context) error { _, err := f.Rename(ctx, 1, "a"); return err },
			"delete":        func(ctx context.Context) error { _, err := f.Delete(ctx, []int64{1}); return err },
			"assign":        func(ctx context.Context) error { _, err := f.Assign(ctx, 1, []int64{1}); return err },
			"unassign":      func(ctx context.Context) error { _, err := f.Unassign(ctx, 1, []int64{1}); return err },
			"assign many":   func(ctx context.Context) error { _, err := f.AssignMany(ctx, []int64{1}, []int64{1}); return err },
			"unassign many": func(ctx context.Context) error { _, err := f.UnassignMany(ctx, []int64{1}, []int64{1}); return err },
		}
		check := func(calls map[string]func(context.Context) error, lacking kind.Scope) {
			ctx := testkit.As(f.t, testkit.Account(f.t, f.db, testkit.Scoped(lacking)))
			for label, call := range calls {
				if code := apperr.CodeOf(call(ctx)); code != apperr.Denied {
					f.t.Errorf("%s with only the scope %s: %q", label, lacking, code)
				}
				if code := apperr.CodeOf(
					call(caller.With(f.t.Context(), caller.Identity{})),
				); code != apperr.Unauthenticated {
					f.t.Errorf("%s by nobody: %q", label, code)
				}
			}
		}
		check(reads, kind.ScopeWrite)
		check(writes, kind.ScopeRead)
	})
}

func TestCanceledCallIsToldAsSuch(t *testing.T) {
	each(t, func(f fixture) {
		ctx, cancel := context.WithCancel(f.ctx)
		cancel()
		for label, err := range map[string]error{
			"get":    second(f.Get(ctx, 1)),
			"all":    second(f.All(ctx)),
			"create": second(f.Create(ctx, tag.Input{Name: "a"}, nil)),
			"assign": second(f.Assign(ctx, 1, []int64{1})),
		} {
			if code := apperr.CodeOf(err); code != apperr.Canceled || !errors.Is(err, context.Canceled) {
				f.t.Errorf("%s: %q %v", label, code, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// TestTagsOfAPageBeginWithItsCampaigns checks the query plan. A plan that starts with the tags
// would read every tag of the account for each page.
func TestTagsOfAPageBeginWithItsCampaigns(t *testing.T) {
	t.Parallel()
	db := testkit.Engine{Name: "sqlite"}.Shared(t)
	f := newFixture(t, db)
	recorder := new(store.Recorder)
	if _, err := f.ByCampaigns(store.WithRecorder(f.ctx, recorder), f.campaigns(3), entag.FieldName); err != nil {
		t.Fatal(err)
	}
	statement := recorder.Statements()[0]
	rows, err := db.Pools()[0].QueryContext(f.ctx, "EXPLAIN QUERY PLAN "+statement.Query, statement.Args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil || len(steps) == 0 ||
		!strings.HasPrefix(steps[0], "SEARCH campaign_tags USING INDEX") {
		t.Errorf("the plan is %q, %v: %s", steps, err, statement.Query)
	}
}
