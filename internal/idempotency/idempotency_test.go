package idempotency_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"campaignql/ent/tag"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/idempotency"
	"campaignql/internal/kind"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

type input struct {
	Name string
}

// creator returns a create function that creates a tag with the name.
func creator(db *store.Store, name string) func(context.Context) (int64, error) {
	return func(ctx context.Context) (int64, error) {
		made, err := db.Client(ctx).Tag.Create().SetName(name).SetNameKey(name).SetCreatedAt(store.Now()).Save(ctx)
		if err != nil {
			return 0, err
		}
		return made.ID, nil
	}
}

func forbidden(context.Context) (int64, error) { return 0, errors.New("created a second time") }

func key(text string) *string { return &text }

func count(t *testing.T, db *store.Store, ctx context.Context) int {
	t.Helper()
	n, err := db.Client(ctx).Tag.Query().Count(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRepeatedCallAnswersTheFirstResult(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		ctx, now := testkit.As(t, testkit.Account(t, db)), store.Now()
		first, replayed, err := idempotency.Do(ctx, db, now, "createTag", key("k"), input{"a"}, creator(db, "a"))
		if err != nil || replayed || first == 0 {
			t.Fatalf("first call: %d %v %v", first, replayed, err)
		}
		again, replayed, err := idempotency.Do(
			ctx, db, now.Add(idempotency.Window-time.Second), "createTag", key("k"), input{"a"}, forbidden,
		)
		if err != nil || !replayed || again != first {
			t.Errorf("second call: %d %v %v, want %d", again, replayed, err, first)
		}
		other, replayed, err := idempotency.Do(ctx, db, now, "createEmail", key("k"), input{"a"}, creator(db, "b"))
		if err != nil || replayed || other == first {
			t.Errorf("the key in another operation: %d %v %v", other, replayed, err)
		}
		stranger := testkit.As(t, testkit.Account(t, db))
		theirs, replayed, err := idempotency.Do(stranger, db, now, "createTag", key("k"), input{"a"}, creator(db, "a"))
		if err != nil || replayed || theirs == first {
			t.Errorf("the key of another account: %d %v %v", theirs, replayed, err)
		}
	})
}

func TestKeyWithAnotherInputIsInvalid(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		ctx, now := testkit.As(t, testkit.Account(t, db)), store.Now()
		if _, _, err := idempotency.Do(ctx, db, now, "createTag", key("k"), input{"a"}, creator(db, "a")); err != nil {
			t.Fatal(err)
		}
		_, _, err := idempotency.Do(ctx, db, now, "createTag", key("k"), input{"b"}, forbidden)
		want := &apperr.Error{
			Code: apperr.Invalid, Field: "idempotencyKey", Reason: apperr.ReasonIdempotencyKeyReused,
			Message: "was used with another input less than a day ago",
		}
		if diff := cmp.Diff([]*apperr.Error{want}, apperr.All(err)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestKeyOlderThanADayIsReplacedAndPurged(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		who := testkit.Account(t, db)
		ctx, now := testkit.As(t, who), store.Now().AddDate(-30, 0, 0)
		first, _, err := idempotency.Do(ctx, db, now, "createTag", key("k"), input{"a"}, creator(db, "a"))
		if err != nil {
			t.Fatal(err)
		}
		later := now.Add(idempotency.Window)
		second, replayed, err := idempotency.Do(ctx, db, later, "createTag", key("k"), input{"b"}, creator(db, "b"))
		if err != nil || replayed || second == first {
			t.Fatalf("a day later: %d %v %v", second, replayed, err)
		}
		if again, replayed, err := idempotency.Do(
			ctx, db, later, "createTag", key("k"), input{"b"}, forbidden,
		); err != nil || !replayed || again != second {
			t.Errorf("the replaced key: %d %v %v, want %d", again, replayed, err, second)
		}
		if n, err := idempotency.Purge(ctx, db, later.Add(idempotency.Window-time.Second), 10); err != nil || n != 0 {
			t.Errorf("purged %d, %v before its day was over", n, err)
		}
		if n, err := idempotency.Purge(ctx, db, later.Add(idempotency.Window), 10); err != nil || n != 1 {
			t.Errorf("purged %d, %v after its day", n, err)
		}
	})
}

func TestFailedCreateRemembersNothing(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		ctx, now := testkit.As(t, testkit.Account(t, db)), store.Now()
		fault := apperr.InvalidField("name", apperr.ReasonTagNameRequired, "is required")
		_, _, err := idempotency.Do(
			ctx, db, now, "createTag", key("k"), input{"a"},
			func(ctx context.Context) (int64, error) {
				if _, err := creator(db, "half")(ctx); err != nil {
					return 0, err
				}
				return 0, fault
			},
		)
		if !errors.Is(err, fault) {
			t.Errorf("got %v, want the fault of create", err)
		}
		if n := count(t, db, ctx); n != 0 {
			t.Errorf("%d rows are left of a failed call", n)
		}
		if _, replayed, err := idempotency.Do(
			ctx, db, now, "createTag", key("k"), input{"b"}, creator(db, "b"),
		); err != nil || replayed {
			t.Errorf("the key after a failure: %v %v", replayed, err)
		}
	})
}

func TestConcurrentCallsCreateOnce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		const calls = 20
		ctx, now := testkit.As(t, testkit.Account(t, db)), store.Now()
		var wg sync.WaitGroup
		var ids [calls]int64
		var replays [calls]bool
		var errs [calls]error
		for i := range calls {
			wg.Go(func() {
				ids[i], replays[i], errs[i] = idempotency.Do(
					ctx, db, now, "createTag", key("k"), input{"a"}, creator(db, "a"),
				)
			})
		}
		wg.Wait()
		if err := errors.Join(errs[:]...); err != nil {
			t.Fatal(err)
		}
		created := 0
		for i := range calls {
			if !replays[i] {
				created++
			}
			if ids[i] == 0 || ids[i] != ids[0] {
				t.Errorf("call %d got id %d, call 0 got %d", i, ids[i], ids[0])
			}
		}
		if n := count(t, db, ctx); created != 1 || n != 1 {
			t.Errorf("%d calls created %d rows, want 1", created, n)
		}
	})
}

func TestCallWithoutKeyCreatesEachTime(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		ctx := testkit.As(t, testkit.Account(t, db))
		for _, name := range []string{"a", "b"} {
			id, replayed, err := idempotency.Do(ctx, db, store.Now(), "createTag", nil, input{"a"}, creator(db, name))
			if err != nil || replayed {
				t.Fatal(replayed, err)
			}
			if got, err := db.Client(ctx).Tag.Query().Where(tag.ID(id)).Only(ctx); err != nil || got.Name != name {
				t.Errorf("got %v, %v", got, err)
			}
		}
	})
}

func TestKeyAndCallerAreChecked(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		t.Parallel()
		writer := testkit.As(t, testkit.Account(t, db))
		reader := testkit.As(t, testkit.Account(t, db, testkit.Scoped(kind.ScopeRead)))
		tests := map[string]struct {
			ctx  context.Context
			key  string
			want apperr.Code
		}{
			"empty":         {writer, "", apperr.Invalid},
			"longest":       {writer, strings.Repeat("ж", idempotency.MaxKey), ""},
			"too long":      {writer, strings.Repeat("k", idempotency.MaxKey+1), apperr.Invalid},
			"without scope": {reader, "k", apperr.Denied},
			"nobody":        {t.Context(), "k", apperr.Unauthenticated},
			"zero identity": {caller.With(t.Context(), caller.Identity{}), "k", apperr.Unauthenticated},
		}
		for name, test := range tests {
			_, _, err := idempotency.Do(test.ctx, db, store.Now(), "createTag", &test.key, input{"a"}, creator(db, "a"))
			if got := apperr.CodeOf(err); got != test.want {
				t.Errorf("%s: %q, want %q (%v)", name, got, test.want, err)
			}
		}
	})
}
