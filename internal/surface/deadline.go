package surface

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	// DefaultClientTimeout is how long a client may send nothing while the server reads, or read
	// nothing while the server writes.
	DefaultClientTimeout = 30 * time.Second
	// stoppingTimeout is how long a client may read nothing while the server shuts down.
	stoppingTimeout = 2 * time.Second
	// writePart is how many bytes a client must read within the timeout. A slow client that keeps
	// reading stays connected.
	writePart = 16 << 10
)

// Deadlines sets a deadline for every read of a request body. If a client sends nothing for
// timeout, or does not send the whole body within whole, the server closes its connection. Requests
// without a body get no read deadline: the server reads their connection only to detect that the
// client disconnected.
func Deadlines(timeout, whole time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		control := http.NewResponseController(w)
		_ = control.SetWriteDeadline(time.Time{}) // clears the deadline of the previous response on this connection
		if r.Body == nil || r.Body == http.NoBody {
			_ = control.SetReadDeadline(time.Time{})
			next.ServeHTTP(w, r)
			return
		}
		in := &TimedBody{
			ReadCloser: r.Body, control: control, timeout: cmp.Or(timeout, DefaultClientTimeout), until: time.Now().Add(whole),
		}
		with := *r
		with.Body = in
		next.ServeHTTP(w, &with)
	})
}

// TimedBodyOf returns the body of a request as a stream. A stream has no deadline for the whole
// body, only for each read. If the request did not pass through Deadlines, the timeout is
// DefaultClientTimeout.
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

// TimedBody is a request body with a deadline for each read. Its methods may be called from two
// goroutines.
type TimedBody struct {
	io.ReadCloser
	control *http.ResponseController
	timeout time.Duration

	mu sync.Mutex
	// until is the deadline for the whole body, zero for a stream.
	until time.Time
	// complete reports that the body was read to its end. lost reports that the client disconnected
	// or was silent for too long.
	ended, complete, lost bool
}

// Finish ends the body. It must be called when the body is no longer read, before the handler
// returns. The rest of a body that was not read completely is not a request, so the server then
// closes the connection after the response. If the client disconnected or was silent for too long,
// Finish aborts the handler and with it the response.
func (b *TimedBody) Finish(w http.ResponseWriter) {
	b.End()
	b.mu.Lock()
	complete, lost := b.complete, b.lost
	b.mu.Unlock()
	if lost {
		panic(http.ErrAbortHandler)
	}
	if !complete {
		closeAfter(w)
	}
}

// closeAfter makes the server close the connection after the response, also if the headers of the
// response are sent already. net/http does that only for a body that exceeds a MaxBytesReader.
func closeAfter(w http.ResponseWriter) {
	for {
		outer, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			break
		}
		w = outer.Unwrap()
	}
	_, _ = http.MaxBytesReader(w, io.NopCloser(strings.NewReader("x")), 0).Read(make([]byte, 1))
}

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
	_ = b.control.SetReadDeadline(deadline) // ignored: a test recorder has no deadlines
	b.mu.Unlock()
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.mu.Lock()
		b.complete = true
		b.mu.Unlock()
		b.end(time.Time{})
	} else if err != nil {
		b.mu.Lock()
		b.lost = !b.ended
		b.mu.Unlock()
		b.end(time.Now())
	}
	return n, err
}

// End makes a blocked read return before the request ends.
func (b *TimedBody) End() { b.end(time.Now()) }

// end sets the read deadline for the rest of the request; zero means none. After the body, the
// server reads the connection only to detect that the client disconnected. A deadline that expires
// would look like a disconnect and cancel all requests on the connection.
func (b *TimedBody) end(deadline time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.ended {
		b.ended = true
		_ = b.control.SetReadDeadline(deadline)
	}
}

// Work limits the time that the server itself needs for a streamed response: the time between two
// writes to the client.
type Work struct {
	limit time.Duration
	timer *time.Timer
}

// WithWork returns a context that is canceled when the server has worked for limit without a write,
// or when parent ends. The timer starts with [Work.Begin].
func WithWork(parent context.Context, limit time.Duration) (context.Context, *Work, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(parent)
	w := &Work{limit: limit, timer: time.AfterFunc(limit, func() { cancel(context.DeadlineExceeded) })}
	w.timer.Stop()
	return ctx, w, func() {
		w.timer.Stop()
		cancel(context.Canceled)
	}
}

// Begin starts the timer.
func (w *Work) Begin() { w.timer.Reset(w.limit) }

// Write runs a write to the client, which does not count as work, and restarts the timer.
func (w *Work) Write(write func() error) error {
	w.timer.Stop()
	defer w.Begin()
	return write()
}
