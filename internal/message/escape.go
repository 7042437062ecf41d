package message

import (
	"strings"
	"unicode/utf8"
)

// place is where a value is written, which decides how it is escaped.
type place uint8

const (
	// asIs is plain text, a header, and a raw value in the text of HTML.
	asIs place = iota
	// inHTML is the text of HTML.
	inHTML
	// inAttribute is an attribute between quotes. It is escaped like text.
	inAttribute
	// asURL is the beginning of an attribute that holds a URL, or the whole of it.
	asURL
	// inURL is a place behind the beginning of a URL, in HTML and in plain text.
	inURL
	// inMailto is the address of a mailto URL, where the @ stays.
	inMailto
)

// raw returns the place of a value that its owner wants as it is. It does not leave its attribute.
func (p place) raw() place {
	switch p {
	case inHTML:
		return asIs
	case inURL, inMailto:
		return inAttribute
	}
	return p
}

// safeSchemes are the schemes of URLs that a value may begin with.
var safeSchemes = []string{"http", "https", "mailto", "tel", "sms"}

// appendEscaped appends a value as it has to be written at a place. NUL and what is not UTF-8 become
// U+FFFD.
func appendEscaped(dst []byte, value string, at place) []byte {
	if !utf8.ValidString(value) {
		value = strings.ToValidUTF8(value, "\uFFFD")
	}
	switch at {
	case inURL, inMailto:
		return appendURL(dst, value, at == inMailto)
	case asURL:
		return appendWholeURL(dst, value)
	}
	start := 0
	for i := range len(value) {
		with := ""
		switch c := value[i]; {
		case c == 0:
			with = "\uFFFD"
		case at == asIs:
		case c == '<':
			with = "&lt;"
		case c == '>':
			with = "&gt;"
		case c == '&':
			with = "&amp;"
		case c == '"':
			with = "&#34;"
		case c == '\'':
			with = "&#39;"
		}
		if with != "" {
			dst = append(append(dst, value[start:i]...), with...)
			start = i + 1
		}
	}
	return append(dst, value[start:]...)
}

// appendWholeURL appends a value with which a URL begins. A URL of a scheme that could run something,
// such as javascript, becomes "#".
func appendWholeURL(dst []byte, value string) []byte {
	value = strings.TrimSpace(value)
	if scheme, _, found := strings.Cut(value, ":"); found && !strings.ContainsAny(scheme, "/?#") {
		safe := false
		for _, known := range safeSchemes {
			safe = safe || strings.EqualFold(scheme, known)
		}
		if !safe {
			return append(dst, '#')
		}
	}
	return appendEscaped(dst, value, inHTML)
}

// appendURL appends a value within a URL: only what RFC 3986 calls unreserved stays as it is.
func appendURL(dst []byte, value string, mailto bool) []byte {
	for i := range len(value) {
		c := value[i]
		if isLetter(c) || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 || c == '@' && mailto {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
	}
	return dst
}

const upperHex = "0123456789ABCDEF"
