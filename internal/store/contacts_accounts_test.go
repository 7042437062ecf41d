package store_test

import (
	"fmt"
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

// TestAnAccountWhoseKeysAreBothWantedKeepsItsOldOne migrates accounts in chains: 21 wants the key of
// 20, which stays, and 22 wants that of 21. The name of 23 would be the one of 24.
func TestAnAccountWhoseKeysAreBothWantedKeepsItsOldOne(t *testing.T) {
	t.Parallel()
	testkit.EachFresh(t, func(t *testing.T, address string) {
		db := openLanded(t, address).upTo(t, beforeContacts)
		for _, a := range []struct {
			id             int
			name, at, held string
		}{
			{20, "first", "a@xn--bcher-kva.example", "a@xn--bcher-kva.example"},
			{21, "a@bücher.example", "a@bücher.example", "a@bücher.example"},
			{22, "third", "a@bücher.example", "third@x.example"},
			{23, "n@bücher.example", "n@bücher.example", "n@bücher.example"},
			{24, "n@xn--bcher-kva.example", "other@x.example", "other@x.example"},
		} {
			db.exec(t, fmt.Sprintf("INSERT INTO users (id, username, username_key, email, email_key, password_hash, "+
				"created_at, updated_at) VALUES (%d, '%s', '%[2]s', '%[3]s', '%[4]s', 'hash', '2026-11-21 10:00:00', "+
				"'2026-11-21 10:00:00')", a.id, a.name, a.at, a.held))
		}
		db.finish(t, beforeContacts)
		got := db.texts(t, "SELECT id, username_key, email_key FROM users WHERE id >= 20 ORDER BY id")
		want := []string{
			"20 | first | a@xn--bcher-kva.example",
			"21 | a@bücher.example | a@bücher.example",
			"22 | third | third@x.example",
			"23 | n@bücher.example | n@bücher.example",
			"24 | n@xn--bcher-kva.example | other@x.example",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}
