// Package mailer owns SMTP on the side of the client: it hands messages to a mail server and says
// exactly what became of each. It must not know campaigns, recipients or databases.
//
// [Dial] opens a connection along a [Route]. [Conn.Deliver] sends any number of messages over it and
// reports one [Outcome] for each. Where the server offers PIPELINING, the envelope of a message
// travels behind the body of the message before, so that a message costs one round trip; elsewhere
// each command waits for its reply. Nothing is ever retried here: the final dot of a message is
// written at most once, and after a broken connection the outcomes tell what is certain and what is
// in doubt.
package mailer

import "errors"

// Message is one message for one recipient.
type Message struct {
	// From is the return path, and may be empty: the null reverse path of a report. To is the
	// recipient. Both are plain addresses without angle brackets.
	From, To string
	// Body is the header, an empty line and the body, as it is signed. Every line ends with CRLF; a
	// CR or LF alone is refused, because servers disagree about its meaning. Dots at the start of
	// lines are doubled on the way. Body is not changed, and not kept after its outcome.
	Body []byte
	// UTF8 asks for SMTPUTF8, which a header with characters outside of ASCII needs. An address with
	// such characters asks for it by itself.
	UTF8 bool
}

// Burst is what one call of [Conn.Deliver] sends. All functions are called by the goroutine that
// called Deliver, one at a time.
type Burst struct {
	// Count is the number of messages. They are numbered from 0.
	Count int
	// Message returns a message. It is called in order, once for each number, one message ahead of
	// the wire. An error means that this message cannot be made: its outcome is [Refused] with the
	// error as Err and its text as Text. [ErrGiveBack] is different: this message and all behind it
	// are [NotHandedOver] and untried, and the connection stays open.
	Message func(i int) (Message, error)
	// Permit, if it is set, is asked right before the body of a message goes on the wire, which can
	// be minutes after Message. An error keeps the body back: this message and all behind it are
	// [NotHandedOver] and untried, and the connection is closed, because SMTP has no other way back.
	Permit func(i int) error
	// Done receives the outcome of each message, exactly once for each number.
	Done func(i int, outcome Outcome)
}

// Errors of messages that were never tried.
var (
	// ErrGiveBack is returned by [Burst.Message] to end a burst early without closing the connection.
	ErrGiveBack = errors.New("given back before it was tried")
	// ErrLimit is the Err of messages beyond [Conn.MessagesLeft].
	ErrLimit = errors.New("the connection has sent as many messages as one connection may")
	// ErrClosed is the Err of messages that were given to a connection after it ended.
	ErrClosed = errors.New("the connection is closed")
)
