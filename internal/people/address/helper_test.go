package address_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"campaignql/internal/people/address"
)

// canonical returns the character that a character is only another code of.
func canonical(r rune) rune {
	c, _ := utf8.DecodeRuneInString(norm.NFC.String(string(r)))
	return c
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"jane@example.com", "Jane.Doe@EXAMPLE.com", `"a..b"@docomo.ne.jp`, `"a\"b"@x`, "jörg@bücher.example",
		"a@xn--bcher-kva.example", "straße@maß.example", "\u200ba@b.co\ufeff", "a b@c.co", "ΑΙ\u0345@x", "a@[1.2.3.4]",
		"a..b@c", "\u212a@b", "a\u0345@b", "a@-b.co", "a@xn--a.co", "ẛ\u0323@x", "a@אב.example",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, given string) {
		a, err := address.Parse(given)
		if err != nil {
			if err.Error() == "" {
				t.Errorf("%q: an error without a text", given)
			}
			checkNoKey(t, given)
			return
		}
		checkAddress(t, given, a)
		if again, err := address.Parse(a.Text); err != nil || again != a {
			t.Errorf("%q: the text %q is %+v: %v", given, a.Text, again, err)
		}
		if slow, err := address.ParseSlowly(a.Text); err != nil || slow != a {
			t.Errorf("%q: %+v, without the short cut %+v: %v", given, a, slow, err)
		}
		if isASCII(given) {
			for _, cased := range []string{strings.ToUpper(a.Text), strings.ToLower(a.Text)} {
				if address.Key(cased) != a.Key {
					t.Errorf("%q has the key %q, %q has %q", given, a.Key, cased, address.Key(cased))
				}
			}
		}
	})
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= utf8.RuneSelf })
}

func BenchmarkParse(b *testing.B) {
	for name, text := range map[string]string{
		"lower": "first.last+tag@mail.example.com", "upper": "First.Last@Example.com", "blank": " jane@example.com",
		"quoted": `"a..b"@docomo.ne.jp`, "IDN": "jörg@bücher.example",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := address.Parse(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
