package kind

import (
	"net/mail"
	"strings"
	"unicode"
)

// MaxAddress is the longest email address SMTP carries, in bytes.
const MaxAddress = 254

// IsAddress reports whether text is one bare email address, such as name@example.com. Names,
// comments, quoted local parts and address literals are refused, and so is whatever could end a
// header.
func IsAddress(text string) bool {
	if len(text) > MaxAddress || strings.ContainsFunc(text, breaksAddress) || strings.ContainsAny(text, "[]\uFFFD") {
		return false
	}
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Name == "" && parsed.Address == text
}

func breaksAddress(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
