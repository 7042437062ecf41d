package message

import (
	"bytes"
	"testing"
)

// BenchmarkWrite writes a message with an HTML of 8.1 KB, 41 links and 15 tags, and a plain text.
func BenchmarkWrite(b *testing.B) {
	content := compiled(b, samples()["page"])
	buf, e, shared, to := new(bytes.Buffer), envelope(), run(), jane(b)
	for b.Loop() {
		buf.Reset()
		if _, err := content.Write(buf, e, shared, to); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(buf.Len()))
	b.ReportAllocs()
}

// BenchmarkCompile compiles the same content.
func BenchmarkCompile(b *testing.B) {
	source := samples()["page"]
	for b.Loop() {
		Compile(source, Options{Fields: fields()})
	}
}

// BenchmarkHTMLHasUnsubscribeLink looks for the link in the same HTML.
func BenchmarkHTMLHasUnsubscribeLink(b *testing.B) {
	text := samples()["page"].HTML
	for b.Loop() {
		if !HTMLHasUnsubscribeLink(text) {
			b.Fatal("the link is not found")
		}
	}
}
