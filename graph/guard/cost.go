package guard

import (
	"encoding/json"
	"reflect"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// Weight is the cost of a field. A zero field of Weight means the default.
type Weight struct {
	// Cost is the cost of the field itself; 1 by default.
	Cost int
	// Rows is the factor for the cost of the field's children: for a plain list always, for a paged
	// field only without first and last. It is only for fields of object types.
	Rows int
	// OncePerList says that a field of a connection costs the same for any size of the page.
	OncePerList bool
}

// cost is the cost of a selection set: its complexity, and its introspection cost, which has a
// separate limit. perList is complexity that the size of the list around the set does not multiply.
type cost struct{ complexity, introspection, perList int }

// fieldCost is the cost of a field as far as the schema determines it.
type fieldCost struct {
	weight        int
	rows          int
	paged, byIDs  bool
	oncePerList   bool
	introspective bool // belongs to introspection, as do all fields below it
	root          bool // __schema or __type
}

// tariff holds the costs of all fields of a schema. It is built once and only read afterwards.
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
	c := fieldCost{weight: max(1, w.Cost), rows: 1, oncePerList: w.OncePerList}
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
		// The lists of a Relay connection are the page whose size the parent field counts.
		c.rows = g.listRows
	}
	c.byIDs = ids != nil && ids.Type.Elem != nil
	if w.Rows > 0 {
		c.rows = w.Rows
	}
	return c
}

// weigh returns the configured weight of a field. For an interface, it returns the greatest weight
// among the types that implement it.
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

// metaRows estimates the lengths of the introspection lists. They are averages over the schema,
// rounded up.
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

// bill adds up the cost of one operation. The number of rows of a list depends on its own arguments
// and never on its position, so the cost of a fragment is the same wherever it is spread and is
// computed once.
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
		sum.perList = plus(sum.perList, c.perList)
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
	sum.complexity = plus(sum.complexity, plus(times(rows, child.complexity), child.perList))
	sum.introspection = plus(sum.introspection, times(rows, child.introspection))
	return sum
}

// alone returns the cost of the field without its children.
func (f fieldCost) alone() cost {
	switch {
	case f.root:
		return cost{complexity: f.weight, introspection: 1}
	case f.introspective:
		return cost{introspection: f.weight}
	case f.oncePerList:
		return cost{perList: f.weight}
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
	b.fragments[f] = cost{} // ends the recursion if the fragments have a cycle
	c = b.set(f.SelectionSet)
	b.fragments[f] = c
	return c
}

// rows returns the number of rows that the arguments ask for: the length of ids, or the greater of
// first and last, or the default.
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

// rowsOf returns the number that v holds, at least 1. It returns fallback for null, for an unset
// variable, and for a value that is not a positive number, which the resolver rejects.
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

// integer parses a decimal number. It returns the largest int64 for a number that needs more than
// 64 bits.
func integer(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

// lengthOf returns the length of the list that v holds. A single value is a list of length one.
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
