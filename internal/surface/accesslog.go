package surface

import (
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/felixge/httpsnoop"

	"campaignql/internal/caller"
)

// AccessLog says which requests are logged.
type AccessLog string

// The choices of an access log. Errors are requests that were answered with a status from 400 on, or with the code of a
// failure.
const (
	AccessLogOff    AccessLog = "off"
	AccessLogErrors AccessLog = "errors"
	AccessLogAll    AccessLog = "all"
)

// record is what surfaces find out about a request while they answer it. A WebSocket has many operations at once.
type record struct {
	mu        sync.Mutex
	operation string
	account   int64
	key       int64
	code      string
}

// Named notes which GraphQL operation or which command the request is.
func (r *Request) Named(operation string) {
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	r.record.operation = operation
}

// CalledBy notes the caller of the request.
func (r *Request) CalledBy(id caller.Identity) {
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	r.record.account, r.record.key = id.UserID, id.KeyID
}

// FailedWith notes the code of a failure. The first one of a request is kept.
func (r *Request) FailedWith(code string) {
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	if r.record.code == "" {
		r.record.code = code
	}
}

// Log writes one line for each request that which selects, once it has been answered. It never holds a query string, a
// header or a body: keys and passwords travel in those.
func Log(log *slog.Logger, which AccessLog, next http.Handler) http.Handler {
	if which == AccessLogOff {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answered := httpsnoop.Metrics{Code: http.StatusOK}
		broken := true
		defer func() { logRequest(log, which, r, answered, broken) }()
		answered.CaptureMetrics(w, func(w http.ResponseWriter) {
			next.ServeHTTP(w, r)
			broken = false
		})
	})
}

// logRequest writes the line of a request. A broken one was cut off in the middle of its answer.
func logRequest(log *slog.Logger, which AccessLog, r *http.Request, answered httpsnoop.Metrics, broken bool) {
	known := RequestOf(r.Context())
	known.record.mu.Lock()
	defer known.record.mu.Unlock()
	failed := broken || answered.Code >= http.StatusBadRequest || known.record.code != ""
	if which == AccessLogErrors && !failed {
		return
	}
	attrs := []slog.Attr{
		slog.String(
			"method", r.Method,
		),
		slog.String("path", r.URL.Path),
		slog.String("operation", known.record.operation),
		slog.Int64(
			"account", known.record.account,
		),
		slog.Int64("key", known.record.key),
		slog.Int("status", answered.Code),
		slog.String("code", known.record.code),
		slog.Float64("ms", milliseconds(answered.Duration)),
		slog.Int64(
			"bytes", answered.Written,
		),
		slog.String("client", host(known.Client)),
		slog.String("requestId", known.ID),
	}
	if broken {
		attrs = append(attrs, slog.Bool("broken", true))
	}
	log.LogAttrs(r.Context(), slog.LevelInfo, "request", attrs...)
}

// milliseconds returns a duration in milliseconds, to the microsecond.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// host returns an address without its port.
func host(address string) string {
	if h, _, err := net.SplitHostPort(address); err == nil {
		return h
	}
	return address
}
