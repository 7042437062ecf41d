// Generate runs gqlgen on the configuration in the working directory with one plugin more, which writes
// the executor of the product: exec/executor_gen.go.
package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/99designs/gqlgen/api"
	"github.com/99designs/gqlgen/codegen"
	"github.com/99designs/gqlgen/codegen/config"
	"github.com/99designs/gqlgen/codegen/templates"
)

func main() {
	if err := generate(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func generate() error {
	cfg, err := config.LoadConfigFromDefaultLocations()
	if err != nil {
		return err
	}
	return api.Generate(cfg, api.AddPlugin(plugin{}))
}

// plugin writes the executor beside gqlgen's.
type plugin struct{}

//go:embed executor.gotpl
var source string

// Name implements gqlgen's plugin.Plugin.
func (plugin) Name() string { return "executor" }

// GenerateCode implements gqlgen's plugin.CodeGenerator.
func (plugin) GenerateCode(data *codegen.Data) error {
	if err := supported(data); err != nil {
		return err
	}
	return templates.Render(templates.Options{
		PackageName:     data.Config.Exec.Package,
		Filename:        filepath.Join(filepath.Dir(data.Config.Exec.Filename), "executor_gen.go"),
		Template:        source,
		Data:            data,
		GeneratedHeader: true,
		Packages:        data.Config.Packages,
		Funcs: map[string]any{
			"output": output,
			"member": member,
			"column": column,
		},
	})
}
