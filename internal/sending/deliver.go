package sending

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"campaignql/internal/mailer"
)

// lane is a worker with its own connections to the mail server.
type lane struct {
	*Service
	conns []*mailer.Conn
}

// leastShare is the least number of messages for which a burst uses one more connection.
const leastShare = 4

// errTooOld is the outcome of messages that would go on the wire when the lease may end before the
// answer comes.
var errTooOld = errors.New("the lease of the batch is half over")

// deliver sends the messages of a burst over the connections of the lane and returns the outcome of
// each. Once stopping ends, what is not on the wire yet is given back.
func (l *lane) deliver(ctx, stopping context.Context, c *claim, burst []recipient) ([]result, error) {
	p, err := l.contents.of(ctx, c.run)
	if err != nil {
		return nil, err
	}
	fields, err := l.values(ctx, burst)
	if err != nil {
		return nil, err
	}
	now, err := l.now(ctx)
	if err != nil {
		return nil, err
	}
	deadline := time.Now().Add(l.Lease / 2)
	results := make([]result, len(burst))
	for i, r := range burst {
		results[i] = result{r, mailer.Outcome{Kind: mailer.NotHandedOver, Err: mailer.ErrGiveBack}}
	}
	parts := min(len(l.conns), max(1, len(burst)/leastShare))
	var sent sync.WaitGroup
	for i := range parts {
		some := results[i*len(burst)/parts : (i+1)*len(burst)/parts]
		sent.Go(func() {
			l.deliverOver(ctx, &l.conns[i], some, func(buf *bytes.Buffer, r *recipient) (mailer.Message, error) {
				if stopping.Err() != nil || time.Now().After(deadline) {
					return mailer.Message{}, mailer.ErrGiveBack
				}
				return l.message(buf, p, r, fields[r.subscriber], now)
			}, func() error {
				if time.Now().After(deadline) {
					return errTooOld
				}
				return nil
			})
		})
	}
	sent.Wait()
	return results, nil
}

// buffers are those of messages: one is on the wire while the next is written.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// deliverOver sends some messages over one connection, which it opens if it must. What a broken
// connection leaves untried stays as it is: not handed over.
func (l *lane) deliverOver(
	ctx context.Context, conn **mailer.Conn, some []result,
	write func(*bytes.Buffer, *recipient) (mailer.Message, error), permit func() error,
) {
	for len(some) > 0 {
		if *conn == nil {
			made, err := mailer.Dial(ctx, *l.Route)
			if err != nil {
				l.notConnected(some, err)
				return
			}
			*conn = made
		}
		n := min(len(some), (*conn).MessagesLeft())
		used := make([]*bytes.Buffer, n)
		err := (*conn).Deliver(ctx, mailer.Burst{
			Count: n,
			Message: func(i int) (mailer.Message, error) {
				used[i] = buffers.Get().(*bytes.Buffer)
				used[i].Reset()
				return write(used[i], &some[i].recipient)
			},
			Permit: func(int) error { return permit() },
			Done: func(i int, outcome mailer.Outcome) {
				some[i].outcome = outcome
				l.judge(outcome)
				if used[i] != nil {
					buffers.Put(used[i])
				}
			},
		})
		if err != nil {
			*conn = nil
			return // the messages that are left were not handed over
		}
		if (*conn).MessagesLeft() == 0 {
			(*conn).Close()
			*conn = nil
		}
		some = some[n:]
	}
}

// notConnected notes that no connection could be opened.
func (l *lane) notConnected(some []result, err error) {
	fault := new(mailer.Fault)
	if !errors.As(err, &fault) {
		fault = &mailer.Fault{Step: mailer.StepConnect, Text: err.Error(), Err: err}
	}
	l.breaker.fault(fault, time.Now())
	for i := range some {
		some[i].outcome = mailer.Outcome{
			Kind: mailer.NotHandedOver, Step: fault.Step, Code: fault.Code, Enhanced: fault.Enhanced, Text: fault.Text,
			Blame: mailer.BlameServer, Err: fault,
		}
	}
}

// judge tells the breaker what an outcome says of the server.
func (l *lane) judge(o mailer.Outcome) {
	switch {
	case o.Blame == mailer.BlameServer:
		fault := new(mailer.Fault)
		if !errors.As(o.Err, &fault) {
			fault = &mailer.Fault{Step: o.Step, Code: o.Code, Enhanced: o.Enhanced, Text: o.Text}
		}
		l.breaker.fault(fault, time.Now())
	case o.Code != 0:
		l.breaker.reply(o)
	}
}

// close ends the connections of the lane.
func (l *lane) close() {
	for i, conn := range l.conns {
		if conn != nil {
			conn.Close()
			l.conns[i] = nil
		}
	}
}
