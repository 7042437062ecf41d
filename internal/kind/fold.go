package kind

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Fold returns the copy of a text by which it is compared, ordered and searched:
// compatibility-normalised, case-folded, trimmed, at most limit characters. Both databases compare
// it byte by byte, so they agree.
func Fold(text string, limit int) string {
	return Cut(FoldPart(strings.TrimSpace(text)), limit)
}

// FoldPart folds what is searched for within texts that Fold made: the same, whole and with the spaces around it.
func FoldPart(text string) string {
	if isASCII(text) { // nearly all addresses, which come by the million
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

// Clean returns text as valid UTF-8 without NUL, which neither database nor XML would keep: invalid
// bytes become U+FFFD.
func Clean(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
