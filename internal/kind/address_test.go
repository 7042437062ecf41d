package kind_test

import (
	"testing"

	"campaignql/internal/kind"
)

func TestAddressIsBare(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"news@example.com":        true,
		"first.last+tag@a-b.co":   true,
		"jörg@müller.example":     true,
		"root@localhost":          true,
		"News <news@example.com>": false,
		"<news@example.com>":      false,
		"a@b.co, c@d.co":          false,
		"a@b.co (comment)":        false,
		`"a b"@example.com`:       false,
		"a@[127.0.0.1]":           false,
		"a@":                      false,
		"@b.co":                   false,
		"a b@c.co":                false,
		"a@b..co":                 false,
		"a\x00@b.co":              false,
		"a\t@b.co":                false,
		"a\u2028@b.co":            false,
		"":                        false,
	} {
		if got := kind.IsAddress(kind.Clean(address)); got != want {
			t.Errorf("%q: %v, want %v", address, got, want)
		}
	}
}
