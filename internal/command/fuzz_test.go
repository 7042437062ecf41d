package command

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzDecode decodes any request and reads it as every command would.
func FuzzDecode(f *testing.F) {
	const form, multipart, jsonText = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "application/json"
	f.Add("", form, "a[b][]=1&a[b][c]=2&a=3")
	f.Add("Command=Campaign.Get&campaignid=1", form, "CAMPAIGNID=2&campaignid=3&ABTesting=")
	f.Add("", jsonText, `{"a":[1,{"b":null}],"ABTesting":{"TestSize":1e400,"Variations":[{"EmailID":1},[],"x"]}}`)
	f.Add(
		"", jsonText,
		`{"RulesJsonBundle":{"criteria":[{"list_id":1}]},"Tags":[1,null,"2"],"S2SEnabled":true,"a":"\ud800\u0000"}`,
	)
	f.Add("RecordsPerRequest=-1&RecordsFrom=99999999999999999999&Tags=1,,x&OrderField=sort-by-status", "", "")
	f.Add("%5B%5D=%FF&a%5b%5d%00=+", form, "a;b=%E2%82&SendDate=2027-02-30&ScheduleType=Future&PublishOnRSS=enabled")
	f.Add("", multipart, "--b\r\nContent-Disposition: form-data; name=\"a[x][]\"\r\n\r\nx\r\n--b--")
	f.Add(
		"", multipart,
		"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=ff\r\n--b--",
	)
	bridge := New(Services{}, Options{MaxBody: 1 << 16})
	f.Fuzz(func(t *testing.T, query, contentType, body string) {
		r := httptest.NewRequest("POST", "/api.php", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		p, err := readForm(query)
		if err == nil {
			err = (&incoming{bridge: bridge}).read(r.Context(), httptest.NewRecorder(), r, p)
		}
		// What was read before a failure is used like other values.
		if answer := unreadable(err); err != nil && answer.Status != 400 && answer.Status != 413 {
			t.Errorf("status %d for %v", answer.Status, err)
		}
		for name := range p {
			if text := p.Text(name); !utf8.ValidString(name+text) || strings.Contains(name+text, "\x00") {
				t.Errorf("%q holds %q", name, text)
			}
		}
		for _, cmd := range bridge.commands {
			for _, parameter := range cmd.Parameters {
				readEveryWay(p, parameter.Name)
			}
		}
		_, _, _ = campaignPatch(p), campaignFilter(p), campaignOrder(p.Text("OrderField"), p.Text("OrderType"))
		_ = sentCredentials(t.Context(), p)
	})
}

func readEveryWay(p Parameters, name string) {
	_, _, _, _, _ = p.Has(name), p.Optional(name), p.ID(name), p.Count(name), p.Number(name)
	_ = p.Flag(name)
	_, _ = p.IDs(name)
}

// FuzzBrackets compares nested names with their JSON: the JSON of a structure built from brackets
// must read back as the same structure.
func FuzzBrackets(f *testing.F) {
	f.Add("a[b][]=1&a[b][]=2&a[B][c]=3")
	f.Add("ABTesting[TestSize]=20&ABTesting[Variations][0][EmailID]=1&ABTesting[Variations][][EmailID]=2")
	f.Add("a[5]=1&a[2]=2&a[]=3&a[-1]=4&a[9223372036854775807]=5&a[]=6")
	f.Add("a[[b]]=1&a[b]c[d]=2&a[b=3&[x]=4&a[ ][ 1 ]=5")
	f.Add("a[b]=1&a[b][c]=2&a[b][c]=3&a=4&a[][][][][][][][]=5&a[0]=6&a[00]=7&a[+1]=8")
	f.Add("a[%22%5c]=%22&a[%FF]=%00&a[\u2028]=\u0130&a[\u0130]=1&a[i\u0307]=2")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := readForm(text)
		if err != nil {
			return
		}
		for name, v := range p {
			level, nested := v.(*branch)
			if !nested {
				continue
			}
			written := jsonText(level)
			if !json.Valid([]byte(written)) {
				t.Fatalf("%s: not JSON: %s", name, written)
			}
			if depth := alike(t, level, json.RawMessage(written)); depth > maxNesting {
				t.Errorf("%s is nested %d deep", name, depth)
			}
			// Sent again, by brackets or as JSON, the structure is the same.
			again := form{into: Parameters{}}
			flatten(t, &again, "p", level)
			if got := jsonText(again.into["p"]); got != written {
				t.Errorf("%s is %s, and sent again %s", name, written, got)
			}
			asJSON, err := readJSON([]byte(`{"p":` + written + `}`))
			if err != nil || jsonText(asJSON["p"]) != written {
				t.Errorf("%s is %s, and as JSON %s, %v", name, written, jsonText(asJSON["p"]), err)
			}
			// A list with gaps in its indexes is still a list, which JSON cannot express.
			if level.sequential() && asJSON.Text("p") != p.Text(name) {
				t.Errorf("%s reads %s, and as JSON %s", name, p.Text(name), asJSON.Text("p"))
			}
		}
	})
}

// alike compares two structures and returns their depth.
func alike(t *testing.T, a, b any) int {
	t.Helper()
	one, other := open(a), open(b)
	if one == nil || other == nil {
		if a != b {
			t.Fatalf("%v is not %v", a, b)
		}
		return 0
	}
	if len(one.names) == 0 || len(one.names) != len(other.names) {
		t.Fatalf("%q are not %q", one.names, other.names)
	}
	depth := 0
	for i, name := range one.names {
		if other.names[i] != name {
			t.Fatalf("%q are not %q", one.names, other.names)
		}
		depth = max(depth, alike(t, one.values[fold(name)], other.values[fold(name)]))
	}
	return 1 + depth
}

// flatten sends a structure as fields with bracketed names.
func flatten(t *testing.T, into *form, name string, v any) {
	t.Helper()
	level := open(v)
	if level == nil {
		if err := into.add(name, textValue(v)); err != nil {
			t.Fatal(err)
		}
		return
	}
	for _, key := range level.names {
		flatten(t, into, name+"["+key+"]", level.values[fold(key)])
	}
}

// FuzzXML writes a text at every place of a response that can have one, and reads it with an XML
// parser.
func FuzzXML(f *testing.F) {
	for _, text := range []string{
		"", "plain", awkward, "]]>", "]]]]>>", "]]\x00>", "]]\xff>", "<![CDATA[x]]>", "</response>", "&amp;&#0;", "\r\n\r", "\uFFFE\uFFFF\uFFFD", "\xed\xa0\x80",
		"2026-11-23", "a:b", "xmlns", "-", "\u202Eabc\u202C 😀", "<?xml?>", "<!--",
	} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, name, text string) {
		e := encoder{syntax: xmlSyntax{}}
		if err := e.document(Object{
			{name, text}, {"List", []any{text, Object{{name, text}}, []any{}}},
			{name, Object{{name, nil}, {"Text", text}}},
		}); err != nil {
			t.Fatal(err)
		}
		want := strings.Repeat(asXMLReads(text), 4)
		var got strings.Builder
		dec := xml.NewDecoder(strings.NewReader(string(e.buf)))
		for {
			token, err := dec.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in %q", err, e.buf)
			}
			if data, ok := token.(xml.CharData); ok {
				got.Write(data)
			}
		}
		if got.String() != want {
			t.Errorf("%q reads back as %q, want %q", text, got.String(), want)
		}
	})
}

// asXMLReads returns a text as XML preserves it: without the characters that XML 1.0 forbids, and
// with one kind of line end.
func asXMLReads(text string) string {
	var kept strings.Builder
	for _, r := range text { // each byte of invalid UTF-8 is U+FFFD
		if r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r != 0xFFFE && r != 0xFFFF {
			kept.WriteRune(r)
		}
	}
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(kept.String())
}
