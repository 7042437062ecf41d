package command

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/surface"
)

// The codes that belong to no single command.
const (
	codeMalformed       = 100000 // the request could not be read
	codeMethod          = 100001 // neither POST nor GET
	codeUnknownCommand  = 100003 // no Command, or an unknown one
	codeServerFault     = 100005 // a server fault
	codeUnauthenticated = 99998
	codeDenied          = 99999
	codeLimited         = 429
	codeConflict        = 409 // a conflict that the command has no code for
)

// Response is the answer to one command.
type Response struct {
	// Status is the HTTP status: 200 for every response of a command, also for a failure.
	Status int
	// Command and Operation are from the declaration; empty if no command was found.
	Command, Operation string
	// RetryAfter is how long to wait before a retry, 0 if a retry would not help.
	RetryAfter time.Duration
	// Outcome is the result of the request.
	Outcome Outcome
	// Body is the legacy envelope.
	Body Object
}

// MarshalJSON returns the envelope. A list in it is read from the database during this call.
func (r Response) MarshalJSON() ([]byte, error) { return r.Body.MarshalJSON() }

// code returns the ErrorCode of the envelope as text, empty for a success.
func (r Response) code() string {
	for _, member := range r.Body {
		if member.Name == "ErrorCode" && r.Outcome != Succeeded {
			return fmt.Sprint(member.Value)
		}
	}
	return ""
}

// hardFailure returns the envelope of a request that did not reach a command, or that the server
// could not serve.
func hardFailure(status, code int, text string) Response {
	outcome := Refused
	if status >= http.StatusInternalServerError {
		outcome = Failed
	}
	return Response{Status: status, Outcome: outcome, Body: Object{
		{"Success", false}, {"ErrorCode", code}, {"ErrorText", text},
		{"Errors", []any{Object{{"Code", code}, {"Message", text}}}},
	}}
}

func unknownCommand(name string) Response {
	return hardFailure(
		http.StatusBadRequest, codeUnknownCommand,
		fmt.Sprintf("Invalid API command: %q not found.", kind.Cut(name, 100)),
	)
}

// refused returns the envelope of a failure with status 200.
func refused(members ...Member) Response {
	return Response{Status: http.StatusOK, Outcome: Refused, Body: append(Object{{"Success", false}}, members...)}
}

// failure converts an error to a response. If the command's table has a row for the fault, the
// response has its code. Otherwise the apperr.Code of the fault determines the response.
func (b *Bridge) failure(ctx context.Context, cmd *Command, err error) Response {
	faults := apperr.All(err)
	for _, fault := range faults {
		if !ofCaller(fault.Code) && cmd.row(fault) < 0 {
			return b.general(ctx, cmd, fault.Code, fault, err)
		}
	}
	if rows := cmd.rows(faults); len(rows) > 0 {
		response := cmd.answer(rows)
		if more := new(explained); errors.As(err, &more) {
			response.Body = append(response.Body, more.members...)
		}
		return response
	}
	if len(faults) > 0 {
		return b.general(ctx, cmd, faults[0].Code, faults[0], err)
	}
	return b.general(ctx, cmd, apperr.CodeOf(err), nil, err)
}

// explained is a fault whose response has members in addition to its code and text.
type explained struct {
	err     error
	members Object
}

func (e *explained) Error() string { return e.err.Error() }
func (e *explained) Unwrap() error { return e.err }

// ofCaller reports whether the code is for a fault of the input or of the state of an object.
// Commands have their own codes for these faults.
func ofCaller(code apperr.Code) bool {
	switch code {
	case apperr.Invalid, apperr.NotFound, apperr.Conflict, apperr.Precondition:
		return true
	default:
		return false
	}
}

// general answers a fault without a row in the command's table. It is the only switch over the
// codes of the domains.
func (b *Bridge) general(ctx context.Context, cmd *Command, code apperr.Code, fault *apperr.Error, err error) Response {
	switch code {
	case apperr.Unauthenticated:
		return refused(
			Member{"ErrorCode", codeUnauthenticated}, Member{"ErrorText", "Authentication failure or session expired"},
		)
	case apperr.Denied:
		return refused(Member{"ErrorCode", codeDenied}, Member{"ErrorText", "Not enough privileges"})
	case apperr.Limited:
		response := hardFailure(http.StatusTooManyRequests, codeLimited, sentence(fault.Message))
		response.RetryAfter = surface.RetryAfter(fault)
		return response
	case apperr.Invalid, apperr.NotFound:
		return hardFailure(http.StatusBadRequest, codeMalformed, sentence(fault.Error()))
	case apperr.Conflict, apperr.Precondition:
		if fault.Reason == apperr.ReasonTooManyChanges {
			return b.later(ctx, cmd, err)
		}
		// The state of an object prevents the command, and the table of the command has no row for
		// it. A test finds missing rows.
		b.opts.Logger.WarnContext(ctx, "command has no code for a conflict",
			"request_id", b.opts.RequestID(ctx), "command", cmd.Name, "reason", fault.Reason,
			"error", err, "cause", cause(err))
		return hardFailure(http.StatusConflict, codeConflict, sentence(fault.Message))
	case apperr.Unavailable, apperr.Canceled:
		return b.later(ctx, cmd, err)
	case apperr.Internal:
		return b.fault(ctx, cmd.Name, http.StatusInternalServerError, err)
	default:
		return b.fault(
			ctx, cmd.Name, http.StatusInternalServerError,
			fmt.Errorf("command: no answer for the code %q: %w", code, err),
		)
	}
}

// later answers that the same command may succeed soon: the database is busy, the command timed
// out, or it lost too many races.
func (b *Bridge) later(ctx context.Context, cmd *Command, err error) Response {
	fault := *surface.Public(err)
	fault.Code = apperr.Unavailable // also for a lost race, which is a Conflict
	response := b.fault(ctx, cmd.Name, surface.Status(fault.Code), err)
	response.RetryAfter = surface.RetryAfter(&fault)
	return response
}

// fault logs a server fault and answers without its cause.
func (b *Bridge) fault(ctx context.Context, command string, status int, err error) Response {
	id, level := b.opts.RequestID(ctx), slog.LevelError
	switch shown := surface.Public(err); {
	case shown.Code == apperr.Canceled:
		level = slog.LevelInfo // the client disconnected or was too slow
	case shown.Code == apperr.Unavailable && !surface.ServerFault(shown):
		level = slog.LevelInfo // the server is busy, which is not an error
	}
	b.opts.Logger.Log(
		ctx, level, "command failed", "request_id", id, "command", command, "error", err, "cause", cause(err),
	)
	return hardFailure(status, codeServerFault, "An unexpected error occurred on the server, request "+id+".")
}

// cause returns the cause of the innermost public error, because the public message alone is not
// useful in a log.
func cause(err error) error {
	var one *apperr.Error
	if errors.As(err, &one) && one.Err != nil {
		return one.Err
	}
	return nil
}

// matched is a row of an error table that applies, with the message of the fault.
type matched struct {
	row    int
	code   Code
	detail string
}

// rows returns the rows that report the faults, in the order of the table, each once.
func (c *Command) rows(faults []*apperr.Error) []matched {
	var found []matched
	for _, fault := range faults {
		i := c.row(fault)
		if i < 0 || slices.ContainsFunc(found, func(m matched) bool { return m.row == i }) {
			continue
		}
		detail := fault.Message
		if c.Codes[i].NamesField {
			detail = fault.Error()
		}
		found = append(found, matched{row: i, code: c.Codes[i], detail: detail})
	}
	slices.SortFunc(found, func(a, b matched) int { return a.row - b.row })
	return found
}

func (m matched) text() string {
	if m.code.Detail && m.detail != "" {
		return m.code.Text + ": " + m.detail
	}
	return m.code.Text
}

// answer writes the first row, or all rows if the command answers with arrays.
func (c *Command) answer(rows []matched) Response {
	first := rows[0]
	switch first.code.Shape {
	case Array:
		var codes, texts []any
		for _, m := range rows {
			if m.code.Shape == Array {
				codes, texts = append(codes, m.code.Number), append(texts, m.text())
			}
		}
		return refused(Member{"ErrorCode", codes}, Member{"ErrorText", texts})
	case Keyed:
		return refused(Member{"ErrorCode", Object{{"campaigns", first.code.Number}}}, Member{"ErrorText", first.text()})
	case Message:
		return refused(Member{"ErrorCode", first.code.Number}, Member{"ErrorMessage", first.text()})
	default:
		return refused(Member{"ErrorCode", first.code.Number}, Member{"ErrorText", first.text()})
	}
}

// sentence capitalizes the first letter of a message and adds a full stop.
func sentence(message string) string {
	if message == "" || message[0] < 'a' || message[0] > 'z' {
		return message
	}
	return string(message[0]-'a'+'A') + message[1:] + "."
}
