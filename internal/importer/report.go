package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"campaignql/internal/apperr"
)

// The names of the last two columns of a report. A file whose header ends with them is a report.
const (
	columnLine   = "rejected line"
	columnReason = "rejected reason"
)

// oldReport is the beginning of reports of earlier versions.
const oldReport = "line,reason,"

// form is how a report is written, so that the options of the import read it as they read the file.
type form struct {
	separator rune
	// named means that the first line names the separator.
	named bool
	// marked means that the report begins with a byte order mark.
	marked bool
	// latin1 means that the report is in Windows-1252. Otherwise it is UTF-8.
	latin1 bool
	// header is nil without a header. The report then has the numbers of the columns as names.
	header []string
	// width is the number of columns. Shorter rows are filled up to it.
	width int
}

// report is the file of the rejected rows: the original row, its line, and the reason. The first
// rejected row creates it.
type report struct {
	path string
	form form
	file *os.File
	out  *bufio.Writer
}

// openReport continues a report of the given length. With length 0 it starts a new one. A file that
// is no report is rejected and stays unchanged.
func openReport(path string, length int64, f form) (*report, error) {
	r := &report{path: path, form: f}
	if err := refuseOther(path); err != nil {
		return nil, err
	}
	if length == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		return r, nil
	}
	return r, r.open(length)
}

// reportPath returns the default path of the report about a file.
func reportPath(path string) string { return strings.TrimSuffix(path, ".csv") + ".rejected.csv" }

// reportFor returns the path of the report. The report of an earlier import may be imported with
// the options that wrote it: its own report then has the default path. Any other file to import is
// rejected as a report.
func reportFor(o Options, isReport bool) (string, error) {
	if o.Report == "" {
		return reportPath(o.Path), nil
	}
	there, err := os.Stat(o.Report)
	if err != nil {
		return o.Report, nil // the report does not exist
	}
	in, err := os.Stat(o.Path)
	if err != nil {
		return "", err
	}
	switch {
	case !os.SameFile(there, in):
		return o.Report, nil
	case isReport:
		return reportPath(o.Path), nil
	}
	return "", apperr.InvalidField(
		"report", apperr.ReasonImportReportTaken,
		"%s is the file to import, which is no report of rejected rows: name another file", o.Report,
	)
}

// refuseOther rejects a path of a file that is neither empty nor a report.
func refuseOther(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	const enough = 64 << 10
	start, err := io.ReadAll(io.LimitReader(file, enough))
	if err != nil {
		return err
	}
	if len(start) > 0 && !startsReport(start) {
		return apperr.InvalidField(
			"report", apperr.ReasonImportReportTaken,
			"%s is there already and is no report of rejected rows: name another file", path,
		)
	}
	return nil
}

// startsReport reports whether a file that begins like this is a report, also after a spreadsheet
// has saved it.
func startsReport(start []byte) bool {
	if bytes.HasPrefix(start, []byte(oldReport)) {
		return true
	}
	for _, mark := range utf16Marks {
		if bytes.HasPrefix(start, mark) {
			start, _ = unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(start)
		}
	}
	if line, _, _ := bytes.Cut(start, []byte("\n")); !utf8.Valid(line) {
		start, _ = charmap.Windows1252.NewDecoder().Bytes(start)
	}
	start = bytes.TrimPrefix(start, []byte(string(byteOrderMark)))
	comma, length := separatorLine(start)
	if length == 0 {
		comma = separator(start)
	}
	rows := csv.NewReader(bytes.NewReader(start[length:]))
	rows.Comma = comma
	first, err := rows.Read()
	_, ok := reportHeader(first)
	return ok && err == nil
}

// reportHeader returns the names of the original columns if the cells are the header of a report.
func reportHeader(cells []string) ([]string, bool) {
	n := len(filled(cells, 0))
	if n <= 2 || exactly(cells[n-2]) != columnLine || exactly(cells[n-1]) != columnReason {
		return nil, false
	}
	return cells[:n-2], true
}

// filled returns the cells without blank ones at the end, but at least the given number.
func filled(cells []string, least int) []string {
	n := len(cells)
	for n > least && strings.TrimSpace(cells[n-1]) == "" {
		n--
	}
	return cells[:n]
}

// numbers returns the names that a report has for the columns of a file without a header.
func numbers(width int) []string {
	names := make([]string, width)
	for i := range names {
		names[i] = strconv.Itoa(i + 1)
	}
	return names
}

// original returns the row of a report without line and reason. A row that was longer than the
// others has them behind its own cells. A person who corrected it may have removed them or moved cells,
// so only what looks like them is taken away.
func original(cells []string, width int) []string {
	cells = filled(cells, min(width, len(cells)))
	n := len(cells)
	isLine := func(i int) bool {
		if i < width || i >= n {
			return false
		}
		_, err := strconv.Atoi(strings.TrimSpace(cells[i]))
		return err == nil
	}
	switch {
	case n == width+2 && !isLine(n-1) && (isLine(width) || strings.TrimSpace(cells[width]) == ""):
		return cells[:width]
	case isLine(n - 1):
		return cells[:n-1]
	case isLine(n - 2):
		return cells[:n-2]
	}
	return cells
}

func (r *report) open(length int64) error {
	file, err := os.OpenFile(r.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	r.file, r.out = file, bufio.NewWriter(file)
	if err := file.Truncate(length); err != nil {
		return err
	}
	_, err = file.Seek(length, io.SeekStart)
	return err
}

// start creates the report with everything before its first row.
func (r *report) start() error {
	if err := r.open(0); err != nil {
		return err
	}
	var text strings.Builder
	if r.form.marked {
		text.WriteRune(byteOrderMark)
	}
	if r.form.named {
		text.WriteString("sep=" + string(r.form.separator) + "\n")
	}
	if _, err := r.out.Write(r.form.encode(text.String())); err != nil {
		return err
	}
	header := r.form.header
	if header == nil {
		header = numbers(r.form.width)
	}
	return r.line(header, columnLine, columnReason)
}

func (r *report) write(row record, why string) error {
	if r.file == nil {
		if err := r.start(); err != nil {
			return err
		}
	}
	return r.line(row.cells, strconv.Itoa(row.line), why)
}

// line writes a row: its cells, filled up to the width, and the last two columns.
func (r *report) line(cells []string, last ...string) error {
	all := make([]string, max(len(cells), r.form.width), max(len(cells), r.form.width)+len(last))
	copy(all, cells)
	var text strings.Builder
	for i, cell := range append(all, last...) {
		if i > 0 {
			text.WriteRune(r.form.separator)
		}
		text.WriteString(r.form.quote(cell))
	}
	text.WriteByte('\n')
	_, err := r.out.Write(r.form.encode(text.String()))
	return err
}

// quoting replaces what a reader takes for something else: CR LF is LF for it, and NUL bytes at the
// beginning of a file are UTF-16 without its mark. They are written as kind.Clean returns them.
var quoting = strings.NewReplacer(`"`, `""`, "\r\n", "\r\r\n", "\x00", "\ufffd")

// quote returns a cell as it is written. All characters that may be taken for the separator are
// quoted, so that the separator is found again.
func (f form) quote(cell string) string {
	const special = "\"\r\n\ufeff\x00" + separators
	if !strings.ContainsAny(cell, special) && !strings.ContainsRune(cell, f.separator) &&
		strings.TrimSpace(cell) == cell {
		return cell
	}
	return `"` + quoting.Replace(cell) + `"`
}

// encode returns a text in the encoding of the report.
func (f form) encode(text string) []byte {
	if !f.latin1 {
		return []byte(text)
	}
	const undefined = 0x81 // is decoded to U+FFFD
	encoded := make([]byte, 0, len(text))
	for _, r := range text {
		b, ok := charmap.Windows1252.EncodeRune(r)
		switch {
		case ok:
		case r == utf8.RuneError:
			b = undefined
		default:
			b = '?' // of a reason; the cells were read from this encoding
		}
		encoded = append(encoded, b)
	}
	return encoded
}

// flush writes the buffered rows and returns the length of the file.
func (r *report) flush() (int64, error) {
	if r.file == nil {
		return 0, nil
	}
	if err := r.out.Flush(); err != nil {
		return 0, err
	}
	return r.file.Seek(0, io.SeekCurrent)
}

func (r *report) Close() error {
	if r.file == nil {
		return nil
	}
	return r.file.Close()
}
