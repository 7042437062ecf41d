package command

import (
	"context"
	"slices"

	"campaignql/internal/kind"
)

// Command is the declaration of one legacy command: what it takes, what it can answer, and which GraphQL field does the same. Dispatch,
// documentation and metrics all read it.
type Command struct {
	// Name is the legacy name, such as "Campaign.Pause"; requests may write it in any case.
	Name string
	// Operation is the GraphQL field that does the same, answered in the header X-GraphQL-Operation.
	Operation string
	// Doc says what the command does.
	Doc string
	// Public commands need no caller.
	Public bool
	// Scope is what a key needs for the command, empty for a public one. The domain checks it; here it is documentation.
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
	// Reasons are the reasons of the faults that the row answers for; anyInvalid stands for every fault of a value that has no row.
	Reasons []string
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

// anyInvalid is the reason of a row that answers for every invalid value without a row of its own.
const anyInvalid = "*"

// missing is the reason of the fault that a required parameter was not given.
func missing(parameter string) string { return parameter + " missing" }

// row returns the index of the row that answers for a reason, -1 for none.
func (c *Command) row(reason string) int {
	if reason == "" {
		return -1
	}
	return slices.IndexFunc(c.Codes, func(code Code) bool { return slices.Contains(code.Reasons, reason) })
}

// required and optional declare parameters.
func required(name, doc string) Parameter {
	return Parameter{Name: name, Required: true, Doc: doc}
}

func optional(name, doc string) Parameter { return Parameter{Name: name, Doc: doc} }
