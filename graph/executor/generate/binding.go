package main

import (
	"fmt"
	"go/types"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/99designs/gqlgen/codegen/templates"
)

// supported reports what the schema, its bindings or the configuration use that the executor does not know.
func supported(data *codegen.Data) error {
	for option, set := range map[string]bool{
		"exec.layout: follow-schema":                data.Config.Exec.Layout == config.ExecLayoutFollowSchema,
		"omit_panic_handler":                        data.Config.OmitPanicHandler,
		"use_function_syntax_for_execution_context": data.Config.UseFunctionSyntaxForExecutionContext,
		"subscription_context_field":                data.Config.SubscriptionContextField,
	} {
		if set {
			return fmt.Errorf("executor: the option %s is not supported", option)
		}
	}
	for _, location := range []ast.DirectiveLocation{
		ast.LocationQuery, ast.LocationMutation, ast.LocationSubscription, ast.LocationField,
	} {
		for _, directive := range data.AllDirectives.LocationDirectives(string(location)) {
			return fmt.Errorf("executor: the directive @%s is not supported on a %s", directive.Name, location)
		}
	}
	for _, object := range data.Objects {
		for _, field := range object.Fields {
			if field.HasDirectives() || field.IsMap() || field.HasHaser || field.VOkFunc ||
				field.UsesSubscriptionContext() {
				return fmt.Errorf("executor: the binding of %s.%s is of a kind that is not supported", object.Name, field.Name)
			}
		}
	}
	return nil
}

// ref is how the generated file names a type.
func ref(of types.Type) string { return templates.CurrentImports.LookupType(of) }

// member returns the Go expression that writes a field f of an object v.
func (p plugin) member(field *codegen.Field) (string, error) {
	out, err := p.output(field.TypeReference)
	if err != nil {
		return "", fmt.Errorf("executor: %s.%s: %w", field.Object.Name, field.Name, err)
	}
	parent, argued, fc := "executor.None", "f", ""
	if !field.Object.Root {
		parent = ref(field.Object.Reference())
	}
	if len(field.Args) > 0 {
		argued = fmt.Sprintf("f.Argued(func(ctx context.Context) (map[string]any, error) {\n"+
			"return ec.%s(ctx, f.ArgumentMap(ec.Variables)) })", field.ArgsFunc())
		fc = "fc := graphql.GetFieldContext(ctx)\n"
	}
	value := ref(field.TypeReference.GO)
	called := fmt.Sprintf("%s.%s(%s)", field.GoReceiverName, field.GoFieldName, field.CallArgs())
	switch {
	case field.TypeReference.IsRoot:
		return fmt.Sprintf("executor.Variable(f, %s, func(%s) executor.None { return executor.None{} })", out, parent), nil
	case field.Stream:
		return fmt.Sprintf("executor.Stream(%s, %s, func(ctx context.Context) (<-chan %s, error) {\n"+
			"%sreturn ec.Resolvers.%s })",
			argued, out, value, fc, field.ShortInvocation()), nil
	case field.IsBatch():
		return fmt.Sprintf("executor.Batch(%s, %s, func(ctx context.Context, parents []%s) ([]%s, error) {\n"+
			"%sreturn ec.Resolvers.%s().%s(%s) })",
			argued, out, parent, value, fc, templates.UcFirst(field.Object.Name), field.GoFieldName,
			field.BatchCallArgs("parents", "")), nil
	case field.IsResolver:
		obj := "obj"
		if field.Object.Root {
			obj = "_"
		}
		return fmt.Sprintf("executor.Resolver(%s, %s, func(ctx context.Context, %s %s) (%s, error) {\n"+
			"%sreturn ec.Resolvers.%s })",
			argued, out, obj, parent, value, fc, field.ShortInvocation()), nil
	case field.IsVariable():
		return fmt.Sprintf("executor.Variable(f, %s, func(obj %s) %s { return obj.%s })",
			out, parent, value, field.GoFieldName), nil
	case field.IsMethod() && !field.MethodHasContext && len(field.Args) == 0 && field.GoReceiverName == "obj":
		if field.NoErr {
			return fmt.Sprintf("executor.Getter(f, %s, func(obj %s) %s { return %s })", out, parent, value, called), nil
		}
		return fmt.Sprintf("executor.Method(f, %s, func(obj %s) (%s, error) { return %s })", out, parent, value, called), nil
	case field.IsMethod():
		if field.NoErr {
			called += ", nil"
		}
		obj := "obj"
		if field.Object.Root {
			obj = "_"
		}
		return fmt.Sprintf("executor.Called(%s, %s, func(ctx context.Context, %s %s) (%s, error) {\n%sreturn %s })",
			argued, out, obj, parent, value, fc, called), nil
	}
	return "", fmt.Errorf("executor: %s.%s is not bound", field.Object.Name, field.Name)
}

// output returns the Go expression that writes the values of a type, below the field f.
func (p plugin) output(t *config.TypeReference) (string, error) {
	required := ""
	if t.GQL.NonNull {
		required = t.GQL.String()
	}
	switch {
	case t.IsPtrToPtr(), t.IsPtrToSlice(), t.IsPtrToIntf():
		return "", fmt.Errorf("the type %s is not supported", t.GO)
	case t.IsSlice():
		of, err := p.output(t.Elem())
		return fmt.Sprintf("executor.List(%s, %t, %t)", of, !t.GQL.NonNull, t.Elem().GQL.NonNull), err
	case t.IsRoot:
		return fmt.Sprintf("executor.Select(ec.OperationContext, f.Selections, ec.object%s())", t.Definition.Name), nil
	case t.Definition.Kind == ast.Interface, t.Definition.Kind == ast.Union:
		return fmt.Sprintf("ec.output%s(f, %q)", t.Definition.Name, required), nil
	case t.Definition.Kind == ast.Object:
		of := fmt.Sprintf("executor.Select(ec.OperationContext, f.Selections, ec.object%s())", t.Definition.Name)
		if t.IsNilable() {
			return fmt.Sprintf("executor.Nullable(%s, %q)", of, required), nil
		}
		return fmt.Sprintf("executor.Addressed(%s)", of), nil
	}
	if t.IsPtr() && !t.IsTargetNilable() {
		value := *t
		value.GO = t.GO.(*types.Pointer).Elem()
		of, err := p.leaf(&value, t.EnumMarshalVar(false), required)
		return fmt.Sprintf("executor.Pointer(%s, %q)", of, required), err
	}
	if t.IsTargetNilable() != t.IsNilable() {
		return "", fmt.Errorf("the type %s is not supported", t.GO)
	}
	of, err := p.leaf(t, t.EnumMarshalVar(false), required)
	if t.IsNilable() {
		return fmt.Sprintf("executor.Nilable(func(v %s) bool { return v == nil }, %s, %q)", ref(t.GO), of, required), err
	}
	return of, err
}

// leaf returns the Go expression that writes the values of a scalar or an enum. names is the variable with
// the names of the enum's values.
func (p plugin) leaf(t *config.TypeReference, names, required string) (string, error) {
	value := ref(t.GO)
	switch {
	case t.IsMarshaler && t.Definition.Kind == ast.Enum && p.generated(t.GO) && isString(t.GO):
		return fmt.Sprintf("executor.Leaf(func(buf []byte, v %s) []byte { return %s(buf, string(v)) }, %q)",
			value, templates.CurrentImports.Lookup(scalars)+".AppendString", required), nil
	case t.IsMarshaler && t.IsContext:
		return fmt.Sprintf("executor.Checked(func(v %s) graphql.ContextMarshaler { return v })", value), nil
	case t.IsMarshaler:
		return fmt.Sprintf("executor.Marshaled(func(v %s) graphql.Marshaler { return v }, %q)", value, required), nil
	case t.Marshaler == nil:
		return "", fmt.Errorf("the type %s is not supported", t.GO)
	}
	argument := "v"
	if t.HasEnumValues() {
		argument = names + "[v]"
	} else if t.CastType != nil {
		argument = fmt.Sprintf("%s(v)", ref(t.CastType))
	}
	name := strings.TrimPrefix(t.Marshaler.Name(), "Marshal")
	switch encode := appends(t.Marshaler, name); {
	case t.IsContext && name == "FloatContext":
		return fmt.Sprintf("executor.Float[%s]()", value), nil
	case t.IsContext:
		return fmt.Sprintf("executor.Checked(func(v %s) graphql.ContextMarshaler { return %s(%s) })",
			value, templates.Call(t.Marshaler), argument), nil
	case encode == "" && t.Definition.Kind == ast.Enum:
		return fmt.Sprintf("executor.Enum(func(v %s) graphql.Marshaler { return %s(%s) }, %q)",
			value, templates.Call(t.Marshaler), argument, required), nil
	case encode == "":
		return fmt.Sprintf("executor.Marshaled(func(v %s) graphql.Marshaler { return %s(%s) }, %q)",
			value, templates.Call(t.Marshaler), argument, required), nil
	case argument == "v":
		return fmt.Sprintf("executor.Leaf(%s, %q)", encode, required), nil
	default:
		return fmt.Sprintf("executor.Leaf(func(buf []byte, v %s) []byte { return %s(buf, %s) }, %q)",
			value, encode, argument, required), nil
	}
}

const (
	// scalars is the package with the functions that append gqlgen's own scalars.
	scalars = "campaignql/graph/scalar"
	// gqlgen is the package with gqlgen's own scalars.
	gqlgen = "github.com/99designs/gqlgen/graphql"
)

// appends returns the function that appends the JSON of a scalar, or an empty string if there is none.
// It is AppendX beside MarshalX.
func appends(marshaler *types.Func, name string) string {
	pkg := marshaler.Pkg().Path()
	if pkg == gqlgen && slices.Contains([]string{"String", "Boolean"}, name) {
		pkg = scalars
	} else if marshaler.Pkg().Scope().Lookup("Append"+name) == nil {
		return ""
	}
	return templates.CurrentImports.Lookup(pkg) + ".Append" + name
}

// generated reports whether gqlgen has written a type.
func (p plugin) generated(t types.Type) bool {
	named, ok := t.(*types.Named)
	if !ok || named.Obj().Pkg() == nil || named.Obj().Pkg().Path() != p.config.Model.ImportPath() {
		return false
	}
	in := p.config.Packages.Load(named.Obj().Pkg().Path()).Fset.Position(named.Obj().Pos())
	return filepath.Base(in.Filename) == filepath.Base(p.config.Model.Filename)
}

func isString(t types.Type) bool {
	basic, ok := t.Underlying().(*types.Basic)
	return ok && basic.Kind() == types.String
}

// entities is the package of Ent's entities.
const entities = "campaignql/ent"

// boundColumn is the column that a field of the schema is bound to.
type boundColumn struct{ Field, Name string }

// column returns the column of a field that is bound to a field of an entity, or nil. Ent names the columns
// in the tags for JSON.
func column(field *codegen.Field) (*boundColumn, error) {
	if field.IsResolver || !field.IsVariable() || field.Object.Root {
		return nil, nil
	}
	found, path, _ := types.LookupFieldOrMethod(field.Object.Type, true, nil, field.GoFieldName)
	if found == nil || found.Pkg() == nil || found.Pkg().Path() != entities {
		return nil, nil
	}
	of := field.Object.Type
	for i, step := range path {
		if pointer, ok := of.(*types.Pointer); ok {
			of = pointer.Elem()
		}
		entity := of.Underlying().(*types.Struct)
		if i < len(path)-1 {
			of = entity.Field(step).Type()
			continue
		}
		name, _, _ := strings.Cut(reflect.StructTag(entity.Tag(step)).Get("json"), ",")
		if name == "" || name == "-" {
			return nil, fmt.Errorf("executor: the column of %s.%s has no name in JSON", field.Object.Name, field.Name)
		}
		return &boundColumn{field.Name, name}, nil
	}
	return nil, nil
}
