package main

import (
	"go/types"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/config"
)

func TestUnsupportedBindingsAreRefused(t *testing.T) {
	t.Parallel()
	for name, of := range map[string]struct {
		change func(data *codegen.Data, field *codegen.Field)
		want   string
	}{
		"a method with ok":  {func(_ *codegen.Data, f *codegen.Field) { f.VOkFunc = true }, "Thing.name"},
		"a method that has": {func(_ *codegen.Data, f *codegen.Field) { f.HasHaser = true }, "Thing.name"},
		"a map":             {func(_ *codegen.Data, f *codegen.Field) { f.GoFieldType = codegen.GoFieldMap }, "Thing.name"},
		"no handler of panics": {
			func(d *codegen.Data, _ *codegen.Field) { d.Config.OmitPanicHandler = true }, "omit_panic_handler",
		},
		"functions": {
			func(d *codegen.Data, _ *codegen.Field) { d.Config.UseFunctionSyntaxForExecutionContext = true },
			"use_function_syntax_for_execution_context",
		},
		"a directive of fields": {
			func(d *codegen.Data, _ *codegen.Field) {
				d.AllDirectives = codegen.DirectiveList{"log": {DirectiveDefinition: &ast.DirectiveDefinition{
					Name: "log", Locations: []ast.DirectiveLocation{ast.LocationField},
				}, Name: "log"}}
			},
			"@log",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			object := &codegen.Object{Definition: &ast.Definition{Name: "Thing"}}
			field := &codegen.Field{FieldDefinition: &ast.FieldDefinition{Name: "name"}, Object: object}
			object.Fields = []*codegen.Field{field}
			data := &codegen.Data{Config: &config.Config{}, Objects: codegen.Objects{object}}
			if err := supported(data); err != nil {
				t.Fatalf("refused as it is: %v", err)
			}
			of.change(data, field)
			if err := supported(data); err == nil || !strings.Contains(err.Error(), of.want) {
				t.Errorf("got %v, want an error about %s", err, of.want)
			}
		})
	}
}

func TestUnsupportedTypesAreRefused(t *testing.T) {
	t.Parallel()
	text := types.Typ[types.String]
	scalar := &ast.Definition{Kind: ast.Scalar, Name: "Text"}
	for name, of := range map[string]*config.TypeReference{
		"a pointer to a list": {
			GQL: ast.ListType(ast.NamedType("Text", nil), nil), GO: types.NewPointer(types.NewSlice(text)),
		},
		"a pointer to a pointer": {GQL: ast.NamedType("Text", nil), GO: types.NewPointer(types.NewPointer(text))},
		"a pointer that marshals as its own": {
			GQL: ast.NamedType("Text", nil), GO: text, Target: types.NewPointer(text),
		},
		"no marshaler": {GQL: ast.NamedType("Text", nil), GO: types.NewPointer(text), Target: types.NewPointer(text)},
	} {
		t.Run(name, func(t *testing.T) {
			of.Definition = scalar
			if expression, err := (plugin{}).output(of); err == nil || !strings.Contains(err.Error(), "not supported") {
				t.Errorf("got %s, %v, want an error", expression, err)
			}
		})
	}
}
