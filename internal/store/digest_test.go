package store_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"entgo.io/ent/dialect/sql"

	"campaignql/internal/caller"
	"campaignql/internal/store"
	"campaignql/internal/testkit"
)

// TestEveryEngineHashesATextAlike compares the hashes that the database computes with those that Go
// computes.
func TestEveryEngineHashesATextAlike(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, db *store.Store) {
		ctx := caller.System(t.Context())
		err := db.Tx(ctx, func(ctx context.Context) error {
			for _, text := range []string{"", "a", "Ärzte 🦄 \x00\n", strings.Repeat("<p>long</p>", 400_000)} {
				rows, err := db.Client(ctx).QueryContext(ctx, "SELECT "+store.SHA256(db.Dialect(), "?"), text)
				if err != nil {
					return err
				}
				got, err := sql.ScanString(rows)
				if err != nil {
					return err
				}
				if sum := sha256.Sum256([]byte(text)); got != hex.EncodeToString(sum[:]) {
					t.Errorf("%.20q: %s, want %x", text, got, sum)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
