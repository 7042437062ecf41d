package graph_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// generator makes random queries that are valid.
type generator struct {
	schema *ast.Schema
	random *rand.Rand
	// known are ids of objects by the name of their type.
	known map[string][]string
	// variables and fragments are the declarations that the document needs.
	variables, fragments []string
}

// changing are fields whose value differs from one moment to the next.
var changing = map[string]bool{
	"Query.serverInfo": true, "Query.exportStatistics": true, "Query.schedulePreview": true,
	"CampaignStatistics.throughput": true, "CampaignSchedule.upcoming": true, "ApiKey.lastUsedAt": true,
}

func (g *generator) document() string {
	selection := g.selection("Query", 6)
	head := ""
	if len(g.variables) > 0 {
		head = "query(" + strings.Join(g.variables, ", ") + ") "
	}
	return head + selection + " " + strings.Join(g.fragments, " ")
}

// selection returns a selection on a type. It ends by itself at the depth.
func (g *generator) selection(typeName string, depth int) string {
	of := g.schema.Types[typeName]
	var b strings.Builder
	b.WriteString("{ ")
	for range 1 + g.random.IntN(4) {
		switch g.random.IntN(14) {
		case 0:
			b.WriteString("__typename ")
		case 1:
			fmt.Fprintf(&b, "... on %s%s %s ", typeName, g.directive(), g.selection(typeName, depth-1))
		case 2:
			b.WriteString(g.fragment(typeName, depth-1))
		case 3:
			if typeName != "Node" && len(of.Interfaces) > 0 {
				fmt.Fprintf(&b, "... on Node { id ... on %s %s } ", typeName, g.selection(typeName, depth-1))
			}
		default:
			if of.Kind == ast.Interface || of.Kind == ast.Union {
				possible := g.schema.GetPossibleTypes(of)
				name := possible[g.random.IntN(len(possible))].Name
				fmt.Fprintf(&b, "... on %s %s ", name, g.selection(name, depth-1))
				continue
			}
			g.field(&b, typeName, of.Fields[g.random.IntN(len(of.Fields))], depth)
		}
	}
	if b.Len() == 2 {
		b.WriteString("__typename ")
	}
	b.WriteString("}")
	return b.String()
}

func (g *generator) fragment(typeName string, depth int) string {
	name := fmt.Sprint("F", len(g.fragments))
	g.fragments = append(g.fragments, "") // its number is taken
	at := len(g.fragments) - 1
	g.fragments[at] = fmt.Sprintf("fragment %s on %s %s", name, typeName, g.selection(typeName, depth))
	return "..." + name + g.directive() + " "
}

// directive returns a directive, or mostly nothing.
func (g *generator) directive() string {
	if g.random.IntN(8) > 0 {
		return ""
	}
	condition := []string{"true", "false"}[g.random.IntN(2)]
	if g.random.IntN(2) == 0 {
		condition = g.variable("Boolean", condition)
	}
	return fmt.Sprintf(" @%s(if: %s)", []string{"skip", "include"}[g.random.IntN(2)], condition)
}

// variable declares a variable with a default and returns it.
func (g *generator) variable(typeName, literal string) string {
	name := fmt.Sprintf("$v%d", len(g.variables))
	g.variables = append(g.variables, fmt.Sprintf("%s: %s = %s", name, typeName, literal))
	return name
}

func (g *generator) field(b *strings.Builder, parent string, f *ast.FieldDefinition, depth int) {
	if strings.HasPrefix(f.Name, "__") || changing[parent+"."+f.Name] {
		return
	}
	of := g.schema.Types[f.Type.Name()]
	// Fields with arguments get an alias of their own: two of one name could not be merged.
	if len(f.Arguments) > 0 || g.random.IntN(5) == 0 {
		fmt.Fprintf(b, "a%d: ", g.random.IntN(1<<30))
	}
	b.WriteString(f.Name + g.arguments(f) + g.directive() + " ")
	if of.IsCompositeType() {
		if depth <= 0 {
			b.WriteString("{ __typename } ")
			return
		}
		b.WriteString(g.selection(of.Name, depth-1) + " ")
	}
}

// arguments returns the arguments of a field: those that it requires, and some of the others.
func (g *generator) arguments(f *ast.FieldDefinition) string {
	var all []string
	for _, a := range f.Arguments {
		always := a.Type.NonNull && a.DefaultValue == nil || a.Name == "from" || a.Name == "to" || a.Name == "first"
		wrong := slices.Contains([]string{"last", "before", "after", "offset"}, a.Name) // beside first, mostly
		if !always && (g.random.IntN(3) > 0 || wrong && g.random.IntN(12) > 0) {
			continue
		}
		value := g.value(f, a.Name, a.Type, 2)
		if value != "" && g.random.IntN(3) == 0 && !strings.Contains(value, "$") {
			value = g.variable(a.Type.String(), value)
		}
		if value != "" {
			all = append(all, a.Name+": "+value)
		}
	}
	if len(all) == 0 {
		return ""
	}
	return "(" + strings.Join(all, ", ") + ")"
}

// value returns a literal of a type, or nothing. Some are refused by the resolvers.
func (g *generator) value(f *ast.FieldDefinition, name string, of *ast.Type, depth int) string {
	if of.Elem != nil {
		var all []string
		for range 1 + g.random.IntN(3) {
			if v := g.value(f, name, of.Elem, depth); v != "" {
				all = append(all, v)
			}
		}
		return "[" + strings.Join(all, ", ") + "]"
	}
	pick := func(values ...string) string { return values[g.random.IntN(len(values))] }
	switch definition := g.schema.Types[of.Name()]; of.Name() {
	case "ID":
		return strconv.Quote(g.id(f, name))
	case "Int":
		if g.random.IntN(40) == 0 {
			return pick("0", "-1", "251")
		}
		return pick("1", "2", "3", "5", "7")
	case "String":
		if name == "after" || name == "before" {
			return pick("", "", "", `"x"`)
		}
		return pick(`"a"`, `"%"`, `"News"`, `""`)
	case "Boolean":
		return pick("true", "false")
	case "Float":
		return pick("0", "0.5")
	case "TimeZone":
		return pick(`"Europe/Berlin"`, `"UTC"`, `"Asia/Kathmandu"`)
	case "DateTime":
		if name == "to" {
			return pick(`"2026-03-05T00:00:00Z"`, `"2026-03-09T12:00:00Z"`)
		}
		return pick(`"2026-03-01T00:00:00Z"`, `"2026-03-01T12:30:00Z"`)
	case "AudienceInput":
		return `{lists: {include: [{list: ` + strconv.Quote(g.one("SubscriberList")) + `}]}}`
	default:
		switch definition.Kind {
		case ast.Enum:
			return definition.EnumValues[g.random.IntN(len(definition.EnumValues))].Name
		case ast.InputObject:
			return g.input(f, definition, depth)
		default:
			return ""
		}
	}
}

func (g *generator) input(f *ast.FieldDefinition, of *ast.Definition, depth int) string {
	var all []string
	for _, field := range of.Fields {
		required := field.Type.NonNull && field.DefaultValue == nil
		if depth <= 0 && !required || !required && g.random.IntN(10) > 0 {
			continue
		}
		if v := g.value(f, field.Name, field.Type, depth-1); v != "" {
			all = append(all, field.Name+": "+v)
		}
	}
	return "{" + strings.Join(all, ", ") + "}"
}

// id returns an id for an argument: mostly of an object of the type that the field asks for.
func (g *generator) id(f *ast.FieldDefinition, name string) string {
	kind := g.schema.Types[f.Type.Name()].Name
	switch {
	case name == "campaigns" || f.Name == "compare":
		kind = "Campaign"
	case name == "listId":
		kind = "SubscriberList"
	}
	if g.random.IntN(40) == 0 {
		return []string{"999999999", "Q", ""}[g.random.IntN(3)]
	}
	return g.one(kind)
}

// one returns an id of a type, of any type if there is none.
func (g *generator) one(kind string) string {
	ids := g.known[kind]
	if len(ids) == 0 {
		kinds := []string{"Campaign", "Tag", "Email", "SubscriberList", "Subscriber", "Segment", "CustomField"}
		ids = g.known[kinds[g.random.IntN(len(kinds))]]
	}
	if len(ids) == 0 {
		return "1"
	}
	return ids[g.random.IntN(len(ids))]
}
