package command

import (
	"context"
	"slices"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
)

// Command is the declaration of one legacy command: what it takes, what it can answer, and which
// GraphQL field does the same. Dispatch, documentation and metrics all read it.
type Command struct {
	// Name is the legacy name, such as "Campaign.Pause"; requests may write it in any case.
	Name string
	// Operation is the GraphQL field that does the same, answered in the header X-GraphQL-Operation.
	Operation string
	// Doc says what the command does.
	Doc string
	// Public commands need no caller.
	Public bool
	// Scope is what a key needs for the command, empty for a public one. The domain checks it; here
	// it is documentation.
	Scope kind.Scope
	// Parameters are what the command reads. Any other parameter is ignored.
	Parameters []Parameter
	// Codes is the error table, in the order in which faults are reported: of several the first answers.
	Codes []Code

	run func(ctx context.Context, p Parameters) (Object, error)
}

// Parameter is the declaration of one parameter.
type Parameter struct {
	// Name is the legacy name; requests may write it in any case.
	Name string
	// Required parameters have a code of their own when they are missing.
	Required bool
	// Doc says what the parameter means and which values it takes.
	Doc string
}

// Code is one row of a command's error table.
type Code struct {
	// Number is the ErrorCode.
	Number int
	// Text is the ErrorText. With Detail the domain's own message follows it.
	Text   string
	Detail bool
	// Shape is the way the code is written.
	Shape Shape
	// Missing is the required parameter whose absence the row answers for, empty for none.
	Missing string
	// Reasons are the reasons of the faults that the row answers for.
	Reasons []apperr.Reason
	// Field, if set, limits Reasons to faults of this input of the domain.
	Field string
	// NamesField puts the field of the fault before its message, in rows that answer for several fields.
	NamesField bool
}

// Shape is the way in which a failure is written in the envelope.
type Shape int

const (
	// Plain: "ErrorCode":1,"ErrorText":"…".
	Plain Shape = iota
	// Array: "ErrorCode":[1,2],"ErrorText":["…","…"], with every row that applies.
	Array
	// Message: "ErrorCode":1,"ErrorMessage":"…".
	Message
	// Keyed: "ErrorCode":{"campaigns":1},"ErrorText":"…".
	Keyed
)

// answers reports whether the row answers for a fault.
func (c Code) answers(fault *apperr.Error) bool {
	if fault.Reason == apperr.ReasonParameterMissing {
		return c.Missing != "" && c.Missing == fault.Field
	}
	return slices.Contains(c.Reasons, fault.Reason) && (c.Field == "" || c.Field == fault.Field)
}

// row returns the index of the row that answers for a fault, -1 for none.
func (c *Command) row(fault *apperr.Error) int {
	return slices.IndexFunc(c.Codes, func(code Code) bool { return code.answers(fault) })
}

// Answers reports whether the table has a row for a reason, whatever the field.
func (c *Command) Answers(reason apperr.Reason) bool {
	return slices.ContainsFunc(c.Codes, func(code Code) bool { return slices.Contains(code.Reasons, reason) })
}

// required and optional declare parameters.
func required(name, doc string) Parameter {
	return Parameter{Name: name, Required: true, Doc: doc}
}

func optional(name, doc string) Parameter { return Parameter{Name: name, Doc: doc} }
