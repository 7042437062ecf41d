package segment_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/audience/rules"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/people/segment"
	"campaignql/internal/testkit"
)

func (f fixture) list() int64 {
	f.t.Helper()
	return f.db.Client(f.ctx).SubscriberList.Create().SetName("l").SetNameKey("l").SetCreatedAt(start).SaveX(f.ctx).ID
}

func (f fixture) segment(list int64, rules string) *ent.Segment {
	f.t.Helper()
	made, err := f.Create(f.ctx, segment.Input{ListID: list, Name: "s", Rules: rules}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return made
}

// naming returns rules that name segments.
func naming(ids ...int64) string {
	parts := make([]string, len(ids))
	for i, id := range ids {
		parts[i] = fmt.Sprintf(`{"type":"segments","operator":"belongs to","value":%d}`, id)
	}
	return "[" + strings.Join(parts, ",") + "]"
}

func TestRulesAreStoredCanonically(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		list := f.list()
		for given, want := range map[string]string{
			"":                  `{"rules":[]}`,
			" [] ":              `{"rules":[]}`,
			`{"operator":"or"}`: `{"rules":[]}`,
			`[{"type":"Suppressions","operator":"EXIST"}]`: `{"operator":"and","rules":[{"type":"suppressions","operator":"exist"}]}`,
		} {
			made := f.segment(list, given)
			stored := f.db.Client(f.ctx).Segment.GetX(f.ctx, made.ID)
			if stored.Rules != want || stored.RulesSource != strings.TrimSpace(given) ||
				!stored.CreatedAt.Equal(start) {
				t.Errorf("%s: stored %v", given, stored)
			}
		}
	})
}

func TestRulesNameWhatTheAccountHasAlone(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		list, another, other := f.list(), f.list(), newFixture(t, f.db)
		client := f.db.Client(f.ctx)
		field := client.CustomField.Create().
			SetListID(another).
			SetName("x").
			SetNameKey("x").
			SetCreatedAt(start).
			SaveX(f.ctx).
			ID
		every := client.CustomField.Create().SetName("y").SetNameKey("y").SetCreatedAt(start).SaveX(f.ctx).ID
		theirTag := f.db.Client(other.ctx).
			SubscriberTag.Create().
			SetName("x").
			SetNameKey("x").
			SetCreatedAt(start).
			SaveX(other.ctx).
			ID
		rule := func(of, operator string, value any) string {
			return fmt.Sprintf(`[{"type":%q,"operator":%q,"value":"%v"}]`, of, operator, value)
		}
		ofField := func(id int64) string {
			return fmt.Sprintf(`[{"type":"fields","field_id":%d,"operator":"is set"}]`, id)
		}
		for rules, want := range map[string]string{
			ofField(every):                             "",
			ofField(field):                             "not_found audience_not_found rules",
			naming(f.segment(another, "").ID):          "not_found audience_not_found rules",
			naming(other.segment(other.list(), "").ID): "not_found audience_not_found rules",
			rule("tags", "has this tag", theirTag):     "not_found audience_not_found rules",
			rule("tags", "has this tag", 1<<40):        "not_found audience_not_found rules",
			rule("campaign-events", "opened", 1<<40):   "not_found audience_not_found rules",
			`[{"type":"journeys"}]`:                    "invalid audience_invalid rules",
			"{":                                        "invalid audience_invalid rules",
		} {
			if got := fault(
				second(f.Create(f.ctx, segment.Input{ListID: list, Name: "s", Rules: rules}, nil)),
			); got != want {
				t.Errorf("%s: %s, want %s", rules, got, want)
			}
		}
		want := "invalid segment_name_required name; invalid audience_invalid rules; not_found list_not_found listId"
		if got := fault(second(f.Create(f.ctx, segment.Input{ListID: other.list(), Rules: "["}, nil))); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

func TestRulesLeadBackNowhere(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		list := f.list()
		a := f.segment(list, "").ID
		b := f.segment(list, naming(a)).ID
		c := f.segment(list, naming(b)).ID
		for _, of := range []int64{a, b, c} {
			if got := fault(
				second(f.Update(f.ctx, a, segment.Patch{Rules: new(naming(of))})),
			); got != "invalid segment_cycle rules" {
				t.Errorf("segment %d names %d: %s", a, of, got)
			}
		}
		if _, err := f.Update(f.ctx, c, segment.Patch{Rules: new(naming(a, b))}); err != nil {
			t.Error(err)
		}
	})
}

func TestOfTwoThatCloseACircleOneIsRefused(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		list := f.list()
		a, b := f.segment(list, "").ID, f.segment(list, "").ID
		var both sync.WaitGroup
		faults := make([]string, 2)
		for i, pair := range [][2]int64{{a, b}, {b, a}} {
			both.Go(func() {
				faults[i] = fault(second(f.Update(f.ctx, pair[0], segment.Patch{Rules: new(naming(pair[1]))})))
			})
		}
		both.Wait()
		if got := strings.Join(faults, ""); got != "invalid segment_cycle rules" {
			t.Errorf("%q", faults)
		}
	})
}

func TestUpdateChangesWhatItNames(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		made := f.segment(f.list(), `[{"type":"suppressions","operator":"exist"}]`)
		for _, test := range []struct {
			patch segment.Patch
			want  string
		}{
			{segment.Patch{}, `s {"operator":"and","rules":[{"type":"suppressions","operator":"exist"}]}`},
			{segment.Patch{Name: new(" other ")}, `other {"operator":"and","rules":[{"type":"suppressions","operator":"exist"}]}`},
			{segment.Patch{Rules: new("")}, `other {"rules":[]}`},
		} {
			if got, err := f.Update(f.ctx, made.ID, test.patch); err != nil || got.Name+" "+got.Rules != test.want {
				t.Errorf("%+v: %v, %v", test.patch, got, err)
			}
		}
		if got := fault(
			second(f.Update(f.ctx, made.ID, segment.Patch{Name: new(""), Rules: new("x")})),
		); got != "invalid segment_name_required name; invalid audience_invalid rules" {
			t.Error(got)
		}
		other := newFixture(t, f.db)
		for name, err := range map[string]error{"Update": second(other.Update(other.ctx, made.ID, segment.Patch{})), "Get": second(other.Get(other.ctx, made.ID))} {
			if fault(err) != "not_found segment_not_found" {
				t.Errorf("%s of another's: %v", name, err)
			}
		}
	})
}

func TestDeleteLeavesWhatIsNamed(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		list := f.list()
		a := f.segment(list, "").ID
		b := f.segment(list, naming(a)).ID
		other := newFixture(t, f.db)
		theirs := other.segment(other.list(), "").ID
		err := second(f.Delete(f.ctx, []int64{a}))
		if fault(err) != "conflict segment_in_use ids" ||
			!strings.HasSuffix(apperr.All(err)[0].Message, fmt.Sprint("is in the rules of segment ", b)) {
			t.Error(err)
		}
		named := segment.New(
			f.db,
			segment.Options{
				Named: func(context.Context, []int64, []int64) (int64, string, error) { return b, "campaign 5", nil },
			},
		)
		if got := fault(second(named.Delete(f.ctx, []int64{a, b}))); got != "conflict segment_in_use ids" {
			t.Error(got)
		}
		deleted, err := f.Delete(f.ctx, []int64{b, theirs, a})
		if err != nil || fmt.Sprint(deleted) != fmt.Sprint([]int64{a, b}) {
			t.Errorf("deleted %v, %v", deleted, err)
		}
		if _, err := other.Get(other.ctx, theirs); err != nil {
			t.Error(err)
		}
	})
}

func TestNamingFindsRulesOfTheOwners(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		list := f.list()
		a := f.segment(list, "").ID
		b := f.segment(list, naming(a)).ID
		owner := f.db.Client(f.ctx).Segment.GetX(f.ctx, a).UserID
		of := func(refs rules.References) []rules.Reference { return refs.Segments }
		for _, test := range []struct {
			ids   []int64
			named int64
			by    string
		}{{[]int64{b}, 0, ""}, {[]int64{a, b}, a, fmt.Sprint("segment ", b)}} {
			if named, by, err := f.Naming(f.ctx, []int64{owner}, test.ids, of); err != nil || named != test.named ||
				by != test.by {
				t.Errorf("%v: %d %q %v", test.ids, named, by, err)
			}
		}
	})
}

func TestEachListHasAPageOfItsOwn(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		one, two, none := f.list(), f.list(), f.list()
		for range 3 {
			f.segment(one, "")
		}
		f.segment(two, "")
		first := 2
		pages, err := f.Lists(
			f.ctx, []int64{one, two, none}, segment.Filter{Search: "S"}, page.Request{First: &first}, "name",
		)
		if err != nil || len(pages[one].Items) != 2 || !pages[one].HasNext || len(pages[two].Items) != 1 ||
			pages[two].HasNext ||
			len(pages[none].Items) != 0 {
			t.Errorf("%v, %v", pages, err)
		}
		counts, err := f.Counts(f.ctx, []int64{one, two, none}, segment.Filter{})
		if err != nil || counts[one] != 3 || counts[two] != 1 || counts[none] != 0 {
			t.Errorf("%v, %v", counts, err)
		}
		reader := newFixture(t, f.db, testkit.Scoped(kind.ScopeRead))
		for name, err := range map[string]error{
			"Create": second(reader.Create(reader.ctx, segment.Input{}, nil)), "Update": second(reader.Update(reader.ctx, 1, segment.Patch{})), "Delete": second(reader.Delete(reader.ctx, nil)),
		} {
			if apperr.CodeOf(err) != apperr.Denied {
				t.Errorf("%s without its scope: %v", name, err)
			}
		}
	})
}
