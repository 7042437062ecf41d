package command

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/budget"
	"campaignql/internal/kind"
	"campaignql/internal/surface"
)

// OperationHeader is the response header with the GraphQL field that is equivalent to the command.
const OperationHeader = "X-GraphQL-Operation"

// ServeHTTP answers one request of the legacy API. It is the handler of /api.php and /command.
func (b *Bridge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	ctx, work, done := surface.WithWork(r.Context(), b.opts.Timeout)
	defer done()
	out := &answer{writer: w, work: work, pace: surface.Pace{Held: budget.From(r.Context())}}
	in := &incoming{bridge: b}
	defer in.body.Release() // after the response was written, because it uses the parameters
	response := b.answer(ctx, w, r, out, in)
	known := surface.RequestOf(ctx)
	known.Named(response.Command)
	err := out.send(response)
	switch {
	case err == nil:
	case out.committed:
		// A part of the response was sent. Abort the connection, so that the client notices that
		// the rest is missing.
		if r.Context().Err() == nil && !out.lost {
			b.fault(ctx, response.Command, http.StatusInternalServerError, err)
		}
		known.FailedWith(strconv.Itoa(codeServerFault))
		b.opts.Observe(response.Command, Failed, time.Since(started))
		panic(http.ErrAbortHandler)
	default:
		failed := b.failure(ctx, b.byName[fold(response.Command)], err)
		failed.Command, failed.Operation = response.Command, response.Operation
		response = failed
		if err := out.send(response); err != nil {
			panic(http.ErrAbortHandler) // the client has disconnected
		}
	}
	known.FailedWith(response.code())
	b.opts.Observe(response.Command, response.Outcome, time.Since(started))
}

// answer reads the request and runs its command. A panic becomes a server fault.
func (b *Bridge) answer(
	ctx context.Context, w http.ResponseWriter, r *http.Request, out *answer, in *incoming,
) (response Response) {
	var p Parameters
	defer func() {
		if fault := recover(); fault != nil {
			response = b.fault(
				ctx, p.Text("Command"), http.StatusInternalServerError,
				fmt.Errorf("panic: %v\n%s", fault, debug.Stack()),
			)
		}
		// Name the operation also if the request failed before its command ran, if it is known.
		if cmd := b.find(p.Text("Command")); cmd != nil {
			response.Command, response.Operation = cmd.Name, cmd.Operation
		}
	}()
	var err error
	if p, err = readForm(r.URL.RawQuery); err == nil && (r.Method == http.MethodPost || r.Method == http.MethodGet) {
		err = in.read(ctx, w, r, p)
	}
	out.xml = p.Text("ResponseFormat") == "XML"
	switch {
	case r.Method != http.MethodPost && r.Method != http.MethodGet:
		return hardFailure(
			http.StatusBadRequest, codeMethod,
			"The method "+kind.Cut(r.Method, 20)+" is not supported: use POST or GET.",
		)
	case err != nil:
		return unreadable(err)
	case p.Has("JSONPCallBack"):
		return hardFailure(http.StatusBadRequest, codeMalformed, "JSONPCallBack is not supported: use CORS.")
	}
	out.work.Begin() // the time for reading the request does not count
	return b.execute(ctx, p.Text("Command"), p, func(ctx context.Context) (context.Context, error) {
		return in.identify(ctx, p)
	})
}

// unreadable returns the response to a request whose parameters cannot be read.
func unreadable(err error) Response {
	var tooLarge *http.MaxBytesError
	var reason malformed
	switch {
	case errors.As(err, &tooLarge):
		return hardFailure(
			http.StatusRequestEntityTooLarge, codeMalformed,
			fmt.Sprintf("The body is larger than %d bytes.", tooLarge.Limit),
		)
	case errors.As(err, &reason):
		return hardFailure(http.StatusBadRequest, codeMalformed, reason.Error())
	case errors.Is(err, surface.ErrSlowBody):
		return hardFailure(http.StatusRequestTimeout, codeMalformed,
			"The body came too slowly: without credentials in the URL or at its beginning a large one has little time.")
	}
	if all := apperr.All(err); len(all) > 0 {
		return turnedAway(all[0])
	}
	return hardFailure(http.StatusBadRequest, codeMalformed, "The body could not be read.")
}

// turnedAway returns the response to a request that was rejected before its command ran, for
// example because there was no place for it or its caller could not be read from the database.
func turnedAway(fault *apperr.Error) Response {
	status, code := surface.Status(fault.Code), codeServerFault
	if fault.Code == apperr.Limited {
		code = codeLimited
	}
	response := hardFailure(status, code, sentence(fault.Message))
	response.RetryAfter = surface.RetryAfter(fault)
	return response
}

// sentCredentials returns the credentials in the parameters. Those of the Authorization header are
// used where the parameters have none.
func sentCredentials(ctx context.Context, p Parameters) account.Credentials {
	sent := account.ByToken(surface.RequestOf(ctx).Token)
	if key := p.key(); key != "" {
		sent.Key = key
	}
	if session := strings.TrimSpace(p.Text("SessionID")); session != "" {
		sent.Session = session
	}
	return sent
}

// key returns the API key in the parameters, which has two names.
func (p Parameters) key() string {
	if key := strings.TrimSpace(p.Text("APIKey")); key != "" {
		return key
	}
	return strings.TrimSpace(p.Text("AdminAPIKey"))
}

// answer is an HTTP response that is buffered until it is complete or exceeds the buffer.
type answer struct {
	writer http.ResponseWriter
	work   *surface.Work
	pace   surface.Pace
	xml    bool
	// committed reports that a part was written; lost reports that the client did not accept it.
	committed, lost bool
}

// send writes the response. If it fails before a part was committed, another response may be sent
// instead.
func (a *answer) send(response Response) (err error) {
	defer func() {
		if fault := recover(); fault != nil {
			err = fmt.Errorf("panic: %v\n%s", fault, debug.Stack())
		}
	}()
	held := buffers.Get().(*[]byte)
	e := encoder{
		syntax: jsonSyntax{}, buf: (*held)[:0], spill: func(part []byte) error { return a.write(response, part) },
	}
	defer func() {
		if cap(e.buf) <= maxHeld {
			*held = e.buf
			buffers.Put(held)
		}
	}()
	if a.xml {
		e.syntax = xmlSyntax{}
	}
	if err := e.document(response.Body); err != nil {
		return err
	}
	if !a.committed {
		a.writer.Header().Set("Content-Length", strconv.Itoa(len(e.buf)))
	}
	return a.write(response, e.buf)
}

// buffers pools the buffers of responses. Buffers above maxHeld bytes are not reused.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, 4<<10)) }}

const maxHeld = 2 * spillSize

func (a *answer) write(response Response, part []byte) error {
	if !a.committed {
		a.committed = true
		a.header(response)
	}
	return a.work.Write(func() error {
		_, err := a.pace.Write(a.writer, part)
		a.lost = err != nil
		return err
	})
}

func (a *answer) header(response Response) {
	h := a.writer.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	if a.xml {
		h.Set("Content-Type", "application/xml; charset=utf-8")
	}
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set(OperationHeader, "command")
	if response.Operation != "" {
		h.Set(OperationHeader, response.Operation)
	}
	if response.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(surface.Seconds(response.RetryAfter)))
	}
	a.writer.WriteHeader(response.Status)
}
