package guard

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// Compile parses a document and checks it like the document of a request, before there is a request:
// against the schema, and against all limits. The complexity of its operations is computed with the
// default values of their variables; with other values an operation may still be rejected when it is
// executed. Validate must have been called with the same schema.
func (g *Guard) Compile(schema *ast.Schema, text string) (*ast.QueryDocument, gqlerror.List) {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, g.limits.Tokens)
	if err != nil {
		fault := gqlerror.WrapIfUnwrapped(err)
		g.restore(fault)
		return nil, gqlerror.List{fault}
	}
	if len(doc.Operations) == 0 {
		return nil, gqlerror.List{{Message: "the document has no operation"}}
	}
	if errs := g.check(schema, doc); len(errs) > 0 {
		return nil, errs
	}
	for _, op := range doc.Operations {
		if over := g.overLimit(g.cost(op, defaultValues(op))); over != nil {
			return nil, gqlerror.List{over}
		}
	}
	return doc, nil
}

// defaultValues returns the values that the variables of an operation have in a request without
// variables.
func defaultValues(op *ast.OperationDefinition) map[string]any {
	values := map[string]any{}
	for _, v := range op.VariableDefinitions {
		if v.DefaultValue == nil {
			continue
		}
		if value, err := v.DefaultValue.Value(nil); err == nil {
			values[v.Variable] = value
		}
	}
	return values
}
