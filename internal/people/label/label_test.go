package label_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/people/label"
	"campaignql/internal/testkit"
)

func (f fixture) tag(name string) int64 {
	f.t.Helper()
	made, err := f.Create(f.ctx, name, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	return made.ID
}

func (f fixture) person(email string) int64 {
	f.t.Helper()
	client := f.db.Client(f.ctx)
	list := client.SubscriberList.Create().SetName("l").SetNameKey("l").SetCreatedAt(start).SaveX(f.ctx).ID
	return client.Subscriber.Create().
		SetListID(list).
		SetContactID(testkit.Contact(f.t, f.ctx, client, email)).
		SetEmail(email).
		SetEmailKey(email).
		SetCreatedAt(start).
		SaveX(f.ctx).
		ID
}

func TestNamesAreUniqueInAnAccount(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		id, key := f.tag(" Größe "), "k"
		other := newFixture(t, f.db)
		other.tag("größe")
		first, err := f.Create(f.ctx, "a", &key)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := f.Create(f.ctx, "a", &key); err != nil || again.ID != first.ID {
			t.Errorf("with the same key: %v, %v", again, err)
		}
		for name, err := range map[string]error{
			"conflict subscriber_tag_exists name":  second(f.Create(f.ctx, "GRÖSSE", nil)),
			"invalid tag_name_characters name":     second(f.Create(f.ctx, "<", nil)),
			"invalid tag_name_required name":       second(f.Rename(f.ctx, id, "")),
			"not_found subscriber_tag_not_found":   second(other.Rename(other.ctx, id, "x")),
			"conflict subscriber_tag_exists  name": second(f.Rename(f.ctx, id, "A")),
		} {
			if want := strings.ReplaceAll(name, "  ", " "); fault(err) != want {
				t.Errorf("%v, want %s", err, want)
			}
		}
		if renamed, err := f.Rename(f.ctx, id, "new"); err != nil || renamed.Name != "new" {
			t.Errorf("%v, %v", renamed, err)
		}
		result, err := f.List(f.ctx, label.Filter{Search: "N"}, page.Request{})
		if n, countErr := f.Count(f.ctx, label.Filter{Search: "N"}); err != nil || countErr != nil ||
			len(result.Items) != 1 || n != 1 {
			t.Errorf("%v, %d, %v, %v", result.Items, n, err, countErr)
		}
	})
}

func TestTagsAreGivenAndTakenOff(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		gold, silver, ann, bob := f.tag("gold"), f.tag("Silver"), f.person("ann@example.com"), f.person("bob@example.com")
		other := newFixture(t, f.db)
		theirTag, theirPerson := other.tag("x"), other.person("eve@example.com")
		carried := func() string {
			t.Helper()
			tags, err := f.BySubscribers(f.ctx, []int64{ann, bob, theirPerson}, "name")
			if err != nil {
				t.Fatal(err)
			}
			counts, err := f.PeopleCounts(f.ctx, []int64{gold, silver, theirTag})
			if err != nil {
				t.Fatal(err)
			}
			out := ""
			for _, person := range []int64{ann, bob} {
				for _, tag := range tags[person] {
					out += tag.Name + " "
				}
				out += "| "
			}
			return out + fmt.Sprint(counts[gold], counts[silver], len(counts), len(tags))
		}
		for _, step := range []struct {
			do           func(context.Context, []int64, []int64) error
			people, tags []int64
			fault, want  string
		}{
			{f.Assign, []int64{ann, bob, ann}, []int64{silver, gold}, "", "gold Silver | gold Silver | 2 2 2 2"},
			{f.Assign, []int64{ann}, []int64{gold}, "", "gold Silver | gold Silver | 2 2 2 2"},
			{f.Unassign, []int64{ann}, []int64{gold}, "", "Silver | gold Silver | 1 2 2 2"},
			{f.Unassign, []int64{ann, theirPerson}, []int64{silver}, "not_found subscriber_not_found subscriberIds", "Silver | gold Silver | 1 2 2 2"},
			{f.Assign, []int64{ann}, []int64{gold, theirTag}, "not_found subscriber_tag_not_found tagIds", "Silver | gold Silver | 1 2 2 2"},
			{f.Assign, []int64{ann}, make([]int64, 0), "", "Silver | gold Silver | 1 2 2 2"},
		} {
			if got := fault(step.do(f.ctx, step.people, step.tags)); got != step.fault || carried() != step.want {
				t.Errorf(
					"%v %v: %s, then %s; want %s, %s", step.people, step.tags, got, carried(), step.fault, step.want,
				)
			}
		}
	})
}

func TestDeleteTakesTheTaggingsAndLeavesWhatIsNamed(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		gone, kept, ann := f.tag("gone"), f.tag("kept"), f.person("ann@example.com")
		if err := f.Assign(f.ctx, []int64{ann}, []int64{gone, kept}); err != nil {
			t.Fatal(err)
		}
		named := label.New(
			f.db,
			label.Options{
				Named: func(context.Context, []int64, []int64) (int64, string, error) { return gone, "segment 3", nil },
			},
		)
		if got := fault(second(named.Delete(f.ctx, []int64{gone}))); got != "conflict subscriber_tag_in_use ids" {
			t.Error(got)
		}
		theirs := newFixture(t, f.db).tag("theirs")
		deleted, err := f.Delete(f.ctx, []int64{theirs, gone})
		if err != nil || len(deleted) != 1 || deleted[0] != gone {
			t.Errorf("deleted %v, %v", deleted, err)
		}
		if left := f.db.Client(f.ctx).SubscriberTagging.Query().OnlyX(f.ctx); left.SubscriberTagID != kept {
			t.Errorf("left: %v", left)
		}
		reader := newFixture(t, f.db, testkit.Scoped(kind.ScopeRead))
		for name, err := range map[string]error{
			"Create": second(reader.Create(reader.ctx, "a", nil)), "Rename": second(reader.Rename(reader.ctx, 1, "a")), "Delete": second(reader.Delete(reader.ctx, nil)),
			"Assign": reader.Assign(reader.ctx, nil, nil),
		} {
			if apperr.CodeOf(err) != apperr.Denied {
				t.Errorf("%s without its scope: %v", name, err)
			}
		}
	})
}
