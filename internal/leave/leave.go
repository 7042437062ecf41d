// Package leave is the surface of recipients who leave: the page behind the unsubscribe link of a
// message, and the POST of mail programs (RFC 8058). It owns the page and the requests. It must not
// know how links are signed or what leaving changes.
package leave

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/surface"
	"campaignql/internal/tracking"
)

// maxBody is the largest body of a POST in bytes. The form of RFC 8058 has 26.
const maxBody = 4 << 10

// Options are the settings of the surface.
type Options struct {
	// Timeout is the longest time of a request in the database; 30 s by default.
	Timeout time.Duration
	Logger  *slog.Logger
}

// Handler serves the links below [tracking.UnsubscribePath].
type Handler struct {
	links   *tracking.Links
	service *tracking.Service
	Options
}

// New returns the handler. Zero options get their defaults.
func New(links *tracking.Links, service *tracking.Service, opts Options) *Handler {
	if opts.Timeout == 0 {
		opts.Timeout = 30 * time.Second
	}
	if opts.Logger == nil {
		opts.Logger = slog.Default()
	}
	return &Handler{links, service, opts}
}

// ServeHTTP shows what will happen on GET and HEAD, and unsubscribes on POST. The token is the
// credential, and nobody needs another one. Scanners and prefetching programs send no POST.
//
// A POST acts whatever its body says: that of the page has none, that of a mail program is the form
// List-Unsubscribe=One-Click, and some send it in forms of their own. It is answered with a page
// right away, as RFC 8058 wants it, without redirect or cookie. A token that the server did not make
// costs no statement and gets the same answer as one of a person who is gone.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	surface.RequestOf(r.Context()).Conceal(tracking.UnsubscribePath + "…")
	secure(w.Header())
	do := h.service.View
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodPost:
		do = h.service.Leave
		if !readBody(w, r) {
			return
		}
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		surface.LeaveUnread(w)
		page{Title: "This is not possible", Text: "Open the link in a browser."}.write(w, http.StatusMethodNotAllowed)
		return
	}
	runID, contactID, ok := h.links.Parse(strings.TrimPrefix(r.URL.Path, tracking.UnsubscribePath))
	if !ok {
		notFound.write(w, http.StatusNotFound)
		return
	}
	if err := surface.EnterNameless(r.Context()); err != nil {
		h.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.Timeout)
	defer cancel()
	l, err := do(ctx, runID, contactID)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	form(l).write(w, http.StatusOK)
}

// readBody reads a body and drops it. If it cannot, it answers and returns false.
func readBody(w http.ResponseWriter, r *http.Request) bool {
	_, err := io.Copy(io.Discard, http.MaxBytesReader(w, r.Body, maxBody))
	if err == nil {
		return true
	}
	status := http.StatusBadRequest
	if tooLarge := new(http.MaxBytesError); errors.As(err, &tooLarge) {
		status = http.StatusRequestEntityTooLarge
	}
	surface.LeaveUnread(w)
	page{Title: "Nothing has changed", Text: "The request was incomplete or too large."}.write(w, status)
	return false
}

// fail answers a request that could not be served. It logs errors that are the fault of the server.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, err error) {
	fault := surface.Public(err)
	if fault.Code == apperr.NotFound {
		notFound.write(w, http.StatusNotFound)
		return
	}
	id := surface.RequestID(r.Context())
	if surface.ServerFault(fault) {
		h.Logger.ErrorContext(r.Context(), "a recipient could not be unsubscribed", slog.String("requestId", id),
			slog.String("method", r.Method), slog.Any("error", surface.Cause(err)))
	}
	if after := surface.RetryAfter(fault); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(surface.Seconds(after)))
	}
	surface.RequestOf(r.Context()).FailedWith(surface.Code(fault.Code))
	page{
		Title: "Nothing has changed yet", Text: "The server cannot answer now. Please try again in a moment.",
	}.write(w, surface.Status(fault.Code))
}
