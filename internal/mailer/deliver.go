package mailer

import (
	"context"
	"errors"
)

// Deliver sends a burst and reports the outcome of each message, see [Burst]. It returns nil if the
// connection may be used again; otherwise the connection is closed and the error is what ended it: a
// *[Fault], the error of Permit, the error of the context, or [ErrClosed]. A connection that has sent
// its number of messages is not an error.
//
// Canceling the context cuts the connection off at once, so a message whose final dot was written is
// in doubt. For an orderly end let Message return [ErrGiveBack] and wait.
func (c *Conn) Deliver(ctx context.Context, burst Burst) error {
	d := delivery{Conn: c, burst: burst, fresh: c.left == c.route.Messages}
	if c.ended != nil {
		d.stopped = ErrClosed
	} else {
		unwatch := c.watch(ctx)
		for d.stopped == nil && d.round(ctx) {
		}
		unwatch()
	}
	for ; d.next < burst.Count; d.next++ {
		d.burst.Done(d.next, untried(d.stopped))
	}
	return c.ended
}

// delivery is one call of Deliver.
type delivery struct {
	*Conn
	burst Burst
	// next is the number of the message to take next. stopped is why no more are taken.
	next    int
	stopped error
	// granted is the message whose envelope was taken: its body goes on the wire next.
	granted *letter
	// fresh is true if the connection is known to be alive: it is new, or has answered this call.
	fresh bool
}

// letter is a message on its way.
type letter struct {
	number     int
	message    Message
	parameters string
}

// take returns the next message that can be sent, or nil. The ones that cannot are refused.
func (d *delivery) take(ctx context.Context) *letter {
	for d.stopped == nil && d.next < d.burst.Count {
		if d.left == 0 {
			d.stopped = ErrLimit
			return nil
		}
		message, err := d.burst.Message(d.next)
		if stop := ctx.Err(); stop != nil {
			d.stopped = stop
			return nil
		}
		if errors.Is(err, ErrGiveBack) {
			d.stopped = err
			return nil
		}
		l := &letter{number: d.next, message: message}
		d.next++
		if err == nil {
			l.parameters, err = d.check(&l.message)
		}
		if err == nil {
			d.left--
			return l
		}
		d.burst.Done(l.number, unsendable(err))
	}
	return nil
}

// round is one round trip: the body of the message that was granted together with the envelope of
// the next, then the replies to both. It returns false when the burst or the connection has ended.
func (d *delivery) round(ctx context.Context) bool {
	body, next := d.granted, (*letter)(nil)
	d.granted = nil
	if d.pipelining || body == nil && !d.hungry {
		next = d.take(ctx)
	}
	if body == nil && next == nil && !d.hungry {
		return false
	}
	if lost := d.exchange(ctx, body, next); lost != nil {
		if next != nil {
			d.burst.Done(next.number, *lost)
		}
		return false
	}
	return next == nil || d.envelope(ctx, next)
}

// exchange writes the body, or the dot that a failed envelope needs, with the envelope of the next
// message behind it, and reports what became of the body. If the connection ended it returns the
// outcome of the next message.
func (d *delivery) exchange(ctx context.Context, body, next *letter) (lost *Outcome) {
	if body != nil && d.burst.Permit != nil {
		if err := d.burst.Permit(body.number); err != nil {
			d.stop(err)
			d.burst.Done(body.number, untried(err))
			return d.untried()
		}
	}
	data, dot := d.compose(body, next)
	if len(data) == 0 { // step by step, envelope writes its commands itself
		return nil
	}
	written, err := d.write(ctx, data)
	ok := err == nil
	switch {
	case body != nil && err != nil && written < dot+len(finalDot):
		d.burst.Done(body.number, d.cutOff(ctx, err, written > dot))
		return d.untried()
	case body != nil:
		if !d.settle(ctx, body) {
			return d.untried()
		}
	case ok && d.hungry:
		if !d.feed(ctx) {
			return d.untried()
		}
	}
	if !ok {
		o := d.broken(ctx, StepMail, err)
		return &o
	}
	return nil
}

// compose returns what goes on the wire in one write, and where in it the final dot of the body is.
func (d *delivery) compose(body, next *letter) (data []byte, dot int) {
	data = d.out[:0]
	if body != nil {
		data = appendBody(data, body.message.Body)
		dot = len(data)
	}
	if body != nil || d.hungry {
		data = append(data, finalDot...)
	}
	if next != nil && d.pipelining {
		data = d.appendEnvelope(data, next)
	}
	d.out = data
	return data, dot
}

// untried is the outcome of the messages that are left when the connection has ended.
func (d *delivery) untried() *Outcome {
	o := untried(d.stopped)
	return &o
}

// cutOff returns the outcome of a body that could not be written in full. The server may have said
// why, and that counts, because it cannot have the message.
func (d *delivery) cutOff(ctx context.Context, err error, doubt bool) Outcome {
	if !doubt && ctx.Err() == nil {
		if r, failed := d.read(ctx, quitTimeout); failed == nil && (r.class() == 4 || r.class() == 5) {
			o := d.broken(ctx, StepBody, r.fault(StepBody))
			if r.code != 421 {
				o.Kind, o.Blame, o.Err = kindOf(r), BlameRecipient, nil
			}
			return o
		}
	}
	o := d.broken(ctx, StepBody, err)
	if doubt {
		o.Kind, o.Step = InDoubt, StepDot
	}
	return o
}

// settle reads the reply to the final dot of a message.
func (d *delivery) settle(ctx context.Context, l *letter) (ok bool) {
	r, err := d.read(ctx, d.route.FinalTimeout)
	if err == nil && r.code != 421 && (r.class() == 2 || r.class() == 4 || r.class() == 5) {
		o := outcomeOf(StepDot, r)
		d.burst.Done(l.number, o)
		return true
	}
	var o Outcome
	if err == nil && r.code == 421 {
		o = d.broken(ctx, StepDot, r.fault(StepDot))
		o.Kind = Deferred
	} else {
		if err == nil {
			err = unexpected(r)
		}
		o = d.broken(ctx, StepDot, err)
		o.Kind = InDoubt
	}
	d.burst.Done(l.number, o)
	return false
}

// feed reads the reply to the dot that an envelope needed which failed. Whatever it is, it is about
// nobody: also 2xx is the receipt of an empty message without a recipient.
func (d *delivery) feed(ctx context.Context) (ok bool) {
	d.hungry = false
	r, err := d.read(ctx, d.route.FinalTimeout)
	if err == nil {
		err = wrong(StepDot, r)
	}
	if err != nil {
		d.broken(ctx, StepDot, err)
	}
	return err == nil
}

// stop ends the burst and the connection.
func (d *delivery) stop(reason error) {
	d.stopped = reason
	d.end(reason)
}

// broken ends the burst and the connection because of an error at a step. It returns the outcome of
// the message that was on its way, as far as it was certainly not handed over.
func (d *delivery) broken(ctx context.Context, step Step, err error) Outcome {
	if ctx.Err() != nil {
		cause := context.Cause(ctx)
		d.stop(cause)
		return Outcome{Kind: NotHandedOver, Step: step, Text: "canceled", Err: cause}
	}
	fault := faultOf(step, err)
	d.stop(fault)
	o := Outcome{
		Kind: NotHandedOver, Step: step, Code: fault.Code, Enhanced: fault.Enhanced, Text: fault.Text,
		Blame: BlameServer, Err: fault,
	}
	if !d.fresh {
		// A connection that was kept and closed by the server meanwhile is nobody's fault.
		o.Blame = BlameNobody
	}
	return o
}
