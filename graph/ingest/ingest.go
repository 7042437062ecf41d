// Package ingest is the surface POST /events: a stream of events, one JSON object a line, answered line by line. It owns the reading and answering of the
// stream; what an event is and what comes of it is the domain's.
package ingest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/kind"
	"campaignql/internal/surface"
)

const (
	// maxLine is the longest line in bytes; the texts of an event are a tenth of it.
	maxLine = 64 << 10
	// idle is how long a batch waits for more lines: a slow sender gets its answers.
	idle = 20 * time.Millisecond
	// trust is how long a caller is taken to be who it was, and to be allowed what it was.
	trust = 30 * time.Second
)

// Options are what the surface is built with.
type Options struct {
	Logger *slog.Logger
	// Timeout ends the recording of a batch, its SQL included. Default 30 s.
	Timeout time.Duration
	// Stopping is closed when the server is told to stop; never if nil.
	Stopping <-chan struct{}
}

// Handler is the surface.
type Handler struct {
	accounts *account.Service
	events   *event.Service
	Options
}

// New returns the surface.
func New(accounts *account.Service, events *event.Service, opts Options) *Handler {
	if opts.Timeout == 0 {
		opts.Timeout = 30 * time.Second
	}
	return &Handler{accounts, events, opts}
}

// ServeHTTP answers one line for each line, in their order. The lines are recorded in batches, so that an answer means that its event is in the database.
// A sender that does not take its answers while it sends is cut off in the end. The stream ends with the request, or after what was read when the server
// stops: what has no answer may be sent again.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	credentials := account.Bearer(surface.RequestOf(r.Context()).Token)
	ctx, err := h.identify(r.Context(), credentials)
	if err != nil {
		surface.Refuse(w, r, h.Logger, err)
		return
	}
	if media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || media != "application/x-ndjson" || r.Header.Get("Content-Encoding") != "" {
		surface.RefuseAs(w, r, http.StatusUnsupportedMediaType, "BAD_REQUEST", "send application/x-ndjson, not encoded: one JSON object a line")
		return
	}
	s := &stream{Handler: h, credentials: credentials, checked: time.Now(), control: http.NewResponseController(w), out: bufio.NewWriter(w), lines: make(chan line, event.MaxEvents)}
	if err := s.control.EnableFullDuplex(); err != nil && r.ProtoMajor < 2 {
		surface.Refuse(w, r, h.Logger, apperr.Wrap(apperr.Internal, err, "internal error"))
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy before the server is not to hold answers back
	w.WriteHeader(http.StatusOK)
	_ = s.control.Flush()
	in := surface.BodyOf(w, r)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.read(in)
	}()
	s.answer(ctx)
	in.End()
	for range s.lines { // what was read and has no answer is dropped
	}
	<-done
	if in.Lost() {
		panic(http.ErrAbortHandler)
	}
}

// identify returns the context of a caller who may record.
func (h *Handler) identify(ctx context.Context, credentials account.Credentials) (context.Context, error) {
	id, err := h.accounts.Authenticate(ctx, credentials, kind.SurfaceGraphQL)
	if err != nil {
		return ctx, err
	}
	surface.RequestOf(ctx).CalledBy(id)
	ctx = caller.With(ctx, id)
	_, err = caller.Authorize(ctx, kind.ScopeDelivery)
	return ctx, err
}

// stream is one request on its way.
type stream struct {
	*Handler
	credentials account.Credentials
	// checked is when the credentials were looked at last.
	checked time.Time
	control *http.ResponseController
	out     *bufio.Writer
	lines   chan line
}

// read reads lines until the body ends.
func (s *stream) read(from io.Reader) {
	defer close(s.lines)
	in := bufio.NewReaderSize(from, maxLine)
	for {
		text, err := in.ReadSlice('\n')
		long := false
		for errors.Is(err, bufio.ErrBufferFull) {
			long = true
			_, err = in.ReadSlice('\n')
		}
		if whole := err == nil || errors.Is(err, io.EOF); whole && long {
			s.lines <- line{fault: apperr.New(apperr.Invalid, "the line is longer than %d bytes", maxLine)}
		} else if whole && len(strings.TrimSpace(string(text))) > 0 {
			s.lines <- parse(text)
		}
		if err != nil {
			return
		}
	}
}

// answer records the lines in batches and answers them, until there are no more or the server stops.
func (s *stream) answer(ctx context.Context) {
	for {
		batch, more := s.gather(ctx)
		if len(batch) > 0 && !s.record(ctx, batch) {
			return
		}
		if !more {
			return
		}
	}
}

// gather waits for lines: the first one, and then as many as come without a pause.
func (s *stream) gather(ctx context.Context) (batch []line, more bool) {
	select {
	case l, ok := <-s.lines:
		if !ok {
			return nil, false
		}
		batch = append(batch, l)
	case <-s.Stopping:
		return nil, false
	case <-ctx.Done():
		return nil, false
	}
	pause := time.NewTimer(idle)
	defer pause.Stop()
	for len(batch) < event.MaxEvents {
		select {
		case l, ok := <-s.lines:
			if !ok {
				return batch, false
			}
			batch = append(batch, l)
			continue
		default:
		}
		pause.Reset(idle)
		select {
		case l, ok := <-s.lines:
			if !ok {
				return batch, false
			}
			batch = append(batch, l)
		case <-pause.C:
			return batch, true
		case <-s.Stopping:
			return batch, false
		case <-ctx.Done():
			return nil, false
		}
	}
	return batch, true
}

// record records a batch and answers it; it reports whether the sender is still there and may go on.
func (s *stream) record(ctx context.Context, batch []line) bool {
	work, done := context.WithTimeout(ctx, s.Timeout)
	defer done()
	err := s.stillAllowed(work)
	allowed := err == nil || apperr.CodeOf(err) != apperr.Unauthenticated && apperr.CodeOf(err) != apperr.Denied
	var results []event.Result
	if err == nil {
		events := make([]event.Event, len(batch))
		for i, l := range batch {
			events[i] = l.event
		}
		results, err = s.events.Record(work, events)
	}
	if err != nil && apperr.CodeOf(err) == apperr.Internal {
		s.Logger.ErrorContext(ctx, "recording events failed", slog.String("requestId", surface.RequestID(ctx)), slog.Any("error", surface.Cause(err)))
	}
	for i, l := range batch {
		told := answer{ID: l.event.ID}
		switch {
		case l.fault != nil:
			told.reject(l.fault)
		case err != nil:
			told.reject(surface.Public(err))
		default:
			told.Result = string(results[i].Outcome)
			if results[i].Err != nil {
				told.reject(results[i].Err)
			}
		}
		text, _ := json.Marshal(told) // texts alone, which always can be
		if _, err := s.out.Write(append(text, '\n')); err != nil {
			return false
		}
	}
	return s.out.Flush() == nil && s.control.Flush() == nil && allowed && ctx.Err() == nil
}

// stillAllowed looks now and then whether the key of a long stream was revoked.
func (s *stream) stillAllowed(ctx context.Context) error {
	if time.Since(s.checked) < trust {
		return nil
	}
	if _, err := s.identify(ctx, s.credentials); err != nil {
		return err
	}
	s.checked = time.Now()
	return nil
}
