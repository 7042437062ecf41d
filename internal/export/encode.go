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

// harmless keeps a spreadsheet from running a text that somebody else wrote as a formula: an
// apostrophe goes before what would begin one, at the beginning of the text and wherever a cell
// could begin within it. The quotes that CSV puts around a text do not keep it whole in a
// spreadsheet of a locale that splits lines at semicolons, because the cell, as that sees it, has
// begun before them. See https://owasp.org/www-community/attacks/CSV_Injection.
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
		case '"': // which is doubled, and stands for nothing at the beginning of a cell
		default:
			begins = false
		}
	}
	if written == 0 && out.Len() == 0 {
		return text
	}
	return out.String() + text[written:]
}

// beginsFormula are the characters that begin a formula, or that are passed over before one; some
// spreadsheets take those of full width for the others.
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
