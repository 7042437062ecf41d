package list_test

import (
	"context"
	"fmt"
	"testing"

	"campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/people/list"
	"campaignql/internal/testkit"
)

// fill adds two people with all kinds of data to a list.
func (f fixture) fill(id int64) {
	f.t.Helper()
	client := f.db.Client(f.ctx)
	field := client.CustomField.Create().SetListID(id).SetName("f").SetNameKey("f").SetCreatedAt(start).SaveX(f.ctx).ID
	client.Segment.Create().
		SetListID(id).
		SetName("s").
		SetNameKey("s").
		SetRules("{}").
		SetCreatedAt(start).
		SetUpdatedAt(start).
		SaveX(f.ctx)
	name := fmt.Sprint("t", id)
	tag := client.SubscriberTag.Create().SetName(name).SetNameKey(name).SetCreatedAt(start).SaveX(f.ctx).ID
	for _, email := range []string{"a@example.com", "b@example.com"} {
		p := client.Subscriber.Create().
			SetListID(id).
			SetContactID(testkit.Contact(f.t, f.ctx, client, email)).
			SetEmail(email).
			SetEmailKey(email).
			SetCreatedAt(start).
			SaveX(f.ctx).
			ID
		client.FieldValue.Create().SetSubscriberID(p).SetCustomFieldID(field).SetText("x").ExecX(f.ctx)
		client.SubscriberTagging.Create().SetSubscriberID(p).SetSubscriberTagID(tag).ExecX(f.ctx)
	}
}

// counts returns the numbers of lists, people, values, taggings, segments, fields and labels of the
// account. Labels stay after a deletion.
func (f fixture) counts() string {
	f.t.Helper()
	c := f.db.Client(f.ctx)
	return fmt.Sprint(
		c.SubscriberList.Query().CountX(f.ctx), c.Subscriber.Query().CountX(f.ctx), c.FieldValue.Query().CountX(f.ctx),
		c.SubscriberTagging.Query().CountX(f.ctx), c.Segment.Query().CountX(f.ctx), c.CustomField.Query().CountX(f.ctx),
		c.SubscriberTag.Query().CountX(f.ctx),
	)
}

func TestAListGoesWithAllThatIsOnIt(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		gone, kept := f.list("gone").ID, f.list("kept").ID
		other := newFixture(t, f.db)
		theirs := other.list("theirs").ID
		f.fill(gone)
		f.fill(kept)
		other.fill(theirs)
		deleted, err := f.Delete(f.ctx, []int64{kept + 1_000_000, theirs, gone, gone})
		if err != nil || fmt.Sprint(deleted) != fmt.Sprint([]int64{gone}) {
			t.Fatalf("deleted %v, %v", deleted, err)
		}
		if got := f.counts(); got != "1 2 2 2 1 1 2" {
			t.Errorf("what is left: %s", got)
		}
		if n := f.db.Client(f.ctx).Subscriber.Query().Where(subscriber.ListID(kept)).CountX(f.ctx); n != 2 {
			t.Errorf("%d people are left on the other list", n)
		}
		if got := other.counts(); got != "1 2 2 2 1 1 1" {
			t.Errorf("what the other account has: %s", got)
		}
		if again, err := f.Delete(f.ctx, []int64{gone}); err != nil || len(again) != 0 {
			t.Errorf("once more: %v, %v", again, err)
		}
		if got := fault(second(f.Delete(f.ctx, make([]int64, 5001)))); got != "invalid too_many_ids ids" {
			t.Error(got)
		}
	})
}

func TestAListThatIsNamedStays(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		one, two := f.list("one").ID, f.list("two").ID
		service := list.New(
			f.db,
			list.Options{Named: func(_ context.Context, owners, ids []int64) (int64, string, error) {
				if len(owners) != 1 || fmt.Sprint(ids) != fmt.Sprint([]int64{one, two}) {
					t.Errorf("asked for %v of %v", ids, owners)
				}
				return two, "campaign 5, which is Draft", nil
			}},
		)
		_, err := service.Delete(f.ctx, []int64{two, one})
		if fault(err) != "conflict list_in_use ids" ||
			apperr.All(err)[0].Message != fmt.Sprintf("list %d is in the audience of campaign 5, which is Draft", two) {
			t.Error(err)
		}
		if n, err := f.Count(f.ctx, list.Filter{}); err != nil || n != 2 {
			t.Errorf("%d lists are left, %v", n, err)
		}
	})
}

func TestUpdateChangesWhatItNames(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		made := f.list("Old")
		for _, test := range []struct {
			patch list.Patch
			want  string
		}{
			{list.Patch{}, "Old false old"}, {list.Patch{Name: new(" Größe ")}, "Größe false grösse"}, {list.Patch{DoubleOptIn: new(true)}, "Größe true grösse"},
		} {
			got, err := f.Update(f.ctx, made.ID, test.patch)
			if err != nil || fmt.Sprint(got.Name, " ", got.DoubleOptIn, " ", got.NameKey) != test.want {
				t.Errorf("%+v: %v, %v", test.patch, got, err)
			}
		}
		if got := fault(
			second(f.Update(f.ctx, made.ID, list.Patch{Name: new(""), DoubleOptIn: new(false)})),
		); got != "invalid list_name_required name" {
			t.Error(got)
		}
		other := newFixture(t, f.db)
		if got := fault(
			second(f.Update(f.ctx, other.list("theirs").ID, list.Patch{Name: new("x")})),
		); got != "not_found list_not_found" {
			t.Error(got)
		}
		if n, err := f.Count(f.ctx, list.Filter{Search: "SS"}); err != nil || n != 1 {
			t.Errorf("%d lists are found, %v", n, err)
		}
		reader := newFixture(t, f.db, testkit.Scoped(kind.ScopeRead))
		if err := second(reader.Update(reader.ctx, 1, list.Patch{})); apperr.CodeOf(err) != apperr.Denied {
			t.Error(err)
		}
		if err := second(reader.Delete(reader.ctx, nil)); apperr.CodeOf(err) != apperr.Denied {
			t.Error(err)
		}
	})
}
