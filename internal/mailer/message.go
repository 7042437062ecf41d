package mailer

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// refusal is why a message cannot be sent over a connection at all.
type refusal struct{ enhanced, text string }

func (r *refusal) Error() string { return r.text }

// finalDot ends the body of a message.
const finalDot = ".\r\n"

// check checks a message against the rules of SMTP and the offers of the server, and returns the
// parameters of its MAIL command.
func (c *Conn) check(m *Message) (parameters string, err error) {
	if m.To == "" {
		return "", &refusal{text: "the message has no recipient"}
	}
	for _, address := range []string{m.From, m.To} {
		if err := checkAddress(address); err != nil {
			return "", err
		}
	}
	eightBit, err := checkBody(m.Body)
	if err != nil {
		return "", err
	}
	var text strings.Builder
	if limit, offered := c.extensions["SIZE"]; offered {
		if most, err := strconv.ParseInt(limit, 10, 64); err == nil && most > 0 && int64(len(m.Body)) > most {
			return "", &refusal{"5.3.4", fmt.Sprintf("the message has %d bytes, the server takes %d", len(m.Body), most)}
		}
		text.WriteString(" SIZE=")
		text.WriteString(strconv.Itoa(len(m.Body)))
	}
	if eightBit {
		if _, offered := c.extensions["8BITMIME"]; !offered {
			return "", &refusal{"5.6.3", "the message has 8-bit characters and the server does not offer 8BITMIME"}
		}
		text.WriteString(" BODY=8BITMIME")
	}
	if m.UTF8 || !isASCII(m.From) || !isASCII(m.To) {
		if _, offered := c.extensions["SMTPUTF8"]; !offered {
			return "", &refusal{"5.6.7", "the address or a header is not ASCII and the server does not offer SMTPUTF8"}
		}
		text.WriteString(" SMTPUTF8")
	}
	return text.String(), nil
}

// checkAddress refuses what would end the path of a command early.
func checkAddress(address string) error {
	if len(address) > 320 {
		return &refusal{text: "an address is longer than SMTP allows"}
	}
	if !utf8.ValidString(address) {
		return &refusal{text: "an address is not valid UTF-8"}
	}
	quoted := false
	for i := 0; i < len(address); i++ {
		switch b := address[i]; {
		case b < ' ' || b == 0x7f:
			return &refusal{text: "an address holds a control character"}
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case !quoted && (b == ' ' || b == '<' || b == '>'):
			return &refusal{text: "an address holds a blank or an angle bracket"}
		}
	}
	if quoted {
		return &refusal{text: "an address holds one quote"}
	}
	return nil
}

// checkBody refuses an empty body and a CR or LF alone, and reports whether there are 8-bit
// characters.
func checkBody(body []byte) (eightBit bool, err error) {
	if len(body) == 0 {
		return false, &refusal{text: "the message is empty"}
	}
	lines := 0
	for at := 0; ; lines++ {
		next := bytes.IndexByte(body[at:], '\n')
		if next < 0 {
			break
		}
		at += next + 1
		if at < 2 || body[at-2] != '\r' {
			return false, &refusal{text: fmt.Sprintf("line %d of the message ends with LF alone", lines+1)}
		}
	}
	if bytes.Count(body, []byte{'\r'}) != lines {
		return false, &refusal{text: "the message holds a CR alone"}
	}
	return hasEightBit(body), nil
}

func isASCII(text string) bool {
	for i := 0; i < len(text); i++ {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// hasEightBit reports whether a body has a character outside of ASCII. It looks at eight at a time,
// because it reads all of every message.
func hasEightBit(body []byte) bool {
	var all uint64
	for ; len(body) >= 8; body = body[8:] {
		all |= binary.LittleEndian.Uint64(body)
	}
	for _, b := range body {
		all |= uint64(b)
	}
	return all&0x8080808080808080 != 0
}

// appendBody appends a body with the dots at the start of its lines doubled and a line end at its
// end, without the final dot.
func appendBody(out, body []byte) []byte {
	if body[0] == '.' {
		out = append(out, '.')
	}
	for {
		next := bytes.Index(body, []byte("\n."))
		if next < 0 {
			break
		}
		out = append(out, body[:next+2]...)
		out = append(out, '.')
		body = body[next+2:]
	}
	out = append(out, body...)
	if !bytes.HasSuffix(out, []byte("\n")) {
		out = append(out, '\r', '\n')
	}
	return out
}
