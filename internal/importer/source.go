package importer

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// record is one row of the file. problem is set if the row is not valid CSV.
type record struct {
	line    int
	cells   []string
	problem error
}

// source reads the rows of a file after its header.
type source struct {
	file   *os.File
	size   int64
	csv    *csv.Reader
	bound  *bounded
	last   int      // line of the last row that was read
	header []string // nil without a header
	width  int      // columns of the first row
	first  *record  // the first row, if it is no header
	digest string   // of the whole content
	// encoding is the name of the encoding. notUTF8 is the first line that is not UTF-8, or 0 if
	// there is none.
	encoding string
	notUTF8  int
}

// openSource detects encoding, separator and header. The first row is a header if none of its cells
// contains an @, unless noHeader is set.
func openSource(path, encoding string, noHeader bool) (*source, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &source{file: file}
	if err := s.start(file, encoding, noHeader); err != nil {
		return nil, fmt.Errorf("%s: %w", path, errors.Join(err, file.Close()))
	}
	return s, nil
}

func (s *source) start(file *os.File, encoding string, noHeader bool) error {
	content, err := scan(file)
	if err != nil {
		return err
	}
	s.digest, s.notUTF8 = content.digest, content.notUTF8
	if s.size, err = file.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	decoding, name, err := content.decoding(encoding)
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
	s.bound = &bounded{in: buffered}
	s.csv = csv.NewReader(s.bound)
	s.csv.Comma, s.csv.FieldsPerRecord = separator(start), -1
	first, err := s.next()
	if errors.Is(err, io.EOF) {
		return errors.New("the file is empty")
	}
	if err != nil {
		return err
	}
	if first.problem != nil {
		return fmt.Errorf("line %d: %w", first.line, first.problem)
	}
	s.width = len(first.cells)
	if noHeader || slices.ContainsFunc(first.cells, func(c string) bool { return strings.Contains(c, "@") }) {
		s.first = &first
	} else {
		s.header = first.cells
	}
	return nil
}

// maxRow is the maximum length of a row, in bytes. Hundreds of cells with the longest values fit
// into it.
const maxRow = 1 << 20

var errLongRow = fmt.Errorf("the row is longer than %d bytes; is a quote opened and never closed?", maxRow)

// bounded limits the length of a row: it returns an error if the row does not end.
type bounded struct {
	in   io.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errLongRow
	}
	n, err := b.in.Read(p)
	b.left -= n
	return n, err
}

// next returns the next row, or io.EOF. If an unclosed quote includes the following lines, it
// returns an error, because the row boundaries are unknown.
func (s *source) next() (record, error) {
	if s.first != nil {
		r := *s.first
		s.first = nil
		return r, nil
	}
	s.bound.left = maxRow
	cells, err := s.csv.Read()
	var broken *csv.ParseError
	switch {
	case errors.As(err, &broken) && broken.Line > broken.StartLine:
		return record{}, fmt.Errorf(
			"line %d: a quote is opened and not closed where its cell ends: the row would go on to line %d",
			broken.StartLine, broken.Line,
		)
	case errors.As(err, &broken):
		s.last = broken.StartLine
		return record{line: broken.StartLine, cells: cells, problem: broken.Err}, nil
	case errors.Is(err, errLongRow):
		return record{}, fmt.Errorf("below line %d: %w", s.last, err)
	case err != nil:
		return record{}, err
	}
	line, _ := s.csv.FieldPos(0)
	s.last = line
	return record{line: line, cells: cells}, nil
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

// separator returns the most frequent of comma, semicolon, tab and bar outside quotes in the first
// line.
func separator(start []byte) rune {
	count := map[byte]int{}
	quoted := false
	for _, c := range start {
		if c == '"' {
			quoted = !quoted
		}
		if c == '\n' && !quoted {
			break
		}
		if !quoted {
			count[c]++
		}
	}
	best := byte(',')
	for _, c := range []byte(";\t|") {
		if count[c] > count[best] {
			best = c
		}
	}
	return rune(best)
}
