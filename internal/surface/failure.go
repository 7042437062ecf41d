package surface

import (
	"bufio"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/felixge/httpsnoop"

	"campaignql/internal/apperr"
)

// row says how an error with one code is answered.
type row struct {
	status int
	code   string
	// retry is the time after which the client may try again, unless the error has its own. Limited
	// has none: some limits do not pass with time, and those that do set RetryAfter.
	retry time.Duration
}

// rows maps error codes to GraphQL's extensions.code and to the HTTP status of a request that was
// not executed. An error of a GraphQL field leaves the status 200. A failed command is answered
// with its legacy code instead: see failure.go of package command.
var rows = map[apperr.Code]row{
	apperr.Invalid:         {status: http.StatusBadRequest, code: "BAD_USER_INPUT"},
	apperr.NotFound:        {status: http.StatusNotFound, code: "NOT_FOUND"},
	apperr.Conflict:        {status: http.StatusConflict, code: "CONFLICT"},
	apperr.Precondition:    {status: http.StatusConflict, code: "CONFLICT"},
	apperr.Denied:          {status: http.StatusForbidden, code: "FORBIDDEN"},
	apperr.Unauthenticated: {status: http.StatusUnauthorized, code: "UNAUTHENTICATED"},
	apperr.Limited:         {status: http.StatusTooManyRequests, code: "RATE_LIMITED"},
	apperr.Unavailable:     {status: http.StatusServiceUnavailable, code: "UNAVAILABLE", retry: time.Second},
	apperr.Canceled:        {status: http.StatusServiceUnavailable, code: "CANCELED", retry: time.Second},
	apperr.Internal:        {status: http.StatusInternalServerError, code: "INTERNAL"},
}

func rowOf(code apperr.Code) row {
	if r, ok := rows[code]; ok {
		return r
	}
	return rows[apperr.Internal]
}

// Status returns the HTTP status of an error code.
func Status(code apperr.Code) int { return rowOf(code).status }

// Code returns the GraphQL extensions.code of an error code.
func Code(code apperr.Code) string { return rowOf(code).code }

// RetryAfter returns the time after which the client may try again, or 0 if a retry does not help.
func RetryAfter(fault *apperr.Error) time.Duration {
	if fault.RetryAfter > 0 {
		return fault.RetryAfter
	}
	return rowOf(fault.Code).retry
}

// Seconds rounds a time to wait up to whole seconds, as Retry-After needs it.
func Seconds(wait time.Duration) int { return int((wait + time.Second - 1) / time.Second) }

// Public returns the error that the client sees: the first apperr.Error in err, or a generic one.
func Public(err error) *apperr.Error {
	if all := apperr.All(err); len(all) > 0 {
		return all[0]
	}
	code := apperr.CodeOf(err)
	message := "internal error"
	if code == apperr.Canceled {
		message = "the request was canceled or took too long"
	}
	return apperr.Wrap(code, err, message)
}

// Cause returns the error to log: the cause of the first apperr.Error in err, or err itself if
// there is none.
func Cause(err error) error {
	if all := apperr.All(err); len(all) > 0 && all[0].Err != nil {
		return all[0].Err
	}
	return err
}

// ServerFault reports whether an error has to be logged as one of the server: an internal one, or
// one of the database. A server that is only busy has no cause to log.
func ServerFault(fault *apperr.Error) bool {
	return fault.Code == apperr.Internal || fault.Code == apperr.Unavailable && fault.Err != nil
}

// Refuse answers a request with an error in GraphQL's format. It logs errors that are the fault of
// the server.
func Refuse(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	fault := Public(err)
	if ServerFault(fault) {
		log.ErrorContext(r.Context(), "request failed", slog.String("requestId", RequestID(r.Context())),
			slog.String("path", logPath(r)), slog.Any("error", Cause(err)))
	}
	if after := RetryAfter(fault); after > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(Seconds(after)))
	}
	RefuseAs(w, r, Status(fault.Code), Code(fault.Code), fault.Error())
}

// RefuseAs answers with a status and a code that no domain error has, for example 405.
func RefuseAs(w http.ResponseWriter, r *http.Request, status int, code, message string) {
	RequestOf(r.Context()).FailedWith(code)
	extensions := map[string]string{"code": code}
	if id := RequestID(r.Context()); id != "" {
		extensions["requestId"] = id
	}
	WriteJSON(w, status, map[string]any{"errors": []any{map[string]any{"message": message, "extensions": extensions}}})
}

// Recover handles a panic of next: it logs the panic with its stack and answers with an internal
// error. If a part of the response was already sent, Recover aborts the connection instead, so that
// the client does not take the part for a complete response. [http.ErrAbortHandler] is passed on.
func Recover(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		begun := false
		begin := func() { begun = true }
		w = httpsnoop.Wrap(w, httpsnoop.Hooks{
			WriteHeader: func(next httpsnoop.WriteHeaderFunc) httpsnoop.WriteHeaderFunc {
				return func(code int) { begin(); next(code) }
			},
			Write: func(next httpsnoop.WriteFunc) httpsnoop.WriteFunc {
				return func(p []byte) (int, error) { begin(); return next(p) }
			},
			Hijack: func(next httpsnoop.HijackFunc) httpsnoop.HijackFunc {
				return func() (net.Conn, *bufio.ReadWriter, error) { begin(); return next() }
			},
		})
		defer func() {
			value := recover()
			if value == nil {
				return
			}
			if value == http.ErrAbortHandler {
				panic(value)
			}
			log.ErrorContext(r.Context(), "request panicked", slog.String("requestId", RequestID(r.Context())),
				slog.String("path", logPath(r)), slog.Any("panic", value), slog.String("stack", string(debug.Stack())))
			if begun {
				RequestOf(r.Context()).FailedWith(Code(apperr.Internal))
				panic(http.ErrAbortHandler)
			}
			RefuseAs(w, r, http.StatusInternalServerError, Code(apperr.Internal), "internal error")
		}()
		next.ServeHTTP(w, r)
	})
}
