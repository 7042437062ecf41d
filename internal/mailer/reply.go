package mailer

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxText is the maximum length of a text that is kept, in characters.
	maxText = 250
	// maxReply bounds all lines of one reply together, in octets. More is not read.
	maxReply = 64 << 10
	// readBuffer is the size of the buffer for replies. Of a longer line only so much is kept.
	readBuffer = 4 << 10
)

// reply is one reply of the server, of one line or many. Its text comes from readReply as the server
// sent it.
type reply struct {
	code           int
	enhanced, text string
}

// class returns the first digit of the code.
func (r reply) class() int { return r.code / 100 }

// errMalformed is wrapped by the errors of readReply about what the server sent.
var errMalformed = errors.New("not a reply of SMTP")

// readReply reads one reply. each, if it is not nil, gets the text of every line.
func readReply(in *bufio.Reader, each func(line string)) (reply, error) {
	var r reply
	for left := maxReply; ; {
		line, read, err := readLine(in, left)
		if err != nil {
			return reply{}, err
		}
		left -= read
		code, text, last, ok := splitLine(line)
		if !ok || r.code != 0 && code != r.code {
			return reply{}, fmt.Errorf("%w: %q", errMalformed, clean(string(line)))
		}
		r.code = code
		r.add(text)
		if each != nil {
			each(string(text))
		}
		if last {
			return r, nil
		}
	}
}

// add adds the text of one line. The enhanced code of the first line counts, and is cut off every
// line that repeats it.
func (r *reply) add(line []byte) {
	if enhanced, rest := splitEnhanced(line); enhanced != "" && (r.enhanced == "" || r.enhanced == enhanced) {
		r.enhanced, line = enhanced, rest
	}
	if len(r.text) > maxText*utf8.UTFMax {
		return
	}
	if r.text != "" && len(line) > 0 {
		r.text += " "
	}
	r.text += string(line)
}

// readLine reads a line without its end. It keeps at most the size of the buffer and reads at most
// limit octets. The line is valid until the next read.
func readLine(in *bufio.Reader, limit int) (line []byte, read int, err error) {
	line, err = in.ReadSlice('\n')
	read = len(line)
	if errors.Is(err, bufio.ErrBufferFull) {
		line = append([]byte(nil), line...) // the rest overwrites the buffer
	}
	for errors.Is(err, bufio.ErrBufferFull) && read <= limit {
		var more []byte
		more, err = in.ReadSlice('\n')
		read += len(more)
	}
	switch {
	case read > limit:
		return nil, read, fmt.Errorf("%w: more than %d bytes", errMalformed, maxReply)
	case err != nil:
		return nil, read, err
	}
	if line[len(line)-1] == '\n' {
		line = line[:len(line)-1]
	}
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return line, read, nil
}

// splitLine splits a line of a reply: three digits, then a blank or the end on the last line and a
// hyphen on the others.
func splitLine(line []byte) (code int, text []byte, last, ok bool) {
	if len(line) < 3 || line[0] < '1' || line[0] > '5' {
		return 0, nil, false, false
	}
	for _, digit := range line[:3] {
		if digit < '0' || digit > '9' {
			return 0, nil, false, false
		}
		code = code*10 + int(digit-'0')
	}
	switch {
	case len(line) == 3:
		return code, nil, true, true
	case line[3] == ' ' || line[3] == '-':
		return code, line[4:], line[3] == ' ', true
	default:
		return 0, nil, false, false
	}
}

// splitEnhanced cuts an enhanced status code such as 4.2.1 off the start of a text.
func splitEnhanced(text []byte) (enhanced string, rest []byte) {
	if len(text) < 5 || text[0] != '2' && text[0] != '4' && text[0] != '5' {
		return "", text
	}
	dots, digits := 0, 0
	for i := 0; ; i++ {
		switch {
		case i < len(text) && text[i] >= '0' && text[i] <= '9' && digits < 3:
			digits++
		case i < len(text) && text[i] == '.' && digits > 0 && dots < 2 && (dots > 0 || i == 1):
			dots, digits = dots+1, 0
		case dots == 2 && digits > 0 && (i == len(text) || text[i] == ' '):
			return string(text[:i]), text[min(i+1, len(text)):]
		default:
			return "", text
		}
	}
}

// clean makes a text that may come from anywhere one line of valid UTF-8 of at most maxText
// characters.
func clean(text string) string {
	plain := len(text) <= maxText
	for i := 0; plain && i < len(text); i++ {
		plain = text[i] >= ' ' && text[i] < 0x7f
	}
	if plain {
		return strings.TrimSpace(text)
	}
	text = strings.Map(func(r rune) rune {
		if r != utf8.RuneError && !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > maxText {
		text = string([]rune(text)[:maxText-1]) + "…"
	}
	return text
}
