package list_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	entlist "campaignql/ent/subscriberlist"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/people/list"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

var start = time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC)

// fixture is an account with the service under test.
type fixture struct {
	*list.Service
	t   *testing.T
	db  *store.Store
	ctx context.Context
}

func newFixture(t *testing.T, db *store.Store, opts ...testkit.AccountOption) fixture {
	t.Helper()
	service := list.New(db, list.Options{Now: func() time.Time { return start }})
	return fixture{Service: service, t: t, db: db, ctx: testkit.As(t, testkit.Account(t, db, opts...))}
}

func each(t *testing.T, test func(t *testing.T, f fixture)) {
	t.Helper()
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		test(t, newFixture(t, db))
	})
}

func (f fixture) list(name string) *ent.SubscriberList {
	f.t.Helper()
	made, err := f.Create(f.ctx, list.Input{Name: name}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return made
}

func second[T any](_ T, err error) error { return err }

func fault(err error) string {
	var out []string
	for _, e := range apperr.All(err) {
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Code, e.Reason, e.Field)))
	}
	return strings.Join(out, "; ")
}

func TestCreateKeepsTheName(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		for given, want := range map[string]string{
			"  News \n": "News", "a\x00\xff": "a\uFFFD\uFFFD", strings.Repeat("ﷺ", 250): strings.Repeat("ﷺ", 250),
		} {
			made, err := f.Create(f.ctx, list.Input{Name: given, DoubleOptIn: true}, nil)
			if err != nil {
				t.Errorf("%.20q: %v", given, err)
				continue
			}
			got, err := f.Get(f.ctx, made.ID)
			if err != nil || got.Name != want || !got.DoubleOptIn || !got.CreatedAt.Equal(start) {
				t.Errorf("%.20q: stored %v, %v", given, got, err)
			}
		}
	})
}

func TestCreateRefusesBadNames(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		for name, want := range map[string]string{
			"": "invalid list_name_required name", " \t": "invalid list_name_required name", strings.Repeat("x", 251): "invalid list_name_too_long name",
		} {
			if got := fault(second(f.Create(f.ctx, list.Input{Name: name}, nil))); got != want {
				t.Errorf("%.10q: %s, want %s", name, got, want)
			}
		}
		if n, err := f.Count(f.ctx, list.Filter{}); err != nil || n != 0 {
			t.Errorf("%d lists were made, %v", n, err)
		}
	})
}

func TestCreateWithAKeyMakesOneList(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		key := "k"
		a, err := f.Create(f.ctx, list.Input{Name: "a"}, &key)
		if err != nil {
			t.Fatal(err)
		}
		b, err := f.Create(f.ctx, list.Input{Name: " a "}, &key)
		if err != nil || b.ID != a.ID || b.Name != "a" {
			t.Errorf("the second call answers %v, %v", b, err)
		}
		if got := fault(
			second(f.Create(f.ctx, list.Input{Name: "b"}, &key)),
		); got != "invalid idempotency_key_reused idempotencyKey" {
			t.Errorf("another input: %s", got)
		}
	})
}

func TestListsComeInOrder(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		var want []int64
		for _, name := range []string{"b", "A", "b", "c"} {
			want = append(want, f.list(name).ID)
		}
		byName := []int64{want[1], want[0], want[2], want[3]}
		for _, test := range []struct {
			order list.Order
			desc  bool
			want  []int64
		}{
			{list.ByID, false, want}, {list.ByName, false, byName}, {list.ByCreated, false, want}, {list.ByName, true, reversed(byName)}, {list.ByCreated, true, reversed(want)},
		} {
			test.order.Desc = test.desc
			var got []int64
			err := f.Each(
				f.ctx, test.order, 0, 0, []string{entlist.FieldName},
				func(_ context.Context, some []*ent.SubscriberList) error {
					for _, l := range some {
						got = append(got, l.ID)
					}
					return nil
				},
			)
			if err != nil || !slices.Equal(got, test.want) {
				t.Errorf("by %s, descending %v: %v, %v; want %v", test.order.Name, test.desc, got, err, test.want)
			}
		}
		first := 2
		result, err := f.List(f.ctx, list.Filter{}, list.ByName, page.Request{First: &first})
		if err != nil || len(result.Items) != 2 || !result.HasNext {
			t.Errorf("a page: %v, %v", result, err)
		}
	})
}

func reversed(ids []int64) []int64 {
	out := slices.Clone(ids)
	slices.Reverse(out)
	return out
}

func TestListsOfAnotherAccountAreLikeThoseThatDoNotExist(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		other := newFixture(t, f.db)
		theirs := other.list("theirs").ID
		foreign, absent := second(f.Get(f.ctx, theirs)), second(f.Get(f.ctx, 1<<60))
		if diff := cmp.Diff(fault(absent), fault(foreign)); diff != "" || fault(absent) != "not_found list_not_found" {
			t.Errorf("%s\n%s", fault(absent), diff)
		}
		if n, err := f.Count(f.ctx, list.Filter{}); err != nil || n != 0 {
			t.Errorf("%d lists, %v", n, err)
		}
		admin := newFixture(t, f.db, testkit.Admin())
		if got, err := admin.Get(admin.ctx, theirs, entlist.FieldName); err != nil || got.Name != "theirs" {
			t.Errorf("an admin sees %v, %v", got, err)
		}
	})
}

func TestEachMethodNeedsItsScope(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		reader := newFixture(t, f.db, testkit.Scoped(kind.ScopeRead))
		writer := newFixture(t, f.db, testkit.Scoped(kind.ScopeWrite))
		for name, err := range map[string]error{
			"Create": second(reader.Create(reader.ctx, list.Input{Name: "a"}, nil)),
			"Get":    second(writer.Get(writer.ctx, 1)),
			"Count":  second(writer.Count(writer.ctx, list.Filter{})),
			"Each":   writer.Each(writer.ctx, list.ByID, 0, 0, nil, nil),
		} {
			if apperr.CodeOf(err) != apperr.Denied {
				t.Errorf("%s without its scope: %v", name, err)
			}
		}
	})
}
