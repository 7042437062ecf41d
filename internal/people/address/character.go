package address

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Trim removes blanks and invisible characters at both ends of a text.
func Trim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return isBlank(r) || isInvisible(r) })
}

// isBlank reports whether a character is a blank of any kind, with line breaks and tabs.
func isBlank(r rune) bool {
	const braille = '\u2800' // a blank that Unicode counts among the symbols
	return unicode.IsSpace(r) || r > unicode.MaxLatin1 && (r == braille || unicode.Is(unicode.Z, r))
}

// isInvisible reports whether a character is a format character or another one without a shape:
// zero-width spaces and joiners, marks of direction, the soft hyphen, tags, variation selectors,
// Hangul fillers, and everything else that Unicode wants to be ignored in display.
func isInvisible(r rune) bool {
	return r >= '\u00ad' &&
		unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point)
}

// checkCharacters refuses the characters that no part of an address may hold.
func checkCharacters(text string) error {
	for i, r := range text {
		switch {
		case r == utf8.RuneError:
			if _, size := utf8.DecodeRuneInString(text[i:]); size == 1 {
				return refused("is not valid UTF-8")
			}
			return refused("holds the replacement character %U, which a wrong encoding leaves", r)
		case isBlank(r):
			return refused("holds the blank %U", r)
		case unicode.IsControl(r):
			return refused("holds the control character %U", r)
		case isInvisible(r):
			return refused("holds the invisible character %U", r)
		}
	}
	return nil
}
