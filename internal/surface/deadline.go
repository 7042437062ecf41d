package surface

import (
	"context"
	"errors"
	"io"
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
