package command_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"

	"campaignql/internal/command"
)

//go:generate go test -run TestThePageForMoversIsTrue -update .

// pagePath is the page for people who migrate from the legacy API. It is generated from the
// declarations of the commands and testdata/command-bridge.md.tmpl.
var pagePath = filepath.Join("..", "..", "docs", "command-bridge.md")

type pageCommand struct {
	command.Command
	Anchor, Field, Needs string
	// Served is true if the schema has the field of the command. Requires is true if the command
	// has required parameters.
	Served, Requires bool

	Codes   []pageCode
	Example struct{ Curl, Document, Variables string }
}

type pageCode struct{ Written, Text string }

func writtenCode(c command.Code) string {
	switch c.Shape {
	case command.Array:
		return fmt.Sprintf("[%d]", c.Number)
	case command.Keyed:
		return fmt.Sprintf(`{"campaigns":%d}`, c.Number)
	default:
		return fmt.Sprint(c.Number)
	}
}

// cellOf escapes a text for a table.
func cellOf(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

func servedSchema(t *testing.T) *ast.Schema {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "..", "schema.graphql"))
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(source)})
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// describe returns the description of a command for the page.
func describe(t *testing.T, schema *ast.Schema, cmd command.Command) pageCommand {
	t.Helper()
	shown := pageCommand{Command: cmd, Anchor: strings.ToLower(strings.ReplaceAll(cmd.Name, ".", ""))}
	shown.Doc, shown.Parameters = cellOf(cmd.Doc), slices.Clone(cmd.Parameters)
	for i := range shown.Parameters {
		shown.Parameters[i].Doc = cellOf(shown.Parameters[i].Doc)
		shown.Requires = shown.Requires || shown.Parameters[i].Required
	}
	for _, code := range cmd.Codes {
		row := pageCode{writtenCode(code), cellOf(code.Text)}
		if !slices.Contains(shown.Codes, row) {
			shown.Codes = append(shown.Codes, row)
		}
	}
	if schema.Query.Fields.ForName(cmd.Operation) == nil && schema.Mutation.Fields.ForName(cmd.Operation) == nil {
		t.Errorf("%s names the field %s, which the schema does not have", cmd.Name, cmd.Operation)
	}
	shown.Field, shown.Served = "`"+cmd.Operation+"`", cmd.Operation != "command"
	if shown.Needs = string(cmd.Scope); cmd.Public {
		shown.Needs = "nothing"
	}
	given, ok := moved[cmd.Name]
	if !ok || shown.Served != (given.Document != "") {
		t.Errorf(
			"%s: the table moved needs an example, with a document if its field is not command but %s", cmd.Name,
			cmd.Operation,
		)
	}
	shown.Example.Curl = given.Curl(cmd.Name)
	if !shown.Served {
		given = envelope(cmd.Name, given.form)
	}
	shown.Example.Document, shown.Example.Variables = given.Document, given.Variables
	return shown
}

func TestThePageForMoversIsTrue(t *testing.T) {
	t.Parallel()
	schema := servedSchema(t)
	var page struct {
		Envelope example
		Commands []pageCommand
		MaxBody  int
	}
	page.MaxBody = command.DefaultMaxBody
	page.Envelope = envelope("Campaign.Pause", []string{"CampaignID=123"})
	for _, cmd := range command.New(command.Services{}, command.Options{}).Commands() {
		page.Commands = append(page.Commands, describe(t, schema, cmd))
	}
	layout, err := template.ParseFiles(filepath.Join("testdata", "command-bridge.md.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	var text bytes.Buffer
	if err := layout.Execute(&text, page); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(pagePath, text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text.String(), "\n")); diff != "" {
		t.Errorf(
			"%s is not what the declarations say; go generate ./internal/command writes it anew (-page +declared):\n%s",
			pagePath, diff,
		)
	}
}

// TestTheExamplesForMoversAreValid checks every document against the schema and every legacy
// request against the declarations.
func TestTheExamplesForMoversAreValid(t *testing.T) {
	t.Parallel()
	schema := servedSchema(t)
	commands := command.New(command.Services{}, command.Options{}).Commands()
	for _, cmd := range commands {
		shown := describe(t, schema, cmd)
		document, err := gqlparser.LoadQueryWithRules(schema, shown.Example.Document, nil)
		if err != nil {
			t.Errorf("%s: %v in\n%s", cmd.Name, err, shown.Example.Document)
			continue
		}
		variables := map[string]any{}
		if shown.Example.Variables != "" {
			if err := json.Unmarshal([]byte(shown.Example.Variables), &variables); err != nil {
				t.Errorf("%s: %v in %s", cmd.Name, err, shown.Example.Variables)
			}
		}
		operation := document.Operations[0]
		if _, err := validator.VariableValues(schema, operation, variables); err != nil {
			t.Errorf("%s: %v in %s", cmd.Name, err, shown.Example.Variables)
		}
		if field := operation.SelectionSet[0].(*ast.Field).Name; shown.Served && field != cmd.Operation {
			t.Errorf("%s is shown as %s and declared as %s", cmd.Name, field, cmd.Operation)
		}
		for _, p := range cmd.Parameters {
			if p.Required &&
				!slices.ContainsFunc(
					moved[cmd.Name].form, func(field string) bool { return strings.HasPrefix(field, p.Name+"=") },
				) {
				t.Errorf("%s is shown without %s", cmd.Name, p.Name)
			}
		}
		for _, field := range moved[cmd.Name].form {
			name, _, _ := strings.Cut(field, "=")
			if !slices.ContainsFunc(cmd.Parameters, func(p command.Parameter) bool { return p.Name == name }) {
				t.Errorf("%s is shown with %s, which it does not take", cmd.Name, name)
			}
		}
	}
	for name := range moved {
		if !slices.ContainsFunc(commands, func(cmd command.Command) bool { return cmd.Name == name }) {
			t.Errorf("there is no command %s", name)
		}
	}
}

// TestTheDecidedCodesOfThePageAreDeclared checks that every code in the list of differences is
// declared.
func TestTheDecidedCodesOfThePageAreDeclared(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(pagePath)
	if err != nil {
		t.Fatal(err)
	}
	_, list, found := strings.Cut(string(page), "## Decided differences")
	if !found {
		t.Fatal("the page has no list of differences")
	}
	commands := command.New(command.Services{}, command.Options{}).Commands()
	looked := 0
	for line := range strings.SplitSeq(list, "\n") {
		cells := strings.Split(line, " | ")
		var number int
		if len(cells) != 2 || !strings.HasPrefix(cells[0], "| `") {
			continue
		}
		if _, err := fmt.Sscanf(cells[1], "Code %d", &number); err != nil {
			continue
		}
		for name := range strings.SplitSeq(strings.TrimPrefix(cells[0], "| "), ", ") {
			i := slices.IndexFunc(commands, func(cmd command.Command) bool { return "`"+cmd.Name+"`" == name })
			if i < 0 ||
				!slices.ContainsFunc(commands[i].Codes, func(code command.Code) bool { return code.Number == number }) {
				t.Errorf("%s has no code %d", name, number)
			}
			looked++
		}
	}
	if looked < 10 {
		t.Errorf("%d codes were found in the list", looked)
	}
}
