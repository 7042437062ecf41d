package contact_test

import (
	"context"
	"testing"

	"entgo.io/ent/dialect"

	"campaignql/internal/people/address"
	"campaignql/internal/people/contact"
	"campaignql/internal/people/suppression"
	"campaignql/internal/secret"
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
