package subscriber_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"campaignql/ent"
	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// crowd adds n people to the list. Some have the same IP address, and some have none.
func (f *fixture) crowd(n int) {
	f.t.Helper()
	client, random := f.db.Client(f.ctx), rand.New(rand.NewPCG(1, 2))
	rows := make([]*ent.SubscriberCreate, n)
	for i := range rows {
		address := fmt.Sprintf("%d@example.com", i)
		rows[i] = client.Subscriber.Create().
			SetListID(f.list).
			SetContactID(int64(1<<50 + i)).
			SetEmail(address).
			SetEmailKey(address).
			SetCreatedAt(start).
			SetSubscriptionIP(fmt.Sprintf("192.0.2.%d", random.IntN(200))).
			SetStatus(kind.SubscriberSubscribed)
		if i%3 == 0 {
			rows[i].SetOptedInAt(start.AddDate(0, 0, random.IntN(1000)))
		}
	}
	for some := range slices.Chunk(rows, 1000) {
		if err := client.Subscriber.CreateBulk(some...).Exec(f.ctx); err != nil {
			f.t.Fatal(err)
		}
	}
}

// listed returns the ids of the people in the order of Each, and the statements that it ran.
func (f *fixture) listed(order subscriber.Order, offset, limit int) (ids []int64, ran []store.Statement) {
	f.t.Helper()
	recorder := new(store.Recorder)
	err := f.Each(
		store.WithRecorder(f.ctx, recorder), subscriber.Filter{ListID: f.list}, order, offset, limit, []string{"email"},
		func(_ context.Context, people []*ent.Subscriber) error {
			for _, p := range people {
				ids = append(ids, p.ID)
			}
			return nil
		},
	)
	if err != nil {
		f.t.Fatal(err)
	}
	return ids, recorder.Statements()
}

// TestAnOrderThatNoIndexServesIsSortedOnce counts the statements that sort. With one per batch, a
// list of n people would cost n² steps.
func TestAnOrderThatNoIndexServesIsSortedOnce(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		const people, batch = 6500, 2000
		f.crowd(people)
		all := f.db.Client(f.ctx).Subscriber.Query().AllX(f.ctx)
		for _, order := range []subscriber.Order{subscriber.ByIP, subscriber.ByBounce, subscriber.ByOptIn, subscriber.ByUnsubscription, subscriber.ByID} {
			for _, desc := range []bool{false, true} {
				order.Desc = desc
				slices.SortFunc(all, func(a, b *ent.Subscriber) int {
					c := cmp.Or(compare(order.Key(a).Value, order.Key(b).Value), cmp.Compare(a.ID, b.ID))
					if desc {
						return -c
					}
					return c
				})
				var want []int64
				for _, p := range all {
					want = append(want, p.ID)
				}
				for _, part := range []struct{ offset, limit, sorts, statements int }{
					{0, 0, 1, 1 + (people+batch-1)/batch}, {10, 5000, 1, 1 + 5000/batch + 1}, {people - 100, 0, 1, 2}, {5, batch, 1, 1}, {0, 25, 1, 1},
				} {
					got, ran := f.listed(order, part.offset, part.limit)
					end := people
					if part.limit > 0 {
						end = part.offset + part.limit
					}
					if !slices.Equal(got, want[part.offset:end]) {
						t.Errorf(
							"by %s (%t), from %d at most %d: %d people, or in another order", order.Name, desc,
							part.offset, part.limit, len(got),
						)
					}
					sorts := 0
					for _, s := range ran {
						if strings.Contains(s.Query, "ORDER BY") {
							sorts++
						}
					}
					if sorts != part.sorts || len(ran) != part.statements {
						t.Errorf(
							"by %s, from %d at most %d: %d statements, %d of them sort; want %d and %d", order.Name,
							part.offset, part.limit, len(ran), sorts, part.statements, part.sorts,
						)
					}
				}
			}
		}
	})
}

// compare compares keys as the databases do: NULL comes first.
func compare(a, b any) int {
	return cmp.Compare(fmt.Sprint(orEmpty(a)), fmt.Sprint(orEmpty(b)))
}

func orEmpty(v any) any {
	if v == nil {
		return ""
	}
	return v
}

// TestTheOtherOrdersAreServedByAnIndex checks the query plans of the pages: no page may need a
// sort.
func TestTheOtherOrdersAreServedByAnIndex(t *testing.T) {
	t.Parallel()
	db := testkit.Open(t, testkit.Engine{Name: "sqlite"}.Fresh(t))
	f := newFixture(t, db)
	f.crowd(1000)
	for _, order := range []subscriber.Order{subscriber.ByAddress, subscriber.BySubscription, subscriber.ByStatus} {
		_, ran := f.listed(order, 0, 0)
		if len(ran) < 2 {
			t.Fatalf("by %s: %d pages", order.Name, len(ran))
		}
		for _, page := range ran {
			if plan := f.plan(page); strings.Contains(plan, "TEMP B-TREE") {
				t.Errorf("by %s: %s\n%s", order.Name, plan, page.Query)
			}
		}
	}
}

// TestPeopleAreReadByTheirIdsAlone checks the query plans of the batches and of their fields. A
// plan that starts with the account would read all its people for each batch.
func TestPeopleAreReadByTheirIdsAlone(t *testing.T) {
	t.Parallel()
	f := newFixture(t, testkit.Open(t, testkit.Engine{Name: "sqlite"}.Fresh(t)))
	f.crowd(1000)
	ids, ran := f.listed(subscriber.ByIP, 0, 0)
	recorder := new(store.Recorder)
	if _, err := f.Values(store.WithRecorder(f.ctx, recorder), ids); err != nil {
		t.Fatal(err)
	}
	for _, s := range append(ran[1:], recorder.Statements()...) {
		if plan := f.plan(s); strings.Contains(plan, "SCAN") || strings.Contains(plan, "user_id=") {
			t.Errorf("%s\n%.300s", plan, s.Query)
		}
	}
	if plan := f.plan(ran[1]); !strings.HasPrefix(plan, "SEARCH subscribers USING INTEGER PRIMARY KEY (rowid=?)") {
		t.Error(plan)
	}
}

// plan returns the query plan of SQLite for a statement.
func (f *fixture) plan(s store.Statement) string {
	f.t.Helper()
	rows, err := f.db.Pools()[0].QueryContext(f.ctx, "EXPLAIN QUERY PLAN "+s.Query, s.Args...)
	if err != nil {
		f.t.Fatal(err)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			f.t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil || len(steps) == 0 {
		f.t.Fatal(steps, err)
	}
	return strings.Join(steps, "; ")
}

// TestSortingAWholeListWaitsForAPlace occupies all slots of the account while it requests a list in
// an order without an index. It also checks that no slot is held while the visit function runs.
func TestSortingAWholeListWaitsForAPlace(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		f := newFixture(t, testkit.Open(t, address))
		f.crowd(10)
		id, err := caller.From(f.ctx)
		if err != nil {
			t.Fatal(err)
		}
		gate, account := f.db.HeavyGate(), id.UserID
		places := 0
		var leave []func()
		for {
			out, err := gate.Enter(account)
			if err != nil {
				break
			}
			places++
			leave = append(leave, out)
		}
		done := make(chan error, 1)
		seen := 0
		go func() {
			filter := subscriber.Filter{ListID: f.list}
			done <- f.Each(f.ctx, filter, subscriber.ByIP, 0, 0, nil, func(_ context.Context, people []*ent.Subscriber) error {
				seen += len(people)
				for range places { // no slot is held
					out, err := gate.Enter(account)
					if err != nil {
						return err
					}
					defer out()
				}
				return nil
			})
		}()
		for deadline := time.Now().Add(10 * time.Second); gate.Waiting() != 1; time.Sleep(time.Millisecond) {
			select {
			case err := <-done:
				t.Fatalf("it did not wait: %v", err)
			default:
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d statements wait, want one", gate.Waiting())
			}
		}
		for _, out := range leave {
			out()
		}
		if err := <-done; err != nil || seen != 10 {
			t.Errorf("after its turn %d people are read: %v", seen, err)
		}
	})
}
