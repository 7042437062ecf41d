package guard

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Weight says what a field costs. A zero field of it takes the default.
type Weight struct {
	// Cost is that of the field itself; 1 by default.
	Cost int
	// Rows is how many times what is below the field is answered: for a paged field when no first or last is given,
	// for a plain list always. It is for fields of object types only.
	Rows int
}

// cost is what a selection set costs: in complexity, and in introspection, which has a limit of its own.
type cost struct{ complexity, introspection int }

// fieldCost is the cost of a field as far as the schema tells.
type fieldCost struct {
	weight        int
	rows          int
	paged, byIDs  bool
	introspective bool // belongs to introspection, as do all fields below it
	root          bool // __schema or __type
}

// tariff is the price list of a schema. It is made once and only read afterwards.
type tariff map[*ast.FieldDefinition]fieldCost

func (g *Guard) tariff(schema *ast.Schema) tariff {
	t := make(tariff)
	meta := metaRows(schema)
	for _, def := range schema.Types {
		for _, f := range def.Fields {
			switch {
			case introspects(f.Name):
				t[f] = fieldCost{weight: 1, rows: 1, introspective: true, root: true}
			case strings.HasPrefix(def.Name, "__"):
				t[f] = fieldCost{weight: 1, rows: max(1, meta[def.Name+"."+f.Name]), introspective: true}
			case def.Kind == ast.Object || def.Kind == ast.Interface:
				t[f] = g.fieldCost(schema, def, f)
			}
		}
	}
	return t
}

func (g *Guard) fieldCost(schema *ast.Schema, def *ast.Definition, f *ast.FieldDefinition) fieldCost {
	w := g.weigh(schema, def, f.Name)
	c := fieldCost{weight: max(1, w.Cost), rows: 1}
	if t := schema.Types[f.Type.Name()]; t == nil || !t.IsCompositeType() {
		return c
	}
	ids := f.Arguments.ForName("ids")
	switch first := f.Arguments.ForName("first"); {
	case first != nil || f.Arguments.ForName("last") != nil:
		c.paged, c.rows = true, g.page
		if first != nil && first.DefaultValue != nil {
			c.rows = rowsOf(first.DefaultValue, nil, g.page)
		}
	case f.Type.Elem != nil && !strings.HasSuffix(def.Name, "Connection"):
		// The lists of a Relay connection hold the page that the field above was asked for.
		c.rows = g.listRows
	}
	c.byIDs = ids != nil && ids.Type.Elem != nil
	if w.Rows > 0 {
		c.rows = w.Rows
	}
	return c
}

// weigh returns the configured weight of a field; for an interface the greatest among the types that implement it.
func (g *Guard) weigh(schema *ast.Schema, def *ast.Definition, field string) Weight {
	if g.weight == nil {
		return Weight{}
	}
	w := g.weight(def.Name, field)
	if def.Kind == ast.Interface {
		for _, t := range schema.GetPossibleTypes(def) {
			o := g.weight(t.Name, field)
			w.Cost, w.Rows = max(w.Cost, o.Cost), max(w.Rows, o.Rows)
		}
	}
	return w
}

// metaRows estimates the length of the lists of introspection: averages over the schema, rounded up.
func metaRows(schema *ast.Schema) map[string]int {
	var fields, args, inputs, enums, interfaces, possible, directiveArgs int
	for _, def := range schema.Types {
		interfaces += len(def.Interfaces)
		enums += len(def.EnumValues)
		possible += len(schema.PossibleTypes[def.Name])
		if def.Kind == ast.InputObject {
			inputs += len(def.Fields)
			continue
		}
		fields += len(def.Fields)
		for _, f := range def.Fields {
			args += len(f.Arguments)
		}
	}
	for _, d := range schema.Directives {
		directiveArgs += len(d.Arguments)
	}
	average := func(total, of int) int { return (total + of - 1) / max(1, of) }
	types := len(schema.Types)
	return map[string]int{
		"__Schema.types":       types,
		"__Schema.directives":  len(schema.Directives),
		"__Type.fields":        average(fields, types),
		"__Type.inputFields":   average(inputs, types),
		"__Type.enumValues":    average(enums, types),
		"__Type.interfaces":    average(interfaces, types),
		"__Type.possibleTypes": average(possible, types),
		"__Field.args":         average(args, fields),
		"__Directive.args":     average(directiveArgs, len(schema.Directives)),
	}
}

// bill adds up one operation. How often a list is repeated depends on its own arguments and never on where it stands,
// so the cost of a fragment is the same wherever it is spread and is worked out once.
type bill struct {
	tariff    tariff
	vars      map[string]any
	fragments map[*ast.FragmentDefinition]cost
}

func (b *bill) set(set ast.SelectionSet) cost {
	var sum cost
	for _, selection := range set {
		var c cost
		switch it := selection.(type) {
		case *ast.Field:
			c = b.field(it)
		case *ast.InlineFragment:
			c = b.set(it.SelectionSet)
		case *ast.FragmentSpread:
			c = b.fragment(it.Definition)
		}
		sum.complexity = plus(sum.complexity, c.complexity)
		sum.introspection = plus(sum.introspection, c.introspection)
	}
	return sum
}

func (b *bill) field(it *ast.Field) cost {
	f, ok := b.tariff[it.Definition]
	if !ok {
		return cost{} // __typename, a constant
	}
	if len(it.SelectionSet) == 0 {
		return f.alone()
	}
	rows := f.rows
	if len(it.Arguments) > 0 && (f.paged || f.byIDs) {
		rows = b.rows(it.Arguments, f)
	}
	child, sum := b.set(it.SelectionSet), f.alone()
	sum.complexity = plus(sum.complexity, times(rows, child.complexity))
	sum.introspection = plus(sum.introspection, times(rows, child.introspection))
	return sum
}

// alone returns the cost of the field without what is below it.
func (f fieldCost) alone() cost {
	switch {
	case f.root:
		return cost{complexity: f.weight, introspection: 1}
	case f.introspective:
		return cost{introspection: f.weight}
	default:
		return cost{complexity: f.weight}
	}
}

func (b *bill) fragment(f *ast.FragmentDefinition) cost {
	if f == nil {
		return cost{}
	}
	c, ok := b.fragments[f]
	if ok {
		return c
	}
	if b.fragments == nil {
		b.fragments = make(map[*ast.FragmentDefinition]cost)
	}
	b.fragments[f] = cost{} // ends a cycle, should one get here
	c = b.set(f.SelectionSet)
	b.fragments[f] = c
	return c
}

// rows returns how many rows the arguments ask for: the length of ids, or the greater of first and
// last, or the default.
func (b *bill) rows(args ast.ArgumentList, f fieldCost) int {
	asked := 0
	for _, a := range args {
		switch {
		case f.paged && (a.Name == "first" || a.Name == "last"):
			asked = max(asked, rowsOf(a.Value, b.vars, f.rows))
		case f.byIDs && a.Name == "ids":
			asked = max(asked, lengthOf(a.Value, b.vars))
		}
	}
	if asked == 0 {
		return f.rows
	}
	return asked
}

// rowsOf returns the number that v stands for, at least 1, and fallback for null, for an unset variable, and for
// a value that is no positive number, which the resolver refuses.
func rowsOf(v *ast.Value, vars map[string]any, fallback int) int {
	var n int64
	switch v.Kind {
	case ast.IntValue:
		n = integer(v.Raw)
	case ast.Variable:
		switch value := vars[v.Raw].(type) {
		case int64:
			n = value
		case int:
			n = int64(value)
		case int32:
			n = int64(value)
		case float64:
			n = int64(min(value, ceiling))
		case json.Number:
			n = integer(value.String())
		case string:
			n = integer(value)
		}
	}
	if n <= 0 {
		return fallback
	}
	return int(min(n, ceiling))
}

// integer reads a decimal; one too large for 64 bits is the largest there is.
func integer(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

// lengthOf returns the length of the list that v stands for; a single value is a list of one.
func lengthOf(v *ast.Value, vars map[string]any) int {
	switch v.Kind {
	case ast.NullValue:
		return 0
	case ast.ListValue:
		return len(v.Children)
	case ast.Variable:
		switch value := vars[v.Raw].(type) {
		case nil:
			return 0
		case []any:
			return len(value)
		default:
			if list := reflect.ValueOf(value); list.Kind() == reflect.Slice {
				return list.Len()
			}
		}
	}
	return 1
}
