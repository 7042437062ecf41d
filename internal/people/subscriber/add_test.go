package subscriber_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"campaignql/ent/fieldvalue"
	entsubscriber "campaignql/ent/subscriber"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/page"
	"campaignql/internal/people/list"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/purge"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// add calls Add, which must succeed, and returns the outcomes.
func (f *fixture) add(in subscriber.Addition, key *string) string {
	f.t.Helper()
	results, err := f.Add(f.ctx, in, key)
	if err != nil {
		f.t.Fatal(err)
	}
	var told []string
	for _, r := range results {
		if (r.SubscriberID == 0) != (r.Outcome == subscriber.Rejected) ||
			(r.Err == nil) == (r.Outcome == subscriber.Rejected) {
			f.t.Errorf("%+v", r)
		}
		told = append(told, strings.TrimSpace(string(r.Outcome)+" "+fault(r.Err)))
	}
	return strings.Join(told, ", ")
}

func TestAddTellsWhatCameOfEachRow(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.list = f.newList(true)
		number, text := f.field(f.list, kind.FieldNumber, ""), f.field(0, kind.FieldText, "")
		const absent = 1 << 40
		asked, confirmed := start.Add(-48*time.Hour), start.Add(-24*time.Hour)
		f.subscribe("left@example.com", map[int64]string{text: "before"})
		if err := f.leave("left@example.com", 0); err != nil {
			t.Fatal(err)
		}
		rows := []subscriber.Row{
			{
				Email: "A@example.com", IP: "192.0.2.1", SubscribedAt: &asked, OptedInAt: &confirmed,
				Fields: map[int64]string{number: "12.5", text: "x"},
			},
			{Email: "b@example.com"},
			{Email: "x", Fields: map[int64]string{number: "y", absent: "z"}},
			{Email: " a@EXAMPLE.com"},
			{Email: "left@example.com", Fields: map[int64]string{text: ""}},
		}
		rejected := fmt.Sprintf(
			"rejected invalid subscriber_address_invalid email; invalid custom_field_invalid fields.%d; invalid custom_field_not_found fields.%d, "+
				"rejected conflict subscriber_repeated email",
			number, absent,
		)
		for _, test := range []struct {
			in   subscriber.Addition
			want string
		}{
			{subscriber.Addition{}, "added, added, " + rejected + ", left"},
			{subscriber.Addition{}, "exists, exists, " + rejected + ", left"},
			{subscriber.Addition{Update: true}, "updated, exists, " + rejected + ", updated"},
			{subscriber.Addition{Resubscribe: true}, "exists, resubscribed, " + rejected + ", resubscribed"},
		} {
			test.in.ListID, test.in.Rows = f.list, rows
			if got := f.add(test.in, nil); got != test.want {
				t.Errorf(
					"update %v, resubscribe %v:\n got %s\nwant %s", test.in.Update, test.in.Resubscribe, got, test.want,
				)
			}
		}
		people, err := f.List(f.ctx, subscriber.Filter{ListID: f.list}, subscriber.ByAddress, page.Request{})
		if err != nil || len(people.Items) != 3 {
			t.Fatal(people, err)
		}
		a, b, left := people.Items[0], people.Items[1], people.Items[2]
		if a.Status != kind.SubscriberSubscribed || !a.SubscribedAt.Equal(asked) || !a.OptedInAt.Equal(confirmed) ||
			a.SubscriptionIP != "192.0.2.1" ||
			contactOf(f, a).Domain != "example.com" ||
			a.Email != "A@example.com" {
			t.Errorf("who had confirmed: %v", a)
		}
		if b.Status != kind.SubscriberPending || !b.SubscribedAt.Equal(start) || b.OptedInAt != nil {
			t.Errorf("who has not: %v", b)
		}
		if left.Status != kind.SubscriberPending || left.UnsubscribedAt != nil {
			t.Errorf("who entered again: %v", left)
		}
		values, err := f.Values(f.ctx, []int64{a.ID, b.ID, left.ID})
		if err != nil ||
			fmt.Sprint(values) != fmt.Sprint(map[int64]map[int64]string{a.ID: {number: "12.5", text: "x"}}) {
			t.Errorf("values %v, %v", values, err)
		}
	})
}

func TestAddWritesValuesOver(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		number, date := f.field(f.list, kind.FieldNumber, ""), f.field(f.list, kind.FieldDate, "")
		for i, fields := range []map[int64]string{{number: "1", date: "2026-01-02"}, {number: "2"}, {date: "", number: "3"}} {
			f.add(
				subscriber.Addition{
					ListID: f.list, Update: true, Rows: []subscriber.Row{{Email: "a@example.com", Fields: fields}},
				},
				nil,
			)
			rows := f.db.Client(f.ctx).FieldValue.Query().Order(fieldvalue.ByCustomFieldID()).AllX(f.ctx)
			if want := []int{2, 2, 1}[i]; len(rows) != want || rows[0].Number == nil ||
				*rows[0].Number != float64(i+1) ||
				rows[0].Text != fmt.Sprint(i+1) {
				t.Errorf("%v: %v", fields, rows)
			}
		}
	})
}

func TestAddWithAKeyWritesOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.subscribe("old@example.com", nil)
		in := subscriber.Addition{
			ListID: f.list, Update: true, Resubscribe: true,
			Rows: []subscriber.Row{{Email: "new@example.com"}, {Email: "?"}, {Email: "old@example.com"}},
		}
		key := "k"
		*f.now = start.Add(time.Hour)
		want := "added, rejected invalid subscriber_address_invalid email, exists"
		if got := f.add(in, &key); got != want {
			t.Error(got)
		}
		*f.now = start.Add(2 * time.Hour)
		if err := f.leave("old@example.com", 0); err != nil {
			t.Fatal(err)
		}
		if got := f.add(in, &key); got != "added, rejected invalid subscriber_address_invalid email, left" {
			t.Error(got)
		}
		in.Rows[0].Email = "third@example.com"
		if got := fault(second(f.Add(f.ctx, in, &key))); got != "invalid idempotency_key_reused idempotencyKey" {
			t.Error(got)
		}
		if n, err := f.Count(
			f.ctx, subscriber.Filter{ListID: f.list, Statuses: []kind.SubscriberStatus{kind.SubscriberSubscribed}},
		); err != nil || n != 1 {
			t.Errorf("%d are subscribed, %v", n, err)
		}
	})
}

func TestAdditionsAtOnceAddEachOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		rows := make([]subscriber.Row, 300)
		for i := range rows {
			rows[i].Email = fmt.Sprintf("%d@example.com", i)
		}
		var all sync.WaitGroup
		added := make([]int, 4)
		for i := range added {
			all.Go(func() {
				results, err := f.Add(f.ctx, subscriber.Addition{ListID: f.list, Rows: rows[i*50 : i*50+150]}, nil)
				if err != nil {
					t.Error(err)
				}
				for _, r := range results {
					if r.Outcome == subscriber.Added {
						added[i]++
					}
				}
			})
		}
		all.Wait()
		if sum := added[0] + added[1] + added[2] + added[3]; sum != 300 {
			t.Errorf("%v were added", added)
		}
		if n, err := f.Count(f.ctx, subscriber.Filter{ListID: f.list}); err != nil || n != 300 {
			t.Errorf("%d are on the list, %v", n, err)
		}
	})
}

func TestAddRefusesListsAndSizes(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		other := newFixture(t, f.db)
		for name, test := range map[string]struct {
			in   subscriber.Addition
			want string
		}{
			"another's": {subscriber.Addition{ListID: other.list}, "not_found list_not_found listId"},
			"none":      {subscriber.Addition{ListID: unknown}, "not_found list_not_found listId"},
			"too many":  {subscriber.Addition{ListID: f.list, Rows: make([]subscriber.Row, 5001)}, "invalid too_many_rows rows"},
		} {
			if got := fault(second(f.Add(f.ctx, test.in, nil))); got != test.want {
				t.Errorf("%s: %s", name, got)
			}
		}
		reader := newFixture(t, f.db, testkit.Scoped(kind.ScopeRead))
		if err := second(
			reader.Add(reader.ctx, subscriber.Addition{ListID: f.list}, nil),
		); apperr.CodeOf(err) != apperr.Denied {
			t.Error(err)
		}
	})
}

func TestAnAdminAddsForTheOwnerOfTheList(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		admin := newFixture(t, f.db, testkit.Admin())
		admin.list = f.list
		field := f.field(f.list, kind.FieldText, "")
		admin.add(
			subscriber.Addition{
				ListID: f.list, Rows: []subscriber.Row{{Email: "a@example.com", Fields: map[int64]string{field: "x"}}},
			},
			nil,
		)
		if n := f.db.Client(f.ctx).
			Subscriber.Query().
			CountX(f.ctx) +
			f.db.Client(f.ctx).
				FieldValue.Query().
				CountX(f.ctx); n != 2 {
			t.Errorf("the owner has %d of the person and the value", n)
		}
	})
}

func TestUpdateChangesWhatItNames(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		f.list = f.newList(true)
		number := f.field(f.list, kind.FieldNumber, "")
		f.subscribe("taken@example.com", nil)
		p := f.subscribe("A@example.com", map[int64]string{number: "1"})
		later := start.Add(time.Hour)
		*f.now = later
		status := func(s kind.SubscriberStatus) *kind.SubscriberStatus { return &s }
		for _, test := range []struct {
			name  string
			patch subscriber.Patch
			want  string
		}{
			{"confirmed", subscriber.Patch{Status: status(kind.SubscriberSubscribed)}, "A@example.com example.com subscribed none 12 13 -"},
			{"nothing", subscriber.Patch{Status: status(kind.SubscriberSubscribed)}, "A@example.com example.com subscribed none 12 13 -"},
			{"taken off", subscriber.Patch{Status: status(kind.SubscriberUnsubscribed)}, "A@example.com example.com unsubscribed none 12 13 13"},
			{"on again", subscriber.Patch{Status: status(kind.SubscriberSubscribed)}, "A@example.com example.com subscribed none 13 - -"},
			{"another address", subscriber.Patch{Email: new("B@Example.org"), OptedInAt: &start}, "B@Example.org example.org subscribed none 13 12 -"},
			{"dates and bounce", subscriber.Patch{SubscribedAt: &time.Time{}, OptedInAt: &time.Time{}, Bounce: new(kind.BounceSoft)}, "B@Example.org example.org subscribed soft - - -"},
		} {
			got, err := f.Update(f.ctx, p.ID, test.patch)
			if err != nil {
				t.Fatal(test.name, err)
			}
			hour := func(at *time.Time) string {
				if at == nil {
					return "-"
				}
				return at.Format("15")
			}
			shown := fmt.Sprint(
				got.Email, " ", contactOf(f, got).Domain, " ", got.Status, " ", got.Bounce, " ", hour(got.SubscribedAt), " ",
				hour(got.OptedInAt), " ", hour(got.UnsubscribedAt),
			)
			if shown != test.want {
				t.Errorf("%s: %s, want %s", test.name, shown, test.want)
			}
		}
		for _, test := range []struct {
			patch subscriber.Patch
			want  string
		}{
			{subscriber.Patch{Email: new("TAKEN@example.com")}, "conflict subscriber_exists email"},
			{subscriber.Patch{Email: new("x"), Status: status(kind.SubscriberPending), Bounce: new(kind.BounceType("x")), Fields: map[int64]string{number: "x", unknown: "y"}},
				fmt.Sprintf("invalid subscriber_address_invalid email; invalid subscriber_status_invalid status; invalid subscriber_bounce_invalid bounce; "+
					"invalid custom_field_invalid fields.%d; invalid custom_field_not_found fields.%d", number, int64(unknown))},
		} {
			if got := fault(second(f.Update(f.ctx, p.ID, test.patch))); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		}
		if _, err := f.Update(f.ctx, p.ID, subscriber.Patch{Fields: map[int64]string{number: "7"}}); err != nil {
			t.Fatal(err)
		}
		if values, err := f.TypedValues(f.ctx, []int64{p.ID}); err != nil || len(values[p.ID]) != 1 ||
			*values[p.ID][0].Number != 7 {
			t.Errorf("values %v, %v", values, err)
		}
		other := newFixture(t, f.db)
		foreign, absent := second(
			other.Update(other.ctx, p.ID, subscriber.Patch{}),
		), second(
			other.Update(other.ctx, unknown, subscriber.Patch{}),
		)
		if fault(foreign) != "not_found subscriber_not_found" || fault(foreign) != fault(absent) {
			t.Error(foreign, absent)
		}
	})
}

func TestAddCostsTheSameForManyRows(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		field := f.field(f.list, kind.FieldText, "")
		cost := func(n int) int {
			recorder := &store.Recorder{}
			rows := make([]subscriber.Row, n)
			for i := range rows {
				rows[i] = subscriber.Row{
					Email: fmt.Sprintf("%d-%d@example.com", n, i), Fields: map[int64]string{field: "x"},
				}
			}
			if _, err := f.Add(
				store.WithRecorder(f.ctx, recorder), subscriber.Addition{ListID: f.list, Rows: rows}, nil,
			); err != nil {
				t.Fatal(err)
			}
			return len(recorder.Statements())
		}
		// With many rows two questions decide how they are written, which one row does not need.
		one, some, many := cost(1), cost(200), cost(2000)
		if some != many || one > some || some > one+2 || one == 0 {
			t.Errorf("one row costs %d statements, 200 cost %d, 2,000 cost %d", one, some, many)
		}
	})
}

// idsAreTold adds 4,500 rows, some of them already on the list, and checks the outcome and the id
// and the contact of each row.
func (f *fixture) idsAreTold() {
	f.t.Helper()
	rows := make([]subscriber.Row, 4500)
	there := map[int]bool{}
	for i := range rows {
		rows[i].Email = fmt.Sprintf("%d@example.com", i*7919%len(rows))
		if i%700 == 3 || i > 4490 {
			there[i] = true
			f.subscribe(rows[i].Email, nil)
		}
	}
	results, err := f.Add(f.ctx, subscriber.Addition{ListID: f.list, Rows: rows}, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	ids, contacts := map[string]int64{}, map[string]int64{}
	for _, p := range f.db.Client(f.ctx).Subscriber.Query().Where(entsubscriber.ListID(f.list)).AllX(f.ctx) {
		ids[p.Email], contacts[p.Email] = p.ID, p.ContactID
	}
	for i, r := range results {
		want := subscriber.Added
		if there[i] {
			want = subscriber.Exists
		}
		if r.Outcome != want || r.SubscriberID == 0 || r.SubscriberID != ids[rows[i].Email] ||
			r.ContactID == 0 || r.ContactID != contacts[rows[i].Email] {
			f.t.Fatalf("row %d: %+v, want %s as %d of %d", i, r, want, ids[rows[i].Email], contacts[rows[i].Email])
		}
	}
}

func TestAddTellsWhoThePeopleAre(t *testing.T) {
	each(t, func(_ *testing.T, f *fixture) { f.idsAreTold() })
}

// TestIdsThatNobodyAsksForAreNotRead adds new people and one who is there, without the ids of the new
// ones: that spares a statement. Those with fields have ids, because their values need them.
func TestIdsThatNobodyAsksForAreNotRead(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		text := f.field(0, kind.FieldText, "")
		add := func(withoutIDs bool, first int, fields map[int64]string) ([]subscriber.Result, int) {
			rows := make([]subscriber.Row, 200)
			for i := range rows {
				rows[i] = subscriber.Row{Email: fmt.Sprintf("%d@example.com", first+i), Fields: fields}
			}
			recorder := &store.Recorder{}
			results, err := f.Add(
				store.WithRecorder(f.ctx, recorder),
				subscriber.Addition{ListID: f.list, Rows: rows, WithoutIDs: withoutIDs}, nil,
			)
			if err != nil {
				t.Fatal(err)
			}
			return results, len(recorder.Statements())
		}
		_, with := add(false, 1000, nil)
		results, without := add(true, 2000, nil)
		if without != with-1 {
			t.Errorf("%d statements without ids, %d with them", without, with)
		}
		for i, r := range results {
			if r.Outcome != subscriber.Added || r.SubscriberID != 0 || r.ContactID == 0 {
				t.Fatalf("row %d: %+v", i, r)
			}
		}
		results, _ = add(true, 1999, nil)
		if r := results[0]; r.Outcome != subscriber.Added || r.ContactID == 0 {
			t.Errorf("the new one: %+v", r)
		}
		if r := results[1]; r.Outcome != subscriber.Exists || r.SubscriberID == 0 || r.ContactID == 0 {
			t.Errorf("who is on the list: %+v", r)
		}
		results, _ = add(true, 3000, map[int64]string{text: "x"})
		values, err := f.Values(f.ctx, []int64{results[7].SubscriberID})
		if err != nil || values[results[7].SubscriberID][text] != "x" {
			t.Errorf("%+v has the values %v, %v", results[7], values, err)
		}
	})
}

// In a cluster the ids of one server have gaps, for example every third id.
func TestAddTellsWhoThePeopleAreWhereNumbersHaveGaps(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		if strings.HasPrefix(address, "sqlite:") {
			t.Skip("SQLite numbers without gaps")
		}
		newFixture(t, testkit.Open(t, address+"?auto_increment_increment=3")).idsAreTold()
	})
}

func TestNobodyIsPutOntoAListThatIsDeletedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		text := f.field(0, kind.FieldText, "")
		var all sync.WaitGroup
		begun := make(chan struct{}, 4)
		for i := range 4 {
			all.Go(func() {
				for n := range 200 {
					rows := make([]subscriber.Row, 50)
					for j := range rows {
						rows[j] = subscriber.Row{
							Email: fmt.Sprintf("%d-%d-%d@example.com", i, n, j), Fields: map[int64]string{text: "x"},
						}
					}
					_, err := f.Add(f.ctx, subscriber.Addition{ListID: f.list, Rows: rows}, nil)
					if n == 0 {
						begun <- struct{}{}
					}
					if err != nil {
						if fault(err) != "not_found list_not_found listId" {
							t.Error(err)
						}
						return
					}
				}
				t.Error("the list was never gone")
			})
		}
		for range 4 {
			<-begun
		}
		if _, err := list.New(f.db, list.Options{}).Delete(f.ctx, []int64{f.list}); err != nil {
			t.Error(err)
		}
		all.Wait()
		if _, err := purge.New(f.db).Purge(t.Context()); err != nil {
			t.Error(err)
		}
		f.ctx = store.WithDeleted(f.ctx)
		if people, values := f.db.Client(f.ctx).
			Subscriber.Query().
			CountX(f.ctx),
			f.db.Client(f.ctx).
				FieldValue.Query().
				CountX(f.ctx); people+values != 0 {
			t.Errorf("%d people and %d values are left", people, values)
		}
	})
}
