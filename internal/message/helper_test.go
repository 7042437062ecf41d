package message

import (
	"bytes"
	"flag"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"testing"
	"time"

	"campaignql/internal/people/address"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 3600))

// simple is a content of which tests change what they are about.
func simple() Source {
	return Source{
		FromName: "Kiefer & Korn", FromEmail: "news@shop.example.com", Subject: "News",
		HTML: `<p>Hello %Subscriber:FirstName%</p> <a href="%Link:Unsubscribe%">leave</a>`, Plain: "Hello %Link:Unsubscribe%",
	}
}

func envelope() *Envelope {
	return &Envelope{
		MessageID: "r1.c45.a@mail.example.com", Date: noon, UnsubscribeURL: "https://t.example.com/u/AbC-_9?x=1&y=2",
		ListID: "12.lists.example.com", FeedbackID: "198:7:campaign:campaignql",
	}
}

func parsed(t testing.TB, text string) address.Address {
	t.Helper()
	a, err := address.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func jane(t testing.TB) *Recipient {
	t.Helper()
	return &Recipient{
		Address: parsed(t, "jane@example.com"),
		Values:  &Values{SubscriberFirstName: "Jane", SubscriberID: "45", SubscriberStatus: "Subscribed"},
		Fields:  map[int64]string{7: "Köln & Umgebung", 9: ""},
	}
}

func fields() *Fields {
	var f Fields
	f.Add(7, "Favorite City", "city")
	f.Add(9, "Shoe size")
	return &f
}

// compiled compiles a content that must have no problems.
func compiled(t testing.TB, source Source) *Content {
	t.Helper()
	content, problems := Compile(source, Options{Fields: fields()})
	if len(problems) > 0 {
		t.Fatalf("problems: %v", problems)
	}
	return content
}

// written writes a message that must be writable, and checks what holds for every message.
func written(t testing.TB, content *Content, shared *Values, to *Recipient) (*read, Written) {
	t.Helper()
	buf := bytes.NewBufferString("before")
	result, err := content.Write(buf, envelope(), shared, to)
	if err != nil {
		t.Fatal(err)
	}
	raw, ok := bytes.CutPrefix(buf.Bytes(), []byte("before"))
	if !ok {
		t.Fatal("what was in the buffer is gone")
	}
	checkLines(t, raw)
	return readBack(t, raw), result
}

// checkLines checks the form that does not depend on the content.
func checkLines(t testing.TB, raw []byte) {
	t.Helper()
	text := string(raw)
	breaks := strings.Count(text, "\r\n")
	if strings.Count(text, "\n") != breaks || strings.Count(text, "\r") != breaks {
		t.Errorf("a line break is not CRLF:\n%q", text)
	}
	if !strings.HasSuffix(text, "\r\n") {
		t.Errorf("does not end with a line break: %q", text[max(0, len(text)-40):])
	}
	for line := range strings.SplitSeq(text, "\r\n") {
		token := strings.TrimSpace(line)
		if len(line) > 76 && strings.Contains(token, " ") && !strings.Contains(token, ": ") {
			t.Errorf("a line of %d characters: %q", len(line), line)
		}
		if line != "" && strings.TrimSpace(line) == "" || strings.HasSuffix(line, " ") || strings.HasSuffix(line, "\t") {
			t.Errorf("a blank at the end of the line %q", line)
		}
	}
	_, body, _ := strings.Cut(text, "\r\n\r\n")
	for line := range strings.SplitSeq(body, "\r\n") {
		if len(line) > 76 {
			t.Errorf("a line of %d characters in the body: %q", len(line), line)
		}
	}
}

// read is a message as the parsers of the standard library understand it. Line breaks of the texts
// are \n.
type read struct {
	raw         string
	header      mail.Header
	plain, html string
}

func readBack(t testing.TB, raw []byte) *read {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	r := &read{raw: string(raw), header: m.Header}
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	if kind == "text/plain" {
		part := multipartOf(raw)
		r.plain = strings.TrimSuffix(content(t, part, kind, params["charset"]), "\n")
		return r
	}
	if kind != "multipart/alternative" {
		t.Fatalf("the message is %s", kind)
	}
	parts := multipart.NewReader(m.Body, params["boundary"])
	r.plain = nextPart(t, parts, "text/plain")
	r.html = nextPart(t, parts, "text/html")
	if _, err := parts.NextPart(); err != io.EOF {
		t.Errorf("there is more than two parts: %v", err)
	}
	return r
}

// multipartOf wraps a message of one part, so that one reader decodes both forms.
func multipartOf(raw []byte) *multipart.Part {
	wrapped := "--b\r\n" + string(raw) + "\r\n--b--\r\n"
	part, err := multipart.NewReader(strings.NewReader(wrapped), "b").NextRawPart()
	if err != nil {
		panic(err)
	}
	return part
}

func nextPart(t testing.TB, parts *multipart.Reader, want string) string {
	t.Helper()
	part, err := parts.NextRawPart()
	if err != nil {
		t.Fatalf("%s: %v", want, err)
	}
	if got := part.Header.Get("Content-Transfer-Encoding"); got != "quoted-printable" {
		t.Errorf("%s is encoded %q", want, got)
	}
	kind, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
	if err != nil || kind != want {
		t.Fatalf("the part is %q, %v, want %s", kind, err, want)
	}
	return content(t, part, kind, params["charset"])
}

func content(t testing.TB, part *multipart.Part, kind, charset string) string {
	t.Helper()
	if charset != "utf-8" {
		t.Errorf("%s has the charset %q", kind, charset)
	}
	data, err := io.ReadAll(quotedprintable.NewReader(part))
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	if strings.Count(text, "\n") != strings.Count(text, "\r\n") {
		t.Errorf("%s has a line break that is not CRLF", kind)
	}
	return strings.ReplaceAll(text, "\r\n", "\n")
}

func (r *read) subject(t testing.TB) string { return r.decoded(t, "Subject") }

func (r *read) decoded(t testing.TB, field string) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(r.header.Get(field))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
