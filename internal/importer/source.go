package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
)

// record is one row of the file.
type record struct {
	line  int
	cells []string
	// problem is set if the row is not valid CSV.
	problem error
	// doubtful means that the row may have been meant as a header.
	doubtful bool
}

// source reads the rows of a file after its header.
type source struct {
	file    *os.File
	size    int64
	csv     *csv.Reader
	bound   *bounded
	skipped int      // lines before those that csv reads
	last    int      // line of the last row that was read
	header  []string // nil without a header
	width   int      // columns of the header, or else of the longest of the first rows
	first   *record  // the first row, if it is no header
	// report means that the file is a report of rejected rows. Its last two columns are no part of
	// the header and of the rows.
	report bool
	// numbered means that all columns are mapped by number.
	numbered bool
	// noHeader is the reason why there is no header, for messages.
	noHeader string
	digest   string // of the whole content
	// encoding is the name of the encoding. notUTF8 is the first line that is not UTF-8, or 0 if
	// there is none.
	encoding string
	notUTF8  int
	form     form // of a report about the file
}

// openSource detects encoding, separator and header.
func openSource(o Options) (*source, error) {
	file, err := os.Open(o.Path)
	if err != nil {
		return nil, err
	}
	s := &source{file: file}
	if err := s.start(file, o); err != nil {
		return nil, fmt.Errorf("%s: %w", o.Path, errors.Join(err, file.Close()))
	}
	return s, nil
}

func (s *source) start(file *os.File, o Options) error {
	content, err := scan(file)
	if err != nil {
		return err
	}
	s.digest, s.notUTF8 = content.digest, content.notUTF8
	if s.size, err = file.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	decoding, name, err := content.decoding(o.Encoding)
	if err != nil {
		return err
	}
	s.encoding = name
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var text io.Reader = file
	if decoding != nil {
		text = decoding.NewDecoder().Reader(file)
	}
	buffered := bufio.NewReaderSize(text, 64<<10)
	if mark, _, err := buffered.ReadRune(); err == nil && mark != byteOrderMark {
		_ = buffered.UnreadRune() // cannot fail directly after ReadRune
	}
	start, _ := buffered.Peek(16 << 10) // a short file is not an error
	if bytes.ContainsRune(start, '\r') && !bytes.ContainsRune(start, '\n') {
		return errors.New("its lines end with CR alone: save it with LF or CR LF at their ends")
	}
	if bytes.IndexByte(start, 0) >= 0 {
		return errors.New("it holds NUL bytes: if it is UTF-16, save it with its mark or as UTF-8")
	}
	start = bytes.Clone(start) // reading overwrites it
	comma, length := separatorLine(start)
	if length > 0 {
		s.skipped, start = 1, start[length:]
		_, _ = buffered.Discard(length) // cannot fail, since these bytes are buffered
	} else {
		comma = separator(start)
	}
	s.bound = &bounded{in: buffered}
	s.csv = csv.NewReader(s.bound)
	s.csv.Comma, s.csv.FieldsPerRecord = comma, -1
	if err := s.readFirst(start, o.Map, o.NoHeader); err != nil {
		return err
	}
	s.form = form{
		separator: comma, named: length > 0, latin1: o.Encoding == encodingLatin1,
		// A file with a mark or in another encoding is likely of a spreadsheet, which needs the mark.
		marked: o.Encoding != encodingLatin1 && (decoding != nil || content.marked),
		header: s.header, width: s.width,
	}
	return nil
}

// maxRow is the maximum length of a row, in bytes. Hundreds of cells with the longest values fit
// into it.
const maxRow = 1 << 20

var errLongRow = fmt.Errorf("the row is longer than %d bytes; is a quote opened and never closed?", maxRow)

// bounded limits the length of a row: it returns an error if the row does not end. It keeps the
// text of the row.
type bounded struct {
	in   io.Reader
	left int
	kept []byte
	// from and row are the offsets of the kept text and of the row.
	from, row int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongRow
	}
	n, err := b.in.Read(p)
	b.left -= n
	b.kept = append(b.kept[:copy(b.kept, b.kept[b.row-b.from:])], p[:n]...)
	b.from = b.row
	return n, err
}

// text returns the row that ends at an offset, without its end of line.
func (b *bounded) text(end int64) []byte { return bytes.Trim(b.kept[b.row-b.from:end-b.from], "\r\n") }

// next returns the next row, or io.EOF. If an unclosed quote includes the following lines, it
// returns an error, because the row boundaries are unknown.
func (s *source) next() (record, error) {
	if s.first != nil {
		r := *s.first
		s.first = nil
		return r, nil
	}
	r, err := s.read()
	if s.report && err == nil {
		r.cells = original(r.cells, s.width)
	}
	return r, err
}

func (s *source) read() (record, error) {
	s.bound.left, s.bound.row = maxRow, s.csv.InputOffset()
	cells, err := s.csv.Read()
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken) && broken.Line > broken.StartLine:
		return record{}, fmt.Errorf(
			"line %d: a quote is opened and not closed where its cell ends: the row would go on to line %d",
			broken.StartLine+s.skipped, broken.Line+s.skipped,
		)
	case errors.As(err, &broken):
		s.last = broken.StartLine + s.skipped
		return record{line: s.last, cells: s.broken(), problem: broken.Err}, nil
	case errors.Is(err, errLongRow):
		return record{}, fmt.Errorf("below line %d: %w", s.last, err)
	case err != nil:
		return record{}, err
	}
	line, _ := s.csv.FieldPos(0)
	s.last = line + s.skipped
	return record{line: s.last, cells: cells}, nil
}

// broken returns the cells of the row that is not valid CSV, as far as they can be told apart.
func (s *source) broken() []string {
	text := s.bound.text(s.csv.InputOffset())
	row := csv.NewReader(bytes.NewReader(text))
	row.Comma, row.LazyQuotes = s.csv.Comma, true
	cells, err := row.Read()
	if err != nil {
		return []string{string(text)}
	}
	return cells
}

// share returns the fraction of the file that has been read, from 0 to 1.
func (s *source) share() float64 {
	at, err := s.file.Seek(0, io.SeekCurrent)
	if err != nil || s.size == 0 {
		return 0
	}
	return min(float64(at)/float64(s.size), 1)
}

// Close closes the file.
func (s *source) Close() error { return s.file.Close() }
