package graph

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/graph/exec"
	"campaignql/graph/model"
	"campaignql/internal/apperr"
	"campaignql/internal/surface"
)

// userCode returns the code of a failure that the caller can correct. A mutation returns these
// failures as user errors and all others as GraphQL errors.
func userCode(code apperr.Code) (model.UserErrorCode, bool) {
	switch code {
	case apperr.Invalid:
		return model.UserErrorCodeInvalid, true
	case apperr.NotFound:
		return model.UserErrorCodeNotFound, true
	case apperr.Conflict, apperr.Precondition:
		return model.UserErrorCodeConflict, true
	case apperr.Denied, apperr.Unauthenticated, apperr.Limited, apperr.Unavailable, apperr.Canceled, apperr.Internal:
		return "", false
	}
	return "", false
}

// inputPaths maps the domain's names of inputs to the names of the schema where they differ.
var inputPaths = map[string]string{
	"schedule.sendDate":   "schedule.at.date",
	"schedule.sendTime":   "schedule.at.time",
	"schedule.type":       "schedule",
	"abTest.testDuration": "abTest.testDurationHours",
}

// toUserErrors converts an error of a domain to user errors if the caller can correct all of its
// faults. Otherwise it returns the error.
func toUserErrors(ctx context.Context, err error) ([]*model.UserError, error) {
	if err == nil {
		return []*model.UserError{}, nil
	}
	faults := apperr.All(err)
	if len(faults) == 0 {
		return nil, err
	}
	out := make([]*model.UserError, len(faults))
	for i, fault := range faults {
		code, ok := userCode(fault.Code)
		if !ok {
			return nil, err
		}
		out[i] = &model.UserError{Code: code, Message: fault.Message, Field: fieldPath(ctx, fault.Field)}
		out[i].Reason = userReason(fault)
	}
	return out, nil
}

// userReason returns the reason of a user error, or nil if it has none. A test of package app proves
// that each reason that a mutation may answer is a value of the enum.
func userReason(fault *apperr.Error) *model.UserErrorReason {
	if fault.Reason == "" {
		return nil
	}
	return new(model.UserErrorReason(reasonName(fault.Reason)))
}

// reasonName returns how GraphQL writes a reason: as an enum value, also in the extensions of errors.
func reasonName(reason apperr.Reason) string { return strings.ToUpper(string(reason)) }

// fieldPath converts the domain's name of an input to the path of the argument. It returns an empty
// path if the operation has no such argument, for example if the status of a campaign does not
// allow a pause.
func fieldPath(ctx context.Context, name string) []string {
	if name == "" {
		return []string{}
	}
	if renamed, ok := inputPaths[name]; ok {
		name = renamed
	}
	if name == "schedule.timeZone" {
		name = scheduleZonePath(ctx)
	}
	if rest, ok := strings.CutPrefix(name, "schedule.recurrence."); ok {
		name = "schedule.recurring." + rest
	}
	field := graphql.GetFieldContext(ctx).Field
	if field.Name == "schedulePreview" {
		name = strings.TrimPrefix(name, "schedule") // its input is the schedule itself
	}
	path := []string{"input"}
	for part := range strings.SplitSeq(strings.NewReplacer("[", ".", "]", "").Replace(name), ".") {
		if part != "" {
			path = append(path, part)
		}
	}
	return within(field.Definition.Arguments, path)
}

// served returns the schema of the server.
var served = sync.OnceValue(func() *ast.Schema { return exec.NewExecutableSchema(exec.Config{}).Schema() })

// within cuts a path after the last element that the arguments have. The result is empty if they do
// not have the first element.
func within(arguments ast.ArgumentDefinitionList, path []string) []string {
	argument := arguments.ForName(path[0])
	if argument == nil {
		return []string{}
	}
	of := argument.Type
	for i, step := range path[1:] {
		if _, err := strconv.Atoi(step); err == nil && of.Elem != nil {
			of = of.Elem
			continue
		}
		field := served().Types[of.Name()].Fields.ForName(step)
		if field == nil && i == 0 {
			return []string{}
		}
		if field == nil {
			return path[:i+1]
		}
		of = field.Type
	}
	return path
}

// scheduleZonePath returns the path of the time zone, which depends on the kind of schedule in the
// input.
func scheduleZonePath(ctx context.Context) string {
	if fc := graphql.GetFieldContext(ctx); fc != nil {
		if in, ok := fc.Args["input"].(model.UpdateCampaignInput); ok {
			if plan, set := in.Schedule.ValueOK(); set && plan != nil && plan.Recurring.Value() != nil {
				return "schedule.recurring.timeZone"
			}
		}
	}
	return "schedule.at.timeZone"
}

// present converts an error to the error that the client sees. Only the messages of apperr and of
// GraphQL's own validation are public. The cause of any other error is logged once, with the
// request id.
func (s *server) present(ctx context.Context, err error) *gqlerror.Error {
	shown := graphql.DefaultErrorPresenter(ctx, err)
	faults := apperr.All(err)
	if len(faults) == 0 {
		if shown.Err == nil || ownError(shown) {
			return shown // an error of parsing, validation or the transport
		}
		faults = []*apperr.Error{surface.Public(err)}
	}
	fault := faults[0]
	name, path := argument(ctx, shown.Path)
	if name == "" && fault.Reason == apperr.ReasonAnswerTooLarge {
		name = innermost(ctx, shown.Path)
	}
	if name != "" && fault.Field == "" {
		named := *fault
		named.Field = name
		fault = &named
	}
	message := fault.Message
	if len(faults) > 1 {
		message = apperr.List(faults).Error()
	} else if fault.Field != "" {
		message = fault.Error()
	}
	if fault.Code == apperr.Unauthenticated && credentialsRefused(ctx) {
		message = "the API key or session is unknown, expired or revoked"
	}
	out := &gqlerror.Error{
		Message: message, Path: path, Locations: shown.Locations,
		Extensions: map[string]any{"code": surface.Code(fault.Code)},
	}
	if fault.Field != "" {
		out.Extensions["field"] = fault.Field
	}
	if fault.Reason != "" {
		out.Extensions["reason"] = reasonName(fault.Reason)
	}
	if after := surface.RetryAfter(fault); after > 0 {
		out.Extensions["retryAfterSeconds"] = surface.Seconds(after)
	}
	if id := requestID(ctx); id != "" {
		out.Extensions["requestId"] = id
	}
	chargeError(ctx, out)
	if surface.ServerFault(fault) && !errors.Is(err, errLogged) {
		s.log.ErrorContext(
			ctx, "graphql field failed", slog.String("requestId", requestID(ctx)),
			slog.String("path", pathText(shown.Path)), slog.Any("error", surface.Cause(err)),
		)
	}
	return out
}

// ownError reports whether GraphQL itself made the error. Its text is then public, and it has a
// code already.
func ownError(err *gqlerror.Error) bool {
	_, ok := err.Extensions["code"]
	return ok
}

func pathText(path ast.Path) string { return path.String() }

// errLogged is the cause of an error whose real cause is logged already.
var errLogged = errors.New("graph: logged before")

// recovered converts a panic to an internal error and logs the value and the stack.
func (s *server) recovered(ctx context.Context, value any) error {
	s.log.ErrorContext(
		ctx, "graphql resolver panicked", slog.String("requestId", requestID(ctx)), slog.Any("panic", value),
		slog.String("stack", stack()),
	)
	return apperr.Wrap(apperr.Internal, errLogged, "internal error")
}
