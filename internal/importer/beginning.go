package importer

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"campaignql/internal/people/address"
)

// separators are the characters that separator looks for.
const separators = ",;\t|"

// separator returns the most frequent of the separators outside quotes in the first line.
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
	best := separators[0]
	for _, c := range []byte(separators[1:]) {
		if count[c] > count[best] {
			best = c
		}
	}
	return rune(best)
}

// separatorLine reads a first line such as "sep=;", as spreadsheets write it, with or without
// quotes. It returns the separator and the length of the line with its end, or 0 if the first line
// is another one.
func separatorLine(start []byte) (rune, int) {
	line, length := start, len(start)
	if end := bytes.IndexByte(start, '\n'); end >= 0 {
		line, length = start[:end], end+1
	}
	line = bytes.TrimSuffix(line, []byte("\r"))
	if n := len(line); n > 1 && line[0] == '"' && line[n-1] == '"' {
		line = line[1 : n-1]
	}
	const name = "sep="
	if len(line) <= len(name) || !strings.EqualFold(string(line[:len(name)]), name) {
		return 0, 0
	}
	value := string(line[len(name):])
	if value == `\t` {
		return '\t', length
	}
	r, size := utf8.DecodeRuneInString(value)
	if size < len(value) || !separates(r) {
		return 0, 0
	}
	return r, length
}

// separates reports whether a file may name the character as its separator.
func separates(r rune) bool {
	return r != utf8.RuneError && !strings.ContainsRune("\"\r\n\x00@", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

// isAddress reports whether a cell is an address.
func isAddress(cell string) bool {
	_, err := address.Parse(cell)
	return err == nil
}

// readFirst reads the first row and decides whether it is a header. A first row is a header if none
// of its cells is an address and if its names are needed: columns are mapped by name, or not mapped
// at all. If all columns are mapped by number, it is a header only if the cell for the email is a
// usual name of that column, because it may be a person with a broken address. Any other first row
// is a person, and is added or rejected like the others. The header of a report of rejected rows is
// always a header.
func (s *source) readFirst(start []byte, given []string, noHeader bool) error {
	first, err := s.read()
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the file is empty")
	case err != nil:
		return err
	}
	if header, ok := reportHeader(first.cells); ok && first.problem == nil {
		s.report, s.width = true, len(header)
		s.numbered = byNumber(given, s.width)
		if !slices.Equal(header, numbers(s.width)) {
			s.header = header
		} else {
			s.noHeader = ", as the report is of a file without a header"
		}
		return nil
	}
	s.width = max(len(first.cells), widest(start, s.csv.Comma))
	s.numbered = byNumber(given, s.width)
	if first.problem != nil && !noHeader && !s.numbered {
		return fmt.Errorf("line %d: %w", first.line, first.problem)
	}
	address := slices.IndexFunc(first.cells, isAddress)
	switch {
	case noHeader:
		s.noHeader = ", as the first row is said to be a person"
	case address >= 0:
		s.noHeader = fmt.Sprintf(", as the first row is no header: %q is an address", first.cells[address])
	case s.numbered && (first.problem != nil || !namesEmail(given, first.cells)):
		first.doubtful = true
		s.noHeader = ", as the first row is no header: columns are given by number, and it does not name the email"
	default:
		s.header, s.width = first.cells, len(first.cells)
		return nil
	}
	s.first = &first
	return nil
}

// byNumber reports whether all columns are mapped by number.
func byNumber(given []string, width int) bool {
	return len(given) > 0 && !slices.ContainsFunc(given, func(pair string) bool {
		column, _, ok := cut(pair)
		_, isNumber := number(column, width)
		return !ok || !isNumber
	})
}

// number reads the number of a column, starting from 1, and returns its position.
func number(column string, width int) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(column))
	return n - 1, err == nil && n >= 1 && n <= width
}

// namesEmail reports whether a row has a usual name of the email in the column that is mapped to it
// by its number.
func namesEmail(given, row []string) bool {
	return slices.ContainsFunc(given, func(pair string) bool {
		column, field, _ := cut(pair)
		i, ok := number(column, len(row))
		return ok && isEmailName(field) && isAddressName(row[i])
	})
}

// widest returns the number of cells of the longest row at the start of the file. The first row of
// a file without a header may lack cells.
func widest(start []byte, comma rune) int {
	rows := csv.NewReader(bytes.NewReader(start))
	rows.Comma, rows.FieldsPerRecord, rows.ReuseRecord, rows.LazyQuotes = comma, -1, true, true
	for n := 0; ; {
		cells, err := rows.Read()
		if err != nil {
			return n
		}
		n = max(n, len(cells))
	}
}

// described returns a text with the columns of the header, or the reason why there is none.
func (s *source) described() string {
	const most = 50
	switch {
	case s.header == nil:
		return s.noHeader
	case len(s.header) > most:
		return fmt.Sprintf(" of %d columns: %q and others", len(s.header), s.header[:most])
	}
	return fmt.Sprintf(" of %q", s.header)
}
