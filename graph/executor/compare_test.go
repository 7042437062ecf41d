package executor_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// invalid returns why a document is not valid.
func invalid(schema *ast.Schema, d document) error {
	if _, errs := gqlparser.LoadQueryWithRules(schema, d.text, nil); len(errs) > 0 {
		return errs
	}
	return nil
}

// bubbled returns gqlgen's data, but for an event of a subscription that is null where the schema does not
// allow it: gqlgen writes {"field":null}, and the specification wants null.
func bubbled(schema *ast.Schema, d document, data string) string {
	query, err := parser.ParseQuery(&ast.Source{Input: d.text})
	if err != nil {
		return data
	}
	operation := query.Operations.ForName(d.operation)
	if operation == nil || operation.Operation != ast.Subscription {
		return data
	}
	field, ok := operation.SelectionSet[0].(*ast.Field)
	if ok && schema.Subscription.Fields.ForName(field.Name).Type.NonNull && strings.HasSuffix(data, `":null}`) &&
		!strings.Contains(data, ",") {
		return "null"
	}
	return data
}

// nullElement finds the field in the message about a null.
var nullElement = regexp.MustCompile(`^cannot return null for non-null (element of )?field (\w+)\.(\w+) \(([^)]*)\): .*`)

// describe returns a line for each error, sorted. gqlgen has no index in the path of a list of scalars, though
// the specification wants one: it reports the null in such a list once, and as one of the field.
func describe(schema *ast.Schema, errs []*gqlerror.Error) []string {
	var lines []string
	nulls := map[string]bool{}
	for _, err := range errs {
		message, path := err.Message, err.Path
		found := nullElement.FindStringSubmatch(message)
		switch {
		case found != nil && isScalarList(schema, found[2], found[3]):
			path = withoutIndices(path)
			message = "null in " + found[2] + "." + found[3]
			if key := message + path.String(); nulls[key] {
				continue
			} else {
				nulls[key] = true
			}
		case strings.HasPrefix(message, "cannot marshal infinite"), message == "not a ratio", message == "not a weight":
			path = withoutIndices(path)
		}
		extensions, _ := json.Marshal(err.Extensions)
		lines = append(lines, fmt.Sprintf("%s at %s %v %s", message, path.String(), err.Locations, extensions))
	}
	slices.Sort(lines)
	return lines
}

func isScalarList(schema *ast.Schema, object, field string) bool {
	of := schema.Types[object].Fields.ForName(field).Type
	return of.Elem != nil && schema.Types[of.Name()].Kind == ast.Scalar
}

// withoutIndices cuts the indices at the end.
func withoutIndices(path ast.Path) ast.Path {
	for len(path) > 0 {
		if _, ok := path[len(path)-1].(ast.PathIndex); !ok {
			break
		}
		path = path[:len(path)-1]
	}
	return path
}

// census counts what the random documents had, so that they cannot become trivial unseen.
type census struct {
	kinds                                                         map[ast.Operation]int
	responses, values, nulls, errors, panics, failedReads, events int
}

func (c *census) add(d document, o outcome) {
	query, err := parser.ParseQuery(&ast.Source{Input: d.text})
	if err != nil {
		return
	}
	kind := query.Operations.ForName(d.operation).Operation
	c.kinds[kind]++
	for _, r := range o.responses {
		c.responses++
		c.errors += len(r.errors)
		c.values += strings.Count(r.data, ":")
		if r.data == null {
			c.nulls++
		}
		if kind == ast.Subscription {
			c.events++
		}
		for _, err := range r.errors {
			if strings.Contains(err.Message, "bad secret") || strings.Contains(err.Message, "not a day") {
				c.failedReads++
			}
		}
	}
	for _, n := range o.recovered {
		c.panics += n
	}
}

const null = "null"

// check fails if something was hardly met.
func (c *census) check(t *testing.T) {
	t.Helper()
	for what, n := range map[string]int{
		"queries": c.kinds[ast.Query], "mutations": c.kinds[ast.Mutation], "subscriptions": c.kinds[ast.Subscription],
		"values": c.values / 10, "data that is null": c.nulls, "errors": c.errors, "panics": c.panics,
		"arguments that cannot be read": c.failedReads, "events": c.events,
	} {
		if n < 20 {
			t.Errorf("the documents have few %s: %d", what, n)
		}
	}
}
