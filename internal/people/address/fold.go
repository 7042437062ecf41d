package address

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold folds a text as the local part of a key is folded, for a comparison with a part of keys. The
// folding is case folding of single letters, and canonical composition. It is not the folding of
// names: "²" is not "2", "ﬁ" is not "fi", and "ß" is not "ss".
func Fold(text string) string {
	if IsASCII(text) {
		return strings.ToLower(text)
	}
	return norm.NFC.String(strings.Map(foldRune, norm.NFC.String(text)))
}

// foldRune returns one letter for all letters that differ in case. A letter without other cases by
// the simple case folding of Unicode stays, as the Turkish "İ" and "ı" do.
func foldRune(r rune) rune {
	if r == utf8.RuneError || unicode.SimpleFold(r) == r {
		return r
	}
	return unicode.ToLower(unicode.ToUpper(r))
}

// Parts returns the folded texts to look for in keys, to find the addresses that hold a part. There
// is more than one if the part is not ASCII: labels of a domain are A-labels in keys, so complete
// labels are found by their A-labels.
func Parts(part string) []string {
	folded := Fold(part)
	parts := []string{folded}
	if IsASCII(folded) {
		return parts
	}
	at := strings.LastIndexByte(folded, '@') + 1
	domain, err := toASCII(folded[at:])
	if at == 0 && !strings.Contains(domain, "xn--") {
		return parts // perhaps a local part, in which "ﬁ" is not "fi" as it is in a domain
	}
	if err == nil && folded[:at]+domain != folded {
		parts = append(parts, folded[:at]+domain)
	}
	return parts
}

// IsASCII reports whether a text has only characters of ASCII.
func IsASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
