// Package message owns what a mail looks like: the tags in its texts, the form of the MIME message,
// and the rule for a link to unsubscribe. An email's content is compiled once, and then written for
// one person after the other, without files, network or database. The package must not know where
// values come from, who gets a message, or how it is handed over.
package message

import (
	"bytes"
	"cmp"
	"time"

	"campaignql/internal/people/address"
)

// DefaultMaxBytes is the largest message that is written if the options do not say otherwise.
const DefaultMaxBytes = 1 << 20

// Source is the content of an email as its owner wrote it. Every text may hold tags.
type Source struct {
	FromName, FromEmail string
	// ReplyToName and ReplyToEmail may be empty. A name without an address is ignored.
	ReplyToName, ReplyToEmail string
	Subject                   string
	// Preheader is put as a hidden text at the beginning of the HTML.
	Preheader string
	// HTML and Plain: one of them may be blank. Plain is then made from HTML; an email without
	// HTML is sent as plain text alone.
	HTML, Plain string
}

// Options of Compile.
type Options struct {
	// Fields are the custom fields that tags of the subscriber can name. Nil means none.
	Fields *Fields
	// MaxBytes is the largest message, in bytes; 0 means DefaultMaxBytes.
	MaxBytes int
}

// Content is a compiled email. It does not change, so any number of goroutines can write from it.
type Content struct {
	from, replyTo mailbox
	subject       line
	// body is everything behind the header fields of the envelope, in quoted-printable where it
	// has to be.
	body     []piece
	needs    Needs
	maxBytes int
	// constantBytes is the size of what is the same for everybody.
	constantBytes int
}

// Recipient is one person with what the tags of the content need of them.
type Recipient struct {
	// Address is the address in the field To, and the value of %Subscriber:EmailAddress%.
	Address address.Address
	// Values are the values of the subscriber by the Value, such as SubscriberID. What the content
	// does not need is not read. May be nil.
	Values *Values
	// Fields are the values of custom fields by the id of the field, as text for people.
	Fields map[int64]string
}

// Envelope is what a message carries besides its content. A value that cannot stand in its place is
// an error of Write.
type Envelope struct {
	// MessageID is the id without angle brackets. It must be the same in every attempt.
	MessageID string
	// Date is written in its own zone.
	Date time.Time
	// UnsubscribeURL is the person's own link for List-Unsubscribe and %Link:Unsubscribe%. It must be
	// ASCII without blanks. Without it the fields List-Unsubscribe and List-Unsubscribe-Post are left
	// out, and a content that has the link cannot be written.
	UnsubscribeURL string
	// ListID is the identifier of RFC 2919 without angle brackets, such as 12.lists.example.com. May
	// be empty.
	ListID string
	// FeedbackID names the campaign to feedback loops, such as 198:7:campaign:campaignql. May be empty.
	FeedbackID string
}

// Written says how the message that was written has to be handed over.
type Written struct {
	// From and To are the addresses for MAIL and RCPT if the sender uses no return path of its own:
	// the local part as it was given, the domain as A-labels.
	From, To string
	// UTF8 says that a local part in the header is not ASCII: the server must offer SMTPUTF8.
	UTF8 bool
}

// Compile compiles the content of an email. It never fails: the problems say what cannot be sent as
// it was meant, in the order of the parts and places. A content with problems can still be written,
// for a preview: what is not understood stays in it as text. A sender must not send it.
func Compile(source Source, options Options) (*Content, []Problem) {
	c := compiler{scanner: scanner{fields: options.Fields}}
	content := c.compile(source)
	content.maxBytes = cmp.Or(options.MaxBytes, DefaultMaxBytes)
	return content, c.problems
}

// Needs returns what the content reads, so that nothing else has to be fetched for a person.
func (c *Content) Needs() Needs { return c.needs }

// Write appends the complete message of one person to buf: RFC 5322 with CRLF, every line of the
// body at most 76 characters. shared are the values of the run: of the user, the list and the
// campaign; it may be nil. Dots at the beginning of a line are not doubled.
//
// An error is an *Error. It concerns this person alone, and nothing was added to buf.
func (c *Content) Write(buf *bytes.Buffer, envelope *Envelope, shared *Values, to *Recipient) (Written, error) {
	scratch := scratches.Get().(*[]byte)
	defer scratches.Put(scratch)
	w := writer{content: c, envelope: envelope, shared: shared, to: to, scratch: (*scratch)[:0]}
	written, err := w.write(buf)
	*scratch = w.scratch
	return written, err
}
