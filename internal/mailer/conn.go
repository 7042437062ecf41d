package mailer

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// quitTimeout bounds QUIT and its reply. Nothing depends on them.
const quitTimeout = time.Second

// Conn is a connection to a mail server that is ready for messages. One goroutine may use it at a
// time.
type Conn struct {
	route Route
	net   net.Conn
	in    *bufio.Reader
	out   []byte // the buffer of what is written, kept for its space

	// extensions are the offers of the server: the name in upper case and its parameters.
	extensions map[string]string
	offers     []string
	pipelining bool
	tls        *tls.ConnectionState
	// problem is why the certificate could not be trusted; nil if it can.
	problem error

	// secrets are what the texts of replies must not repeat, while somebody logs in.
	secrets []string

	left int
	// open is true if a transaction may be open that failed, so that RSET must precede the next one.
	open bool
	// hungry is true if the server waits for the body of an envelope that failed. A final dot without
	// a body answers it.
	hungry bool
	ended  error // why the connection cannot be used again
}

func newConn(conn net.Conn, route Route) *Conn {
	c := &Conn{route: route, left: route.Messages}
	c.use(conn)
	return c
}

// use sets the connection below, which changes with TLS.
func (c *Conn) use(conn net.Conn) { c.net, c.in = conn, bufio.NewReaderSize(conn, readBuffer) }

// MessagesLeft returns how many more messages the connection may send; 0 after it ended.
func (c *Conn) MessagesLeft() int {
	if c.ended != nil {
		return 0
	}
	return c.left
}

// Pipelining reports whether the connection sends commands ahead of their replies.
func (c *Conn) Pipelining() bool { return c.pipelining }

// TLS returns the state of TLS, and false if the connection is not encrypted.
func (c *Conn) TLS() (tls.ConnectionState, bool) {
	if c.tls == nil {
		return tls.ConnectionState{}, false
	}
	return *c.tls, true
}

// Close says QUIT, waits shortly for the reply, and closes the connection. It may be called more
// than once, also after the connection ended.
func (c *Conn) Close() {
	if c.ended != nil {
		return
	}
	_ = c.net.SetDeadline(time.Now().Add(quitTimeout))
	if _, err := c.net.Write([]byte("QUIT\r\n")); err == nil {
		_, _ = readReply(c.in, nil)
	}
	c.end(ErrClosed)
}

// end closes the connection for a reason. The first reason stays.
func (c *Conn) end(reason error) {
	if c.ended == nil {
		c.ended = reason
		_ = c.net.Close()
	}
}

// watch cuts the connection off when the context ends. The function that it returns ends that, and
// leaves the connection to later calls.
func (c *Conn) watch(ctx context.Context) (unwatch func()) {
	conn, cut := c.net, make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = conn.SetDeadline(time.Unix(1, 0))
		close(cut)
	})
	return func() {
		if !stop() {
			<-cut
		}
	}
}

// allow gives the next reads or writes their time, unless the context has ended.
func allow(ctx context.Context, set func(time.Time) error, wait time.Duration) {
	_ = set(time.Now().Add(wait))
	if ctx.Err() != nil { // watch may have cut the connection off before set
		_ = set(time.Unix(1, 0))
	}
}

// write writes all of data, which the server must not have answered yet, and returns how much was
// certainly taken over by the system.
func (c *Conn) write(ctx context.Context, data []byte) (int, error) {
	if err := c.unasked(); err != nil {
		return 0, err
	}
	allow(ctx, c.net.SetWriteDeadline, c.route.WriteTimeout)
	return c.net.Write(data)
}

// unasked returns an error if the server has said something that no command asked for. Taken for
// the reply to the next command it would make a message accepted that is not.
func (c *Conn) unasked() error {
	if c.in.Buffered() == 0 {
		return nil
	}
	data, _ := c.in.Peek(c.in.Buffered())
	if code, text, _, ok := splitLine(firstLine(data)); ok && code == 421 {
		r := reply{code: code}
		r.add(text)
		r.text = clean(r.text)
		return r.fault("")
	}
	return fmt.Errorf("%w: unasked for: %q", errMalformed, clean(string(data)))
}

func firstLine(data []byte) []byte {
	for i, b := range data {
		if b == '\r' || b == '\n' {
			return data[:i]
		}
	}
	return data
}

// read reads one reply, in the given time.
func (c *Conn) read(ctx context.Context, wait time.Duration) (reply, error) {
	return c.readLines(ctx, wait, nil)
}

// readLines is read for a reply whose lines matter.
func (c *Conn) readLines(ctx context.Context, wait time.Duration, each func(line string)) (reply, error) {
	if !c.lineBuffered() {
		allow(ctx, c.net.SetReadDeadline, wait)
	}
	r, err := readReply(c.in, each)
	for _, secret := range c.secrets {
		r.text = strings.ReplaceAll(r.text, secret, "xxxxx")
	}
	r.text = clean(r.text)
	return r, err
}

// lineBuffered reports whether a line can be read without waiting. Replies to commands that were sent
// together arrive together, and setting a time for each costs more than to read it.
func (c *Conn) lineBuffered() bool {
	data, _ := c.in.Peek(c.in.Buffered())
	return bytes.IndexByte(data, '\n') >= 0
}

// ask writes a command and reads its reply.
func (c *Conn) ask(ctx context.Context, command string) (reply, error) {
	if _, err := c.write(ctx, append(append(c.out[:0], command...), '\r', '\n')); err != nil {
		return reply{}, err
	}
	return c.read(ctx, c.route.ReplyTimeout)
}

// fault makes a reply the fault of a step.
func (r reply) fault(step Step) *Fault {
	return &Fault{Step: step, Code: r.code, Enhanced: r.enhanced, Text: r.text}
}

// faultOf makes an error of a connection the fault of a step, in words for people.
func faultOf(step Step, err error) *Fault {
	if fault := (*Fault)(nil); errors.As(err, &fault) {
		if fault.Step == "" {
			fault.Step = step
		}
		return fault
	}
	text := err.Error()
	switch {
	case errors.Is(err, context.Canceled):
		text = "canceled"
	case errors.Is(err, errMalformed):
		text = "the server answers with what is " + text
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		text = "the server closed the connection"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		text = "the server cut the connection off"
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		text = "the server did not answer in time"
	}
	return &Fault{Step: step, Text: clean(text), Err: err}
}
