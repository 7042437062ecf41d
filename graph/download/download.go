package download

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"campaignql/internal/account"
	"campaignql/internal/apperr"
	"campaignql/internal/caller"
	"campaignql/internal/export"
	"campaignql/internal/gate"
	"campaignql/internal/kind"
)

// patience is how long a client may not take what is sent.
const patience = 2 * time.Minute

// Options are what the surface is built with.
type Options struct {
	Logger    *slog.Logger
	RequestID func(context.Context) string
	// Trust is how long a caller is taken to be who it was, and to be allowed what it was. Default 30 s.
	Trust time.Duration
	// Gate bounds how many files are sent at a time; nil does not.
	Gate *gate.Gate
	// Refuse answers a request without any file.
	Refuse func(w http.ResponseWriter, r *http.Request, status int, message, code string)
}

// Handler is the surface.
type Handler struct {
	accounts *account.Service
	exports  *export.Service
	Options
}

// New returns the surface.
func New(accounts *account.Service, exports *export.Service, opts Options) *Handler {
	if opts.Trust == 0 {
		opts.Trust = 30 * time.Second
	}
	return &Handler{accounts, exports, opts}
}

// ServeHTTP answers the file that the path names: {id} is the campaign's global id or legacy number, {file} is content.format. The caller is told by the header
// Authorization or, without one, by the signature of a link. The file is sent as it is read; where it cannot be finished the connection is broken, so that
// nobody takes what came for the whole.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		h.Refuse(w, r, http.StatusMethodNotAllowed, "a file is read by GET", "BAD_REQUEST")
		return
	}
	id, err := h.authenticate(r)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	ctx := caller.With(r.Context(), id)
	if _, err := caller.Authorize(ctx, kind.ScopeRead); err != nil {
		h.refuse(w, r, err)
		return
	}
	request, err := read(r, id.TimeZone)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	file, err := h.exports.Open(ctx, request)
	if err != nil {
		h.refuse(w, r, err)
		return
	}
	if r.Method == http.MethodHead {
		head(w.Header(), file)
		return
	}
	if h.Gate != nil {
		leave, err := h.Gate.Enter(id.UserID)
		if err != nil {
			h.refuse(w, r, err)
			return
		}
		defer leave()
	}
	head(w.Header(), file)
	s := &stream{Handler: h, id: id, checked: time.Now(), control: http.NewResponseController(w)}
	// The server's own deadline is of short requests; it would end this one in the middle.
	_ = s.control.SetReadDeadline(time.Time{})
	_ = s.control.SetWriteDeadline(time.Now().Add(patience))
	if err := file.Write(ctx, w, func() error { return s.flush(ctx) }); err != nil {
		if broken(err) {
			h.Logger.ErrorContext(ctx, "an export broke off", slog.String("requestId", h.RequestID(ctx)), slog.Any("error", cause(err)))
		}
		panic(http.ErrAbortHandler)
	}
	_ = s.control.SetWriteDeadline(time.Time{}) // the connection may be used for more requests
}

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
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			token = ""
		}
		return h.accounts.Authenticate(r.Context(), account.Bearer(strings.TrimSpace(token)), kind.SurfaceGraphQL)
	}
	text, by, expires := signed(r)
	if by == (account.Signature{}) {
		return caller.Identity{}, apperr.New(apperr.Unauthenticated, "authentication is required: send an API key with the scope read, or ask exportStatistics for a link")
	}
	id, err := h.accounts.AuthenticateSigned(r.Context(), text, by, kind.SurfaceGraphQL)
	if err == nil && !h.exports.Now().Before(expires) || apperr.CodeOf(err) == apperr.Unauthenticated {
		return caller.Identity{}, apperr.New(apperr.Unauthenticated, "the link has ended or was changed: ask exportStatistics for a new one")
	}
	return id, err
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, message, code := http.StatusInternalServerError, "internal error", "INTERNAL"
	switch apperr.CodeOf(err) {
	case apperr.Unauthenticated:
		status, message, code = http.StatusUnauthorized, err.Error(), "UNAUTHENTICATED"
	case apperr.Denied:
		status, message, code = http.StatusForbidden, err.Error(), "FORBIDDEN"
	case apperr.NotFound:
		status, message, code = http.StatusNotFound, err.Error(), "NOT_FOUND"
	case apperr.Invalid:
		status, message, code = http.StatusBadRequest, err.Error(), "BAD_USER_INPUT"
	case apperr.Limited:
		status, message, code = http.StatusTooManyRequests, err.Error(), "RATE_LIMITED"
	case apperr.Unavailable, apperr.Canceled:
		status, message, code = http.StatusServiceUnavailable, "the database is not available, try again", "UNAVAILABLE"
		if retryAfter(err) > 0 { // of the gate
			message = err.Error()
		}
	default:
		h.Logger.ErrorContext(r.Context(), "an export was refused", slog.String("requestId", h.RequestID(r.Context())), slog.Any("error", cause(err)))
	}
	if seconds := retryAfter(err); seconds > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(seconds))
	}
	h.Refuse(w, r, status, message, code)
}

// retryAfter is after how many seconds the client may try again, 0 where nobody knows.
func retryAfter(err error) int {
	all := apperr.All(err)
	if len(all) == 0 {
		return 0
	}
	return int((all[0].RetryAfter + time.Second - 1) / time.Second)
}

// stream is one file on its way.
type stream struct {
	*Handler
	id caller.Identity
	// checked is when it was last asked whether the caller may go on.
	checked time.Time
	control *http.ResponseController
}

// flush sends what was written, and looks now and then whether the key of a long file was revoked.
func (s *stream) flush(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := s.control.Flush(); err != nil {
		return err
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(patience))
	if time.Since(s.checked) < s.Trust {
		return nil
	}
	allowed, err := s.accounts.InForce(ctx, []caller.Identity{s.id})
	if err != nil {
		return err
	}
	if !allowed[0] {
		return apperr.New(apperr.Unauthenticated, "the key or session has ended")
	}
	s.checked = time.Now()
	return nil
}

// broken reports whether the server is at fault, and not the client that went away or may not go on.
func broken(err error) bool {
	all := apperr.All(err)
	return len(all) > 0 && (all[0].Code == apperr.Internal || all[0].Code == apperr.Unavailable)
}

func cause(err error) error {
	if all := apperr.All(err); len(all) > 0 && all[0].Err != nil {
		return all[0].Err
	}
	return err
}
