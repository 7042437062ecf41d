package subscriber_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	entevent "campaignql/ent/event"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/audience/query"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/people/contact"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// label creates a tag and puts it on people.
func (f *fixture) label(people ...int64) int64 {
	f.t.Helper()
	client := f.db.Client(f.ctx)
	id := client.SubscriberTag.Create().SetName("l").SetNameKey(fmt.Sprint("l", people)).SetCreatedAt(start).
		SaveX(f.ctx).ID
	for _, person := range people {
		client.SubscriberTagging.Create().SetSubscriberID(person).SetSubscriberTagID(id).ExecX(f.ctx)
	}
	return id
}

// merge notes that old was merged with the subscription that stays.
func (f *fixture) merge(old, stays int64) {
	f.t.Helper()
	f.db.Client(f.ctx).MergedSubscriber.Create().SetID(old).SetSubscriberID(stays).ExecX(f.ctx)
}

func (f *fixture) suppress(address string) {
	f.t.Helper()
	f.db.Client(f.ctx).Suppression.Create().SetEmail(address).SetEmailKey(address).SetCreatedAt(start).ExecX(f.ctx)
}

// held returns what the tables hold of the account's people.
func (f *fixture) held() string {
	f.t.Helper()
	client := f.db.Client(f.ctx)
	var out strings.Builder
	for _, p := range client.Subscriber.Query().Order(entsubscriber.ByID()).AllX(f.ctx) {
		fmt.Fprintf(&out, "%s on %d, ", p.Email, p.ListID)
	}
	fmt.Fprintf(&out, "%d contacts, %d values, %d taggings, %d merged, %d events, %d suppressions",
		client.Contact.Query().CountX(f.ctx), client.FieldValue.Query().CountX(f.ctx),
		client.SubscriberTagging.Query().CountX(f.ctx), client.MergedSubscriber.Query().CountX(f.ctx),
		client.Event.Query().CountX(f.ctx), client.Suppression.Query().CountX(f.ctx))
	return out.String()
}

// TestDeleteTakesEverythingOfASubscription deletes people with values, tags, merged ids, events,
// suppressions and subscriptions to other lists.
func TestDeleteTakesEverythingOfASubscription(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		a, b := f.list, f.newList(false)
		field, campaign := f.field(0, kind.FieldText, ""), f.campaign()
		values := map[int64]string{field: "x"}
		plain := f.subscribe("plain@example.com", values)
		sent := f.subscribe("sent@example.com", values)
		both := f.subscribe("both@example.com", values)
		suppressed := f.subscribe("suppressed@example.com", nil)
		hard := f.subscribe("hard@example.com", nil)
		stays := f.subscribe("stays@example.com", values)
		f.list = b
		other := f.subscribe("both@example.com", values)
		f.label(plain.ID, sent.ID, both.ID, other.ID, stays.ID)
		f.merge(1<<40, plain.ID)
		f.merge(1<<40+1, stays.ID)
		f.suppress("suppressed@example.com")
		record := func(events ...event.Event) []event.Result {
			t.Helper()
			results, err := f.events().Record(f.ctx, events)
			if err != nil {
				t.Fatal(err)
			}
			return results
		}
		record(
			event.Event{ID: "s", Kind: kind.EventSent, CampaignID: campaign, SubscriberID: sent.ID, At: start.Format(time.RFC3339)},
			event.Event{ID: "h", Kind: kind.EventHardBounced, CampaignID: campaign, SubscriberID: hard.ID, At: start.Format(time.RFC3339)},
		)
		foreign := newFixture(t, f.db)
		theirs := foreign.subscribe("plain@example.com", nil)

		before := f.db.Client(f.ctx).Event.Query().CountX(f.ctx)
		deleted, err := f.Delete(f.ctx, []int64{
			hard.ID, plain.ID, sent.ID, 1 << 40, both.ID, suppressed.ID, plain.ID, theirs.ID, unknown,
		})
		want := []int64{plain.ID, sent.ID, both.ID, suppressed.ID, hard.ID}
		if diff := cmp.Diff(want, deleted); err != nil || diff != "" {
			t.Fatalf("deleted %s, %v", diff, err)
		}
		// The contacts of who was sent to, bounced or is suppressed stay, and that of the other list.
		if got, want := f.held(), fmt.Sprintf(
			"stays@example.com on %d, both@example.com on %d, 5 contacts, 2 values, 2 taggings, 1 merged, %d events, 1 suppressions",
			a, b, before,
		); got != want {
			t.Errorf("left is %s, want %s", got, want)
		}
		for _, id := range []int64{sent.ID, hard.ID} {
			if n := f.db.Client(f.ctx).Event.Query().Where(entevent.SubscriberID(id)).CountX(f.ctx); n == 0 {
				t.Errorf("no event names subscription %d any more", id)
			}
		}
		counts, err := f.ActiveCounts(f.ctx, []int64{a, b})
		if diff := cmp.Diff(map[int64]int{a: 1, b: 1}, counts); err != nil || diff != "" {
			t.Errorf("counts: %s, %v", diff, err)
		}
		if theirs := foreign.held(); !strings.HasPrefix(theirs, "plain@example.com on ") {
			t.Errorf("the other account has %s", theirs)
		}
		// Events for who is gone: not by the old number, but by the contact that stays.
		for i, tt := range []struct {
			of   event.Event
			want event.Outcome
		}{
			{event.Event{SubscriberID: sent.ID}, event.Rejected},
			{event.Event{SubscriberID: 1 << 40}, event.Rejected},
			{event.Event{Email: "plain@example.com"}, event.Rejected},
			{event.Event{Email: "sent@example.com"}, event.Recorded},
			{event.Event{SubscriberID: 1<<40 + 1}, event.Recorded}, // merged with one that stays
		} {
			tt.of.ID, tt.of.Kind, tt.of.CampaignID, tt.of.At = fmt.Sprint("late", i), kind.EventOpened, campaign, start.Format(time.RFC3339)
			if got := record(tt.of)[0]; got.Outcome != tt.want {
				t.Errorf("%+v is %v", tt.of, got)
			}
		}
		again, err := f.Delete(f.ctx, deleted)
		if err != nil || len(again) != 0 {
			t.Errorf("deleted again: %v, %v", again, err)
		}
		if back := f.subscribe("plain@example.com", nil); back.ID <= other.ID {
			t.Errorf("who comes back has the number %d, which was used", back.ID)
		}
	})
}

func TestDeleteTooMany(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		person := f.subscribe("a@example.com", nil)
		ids := make([]int64, subscriber.MaxRows+1)
		ids[0] = person.ID
		if got := fault(second(f.Delete(f.ctx, ids))); got != "invalid too_many_ids ids" {
			t.Error(got)
		}
		if deleted, err := f.Delete(f.ctx, nil); err != nil || len(deleted) != 0 {
			t.Errorf("nobody: %v, %v", deleted, err)
		}
		if f.db.Client(f.ctx).Subscriber.Query().CountX(f.ctx) != 1 {
			t.Error("somebody was deleted")
		}
	})
}

// TestDeleteFromSelects deletes from a list by every selection. The same people are on another list,
// which keeps them.
func TestDeleteFromSelects(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		city := f.field(0, kind.FieldText, "")
		names := []string{"ulm", "ulm-left", "ulm-suppressed", "bonn", "none", "merged"}
		for _, tt := range []struct {
			name string
			of   func(people map[string]int64) subscriber.Removal
			gone []string
		}{
			{"ids", func(p map[string]int64) subscriber.Removal {
				return subscriber.Removal{IDs: []int64{p["none"], p["bonn"], p["none"], unknown, p["other list"]}}
			}, []string{"bonn", "none"}},
			{"no ids", func(map[string]int64) subscriber.Removal { return subscriber.Removal{IDs: []int64{}} }, nil},
			{"a merged id", func(p map[string]int64) subscriber.Removal {
				return subscriber.Removal{IDs: []int64{p["merged"] + 1<<40}}
			}, []string{"merged"}},
			{"suppressed ids", func(p map[string]int64) subscriber.Removal {
				return subscriber.Removal{IDs: []int64{p["ulm"], p["ulm-suppressed"]}, Suppressed: true}
			}, []string{"ulm-suppressed"}},
			{"rules, in any state", func(map[string]int64) subscriber.Removal {
				return subscriber.Removal{Rules: fmt.Sprintf(`[[{"type":"fields","field_id":%d,"operator":"is","value":"ulm"}]]`, city)}
			}, []string{"ulm", "ulm-left", "ulm-suppressed"}},
			{"rules joined by or", func(map[string]int64) subscriber.Removal {
				return subscriber.Removal{Operator: "OR", Rules: fmt.Sprintf(
					`[{"type":"fields","field_id":%[1]d,"operator":"is","value":"bonn"},{"type":"fields","field_id":"EmailAddress","operator":"begins with","value":"none@"}]`, city)}
			}, []string{"bonn", "none"}},
			{"rules joined by and", func(map[string]int64) subscriber.Removal {
				return subscriber.Removal{Operator: "and", Rules: fmt.Sprintf(
					`[{"type":"fields","field_id":%[1]d,"operator":"is","value":"ulm"},{"type":"fields","field_id":"EmailAddress","operator":"begins with","value":"ulm-l"}]`, city)}
			}, []string{"ulm-left"}},
			{"suppressed people of rules", func(map[string]int64) subscriber.Removal {
				return subscriber.Removal{Suppressed: true, Rules: fmt.Sprintf(`[{"type":"fields","field_id":%d,"operator":"is","value":"ulm"}]`, city)}
			}, []string{"ulm-suppressed"}},
			{"ids that match rules", func(p map[string]int64) subscriber.Removal {
				return subscriber.Removal{IDs: []int64{p["ulm"], p["bonn"]}, Rules: fmt.Sprintf(`[{"type":"fields","field_id":%d,"operator":"is","value":"ulm"}]`, city)}
			}, []string{"ulm"}},
		} {
			f.list = f.newList(false)
			people := map[string]int64{}
			for _, name := range names {
				values := map[int64]string{}
				if town, _, _ := strings.Cut(name, "-"); town == "ulm" || town == "bonn" {
					values[city] = town
				}
				email := fmt.Sprintf("%s@%d.example.com", name, f.list)
				people[name] = f.subscribe(email, values).ID
			}
			if err := f.leave(fmt.Sprintf("ulm-left@%d.example.com", f.list), 0); err != nil {
				t.Fatal(err)
			}
			f.suppress(fmt.Sprintf("ulm-suppressed@%d.example.com", f.list))
			f.merge(people["merged"]+1<<40, people["merged"])
			mine := f.list
			f.list = f.newList(false)
			people["other list"] = f.subscribe(fmt.Sprintf("ulm@%d.example.com", mine), map[int64]string{city: "ulm"}).ID
			removal := tt.of(people)
			removal.ListID = mine
			n, err := f.DeleteFrom(f.ctx, removal)
			if err != nil || n != len(tt.gone) {
				t.Errorf("%s: deleted %d, %v", tt.name, n, err)
			}
			left, err := f.ByIDs(f.ctx, slices.Collect(maps.Values(people)))
			if err != nil {
				t.Fatal(err)
			}
			for name, id := range people {
				if gone := slices.Contains(tt.gone, name); gone == (left[id] != nil) {
					t.Errorf("%s: %s is gone: %t, want %t", tt.name, name, left[id] == nil, gone)
				}
			}
		}
	})
}

// TestDeleteFromRefuses has selections because of which nobody is deleted.
func TestDeleteFromRefuses(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.subscribe("a@example.com", nil)
		other := newFixture(t, f.db)
		theirs := other.field(other.list, kind.FieldText, "")
		for _, tt := range []struct {
			in   subscriber.Removal
			want string
		}{
			{subscriber.Removal{ListID: unknown, IDs: []int64{1}}, "not_found list_not_found"},
			{subscriber.Removal{ListID: other.list, IDs: []int64{1}}, "not_found list_not_found"},
			{subscriber.Removal{ListID: f.list}, "invalid audience_invalid rules"},
			{subscriber.Removal{ListID: f.list, Rules: `[]`}, "invalid audience_invalid rules"},
			{subscriber.Removal{ListID: f.list, Rules: `[[]]`}, "invalid audience_invalid rules"},
			{subscriber.Removal{ListID: f.list, Rules: `{"operator":"or"}`}, "invalid audience_invalid rules"},
			{subscriber.Removal{ListID: f.list, Rules: `[{"type":"fields"`}, "invalid audience_invalid rules"},
			{subscriber.Removal{ListID: f.list, Operator: "xor", Rules: `[{"type":"fields","field_id":"EmailAddress","operator":"is","value":"a@example.com"}]`}, "invalid audience_invalid rules"},
			{subscriber.Removal{ListID: f.list, Rules: fmt.Sprintf(`[{"type":"fields","field_id":%d,"operator":"is not","value":"x"}]`, theirs)}, "not_found audience_not_found rules"},
			{subscriber.Removal{ListID: f.list, IDs: []int64{1}, Rules: `[]`}, "invalid audience_invalid rules"},
		} {
			n, err := f.DeleteFrom(f.ctx, tt.in)
			if got := fault(err); got != tt.want || n != 0 {
				t.Errorf("%+v: %s, want %s", tt.in, got, tt.want)
			}
		}
		if f.db.Client(f.ctx).Subscriber.Query().CountX(f.ctx) != 1 {
			t.Error("somebody was deleted")
		}
	})
}

// enter puts n people onto the list.
func (f *fixture) enter(n int) []int64 {
	f.t.Helper()
	rows := make([]subscriber.Row, n)
	for i := range rows {
		rows[i].Email = fmt.Sprintf("%06d@example.com", i)
	}
	var ids []int64
	for some := range slices.Chunk(rows, subscriber.MaxRows) {
		results, err := f.Add(f.ctx, subscriber.Addition{ListID: f.list, Rows: some}, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		for _, result := range results {
			ids = append(ids, result.SubscriberID)
		}
	}
	return ids
}

// interrupted are contacts of which the second call of Drop fails.
type interrupted struct {
	*contact.Service
	drops int
}

func (c *interrupted) Drop(ctx context.Context, ids []int64) error {
	if c.drops++; c.drops == 2 {
		return context.Canceled
	}
	return c.Service.Drop(ctx, ids)
}

// TestDeleteFromGoesOnAfterAnInterruption interrupts the deletion of 1,200 people in its second
// transaction, and repeats it.
func TestDeleteFromGoesOnAfterAnInterruption(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.enter(1200)
		everybody := subscriber.Removal{
			ListID: f.list, Rules: `[{"type":"fields","field_id":"EmailAddress","operator":"ends with","value":"@example.com"}]`,
		}
		stopping := subscriber.New(
			f.db, &interrupted{Service: f.contacts}, counter{f}, query.New(f.db, query.Options{}), subscriber.Options{},
		)
		n, err := stopping.DeleteFrom(f.ctx, everybody)
		if err == nil || n != 500 {
			t.Fatalf("interrupted after %d people, %v", n, err)
		}
		if left := f.db.Client(f.ctx).Subscriber.Query().CountX(f.ctx); left != 700 {
			t.Errorf("%d people are left", left)
		}
		if n, err := f.DeleteFrom(f.ctx, everybody); err != nil || n != 700 {
			t.Errorf("the same call again deleted %d, %v", n, err)
		}
		if got := f.held(); got != "0 contacts, 0 values, 0 taggings, 0 merged, 0 events, 0 suppressions" {
			t.Errorf("left is %s", got)
		}
	})
}

// TestDeletionMeetsEventsAndSubscriptions has people deleted while events are recorded for them and
// while they enter the list again.
func TestDeletionMeetsEventsAndSubscriptions(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		campaign, ids := f.campaign(), f.enter(300)
		var writers sync.WaitGroup
		writers.Go(func() {
			if _, err := f.DeleteFrom(f.ctx, subscriber.Removal{ListID: f.list, IDs: ids}); err != nil {
				t.Error(err)
			}
		})
		for w := range 3 {
			writers.Go(func() {
				for n := range 10 {
					var events []event.Event
					for i := range 30 {
						events = append(events, event.Event{
							ID: fmt.Sprint(w, n, i), Kind: kind.EventUnsubscribed, CampaignID: campaign,
							SubscriberID: ids[(n*30+i*7+w)%300], At: start.Add(time.Minute).Format(time.RFC3339),
						})
					}
					if _, err := f.events().Record(f.ctx, events); err != nil {
						t.Error(err)
					}
					_, err := f.Add(f.ctx, subscriber.Addition{
						ListID: f.list, Rows: []subscriber.Row{{Email: fmt.Sprintf("%06d@example.com", n*30)}},
					}, nil)
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		writers.Wait()
		client := f.db.Client(f.ctx)
		for _, p := range client.Subscriber.Query().AllX(f.ctx) {
			if c, err := client.Contact.Get(f.ctx, p.ContactID); err != nil || *c.EmailKey != p.EmailKey {
				t.Errorf("%s belongs to contact %v, %v", p.Email, c, err)
			}
			if slices.Contains(ids, p.ID) {
				t.Errorf("%s was not deleted", p.Email)
			}
		}
		for _, e := range client.Event.Query().AllX(f.ctx) {
			if _, err := client.Contact.Get(f.ctx, e.ContactID); err != nil {
				t.Errorf("event %s has no contact: %v", e.ID, err)
			}
		}
	})
}

// TestDeletionCostsTheSameForOneAndForMany counts statements.
func TestDeletionCostsTheSameForOneAndForMany(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		cost := func(n int) int {
			f.enter(n)
			recorder := &store.Recorder{}
			_, err := f.DeleteFrom(store.WithRecorder(f.ctx, recorder), subscriber.Removal{
				ListID: f.list, Rules: `[{"type":"fields","field_id":"EmailAddress","operator":"ends with","value":"@example.com"}]`,
			})
			if err != nil {
				t.Fatal(err)
			}
			return len(recorder.Statements())
		}
		if one, many := cost(1), cost(400); one != many {
			t.Errorf("one costs %d statements, 400 cost %d", one, many)
		}
	})
}

// TestMergedIdsAnswerAsTheOneThatStays asks for a merged id in every way.
func TestMergedIdsAnswerAsTheOneThatStays(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		stays, plain := f.subscribe("a@example.com", nil), f.subscribe("b@example.com", nil)
		old, older := int64(1<<41), int64(1<<41+1)
		f.merge(old, stays.ID)
		f.merge(older, stays.ID)
		other := newFixture(t, f.db)
		theirs := other.subscribe("a@example.com", nil)
		other.merge(1<<41+2, theirs.ID)

		found, err := f.ByIDs(f.ctx, []int64{old, plain.ID, older, stays.ID, 1<<41 + 2, unknown}, entsubscriber.FieldEmail)
		if err != nil {
			t.Fatal(err)
		}
		got := map[int64]string{}
		for id, row := range found {
			got[id] = fmt.Sprint(row.ID, " ", row.Email)
		}
		a := fmt.Sprint(stays.ID, " a@example.com")
		want := map[int64]string{old: a, older: a, stays.ID: a, plain.ID: fmt.Sprint(plain.ID, " b@example.com")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("found: %s", diff)
		}
		count := func(ids ...int64) int {
			recorder := &store.Recorder{}
			if _, err := f.ByIDs(store.WithRecorder(f.ctx, recorder), ids); err != nil {
				t.Fatal(err)
			}
			return len(recorder.Statements())
		}
		if n := count(plain.ID, stays.ID, plain.ID); n != 1 {
			t.Errorf("ids that exist cost %d statements", n)
		}
		if n := count(plain.ID, old, older); n != 3 {
			t.Errorf("merged ids cost %d statements", n)
		}

		left := kind.SubscriberUnsubscribed
		updated, err := f.Update(f.ctx, old, subscriber.Patch{Status: &left})
		if err != nil || updated.ID != stays.ID || updated.Status != left {
			t.Errorf("updated %v, %v", updated, err)
		}
		if err := second(f.Update(f.ctx, 1<<41+2, subscriber.Patch{Status: &left})); fault(err) != "not_found subscriber_not_found" {
			t.Errorf("of another account: %v", err)
		}
		filter := subscriber.Filter{ListID: f.list, Search: fmt.Sprint(old), SearchIn: "SubscriberID"}
		if n, err := f.Count(f.ctx, filter); err != nil || n != 1 {
			t.Errorf("the search finds %d, %v", n, err)
		}
		for _, id := range []int64{1<<41 + 2, unknown} {
			filter.Search = fmt.Sprint(id)
			if n, err := f.Count(f.ctx, filter); err != nil || n != 0 {
				t.Errorf("the search for %d finds %d, %v", id, n, err)
			}
		}
		deleted, err := f.Delete(f.ctx, []int64{old, older, 1<<41 + 2})
		if err != nil || !slices.Equal(deleted, []int64{stays.ID}) {
			t.Errorf("deleted %v, %v", deleted, err)
		}
		if found, err := f.ByIDs(f.ctx, []int64{old, older}); err != nil || len(found) != 0 {
			t.Errorf("after the deletion: %v, %v", found, err)
		}
	})
}

func TestDeletingNeedsTheScopeWrite(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		reader := testkit.As(t, testkit.Account(t, f.db, testkit.Scoped(kind.ScopeRead)))
		if got := fault(second(f.Delete(reader, []int64{1}))); got != "denied" {
			t.Error(got)
		}
		if got := fault(second(f.DeleteFrom(reader, subscriber.Removal{ListID: f.list}))); got != "denied" {
			t.Error(got)
		}
	})
}
