package main

import (
	"errors"
	"fmt"
	"io"

	"campaignql/internal/translate"
)

// translateCommand prints a legacy request as GraphQL. Parts that GraphQL cannot express are
// reported on stderr, and as comments above the document.
type translateCommand struct {
	Request []string `arg:"" optional:"" help:"A curl command line, a form body or a JSON body, in quotes; or, after --, the words of a curl command. Standard input without one."`
	JSON    bool     `help:"Print one JSON object, {\"query\", \"variables\"}, for a POST to /graphql."`
}

// Run translates the request.
func (c *translateCommand) Run(env *environment) error {
	request := c.Request
	if len(request) == 0 {
		text, err := readRequest(env)
		if err != nil {
			return err
		}
		request = []string{text}
	}
	translation, err := translate.Translate(request...)
	if err != nil {
		return err
	}
	notes, out := translation.Notes, translation.String()
	if c.JSON {
		out = translation.JSON()
		if !translation.Public {
			notes = append([]string{translate.Authorization}, notes...)
		}
	}
	for _, note := range notes {
		fmt.Fprintln(env.stderr, "campaignql:", note)
	}
	_, err = io.WriteString(env.stdout, out)
	return err
}

// readRequest reads the request from standard input. It returns an error if standard input is a
// terminal.
func readRequest(env *environment) (string, error) {
	if env.stdin == nil || onTerminal(env) {
		return "", errors.New("there is no request: give one as an argument or on standard input")
	}
	text, err := io.ReadAll(io.LimitReader(env.stdin, translate.MaxInput+1))
	if err != nil {
		return "", fmt.Errorf("read the request: %w", err)
	}
	return string(text), nil
}
