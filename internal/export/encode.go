package export

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// encoder writes rows in a format.
type encoder interface {
	begin() error
	row(cells []any) error
	// settle gives everything written so far to the writer below.
	settle() error
	end() error
}

func newEncoder(format Format, out *bufio.Writer, columns []string) encoder {
	if format == CSV {
		w := csv.NewWriter(out)
		w.UseCRLF = true
		return &csvEncoder{w: w, columns: columns, line: make([]string, len(columns))}
	}
	return &jsonEncoder{out: out, keys: columns}
}

type csvEncoder struct {
	w       *csv.Writer
	columns []string
	line    []string
}

func (e *csvEncoder) begin() error { return e.w.Write(e.columns) }

func (e *csvEncoder) row(cells []any) error {
	for i, cell := range cells {
		switch cell := cell.(type) {
		case nil:
			e.line[i] = ""
		case string:
			e.line[i] = harmless(cell)
		default:
			e.line[i] = plain(cell)
		}
	}
	return e.w.Write(e.line)
}

func (e *csvEncoder) settle() error {
	e.w.Flush()
	return e.w.Error()
}

func (e *csvEncoder) end() error { return nil }

// harmless keeps a spreadsheet from running a text that somebody else wrote as a formula.
func harmless(text string) string {
	if text != "" {
		switch text[0] {
		case '=', '+', '-', '@', '\t', '\r':
			return "'" + text
		}
	}
	return text
}

type jsonEncoder struct {
	out  *bufio.Writer
	keys []string
	rows int
	buf  bytes.Buffer
}

func (e *jsonEncoder) begin() error { return e.out.WriteByte('[') }

func (e *jsonEncoder) row(cells []any) error {
	e.buf.Reset()
	if e.rows > 0 {
		e.buf.WriteByte(',')
	}
	e.rows++
	e.buf.WriteString("\n{")
	for i, cell := range cells {
		if i > 0 {
			e.buf.WriteByte(',')
		}
		e.buf.WriteString(`"` + e.keys[i] + `":`) // names of GraphQL need no escapes
		e.value(cell)
	}
	e.buf.WriteByte('}')
	_, err := e.out.Write(e.buf.Bytes())
	return err
}

func (e *jsonEncoder) value(cell any) {
	switch cell := cell.(type) {
	case nil:
		e.buf.WriteString("null")
	case string:
		encoder := json.NewEncoder(&e.buf)
		encoder.SetEscapeHTML(false)
		_ = encoder.Encode(cell)                // a string can be written
		e.buf.Truncate(e.buf.Len() - len("\n")) // which Encode ends with
	case word, time.Time:
		e.buf.WriteString(`"` + plain(cell) + `"`)
	default:
		e.buf.WriteString(plain(cell))
	}
}

func (e *jsonEncoder) settle() error { return nil }

func (e *jsonEncoder) end() error {
	_, err := e.out.WriteString("\n]\n")
	return err
}

// plain is what no format changes.
func plain(cell any) string {
	switch cell := cell.(type) {
	case word:
		return string(cell)
	case bool:
		return strconv.FormatBool(cell)
	case int64:
		return strconv.FormatInt(cell, 10)
	case cents:
		return fmt.Sprintf("%d.%02d", cell/100, cell%100)
	case time.Time:
		return cell.UTC().Format(time.RFC3339Nano)
	default:
		panic(fmt.Sprintf("export: a cell is a %T", cell))
	}
}
