package surface

import (
	"cmp"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/felixge/httpsnoop"

	"campaignql/internal/caller"
)

// AccessLog selects the requests that are logged.
type AccessLog string

// The values of AccessLog. AccessLogErrors selects requests that were answered with status 400 or
// above, or with an error code.
const (
	AccessLogOff    AccessLog = "off"
	AccessLogErrors AccessLog = "errors"
	AccessLogAll    AccessLog = "all"
)

// record collects facts about a request while it is handled. The mutex is needed because the
// operations of one WebSocket run concurrently.
type record struct {
	mu        sync.Mutex
	operation string
	account   int64
	key       int64
	code      string
	// path replaces the path of the URL if it is not empty.
	path string
}

// Named records the name of the GraphQL operation or command.
func (r *Request) Named(operation string) {
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	r.record.operation = operation
}

// CalledBy records the caller of the request.
func (r *Request) CalledBy(id caller.Identity) {
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	r.record.account, r.record.key = id.UserID, id.KeyID
}

// FailedWith records an error code. Only the first code of a request is kept.
func (r *Request) FailedWith(code string) {
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	if r.record.code == "" {
		r.record.code = code
	}
}

// Conceal has the log show path instead of the path of the URL, which contains a secret.
func (r *Request) Conceal(path string) {
	r.record.mu.Lock()
	defer r.record.mu.Unlock()
	r.record.path = path
}

// logPath returns the path of a request as the log may show it.
func logPath(r *http.Request) string {
	known := RequestOf(r.Context())
	known.record.mu.Lock()
	defer known.record.mu.Unlock()
	return cmp.Or(known.record.path, r.URL.Path)
}

// Log writes one log line for each request that which selects, after the response was sent. The
// line never contains the query string, headers or body, because they can contain keys and
// passwords.
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

// logRequest writes the log line of a request. broken means that the handler panicked before it
// completed the response.
func logRequest(log *slog.Logger, which AccessLog, r *http.Request, answered httpsnoop.Metrics, broken bool) {
	known, path := RequestOf(r.Context()), logPath(r)
	known.record.mu.Lock()
	defer known.record.mu.Unlock()
	failed := broken || answered.Code >= http.StatusBadRequest || known.record.code != ""
	if which == AccessLogErrors && !failed {
		return
	}
	attrs := []slog.Attr{
		slog.String("method", r.Method),
		slog.String("path", path),
		slog.String("operation", known.record.operation),
		slog.Int64("account", known.record.account),
		slog.Int64("key", known.record.key),
		slog.Int("status", answered.Code),
		slog.String("code", known.record.code),
		slog.Float64("ms", milliseconds(answered.Duration)),
		slog.Int64("bytes", answered.Written),
		slog.String("client", host(known.Client)),
		slog.String("requestId", known.ID),
	}
	if broken {
		attrs = append(attrs, slog.Bool("broken", true))
	}
	log.LogAttrs(r.Context(), slog.LevelInfo, "request", attrs...)
}

// milliseconds converts a duration to milliseconds with microsecond precision.
func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// host returns an address without its port.
func host(address string) string {
	if h, _, err := net.SplitHostPort(address); err == nil {
		return h
	}
	return address
}
