package registered

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"
)

// manifestFormat is the format that the manifests of Apollo name.
const manifestFormat = "apollo-persisted-query-manifest"

// document is a document as a file has it.
type document struct{ file, id, text string }

// String returns the file and the id for use in a message.
func (d document) String() string { return d.file + ": id " + strconv.Quote(d.id) }

// reader collects the documents of files, and all faults in them.
type reader struct {
	found  []document
	faults []error
}

func (r *reader) fault(format string, args ...any) {
	r.faults = append(r.faults, fmt.Errorf(format, args...))
}

// read reads a file, or the files of a folder whose names end in .json, .graphql or .gql. Names with a
// dot at their start are skipped.
func (r *reader) read(path string) {
	info, err := os.Stat(path)
	if err != nil {
		r.unreadable(path, err)
		return
	}
	if !info.IsDir() {
		r.file(path)
		return
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		r.unreadable(path, err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, ".") && (isDocument(name) || filepath.Ext(name) == ".json") {
			r.file(filepath.Join(path, name))
		}
	}
}

func isDocument(name string) bool {
	extension := filepath.Ext(name)
	return extension == ".graphql" || extension == ".gql"
}

// unreadable names the path once.
func (r *reader) unreadable(path string, err error) {
	if of := (*fs.PathError)(nil); errors.As(err, &of) {
		err = of.Err
	}
	r.fault("%s: %w", path, err)
}

// file reads a file: one document if its name has an ending of GraphQL, otherwise those of a JSON
// object.
func (r *reader) file(path string) {
	content, err := os.ReadFile(path)
	if err != nil {
		r.unreadable(path, err)
		return
	}
	content = bytes.TrimPrefix(content, []byte("\ufeff"))
	if !utf8.Valid(content) {
		r.fault("%s: is not UTF-8", path)
		return
	}
	if isDocument(path) {
		r.found = append(r.found, document{path, hash(string(content)), string(content)})
		return
	}
	entries, err := members(content)
	if err != nil {
		r.fault("%s: %w", path, err)
		return
	}
	for _, e := range entries {
		if format := ""; e.name == "format" && json.Unmarshal(e.value, &format) == nil && format == manifestFormat {
			r.manifest(path, content)
			return
		}
	}
	r.byID(path, entries)
}

// member is a member of a JSON object.
type member struct {
	name  string
	value json.RawMessage
}

// members returns all members of a JSON object. encoding/json would drop all but the last of several
// with the same name.
func members(text []byte) ([]member, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(text, &object); err != nil {
		if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
			return nil, fmt.Errorf("is not valid JSON, as of byte %d", syntax.Offset)
		}
		return nil, errors.New("is not a JSON object")
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	if _, err := decoder.Token(); err != nil { // the opening bracket, or null
		return nil, err
	}
	found := make([]member, 0, len(object))
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		m := member{name: fmt.Sprint(name)}
		if err := decoder.Decode(&m.value); err != nil {
			return nil, err
		}
		found = append(found, m)
	}
	return found, nil
}

// byID reads an object from id to text: what the compiler of Relay writes for persistConfig.file, and
// graphql-codegen as persisted-documents.json.
func (r *reader) byID(path string, entries []member) {
	for _, e := range entries {
		d := document{file: path, id: e.name}
		switch err := json.Unmarshal(e.value, &d.text); {
		case d.id == "":
			r.fault("%s: must not be empty", d)
		case err != nil || d.text == "":
			r.fault("%s: must have the text of a document", d)
		default:
			r.found = append(r.found, d)
		}
	}
}

// manifest reads a manifest of Apollo
// (https://www.apollographql.com/docs/graphos/platform/security/persisted-queries).
func (r *reader) manifest(path string, content []byte) {
	var manifest struct {
		Version    int
		Operations []struct{ ID, Name, Body string }
	}
	if err := json.Unmarshal(content, &manifest); err != nil {
		r.fault("%s: is not a manifest of the format %s", path, manifestFormat)
		return
	}
	if manifest.Version != 1 {
		r.fault("%s: has version %d of the format %s, only 1 is known", path, manifest.Version, manifestFormat)
		return
	}
	for i, op := range manifest.Operations {
		if op.ID == "" || op.Body == "" {
			r.fault("%s: operation %d, %q: must have an id and a body", path, i+1, op.Name)
			continue
		}
		r.found = append(r.found, document{path, op.ID, op.Body})
	}
}
