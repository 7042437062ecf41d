package command

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// awkward contains characters that formats must escape, and characters that XML cannot contain.
const awkward = "\"\\/<b>&]]>\x00\x01\x1f\t\n\r é 𝛀\u2028\uFFFE\xff"

func TestJSONTextReadsBackAsItWas(t *testing.T) {
	t.Parallel()
	var got string
	text := jsonSyntax{}.text(nil, awkward)
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	if want := strings.ToValidUTF8(awkward, "\uFFFD"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !strings.Contains(string(text), "<b>&") {
		t.Errorf("%s is escaped more than JSON requires", text)
	}
}

func TestXMLIsWellFormedWhateverTheValues(t *testing.T) {
	t.Parallel()
	e := encoder{syntax: xmlSyntax{}}
	err := e.document(Object{
		{"Text", awkward}, {"Null", nil}, {"Boolean", true}, {"2026-11-23", Object{{"Total", int64(1)}}},
		{"List", []any{"]]>", decimal("0.5"), []any{}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	var text strings.Builder
	dec := xml.NewDecoder(strings.NewReader(string(e.buf)))
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%v in %s", err, e.buf)
		}
		switch token := token.(type) {
		case xml.StartElement:
			names = append(names, token.Name.Local)
		case xml.CharData:
			text.Write(token)
		}
	}
	if diff := cmp.Diff(
		strings.Fields("response Text Null Boolean node_2026-11-23 Total List node_0 node_1 node_2"), names,
	); diff != "" {
		t.Errorf("elements (-want +got):\n%s", diff)
	}
	// An XML parser reads \r\n and \r as \n.
	if want := "\"\\/<b>&]]>\t\n\n é 𝛀\u2028\uFFFDtrue1]]>0.5"; text.String() != want {
		t.Errorf("text %q, want %q", text.String(), want)
	}
}

func TestAStreamIsWrittenInParts(t *testing.T) {
	t.Parallel()
	var parts []int
	e := encoder{syntax: jsonSyntax{}, spill: func(part []byte) error {
		parts = append(parts, len(part))
		return nil
	}}
	item := strings.Repeat("x", spillSize/4)
	err := e.document(Object{{"List", Stream(func(emit func(any) error) error {
		for range 10 {
			if err := emit(item); err != nil {
				return err
			}
		}
		return nil
	})}})
	if err != nil || len(parts) != 2 || parts[0] < spillSize || cap(e.buf) > 4*spillSize {
		t.Errorf("parts %v, a buffer of %d, %v", parts, cap(e.buf), err)
	}
}
