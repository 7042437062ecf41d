package command

import (
	"context"
	"slices"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
)

// Command declares one legacy command: its parameters, its error codes, and the equivalent GraphQL
// field. Dispatch, documentation and metrics use it.
type Command struct {
	// Name is the legacy name, such as "Campaign.Pause". The case does not matter in requests.
	Name string
	// Operation is the equivalent GraphQL field. The header X-GraphQL-Operation of the response
	// contains it.
	Operation string
	// Doc describes what the command does.
	Doc string
	// Public is true if the command needs no caller.
	Public bool
	// Scope is the scope that a key needs for the command, empty for a public one. It is only
	// documentation here; the domain checks it.
	Scope kind.Scope
	// Parameters are the parameters that the command reads. Other parameters are ignored.
	Parameters []Parameter
	// Codes is the error table, in order of precedence: if several faults occur, the first one is
	// answered.
	Codes []Code

	run func(ctx context.Context, p Parameters) (Object, error)
}

// Parameter declares one parameter.
type Parameter struct {
	// Name is the legacy name. The case does not matter in requests.
	Name string
	// Required is true if the command has an error code for a missing value.
	Required bool
	// Doc describes the meaning and the valid values of the parameter.
	Doc string
}

// Code is one row of a command's error table.
type Code struct {
	Number int
	// Text is the ErrorText. With Detail, the message of the domain is appended.
	Text   string
	Detail bool
	// Shape is the format of the failure.
	Shape Shape
	// Missing is the required parameter whose absence this row reports, or empty.
	Missing string
	// Reasons are the reasons of the faults that this row reports.
	Reasons []apperr.Reason
	// Field, if set, restricts Reasons to faults of this input field of the domain.
	Field string
	// NamesField prefixes the message with the field of the fault, in rows for several fields.
	NamesField bool
}

// Shape is the format of a failure in the envelope.
type Shape int

const (
	// Plain is "ErrorCode":1,"ErrorText":"…".
	Plain Shape = iota
	// Array is "ErrorCode":[1,2],"ErrorText":["…","…"], with every row that applies.
	Array
	// Message is "ErrorCode":1,"ErrorMessage":"…".
	Message
	// Keyed is "ErrorCode":{"campaigns":1},"ErrorText":"…".
	Keyed
)

// answers reports whether the row reports this fault.
func (c Code) answers(fault *apperr.Error) bool {
	if fault.Reason == apperr.ReasonParameterMissing {
		return c.Missing != "" && c.Missing == fault.Field
	}
	return slices.Contains(c.Reasons, fault.Reason) && (c.Field == "" || c.Field == fault.Field)
}

// row returns the index of the first row that reports the fault, or -1.
func (c *Command) row(fault *apperr.Error) int {
	return slices.IndexFunc(c.Codes, func(code Code) bool { return code.answers(fault) })
}

// Answers reports whether the table has a row for a reason, for any field.
func (c *Command) Answers(reason apperr.Reason) bool {
	return slices.ContainsFunc(c.Codes, func(code Code) bool { return slices.Contains(code.Reasons, reason) })
}

// required and optional declare parameters.
func required(name, doc string) Parameter {
	return Parameter{Name: name, Required: true, Doc: doc}
}

func optional(name, doc string) Parameter { return Parameter{Name: name, Doc: doc} }
