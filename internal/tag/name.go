package tag

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	entag "campaignql/ent/tag"
	"campaignql/internal/apperr"
	"campaignql/internal/kind"
)

// maxName is the maximum length of a name, in characters.
const maxName = 100

// Normalize returns a name as it is stored, and its unique key. The error is Invalid on the field
// name, with the reasons of Create. Subscriber tags have the same rules for names.
func Normalize(given string) (name, key string, err error) {
	name = strings.TrimSpace(kind.Clean(given))
	switch {
	case given == "":
		return "", "", apperr.InvalidField("name", apperr.ReasonTagNameRequired, "is required")
	case name == "":
		return "", "", apperr.InvalidField("name", apperr.ReasonTagNameEmpty, "must not be blank")
	case utf8.RuneCountInString(name) > maxName:
		return "", "", apperr.InvalidField(
			"name", apperr.ReasonTagNameTooLong, "must have at most %d characters", maxName,
		)
	case strings.ContainsFunc(name, func(r rune) bool { return !allowed(r) }):
		return "", "", apperr.InvalidField(
			"name", apperr.ReasonTagNameCharacters,
			"may hold only letters, digits, spaces, hyphens, underscores and percent signs",
		)
	}
	return name, nameKey(name), nil
}

// allowed reports whether a name may contain the character. Mn and Mc are marks: vowels and accents
// that many scripts write separately from the letter.
func allowed(r rune) bool {
	switch r {
	case ' ', '-', '_', '%':
		return true
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.In(r, unicode.Mn, unicode.Mc)
}

// nameKey returns the folded name. If it is too long for its column (a name of a hundred characters
// may fold into more), a hash of the whole key replaces its end, so that different names have
// different keys. Such names are sorted and searched only by the beginning.
func nameKey(name string) string {
	// No character folds into more than 18.
	key := kind.Fold(name, 18*maxName)
	if entag.NameKeyValidator(key) == nil {
		return key
	}
	const head = 120
	end := head
	for !utf8.RuneStart(key[end]) {
		end--
	}
	sum := sha256.Sum256([]byte(key))
	return key[:end] + "~" + hex.EncodeToString(sum[:])
}
