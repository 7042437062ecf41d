package executor_test

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// document is a random operation with its variables.
type document struct {
	text      string
	operation string
	variables map[string]any
}

// generator makes one random document that is valid against a schema.
type generator struct {
	*rand.Rand
	schema *ast.Schema
	// fields is how many more fields the document may have.
	fields int
	// declarations are those of the variables.
	declarations []string
	variables    map[string]any
	// declared are the variables by their declared types.
	declared map[string][]string
	// fragments are the named fragments that have been written, and where they may be spread.
	fragments []fragment
}

type fragment struct {
	name string
	on   *ast.Definition
	text string
}

// newDocument returns a random document.
func newDocument(schema *ast.Schema, random *rand.Rand) document {
	g := &generator{
		Rand: random, schema: schema, fields: 10 + random.IntN(40),
		variables: map[string]any{}, declared: map[string][]string{},
	}
	kind, root, depth := "query", schema.Query, 2+random.IntN(4)
	switch random.IntN(10) {
	case 0, 1:
		kind, root = "mutation", schema.Mutation
	case 2:
		kind, root = "subscription", schema.Subscription
	}
	selection := ""
	if kind == "subscription" {
		selection = "{ " + g.field(root, root.Fields[random.IntN(len(root.Fields))], depth, false) + " }"
	} else {
		selection = g.selection(root, depth)
	}
	d := document{operation: "Main", variables: g.variables}
	var text strings.Builder
	if random.IntN(4) == 0 {
		text.WriteString("query Other { __typename }\n")
	}
	text.WriteString(kind + " Main")
	if len(g.declarations) > 0 {
		text.WriteString("(" + strings.Join(g.declarations, ", ") + ")")
	}
	text.WriteString(" " + selection)
	for _, f := range g.fragments {
		fmt.Fprintf(&text, "\nfragment %s on %s %s", f.name, f.on.Name, f.text)
	}
	d.text = text.String()
	return d
}

// selection returns a selection set on a type.
func (g *generator) selection(on *ast.Definition, depth int) string {
	var members []string
	for range 1 + g.IntN(5) {
		members = append(members, g.member(on, depth))
	}
	if g.IntN(4) == 0 {
		members = append(members, members[g.IntN(len(members))]) // which merges with itself
	}
	return "{ " + strings.Join(members, " ") + " }"
}

func (g *generator) member(on *ast.Definition, depth int) string {
	if g.fields--; g.fields < 0 {
		return g.key("__typename", "") + "__typename"
	}
	switch roll := g.IntN(20); {
	case roll == 0:
		return g.key("__typename", "") + "__typename" + g.directives()
	case roll < 4 && depth > 0:
		return g.inline(on, depth)
	case roll < 6 && depth > 0:
		return g.spread(on, depth)
	}
	fields := slices.DeleteFunc(slices.Clone(on.Fields), func(f *ast.FieldDefinition) bool {
		return depth <= 0 && g.schema.Types[f.Type.Name()].IsCompositeType() ||
			strings.HasPrefix(f.Name, "__") && g.IntN(2) == 0
	})
	if len(fields) == 0 {
		if on.Kind == ast.Union && depth > 0 {
			return g.inline(on, depth)
		}
		return "__typename"
	}
	// Objects are rarer than values among the fields, so they are preferred as long as there is room.
	f := fields[g.IntN(len(fields))]
	for range 2 {
		if !g.schema.Types[f.Type.Name()].IsCompositeType() {
			f = fields[g.IntN(len(fields))]
		}
	}
	return g.field(on, f, depth, on.Name == "Thing" || on.Kind == ast.Object && g.IntN(6) == 0)
}

// apart says that the key is one that only fields on Thing have, or on an object: gqlgen does not merge the
// fields of two interfaces of which neither implements the other.
func (g *generator) field(on *ast.Definition, f *ast.FieldDefinition, depth int, apart bool) string {
	arguments := g.arguments(f.Arguments)
	suffix := ""
	if apart {
		suffix = "_t"
	}
	text := g.key(f.Name, arguments+f.Type.String()+suffix) + f.Name + arguments
	if arguments == "" && !apart && !strings.HasPrefix(f.Name, "__") && g.IntN(2) == 0 && g.unambiguous(f) {
		text = f.Name
	}
	text += g.directives()
	if of := g.schema.Types[f.Type.Name()]; of.IsCompositeType() {
		if strings.HasPrefix(of.Name, "__") {
			depth = min(depth, 3)
		}
		text += " " + g.selection(of, depth-1)
	}
	return text
}

// key returns an alias that is the same for the same field with the same arguments only.
func (g *generator) key(name, rest string) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(name + rest))
	alias := fmt.Sprintf("%s%s_%x: ", []string{"", "x", "y"}[g.IntN(3)], strings.TrimLeft(name, "_"), hash.Sum32()&0xffff)
	if strings.HasSuffix(rest, "_t") {
		alias = "t" + alias
	}
	return alias
}

// unambiguous reports whether all fields with a name have the same type.
func (g *generator) unambiguous(f *ast.FieldDefinition) bool {
	for _, of := range g.schema.Types {
		if other := of.Fields.ForName(f.Name); of.Kind != ast.InputObject && other != nil &&
			other.Type.String() != f.Type.String() {
			return false
		}
	}
	return true
}

// condition returns a type whose fragments may be spread where values of a type are.
func (g *generator) condition(on *ast.Definition) *ast.Definition {
	var of []*ast.Definition
	for _, name := range slices.Sorted(mapKeys(g.schema.Types)) {
		candidate := g.schema.Types[name]
		if !candidate.IsCompositeType() {
			continue
		}
		for _, possible := range g.schema.GetPossibleTypes(candidate) {
			if possible.Kind == ast.Object && slices.Contains(g.schema.GetPossibleTypes(on), possible) {
				of = append(of, candidate)
				break
			}
		}
	}
	return of[g.IntN(len(of))]
}

func mapKeys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for key := range m {
			if !yield(key) {
				return
			}
		}
	}
}

func (g *generator) inline(on *ast.Definition, depth int) string {
	if g.IntN(4) == 0 && on.Kind != ast.Union {
		return "..." + g.directives() + " " + g.selection(on, depth-1)
	}
	condition := g.condition(on)
	return "... on " + condition.Name + g.directives() + " " + g.selection(condition, depth-1)
}

func (g *generator) spread(on *ast.Definition, depth int) string {
	for _, f := range g.fragments {
		if f.on == on && g.IntN(2) == 0 && f.text != "" {
			return "..." + f.name + g.directives()
		}
	}
	condition := g.condition(on)
	at := len(g.fragments)
	name := fmt.Sprintf("F%d", at)
	g.fragments = append(g.fragments, fragment{name: name, on: condition})
	g.fragments[at].text = g.selection(condition, depth-1)
	return "..." + name + g.directives()
}

// directives returns @skip, @include, both, or mostly neither.
func (g *generator) directives() string {
	text := ""
	if g.IntN(12) == 0 {
		text += " @skip(if: " + g.condiment() + ")"
	}
	if g.IntN(12) == 0 {
		text += " @include(if: " + g.condiment() + ")"
	}
	return text
}

// condiment returns a Boolean that is a literal or a variable.
func (g *generator) condiment() string {
	switch g.IntN(3) {
	case 0:
		return g.variable("Boolean!", "", func() any { return g.IntN(2) == 0 })
	case 1:
		return g.variable("Boolean", " = true", nil)
	default:
		return fmt.Sprint(g.IntN(3) == 0)
	}
}

// variable declares a variable, or uses one of the same declaration. Without a value it is left to its default.
func (g *generator) variable(declared, rest string, value func() any) string {
	if known := g.declared[declared+rest]; len(known) > 0 && g.IntN(2) == 0 {
		return known[g.IntN(len(known))]
	}
	name := fmt.Sprintf("v%d", len(g.declarations))
	g.declarations = append(g.declarations, "$"+name+": "+declared+rest)
	g.declared[declared+rest] = append(g.declared[declared+rest], "$"+name)
	if value != nil {
		g.variables[name] = plain(value())
	}
	return "$" + name
}

// plain returns a value as the variables of a request arrive.
func plain(v any) any {
	encoded, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(encoded)))
	decoder.UseNumber()
	var decoded any
	if err := decoder.Decode(&decoded); err != nil {
		panic(err)
	}
	return decoded
}
