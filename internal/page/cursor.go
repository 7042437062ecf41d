package page

import (
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// maxCursor is the maximum length of a cursor. The longest order key is a folded name of some
// hundred characters.
const maxCursor = 4096

// Type is the type of an order's column.
type Type byte

const (
	// Text is a string, compared byte by byte.
	Text Type = 's'
	// Number is an int64.
	Number Type = 'i'
	// Instant is a time.Time in UTC with microseconds.
	Instant Type = 't'
	// instantText is an instant and a text id, of a TextOrder. The instant is at, the id is text.
	instantText Type = 'x'
	// none is the type of NULL, and of every cursor in an order by id alone.
	none Type = 'n'
)

// cursor is a position in a list: the order it belongs to, and the key of a row in that order. It
// holds no secret and needs no signature: a forged cursor is only another position among the rows
// that the caller may read anyway.
type cursor struct {
	order string
	id    int64
	kind  Type
	text  string    // for Text
	num   int64     // for Number
	at    time.Time // for Instant
}

// value returns the order key as an argument of SQL, nil for NULL.
func (c cursor) value() any {
	switch c.kind {
	case Text:
		return c.text
	case Number:
		return c.num
	case Instant:
		return c.at
	default:
		return nil
	}
}

// String returns the opaque form: base64url of kind, id, order and key, separated by colons.
func (c cursor) String() string {
	raw := make([]byte, 0, 32+len(c.order)+len(c.text))
	raw = append(raw, byte(c.kind))
	raw = strconv.AppendInt(raw, c.id, 10)
	raw = append(raw, ':')
	raw = append(raw, c.order...)
	raw = append(raw, ':')
	switch c.kind {
	case Text:
		raw = append(raw, c.text...)
	case Number:
		raw = strconv.AppendInt(raw, c.num, 10)
	case Instant:
		raw = strconv.AppendInt(raw, c.at.UnixMicro(), 10)
	case instantText:
		raw = strconv.AppendInt(raw, c.at.UnixMicro(), 10)
		raw = append(raw, ':')
		raw = append(raw, c.text...)
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// parseCursor parses the result of String. ok is false for any other text.
func parseCursor(opaque string) (c cursor, ok bool) {
	if len(opaque) > maxCursor {
		return cursor{}, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(opaque)
	if err != nil || len(raw) == 0 {
		return cursor{}, false
	}
	id, rest, ok := strings.Cut(string(raw[1:]), ":")
	if !ok {
		return cursor{}, false
	}
	order, value, ok := strings.Cut(rest, ":")
	if !ok {
		return cursor{}, false
	}
	c = cursor{order: order, kind: Type(raw[0])}
	if c.id, err = strconv.ParseInt(id, 10, 64); err != nil {
		return cursor{}, false
	}
	switch c.kind {
	case none:
		return c, value == ""
	case Text:
		c.text = value
		return c, isText(value)
	case Number:
		c.num, err = strconv.ParseInt(value, 10, 64)
		return c, err == nil
	case Instant:
		c.at, ok = parseInstant(value)
		return c, ok
	case instantText:
		micro, text, _ := strings.Cut(value, ":")
		c.at, ok = parseInstant(micro)
		c.text = text
		return c, ok && text != "" && isText(text)
	default:
		return cursor{}, false
	}
}

func isText(value string) bool { return utf8.ValidString(value) && !strings.ContainsRune(value, 0) }

func parseInstant(value string) (time.Time, bool) {
	micro, err := strconv.ParseInt(value, 10, 64)
	at := time.UnixMicro(micro).UTC()
	// MySQL stores only these years and would return an error for others.
	return at, err == nil && at.Year() >= 1000 && at.Year() <= 9999
}
