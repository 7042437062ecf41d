// Package apperr owns the error type that the domain packages return, and the closed list of its
// codes. It must not know GraphQL, the Command bridge or any driver: each surface maps the codes
// itself, in one place.
package apperr

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code classifies a failure. The list of codes is append-only, because clients and both surfaces
// switch over it.
type Code string

const (
	// Invalid: the caller sent a value that is not valid. Field names the value.
	Invalid Code = "invalid"
	// NotFound: the object does not exist, or belongs to another account.
	NotFound Code = "not_found"
	// Conflict: the object is not in the state that the call needs, or a concurrent request changed
	// it.
	Conflict Code = "conflict"
	// Denied: the caller is authenticated, but is not allowed to do this.
	Denied Code = "denied"
	// Unauthenticated: the caller is not authenticated.
	Unauthenticated Code = "unauthenticated"
	// Limited: a rate or size limit was reached; RetryAfter may be set.
	Limited Code = "limited"
	// Precondition: the expectedVersion of the caller is stale.
	Precondition Code = "precondition"
	// Unavailable: the database cannot be reached or is too busy. A retry may succeed.
	Unavailable Code = "unavailable"
	// Canceled: the caller disconnected, or the deadline passed.
	Canceled Code = "canceled"
	// Internal: a fault of the server. Message is generic; Err holds the cause for the log.
	Internal Code = "internal"
)

// Codes returns every code, in the order of declaration.
func Codes() []Code {
	return []Code{
		Invalid, NotFound, Conflict, Denied, Unauthenticated, Limited, Precondition, Unavailable, Canceled, Internal,
	}
}

// Error is a failure that a domain reports. Message is public: it describes the problem for a
// person, and never contains SQL, paths or driver text. Field is the path of the invalid domain
// input in lower camel case ("schedule.timeZone"), or empty if no single input is at fault. Reason,
// if set, is one of the registered reasons. RetryAfter, if positive, is how long the caller of a
// Limited or Unavailable error should wait before a retry. Err is the cause; it is logged and never
// sent to a client.
type Error struct {
	Code       Code
	Message    string
	Field      string
	Reason     Reason
	RetryAfter time.Duration
	Err        error
}

// Error returns the public message, prefixed with the field if there is one.
func (e *Error) Error() string {
	if e.Field != "" {
		return e.Field + ": " + e.Message
	}
	return e.Message
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// New returns an error of the given code with a public message.
func New(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// InvalidField returns an Invalid error about one field, with a stable reason.
func InvalidField(field string, reason Reason, format string, args ...any) *Error {
	return &Error{Code: Invalid, Field: field, Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// NotFoundf returns the NotFound error for an object of the given kind ("campaign"). The error is
// the same for an object of another account and for one that does not exist.
func NotFoundf(kind string) *Error {
	return &Error{Code: NotFound, Reason: Reason(kind + "_not_found"), Message: kind + " not found"}
}

// Wrap returns an error of the given code whose public message is message and whose cause is err.
func Wrap(code Code, err error, message string) *Error {
	return &Error{Code: code, Message: message, Err: err}
}

// CodeOf returns the code of err. If err is or wraps an *Error or a List, this is the code of its
// first fault. If err is the error of an ended context, it is Canceled. Otherwise it is Internal,
// or "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	if list := All(err); len(list) > 0 {
		return list[0].Code
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return Canceled
	}
	return Internal
}

// List holds several faults of one input, which are reported together. It is never empty.
type List []*Error

// Error joins the messages.
func (l List) Error() string {
	parts := make([]string, len(l))
	for i, e := range l {
		parts[i] = e.Error()
	}
	return strings.Join(parts, "; ")
}

// Unwrap returns the faults, so that errors.As finds the first one.
func (l List) Unwrap() []error {
	out := make([]error, len(l))
	for i, e := range l {
		out[i] = e
	}
	return out
}

// All returns the faults of err in order: those of a List, or a single *Error. It returns nil if
// err is neither.
func All(err error) []*Error {
	var list List
	if errors.As(err, &list) {
		return list
	}
	var one *Error
	if errors.As(err, &one) {
		return []*Error{one}
	}
	return nil
}

// maxFaults is the maximum number of reported faults of one input. It bounds the size of a
// response.
const maxFaults = 100

// Faults collects the faults of one input, at most the first 100. The zero value is ready to use.
type Faults struct{ list List }

// Add appends a fault. It ignores nil. An error that is neither an *Error nor a List becomes an
// Internal fault.
func (f *Faults) Add(err error) {
	if err == nil || len(f.list) == maxFaults {
		return
	}
	if all := All(err); len(all) > 0 {
		f.list = append(f.list, all[:min(len(all), maxFaults-len(f.list))]...)
		return
	}
	f.list = append(f.list, Wrap(Internal, err, "internal error"))
}

// Err returns nil if there is no fault, the *Error if there is one, and a List if there are
// several.
func (f *Faults) Err() error {
	switch len(f.list) {
	case 0:
		return nil
	case 1:
		return f.list[0]
	default:
		return f.list
	}
}
