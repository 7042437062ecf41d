package explorer

import (
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// samples holds one operation per .graphql file, in the order of their names. Its variables, if
// any, are in the .json file of the same name.
//
//go:embed samples
var samples embed.FS

// Sample is an operation for which the page opens a tab on the first visit.
type Sample struct {
	// Title is the comment above the operation, on one line.
	Title string `json:"title"`
	// Query is the document: one named operation, including comments.
	Query string `json:"query"`
	// Variables is a JSON object, or nil if the operation takes none.
	Variables json.RawMessage `json:"variables,omitempty"`
}

// Samples returns the sample operations in the order of their tabs. Each call returns a new slice.
func Samples() []Sample {
	files, err := fs.Glob(samples, "samples/*.graphql")
	if err != nil {
		panic(fmt.Errorf("explorer: list samples: %w", err))
	}
	list := make([]Sample, 0, len(files))
	for _, file := range files {
		query, err := samples.ReadFile(file)
		if err != nil {
			panic(fmt.Errorf("explorer: read sample: %w", err))
		}
		variables, err := samples.ReadFile(strings.TrimSuffix(file, ".graphql") + ".json")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			panic(fmt.Errorf("explorer: read sample variables: %w", err))
		}
		list = append(list, Sample{
			Title:     leadingComment(string(query)),
			Query:     string(query),
			Variables: variables,
		})
	}
	return list
}

func leadingComment(document string) string {
	var words []string
	for line := range strings.Lines(document) {
		comment, found := strings.CutPrefix(line, "#")
		if !found {
			break
		}
		words = append(words, strings.Fields(comment)...)
	}
	return strings.Join(words, " ")
}
