package tag

import (
	"strings"
	"testing"
	"unicode/utf8"

	entag "campaignql/ent/tag"
	"campaignql/internal/apperr"
)

func TestNameIsTrimmedAndChecked(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		given, name, reason string
	}{
		"plain":                  {"newsletter", "newsletter", ""},
		"trimmed":                {"\t Summer  Sale \n", "Summer  Sale", ""},
		"every allowed sign":     {"a-b_c 10%", "a-b_c 10%", ""},
		"other scripts":          {"Müller новости 新着 हिन्दी ไทย ٣", "Müller новости 新着 हिन्दी ไทย ٣", ""},
		"decomposed accents":     {"cafe\u0301", "cafe\u0301", ""},
		"hundred characters":     {strings.Repeat("ж", 100), strings.Repeat("ж", 100), ""},
		"missing":                {"", "", "tag_name_required"},
		"blank":                  {" \t\u00a0", "", "tag_name_empty"},
		"hundred and one":        {strings.Repeat("ж", 101), "", "tag_name_too_long"},
		"punctuation":            {"a,b", "", "tag_name_characters"},
		"quote":                  {"a'b", "", "tag_name_characters"},
		"tab inside":             {"a\tb", "", "tag_name_characters"},
		"markup":                 {"<b>", "", "tag_name_characters"},
		"emoji":                  {"hot 🔥", "", "tag_name_characters"},
		"invalid UTF-8":          {"a\xff", "", "tag_name_characters"},
		"NUL":                    {"a\x00", "", "tag_name_characters"},
		"right-to-left override": {"a\u202eb", "", "tag_name_characters"},
		"zero-width space":       {"a\u200bb", "", "tag_name_characters"},
	}
	for label, test := range tests {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			name, key, err := Normalize(test.given)
			reason := ""
			for _, e := range apperr.All(err) {
				reason += string(e.Reason)
				if e.Field != "name" || e.Code != apperr.Invalid {
					t.Errorf("%s on field %q", e.Code, e.Field)
				}
			}
			if name != test.name && err == nil || reason != test.reason {
				t.Errorf("got %q, %q; want %q, %q", name, reason, test.name, test.reason)
			}
			if err == nil && entag.NameKeyValidator(key) != nil {
				t.Errorf("the key %q is too long for its column", key)
			}
		})
	}
}

func TestKeysTellNamesApartHoweverLong(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		a, b string
		same bool
	}{
		"case":                        {"Summer SALE", "summer sale", true},
		"compatibility forms":         {"ﬁne", "FINE", true},
		"composed and decomposed":     {"caf\u00e9", "cafe\u0301", true},
		"accents differ":              {"cafe", "café", false},
		"last of 100 wide characters": {strings.Repeat("新", 99) + "一", strings.Repeat("新", 99) + "二", false},
		"expanding characters":        {strings.Repeat("ﷺ", 99) + "a", strings.Repeat("ﷺ", 99) + "b", false},
		"case of a long name":         {strings.Repeat("新", 99) + "A", strings.Repeat("新", 99) + "a", true},
	}
	for label, test := range tests {
		a, b := nameKey(test.a), nameKey(test.b)
		if (a == b) != test.same {
			t.Errorf("%s: keys %q and %q", label, a, b)
		}
		if err := entag.NameKeyValidator(a); err != nil || !utf8.ValidString(a) {
			t.Errorf("%s: key %q: %v", label, a, err)
		}
	}
}
