package graph

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/99designs/gqlgen/graphql"
)

// paged is a connection below a row, for example the subscribers of a list, with one set of
// arguments. All rows of a page have the same connections, so each connection is loaded for all
// rows at once.
type paged struct {
	op        *graphql.OperationContext
	arguments string
	// places are the fields that select the connection: with several aliases, or on several paths
	// to the row.
	places []graphql.CollectedField
}

// paged returns the selected connections with this name.
func (s selection) paged(name string) []*paged {
	var all []*paged
	for _, f := range s.named(name) {
		arguments := argumentsKey(s.op, f)
		i := slices.IndexFunc(all, func(p *paged) bool { return p.arguments == arguments })
		if i < 0 {
			all, i = append(all, &paged{op: s.op, arguments: arguments}), len(all)
		}
		all[i].places = append(all[i].places, f)
	}
	return all
}

// argumentsKey returns a key that is equal for two fields with equal arguments.
func argumentsKey(op *graphql.OperationContext, f graphql.CollectedField) string {
	text, err := json.Marshal(f.ArgumentMap(op.Variables))
	if err != nil {
		return "" // cannot happen: the arguments were parsed from JSON or GraphQL
	}
	return string(text)
}

// currentArguments returns the argumentsKey of the field that is being resolved.
func currentArguments(ctx context.Context) string {
	return argumentsKey(graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field)
}

// rows returns the selection on the rows of the connection.
func (p *paged) rows(table fields) selection {
	found := selection{op: p.op, table: table}
	for _, f := range p.places {
		for _, path := range connection {
			found.descend(f.Selections, f.Definition.Type, path)
		}
	}
	return found
}

// asks reports whether one of the fields of the connection is selected.
func (p *paged) asks(names ...string) bool {
	for _, f := range p.places {
		for _, below := range collect(p.op, f.Selections, f.Definition.Type) {
			if slices.Contains(names, below.Name) {
				return true
			}
		}
	}
	return false
}
