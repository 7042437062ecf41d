package download

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/export"
	"campaignql/internal/gate"
	"campaignql/internal/kind"
	"campaignql/internal/surface"
)

// Options are what the surface is built with.
type Options struct {
	Logger *slog.Logger
	// Timeout ends the reading of a part of a file, its SQL included. Default 30 s.
	Timeout time.Duration
	// Gate bounds how many files are sent at a time; nil does not.
	Gate *gate.Gate
}

// Handler is the surface.
type Handler struct {
	accounts *account.Service
	exports  *export.Service
	Options
}

// New returns the surface.
func New(accounts *account.Service, exports *export.Service, opts Options) *Handler {
	if opts.Timeout == 0 {
		opts.Timeout = 30 * time.Second
	}
	return &Handler{accounts, exports, opts}
}

// ServeHTTP answers the file that the path names: {id} is the campaign's global id or legacy
// number, {file} is content.format. The caller is told by the header Authorization or, without one,
// by the signature of a link. The file is sent as it is read; where it cannot be finished the
// connection is broken, so that nobody takes what came for the whole.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		surface.RefuseAs(w, r, http.StatusMethodNotAllowed, "BAD_REQUEST", "a file is read by GET")
		return
	}
	ctx, work, done := surface.WithWork(r.Context(), h.Timeout)
	defer done()
	work.Begin()
	r = r.WithContext(ctx)
	id, err := h.authenticate(r)
	if err != nil {
		surface.Refuse(w, r, h.Logger, err)
		return
	}
	if ctx, err = surface.Enter(ctx, id); err != nil {
		surface.Refuse(w, r, h.Logger, err)
		return
	}
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		surface.Refuse(w, r, h.Logger, err)
		return
	}
	request, err := read(r, id.TimeZone)
	if err != nil {
		surface.Refuse(w, r, h.Logger, err)
		return
	}
	file, err := h.exports.Open(ctx, request)
	if err != nil {
		surface.Refuse(w, r, h.Logger, err)
		return
	}
	if r.Method == http.MethodHead {
		head(w.Header(), file)
		return
	}
	if h.Gate != nil {
		leave, err := h.Gate.Enter(id.UserID)
		if err != nil {
			surface.Refuse(w, r, h.Logger, err)
			return
		}
		defer leave()
	}
	head(w.Header(), file)
	s := &stream{follower: h.accounts.Follow(id), work: work, control: http.NewResponseController(w)}
	defer s.follower.Close()
	to := writer(func(p []byte) (n int, err error) {
		err = work.Write(func() error {
			n, err = w.Write(p)
			return err
		})
		return n, err
	})
	if err := s.write(ctx, to, file); err != nil {
		if broken(err) {
			h.Logger.ErrorContext(
				ctx, "an export broke off", slog.String("requestId", surface.RequestID(ctx)),
				slog.Any("error", surface.Cause(err)),
			)
		}
		panic(http.ErrAbortHandler)
	}
}

// writer is a function that writes.
type writer func(p []byte) (int, error)

// Write implements [io.Writer].
func (w writer) Write(p []byte) (int, error) { return w(p) }

// head describes the file.
func head(header http.Header, file *export.File) {
	media := "text/csv; charset=utf-8; header=present"
	if file.Format == export.JSON {
		media = "application/json; charset=utf-8"
	}
	header.Set("Content-Type", media)
	header.Set("Content-Disposition", `attachment; filename="`+file.Name+`"`)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer") // the address may be a credential
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Accel-Buffering", "no")
}

// authenticate finds the caller.
func (h *Handler) authenticate(r *http.Request) (caller.Identity, error) {
	if known := surface.RequestOf(r.Context()); known.HasAuthorization {
		return h.accounts.Authenticate(r.Context(), account.ByToken(known.Token), kind.SurfaceGraphQL)
	}
	text, by, expires := signed(r)
	if by == (account.Signature{}) {
		return caller.Identity{}, apperr.New(
			apperr.Unauthenticated,
			"authentication is required: send an API key with the scope read, or ask exportStatistics for a link",
		)
	}
	id, err := h.accounts.AuthenticateSigned(r.Context(), text, by, kind.SurfaceGraphQL)
	if err == nil && !h.exports.Now().Before(expires) || apperr.CodeOf(err) == apperr.Unauthenticated {
		return caller.Identity{}, apperr.New(
			apperr.Unauthenticated, "the link has ended or was changed: ask exportStatistics for a new one",
		)
	}
	return id, err
}

// stream is one file on its way.
type stream struct {
	// follower reports when the key or session has ended.
	follower *account.Follower
	work     *surface.Work
	control  *http.ResponseController
}

// write sends the file.
func (s *stream) write(ctx context.Context, w io.Writer, file *export.File) error {
	written := make(chan struct{})
	var background sync.WaitGroup
	background.Go(func() { s.cutOff(written) })
	defer background.Wait()
	defer close(written)
	return file.Write(ctx, w, func() error { return s.flush(ctx) })
}

// cutOff ends a write that waits for the client when the key or session ends before the file does.
func (s *stream) cutOff(written <-chan struct{}) {
	select {
	case <-s.follower.Ended():
		_ = s.control.SetWriteDeadline(time.Now())
	case <-written:
	}
}

// flush sends what was written, and refuses to go on when the key or session has ended.
func (s *stream) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.work.Write(s.control.Flush); err != nil {
		return err
	}
	return s.follower.Check(ctx)
}

// broken reports whether the server is at fault, and not the client that went away or may not go on.
func broken(err error) bool {
	all := apperr.All(err)
	return len(all) > 0 && (all[0].Code == apperr.Internal || all[0].Code == apperr.Unavailable)
}
