package importer

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"campaignql/ent"
	"campaignql/internal/people/subscriber"
)

// mappings are the mappings that the fuzz tests use.
var mappings = [][]string{nil, {"1=email"}, {"2=email", "1=City"}, {"mail=email"}, {"E-mail Address=email", "2=City"}}

// seeds adds files of all kinds.
func seeds(f *testing.F) {
	for _, content := range []string{
		"Email,City\na@example.com,Bonn\n", "sep=;\r\nE-mail Address;City\r\na@example.com;\"Köln\r\nMitte\"\r\n",
		"\ufeff\"sep=\t\"\nMail\t@\n\n,\na@example.com\tx\ty\n", "nobody,Bonn\na@example.com,x\n", "a@example.com\n\"\"\n",
		"City,Email,rejected line,rejected reason\nBonn,a@b,2,x\nBonn,a@b,c,3,x\n", "1,2,rejected line,rejected reason,\n,a@b,7,\n",
		"\xff\xfee\x00m\x00a\x00i\x00l\x00\n\x00a\x00@\x00b\x00", "email\xa7K\xf6ln\na@b\xa7\x81\n", "sep=\xa7\nemail\xa7x\na@b\xa7\xc3\xb6\n",
		"email,x\na\"@b,\"c\"d\n\"a@b\",\"e\r\r\nf\n", "sep=\"\nemail\n", "sep= \nemail x\na@b  \n", "\n\r\n \nemail\ra\n",
	} {
		for i := range mappings {
			f.Add([]byte(content), uint8(i), i == 1)
		}
	}
}

// rowsOf reads all rows of a decoded file, without the help of source. It stops where the
// boundaries of rows are unknown.
func rowsOf(t *testing.T, content []byte, s *source) (rows [][]string) {
	t.Helper()
	var err error
	switch {
	case strings.HasPrefix(s.encoding, "Latin-1"):
		content, err = charmap.Windows1252.NewDecoder().Bytes(content)
	case s.encoding == "UTF-16":
		content, err = unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(content)
	}
	if err != nil {
		t.Fatal(err)
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if s.form.named {
		line, rest, _ := bytes.Cut(content, []byte("\n"))
		if !strings.HasPrefix(strings.ToLower(strings.Trim(string(line), "\"\r")), "sep=") {
			t.Fatalf("the line %q names no separator", line)
		}
		content = rest
	}
	in := csv.NewReader(bytes.NewReader(content))
	in.Comma, in.FieldsPerRecord = s.form.separator, -1
	for {
		row, err := in.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF), errors.As(err, &broken) && broken.Line > broken.StartLine:
			return rows
		case err != nil && broken == nil:
			t.Fatal(err)
		case err != nil:
			row = nil
		}
		rows = append(rows, row)
	}
}

// FuzzBeginning checks that all rows of a file are read, whatever its beginning is: the first as a
// header or as a person, and all others as people.
func FuzzBeginning(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, content []byte, mapping uint8, noHeader bool) {
		path := filepath.Join(t.TempDir(), "people.csv")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := openSource(Options{Path: path, Map: mappings[int(mapping)%len(mappings)], NoHeader: noHeader})
		if err != nil {
			return
		}
		defer s.Close()
		want := rowsOf(t, content, s)
		if s.header != nil || s.report {
			if !s.report && (noHeader || slices.ContainsFunc(want[0], isAddress)) {
				t.Fatalf("%q is taken for a header", want[0])
			}
			want = want[1:]
		}
		for i := 0; ; i++ {
			r, err := s.next()
			if err != nil {
				if i != len(want) {
					t.Fatalf("%d rows are read of %d: %v", i, len(want), err)
				}
				return
			}
			row := want[min(i, len(want)-1)]
			if i >= len(want) || (r.problem == nil) != (row != nil) || !s.report && r.problem == nil && !slices.Equal(r.cells, row) ||
				!slices.Equal(r.cells[:min(s.width, len(r.cells), len(row))], row[:min(s.width, len(r.cells), len(row))]) {
				t.Fatalf("row %d is %q, want %q", i, r.cells, want)
			}
		}
	})
}

// recorder keeps the rows that it is given, and rejects all of them.
type recorder struct {
	mu   sync.Mutex
	rows []string
}

func (r *recorder) Add(_ context.Context, in subscriber.Addition, _ *string) ([]subscriber.Result, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	results := make([]subscriber.Result, len(in.Rows))
	for i, row := range in.Rows {
		r.rows = append(r.rows, strings.ReplaceAll(fmt.Sprintf("%q %q %v", row.Email, row.IP, row.Fields), `\x00`, "\ufffd"))
		results[i] = subscriber.Result{Outcome: subscriber.Rejected, Err: errors.New("no; it is\n\"京\", no")}
	}
	return results, nil
}

func (r *recorder) Fields(context.Context, *ent.SubscriberList) ([]*ent.CustomField, error) {
	return []*ent.CustomField{{ID: 1, Name: "City"}, {ID: 2, Name: columnReason}}, nil
}

func (r *recorder) Unreachable(context.Context, []int64) (map[int64][]subscriber.Unreachable, error) {
	return nil, nil
}

// FuzzReport imports a file of which all rows are rejected, and then the report, with the same
// options. Every row has to be in the report, and every person in it has to be the same again.
func FuzzReport(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, content []byte, mapping uint8, noHeader bool) {
		path := filepath.Join(t.TempDir(), "people.csv")
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		o := Options{
			Path: path, List: &ent.SubscriberList{ID: 1}, Map: mappings[int(mapping)%len(mappings)], NoHeader: noHeader,
			Encoding: []string{"auto", "latin-1", "utf-8"}[int(mapping)/len(mappings)%3],
		}
		first, second := &recorder{}, &recorder{}
		sum, err := Run(t.Context(), first, o)
		if err != nil {
			return
		}
		if sum.Outcomes[subscriber.Rejected] != sum.Rows {
			t.Fatalf("%d rows, but %d are rejected", sum.Rows, sum.Outcomes[subscriber.Rejected])
		}
		if sum.Rows == 0 {
			return
		}
		report, err := os.ReadFile(sum.Report)
		if err != nil {
			t.Fatal(err)
		}
		o.Path = sum.Report
		again, err := Run(t.Context(), second, o)
		if err != nil || again.Rows != sum.Rows {
			t.Fatalf("%d rows, but %d are in the report: %v\n%q", sum.Rows, again.Rows, err, report)
		}
		// A row that was no valid CSV may be a person in the report.
		for _, row := range first.rows {
			i := slices.Index(second.rows, row)
			if i < 0 {
				t.Fatalf("%s is missing in\n%q", row, report)
			}
			second.rows = slices.Delete(second.rows, i, i+1)
		}
	})
}
