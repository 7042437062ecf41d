package message

import "fmt"

// ProblemKind says what is wrong.
type ProblemKind string

const (
	// ProblemUnknown is a tag that the product does not know, such as a misspelled name.
	ProblemUnknown ProblemKind = "UNKNOWN_TAG"
	// ProblemUnsupported is a tag of the product that this version cannot fill in.
	ProblemUnsupported ProblemKind = "UNSUPPORTED_TAG"
	// ProblemInvalid is anything else: an address that is none, a tag where none may stand.
	ProblemInvalid ProblemKind = "INVALID"
)

// Part is a text of the email.
type Part string

// The parts, by the names of the fields of an email.
const (
	PartFromName     Part = "fromName"
	PartFromEmail    Part = "fromEmail"
	PartReplyToName  Part = "replyToName"
	PartReplyToEmail Part = "replyToEmail"
	PartSubject      Part = "subject"
	PartPreheader    Part = "preheader"
	PartHTML         Part = "html"
	PartPlain        Part = "plain"
)

// Problem is something in the content that cannot be sent as it was meant.
type Problem struct {
	Kind ProblemKind
	Part Part
	// Text is the tag as it was written, cut to 200 characters. Empty if the problem has no place.
	Text string
	// Line and Column begin at 1 and count characters. They are 0 if the problem has no place.
	Line, Column int
	// Message is the reason in words for people. It continues a sentence that begins with Text.
	Message string
}

// String returns the problem with its place in words for people.
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.Part, p.Message)
	}
	return fmt.Sprintf("%s, line %d, column %d: %s %s", p.Part, p.Line, p.Column, p.Text, p.Message)
}

// Reason is the reason why a message cannot be written.
type Reason string

const (
	// ReasonTooLarge means that the message has more bytes than allowed.
	ReasonTooLarge Reason = "message_too_large"
	// ReasonAddress means that the sender's address or the one for replies is none for this person.
	ReasonAddress Reason = "sender_address_invalid"
	// ReasonEnvelope means that a value of the Envelope cannot be written.
	ReasonEnvelope Reason = "envelope_invalid"
)

// Error is the reason why the message of one person cannot be written. Its text holds no value of
// the person but addresses.
type Error struct {
	Reason  Reason
	Message string
}

func (e *Error) Error() string { return e.Message }
