package mailer

import (
	"strconv"
	"strings"
)

// Step is a step on the way of a message.
type Step string

// The steps, in order.
const (
	StepDNS      Step = "DNS"
	StepConnect  Step = "CONNECT"
	StepTLS      Step = "TLS"
	StepGreeting Step = "GREETING"
	StepHello    Step = "HELLO"
	StepAuth     Step = "AUTH"
	StepMessage  Step = "MESSAGE" // the message itself, before anything of it is sent
	StepReset    Step = "RSET"
	StepMail     Step = "MAIL"
	StepRcpt     Step = "RCPT"
	StepData     Step = "DATA"
	StepBody     Step = "BODY" // the text of the message, before its final dot
	StepDot      Step = "DOT"  // the final dot, which ends the body
)

// Fault is a fault of a server, or of the way to it. It is the error of [Dial], and the Err of
// outcomes when a connection ends.
type Fault struct {
	// Step is where it happened.
	Step Step
	// Code and Enhanced are those of the server's reply, if one decided: 535 and "5.7.8".
	Code     int
	Enhanced string
	// Text says what happened in words for people, with the server's own if it gave any, in at most
	// 250 characters on one line. It never holds a password.
	Text string
	// Err is the error below, if there is one.
	Err error
}

// Error returns the step and the text.
func (f *Fault) Error() string { return string(f.Step) + ": " + replyText(f.Code, f.Enhanced, f.Text) }

// Unwrap returns Err.
func (f *Fault) Unwrap() error { return f.Err }

// Throttled reports whether the server asks for a lower pace, as [Outcome.Throttled] does.
func (f *Fault) Throttled() bool { return throttled(f.Code, f.Enhanced) }

// replyText joins what is there of a reply.
func replyText(code int, enhanced, text string) string {
	var parts []string
	if code != 0 {
		parts = append(parts, strconv.Itoa(code))
	}
	for _, part := range []string{enhanced, text} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, " ")
}
