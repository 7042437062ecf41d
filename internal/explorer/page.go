package explorer

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"html/template"
)

//go:embed page.html
var pageSource string

var pageTemplate = template.Must(template.New("page").Parse(pageSource))

// config is passed to the script as JSON inside the page, because the policy forbids inline
// scripts. The template escapes it for this context.
type config struct {
	Title     string `json:"title"`
	Endpoint  string `json:"endpoint"`
	SchemaURL string `json:"schemaURL"`
	DemoKey   string `json:"demoKey"`
	// RegisteredOnly is that of Options.
	RegisteredOnly bool     `json:"registeredOnly"`
	Samples        []Sample `json:"samples"`
}

// manifest is dist/manifest.json: the built files that the page refers to. The script refers to the
// workers.
type manifest struct {
	Script   string `json:"script"`
	Style    string `json:"style"`
	Icon     string `json:"icon"`
	Licences string `json:"licences"`
}

func builtManifest() manifest {
	source, err := dist.ReadFile("dist/manifest.json")
	if err != nil {
		panic(fmt.Errorf("explorer: read manifest: %w", err))
	}
	var m manifest
	if err := json.Unmarshal(source, &m); err != nil {
		panic(fmt.Errorf("explorer: read manifest: %w", err))
	}
	return m
}

func renderPage(opts Options) *asset {
	built := builtManifest()
	var page bytes.Buffer
	err := pageTemplate.Execute(&page, map[string]any{
		"Config": config{
			Title:          opts.Title,
			Endpoint:       opts.Endpoint,
			SchemaURL:      opts.SchemaURL,
			DemoKey:        opts.DemoKey,
			RegisteredOnly: opts.RegisteredOnly,
			Samples:        Samples(),
		},
		"Script":   assetPath + built.Script,
		"Style":    assetPath + built.Style,
		"Icon":     assetPath + built.Icon,
		"Licences": assetPath + built.Licences,
	})
	if err != nil {
		panic(fmt.Errorf("explorer: render page: %w", err))
	}
	return newAsset("text/html; charset=utf-8", cacheChecked, compress(page.Bytes()))
}
