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

// Options are the settings of the surface.
type Options struct {
	Logger *slog.Logger
	// Timeout is the time limit for reading one part of a file, including its SQL; 30 s by default.
	Timeout time.Duration
	// Gate limits the number of files that are sent concurrently. Nil means no limit.
	Gate *gate.Gate
}

// Handler serves GET /export.
type Handler struct {
	accounts *account.Service
	exports  *export.Service
	Options
}

// New returns the handler. Zero options get their defaults.
func New(accounts *account.Service, exports *export.Service, opts Options) *Handler {
	if opts.Timeout == 0 {
		opts.Timeout = 30 * time.Second
	}
	return &Handler{accounts, exports, opts}
}

// ServeHTTP sends the file that the path names: {id} is the campaign's global id or legacy number,
// {file} is content.format. The header Authorization identifies the caller. Without that header,
// the signature of a link does. The file is sent while it is read. If it cannot be finished, the
// connection is aborted, so that the client does not take a partial file for the whole.
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

// writer adapts a function to [io.Writer].
type writer func(p []byte) (int, error)

// Write implements [io.Writer].
func (w writer) Write(p []byte) (int, error) { return w(p) }

// head sets the response headers of a file.
func head(header http.Header, file *export.File) {
	media := "text/csv; charset=utf-8; header=present"
	if file.Format == export.JSON {
		media = "application/json; charset=utf-8"
	}
	header.Set("Content-Type", media)
	header.Set("Content-Disposition", `attachment; filename="`+file.Name+`"`)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer") // the URL may contain a signature
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Accel-Buffering", "no")
}

// authenticate returns the caller, from the header Authorization or from the signature of a link.
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

// stream is the transfer of one file.
type stream struct {
	// follower reports when the caller's key or session has ended.
	follower *account.Follower
	work     *surface.Work
	control  *http.ResponseController
}

func (s *stream) write(ctx context.Context, w io.Writer, file *export.File) error {
	written := make(chan struct{})
	var background sync.WaitGroup
	background.Go(func() { s.cutOff(written) })
	defer background.Wait()
	defer close(written)
	return file.Write(ctx, w, func() error { return s.flush(ctx) })
}

// cutOff ends a write that waits for the client if the key or session ends before the file does.
func (s *stream) cutOff(written <-chan struct{}) {
	select {
	case <-s.follower.Ended():
		_ = s.control.SetWriteDeadline(time.Now())
	case <-written:
	}
}

// flush sends the buffered data. It returns an error if the key or session has ended.
func (s *stream) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.work.Write(s.control.Flush); err != nil {
		return err
	}
	return s.follower.Check(ctx)
}

// broken reports whether the server caused the error. It returns false if the client disconnected
// or is no longer authorized.
func broken(err error) bool {
	all := apperr.All(err)
	return len(all) > 0 && (all[0].Code == apperr.Internal || all[0].Code == apperr.Unavailable)
}
