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

// subscribed returns the field of a subscription, or nil of another operation.
func subscribed(d document) *ast.Field {
	query, err := parser.ParseQuery(&ast.Source{Input: d.text})
	if err != nil {
		return nil
	}
	operation := query.Operations.ForName(d.operation)
	if operation == nil || operation.Operation != ast.Subscription {
		return nil
	}
	field, _ := operation.SelectionSet[0].(*ast.Field)
	return field
}

// specified returns a response of gqlgen as the specification wants it. gqlgen deviates in the events of
// subscriptions alone: the paths of errors begin below the field, and an event that is null though the
// schema does not allow it is {"field":null} where the data has to be null.
func specified(schema *ast.Schema, d document, r response) response {
	stream := subscribed(d)
	if stream == nil || r.data == "" {
		return r
	}
	definition := schema.Subscription.Fields.ForName(stream.Name)
	if definition.Type.NonNull && r.data == fmt.Sprintf("{%q:null}", stream.Alias) {
		r.data = null
	}
	errs := make([]*gqlerror.Error, len(r.errors))
	for i, err := range r.errors {
		moved := *err
		moved.Path = append(ast.Path{ast.PathName(stream.Alias)}, err.Path...)
		moved.Message = nullPosition.ReplaceAllString(err.Message, "${1}field Subscription."+stream.Name+" (${2}): ")
		errs[i] = &moved
	}
	r.errors = errs
	return r
}

var (
	// nullField finds the field in the message about a null.
	nullField = regexp.MustCompile(`^cannot return null for non-null (?:element of )?field (\w+)\.(\w+) \(.*\): `)
	// nullPosition finds the place of a null that has no field.
	nullPosition = regexp.MustCompile(
		`^(cannot return null for non-null (?:element of )?)(?:response )?position.* \((.*)\): `)
)

// describe returns a line for each error, sorted, without two details in which gqlgen deviates:
//   - Lists of scalars. gqlgen has no index in the paths of their elements, though the specification wants one,
//     so it reports the nulls in such a list once, as one of the field.
//   - Scalars that fail when they are written. gqlgen does not write what is in an object that is null, so
//     it does not report them there.
func describe(schema *ast.Schema, r response) []string {
	var lines []string
	nulls := map[string]bool{}
	for _, err := range r.errors {
		message, path := err.Message, err.Path
		found := nullField.FindStringSubmatch(message)
		switch {
		case found != nil && isScalarList(schema, found[1], found[2]):
			path = withoutIndices(path)
			message = "null in " + found[1] + "." + found[2]
			key := message + path.String()
			if nulls[key] {
				continue
			}
			nulls[key] = true
		case found != nil && found[1] == "Subscription": // what the null came from is not known to gqlgen
			message = found[0]
		case strings.HasPrefix(message, "cannot marshal infinite"), message == "not a ratio", message == "not a weight":
			if path = withoutIndices(path); !exists(r.data, path) {
				continue
			}
		}
		extensions, _ := json.Marshal(err.Extensions)
		lines = append(lines, fmt.Sprintf("%s at %s %v %s", message, path.String(), err.Locations, extensions))
	}
	slices.Sort(lines)
	return lines
}

// exists reports whether the data has a value, or null, at a path.
func exists(data string, path ast.Path) bool {
	var at any
	if err := json.Unmarshal([]byte(data), &at); err != nil {
		panic(err)
	}
	for _, step := range path {
		switch step := step.(type) {
		case ast.PathName:
			object, ok := at.(map[string]any)
			if !ok {
				return false
			}
			at = object[string(step)]
		case ast.PathIndex:
			list, ok := at.([]any)
			if !ok {
				return false
			}
			at = list[step]
		}
	}
	return true
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
