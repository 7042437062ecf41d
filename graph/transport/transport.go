// Package transport serves GraphQL over three protocols. Over HTTP it follows the specification
// (https://graphql.github.io/graphql-over-http/draft/): POST with a JSON body, GET with a query
// string for queries only, media types negotiated by Accept, and the status codes that these media
// types require. Clients that accept server-sent events get them. Over WebSocket it speaks the
// protocol graphql-transport-ws.
//
// The package owns the wire protocols and nothing else: it knows gqlgen's executor and no schema.
// The middleware around it is responsible for compression, CORS, checks of a page's origin,
// authentication and timeouts.
package transport

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/internal/surface"
)

// DefaultMaxBody is the default limit of a request body in bytes: 1 MiB. [HTTP] can set another.
const DefaultMaxBody = 1 << 20

// HTTP is the transport over HTTP. It supports every request that does not ask for an upgrade,
// including the requests that it rejects, so it must be added to a server after all other
// transports.
//
// With application/graphql-response+json the status says whether the request was executed: 200 if
// there is a data entry, 400 if there is none. With application/json, the default, the status is
// 200 for every well-formed GraphQL request, and the body holds the errors. Every error of a
// request that was not executed has extensions.code.
//
// A client that accepts text/event-stream gets server-sent events: for a subscription always, for
// other operations if the client prefers them to JSON.
type HTTP struct {
	// MaxBody is the upper bound of a request body and of a query string, in bytes. Zero means
	// [DefaultMaxBody].
	MaxBody int64
	// MaxLarge is the upper bound of the body, in bytes, for a caller to which Identify grants it.
	// LargerWith names the required credentials, for example "a key of the scope write". The error
	// for a body that is too large repeats it.
	MaxLarge   int64
	LargerWith string
	// Registered reports whether the server serves registered documents. A request may then name one
	// by its id in place of a query; see [DocumentID].
	Registered bool
	// Bodies admits bodies that are not small. The default is a set of limits shared by all
	// transports without limits of their own.
	Bodies *surface.Bodies
	// Identify, if set, finds the owner of the request's credentials and the upper bound of the
	// body. It is called for a body that is not small, before more of the body is read.
	Identify func(ctx context.Context) (surface.Grant, error)
	// Heartbeat is the interval between comments on an idle stream of server-sent events; 15 s by
	// default.
	Heartbeat time.Duration
	// Stopping is closed when the server begins to stop. Subscriptions end then.
	Stopping <-chan struct{}
}

var _ graphql.Transport = HTTP{}

// Supports implements [graphql.Transport].
func (HTTP) Supports(r *http.Request) bool { return r.Header.Get("Upgrade") == "" }

// Do implements [graphql.Transport].
func (t HTTP) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	x := acquire(w, r, exec)
	defer x.release()
	x.stopping, x.heartbeat = t.Stopping, orDefault(t.Heartbeat, defaultHeartbeat)

	var f *fault
	x.params.ReadTime.Start = graphql.Now()
	switch r.Method {
	case http.MethodPost:
		f = x.readPOST(t)
	case http.MethodGet, http.MethodHead:
		f = x.readGET(t)
	case http.MethodOptions:
		w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		w.Header().Set("Allow", "GET, HEAD, POST, OPTIONS")
		f = refuse(
			http.StatusMethodNotAllowed, CodeMethodNotAllowed, "GraphQL is served by GET and POST, not by %s",
			methodName(r.Method),
		)
	}
	if f != nil {
		x.refuse(f)
		return
	}
	x.params.ReadTime.End = graphql.Now()
	x.run()
}

// ownBodies admits the bodies of transports without limits of their own.
var ownBodies = surface.NewBodies(surface.BodyLimits{})

func (t HTTP) bodies() *surface.Bodies { return orOwn(t.Bodies) }

func orOwn(bodies *surface.Bodies) *surface.Bodies {
	if bodies == nil {
		return ownBodies
	}
	return bodies
}

func (t HTTP) maxBody() int64 {
	if t.MaxBody > 0 {
		return t.MaxBody
	}
	return DefaultMaxBody
}

// methodName returns the name of a method for use in a message. It replaces long names.
func methodName(method string) string {
	if len(method) > 20 {
		return "this method"
	}
	return method
}

// run executes the operation that was read and writes its response.
func (x *exchange) run() {
	ctx := x.r.Context()
	events, preferred := acceptsEvents(x.r.Header)
	op, errs := x.exec.CreateOperationContext(ctx, &x.params)
	if errs != nil {
		resp := x.exec.DispatchError(graphql.WithOperationContext(ctx, op), errs)
		if preferred {
			x.streamError(resp)
			return
		}
		x.write(x.media.requestError, resp)
		return
	}
	if f := x.admit(op.Operation.Operation, events); f != nil {
		x.refuse(f)
		return
	}
	if preferred || op.Operation.Operation == ast.Subscription {
		x.stream(op)
		return
	}
	respond, ctx := x.exec.DispatchOperation(ctx, op)
	resp := respond(ctx)
	switch {
	case resp == nil:
		x.refuse(interrupted(ctx))
	case resp.HasNext != nil && *resp.HasNext:
		x.refuse(refuse(x.media.requestError, CodeBadRequest, "@defer needs a transport with more than one response"))
	case resp.Data == nil:
		x.write(x.notExecuted(resp.Errors), resp)
	default:
		x.write(http.StatusOK, resp)
	}
}

// notExecuted returns the status of an operation that was not executed. If a retry may succeed, the
// status says so, whatever the media type, as for a body that was not admitted.
func (x *exchange) notExecuted(errs gqlerror.List) int {
	if retryAfter(errs) > 0 {
		switch errs[0].Extensions["code"] {
		case CodeRateLimited:
			return http.StatusTooManyRequests
		case CodeUnavailable, CodeCanceled:
			return http.StatusServiceUnavailable
		}
	}
	return x.media.requestError
}

// admit returns a fault if this request cannot carry an operation of this kind.
func (x *exchange) admit(kind ast.Operation, events bool) *fault {
	switch {
	case kind == ast.Subscription && !events:
		return refuse(http.StatusBadRequest, CodeBadRequest, "a subscription needs a WebSocket or server-sent events")
	case kind == ast.Mutation && x.r.Method != http.MethodPost:
		x.w.Header().Set("Allow", "POST")
		return refuse(http.StatusMethodNotAllowed, CodeMethodNotAllowed, "a mutation needs POST, GET is for queries")
	default:
		return nil
	}
}

// interrupted returns the fault of a request that ended before it was executed. A client reads it
// only if a deadline was exceeded.
func interrupted(ctx context.Context) *fault {
	message := "the request was cancelled"
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		message = "the request took too long"
	}
	return refuse(http.StatusServiceUnavailable, CodeCanceled, "%s", message)
}

// refuse writes a response for a request without an operation. The error passes through gqlgen so
// that the server's error presenter and response extensions apply to it as to any other error.
func (x *exchange) refuse(f *fault) {
	ctx := graphql.WithOperationContext(x.r.Context(), &graphql.OperationContext{Headers: x.r.Header})
	if f.retryAfter > 0 {
		x.w.Header().Set("Retry-After", strconv.Itoa(f.retryAfter))
	}
	resp := x.exec.DispatchError(ctx, gqlerror.List{f.graphQL()})
	x.write(f.status, resp)
}

// sentence capitalizes the first letter of a message and adds a full stop.
func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] + "." }
