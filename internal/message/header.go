package message

import (
	"encoding/base64"
	"strings"
	"unicode"
	"unicode/utf8"

	"campaignql/internal/people/address"
)

// maxHeader is the longest line of a header that holds a text (RFC 2047 demands it of encoded words).
const maxHeader = 76

// headerText returns a text as a header may hold it: in one line, without control characters, in
// valid UTF-8, without blanks at its ends. CRLF becomes one blank, any other control character too.
func headerText(text string) string {
	clean := utf8.ValidString(text)
	for i := 0; clean && i < len(text); i++ {
		clean = text[i] >= ' ' && text[i] < 0x7f
	}
	if !clean {
		text = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\r\n", "\n")
		text = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' {
				return ' '
			}
			return r
		}, text)
	}
	return strings.TrimSpace(text)
}

// appendText appends an unstructured text to a line that has col characters, folded. A text that
// cannot stand as it is becomes encoded words.
func appendText(dst []byte, col int, text string) []byte {
	if isASCII(text) && !strings.Contains(text, "=?") {
		if col+len(text) <= maxHeader {
			return append(dst, text...)
		}
		if folded, ok := appendFolded(dst, col, text); ok {
			return folded
		}
	}
	dst, _ = appendEncoded(dst, col, text)
	return dst
}

// appendFolded appends a text of single words. It returns false if a word is too long for a line, or
// if there is more than one blank between two words: parsers make one of those at a fold.
func appendFolded(dst []byte, col int, text string) ([]byte, bool) {
	if strings.Contains(text, "  ") {
		return dst, false
	}
	start := len(dst)
	for i, word := range strings.Split(text, " ") {
		switch {
		case i == 0 && col+len(word) > maxHeader, len(word) > maxHeader-1:
			return dst[:start], false
		case i == 0:
		case col+1+len(word) > maxHeader:
			dst, col = append(dst, "\r\n "...), 1
		default:
			dst, col = append(dst, ' '), col+1
		}
		dst, col = append(dst, word...), col+len(word)
	}
	return dst, true
}

const (
	wordQ   = "=?utf-8?q?"
	wordB   = "=?utf-8?b?"
	wordEnd = "?="
	// maxWord is the longest encoded word.
	maxWord = 75
)

// appendEncoded appends a text as encoded words, each on a line, and returns the length of the last
// line. mime.WordEncoder knows neither the length of the line that it continues, nor which
// characters a name beside an address may hold.
func appendEncoded(dst []byte, col int, text string) ([]byte, int) {
	quoted := 0
	for i := range len(text) {
		quoted += quotedSize(text[i])
	}
	base64Wins := quoted > (len(text)+2)/3*4
	for first := true; text != ""; first = false {
		if !first || col > maxHeader/2 {
			dst, col = append(dst, "\r\n "...), 1
		}
		room := min(maxHeader-col, maxWord) - len(wordQ) - len(wordEnd)
		size := wordSize(text, room, base64Wins)
		start := len(dst)
		if base64Wins {
			dst = base64.StdEncoding.AppendEncode(append(dst, wordB...), []byte(text[:size]))
		} else {
			dst = appendQ(append(dst, wordQ...), text[:size])
		}
		dst = append(dst, wordEnd...)
		col += len(dst) - start
		text = text[size:]
	}
	return dst, col
}

// wordSize returns how many bytes of whole characters of a text fit into an encoded word.
func wordSize(text string, room int, base64Wins bool) int {
	used := 0
	for i, r := range text {
		size := utf8.RuneLen(r)
		for j := i; j < i+size; j++ {
			used += quotedSize(text[j])
		}
		if base64Wins {
			used = (i + size + 2) / 3 * 4
		}
		if used > room {
			return i
		}
	}
	return len(text)
}

func quotedSize(c byte) int {
	if isPhraseSafe(c) || c == ' ' {
		return 1
	}
	return 3
}

// isPhraseSafe reports whether a byte may stand unencoded in an encoded word of a name.
func isPhraseSafe(c byte) bool {
	return isLetter(c) || '0' <= c && c <= '9' || c == '!' || c == '*' || c == '+' || c == '-' || c == '/'
}

func appendQ(dst []byte, text string) []byte {
	for i := range len(text) {
		switch c := text[i]; {
		case c == ' ':
			dst = append(dst, '_')
		case isPhraseSafe(c):
			dst = append(dst, c)
		default:
			dst = append(dst, '=', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// appendMailbox appends an address with a name, which may be empty, to a line that has col characters.
func appendMailbox(dst []byte, col int, name, mailbox string) []byte {
	if name == "" {
		return append(dst, mailbox...)
	}
	start := len(dst)
	plain := isASCII(name) && !strings.Contains(name, "=?") && !strings.Contains(name, "  ")
	switch {
	case plain && isPhrase(name) && col+len(name) <= maxHeader:
		dst = append(dst, name...)
		col += len(name)
	case plain && col+len(name)+2+strings.Count(name, `"`)+strings.Count(name, `\`) <= maxHeader:
		dst = appendQuotedString(dst, name)
		col += len(dst) - start
	default:
		dst, col = appendEncoded(dst, col, name)
	}
	if col+len(mailbox)+3 > maxHeader {
		dst = append(dst, "\r\n"...)
	}
	dst = append(dst, " <"...)
	return append(append(dst, mailbox...), '>')
}

func appendQuotedString(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for i := range len(text) {
		if text[i] == '"' || text[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, text[i])
	}
	return append(dst, '"')
}

// isPhrase reports whether a name needs no quotes: words of letters, digits and a few signs.
func isPhrase(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isPhraseSafe(c) && c != ' ' && c != '&' && c != '\'' {
			return false
		}
	}
	return true
}

// mailboxOf returns an address as SMTP and headers take it, with the domain as A-labels, and whether
// its local part is not ASCII.
func mailboxOf(a address.Address) (mailbox string, utf8 bool) {
	at := strings.LastIndexByte(a.Text, '@')
	if at < 0 {
		return a.Text, false
	}
	if local := a.Text[:at]; !isASCII(local) {
		return local + "@" + a.Domain, true
	}
	if strings.EqualFold(a.Text[at+1:], a.Domain) {
		return a.Text, false
	}
	return a.Text[:at+1] + a.Domain, false
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// isToken reports whether a value can stand between angle brackets or as a whole in a header: it is
// ASCII that can be seen, without blanks and angle brackets, and not longer than a line may be.
func isToken(value string) bool {
	for i := range len(value) {
		if c := value[i]; c <= ' ' || c >= 0x7f || c == '<' || c == '>' {
			return false
		}
	}
	return value != "" && len(value) <= maxToken
}

// maxToken is the longest value that cannot be folded: a line of a header has at most 998.
const maxToken = 950
