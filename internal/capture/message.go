package capture

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
	"time"
)

// Message is a message that was taken.
type Message struct {
	// ID counts the messages since the start.
	ID string
	// ReceivedAt is the time at which it was taken.
	ReceivedAt time.Time
	// ReturnPath and To are the addresses of the envelope.
	ReturnPath, To string
	// From and Subject are those of the header, decoded; empty if the header cannot be read.
	From, Subject string
	// Unsubscribe is the first web link of List-Unsubscribe, or empty.
	Unsubscribe string
	// Source is the message as it came.
	Source []byte
}

func newMessage(from, to string, source []byte, at time.Time) *Message {
	m := &Message{ReceivedAt: at.UTC(), ReturnPath: from, To: to, Source: source}
	read, err := mail.ReadMessage(bytes.NewReader(source))
	if err != nil {
		return m
	}
	m.From, m.Subject = decoded(read.Header.Get("From")), decoded(read.Header.Get("Subject"))
	m.Unsubscribe = link(read.Header.Get("List-Unsubscribe"))
	return m
}

// decoded returns a header field with its encoded words in plain text.
func decoded(field string) string {
	text, err := new(mime.WordDecoder).DecodeHeader(field)
	if err != nil {
		return field
	}
	return text
}

// link returns the first web link of List-Unsubscribe.
func link(field string) string {
	for part := range strings.SplitSeq(field, ",") {
		part = strings.Trim(strings.TrimSpace(part), "<>")
		if strings.HasPrefix(part, "http://") || strings.HasPrefix(part, "https://") {
			return part
		}
	}
	return ""
}

// Texts returns the HTML and the plain text of the message. What is missing is empty.
func (m *Message) Texts() (html, plain string) {
	read, err := mail.ReadMessage(bytes.NewReader(m.Source))
	if err != nil {
		return "", string(m.Source)
	}
	kind, parameters, err := mime.ParseMediaType(read.Header.Get("Content-Type"))
	if err != nil || !strings.HasPrefix(kind, "multipart/") {
		text := body(read.Body, read.Header.Get("Content-Transfer-Encoding"))
		if kind == "text/html" {
			return text, ""
		}
		return "", text
	}
	for parts := multipart.NewReader(read.Body, parameters["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err != nil {
			return html, plain // the end, or as much of it as can be read
		}
		text := body(part, part.Header.Get("Content-Transfer-Encoding"))
		switch kind, _, _ := mime.ParseMediaType(part.Header.Get("Content-Type")); kind {
		case "text/html":
			html = text
		case "text/plain":
			plain = text
		}
	}
}

// body reads a text.
func body(from io.Reader, encoding string) string {
	if strings.EqualFold(encoding, "quoted-printable") {
		from = quotedprintable.NewReader(from)
	}
	text, _ := io.ReadAll(from) // as much of it as can be read
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
