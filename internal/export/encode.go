package export

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// encoder writes rows in a format.
type encoder interface {
	begin() error
	row(cells []any) error
	// settle flushes everything written so far to the underlying writer.
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

// harmless escapes a text from outside so that no spreadsheet runs it as a formula. It inserts an
// apostrophe before each character that begins a formula, at the beginning of the text and at each
// place within it where a cell could begin. The quotes of CSV are no protection in a spreadsheet
// whose locale splits lines at semicolons: for that spreadsheet, the cell begins inside the quotes.
// See https://owasp.org/www-community/attacks/CSV_Injection.
func harmless(text string) string {
	var out strings.Builder
	written, cell, begins := 0, 0, true
	for i, r := range text {
		if begins && strings.ContainsRune(beginsFormula, r) {
			out.WriteString(text[written:cell])
			out.WriteByte('\'')
			written, begins = cell, false
		}
		switch r {
		case ';', '\t', '\r', '\n':
			cell, begins = i+1, true
		case '"': // is doubled, and has no effect at the beginning of a cell
		default:
			begins = false
		}
	}
	if written == 0 && out.Len() == 0 {
		return text
	}
	return out.String() + text[written:]
}

// beginsFormula are the characters that begin a formula, or that a spreadsheet skips before one.
// Some spreadsheets treat the full-width forms like the others.
const beginsFormula = "=+-@\t\r＝＋－＠"

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
		e.buf.WriteString(`"` + e.keys[i] + `":`) // GraphQL names need no escapes
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
		_ = encoder.Encode(cell)                // encoding a string cannot fail
		e.buf.Truncate(e.buf.Len() - len("\n")) // which Encode appends
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

// plain returns the text of a cell that both formats write in the same way.
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
