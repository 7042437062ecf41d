package graph

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/internal/apperr"
	"campaignql/internal/kind"
	"campaignql/internal/surface"
)

// variables is an extension that checks the variables of an operation against their declared types.
// gqlparser is too lenient: it accepts numbers for strings and strings for numbers, enum values in
// any case, which gqlgen then reads as an empty value, and any number of fields of an input that is
// @oneOf. The errors that gqlparser does report use terms of Go. This package reports the same
// faults in terms of the schema.
type variables struct{ schema *ast.Schema }

var _ interface {
	graphql.HandlerExtension
	graphql.OperationParameterMutator
	graphql.OperationContextMutator
	graphql.ResponseInterceptor
} = (*variables)(nil)

// sentVariables is the key of the variables as the client sent them.
const sentVariables = "campaignql.variables"

func (*variables) ExtensionName() string { return "Variables" }

func (v *variables) Validate(schema graphql.ExecutableSchema) error {
	v.schema = schema.Schema()
	return nil
}

func (*variables) MutateOperationParameters(ctx context.Context, request *graphql.RawParams) *gqlerror.Error {
	graphql.GetOperationContext(ctx).Stats.SetExtension(sentVariables, request.Variables)
	return nil
}

func (v *variables) MutateOperationContext(_ context.Context, op *graphql.OperationContext) *gqlerror.Error {
	return v.check(op)
}

// InterceptResponse replaces an error of gqlparser about a variable by the error of this package.
func (v *variables) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	response := next(ctx)
	if response == nil || response.Data != nil || len(response.Errors) != 1 || !graphql.HasOperationContext(ctx) {
		return response
	}
	if path := response.Errors[0].Path; len(path) > 0 && path[0] == ast.PathName("variable") {
		if fault := v.check(graphql.GetOperationContext(ctx)); fault != nil {
			response.Errors[0] = fault
		}
	}
	return response
}

// check returns the first fault in the variables of an operation.
func (v *variables) check(op *graphql.OperationContext) *gqlerror.Error {
	if op.Operation == nil {
		return nil
	}
	sent, _ := op.Stats.GetExtension(sentVariables).(map[string]any)
	for _, declared := range op.Operation.VariableDefinitions {
		value, given := sent[declared.Variable]
		name := "$" + declared.Variable
		var fault *apperr.Error
		switch {
		case given && value == nil && declared.DefaultValue != nil && !declared.Type.NonNull &&
			needed(op, declared.Variable):
			// A default value allows a nullable variable where null is not allowed. An explicit
			// null is still wrong there.
			fault = misfit(name, "must not be null: it stands where a value is needed")
		case given:
			fault = v.value(declared.Type, value, name)
		case declared.Type.NonNull && declared.DefaultValue == nil:
			fault = misfit(name, "must be given")
		}
		if fault != nil {
			return &gqlerror.Error{
				Message:   fault.Error(),
				Locations: location(declared.Position),
				Extensions: map[string]any{
					"code": surface.Code(fault.Code), "field": fault.Field, "reason": reasonName(fault.Reason),
				},
			}
		}
	}
	return nil
}

// needed reports whether an operation uses a variable in a place that does not allow null.
func needed(op *graphql.OperationContext, variable string) bool {
	u := uses{variable: variable}
	u.set(op.Operation.SelectionSet)
	for _, fragment := range op.Doc.Fragments {
		u.set(fragment.SelectionSet)
	}
	return u.found
}

// uses searches for a variable in places that do not allow null.
type uses struct {
	variable string
	found    bool
}

func (u *uses) set(set ast.SelectionSet) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.Field:
			u.arguments(selection.Arguments)
			u.directives(selection.Directives)
			u.set(selection.SelectionSet)
		case *ast.InlineFragment:
			u.directives(selection.Directives)
			u.set(selection.SelectionSet)
		case *ast.FragmentSpread:
			u.directives(selection.Directives)
		}
	}
}

func (u *uses) directives(list ast.DirectiveList) {
	for _, directive := range list {
		u.arguments(directive.Arguments)
	}
}

func (u *uses) arguments(list ast.ArgumentList) {
	for _, argument := range list {
		u.value(argument.Value)
	}
}

func (u *uses) value(v *ast.Value) {
	if v.Kind == ast.Variable && v.Raw == u.variable && v.ExpectedType != nil && v.ExpectedType.NonNull {
		u.found = true
	}
	for _, child := range v.Children {
		u.value(child.Value)
	}
}

func location(at *ast.Position) []gqlerror.Location {
	if at == nil {
		return nil
	}
	return []gqlerror.Location{{Line: at.Line, Column: at.Column}}
}

func misfit(name, format string, args ...any) *apperr.Error {
	return apperr.InvalidField(name, apperr.ReasonVariableInvalid, format, args...)
}

// value checks a value against a type. name is the path of the value in messages.
func (v *variables) value(of *ast.Type, value any, name string) *apperr.Error {
	switch {
	case value == nil && of.NonNull:
		return misfit(name, "must not be null")
	case value == nil:
		return nil
	case of.Elem != nil:
		for i, element := range graphql.CoerceList(value) {
			if fault := v.value(of.Elem, element, name+"["+strconv.Itoa(i)+"]"); fault != nil {
				return fault
			}
		}
		return nil
	}
	switch definition := v.schema.Types[of.NamedType]; definition.Kind {
	case ast.InputObject:
		return v.object(definition, value, name)
	case ast.Enum:
		text, ok := value.(string)
		if !ok || definition.EnumValues.ForName(text) == nil {
			return misfit(name, "%s is not a value of %s", shown(value), definition.Name)
		}
	default:
		if what := scalars[of.NamedType]; what.fits != nil && !what.fits(value) {
			return misfit(name, "%s is not %s", shown(value), what.called)
		}
	}
	return nil
}

func (v *variables) object(definition *ast.Definition, value any, name string) *apperr.Error {
	fields, ok := value.(map[string]any)
	if !ok {
		return misfit(name, "%s is not an object %s", shown(value), definition.Name)
	}
	for field := range fields {
		if definition.Fields.ForName(field) == nil {
			return misfit(name, "%s has no field %s", definition.Name, strconv.Quote(kind.Cut(field, 60)))
		}
	}
	if definition.Directives.ForName("oneOf") != nil && !one(fields) {
		return misfit(name, "exactly one of the fields of %s must be given, and not as null", definition.Name)
	}
	for _, field := range definition.Fields {
		inner, given := fields[field.Name]
		if !given {
			if field.Type.NonNull && field.DefaultValue == nil {
				return misfit(name+"."+field.Name, "must be given")
			}
			continue
		}
		if fault := v.value(field.Type, inner, name+"."+field.Name); fault != nil {
			return fault
		}
	}
	return nil
}

func one(fields map[string]any) bool {
	for _, value := range fields {
		return len(fields) == 1 && value != nil
	}
	return false
}

// scalars are the built-in scalars and the values that a variable of each may have. The schema's
// own scalars check their values themselves.
var scalars = map[string]struct {
	called string
	fits   func(any) bool
}{
	"Int":     {"a whole number of 32 bits", func(v any) bool { return whole(v, 32) }},
	"Float":   {"a number", number},
	"String":  {"a string", func(v any) bool { _, ok := v.(string); return ok }},
	"Boolean": {"true or false", func(v any) bool { _, ok := v.(bool); return ok }},
	"ID": {
		"an id: a string or a whole number", func(v any) bool { _, ok := v.(string); return ok || whole(v, 64) },
	},
}

func whole(v any, bits int) bool {
	n, ok := v.(json.Number)
	if !ok {
		return false
	}
	_, err := strconv.ParseInt(n.String(), 10, bits)
	return err == nil
}

func number(v any) bool {
	n, ok := v.(json.Number)
	if !ok {
		return false
	}
	f, err := n.Float64()
	return err == nil && !math.IsInf(f, 0)
}

// shown returns a value for use in a message, shortened. For lists and objects it returns only the
// kind.
func shown(value any) string {
	switch value := value.(type) {
	case string:
		return strconv.Quote(kind.Cut(kind.Clean(value), 60))
	case json.Number:
		return kind.Cut(value.String(), 60)
	case bool:
		return strconv.FormatBool(value)
	case map[string]any:
		return "an object"
	default:
		return "a list"
	}
}

// argument returns the name of the argument, or of the part of an argument, that a scalar's error
// is about, and the path of the field. The path of such an error continues after the field's own
// path.
func argument(ctx context.Context, path ast.Path) (name string, response ast.Path) {
	field := graphql.GetFieldContext(ctx)
	if field == nil {
		return "", path
	}
	own := field.Path()
	if len(path) <= len(own) || !slices.Equal(path[:len(own)], own) {
		return "", path
	}
	return strings.TrimPrefix(path[len(own):].String(), "."), own
}
