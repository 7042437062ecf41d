package translate

import (
	"errors"
	"path"
	"regexp"
	"slices"
	"strings"

	"campaignql/internal/command"
)

// MaxInput is the maximum length of a request, in bytes.
const MaxInput = command.DefaultMaxBody

var errTooLong = errors.New("the request is longer than the 10 MiB that the API takes")

// curlWord finds the word curl at a place where a command may begin.
var curlWord = regexp.MustCompile(`(^|[\s;&|({$` + "`" + `/])curl(\.exe)?\s`)

// readText detects the form of a text and reads it: a JSON body, a curl command line, a URL with a
// query string, or a form body.
func readText(text string) (*message, error) {
	if len(text) > MaxInput {
		return nil, errTooLong
	}
	text = strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))
	switch {
	case text == "":
		return nil, errors.New("there is no request: give a curl command line, a form body or a JSON body")
	case text[0] == '{':
		return &message{contentType: "application/json", body: []byte(text)}, nil
	case curlWord.MatchString(text + " "):
		return readLine(text)
	case strings.HasPrefix(text, "http://"), strings.HasPrefix(text, "https://"):
		return &message{query: queryOf(text)}, nil
	default:
		return &message{contentType: "application/x-www-form-urlencoded", body: []byte(text)}, nil
	}
}

// prompt is the shell prompt before a command that was copied from a terminal.
var prompt = regexp.MustCompile(`^[$#>%]\s+`)

func readLine(text string) (*message, error) {
	c, err := findCommand(prompt.ReplaceAllString(text, ""), "curl")
	if err != nil {
		return nil, err
	}
	m, err := readCurl(c)
	if err != nil || len(c.expanded) == 0 {
		return m, err
	}
	m.expanded = strings.Join(slices.Compact(slices.Sorted(slices.Values(c.expanded))), ", ")
	m.notes = append(
		m.notes,
		"The shell puts something in place of "+m.expanded+": here it stands as it is written. Put the value there.",
	)
	return m, nil
}

// readWords reads a curl command that a shell has already split into words.
func readWords(words []string) (*message, error) {
	size := 0
	for _, word := range words {
		size += len(word)
	}
	switch {
	case size > MaxInput:
		return nil, errTooLong
	case strings.TrimSuffix(path.Base(words[0]), ".exe") != "curl":
		return nil, errors.New("give one request: a curl command line, a form body or a JSON body, in quotes")
	}
	return readCurl(&shellCommand{words: words[1:]})
}
