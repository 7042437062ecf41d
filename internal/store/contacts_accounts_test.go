package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"campaignql/internal/testkit"
)

// TestAccountsAreFoundByTheirAddressesAfterTheUpgrade migrates the accounts of testdata/landed: two
// addresses in letters, a key that another account had, two accounts with one address, and an
// address that is refused.
func TestAccountsAreFoundByTheirAddressesAfterTheUpgrade(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := openLanded(t, address).upTo(t, beforeContacts)
		db.finish(t, beforeContacts)
		got := db.texts(t, "SELECT id, username_key, email_key FROM users WHERE id >= 10 ORDER BY id")
		want := []string{
			"10 | books | ops@bücher.example",
			"11 | a@xn--maanfertigung-cdb.example | a@xn--maanfertigung-cdb.example",
			"12 | quoted | 2@x.example",
			"13 | squared | ²@x.example",
			"14 | twin | ops@xn--bcher-kva.example",
			"15 | old | zero\u200bwidth@example.com",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
