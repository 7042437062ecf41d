// Package ingest is the surface POST /events: a stream of events, one JSON object a line, answered
// line by line. It owns the reading and answering of the stream; what an event is and what comes of
// it is the domain's.
package ingest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"golang.org/x/sync/semaphore"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/event"
	"campaignql/internal/gate"
	"campaignql/internal/kind"
	"campaignql/internal/surface"
)

const (
	// maxLine is the longest line in bytes; the texts of an event are a tenth of it.
	maxLine = 64 << 10
	// idle is how long a batch waits for more lines: a slow sender gets its answers.
	idle = 20 * time.Millisecond
	// maxBatch is how many bytes of lines are recorded at a time; a batch ends with the line that reaches it.
	maxBatch = 1 << 20
	// maxAhead is how many lines, and maxAheadBytes how many bytes of them, are read while a batch is recorded.
	maxAhead, maxAheadBytes = 1000, 256 << 10
)

// Options are what the surface is built with.
type Options struct {
	Logger *slog.Logger
	// Gate has a place for each stream; without one there is no bound.
	Gate *gate.Gate
	// Timeout ends the recording of a batch, its SQL included, and the look-up of credentials. Default 30 s.
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
	if opts.Gate == nil {
		opts.Gate = gate.New("streams of events", 0, 0)
	}
	if opts.Timeout == 0 {
		opts.Timeout = 30 * time.Second
	}
	return &Handler{accounts, events, opts}
}

// ServeHTTP answers one line for each line, in their order. The lines are recorded in batches, so
// that an answer means that its event is in the database. A sender that does not take its answers
// while it sends is cut off in the end. The stream ends with the request, or after what was read
// when the server stops: what has no answer may be sent again.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, id, err := h.identify(r.Context())
	if err != nil {
		surface.LeaveUnread(w)
		surface.Refuse(w, r, h.Logger, err)
		return
	}
	if media, _, err := mime.ParseMediaType(
		r.Header.Get("Content-Type"),
	); err != nil || media != "application/x-ndjson" ||
		r.Header.Get("Content-Encoding") != "" {
		surface.LeaveUnread(w)
		surface.RefuseAs(
			w, r, http.StatusUnsupportedMediaType, "BAD_REQUEST",
			"send application/x-ndjson, not encoded: one JSON object a line",
		)
		return
	}
	leave, err := h.Gate.Enter(id.UserID)
	if err != nil {
		surface.LeaveUnread(w)
		surface.Refuse(w, r, h.Logger, err)
		return
	}
	defer leave()
	follower := h.accounts.Follow(id)
	defer follower.Close()
	s := &stream{
		Handler: h, follower: follower, control: http.NewResponseController(w), out: bufio.NewWriter(w),
		lines: make(chan line, maxAhead), ahead: semaphore.NewWeighted(maxAheadBytes),
	}
	if err := s.control.EnableFullDuplex(); err != nil && r.ProtoMajor < 2 {
		surface.Refuse(w, r, h.Logger, apperr.Wrap(apperr.Internal, err, "internal error"))
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no") // a proxy before the server is not to hold answers back
	w.WriteHeader(http.StatusOK)
	_ = s.control.Flush()
	in := surface.TimedBodyOf(w, r)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.read(in)
	}()
	s.answer(ctx)
	in.End()
	for l := range s.lines { // what was read and has no answer is dropped
		s.ahead.Release(l.size)
	}
	<-done
	if in.Lost() {
		panic(http.ErrAbortHandler)
	}
}

// identify returns a caller who may record, and its context.
func (h *Handler) identify(ctx context.Context) (context.Context, caller.Identity, error) {
	looking, cancel := context.WithTimeout(ctx, h.Timeout)
	defer cancel()
	id, err := h.accounts.Authenticate(looking, account.ByToken(surface.RequestOf(ctx).Token), kind.SurfaceGraphQL)
	if err != nil {
		return ctx, id, err
	}
	if ctx, err = surface.Enter(ctx, id); err != nil {
		return ctx, id, err
	}
	_, err = caller.Authorize(ctx, kind.ScopeDelivery)
	return ctx, id, err
}

// stream is one request on its way.
type stream struct {
	*Handler
	// follower reports when the key or session has ended.
	follower *account.Follower
	control  *http.ResponseController
	out      *bufio.Writer
	// lines are those that were read and are in no batch yet; ahead bounds how many bytes they have.
	lines chan line
	ahead *semaphore.Weighted
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
			s.add(line{fault: apperr.New(apperr.Invalid, "the line is longer than %d bytes", maxLine)})
		} else if whole && len(bytes.TrimSpace(text)) > 0 {
			l := parse(text)
			l.size = int64(len(text))
			s.add(l)
		}
		if err != nil {
			return
		}
	}
}

// add passes a line on to the next batch, once there is room for it. The lines are taken until the last, so it returns.
func (s *stream) add(l line) {
	_ = s.ahead.Acquire(context.Background(), l.size)
	s.lines <- l
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

// batch is what is recorded at a time, and how many bytes its lines have.
type batch struct {
	lines []line
	size  int64
}

func (b *batch) full() bool { return len(b.lines) >= event.MaxEvents || b.size >= maxBatch }

// take takes a line over into a batch.
func (s *stream) take(b *batch, l line) {
	s.ahead.Release(l.size)
	b.lines, b.size = append(b.lines, l), b.size+l.size
}

// gather waits for lines: the first one, and then as many as come without a pause.
func (s *stream) gather(ctx context.Context) (lines []line, more bool) {
	var b batch
	select {
	case l, ok := <-s.lines:
		if !ok {
			return nil, false
		}
		s.take(&b, l)
	case <-s.Stopping:
		return nil, false
	case <-s.follower.Ended():
		return nil, false
	case <-ctx.Done():
		return nil, false
	}
	pause := time.NewTimer(idle)
	defer pause.Stop()
	for !b.full() {
		select {
		case l, ok := <-s.lines:
			if !ok {
				return b.lines, false
			}
			s.take(&b, l)
			continue
		default:
		}
		pause.Reset(idle)
		select {
		case l, ok := <-s.lines:
			if !ok {
				return b.lines, false
			}
			s.take(&b, l)
		case <-pause.C:
			return b.lines, true
		case <-s.Stopping:
			return b.lines, false
		case <-ctx.Done():
			return nil, false
		}
	}
	return b.lines, true
}

// record records a batch and answers it; it reports whether the sender is still there and may go on.
func (s *stream) record(ctx context.Context, batch []line) bool {
	work, done := context.WithTimeout(ctx, s.Timeout)
	defer done()
	err := s.follower.Check(work)
	allowed := apperr.CodeOf(err) != apperr.Unauthenticated
	var results []event.Result
	if err == nil {
		events := make([]event.Event, len(batch))
		for i, l := range batch {
			events[i] = l.event
		}
		results, err = s.events.Record(work, events)
	}
	if err != nil && apperr.CodeOf(err) == apperr.Internal {
		s.Logger.ErrorContext(
			ctx, "recording events failed", slog.String("requestId", surface.RequestID(ctx)),
			slog.Any("error", surface.Cause(err)),
		)
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
