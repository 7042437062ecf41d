package graph_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/internal/testkit"
	"campaignql/internal/testkit/apitest"
)

// These types hold the compared parts of an introspection answer.
type (
	introspection struct {
		Schema struct {
			Description             string
			QueryType, MutationType struct{ Name string }
			Types                   []introspectedType
			Directives              []introspectedDirective
		} `json:"__schema"`
	}
	introspectedType struct {
		Kind, Name, Description, SpecifiedByURL string
		IsOneOf                                 bool
		Fields                                  []introspectedField
		InputFields                             []introspectedInput
		EnumValues                              []introspectedValue
		Interfaces, PossibleTypes               []introspectedRef
	}
	introspectedField struct {
		introspectedValue
		Args []introspectedInput
		Type introspectedRef
	}
	introspectedInput struct {
		introspectedValue
		Type         introspectedRef
		DefaultValue *string
	}
	introspectedValue struct {
		Name, Description string
		IsDeprecated      bool
		DeprecationReason *string
	}
	introspectedRef struct {
		Kind, Name string
		OfType     *introspectedRef
	}
	introspectedDirective struct {
		Name, Description string
		IsRepeatable      bool
		Locations         []string
		Args              []introspectedInput
	}
)

func (r introspectedRef) String() string {
	switch r.Kind {
	case "NON_NULL":
		return r.OfType.String() + "!"
	case "LIST":
		return "[" + r.OfType.String() + "]"
	default:
		return r.Name
	}
}

// facts are the statements of a schema about an element, by the path of the element.
type facts map[string]string

func (f facts) add(path, description, of, fallback string, deprecated *string) {
	text := strings.TrimSpace(description) + "|" + of + "|" + fallback
	if deprecated != nil {
		text += "|deprecated: " + *deprecated
	}
	f[path] = text
}

func orEmpty(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// introspected returns the facts of an introspection answer.
func introspected(all introspection) facts {
	f := facts{}
	f.add("schema", all.Schema.Description, all.Schema.QueryType.Name+" "+all.Schema.MutationType.Name, "", nil)
	for _, of := range all.Schema.Types {
		if strings.HasPrefix(of.Name, "__") {
			continue
		}
		f.add(of.Name, of.Description, of.Kind, of.SpecifiedByURL, nil)
		if of.IsOneOf {
			f[of.Name+" is one of"] = ""
		}
		for _, field := range of.Fields {
			path := of.Name + "." + field.Name
			f.add(path, field.Description, field.Type.String(), "", field.DeprecationReason)
			for _, argument := range field.Args {
				f.add(
					path+"("+argument.Name+")", argument.Description, argument.Type.String(),
					orEmpty(argument.DefaultValue), argument.DeprecationReason,
				)
			}
		}
		for _, input := range of.InputFields {
			f.add(
				of.Name+"."+input.Name, input.Description, input.Type.String(), orEmpty(input.DefaultValue),
				input.DeprecationReason,
			)
		}
		for _, value := range of.EnumValues {
			f.add(of.Name+"."+value.Name, value.Description, "", "", value.DeprecationReason)
		}
		for _, other := range of.Interfaces {
			f[of.Name+" implements "+other.Name] = ""
		}
	}
	for _, d := range all.Schema.Directives {
		slices.Sort(d.Locations)
		f.add("@"+d.Name, d.Description, strings.Join(d.Locations, " "), "", nil)
		for _, argument := range d.Args {
			f.add(
				"@"+d.Name+"("+argument.Name+")", argument.Description, argument.Type.String(),
				orEmpty(argument.DefaultValue), argument.DeprecationReason,
			)
		}
	}
	return f
}

// written returns the facts of a schema in SDL.
func written(schema *ast.Schema) facts {
	f := facts{}
	f.add("schema", schema.Description, schema.Query.Name+" "+schema.Mutation.Name, "", nil)
	for name, of := range schema.Types {
		if strings.HasPrefix(name, "__") {
			continue
		}
		url := ""
		if d := of.Directives.ForName("specifiedBy"); d != nil {
			url = d.Arguments.ForName("url").Value.Raw
		}
		f.add(name, of.Description, string(of.Kind), url, nil)
		if of.Directives.ForName("oneOf") != nil {
			f[name+" is one of"] = ""
		}
		for _, field := range of.Fields {
			if strings.HasPrefix(field.Name, "__") {
				continue
			}
			path := name + "." + field.Name
			f.add(path, field.Description, field.Type.String(), text(field.DefaultValue), deprecation(field.Directives))
			for _, argument := range field.Arguments {
				f.add(
					path+"("+argument.Name+")", argument.Description, argument.Type.String(),
					text(argument.DefaultValue), deprecation(argument.Directives),
				)
			}
		}
		for _, value := range of.EnumValues {
			f.add(name+"."+value.Name, value.Description, "", "", deprecation(value.Directives))
		}
		for _, other := range of.Interfaces {
			f[name+" implements "+other] = ""
		}
	}
	for name, d := range schema.Directives {
		locations := make([]string, len(d.Locations))
		for i, location := range d.Locations {
			locations[i] = string(location)
		}
		slices.Sort(locations)
		f.add("@"+name, d.Description, strings.Join(locations, " "), "", nil)
		for _, argument := range d.Arguments {
			f.add(
				"@"+name+"("+argument.Name+")", argument.Description, argument.Type.String(),
				text(argument.DefaultValue), deprecation(argument.Directives),
			)
		}
	}
	return f
}

func text(value *ast.Value) string {
	if value == nil {
		return ""
	}
	return value.String()
}

func deprecation(directives ast.DirectiveList) *string {
	d := directives.ForName("deprecated")
	if d == nil {
		return nil
	}
	reason := "No longer supported"
	if argument := d.Arguments.ForName("reason"); argument != nil {
		reason = argument.Value.Raw
	}
	return &reason
}

// introspect sends the query of GraphiQL without credentials.
func introspect(t *testing.T) facts {
	t.Helper()
	w := &world{Server: apitest.New(t, testkit.Engines()[0].Shared(t))}
	query := must(os.ReadFile(filepath.Join("testdata", "introspection.graphql")))(t)
	response := w.Query(t, "", string(query), nil)
	if len(response.Errors) > 0 {
		t.Fatalf("the introspection of GraphiQL: %.2000s", response.Body)
	}
	var answer struct{ Data introspection }
	if err := json.Unmarshal([]byte(response.Body), &answer); err != nil {
		t.Fatal(err)
	}
	return introspected(answer.Data)
}

// repository returns schema.graphql of the repository.
func repository(t *testing.T) *ast.Schema {
	t.Helper()
	source := must(os.ReadFile(filepath.Join("..", "schema.graphql")))(t)
	loaded, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(source)})
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

func TestIntrospectionTellsTheSchemaOfTheRepository(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(written(repository(t)), introspect(t)); diff != "" {
		t.Errorf("schema.graphql and introspection (-file +served):\n%s", diff)
	}
}

func TestServedTextTellsTheSchemaOfTheRepository(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(written(repository(t)), written(schema(t))); diff != "" {
		t.Errorf("schema.graphql and /schema.graphql (-file +served):\n%s", diff)
	}
}

func TestEverythingInTheSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	for path, fact := range introspect(t) {
		if strings.HasPrefix(fact, "|") {
			t.Errorf("%s has no description", path)
		}
	}
}
