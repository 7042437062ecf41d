package purge_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	"github.com/google/go-cmp/cmp"

	"campaignql/ent"
	"campaignql/ent/audiencepurge"
	"campaignql/ent/fieldvalue"
	"campaignql/ent/subscribertagging"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/people/subscriber"
	"campaignql/internal/purge"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// deletions are the deletions that leave rows.
var deletions = []struct {
	name string
	run  func(w *world, ctx context.Context) ([]int64, error)
}{
	{"tag", func(w *world, ctx context.Context) ([]int64, error) { return w.SubscriberTags.Delete(ctx, w.tags[:1]) }},
	{"field", func(w *world, ctx context.Context) ([]int64, error) { return w.Fields.Delete(ctx, w.fields[:1]) }},
	{"list", func(w *world, ctx context.Context) ([]int64, error) { return w.Lists.Delete(ctx, w.lists[:1]) }},
}

// left counts the notes of the account.
func (w *world) left() int {
	return w.Store.Client(w.ctx).AudiencePurge.Query().Where(audiencepurge.UserID(w.owner.UserID)).CountX(w.ctx)
}

// TestWhatIsDeletedIsSeenNoMore checks that after a deletion the account sees, in every place, the
// same as after the purge. A deletion writes a few rows for any amount of data, in statements that
// name none of the large tables.
func TestWhatIsDeletedIsSeenNoMore(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		w, other := newWorld(t, db), newWorld(t, db)
		theirs, before := other.seen(), w.seen()
		for _, d := range deletions {
			rows := w.rows()
			recorder := new(store.Recorder)
			if deleted, err := d.run(w, store.WithRecorder(w.ctx, recorder)); err != nil || len(deleted) != 1 {
				t.Fatal(d.name, deleted, err)
			}
			for _, s := range recorder.Statements() {
				for _, table := range []string{"`subscribers`", "`field_values`", "`subscriber_taggings`"} {
					if strings.Contains(s.Query, table) {
						t.Errorf("deleting a %s waits for %s", d.name, s.Query)
					}
				}
			}
			select {
			case <-w.Purges.Deleted():
			default:
				t.Errorf("nobody is told that there is a %s to purge", d.name)
			}
			if now := w.rows(); now != rows || w.left() != 1 {
				t.Errorf("deleting a %s: %v rows became %v, and %d are noted", d.name, rows, now, w.left())
			}
			seen := w.seen()
			if seen == before {
				t.Fatalf("deleting a %s changes nothing", d.name)
			}
			n, err := w.Purges.Purge(t.Context())
			if err != nil || w.left() != 0 {
				t.Fatal(d.name, err, w.left())
			}
			var gone int
			for i, now := range w.rows() {
				gone += rows[i] - now
			}
			if gone != n || n < 3 {
				t.Errorf("purging a %s: %d rows are gone, %d are told", d.name, gone, n)
			}
			if before = w.seen(); seen != before {
				t.Errorf(
					"a deleted %s is seen until it is purged:\n%s", d.name,
					cmp.Diff(strings.Split(before, "\n"), strings.Split(seen, "\n")),
				)
			}
		}
		if now := other.seen(); now != theirs {
			t.Errorf(
				"another account sees the difference:\n%s",
				cmp.Diff(strings.Split(theirs, "\n"), strings.Split(now, "\n")),
			)
		}
		for _, of := range []*world{w, other} {
			if err := of.orphans(); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestAPurgeThatIsBrokenOffGoesOn interrupts a purge repeatedly, as a stopped server would. The
// next purge continues with the remaining rows.
func TestAPurgeThatIsBrokenOffGoesOn(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		w := newWorld(t, testkit.Open(t, address))
		other := newWorld(t, w.Store)
		want := other.rows()
		for _, d := range deletions {
			if _, err := d.run(w, w.ctx); err != nil {
				t.Fatal(err)
			}
			partly, rows := 0, w.rows()
			most := 2
			if d.name == "list" {
				most = 7 // a person is deleted as a whole: three values, a tag, a merged number, a former contact
			}
			for calls := 0; w.left() > 0; calls++ {
				if calls > 100 {
					t.Fatal("it makes no progress")
				}
				// Each time another server, which stops after two transactions.
				service := purge.New(w.Store)
				broken, stop := context.WithCancel(t.Context())
				transactions := 0
				service.OnPurged(most, func(n int) {
					if transactions++; transactions == 2 {
						stop()
					}
					if n > most {
						t.Errorf("a transaction deleted %d rows", n)
					}
				})
				_, _ = service.Purge(broken) // interrupted
				stop()
				if now := w.rows(); now != rows {
					partly, rows = partly+1, now
				}
			}
			if partly < 2 {
				t.Errorf("%s: %d times some rows were left", d.name, partly)
			}
		}
		if err := w.orphans(); err != nil {
			t.Error(err)
		}
		// The other list, field and tag are complete: 12 people with two fields, and their tags.
		if got := w.rows(); got != [5]int{perList, 2 * perList, 3, perList, perList} {
			t.Errorf("%v is left", got)
		}
		if got := other.rows(); got != want {
			t.Errorf("another account had %v and has %v", want, got)
		}
	})
}

// TestServersMayPurgeAtOnce lets several servers purge the same objects while more are deleted.
func TestServersMayPurgeAtOnce(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		w := newWorld(t, testkit.Open(t, address))
		var servers sync.WaitGroup
		for i, d := range deletions {
			if _, err := d.run(w, w.ctx); err != nil {
				t.Fatal(err)
			}
			servers.Go(func() {
				service := purge.New(w.Store)
				service.OnPurged(5+i, nil)
				if _, err := service.Purge(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		servers.Wait()
		if _, err := w.Purges.Purge(t.Context()); err != nil {
			t.Error(err)
		}
		if got := w.rows(); got != [5]int{perList, 2 * perList, 3, perList, perList} || w.left() != 0 {
			t.Errorf("%v and %d things to purge are left", got, w.left())
		}
	})
}

// overtake runs before and after in one transaction. Between them it runs a deletion and a purge in
// other transactions, unless these have to wait.
func (w *world) overtake(
	remove func(*world, context.Context) ([]int64, error), before, after func(ctx context.Context) error,
) {
	w.t.Helper()
	wait := 400 * time.Millisecond
	if w.Store.Dialect() == dialect.SQLite {
		wait = 10 * time.Millisecond // SQLite has only one writer
	}
	done := make(chan error, 1)
	w.must(w.Store.TxLatest(w.ctx, func(ctx context.Context) error {
		if err := before(ctx); err != nil {
			return err
		}
		go func() {
			_, err := remove(w, w.ctx)
			if err == nil {
				_, err = purge.New(w.Store).Purge(w.ctx)
			}
			done <- err
		}()
		select {
		case err := <-done: // what was written has nothing to do with it, or it is wrong
			done <- err
		case <-time.After(wait):
		}
		if after != nil {
			return after(ctx)
		}
		return nil
	}))
	w.must(<-done)
}

// TestAPersonGoesAfterWhoWritesForIt lets a transaction that has found a person write rows for that
// person after the list was deleted.
func TestAPersonGoesAfterWhoWritesForIt(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		w := newWorld(t, testkit.Open(t, address))
		untagged := w.people[2]
		w.overtake(func(w *world, ctx context.Context) ([]int64, error) { return w.Lists.Delete(ctx, w.lists[:1]) },
			func(ctx context.Context) error {
				_, err := w.Subscribers.Update(ctx, untagged, subscriber.Patch{OptedInAt: new(store.Now())})
				return err
			},
			func(ctx context.Context) error {
				return w.Store.Client(ctx).
					SubscriberTagging.Create().
					SetSubscriberID(untagged).
					SetSubscriberTagID(w.tags[0]).
					Exec(ctx)
			})
		if err := w.orphans(); err != nil || w.left() != 0 {
			t.Errorf("%v, %d to purge", err, w.left())
		}
	})
}

// TestADeletionWaitsForWhoWrites keeps a transaction open that has written rows for an object,
// while the object is deleted and purged. None of the rows may stay. A transaction that starts
// later must find that the object no longer exists.
func TestADeletionWaitsForWhoWrites(t *testing.T) {
	t.Parallel()
	add := func(emails ...string) func(*world, context.Context) error {
		return func(w *world, ctx context.Context) error {
			var rows []subscriber.Row
			for _, email := range emails {
				rows = append(rows, subscriber.Row{Email: email, Fields: map[int64]string{w.fields[0]: "late"}})
			}
			_, err := w.Subscribers.Add(ctx, subscriber.Addition{ListID: w.lists[0], Update: true, Rows: rows}, nil)
			return err
		}
	}
	writes := map[string]func(w *world, ctx context.Context) error{
		"add": add("new@example.com"), "add and update": add("new@example.com", "0@example.com"),
		"subscribe": func(w *world, ctx context.Context) error {
			_, err := w.Subscribers.Subscribe(
				ctx,
				subscriber.Subscription{
					ListID: w.lists[0], Email: "new@example.com", Fields: map[int64]string{w.fields[0]: "late"},
				},
			)
			return err
		},
		"update": func(w *world, ctx context.Context) error {
			_, err := w.Subscribers.Update(
				ctx, w.people[0], subscriber.Patch{Fields: map[int64]string{w.fields[0]: "late"}},
			)
			return err
		},
		"assign": func(w *world, ctx context.Context) error {
			return w.SubscriberTags.Assign(ctx, w.people[:1], w.tags[:1])
		},
	}
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		for name, write := range writes {
			for _, d := range deletions {
				w := newWorld(t, db)
				// Only the new rows exist, so that nothing else makes the purge wait.
				db.Client(w.ctx).FieldValue.Delete().Where(fieldvalue.CustomFieldID(w.fields[0])).ExecX(w.ctx)
				db.Client(w.ctx).
					SubscriberTagging.Delete().
					Where(subscribertagging.SubscriberTagID(w.tags[0])).
					ExecX(w.ctx)
				w.overtake(d.run, func(ctx context.Context) error { return write(w, ctx) }, nil)
				if err := w.orphans(); err != nil || w.left() != 0 {
					t.Errorf("%s while a %s is deleted: %v, %d to purge", name, d.name, err, w.left())
				}
			}
		}
	})
}

// TestNothingIsWrittenForWhatIsDeletedMeanwhile lets several writers run all the time while objects
// are deleted and purged.
func TestNothingIsWrittenForWhatIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		w := newWorld(t, testkit.Open(t, address))
		writing, stop := context.WithCancel(w.ctx)
		defer stop()
		var all sync.WaitGroup
		write := func(what string, do func(i int) error) {
			all.Go(func() {
				for i := 0; writing.Err() == nil; i++ {
					switch code := apperr.CodeOf(do(i)); code {
					case "", apperr.NotFound, apperr.Invalid, apperr.Conflict:
					default:
						t.Errorf("%s: %v", what, code)
					}
				}
			})
		}
		for lane := range 2 {
			write("add", func(i int) error {
				rows := make([]subscriber.Row, 20)
				for j := range rows {
					rows[j] = subscriber.Row{
						Email:  fmt.Sprintf("%d-%d-%d@example.com", lane, i, j),
						Fields: map[int64]string{w.fields[0]: "x"},
					}
				}
				_, err := w.Subscribers.Add(w.ctx, subscriber.Addition{ListID: w.lists[0], Rows: rows}, nil)
				return err
			})
		}
		write("update", func(i int) error {
			_, err := w.Subscribers.Update(
				w.ctx, w.people[i%len(w.people)],
				subscriber.Patch{Fields: map[int64]string{w.fields[0]: fmt.Sprint(i)}},
			)
			return err
		})
		write("assign", func(i int) error {
			person, tag := w.people[i%len(w.people)], w.tags[i/7%2]
			if i%3 == 0 {
				return w.SubscriberTags.Unassign(w.ctx, []int64{person}, []int64{tag})
			}
			return w.SubscriberTags.Assign(w.ctx, []int64{person}, []int64{tag})
		})
		for _, d := range deletions {
			time.Sleep(100 * time.Millisecond) // time for the writers
			if _, err := d.run(w, w.ctx); err != nil {
				t.Error(err)
			}
			if _, err := w.Purges.Purge(t.Context()); err != nil {
				t.Error(err)
			}
		}
		stop()
		all.Wait()
		if err := w.orphans(); err != nil || w.left() != 0 {
			t.Error(err, w.left())
		}
	})
}

// TestADeletionCostsTheSameForAnyNumber counts the statements of deleting one object of each kind,
// with few people and with many.
func TestADeletionCostsTheSameForAnyNumber(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		t.Parallel()
		db := testkit.Open(t, address)
		cost := func(more int) map[string]int {
			w := newWorld(t, db)
			client, now := db.Client(w.ctx), store.Now()
			people, persons := make([]*ent.SubscriberCreate, more), make([]*ent.ContactCreate, more)
			for i := range persons {
				email := fmt.Sprintf("more%d@example.com", i)
				persons[i] = client.Contact.Create().SetEmail(email).SetEmailKey(email).SetCreatedAt(now)
			}
			contacts := client.Contact.CreateBulk(persons...).SaveX(w.ctx)
			for i := range people {
				email := fmt.Sprintf("more%d@example.com", i)
				people[i] = client.Subscriber.Create().
					SetListID(w.lists[0]).
					SetContactID(contacts[i].ID).
					SetEmail(email).
					SetEmailKey(email).
					SetCreatedAt(now)
			}
			var values []*ent.FieldValueCreate
			var taggings []*ent.SubscriberTaggingCreate
			for _, p := range client.Subscriber.CreateBulk(people...).SaveX(w.ctx) {
				values = append(values, client.FieldValue.Create().SetSubscriberID(p.ID).SetCustomFieldID(w.fields[0]))
				taggings = append(
					taggings, client.SubscriberTagging.Create().SetSubscriberID(p.ID).SetSubscriberTagID(w.tags[0]),
				)
			}
			client.FieldValue.CreateBulk(values...).ExecX(w.ctx)
			client.SubscriberTagging.CreateBulk(taggings...).ExecX(w.ctx)
			costs := map[string]int{}
			for _, d := range deletions {
				recorder := new(store.Recorder)
				if _, err := d.run(w, store.WithRecorder(w.ctx, recorder)); err != nil {
					t.Fatal(err)
				}
				costs[d.name] = len(recorder.Statements())
			}
			return costs
		}
		few, many := cost(2), cost(1500)
		if diff := cmp.Diff(few, many); diff != "" || few["list"] == 0 {
			t.Error(diff)
		}
		if _, err := purge.New(db).Purge(caller.System(t.Context())); err != nil {
			t.Error(err)
		}
	})
}
