package address_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"campaignql/internal/people/address"
)

// long returns a text of n letters.
func long(n int) string { return strings.Repeat("a", n) }

// TestAcceptedAddresses gives the key of each address. The text stays as given, but for its ends.
func TestAcceptedAddresses(t *testing.T) {
	t.Parallel()
	for given, key := range map[string]string{
		"news@example.com":      "news@example.com",
		"First.Last+Tag@A-b.CO": "first.last+tag@a-b.co",
		"root@localhost":        "root@localhost",
		"a@1.2.3.4":             "a@1.2.3.4",
		"!#$%&'*+-/=?^_`{|}~@x": "!#$%&'*+-/=?^_`{|}~@x",
		"a@my_host.example":     "a@my_host.example",
		"a@r3---sn-x.example":   "a@r3---sn-x.example",
		"jörg@example.com":      "jörg@example.com",
		"JÖRG@example.com":      "jörg@example.com",
		"用户@例子.广告":              "用户@xn--fsqu00a.xn--4rr70v",
		"नाम@उदाहरण.भारत":       "नाम@xn--p1b6ci4b4b3a.xn--h2brj9c",

		// The domain.
		"a@bücher.example":                      "a@xn--bcher-kva.example",
		"a@BÜCHER.Example":                      "a@xn--bcher-kva.example",
		"a@bu\u0308cher.example":                "a@xn--bcher-kva.example",
		"a@xn--bcher-kva.example":               "a@xn--bcher-kva.example",
		"a@XN--BCHER-KVA.example":               "a@xn--bcher-kva.example",
		"a@maßanfertigung.example":              "a@xn--maanfertigung-cdb.example",
		"a@MAẞANFERTIGUNG.example":              "a@xn--maanfertigung-cdb.example",
		"a@massanfertigung.example":             "a@massanfertigung.example",
		"a@bücher。example":                      "a@xn--bcher-kva.example",
		"a@r3---sn-x.bücher.example":            "a@r3---sn-x.xn--bcher-kva.example",
		"a@xn--mgba3gch31f060k.example":         "a@xn--mgba3gch31f060k.example", // with a joiner
		"a@" + long(63) + ".example":            "a@" + long(63) + ".example",
		"a@" + strings.Repeat("ü", 28) + ".co":  "",
		long(64) + "@example.com":               long(64) + "@example.com",
		strings.Repeat("ü", 32) + "@example.co": strings.Repeat("ü", 32) + "@example.co",
		"aa@" + strings.Repeat("b.", 125) + "c": "",

		// The local part: letters of a case are one, nothing else is.
		"straße@example.com":      "straße@example.com",
		"STRAẞE@example.com":      "straße@example.com",
		"strasse@example.com":     "strasse@example.com",
		"x²@example.com":          "x²@example.com",
		"x2@example.com":          "x2@example.com",
		"ﬁ@example.com":           "ﬁ@example.com",
		"fi@example.com":          "fi@example.com",
		"ＡＢ@example.com":          "ａｂ@example.com",
		"e\u0301@example.com":     "é@example.com",
		"ΣΊΣΥΦΟΣ@example.com":     "σίσυφοσ@example.com",
		"σίσυφος@example.com":     "σίσυφοσ@example.com",
		"İ@example.com":           "İ@example.com",
		"ı@example.com":           "ı@example.com",
		"I@example.com":           "i@example.com",
		"\u212a@example.com":      "k@example.com", // the sign of the kelvin is a K
		"a\u037eb@example.com":    `"a;b"@example.com`,
		`"a..b"@docomo.ne.jp`:     `"a..b"@docomo.ne.jp`,
		`"A..b."@docomo.ne.jp`:    `"a..b."@docomo.ne.jp`,
		`".a"@docomo.ne.jp`:       `".a"@docomo.ne.jp`,
		`"abc"@x.example`:         "abc@x.example",
		`"a\b\c"@x.example`:       "abc@x.example",
		`"a@b"@x.example`:         `"a@b"@x.example`,
		`"a\"\\b"@x.example`:      `"a\"\\b"@x.example`,
		`"ü..ü"@bücher.example`:   `"ü..ü"@xn--bcher-kva.example`,
		`"<script>"@x.example`:    `"<script>"@x.example`,
		"\u200bjane@x.example\t":  "jane@x.example",
		" \ufeff jane@x.example ": "jane@x.example",
	} {
		a, err := address.Parse(given)
		if err != nil {
			t.Errorf("%q: %v", given, err)
			continue
		}
		if key != "" && a.Key != key {
			t.Errorf("%q: key %q, want %q", given, a.Key, key)
		}
		checkAddress(t, given, a)
	}
}

// checkAddress checks what holds for every address.
func checkAddress(t *testing.T, given string, a address.Address) {
	t.Helper()
	if a.Text != address.Trim(given) {
		t.Errorf("%q: text %q", given, a.Text)
	}
	if len(a.Key) > address.MaxLength || len(a.Text) > address.MaxLength {
		t.Errorf("%q: the key %q or the text is too long", given, a.Key)
	}
	if domain := a.Key[strings.LastIndexByte(a.Key, '@')+1:]; domain != a.Domain || domain != strings.ToLower(domain) {
		t.Errorf("%q: domain %q, key %q", given, a.Domain, a.Key)
	}
	if address.Key(given) != a.Key {
		t.Errorf("%q: looked up by %q, the key is %q", given, address.Key(given), a.Key)
	}
	again, err := address.Parse(a.Key)
	if err != nil || again.Key != a.Key {
		t.Errorf("%q: the key %q has the key %q: %v", given, a.Key, again.Key, err)
	}
}

func TestRefusedAddressesSayWhy(t *testing.T) {
	t.Parallel()
	const form = "must be one email address"
	for given, want := range map[string]string{
		"nobody 7":                 form,
		"a":                        form,
		"a@":                       form,
		"@b.co":                    form,
		"News <news@example.com>":  form,
		`"News" <news@x.example>`:  form,
		"<news@example.com>":       form,
		"a@b@c.co":                 form,
		`""@b.co`:                  form,
		`"a"b@c.co`:                form,
		`"a"@`:                     form,
		`"a"@b@c`:                  form,
		`"a@b.co`:                  "a quote that is not closed",
		`"a@\`:                     "a quote that is not closed",
		"a@b.co, c@d.co":           "U+0020",
		"a@b.co,c@d.co":            form,
		"a(comment)@b.co":          "U+0028",
		"a,b@c.co":                 "U+002C",
		"a@b.co(comment)":          "U+0028",
		"a@b,co":                   "U+002C",
		"a@[127.0.0.1]":            "not an IP address in brackets",
		"a@[IPv6:::1]":             "not an IP address in brackets",
		"a@b..co":                  "a dot at an end of the domain, or two in a row",
		"a@.co":                    "a dot at an end of the domain, or two in a row",
		"a@b.co.":                  "a dot at an end of the domain, or two in a row",
		"a@bü..co":                 "a dot at an end of the domain, or two in a row",
		"a@bücher.example.":        "a dot at an end of the domain, or two in a row",
		"a@-b.co":                  `"-b"`,
		"a@b-.co":                  `"b-"`,
		"a@-bücher.co":             `"-bücher"`,
		"a@bücher-.co":             `"bücher-"`,
		"a@xn--.co":                `"xn--"`,
		"a@xn--a.co":               "IDNA 2008",
		"a@xn--Bcher-Kva\u2260.co": "IDNA 2008",
		"a@\u0301b.co":             "IDNA 2008",
		"a@\u05d01b.co":            "IDNA 2008", // writing directions mixed
		"a@x\u0378.co":             "IDNA 2008", // not assigned
		"a@b＠c.co":                 "IDNA 2008",

		"a..b@docomo.ne.jp":                    `needs quotes: "a..b"@docomo.ne.jp`,
		"a.@docomo.ne.jp":                      `needs quotes: "a."@docomo.ne.jp`,
		".a@docomo.ne.jp":                      `needs quotes: ".a"@docomo.ne.jp`,
		"ü..b@docomo.ne.jp":                    `needs quotes: "ü..b"@docomo.ne.jp`,
		long(65) + "@example.com":              "64 bytes before the @, it has 65",
		strings.Repeat("ü", 33) + "@x.co":      "64 bytes before the @, it has 66",
		strings.Repeat("Ⱥ", 32) + "@x.co":      "64 bytes before the @, it has 96", // its small letter is longer
		"a@" + long(64) + ".co":                "a label of 64 bytes",
		"a@" + strings.Repeat("ü", 60) + ".co": "a label of",
		"a@" + strings.Repeat("b.", 126) + "c": "at most 254 bytes, it has 255",
		"a@" + strings.Repeat("ü.", 40) + "co": "at most 254 bytes, with its domain as an A-label it has",

		"a b@c.co":       "the blank U+0020",
		`"a b"@c.co`:     "the blank U+0020",
		"a\t@b.co":       "the blank U+0009",
		"a@b.co\r\nX: y": "the blank U+000D",
		"a\x00@b.co":     "the control character U+0000",
		"a@b.co\x00":     "the control character U+0000",
		"\x1ba@b.co":     "the control character U+001B",
		"a\x7f@b.co":     "the control character U+007F",
		"a\u0090@b.co":   "the control character U+0090",
		"a\xff@b.co":     "not valid UTF-8",
		"a@\xc3":         "not valid UTF-8",
		"a\ufffd@b.co":   "U+FFFD",
	} {
		a, err := address.Parse(given)
		if err == nil {
			t.Errorf("%q is accepted: %+v", given, a)
			continue
		}
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, want %q", given, err, want)
		}
		if typed := new(address.Error); !errors.As(err, &typed) {
			t.Errorf("%q: %T", given, err)
		}
		checkNoKey(t, given)
	}
	for _, given := range []string{"", " ", "\u200b", "\ufeff\u3000\n"} {
		if _, err := address.Parse(given); !errors.Is(err, address.ErrEmpty) {
			t.Errorf("%q: %v", given, err)
		}
		checkNoKey(t, given)
	}
}

// checkNoKey checks that a text that is no address finds none.
func checkNoKey(t *testing.T, given string) {
	t.Helper()
	key := address.Key(given)
	if a, err := address.Parse(key); err == nil && a.Key == key {
		t.Errorf("%q is no address and has the key of %q", given, a.Text)
	}
}

func TestTooLongTextHasTheKeyOfNoAddress(t *testing.T) {
	t.Parallel()
	kelvins := strings.Repeat("\u212a", 30) + "@example.com" // 90 octets; 30 in small letters
	checkNoKey(t, kelvins)
	checkNoKey(t, long(1000)+"@example.com")
}

// invisible are characters of each group that addresses must not hold, and blanks.
var invisible = map[string]string{
	"zero-width space": "\u200b", "joiner": "\u200d", "non-joiner": "\u200c", "byte order mark": "\ufeff",
	"word joiner": "\u2060", "left-to-right mark": "\u200e", "right-to-left mark": "\u200f",
	"embedding": "\u202a", "override": "\u202e", "isolate": "\u2066", "pop isolate": "\u2069", "arabic mark": "\u061c",
	"soft hyphen": "\u00ad", "mongolian vowel separator": "\u180e", "language tag": "\U000e0001", "tag": "\U000e0041",
	"cancel tag": "\U000e007f", "hangul choseong filler": "\u115f", "hangul jungseong filler": "\u1160",
	"hangul filler": "\u3164", "halfwidth hangul filler": "\uffa0", "variation selector 1": "\ufe00",
	"variation selector 16": "\ufe0f", "variation selector 17": "\U000e0100", "variation selector 256": "\U000e01ef",
	"mongolian variation selector": "\u180b", "grapheme joiner": "\u034f", "invisible times": "\u2062",
	"annotation anchor": "\ufff9",

	"space": " ", "tab": "\t", "line feed": "\n", "carriage return": "\r", "vertical tab": "\v", "form feed": "\f",
	"next line": "\u0085", "no-break space": "\u00a0", "ogham space": "\u1680", "en quad": "\u2000",
	"em space": "\u2003", "figure space": "\u2007", "hair space": "\u200a", "line separator": "\u2028",
	"paragraph separator": "\u2029", "narrow no-break space": "\u202f", "mathematical space": "\u205f",
	"ideographic space": "\u3000", "braille blank": "\u2800",
}

func TestInvisibleCharactersAreRemovedAtTheEndsAndRefusedInside(t *testing.T) {
	t.Parallel()
	for name, c := range invisible {
		for _, plain := range []string{"jane@example.com", "jörg@bücher.example", `"a..b"@docomo.ne.jp`} {
			want, err := address.Parse(plain)
			if err != nil {
				t.Fatal(err)
			}
			for _, given := range []string{c + plain, plain + c, c + c + plain + " " + c} {
				if got, err := address.Parse(given); err != nil || got != want {
					t.Errorf("%s at the ends: %q: %+v, %v", name, given, got, err)
				}
			}
			at := strings.IndexByte(plain, '@')
			for _, i := range []int{1, at, at + 1, len(plain) - 2} {
				given := plain[:i] + c + plain[i:]
				r, _ := utf8.DecodeRuneInString(c)
				if _, err := address.Parse(given); err == nil || !strings.Contains(err.Error(), codePoint(r)) {
					t.Errorf("%s inside: %q: %v", name, given, err)
				}
			}
		}
	}
}

// TestEveryBlankAndFormatCharacterIsRefused goes through all of Unicode.
func TestEveryBlankAndFormatCharacterIsRefused(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if unicode.In(r, unicode.Cf, unicode.Cc, unicode.Z, unicode.White_Space, unicode.Variation_Selector) {
			if _, err := address.Parse("a" + string(r) + "b@example.com"); err == nil ||
				!strings.Contains(err.Error(), codePoint(r)) {
				t.Errorf("%U: %v", r, err)
			}
		}
	}
}

func codePoint(r rune) string {
	const hex = "0123456789ABCDEF"
	digits := ""
	for ; r > 0 || len(digits) < 4; r >>= 4 {
		digits = string(hex[r&0xf]) + digits
	}
	return "U+" + digits
}

// TestFoldingJoinsTheCasesOfALetterAndNothingElse goes through all letters. What Unicode counts as
// cases of one letter is one, the rest stays apart.
func TestFoldingJoinsTheCasesOfALetterAndNothingElse(t *testing.T) {
	t.Parallel()
	first := map[string]rune{}
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if !utf8.ValidRune(r) || unicode.In(r, unicode.M) {
			continue
		}
		folded := address.Fold(string(r))
		if address.Fold(folded) != folded {
			t.Errorf("%U is folded to %q, and that to %q", r, folded, address.Fold(folded))
		}
		if other := unicode.SimpleFold(r); address.Fold(string(other)) != folded {
			t.Errorf("%U is folded to %q, its other case %U to %q", r, folded, other, address.Fold(string(other)))
		}
		if earlier, taken := first[folded]; taken && !sameLetter(earlier, r) {
			t.Errorf("%U and %U are folded to %q", earlier, r, folded)
		}
		first[folded] = r
	}
}

// sameLetter reports whether two characters are cases of one letter, or one is only another code
// of the other.
func sameLetter(a, b rune) bool {
	for _, r := range []rune{a, canonical(a)} {
		for next := unicode.SimpleFold(r); ; next = unicode.SimpleFold(next) {
			if next == b || next == canonical(b) {
				return true
			}
			if next == r {
				break
			}
		}
	}
	return false
}

func TestPartsFindAddresses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		part, email string
		found       bool
	}{
		{"JANE", "jane@example.com", true},
		{"ne@EX", "jane@example.com", true},
		{"bücher", "a@BÜCHER.example", true},
		{"BÜCHER.exa", "a@bücher.example", true},
		{"@bücher.example", "a@xn--bcher-kva.example", true},
		{"xn--bcher", "a@bücher.example", true},
		{"jörg", "JÖRG@example.com", true},
		{"jörg@bücher.ex", "jörg@bücher.example", true},
		{"maß", "a@maß.example", true},
		{"mass", "a@maß.example", false},
		{"ss", "straße@example.com", false},
		{"ß", "STRAẞE@example.com", true},
		{"²", "x²@example.com", true},
		{"2", "x²@example.com", false},
		{"ﬁ", "fi@example.com", false},
		{"a..b", `"a..b"@docomo.ne.jp`, true},
	} {
		found := false
		for _, part := range address.Parts(tt.part) {
			found = found || strings.Contains(address.Key(tt.email), part)
		}
		if found != tt.found {
			t.Errorf("%q in %q: %v", tt.part, tt.email, found)
		}
	}
}
