package field_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/people/field"
	"campaignql/internal/testkit"
)

func (f fixture) list() *ent.SubscriberList {
	f.t.Helper()
	return f.db.Client(f.ctx).SubscriberList.Create().SetName("l").SetNameKey("l").SetCreatedAt(start).SaveX(f.ctx)
}

func (f fixture) field(listID int64, name string) *ent.CustomField {
	f.t.Helper()
	made, err := f.Create(f.ctx, field.Input{ListID: listID, Name: name, Type: kind.FieldText}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return made
}

func TestCreateRefusesWhatCannotBe(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		list, other := f.list().ID, newFixture(t, f.db)
		theirs := other.list().ID
		for _, test := range []struct {
			in   field.Input
			want string
		}{
			{field.Input{Type: "x"}, "invalid custom_field_name_required name; invalid custom_field_type_unknown type"},
			{field.Input{Name: strings.Repeat("ü", 251), Type: kind.FieldText}, "invalid custom_field_name_too_long name"},
			{field.Input{Name: "x", Type: kind.FieldText, Choices: []string{"a"}}, "invalid custom_field_choices_invalid choices"},
			{field.Input{Name: "x", Type: kind.FieldChoice, Choices: make([]string, 501)}, "invalid custom_field_choices_invalid choices"},
			{field.Input{Name: "x", Type: kind.FieldChoice, Choices: []string{strings.Repeat("x", 251)}}, "invalid custom_field_choices_invalid choices"},
			{field.Input{Name: "x", Type: kind.FieldText, ListID: theirs}, "not_found list_not_found listId"},
			{field.Input{Name: "x", Type: kind.FieldText, ListID: 1 << 60}, "not_found list_not_found listId"},
		} {
			if got := fault(second(f.Create(f.ctx, test.in, nil))); got != test.want {
				t.Errorf("%.60v: %s, want %s", test.in, got, test.want)
			}
		}
		key := "k"
		in := field.Input{ListID: list, Name: " Farbe ", Type: kind.FieldChoice, Choices: []string{" rot ", "Größe"}}
		made, err := f.Create(f.ctx, in, &key)
		if err != nil || made.Name != "Farbe" || cmp.Diff(field.Choices(made), []string{"rot", "Größe"}) != "" {
			t.Fatalf("%v, %v", made, err)
		}
		if again, err := f.Create(f.ctx, in, &key); err != nil || again.ID != made.ID {
			t.Errorf("with the same key: %v, %v", again, err)
		}
		if got := fault(second(f.Create(f.ctx, in, nil))); got != "conflict custom_field_exists name" {
			t.Error(got)
		}
	})
}

func TestFieldsOfEveryListAreMadeOnceAtATime(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		var all sync.WaitGroup
		faults := make([]string, 4)
		for i := range faults {
			all.Go(
				func() { faults[i] = fault(second(f.Create(f.ctx, field.Input{Name: "x", Type: kind.FieldText}, nil))) },
			)
		}
		all.Wait()
		if got := strings.Join(faults, ""); got != strings.Repeat("conflict custom_field_exists name", 3) {
			t.Errorf("%q", faults)
		}
	})
}

func TestAListHasSoManyFieldsAndNoMore(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		full, other := f.list().ID, f.list().ID
		client := f.db.Client(f.ctx)
		var rows []*ent.CustomFieldCreate
		for i := range field.MaxPerList - 1 {
			name := fmt.Sprint("f", i)
			rows = append(
				rows, client.CustomField.Create().SetListID(full).SetName(name).SetNameKey(name).SetCreatedAt(start),
			)
		}
		client.CustomField.CreateBulk(rows...).ExecX(f.ctx)
		f.field(0, "for all")
		for _, list := range []int64{full, 0} {
			if got := fault(
				second(f.Create(f.ctx, field.Input{ListID: list, Name: "one more", Type: kind.FieldText}, nil)),
			); got != "conflict custom_field_limit" {
				t.Errorf("on list %d: %s", list, got)
			}
		}
		f.field(other, "one more")
	})
}

func TestFieldsAreFoundByTheirLists(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		one, two := f.list(), f.list()
		f.field(one.ID, "B")
		f.field(two.ID, "c")
		f.field(0, "a")
		newFixture(t, f.db).field(0, "theirs")
		byList, err := f.ByLists(f.ctx, []*ent.SubscriberList{one, two}, "name")
		if err != nil {
			t.Fatal(err)
		}
		names := func(fields []*ent.CustomField) string {
			var out []string
			for _, f := range fields {
				out = append(out, f.Name)
			}
			return strings.Join(out, "")
		}
		if names(byList[one.ID]) != "aB" || names(byList[two.ID]) != "ac" {
			t.Errorf("%v", byList)
		}
		for filter, want := range map[field.Filter]string{{}: "aBc", {ListID: two.ID}: "ac"} {
			result, err := f.List(f.ctx, filter, page.Request{})
			n, countErr := f.Count(f.ctx, filter)
			if err != nil || countErr != nil || names(result.Items) != want || n != len(want) {
				t.Errorf("%+v: %s, %d, %v, %v", filter, names(result.Items), n, err, countErr)
			}
		}
	})
}

func TestUpdateChangesWhatItNames(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		list := f.list().ID
		made, err := f.Create(
			f.ctx, field.Input{ListID: list, Name: "Colour", Type: kind.FieldChoice, Choices: []string{"a"}}, nil,
		)
		if err != nil {
			t.Fatal(err)
		}
		f.field(0, "Taken")
		for _, test := range []struct {
			patch field.Patch
			want  string
		}{
			{field.Patch{}, "Colour [a]"}, {field.Patch{Name: new("Hue")}, "Hue [a]"}, {field.Patch{Choices: &[]string{"b", "c"}}, "Hue [b c]"}, {field.Patch{Choices: new([]string)}, "Hue []"},
		} {
			got, err := f.Update(f.ctx, made.ID, test.patch)
			if err != nil || fmt.Sprint(got.Name, " ", field.Choices(got)) != test.want {
				t.Errorf("%+v: %v, %v", test.patch, got, err)
			}
		}
		if got := fault(
			second(f.Update(f.ctx, made.ID, field.Patch{Name: new("TAKEN")})),
		); got != "conflict custom_field_exists name" {
			t.Error(got)
		}
		if got := fault(
			second(f.Update(f.ctx, made.ID, field.Patch{Name: new(""), Choices: &[]string{""}})),
		); got != "invalid custom_field_name_required name; invalid custom_field_choices_invalid choices" {
			t.Error(got)
		}
		other := newFixture(t, f.db)
		if got := fault(
			second(other.Update(other.ctx, made.ID, field.Patch{})),
		); got != "not_found custom_field_not_found" {
			t.Error(got)
		}
	})
}

func TestDeleteTakesTheValuesAndLeavesWhatIsNamed(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		gone, kept := f.field(0, "gone").ID, f.field(0, "kept").ID
		other := newFixture(t, f.db)
		theirs := other.field(0, "theirs").ID
		for _, id := range []int64{gone, kept} {
			f.db.Client(f.ctx).FieldValue.Create().SetSubscriberID(1).SetCustomFieldID(id).SetText("x").ExecX(f.ctx)
		}
		named := field.New(
			f.db,
			field.Options{
				Named: func(context.Context, []int64, []int64) (int64, string, error) { return gone, "segment 3", nil },
			},
		)
		err := second(named.Delete(f.ctx, []int64{gone}))
		if fault(err) != "conflict custom_field_in_use ids" ||
			!strings.HasSuffix(apperr.All(err)[0].Message, "is in the rules of segment 3") {
			t.Error(err)
		}
		deleted, err := f.Delete(f.ctx, []int64{theirs, gone, 1 << 60})
		if err != nil || len(deleted) != 1 || deleted[0] != gone {
			t.Errorf("deleted %v, %v", deleted, err)
		}
		if left := f.db.Client(f.ctx).FieldValue.Query().OnlyX(f.ctx); left.CustomFieldID != kept {
			t.Errorf("left: %v", left)
		}
		if _, err := other.Get(other.ctx, theirs); err != nil {
			t.Error(err)
		}
		reader := newFixture(t, f.db, testkit.Scoped(kind.ScopeRead))
		for name, err := range map[string]error{
			"Create": second(reader.Create(reader.ctx, field.Input{}, nil)), "Update": second(reader.Update(reader.ctx, 1, field.Patch{})), "Delete": second(reader.Delete(reader.ctx, nil)),
		} {
			if apperr.CodeOf(err) != apperr.Denied {
				t.Errorf("%s without its scope: %v", name, err)
			}
		}
	})
}
