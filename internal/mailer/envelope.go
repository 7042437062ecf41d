package mailer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// command returns the command of a step of an envelope.
func (l *letter) command(step Step) string {
	switch step {
	case StepMail:
		return "MAIL FROM:<" + l.message.From + ">" + l.parameters
	case StepRcpt:
		return "RCPT TO:<" + l.message.To + ">"
	default:
		return string(step)
	}
}

// steps returns the steps of an envelope: RSET precedes it after one that failed half-way.
func (d *delivery) steps() []Step {
	if d.open {
		return []Step{StepReset, StepMail, StepRcpt, StepData}
	}
	return []Step{StepMail, StepRcpt, StepData}
}

// appendEnvelope appends all commands of an envelope, which RFC 2920 allows: DATA is the last one.
func (d *delivery) appendEnvelope(out []byte, l *letter) []byte {
	for _, step := range d.steps() {
		out = append(append(out, l.command(step)...), '\r', '\n')
	}
	return out
}

// envelope reads the replies to the commands of an envelope; without pipelining it also writes them,
// one by one. Either the message is granted, or its outcome is reported. It returns false if the
// connection ended.
//
// With pipelining all commands are on the wire when the first is refused. Each has its reply, and
// the one that decides about the message is the first refusal. If DATA is granted all the same, the
// server waits for a body and gets none but the final dot.
func (d *delivery) envelope(ctx context.Context, l *letter) bool {
	var verdict *Outcome
	for _, step := range d.steps() {
		if verdict != nil && !d.pipelining {
			break
		}
		r, err := d.reply(ctx, l, step)
		if err != nil {
			o := d.broken(ctx, step, err)
			if verdict == nil {
				verdict = &o
			}
			d.burst.Done(l.number, *verdict)
			return false
		}
		d.fresh = true
		switch {
		case step == StepReset:
			d.open = false
		case step == StepData && r.class() == 3:
			d.open, d.hungry = false, verdict != nil
			if verdict == nil {
				d.granted = l
				return true
			}
		case r.class() == 2:
			d.open = true
		case verdict == nil:
			o := outcomeOf(step, r)
			verdict = &o
		}
	}
	d.burst.Done(l.number, *verdict)
	return true
}

// reply returns the reply to a command of an envelope, or why the connection cannot go on.
func (d *delivery) reply(ctx context.Context, l *letter, step Step) (r reply, err error) {
	if d.pipelining {
		r, err = d.read(ctx, d.route.ReplyTimeout)
	} else {
		r, err = d.ask(ctx, l.command(step))
	}
	if err == nil {
		err = wrong(step, r)
	}
	return r, err
}

// wrong returns an error for a reply after which the connection cannot go on: 421, which closes it,
// and a reply that the step does not have. Then the replies and the commands may not be in step.
func wrong(step Step, r reply) error {
	if r.code == 421 {
		return r.fault(step)
	}
	refused := r.class() == 4 || r.class() == 5
	switch {
	case step == StepReset && r.class() == 2:
	case step == StepData && (r.code == 354 || refused):
	case step != StepReset && step != StepData && (r.class() == 2 || refused):
	default:
		return unexpected(r)
	}
	return nil
}

// unexpected is the error for a reply that does not belong to its command.
func unexpected(r reply) error {
	return fmt.Errorf("%w to this command: %s", errMalformed, replyText(r.code, r.enhanced, r.text))
}

// outcomeOf judges the reply to a step of a message that was on a connection in good order.
func outcomeOf(step Step, r reply) Outcome {
	o := Outcome{
		Kind: kindOf(r), Step: step, Code: r.code, Enhanced: r.enhanced, Text: r.text, Blame: BlameRecipient,
	}
	switch {
	case o.Kind == Accepted:
		o.Blame = BlameNobody
	case step == StepMail && !aboutContent(r), step != StepDot && slices.Contains(foreignCodes, r.code):
		o.Kind, o.Blame = NotHandedOver, BlameServer
	}
	return o
}

// foreignCodes say that the server wants something else first: a command, a login. A recipient
// cannot be the reason.
var foreignCodes = []int{503, 530, 534, 535, 538}

// aboutContent reports whether a refused MAIL is about the message that it announces, its size or
// its characters, and not about the sender or the server.
func aboutContent(r reply) bool {
	_, detail, _ := strings.Cut(r.enhanced, ".")
	return r.code == 552 || detail == "3.4" || strings.HasPrefix(detail, "6.")
}

func kindOf(r reply) Kind {
	switch r.class() {
	case 2:
		return Accepted
	case 4:
		return Deferred
	default:
		return Refused
	}
}

// unsendable is the outcome of a message that cannot be sent at all.
func unsendable(err error) Outcome {
	o := Outcome{Kind: Refused, Step: StepMessage, Text: clean(err.Error()), Blame: BlameRecipient, Err: err}
	if r := (*refusal)(nil); errors.As(err, &r) {
		o.Enhanced = r.enhanced
	}
	return o
}

// untried is the outcome of a message that was never judged.
func untried(reason error) Outcome {
	o := Outcome{Kind: NotHandedOver, Err: reason}
	if fault := (*Fault)(nil); errors.As(reason, &fault) {
		o.Text = fault.Text
	} else if reason != nil {
		o.Text = clean(reason.Error())
	}
	return o
}
