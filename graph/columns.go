package graph

import (
	"context"
	"maps"
	"slices"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/graph/exec"
)

// A field of the schema reads columns, its own and those of the fields below it. Most fields are bound to a
// column, which the code generator knows ([exec.Columns]). What the other fields read is declared beside
// their resolvers, with columnsOf. A relation that is loaded separately is declared with the columns that
// lead to it, and its fields are not followed.

// fields says what the fields of a type read.
type fields map[string]field

type field struct {
	columns []string
	below   fields
}

// reads is a field that reads columns.
func reads(columns ...string) field { return field{columns: columns} }

// holds is a field that is an object made of columns of the same row.
func holds(below fields) field { return field{below: below} }

// columnsOf returns what the fields of a type read: the columns that they are bound to, and what is declared.
func columnsOf(typeName string, declared ...fields) fields {
	all := fields{}
	if bound := exec.Columns[typeName]; bound != nil {
		all["id"] = reads("id")
		for name, column := range bound {
			all[name] = reads(column)
		}
	}
	for _, more := range declared {
		maps.Copy(all, more)
	}
	return all
}

// selection is what an operation asks of one type at one place.
type selection struct {
	op    *graphql.OperationContext
	table fields
	// asked are the fields of the type, merged over fragments and aliases.
	asked []graphql.CollectedField
}

// Paths from a field to the type it shows.
var (
	itself     = [][]string{{}}
	connection = [][]string{{"nodes"}, {"edges", "node"}}
)

// selected returns what the current field asks of the type that lies below it at the paths.
func selected(ctx context.Context, table fields, paths [][]string) selection {
	op := graphql.GetOperationContext(ctx)
	s := selection{op: op, table: table}
	current := graphql.GetFieldContext(ctx).Field
	for _, path := range paths {
		s.descend(current.Selections, current.Definition.Type, path)
	}
	return s
}

func (s *selection) descend(set ast.SelectionSet, of *ast.Type, path []string) {
	for _, f := range collect(s.op, set, of) {
		switch {
		case len(path) == 0:
			s.asked = append(s.asked, f)
		case f.Name == path[0]:
			s.descend(f.Selections, f.Definition.Type, path[1:])
		}
	}
}

// collect merges the fields of a selection set; fragments on the interfaces of objects count as well.
func collect(op *graphql.OperationContext, set ast.SelectionSet, of *ast.Type) []graphql.CollectedField {
	return graphql.CollectFields(op, set, []string{of.Name(), "Node", "Audience"})
}

// columns returns the columns that the selection reads, each once; id at least.
func (s selection) columns() []string {
	columns := []string{"id"}
	s.gather(s.table, s.asked, &columns)
	return columns
}

// columnsAnd returns the columns and more of them, each once.
func (s selection) columnsAnd(more ...string) []string {
	columns := s.columns()
	for _, column := range more {
		if !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
	}
	return columns
}

// sums returns the columns without id, which sums do not have.
func (s selection) sums() []string { return s.columns()[1:] }

func (s selection) gather(table fields, asked []graphql.CollectedField, columns *[]string) {
	for _, f := range asked {
		entry := table[f.Name]
		for _, column := range entry.columns {
			if !slices.Contains(*columns, column) {
				*columns = append(*columns, column)
			}
		}
		if entry.below != nil {
			s.gather(entry.below, collect(s.op, f.Selections, f.Definition.Type), columns)
		}
	}
}

// named returns the fields of a name, which are several under aliases.
func (s selection) named(name string) []graphql.CollectedField {
	var found []graphql.CollectedField
	for _, f := range s.asked {
		if f.Name == name {
			found = append(found, f)
		}
	}
	return found
}

// asks reports whether the current field asks for one of the fields below it.
func asks(ctx context.Context, names ...string) bool {
	current := graphql.GetFieldContext(ctx).Field
	for _, f := range collect(graphql.GetOperationContext(ctx), current.Selections, current.Definition.Type) {
		if slices.Contains(names, f.Name) {
			return true
		}
	}
	return false
}

// selectedOn returns what the current field, an interface, asks of one type that implements it.
func selectedOn(ctx context.Context, typeName string, table fields) selection {
	op := graphql.GetOperationContext(ctx)
	current := graphql.GetFieldContext(ctx).Field
	return selection{
		op: op, table: table, asked: graphql.CollectFields(op, current.Selections, []string{typeName, "Node"}),
	}
}
