package message

// maxQuoted is the longest line of quoted-printable without the "=" of a soft break.
const maxQuoted = 75

// appendQuoted appends a text in quoted-printable to a line that has col characters, and returns the
// length of the line at the end, at most maxQuoted. Every line break becomes CRLF. A blank at the
// end of the text is encoded, because a line break may follow.
//
// The writer of mime/quotedprintable would have to start on a new line for each piece.
func appendQuoted[T string | []byte](dst []byte, text T, col int) ([]byte, int) {
	for i := 0; i < len(text); i++ {
		c := text[i]
		literal := '!' <= c && c <= '~' && c != '='
		switch {
		case literal:
		case c == '\n', c == '\r':
			if c == '\r' && i+1 < len(text) && text[i+1] == '\n' {
				i++
			}
			dst, col = append(dst, '\r', '\n'), 0
			continue
		case c == ' ', c == '\t':
			literal = i+1 < len(text) && text[i+1] != '\n' && text[i+1] != '\r'
		}
		size := 3
		if literal {
			size = 1
		}
		if col+size > maxQuoted {
			dst, col = append(dst, '=', '\r', '\n'), 0
		}
		if literal {
			dst = append(dst, c)
		} else {
			dst = append(dst, '=', upperHex[c>>4], upperHex[c&15])
		}
		col += size
	}
	return dst, col
}

// constant is a text in quoted-printable that was encoded once, beginning on a new line.
type constant struct {
	text string
	// first is the length of its first line, without the "=" of a soft break.
	first int
	// last is the length of its last line.
	last int
	// breaks says that it has more than one line.
	breaks bool
}

func quote(text string) constant {
	encoded, last := appendQuoted(nil, text, 0)
	c := constant{text: string(encoded), first: len(encoded), last: last}
	for i, b := range encoded {
		if b == '\r' {
			c.breaks, c.first = true, i
			if i > 0 && encoded[i-1] == '=' {
				c.first--
			}
			break
		}
	}
	return c
}

// append appends the constant to a line that has col characters, on a new line if it does not fit.
func (c *constant) append(dst []byte, col int) ([]byte, int) {
	if col+c.first > maxQuoted {
		dst, col = append(dst, '=', '\r', '\n'), 0
	}
	dst = append(dst, c.text...)
	if c.breaks {
		return dst, c.last
	}
	return dst, col + c.first
}
