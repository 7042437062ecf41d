// Package apperr owns the one error type that the domain packages return and the closed list of
// codes it may carry. It knows nothing of GraphQL, of the Command bridge or of any driver: each
// surface maps the codes in one switch of its own.
package apperr

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Code classifies a failure. The list is append-only: clients and both surfaces switch over it.
type Code string

const (
	// Invalid: the caller sent a value that cannot be accepted; Field names it.
	Invalid Code = "invalid"
	// NotFound: no such object for this caller, whether it does not exist or belongs to another account.
	NotFound Code = "not_found"
	// Conflict: the object is not in the state the call needs, or changed meanwhile.
	Conflict Code = "conflict"
	// Denied: the caller is known but may not do this.
	Denied Code = "denied"
	// Unauthenticated: the caller is not known.
	Unauthenticated Code = "unauthenticated"
	// Limited: a rate or size limit was reached; RetryAfter may be set.
	Limited Code = "limited"
	// Precondition: the expectedVersion of the caller is stale.
	Precondition Code = "precondition"
	// Unavailable: the database cannot be reached or is too busy; trying again may help.
	Unavailable Code = "unavailable"
	// Canceled: the caller went away or its time ran out.
	Canceled Code = "canceled"
	// Internal: a fault of the server. Message is generic; Err holds the cause for the log.
	Internal Code = "internal"
)

// Codes lists every code, in the order of declaration.
func Codes() []Code {
	return []Code{
		Invalid, NotFound, Conflict, Denied, Unauthenticated, Limited, Precondition, Unavailable, Canceled, Internal,
	}
}

// Error is a failure a domain reports. Message is public: it names the reason in words for a person
// and never carries SQL, paths or driver text. Field is the path of the domain input that is at
// fault, in lower camel case ("schedule.timeZone"), empty where no single input is. Reason, when
// set, is one of the registered reasons. RetryAfter, when positive, is how long a Limited caller
// should wait. Err is the cause; it is logged and never shown.
type Error struct {
	Code       Code
	Message    string
	Field      string
	Reason     Reason
	RetryAfter time.Duration
	Err        error
}

// Error returns the public message, prefixed by the field where there is one.
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

// NotFoundf returns the NotFound error for an object of the given kind ("campaign"). It says the same for an object of
// another account as for one that does not exist.
func NotFoundf(kind string) *Error {
	return &Error{Code: NotFound, Reason: Reason(kind + "_not_found"), Message: kind + " not found"}
}

// Wrap returns an error of the given code whose public message is message and whose cause is err.
func Wrap(code Code, err error, message string) *Error {
	return &Error{Code: code, Message: message, Err: err}
}

// CodeOf returns the code of err: its own when err is or wraps an *Error or a List, Canceled for an
// ended context, otherwise Internal.
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

// List is several faults of one input, reported together. It is never empty.
type List []*Error

// Error joins the messages.
func (l List) Error() string {
	parts := make([]string, len(l))
	for i, e := range l {
		parts[i] = e.Error()
	}
	return strings.Join(parts, "; ")
}

// Unwrap returns the faults, so that errors.As finds the first.
func (l List) Unwrap() []error {
	out := make([]error, len(l))
	for i, e := range l {
		out[i] = e
	}
	return out
}

// All returns the faults err carries, in order: those of a List, or the single *Error, or nil when err is neither.
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

// maxFaults is how many faults of one input are told: an answer does not grow with what is wrong.
const maxFaults = 100

// Faults collects the faults of one input, the first hundred. The zero value is ready to use.
type Faults struct{ list List }

// Add appends a fault; nil is ignored, an error that is neither *Error nor List is kept as Internal.
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

// Err returns nil without faults, the fault itself when there is one, and a List otherwise.
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
