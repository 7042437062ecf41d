package command

import (
	"strconv"
)

// Object is a JSON object or XML element with ordered members. Values are bool, int, int64, string,
// nil, cell, decimal, []any, Object, Stream and emitters.
type Object []Member

type Member struct {
	Name  string
	Value any
}

// Stream is a list that is produced while it is written. It calls emit for each item. An error ends
// the response.
type Stream func(emit func(item any) error) error

// MarshalJSON writes the members in their order.
func (o Object) MarshalJSON() ([]byte, error) {
	e := encoder{syntax: jsonSyntax{}}
	err := e.value(o)
	return e.buf, err
}

// decimal is the text of a number, written unchanged.
type decimal string

// cell is one scalar of a campaign row. It avoids an allocation for each value of a long list.
type cell struct {
	text   string
	number int64
	kind   cellKind
}

type cellKind byte

const (
	textCell cellKind = iota
	numberCell
)

func textOf(s string) cell    { return cell{text: s} }
func numberOf(n int64) cell   { return cell{number: n, kind: numberCell} }
func (c cell) asString() cell { return textOf(c.String()) }

// String returns the value in the format of the legacy database.
func (c cell) String() string {
	if c.kind == numberCell {
		return strconv.FormatInt(c.number, 10)
	}
	return c.text
}

// emitter is a value that writes itself.
type emitter interface{ emit(e *encoder) error }

// syntax is one of the response formats. Each method appends to a buffer.
type syntax interface {
	begin(dst []byte) []byte
	end(dst []byte) []byte
	openObject(dst []byte) []byte
	closeObject(dst []byte) []byte
	openMember(dst []byte, i int, name string) []byte
	closeMember(dst []byte, name string) []byte
	openList(dst []byte) []byte
	closeList(dst []byte) []byte
	openItem(dst []byte, i int) []byte
	closeItem(dst []byte, i int) []byte
	text(dst []byte, text string) []byte
	// literal appends a number, a boolean or null.
	literal(dst []byte, text string) []byte
	null(dst []byte) []byte
}

// spillSize is the buffer size of a response. Up to this size a failure can still replace the
// response.
const spillSize = 128 << 10

// encoder writes a tree of values in a syntax. If spill is not nil, the encoder calls it with the
// buffer whenever a list has filled the buffer, and then clears the buffer.
type encoder struct {
	syntax syntax
	buf    []byte
	spill  func(part []byte) error
	// lists is the nesting depth of lists.
	lists int
}

func (e *encoder) document(o Object) error {
	e.buf = e.syntax.begin(e.buf)
	err := e.value(o)
	e.buf = e.syntax.end(e.buf)
	return err
}

func (e *encoder) value(v any) error {
	switch v := v.(type) {
	case nil:
		e.buf = e.syntax.null(e.buf)
	case bool:
		e.buf = e.syntax.literal(e.buf, strconv.FormatBool(v))
	case int:
		e.buf = e.syntax.literal(e.buf, strconv.Itoa(v))
	case int64:
		e.buf = e.syntax.literal(e.buf, strconv.FormatInt(v, 10))
	case decimal:
		e.buf = e.syntax.literal(e.buf, string(v))
	case string:
		e.buf = e.syntax.text(e.buf, v)
	case cell:
		e.cell(v)
	case Object:
		e.buf = e.syntax.openObject(e.buf)
		for i, m := range v {
			if err := e.member(i, m.Name, m.Value); err != nil {
				return err
			}
		}
		e.buf = e.syntax.closeObject(e.buf)
	case []any:
		return e.list(func(emit func(any) error) error {
			for _, item := range v {
				if err := emit(item); err != nil {
					return err
				}
			}
			return nil
		})
	case Stream:
		return e.list(v)
	case emitter:
		return v.emit(e)
	default:
		panic("command: a value that no answer may hold")
	}
	return nil
}

func (e *encoder) member(i int, name string, v any) error {
	e.buf = e.syntax.openMember(e.buf, i, name)
	err := e.value(v)
	e.buf = e.syntax.closeMember(e.buf, name)
	if err == nil && e.lists > 0 {
		err = e.full() // an item with long texts is not buffered completely
	}
	return err
}

// full passes the buffer to spill if it is full.
func (e *encoder) full() error {
	if e.spill == nil || len(e.buf) < spillSize {
		return nil
	}
	err := e.spill(e.buf)
	e.buf = e.buf[:0]
	return err
}

func (e *encoder) list(produce Stream) error {
	e.buf = e.syntax.openList(e.buf)
	e.lists++
	defer func() { e.lists-- }()
	i := 0
	err := produce(func(item any) error {
		e.buf = e.syntax.openItem(e.buf, i)
		if err := e.value(item); err != nil {
			return err
		}
		e.buf = e.syntax.closeItem(e.buf, i)
		i++
		return e.full()
	})
	e.buf = e.syntax.closeList(e.buf)
	return err
}

// cellText writes a cell as text, including numbers.
func (e *encoder) cellText(c cell) {
	if c.kind == numberCell {
		var digits [20]byte
		e.buf = e.syntax.text(e.buf, string(strconv.AppendInt(digits[:0], c.number, 10)))
		return
	}
	e.buf = e.syntax.text(e.buf, c.text)
}

func (e *encoder) cell(c cell) {
	if c.kind == numberCell {
		e.buf = e.syntax.literal(e.buf, strconv.FormatInt(c.number, 10))
		return
	}
	e.buf = e.syntax.text(e.buf, c.text)
}
