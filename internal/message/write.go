package message

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"time"

	"campaignql/internal/people/address"
)

// scratches are buffers for one value each.
var scratches = sync.Pool{New: func() any { return new([]byte) }}

// writer writes one message.
type writer struct {
	content  *Content
	envelope *Envelope
	shared   *Values
	to       *Recipient
	scratch  []byte
	result   Written
}

// expectedHeader is about what a header takes besides the content.
const expectedHeader = 1500

func (w *writer) write(buf *bytes.Buffer) (Written, error) {
	buf.Grow(w.content.constantBytes + w.content.constantBytes/8 + expectedHeader)
	dst := buf.AvailableBuffer()
	dst, err := w.header(dst)
	if err != nil {
		return Written{}, err
	}
	if dst, err = w.body(dst); err != nil {
		return Written{}, err
	}
	buf.Write(dst) // without copying, unless it has outgrown the buffer
	return w.result, nil
}

func (w *writer) header(dst []byte) ([]byte, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	dst, from, err := w.mailbox(dst, "From: ", &w.content.from)
	if err != nil {
		return nil, err
	}
	to, wide := mailboxOf(w.to.Address)
	w.result.From, w.result.To, w.result.UTF8 = from, to, w.result.UTF8 || wide
	dst = append(append(append(dst, "To: "...), to...), "\r\n"...)
	if w.content.replyTo.email.parts != nil || w.content.replyTo.email.fixed != "" {
		if dst, _, err = w.mailbox(dst, "Reply-To: ", &w.content.replyTo); err != nil {
			return nil, err
		}
	}
	dst = append(dst, "Subject:"...)
	if text := w.line(&w.content.subject); text != "" {
		dst = appendText(append(dst, ' '), len("Subject: "), text)
	}
	dst = w.envelope.Date.AppendFormat(append(dst, "\r\nDate: "...), time.RFC1123Z)
	dst = append(append(append(dst, "\r\nMessage-ID: <"...), w.envelope.MessageID...), ">\r\n"...)
	dst = w.list(dst)
	return append(dst, "Precedence: bulk\r\nMIME-Version: 1.0\r\n"...), nil
}

// list appends the fields about the list.
func (w *writer) list(dst []byte) []byte {
	if url := w.envelope.UnsubscribeURL; url != "" {
		dst = appendLong(dst, "List-Unsubscribe:", url)
		if strings.HasPrefix(url, "https:") { // RFC 8058 allows no other
			dst = append(dst, "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"...)
		}
	}
	if id := w.envelope.ListID; id != "" {
		dst = appendLong(dst, "List-Id:", id)
	}
	if id := w.envelope.FeedbackID; id != "" {
		dst = append(append(append(dst, "Feedback-ID: "...), id...), "\r\n"...)
	}
	return dst
}

// appendLong appends a field with a value in angle brackets, on a line of its own if it is long.
func appendLong(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	if len(name)+len(value)+3 > maxHeader {
		dst = append(dst, "\r\n"...)
	}
	return append(append(append(dst, " <"...), value...), ">\r\n"...)
}

// check checks the values that are written as they are.
func (w *writer) check() error {
	e := w.envelope
	switch {
	case !isToken(e.MessageID) || !strings.Contains(e.MessageID, "@"):
		return envelopeError("message id", e.MessageID)
	case e.Date.IsZero() || e.Date.Year() < 1900 || e.Date.Year() > 9999:
		return &Error{ReasonEnvelope, "the message has no date that can be written"}
	case e.UnsubscribeURL == "" && w.content.needs.UnsubscribeLink:
		return &Error{ReasonEnvelope, "the content has a link to unsubscribe, and the message has no URL for it"}
	case e.UnsubscribeURL != "" && !isToken(e.UnsubscribeURL):
		return envelopeError("URL to unsubscribe", e.UnsubscribeURL)
	case e.ListID != "" && !isToken(e.ListID):
		return envelopeError("list id", e.ListID)
	case e.FeedbackID != "" && !isToken(e.FeedbackID):
		return envelopeError("feedback id", e.FeedbackID)
	}
	if strings.ContainsAny(w.to.Address.Text, "\r\n\x00") || w.to.Address.Domain == "" {
		return &Error{ReasonAddress, fmt.Sprintf("the recipient's address %q was not parsed", w.to.Address.Text)}
	}
	return nil
}

func envelopeError(name, value string) error {
	return &Error{ReasonEnvelope, fmt.Sprintf("the %s %.100q cannot be written in a header", name, value)}
}

func (w *writer) mailbox(dst []byte, field string, m *mailbox) (header []byte, plain string, err error) {
	plain = m.mailbox
	wide := m.utf8
	if plain == "" {
		text := w.line(&m.email)
		a, err := address.Parse(text)
		if err != nil {
			return nil, "", &Error{ReasonAddress, fmt.Sprintf("the address %.100q in %s %s", text, field[:len(field)-2], err)}
		}
		plain, wide = mailboxOf(a)
	}
	w.result.UTF8 = w.result.UTF8 || wide
	dst = append(dst, field...)
	dst = appendMailbox(dst, len(field), w.line(&m.name), plain)
	return append(dst, "\r\n"...), plain, nil
}

// line returns a text of the header for the person.
func (w *writer) line(l *line) string {
	if l.parts == nil {
		return l.fixed
	}
	w.scratch = w.scratch[:0]
	for i := range l.parts {
		p := &l.parts[i]
		w.scratch = append(w.scratch, p.constant...)
		if p.tag != nil {
			w.scratch = append(w.scratch, w.value(p.tag)...)
		}
	}
	return headerText(string(w.scratch))
}

func (w *writer) body(dst []byte) ([]byte, error) {
	col := 0
	for i := range w.content.body {
		p := &w.content.body[i]
		switch {
		case p.restart:
			dst, col = append(dst, p.constant.text...), 0
			continue
		case p.constant.text != "":
			dst, col = p.constant.append(dst, col)
		}
		if p.tag != nil {
			w.scratch = appendEscaped(w.scratch[:0], w.value(p.tag), p.place)
			dst, col = appendQuoted(dst, w.scratch, col)
		}
		if len(dst) > w.content.maxBytes {
			break
		}
	}
	if len(dst) > w.content.maxBytes {
		return nil, &Error{
			ReasonTooLarge, fmt.Sprintf("the message has more than the %d bytes that are allowed", w.content.maxBytes),
		}
	}
	return dst, nil
}

// value returns the value of a tag for the person.
func (w *writer) value(t *tag) string {
	value := ""
	switch {
	case t.link:
		value = w.envelope.UnsubscribeURL
	case t.value == SubscriberEmailAddress:
		value = w.to.Address.Text
	case len(t.fields) > 0:
		value = w.field(t.fields)
	}
	if value == "" && t.value != 0 {
		values := w.shared
		if t.value.Personal() {
			values = w.to.Values
		}
		if values != nil {
			value = values[t.value]
		}
	}
	if t.fallback != "" && strings.TrimSpace(value) == "" {
		return t.fallback
	}
	return value
}

func (w *writer) field(ids []int64) string {
	for _, id := range ids {
		if value := w.to.Fields[id]; value != "" {
			return value
		}
	}
	return ""
}
