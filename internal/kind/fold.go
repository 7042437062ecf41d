package kind

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold returns the copy of a text that is used to compare, sort and search it:
// compatibility-normalized, case-folded, trimmed, at most limit characters. Both databases compare
// this copy byte by byte and therefore give the same results.
func Fold(text string, limit int) string {
	return Cut(FoldPart(strings.TrimSpace(text)), limit)
}

// FoldPart folds a search text for use within texts from Fold. It neither trims nor shortens the
// text.
func FoldPart(text string) string {
	if isASCII(text) { // nearly all addresses; an import has millions of them
		return strings.ToLower(text)
	}
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(text)))
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// Cut returns at most limit characters of text.
func Cut(text string, limit int) string {
	if len(text) <= limit || utf8.RuneCountInString(text) <= limit {
		return text
	}
	n := 0
	for i := range text {
		if n == limit {
			return text[:i]
		}
		n++
	}
	return text
}

// Clean returns text as valid UTF-8 without NUL, which databases and XML do not accept. Invalid
// bytes and NUL become U+FFFD.
func Clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
