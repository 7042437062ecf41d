package mailer

import (
	"slices"
	"strings"
)

// Kind says what became of a message.
type Kind uint8

// The kinds of an outcome.
const (
	// NotHandedOver: the server certainly does not have the message. The connection ended before the
	// final dot was written, or the fault is the server's own: 421, a refused MAIL, a login that is
	// missing. The recipient keeps the attempt.
	NotHandedOver Kind = iota + 1
	// Accepted: the server answered 2xx to the final dot. The message is its responsibility now.
	Accepted
	// Deferred: the server answered 4xx to RCPT, DATA or the final dot.
	Deferred
	// Refused: the server answered 5xx to RCPT, DATA or the final dot, or the message can never be
	// sent over this route, see [Outcome.Local].
	Refused
	// InDoubt: the connection ended after the final dot was written and before the reply to it, or
	// that reply was no reply of SMTP. The server may have the message.
	InDoubt
)

func (k Kind) String() string {
	switch k {
	case NotHandedOver:
		return "not handed over"
	case Accepted:
		return "accepted"
	case Deferred:
		return "deferred"
	case Refused:
		return "refused"
	case InDoubt:
		return "in doubt"
	default:
		return "unknown"
	}
}

// Blame says whose fault an outcome is.
type Blame uint8

// The values of a Blame.
const (
	// BlameNobody: accepted, untried, or ended by the caller.
	BlameNobody Blame = iota
	// BlameServer: a fault of the server or of the way to it, which counts for the breaker of the
	// route. When a connection breaks, at most one message has it; the ones behind are untried. A kept
	// connection that the server has closed since the call of [Conn.Deliver] before is nobody's fault.
	BlameServer
	// BlameRecipient: the server judged this recipient or this message.
	BlameRecipient
)

// Outcome is what became of one message in one attempt.
type Outcome struct {
	Kind Kind
	// Step is the command whose reply decided, or at which the connection ended. It is StepMessage for
	// a message that cannot be sent at all, and empty for one of which nothing was to be read.
	Step Step
	// Code is the code of the reply, such as 450; 0 without a reply.
	Code int
	// Enhanced is the enhanced status code of the reply, such as "4.2.1"; empty without one.
	Enhanced string
	// Text is the reply without its codes, or what else happened, in at most 250 characters of valid
	// UTF-8 on one line.
	Text  string
	Blame Blame
	// Err is the error of [Burst.Message] or [Burst.Permit], of the context, a *[Fault] of the
	// connection, [ErrGiveBack], [ErrLimit] or [ErrClosed]. It is nil if the server's reply decided.
	Err error
}

// Untried reports whether nothing about the message was judged, so that it may go to another
// connection at once.
func (o Outcome) Untried() bool { return o.Kind == NotHandedOver && o.Blame == BlameNobody }

// Local reports whether the message was refused before anything of it went on the wire: it could
// not be made, it has a fault of form, or it needs more than the server offers (its size, SMTPUTF8,
// 8BITMIME). Code is 0 then, and Enhanced may be 5.3.4, 5.6.3 or 5.6.7.
func (o Outcome) Local() bool { return o.Kind == Refused && o.Code == 0 }

// Throttled reports whether the server asks for a lower pace: 421, 450, 451, 452 or 454 with the
// enhanced code x.7.x, x.4.5 or x.3.2, or with none.
func (o Outcome) Throttled() bool { return throttled(o.Code, o.Enhanced) }

func throttled(code int, enhanced string) bool {
	if !slices.Contains([]int{421, 450, 451, 452, 454}, code) {
		return false
	}
	_, detail, _ := strings.Cut(enhanced, ".")
	return detail == "" || detail == "4.5" || detail == "3.2" || strings.HasPrefix(detail, "7.")
}

// hardCodes are the enhanced codes that say that a mailbox does not exist.
var hardCodes = []string{"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1"}

// HardBounce reports whether the server said that the mailbox of the recipient does not exist: a
// refusal with 5.1.1, 5.1.2, 5.1.3, 5.1.6, 5.1.10 or 5.2.1.
func (o Outcome) HardBounce() bool {
	return o.Kind == Refused && o.Code != 0 && slices.Contains(hardCodes, o.Enhanced)
}

// Policy reports whether the server refused for a reason of policy or security: 5xx with 5.7.x. It
// holds for a refused MAIL too.
func (o Outcome) Policy() bool { return o.Code/100 == 5 && strings.HasPrefix(o.Enhanced, "5.7.") }

// String returns the outcome on one line, such as "deferred: 450 4.2.1 over quota (RCPT)".
func (o Outcome) String() string {
	text := o.Kind.String()
	if reply := replyText(o.Code, o.Enhanced, o.Text); reply != "" {
		text += ": " + reply
	}
	if o.Step != "" {
		text += " (" + string(o.Step) + ")"
	}
	return text
}
