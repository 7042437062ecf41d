package suppression_test

import (
	"context"
	"testing"

	"entgo.io/ent/dialect"

	"campaignql/internal/caller"
	"campaignql/internal/kind"
	"campaignql/internal/people/address"
	"campaignql/internal/people/suppression"
	"campaignql/internal/secret"
	"campaignql/internal/testkit"
)

// TestAForgottenAddressIsNotSuppressedInPlainText forgets a person while another transaction, which
// has found that the address was not forgotten, suppresses it.
func TestAForgottenAddressIsNotSuppressedInPlainText(t *testing.T) {
	each(t, func(t *testing.T, f fixture) {
		known, err := secret.Parse("a-secret-of-at-least-32-characters")
		if err != nil {
			t.Fatal(err)
		}
		f.Service = suppression.New(f.db, suppression.Options{Secret: known})
		ann, err := address.Parse("ann@example.com")
		if err != nil {
			t.Fatal(err)
		}
		who, err := caller.From(f.ctx)
		if err != nil {
			t.Fatal(err)
		}
		forgotten := make(chan error, 1)
		err = f.db.Tx(f.ctx, func(ctx context.Context) error {
			if err := f.Restore(ctx, who.UserID, []address.Address{ann}); err != nil {
				return err
			}
			go func() {
				forgotten <- f.db.TxLatest(f.ctx, func(ctx context.Context) error {
					return f.Forget(ctx, []suppression.Address{{OwnerID: who.UserID, Key: ann.Key}}, true)
				})
			}()
			// On SQLite the other transaction begins after this one.
			client := f.db.Client(f.ctx)
			for f.db.Dialect() == dialect.MySQL && testkit.Running(t, client, "INTO `forgotten_addresses`") == 0 {
			}
			_, err := f.Suppress(ctx, []string{ann.Text}, kind.SuppressedByBounce)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := <-forgotten; err != nil {
			t.Fatal(err)
		}
		client := f.db.Client(f.ctx)
		if n := client.Suppression.Query().CountX(f.ctx); n != 0 {
			t.Errorf("the address stands in %d suppressions", n)
		}
		if row := client.ForgottenAddress.Query().OnlyX(f.ctx); row.Reason != kind.SuppressedByBounce {
			t.Errorf("the digest has the reason %s", row.Reason)
		}
	})
}
