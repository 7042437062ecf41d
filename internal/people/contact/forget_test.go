package contact_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"entgo.io/ent/dialect"

	"campaignql/internal/people/address"
	"campaignql/internal/people/contact"
	"campaignql/internal/people/suppression"
	"campaignql/internal/secret"
	"campaignql/internal/testkit"
)

// TestAPersonForgottenMeanwhileIsRecognized forgets somebody while a transaction is running that has
// read before, and that enters the address afterwards. At the isolation level REPEATABLE READ its
// plain reads do not see that the person was forgotten.
func TestAPersonForgottenMeanwhileIsRecognized(t *testing.T) {
	each(t, func(t *testing.T, f *fixture) {
		known, err := secret.Parse("a-secret-of-at-least-32-characters")
		if err != nil {
			t.Fatal(err)
		}
		suppressions := suppression.New(f.db, suppression.Options{Secret: known})
		f.Service = contact.New(f.db, contact.Options{Forgotten: suppressions})
		ann, err := address.Parse("ann@example.com")
		if err != nil {
			t.Fatal(err)
		}
		forget := func(ctx context.Context) error {
			people := []suppression.Address{{OwnerID: f.owner, Key: ann.Key}}
			return suppressions.Forget(ctx, people, true)
		}
		err = f.db.Tx(f.ctx, func(ctx context.Context) error {
			if _, err := f.db.Client(ctx).Contact.Query().Count(ctx); err != nil {
				return err
			}
			if f.db.Dialect() == dialect.SQLite { // one transaction after the other
				if err := forget(ctx); err != nil {
					return err
				}
			} else if err := f.db.Tx(f.ctx, forget); err != nil {
				return err
			}
			_, err := f.Enter(ctx, f.owner, []address.Address{ann})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := f.client.Suppression.Query().CountX(f.ctx); n != 1 {
			t.Errorf("%d suppressions", n)
		}
	})
}

// TestWhoEntersDoesNotWaitForOthers enters people into accounts that have forgotten somebody, while
// another transaction that has done the same is still running. If one waited for the other, two that
// wait for each other would deadlock.
func TestWhoEntersDoesNotWaitForOthers(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, database string) {
		t.Parallel()
		db := testkit.Open(t, database)
		if db.Dialect() == dialect.SQLite {
			return // one transaction after the other
		}
		known, err := secret.Parse("a-secret-of-at-least-32-characters")
		if err != nil {
			t.Fatal(err)
		}
		suppressions := suppression.New(db, suppression.Options{Secret: known})
		var accounts []*fixture
		for range 2 {
			f := newFixture(t, db)
			f.Service = contact.New(db, contact.Options{Forgotten: suppressions})
			accounts = append(accounts, f)
		}
		for _, size := range []int{1, 1000} {
			for n, f := range accounts {
				people := make([]suppression.Address, size)
				for i := range people {
					people[i] = suppression.Address{OwnerID: f.owner, Key: fmt.Sprintf("gone%d-%d@example.com", size, i)}
				}
				if err := db.TxLatest(f.ctx, func(ctx context.Context) error {
					return suppressions.Forget(ctx, people, true)
				}); err != nil {
					t.Fatal(err)
				}
				for level, begin := range map[string]func(context.Context, func(context.Context) error) error{
					"repeatable read": db.Tx, "read committed": db.TxLatest,
				} {
					// It ends an attempt that waits for a lock.
					ctx, cancel := context.WithTimeout(f.ctx, 10*time.Second)
					enter := func(ctx context.Context, who *fixture, name string) error {
						a, err := address.Parse(fmt.Sprintf("%s%d-%d@%s.example", name, size, n, level[:4]))
						if err == nil {
							_, err = who.Enter(ctx, who.owner, []address.Address{a})
						}
						return err
					}
					err := begin(ctx, func(inner context.Context) error {
						if err := enter(inner, f, "first"); err != nil {
							return err
						}
						for i, who := range accounts {
							outer, cancel := context.WithTimeout(who.ctx, 10*time.Second)
							err := begin(outer, func(ctx context.Context) error { return enter(ctx, who, fmt.Sprint("second", i)) })
							cancel()
							if err != nil {
								return fmt.Errorf("account %d waits for account %d: %w", i, n, err)
							}
						}
						return nil
					})
					cancel()
					if err != nil {
						t.Fatalf("%d forgotten, %s: %v", size, level, err)
					}
				}
			}
		}
	})
}
