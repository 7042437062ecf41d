package graph

import (
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/graph/exec"
	"campaignql/graph/guard"
	"campaignql/graph/registered"
)

// ReadOperations reads the registered operations of a file or folder, and checks them against the
// schema and against limits, which must be those of the server.
func ReadOperations(path string, limits guard.Limits) (*registered.Operations, error) {
	schema := exec.NewExecutableSchema(exec.Config{})
	g := guard.New(guard.Config{Limits: limits, Weight: weight})
	if err := g.Validate(schema); err != nil {
		return nil, err
	}
	return registered.Read(path, func(text string) (*ast.QueryDocument, gqlerror.List) {
		return g.Compile(schema.Schema(), text)
	})
}
