// Package ingest is the surface POST /events: a stream of events with one JSON object per line,
// answered line by line. It owns the reading of the stream and the answers. The domain owns the
// meaning of an event and its effects.
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
	// maxLine is the length of the longest line in bytes. The texts of an event are at most a tenth
	// of it.
	maxLine = 64 << 10
	// idle is how long a batch waits for more lines. Then it is recorded, so that a slow sender
	// gets its answers.
	idle = 20 * time.Millisecond
	// maxBatch is the size in bytes from which a batch is full. A batch ends with the line that
	// reaches it.
	maxBatch = 1 << 20
	// maxAhead is the number of lines, and maxAheadBytes their total size in bytes, that are read
	// while a batch is recorded.
	maxAhead, maxAheadBytes = 1000, 256 << 10
)

// Options are the settings of the surface.
type Options struct {
	Logger *slog.Logger
	// Gate has a place for each stream. Nil means no limit.
	Gate *gate.Gate
	// Timeout is the time limit for recording a batch, including its SQL, and for the
	// authentication; 30 s by default.
	Timeout time.Duration
	// Stopping is closed when the server begins to stop. Nil means that this never happens.
	Stopping <-chan struct{}
}

// Handler serves POST /events.
type Handler struct {
	accounts *account.Service
	events   *event.Service
	Options
}

// New returns the handler. Zero options get their defaults.
func New(accounts *account.Service, events *event.Service, opts Options) *Handler {
	if opts.Gate == nil {
		opts.Gate = gate.New("streams of events", 0, 0)
	}
	if opts.Timeout == 0 {
		opts.Timeout = 30 * time.Second
	}
	return &Handler{accounts, events, opts}
}

// ServeHTTP answers each line with one line, in the order of the request. The lines are recorded in
// batches, and an answer is sent only after its event is in the database. A sender that does not
// read its answers while it sends loses its connection in the end. The stream ends with the
// request. If the server stops, the stream ends after the batch that was read. A sender may send
// lines without an answer again.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, id, err := h.identify(r.Context())
	if err != nil {
		surface.LeaveUnread(w)
		surface.Refuse(w, r, h.Logger, err)
		return
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-ndjson" || r.Header.Get("Content-Encoding") != "" {
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
	w.Header().Set("X-Accel-Buffering", "no") // a proxy must not buffer the answers
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
	for l := range s.lines { // lines that were read but not answered are dropped
		s.ahead.Release(l.size)
	}
	<-done
	in.Finish(w)
}

// identify authenticates the caller and checks its permission to record events. It also returns the
// caller's context.
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

// stream is the state of one request.
type stream struct {
	*Handler
	// follower reports when the caller's key or session has ended.
	follower *account.Follower
	control  *http.ResponseController
	out      *bufio.Writer
	// lines holds the lines that were read and are in no batch yet. ahead limits their total size
	// in bytes.
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

// add passes a line on to the next batch when there is room for it. It always returns, because
// ServeHTTP receives all lines, even after the last batch.
func (s *stream) add(l line) {
	_ = s.ahead.Acquire(context.Background(), l.size)
	s.lines <- l
}

// answer records the lines in batches and writes the answers, until there are no more lines or the
// server stops.
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

// batch holds the lines that are recorded together and their total size in bytes.
type batch struct {
	lines []line
	size  int64
}

func (b *batch) full() bool { return len(b.lines) >= event.MaxEvents || b.size >= maxBatch }

// take moves a line to a batch.
func (s *stream) take(b *batch, l line) {
	s.ahead.Release(l.size)
	b.lines, b.size = append(b.lines, l), b.size+l.size
}

// gather returns the lines of the next batch: the first line, and all lines that follow without a
// pause. more reports whether there may be further lines.
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

// record records a batch and writes its answers. It reports whether the sender is still connected
// and may send more.
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
		text, _ := json.Marshal(told) // cannot fail for strings
		if _, err := s.out.Write(append(text, '\n')); err != nil {
			return false
		}
	}
	return s.out.Flush() == nil && s.control.Flush() == nil && allowed && ctx.Err() == nil
}
