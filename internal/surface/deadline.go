package surface

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// DefaultClientTimeout is how long a client may be silent while the server reads from it, or take nothing while the
	// server writes to it.
	DefaultClientTimeout = 30 * time.Second
	// stoppingTimeout is how long it may take nothing once the server stops.
	stoppingTimeout = 2 * time.Second
	// writePart is what a client has to take within the timeout, in bytes: a slow one that goes on reading is kept.
	writePart = 16 << 10
)

// Listener gives every write to a client a deadline, whatever surface writes: a client that takes
// nothing for the timeout loses its connection.
type Listener struct {
	net.Listener
	timeout time.Duration

	mu       sync.Mutex
	stopping bool
	open     map[*conn]struct{}
}

// Listen wraps a listener. A timeout of zero is the default.
func Listen(listener net.Listener, timeout time.Duration) *Listener {
	return &Listener{Listener: listener, timeout: orDefault(timeout), open: map[*conn]struct{}{}}
}

func orDefault(timeout time.Duration) time.Duration {
	if timeout == 0 {
		return DefaultClientTimeout
	}
	return timeout
}

// Accept implements [net.Listener].
func (l *Listener) Accept() (net.Conn, error) {
	inner, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: inner, listener: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open[c] = struct{}{}
	return c, nil
}

// Stop shortens the timeout for a server that stops, to two seconds: clients that take nothing do not hold it up.
func (l *Listener) Stop() {
	l.mu.Lock()
	l.stopping = true
	open := make([]*conn, 0, len(l.open))
	for c := range l.open {
		open = append(open, c)
	}
	l.mu.Unlock()
	for _, c := range open {
		c.hurry()
	}
}

// patience is how long a write may take now.
func (l *Listener) patience() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopping {
		return min(l.timeout, stoppingTimeout)
	}
	return l.timeout
}

// conn is one connection.
type conn struct {
	net.Conn
	listener *Listener

	mu sync.Mutex
	// until is the deadline that a surface has set by itself, zero for none.
	until   time.Time
	writing bool
}

// Write implements [net.Conn].
func (c *conn) Write(p []byte) (written int, err error) {
	defer c.rest()
	for {
		part := p[written:min(len(p), written+writePart)]
		if err := c.arm(); err != nil {
			return written, err
		}
		n, err := c.Conn.Write(part)
		if written += n; err != nil || written == len(p) {
			return written, err
		}
	}
}

// arm sets the deadline of one part.
func (c *conn) arm() error {
	patience := c.listener.patience()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = true
	return c.set(time.Now().Add(patience))
}

func (c *conn) rest() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing = false
}

// set sets a deadline, or the one of the surface where that is earlier.
func (c *conn) set(deadline time.Time) error {
	if !c.until.IsZero() && c.until.Before(deadline) {
		deadline = c.until
	}
	return c.Conn.SetWriteDeadline(deadline)
}

// hurry shortens the deadline of the write that is under way.
func (c *conn) hurry() {
	patience := c.listener.patience()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.writing {
		_ = c.set(time.Now().Add(patience))
	}
}

// SetWriteDeadline implements [net.Conn]: the deadline of a surface, which that of the listener may precede.
func (c *conn) SetWriteDeadline(deadline time.Time) error {
	patience := c.listener.patience()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.until = deadline
	if !c.writing {
		return c.Conn.SetWriteDeadline(deadline)
	}
	return c.set(time.Now().Add(patience))
}

// SetDeadline implements [net.Conn].
func (c *conn) SetDeadline(deadline time.Time) error {
	return errors.Join(c.SetReadDeadline(deadline), c.SetWriteDeadline(deadline))
}

// Close implements [net.Conn].
func (c *conn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.open, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

// Deadlines gives every read of a body a deadline: a client that sends nothing for the timeout, or
// not the whole body within whole, loses its connection. A request without a body has none, as its
// connection is only read to see the client go.
func Deadlines(timeout, whole time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Time{}) // what the last answer over this connection had
		if r.Body == nil || r.Body == http.NoBody {
			_ = control.SetReadDeadline(time.Time{})
			next.ServeHTTP(w, r)
			return
		}
		in := &TimedBody{
			ReadCloser: r.Body, control: control, timeout: orDefault(timeout), until: time.Now().Add(whole),
		}
		with := *r
		with.Body = in
		next.ServeHTTP(w, &with)
	})
}

// TimedBodyOf returns the body of a request as a stream: one that may last, as long as something
// comes. Outside of Deadlines the default timeout holds.
func TimedBodyOf(w http.ResponseWriter, r *http.Request) *TimedBody {
	in, ok := r.Body.(*TimedBody)
	if !ok {
		in = &TimedBody{ReadCloser: r.Body, control: http.NewResponseController(w), timeout: DefaultClientTimeout}
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.until = time.Time{}
	return in
}

// TimedBody is the body of a request, each read of which has a deadline. Its methods may be called from two goroutines.
type TimedBody struct {
	io.ReadCloser
	control *http.ResponseController
	timeout time.Duration

	mu sync.Mutex
	// until is when the whole body must have come, zero for a stream.
	until time.Time
	// lost reports that the client broke off, or was silent for too long.
	ended, lost bool
}

// Lost reports whether the body ended before it was whole: the connection serves no further request.
func (b *TimedBody) Lost() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lost
}

// Read implements [io.Reader].
func (b *TimedBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	if b.ended {
		b.mu.Unlock()
		return 0, io.ErrUnexpectedEOF
	}
	deadline := time.Now().Add(b.timeout)
	if !b.until.IsZero() && b.until.Before(deadline) {
		deadline = b.until
	}
	_ = b.control.SetReadDeadline(deadline) // a recorder of tests has none
	b.mu.Unlock()
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.end(time.Time{})
	} else if err != nil {
		b.mu.Lock()
		b.lost = !b.ended
		b.mu.Unlock()
		b.end(time.Now())
	}
	return n, err
}

// End lets a reader that waits for the network end, before the request does.
func (b *TimedBody) End() { b.end(time.Now()) }

// end sets the deadline for the rest of the request. Without one the connection is read only to see
// the client go: a deadline that passes would be taken for that, and end all requests that come
// over the connection.
func (b *TimedBody) end(deadline time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.ended = true
		_ = b.control.SetReadDeadline(deadline)
	}
}

// Work is the time that the server takes itself for an answer that is sent while it is made:
// between two writes to the client it works for no longer than a limit.
type Work struct {
	limit time.Duration
	timer *time.Timer
}

// WithWork returns a context that ends when the server has worked for the limit without a write,
// and with its parent. The work has not begun yet.
func WithWork(parent context.Context, limit time.Duration) (context.Context, *Work, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	w := &Work{limit: limit, timer: time.AfterFunc(limit, func() { cancel(context.DeadlineExceeded) })}
	w.timer.Stop()
	return ctx, w, func() {
		w.timer.Stop()
		cancel(context.Canceled)
	}
}

// Begin begins a stretch of work.
func (w *Work) Begin() { w.timer.Reset(w.limit) }

// Write runs a write to the client, whose time is the client's, and begins the next stretch.
func (w *Work) Write(write func() error) error {
	w.timer.Stop()
	defer w.Begin()
	return write()
}
