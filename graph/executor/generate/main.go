// Command generate runs gqlgen on the configuration in the working directory, or in the directory that is its
// argument, with one plugin more. The plugin writes executor_gen.go beside gqlgen's own executor.
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
	if len(os.Args) > 1 {
		if err := os.Chdir(os.Args[1]); err != nil {
			return err
		}
	}
	cfg, err := config.LoadConfigFromDefaultLocations()
	if err != nil {
		return err
	}
	return api.Generate(cfg, api.AddPlugin(plugin{}))
}

// plugin writes the executor beside gqlgen's.
type plugin struct{ config *config.Config }

//go:embed executor.gotpl
var source string

// Name implements gqlgen's plugin.Plugin.
func (plugin) Name() string { return "executor" }

// GenerateCode implements gqlgen's plugin.CodeGenerator.
func (p plugin) GenerateCode(data *codegen.Data) error {
	if err := supported(data); err != nil {
		return err
	}
	p.config = data.Config
	return templates.Render(templates.Options{
		PackageName:     data.Config.Exec.Package,
		Filename:        filepath.Join(filepath.Dir(data.Config.Exec.Filename), "executor_gen.go"),
		Template:        source,
		Data:            data,
		GeneratedHeader: true,
		Packages:        data.Config.Packages,
		Funcs: map[string]any{
			"member": p.member,
			"column": column,
		},
	})
}
