// Package address owns the syntax and the identity of email addresses. Every address that enters the
// product is parsed here, and every address that is looked up gets its key here. It must not know
// what an address is used for.
package address

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"campaignql/internal/kind"
)

// Limits of SMTP, in octets.
const (
	// MaxLength is the maximum length of an address, as given and as a key.
	MaxLength = 254
	maxLocal  = 64
	maxLabel  = 63
)

// Address is one parsed email address.
type Address struct {
	// Text is the address as it was given, without blanks and invisible characters at its ends. It is
	// what is stored and shown.
	Text string
	// Key is the identity: two addresses with the same key are the same mailbox. It has at most
	// MaxLength octets, and is itself an address with this key. It is the local part, case-folded
	// and without quotes that are not needed, and the Domain.
	Key string
	// Domain is the mail domain in lower case. Labels that are not ASCII are A-labels of IDNA 2008.
	Domain string
}

// Error says why a text is no address. Its message continues a sentence that begins with the name
// of the value, such as "holds the invisible character U+200B".
type Error struct{ message string }

func (e *Error) Error() string { return e.message }

func refused(format string, args ...any) error { return &Error{fmt.Sprintf(format, args...)} }

// ErrEmpty is the error of Parse for a text that holds only blanks and invisible characters.
var ErrEmpty = errors.New("is empty")

// ErrLiteral is the error of Parse for an address at an IP address in brackets. Its form is right, but
// people are not written to there.
var ErrLiteral = refused("must have a domain name after the @, not an IP address in brackets")

// errForm is the error for a text that has not the form of an address.
var errForm = refused("must be one email address of at most %d bytes, without a name", MaxLength)

// Parse parses one plain address of RFC 5321 and RFC 6531.
//
// Blanks and invisible characters at the ends are removed; inside they are refused, also between
// quotes, and so are control characters. A local part may be a dot-atom or a quoted string. The
// domain is a name, also of one label; an IP address in brackets is refused. An address with a
// display name, angle brackets or comments is refused.
//
// The error is an *Error, or ErrEmpty.
func Parse(text string) (Address, error) {
	if a, ok := plain(text); ok {
		return a, nil
	}
	trimmed := Trim(text)
	if trimmed == "" {
		return Address{}, ErrEmpty
	}
	if len(trimmed) < len(text) {
		if a, ok := plain(trimmed); ok {
			return a, nil
		}
	}
	return parse(trimmed)
}

// Key returns the key with which an address is looked up: the key of Parse, or, for a text that is no
// address, a folded text that is the key of no address.
func Key(text string) string {
	a, err := Parse(text)
	if err == nil {
		return a.Key
	}
	folded := kind.Cut(Fold(Trim(kind.Clean(text))), MaxLength+1)
	if _, err := Parse(folded); err == nil {
		// The text was too long and its folded copy is not.
		return " " + folded
	}
	return folded
}

// plain parses the addresses that nearly everybody has: in ASCII, without quotes, and without
// A-labels. It returns false for all others and for texts that are no addresses.
func plain(text string) (Address, bool) {
	at := strings.IndexByte(text, '@')
	if at < 0 || at > maxLocal || len(text) > MaxLength || !isDotAtom(text[:at], ascii) ||
		strings.Contains(text[at:], "--") || checkHost(text[at+1:]) != nil {
		return Address{}, false
	}
	key := strings.ToLower(text)
	return Address{Text: text, Key: key, Domain: key[at+1:]}, true
}

func parse(text string) (Address, error) {
	if !strings.Contains(text, "@") || strings.HasSuffix(text, ">") {
		return Address{}, errForm
	}
	if err := checkCharacters(text); err != nil {
		return Address{}, err
	}
	if len(text) > MaxLength {
		return Address{}, refused("must have at most %d bytes, it has %d", MaxLength, len(text))
	}
	local, domain, err := split(text)
	if err != nil {
		return Address{}, err
	}
	a := Address{Text: text}
	if a.Domain, err = hostKey(domain); err != nil {
		return Address{}, err
	}
	before := localKey(local)
	if given := len(text) - len(domain) - 1; max(given, len(before)) > maxLocal {
		return Address{}, refused(
			"must have at most %d bytes before the @, it has %d", maxLocal, max(given, len(before)),
		)
	}
	a.Key = before + "@" + a.Domain
	if len(a.Key) > MaxLength {
		return Address{}, refused(
			"must have at most %d bytes, with its domain as an A-label it has %d", MaxLength, len(a.Key),
		)
	}
	return a, nil
}

// split returns the local part, without quotes and their escapes, and the domain as given.
func split(text string) (local, domain string, err error) {
	if text[0] == '"' {
		return splitQuoted(text)
	}
	local, domain, found := strings.Cut(text, "@")
	switch {
	case !found, local == "", domain == "", strings.Contains(domain, "@"):
		return "", "", errForm
	case isDotAtom(local, 0):
		return local, domain, nil
	}
	for _, r := range local {
		if r < utf8.RuneSelf && r != '.' && classes[r]&atext == 0 {
			return "", "", refused("holds %q (%U) before the @, where it needs quotes", r, r)
		}
	}
	return "", "", refused(
		"has two dots in a row or a dot at an end of the part before the @, which needs quotes: %s@%s",
		quote(local), domain,
	)
}

func splitQuoted(text string) (local, domain string, err error) {
	var content strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++ // the next octet belongs to the content, whatever it is
			content.WriteByte(text[i])
		case c != '"':
			content.WriteByte(c)
		case content.Len() == 0, i+2 >= len(text), text[i+1] != '@':
			return "", "", errForm
		case strings.Contains(text[i+2:], "@"):
			return "", "", errForm
		default:
			return content.String(), text[i+2:], nil
		}
	}
	return "", "", refused("has a quote that is not closed")
}

// localKey returns the local part of a key. It is folded, and quoted only if it is no dot-atom.
func localKey(content string) string {
	folded := Fold(content)
	if isDotAtom(folded, 0) {
		return folded
	}
	return quote(folded)
}

var escapes = strings.NewReplacer(`"`, `\"`, `\`, `\\`)

func quote(content string) string { return `"` + escapes.Replace(content) + `"` }

// isDotAtom reports whether a local part needs no quotes: words without special characters between
// single dots. All its octets but the dots must be of the given classes too.
func isDotAtom(local string, only class) bool {
	start := 0
	for i := 0; i <= len(local); i++ {
		if i < len(local) && local[i] != '.' {
			if classes[local[i]]&atext == 0 || classes[local[i]]&only != only {
				return false
			}
			continue
		}
		if i == start {
			return false
		}
		start = i + 1
	}
	return true
}

// class is a set of syntactic classes of octets.
type class uint8

const (
	// atext octets may be in a local part without quotes. All octets of UTF-8 beyond ASCII are.
	atext class = 1 << iota
	// host octets may be in a label of a domain.
	host
	ascii
)

var classes = func() (all [256]class) {
	for c := range all {
		switch {
		case c >= utf8.RuneSelf:
			all[c] = atext
		case '0' <= c && c <= '9', 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', c == '-', c == '_':
			all[c] = atext | host | ascii
		case strings.ContainsRune("!#$%&'*+/=?^`{|}~", rune(c)):
			all[c] = atext | ascii
		}
	}
	return all
}()
