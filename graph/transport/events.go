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

// Server-sent events carry an operation as the distinct connections mode of graphql-sse specifies
// (https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md): each response is the data of
// an event "next", and an event "complete" follows the last one. A well-formed request is answered
// with status 200 and its errors in an event, because the client accepts nothing else.

const (
	eventStream = "text/event-stream"
	// completed is the event that follows the last response.
	completed = "event: complete\ndata:\n\n"
)

const (
	// defaultHeartbeat is the interval between comments on an idle stream. The comments keep both
	// sides from closing the connection as dead.
	defaultHeartbeat = 15 * time.Second
	// writeTimeout is the time after which the connection of a client that reads nothing is closed.
	writeTimeout = 10 * time.Second
	// stoppingTimeout replaces writeTimeout while the server stops.
	stoppingTimeout = 2 * time.Second
)

// acceptsEvents reports whether the client accepts server-sent events, and whether it prefers them
// to a single response. A client that prefers JSON gets events only for a subscription, which needs
// them.
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

// events writes the stream of one request. Two goroutines may use its methods concurrently.
type events struct {
	mu      sync.Mutex
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

// stream executes the operation and writes its responses until the operation ends, the client
// disconnects, or the server stops.
func (x *exchange) stream(op *graphql.OperationContext) {
	ctx, cancel := context.WithCancel(x.r.Context())
	defer cancel()
	e := x.openEvents()
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	stopping := x.stopping
	if op.Operation.Operation != ast.Subscription {
		stopping = nil // it ends on its own, so the server waits for it
	}
	background.Go(func() { e.keep(ctx, cancel, x.heartbeat, stopping) })
	x.respondTo(ctx, op, e)
	e.close()
}

func (x *exchange) respondTo(ctx context.Context, op *graphql.OperationContext, e *events) {
	defer func() {
		if value := recover(); value != nil {
			_ = e.next(panicked(ctx, x.exec, op, value))
			_ = e.write(completed)
		}
	}()
	respond, inner := x.exec.DispatchOperation(ctx, op)
	_ = e.write(":\n\n") // opens the stream for the client, because the first event may come late
	endless, told := op.Operation.Operation == ast.Subscription, false
	for endless || !told {
		resp := respond(inner)
		if resp == nil {
			break
		}
		told = true
		if e.next(resp) != nil {
			return // the client is gone
		}
		if resp.Data == nil {
			break // a failed operation has no further responses
		}
	}
	if ctx.Err() != nil {
		return // without "complete", so that the client connects again
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
	header.Set("X-Accel-Buffering", "no") // nginx must not buffer the events
	e := &events{w: x.w, control: http.NewResponseController(x.w)}
	// The request is read, so the server's read deadline no longer applies. From now on the server
	// reads the connection only to notice that the client disconnects.
	_ = e.control.SetReadDeadline(time.Time{})
	x.w.WriteHeader(http.StatusOK)
	return e
}

// keep sends comments while the stream is idle. It ends the stream if the client is gone or the
// server stops.
func (e *events) keep(ctx context.Context, cancel context.CancelFunc, every time.Duration, stopping <-chan struct{}) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-stopping:
			cancel()
			_ = e.control.SetWriteDeadline(time.Now().Add(stoppingTimeout)) // also for a write in progress
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

// oneLine replaces the line breaks of a JSON text by spaces, because a line break ends the data of
// an event. JSON has line breaks only between tokens.
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

// write sends texts. Each call sets a new write deadline for a slow client.
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

// close removes the write deadline, so that the connection can serve further requests.
func (e *events) close() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		_ = e.control.SetWriteDeadline(time.Time{})
	}
}

// panicked returns the response of an operation that panicked. The server's recover function has
// logged the panic.
func panicked(
	ctx context.Context, exec graphql.GraphExecutor, op *graphql.OperationContext, value any,
) *graphql.Response {
	err := op.Recover(ctx, value)
	return exec.DispatchError(graphql.WithOperationContext(ctx, op), gqlerror.List{gqlerror.WrapIfUnwrapped(err)})
}
