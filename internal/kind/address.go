package kind

import (
	"net/mail"
	"strings"
	"unicode"
)

// MaxAddress is the maximum length of an email address in SMTP, in bytes.
const MaxAddress = 254

// IsAddress reports whether text is one plain email address, for example name@example.com. It
// rejects names, comments, quoted local parts, address literals, and all characters that could end
// a header.
func IsAddress(text string) bool {
	if len(text) > MaxAddress || strings.ContainsFunc(text, breaksAddress) || strings.ContainsAny(text, "[]\uFFFD") {
		return false
	}
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Name == "" && parsed.Address == text
}

func breaksAddress(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }
