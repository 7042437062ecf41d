package importer

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"campaignql/internal/apperr"
)

// record is one row of the file; problem is set when it is no CSV.
type record struct {
	line    int
	cells   []string
	problem error
}

// source reads the rows of a file below its header.
type source struct {
	file   *os.File
	size   int64
	csv    *csv.Reader
	bound  *bounded
	last   int      // line of the row that was read last
	header []string // nil without a header
	width  int      // columns of the first row
	first  *record  // the first row, when it is no header
	digest string   // of the whole content
}

// openSource finds out encoding, separator and header. The first row is a header if none of its cells has an @.
func openSource(path, encoding string) (*source, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	s := &source{file: file}
	if err := s.start(file, encoding); err != nil {
		return nil, fmt.Errorf("%s: %w", path, errors.Join(err, file.Close()))
	}
	return s, nil
}

func (s *source) start(file *os.File, encoding string) error {
	digest, isUTF8, err := scan(file)
	if err != nil {
		return err
	}
	s.digest = digest
	if s.size, err = file.Seek(0, io.SeekCurrent); err != nil {
		return err
	}
	if encoding == "utf-8" && !isUTF8 {
		return apperr.InvalidField("encoding", "import_encoding_wrong", "%s is not UTF-8 throughout: give latin-1 if it is that", file.Name())
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var text io.Reader = file
	if encoding == "latin-1" || !isUTF8 {
		text = charmap.ISO8859_1.NewDecoder().Reader(file)
	}
	buffered := bufio.NewReaderSize(text, 64<<10)
	if mark, _ := buffered.Peek(3); bytes.Equal(mark, []byte("\ufeff")) {
		_, _ = buffered.Discard(3) // they are in the buffer
	}
	start, _ := buffered.Peek(16 << 10) // a shorter file is all there is
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
	if slices.ContainsFunc(first.cells, func(c string) bool { return strings.Contains(c, "@") }) {
		s.first = &first
	} else {
		s.header = first.cells
	}
	return nil
}

// maxRow is the longest row, in bytes: hundreds of cells of the longest values.
const maxRow = 1 << 20

var errLongRow = fmt.Errorf("the row is longer than %d bytes; is a quote opened and never closed?", maxRow)

// bounded reads a row at a time: it fails when the row does not end.
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

// next returns the next row, or io.EOF. A quote that swallows the lines behind it is an error, as it is not known what is a row of them.
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
		return record{}, fmt.Errorf("line %d: a quote is opened and not closed where its cell ends: the row would go on to line %d", broken.StartLine, broken.Line)
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

// share is how much of the file has been read, from 0 to 1.
func (s *source) share() float64 {
	at, err := s.file.Seek(0, io.SeekCurrent)
	if err != nil || s.size == 0 {
		return 0
	}
	return min(float64(at)/float64(s.size), 1)
}

// Close closes the file.
func (s *source) Close() error { return s.file.Close() }

// scan reads all of the file: its digest, and whether it is UTF-8.
func scan(file io.Reader) (digest string, isUTF8 bool, err error) {
	hash := sha256.New()
	in := bufio.NewReaderSize(io.TeeReader(file, hash), 64<<10)
	isUTF8 = true
	for {
		r, size, err := in.ReadRune()
		if errors.Is(err, io.EOF) {
			return hex.EncodeToString(hash.Sum(nil)), isUTF8, nil
		}
		if err != nil {
			return "", false, err
		}
		isUTF8 = isUTF8 && (r != utf8.RuneError || size > 1)
	}
}

// separator is whichever of comma, semicolon and tab the first line has most often outside quotes.
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
	for _, c := range []byte(";\t") {
		if count[c] > count[best] {
			best = c
		}
	}
	return rune(best)
}
