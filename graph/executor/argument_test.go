package executor_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// arguments returns random arguments of a field, with their parentheses.
func (g *generator) arguments(of ast.ArgumentDefinitionList) string {
	var arguments []string
	for _, a := range of {
		if !(a.Type.NonNull && a.DefaultValue == nil) && g.IntN(3) > 0 {
			continue
		}
		arguments = append(arguments, a.Name+": "+g.input(a.Type, a.DefaultValue != nil, 3))
	}
	if len(arguments) == 0 {
		return ""
	}
	return "(" + strings.Join(arguments, ", ") + ")"
}

// input returns a literal, or a variable.
func (g *generator) input(of *ast.Type, hasDefault bool, depth int) string {
	if g.IntN(4) == 0 {
		return g.inputVariable(of, hasDefault, depth)
	}
	if !of.NonNull && g.IntN(6) == 0 {
		return "null"
	}
	if of.Elem != nil {
		if g.IntN(5) == 0 && of.Elem.Elem == nil {
			return g.constant(required(of.Elem), depth) // one value is a list of it
		}
		elements := make([]string, g.IntN(3))
		for i := range elements {
			elements[i] = g.input(of.Elem, false, depth)
		}
		return "[" + strings.Join(elements, ", ") + "]"
	}
	definition := g.schema.Types[of.NamedType]
	if definition.Kind != ast.InputObject {
		return literal(definition, g.leaf(definition))
	}
	var fields []string
	for _, f := range g.inputFields(definition, depth) {
		if definition.Directives.ForName("oneOf") != nil { // no variable there may be null
			value := g.constant(f.Type, depth-1)
			if g.IntN(4) == 0 {
				value = g.variable(f.Type.String(), "", func() any { return g.value(f.Type, depth-1) })
			}
			return "{" + f.Name + ": " + value + "}"
		}
		fields = append(fields, f.Name+": "+g.input(f.Type, f.DefaultValue != nil, depth-1))
	}
	return "{" + strings.Join(fields, ", ") + "}"
}

// required returns the type without null.
func required(of *ast.Type) *ast.Type {
	copied := *of
	copied.NonNull = true
	return &copied
}

// inputVariable declares a variable that may be used where a type is wanted.
func (g *generator) inputVariable(of *ast.Type, hasDefault bool, depth int) string {
	declared := *of
	switch {
	case of.NonNull && hasDefault && g.IntN(2) == 0:
		declared.NonNull = false // allowed as there is a default
		if g.IntN(2) == 0 {
			return g.variable(declared.String(), "", nil)
		}
		return g.variable(declared.String(), "", func() any { return g.value(of, depth) })
	case of.NonNull && g.IntN(4) == 0:
		declared.NonNull = false // allowed with a default of its own
		rest := " = " + g.constant(of, depth)
		if g.IntN(2) == 0 {
			return g.variable(declared.String(), rest, nil)
		}
		return g.variable(declared.String(), rest, func() any { return g.value(of, depth) })
	case !of.NonNull && g.IntN(3) == 0:
		return g.variable(of.String(), "", nil)
	}
	return g.variable(of.String(), "", func() any { return g.value(of, depth) })
}

// constant returns a literal without variables.
func (g *generator) constant(of *ast.Type, depth int) string { return g.format(of, g.value(of, depth)) }

func (g *generator) format(of *ast.Type, v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case []any:
		if of.Elem == nil {
			break // of a scalar that takes anything
		}
		elements := make([]string, len(v))
		for i := range v {
			elements[i] = g.format(of.Elem, v[i])
		}
		return "[" + strings.Join(elements, ", ") + "]"
	case map[string]any:
		definition := g.schema.Types[of.Name()]
		if definition.Kind != ast.InputObject {
			break
		}
		var fields []string
		for _, f := range definition.Fields {
			if value, ok := v[f.Name]; ok {
				fields = append(fields, f.Name+": "+g.format(f.Type, value))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	}
	return literal(g.schema.Types[of.Name()], v)
}

// value returns a value for a variable.
func (g *generator) value(of *ast.Type, depth int) any {
	if !of.NonNull && g.IntN(6) == 0 {
		return nil
	}
	if of.Elem != nil {
		list := make([]any, g.IntN(3))
		for i := range list {
			list[i] = g.value(of.Elem, depth)
		}
		return list
	}
	definition := g.schema.Types[of.NamedType]
	if definition.Kind != ast.InputObject {
		return g.leaf(definition)
	}
	object := map[string]any{}
	for _, f := range g.inputFields(definition, depth) {
		object[f.Name] = g.value(f.Type, depth-1)
	}
	return object
}

// inputFields chooses the fields of an input object that are given.
func (g *generator) inputFields(of *ast.Definition, depth int) ast.FieldList {
	if of.Directives.ForName("oneOf") != nil {
		f := *of.Fields[g.IntN(len(of.Fields))]
		f.Type = required(f.Type)
		return ast.FieldList{&f}
	}
	var fields ast.FieldList
	for _, f := range of.Fields {
		isObject := g.schema.Types[f.Type.Name()].Kind == ast.InputObject
		if f.Type.NonNull && f.DefaultValue == nil || g.IntN(4) == 0 && (depth > 0 || !isObject) {
			fields = append(fields, f)
		}
	}
	return fields
}

// leaf returns a value of a scalar or an enum. Some of them cannot be read.
func (g *generator) leaf(of *ast.Definition) any {
	if of.Kind == ast.Enum {
		return of.EnumValues[g.IntN(len(of.EnumValues))].Name
	}
	switch of.Name {
	case "Int":
		return g.IntN(20)
	case "Float":
		return float64(g.IntN(20)) + 0.5
	case "Boolean":
		return g.IntN(2) == 0
	case "Day", "Secret":
		return []string{"good", "better", "best", "bad", "worse"}[g.IntN(5)]
	case "Map":
		return map[string]any{"a": 1, "b": "x"}
	case "Anything":
		return []any{1, "x", true, []any{1, "y"}, map[string]any{"k": 2}}[g.IntN(5)]
	case "Point":
		return fmt.Sprintf("%d/%d", g.IntN(9), g.IntN(9))
	default:
		return []string{"a", "b \"c\"", "ä"}[g.IntN(3)]
	}
}

// literal returns the text of a value in a document.
func literal(of *ast.Definition, v any) string {
	switch v := v.(type) {
	case map[string]any:
		var fields []string
		for _, key := range []string{"a", "b", "k"} {
			if value, ok := v[key]; ok {
				fields = append(fields, key+": "+literal(of, value))
			}
		}
		return "{" + strings.Join(fields, ", ") + "}"
	case []any:
		var elements []string
		for _, value := range v {
			elements = append(elements, literal(of, value))
		}
		return "[" + strings.Join(elements, ", ") + "]"
	}
	if of.Kind == ast.Enum {
		return fmt.Sprint(v)
	}
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(encoded)
}
