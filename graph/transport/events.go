package transport

import (
	"bytes"
	"context"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Server-sent events carry an operation as graphql-sse's distinct connections mode says
// (https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md): each response is the data of
// an event "next", and after the last comes an event "complete". A request that was understood is
// answered with 200 and the errors in an event, as the client asked for nothing else.

const (
	eventStream = "text/event-stream"
	// completed is the event after the last response.
	completed = "event: complete\ndata:\n\n"
)

const (
	// defaultHeartbeat is how often a comment is sent while nothing happens, so that neither side
	// takes the connection for dead.
	defaultHeartbeat = 15 * time.Second
	// writeTimeout is how long a reader may take nothing before its connection is given up.
	writeTimeout = 10 * time.Second
	// stoppingTimeout is that of a server that stops.
	stoppingTimeout = 2 * time.Second
)

// acceptsEvents tells whether server-sent events are welcome at all, and whether more so than a
// single response: a client that lists them behind JSON gets them where there is no other way, that
// is for a subscription.
func acceptsEvents(header http.Header) (welcome, preferred bool) {
	values := header["Accept"]
	if !slices.ContainsFunc(values, func(value string) bool { return strings.Contains(value, "event-stream") }) {
		return false, false
	}
	var events, single float64
	for _, value := range values {
		for part := range strings.SplitSeq(value, ",") {
			name, params, err := mime.ParseMediaType(part)
			switch {
			case err != nil:
			case name == eventStream:
				events = max(events, qualityOf(params))
			case mediaOf(name) != nil:
				single = max(single, qualityOf(params))
			}
		}
	}
	return events > 0, events > single
}

// events writes the stream of one request. Its methods may be used from two goroutines.
type events struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

// stream executes the operation and writes what comes of it until it ends, the client goes, or the server stops.
func (x *exchange) stream(op *graphql.OperationContext) {
	ctx, cancel := context.WithCancel(x.r.Context())
	defer cancel()
	e := x.openEvents()
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	stopping := x.stopping
	if op.Operation.Operation != ast.Subscription {
		stopping = nil // it ends by itself, and is let finish
	}
	background.Go(func() { e.keep(ctx, cancel, x.heartbeat, stopping) })
	x.respondTo(ctx, op, e)
	e.close()
}

// respondTo sends each response as an event.
func (x *exchange) respondTo(ctx context.Context, op *graphql.OperationContext, e *events) {
	defer func() {
		if value := recover(); value != nil {
			_ = e.next(panicked(ctx, x.exec, op, value))
			_ = e.write(completed)
		}
	}()
	respond, inner := x.exec.DispatchOperation(ctx, op)
	_ = e.write(":\n\n") // tells the client that the stream is open, as the first event may be long in coming
	endless, told := op.Operation.Operation == ast.Subscription, false
	for endless || !told {
		resp := respond(inner)
		if resp == nil {
			break
		}
		told = true
		if e.next(resp) != nil {
			return // nobody reads it any more
		}
		if resp.Data == nil {
			break // nothing follows an operation that has failed
		}
	}
	if ctx.Err() != nil {
		return // without "complete", so that the client knows to come back
	}
	if !told && !endless {
		_ = e.next(&graphql.Response{Errors: gqlerror.List{interrupted(inner).graphQL()}})
	}
	_ = e.write(completed)
}

// streamError sends the errors of an operation that is not executed.
func (x *exchange) streamError(resp *graphql.Response) {
	e := x.openEvents()
	_ = e.next(resp)
	_ = e.write(completed)
	e.close()
}

func (x *exchange) openEvents() *events {
	header := x.w.Header()
	header["Content-Type"] = []string{eventStream + "; charset=utf-8"}
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx passes on what comes when it comes
	e := &events{w: x.w, control: http.NewResponseController(x.w)}
	// The server's time to read a request has been served: the connection is only read from now on
	// to see the client go.
	_ = e.control.SetReadDeadline(time.Time{})
	x.w.WriteHeader(http.StatusOK)
	return e
}

// keep sends comments while nothing happens, and ends the stream when its client is gone or the server stops.
func (e *events) keep(ctx context.Context, cancel context.CancelFunc, every time.Duration, stopping <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-stopping:
			cancel()
			_ = e.control.SetWriteDeadline(time.Now().Add(stoppingTimeout)) // also of what is being written
			return
		case <-tick.C:
			if e.write(":\n\n") != nil {
				cancel()
				return
			}
		}
	}
}

// next sends a response. An error means that the client is gone.
func (e *events) next(resp *graphql.Response) error {
	if resp.Data == nil {
		classify(resp.Errors)
	}
	before, after, err := frame(resp)
	if err != nil {
		return e.write("event: next\ndata: " + unencodable + "\n\n")
	}
	return e.write("event: next\ndata: ", oneLine(before), oneLine(resp.Data), oneLine(after), "\n\n")
}

// oneLine takes the line breaks out of JSON, where they stand between tokens alone: in an event a line ends the data.
func oneLine(text []byte) string {
	if bytes.ContainsAny(text, "\r\n") {
		text = bytes.Map(func(r rune) rune {
			if r == '\r' || r == '\n' {
				return ' '
			}
			return r
		}, text)
	}
	return string(text)
}

// write sends texts, each time with new patience for a slow reader.
func (e *events) write(texts ...string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return e.err
	}
	_ = e.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	for _, text := range texts {
		if _, e.err = e.w.Write([]byte(text)); e.err != nil {
			return e.err
		}
	}
	e.err = e.control.Flush()
	return e.err
}

// close lets the connection serve further requests, which have no deadline.
func (e *events) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		_ = e.control.SetWriteDeadline(time.Time{})
	}
}

// panicked is the response of an operation that panicked, which the server's recover function has reported.
func panicked(
	ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext, value any,
) *graphql.Response {
	err := op.Recover(ctx, value)
	return exec.DispatchError(graphql.WithOperationContext(ctx, op), gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
}
