package mailer

import (
	"context"
	"crypto/tls"
)

// Conn is a connection to a mail server that is ready for messages. One goroutine may use it at a
// time.
type Conn struct{}

// Dial connects along a route: DNS, connect, greeting, TLS, EHLO, AUTH. The error is a *[Fault].
// Canceling the context ends only Dial, not the connection that it returned.
func Dial(ctx context.Context, route Route) (*Conn, error) { panic("not written yet") }

// Deliver sends a burst and reports the outcome of each message, see [Burst]. It returns nil if the
// connection may be used again; otherwise the connection is closed and the error is what ended it: a
// *[Fault], the error of Permit, the error of the context, or [ErrClosed]. A connection that has sent
// its number of messages is not an error.
//
// Canceling the context cuts the connection off at once, so a message whose final dot was written is
// in doubt. For an orderly end let Message return [ErrGiveBack] and wait.
func (c *Conn) Deliver(ctx context.Context, burst Burst) error { panic("not written yet") }

// MessagesLeft returns how many more messages the connection may send; 0 after it ended.
func (c *Conn) MessagesLeft() int { panic("not written yet") }

// Pipelining reports whether the connection sends commands ahead of their replies.
func (c *Conn) Pipelining() bool { panic("not written yet") }

// TLS returns the state of TLS, and false if the connection is not encrypted.
func (c *Conn) TLS() (tls.ConnectionState, bool) { panic("not written yet") }

// Close says QUIT, waits shortly for the reply, and closes the connection. It may be called more
// than once, also after the connection ended.
func (c *Conn) Close() { panic("not written yet") }
