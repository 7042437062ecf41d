package message

import (
	"bytes"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// FuzzMessage writes any value into every kind of place, reads the message back with other parsers,
// and compares with a rendering by other means.
func FuzzMessage(f *testing.F) {
	for _, value := range hostileValues()[:42] {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		source, want := probe(value)
		got, _ := written(t, compiled(t, source), nil, probed(t, value))
		if got.plain != want.plain {
			t.Errorf("the plain text is\n%q, want\n%q", got.plain, want.plain)
		}
		if got.html != want.html {
			t.Errorf("the HTML is\n%q, want\n%q", got.html, want.html)
		}
		if subject := got.subject(t); subject != want.subject {
			t.Errorf("the subject is\n%q, want\n%q", subject, want.subject)
		}
		list, err := got.header.AddressList("From")
		if err != nil || len(list) != 1 || list[0].Name != want.name || list[0].Address != "news@shop.example.com" {
			t.Errorf("From is %v, %v, want the name %q", list, err, want.name)
		}
		if len(got.header) != 12 {
			t.Errorf("%d fields", len(got.header))
		}
	})
}

// FuzzTags compiles any text. It must neither panic nor change what is no tag.
func FuzzTags(f *testing.F) {
	for _, text := range []string{
		"100% of %20 %u00e4 %%", "%Subscriber:FirstName%", "%Subscriber:Nobody%User:FirstName%", "%RemoteContent=http://x/%",
		"{{ Subscriber:City | \"a | b\" | upper }}", "{{{Link:Unsubscribe}}}", "{{{ a }} }", "[IF:a][ELSE][ENDIF]<![endif]",
		"<a href=%Link:Unsubscribe%>", "<a href='%User:Website%/?%User:City%'",
		"<%User:City%>", "<!--[if mso]>%User:City%<![endif]-->",
		"<html><head><title>x</title></head><body class=a>b", "<table><tr><td>a<td>b",
		"\ue0001\ue0012\ue002", "<p hidden>%Date%",
		"<textarea>%List:Name%", "<!doctype html><p>%Date=d.m.Y%", "<a href=\"mailto:%User:Fax%?subject=%User:Fax%\">",
		"a\r\nb\rc\n", strings.Repeat("<div>", 600),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		source := Source{
			FromName: text, FromEmail: "a@example.com", ReplyToName: text, ReplyToEmail: "b@example.com", Subject: text,
			Preheader: text, HTML: text,
		}
		content, problems := Compile(source, Options{Fields: fields()})
		for _, p := range problems {
			if p.Message == "" || p.Line > 0 && !strings.Contains(text, p.Text) && strings.ToValidUTF8(text, "") == text &&
				!strings.Contains(text, "\x00") {
				t.Errorf("a problem without its text: %+v", p)
			}
		}
		buf := new(bytes.Buffer)
		if _, err := content.Write(buf, envelope(), nil, jane(t)); err != nil {
			t.Fatal(err)
		}
		checkLines(t, buf.Bytes())
		readBack(t, buf.Bytes())
		untagged(t, text)
		checkTokens(t, text)
	})
}

// checkTokens checks what the places of tags rely on: the tokens of x/net are the text, in one piece.
func checkTokens(t *testing.T, text string) {
	t.Helper()
	tokenizer := html.NewTokenizer(strings.NewReader(text))
	for at := 0; tokenizer.Next() != html.ErrorToken; {
		raw := string(tokenizer.Raw())
		if !strings.HasPrefix(text[at:], raw) {
			t.Fatalf("the token %q is not at %d of %q", raw, at, text)
		}
		at += len(raw)
	}
}

// untagged checks that a text comes out as it is if its signs of tags are taken away.
func untagged(t *testing.T, text string) {
	t.Helper()
	text = strings.NewReplacer("%", "% ", "{", "{ ", "[", "[ ").Replace(text)
	source := Source{FromEmail: "a@example.com", Subject: text, HTML: text, Plain: text}
	content, problems := Compile(source, Options{Fields: fields()})
	if len(problems) > 0 {
		for _, p := range problems {
			if p.Line > 0 {
				t.Errorf("a problem without a tag: %v", p)
			}
		}
	}
	got, _ := written(t, content, nil, jane(t))
	want := naiveBody(text)
	if strings.TrimSpace(text) != "" && got.html != want {
		t.Errorf("the HTML is\n%q, want\n%q", got.html, want)
	}
	if got.plain != want {
		t.Errorf("the plain text is\n%q, want\n%q", got.plain, want)
	}
	if subject := got.subject(t); subject != naiveHeader(text) {
		t.Errorf("the subject is\n%q, want\n%q", subject, naiveHeader(text))
	}
}
