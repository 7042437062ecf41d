package registered_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"campaignql/graph/registered"
)

// compile rejects the documents that begin with "bad".
func compile(text string) (*ast.QueryDocument, gqlerror.List) {
	if strings.HasPrefix(text, "bad") {
		return nil, gqlerror.List{{Message: "Wrong.", Locations: []gqlerror.Location{{Line: 1, Column: 2}}}}
	}
	return &ast.QueryDocument{}, nil
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// folder writes files and returns their folder.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestDocumentsAreFoundByIDAndByHash(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"relay.json":   `{"3be4abb81fa595e25eb725b2c6a87508": "query Relay { a }", "7": "{ seven }"}`,
		"codegen.json": "\ufeff" + `{"sha256:` + hash("query Codegen { a }") + `": "query Codegen { a }"}`,
		"apollo.json": `{"format":"apollo-persisted-query-manifest","version":1,"operations":[
			{"id":"` + hash("query Apollo { a }") + `","name":"Apollo","type":"query","body":"query Apollo { a }"},
			{"id":"other","name":"Relay","type":"query","body":"query Relay { a }"}]}`,
		"file.graphql": "query File { a }\n",
		"file.gql":     "\ufeffquery Short { a }",
		"README.md":    "bad",
		".hidden.json": "bad",
	})
	o, err := registered.Read(dir, compile)
	if err != nil {
		t.Fatal(err)
	}
	if o.Len() != 6 {
		t.Errorf("%d documents, want 6", o.Len())
	}
	for id, want := range map[string]string{
		"3be4abb81fa595e25eb725b2c6a87508":         "query Relay { a }",
		"other":                                    "query Relay { a }",
		hash("query Relay { a }"):                  "query Relay { a }",
		"sha256:" + hash("query Relay { a }"):      "query Relay { a }",
		"7":                                        "{ seven }",
		hash("query Codegen { a }"):                "query Codegen { a }",
		"sha256:" + hash("query Codegen { a }"):    "query Codegen { a }",
		hash("query Apollo { a }"):                 "query Apollo { a }",
		"sha256:" + hash("query File { a }\n"):     "query File { a }\n",
		hash("query Short { a }"):                  "query Short { a }",
		hash("query File { a }"):                   "",
		"sha256:":                                  "",
		strings.ToUpper(hash("query Short { a }")): "",
	} {
		params := &graphql.RawParams{
			Extensions: map[string]any{"persistedQuery": map[string]any{"sha256Hash": id}},
		}
		if fault := o.MutateOperationParameters(t.Context(), params); params.Query != want || (fault == nil) != (want != "") {
			t.Errorf("%s: got %q, %v, want %q", id, params.Query, fault, want)
		}
	}
}

func TestFaultsNameFileAndID(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		files map[string]string
		want  []string
	}{
		{"no file", nil, []string{"DIR: has no operations"}},
		{"no operations", map[string]string{"a.json": "{}"}, []string{"DIR: has no operations"}},
		{
			"an invalid document", map[string]string{"a.json": `{"1":"{a}","2":"bad"}`},
			[]string{`DIR/a.json: id "2": line 1, column 2: Wrong`},
		},
		{
			"an invalid file of GraphQL", map[string]string{"a.graphql": "bad"},
			[]string{`DIR/a.graphql: id "` + hash("bad") + `": line 1, column 2: Wrong`},
		},
		{
			"two texts under one id in two files", map[string]string{"a.json": `{"1":"{a}"}`, "b.json": `{"1":"{b}"}`},
			[]string{`DIR/b.json: id "1": has another text in DIR/a.json`},
		},
		{
			"two texts under one id in one file", map[string]string{"a.json": `{"1":"{a}","1":"{b}"}`},
			[]string{`DIR/a.json: id "1": has another text in DIR/a.json`},
		},
		{
			"one text twice", map[string]string{"a.json": `{"1":"{a}","1":"{a}","2":"{a}"}`}, nil,
		},
		{
			"the hash of a document as the id of another",
			map[string]string{"a.graphql": "{a}", "b.json": `{"sha256:` + hash("{a}") + `":"{b}"}`},
			[]string{`DIR/b.json: id "sha256:` + hash("{a}") + `": has another text in DIR/a.graphql`},
		},
		{"no JSON", map[string]string{"a.json": "{a}"}, []string{"DIR/a.json: is not valid JSON, as of byte 2"}},
		{"half JSON", map[string]string{"a.json": `{"1":"{a}"`}, []string{"DIR/a.json: is not valid JSON, as of byte 10"}},
		{"an empty file", map[string]string{"a.json": ""}, []string{"DIR/a.json: is not valid JSON, as of byte 0"}},
		{"null", map[string]string{"a.json": "null"}, []string{"DIR: has no operations"}},
		{"a list", map[string]string{"a.json": `["{a}"]`}, []string{"DIR/a.json: is not a JSON object"}},
		{
			"two objects", map[string]string{"a.json": `{"1":"{a}"}{"2":"{b}"}`},
			[]string{"DIR/a.json: is not valid JSON, as of byte 12"},
		},
		{
			"no texts", map[string]string{"a.json": `{"1":{"text":"{a}"},"2":"","3":null,"":"{a}"}`},
			[]string{
				`DIR/a.json: id "1": must have the text of a document`,
				`DIR/a.json: id "2": must have the text of a document`,
				`DIR/a.json: id "3": must have the text of a document`,
				`DIR/a.json: id "": must not be empty`,
			},
		},
		{"another encoding", map[string]string{"a.graphql": "{\xe4}"}, []string{"DIR/a.graphql: is not UTF-8"}},
		{
			"a newer manifest",
			map[string]string{"a.json": `{"format":"apollo-persisted-query-manifest","version":2,"operations":[]}`},
			[]string{"DIR/a.json: has version 2 of the format apollo-persisted-query-manifest, only 1 is known"},
		},
		{
			"a manifest of another shape",
			map[string]string{"a.json": `{"format":"apollo-persisted-query-manifest","version":1,"operations":{}}`},
			[]string{"DIR/a.json: is not a manifest of the format apollo-persisted-query-manifest"},
		},
		{
			"a manifest without texts",
			map[string]string{
				"a.json": `{"format":"apollo-persisted-query-manifest","version":1,
					"operations":[{"id":"1","name":"A"}]}`,
			},
			[]string{`DIR/a.json: operation 1, "A": must have an id and a body`},
		},
		{
			"all faults, up to ten",
			map[string]string{"a.json": `{"1":"bad 1","2":"bad 2","3":"bad 3","4":"bad 4","5":"bad 5","6":"bad 6"}`,
				"b.json": `{"1":"{b}","7":"bad 7","8":"bad 8","9":"bad 9","10":"bad 10","11":"bad 11"}`},
			[]string{
				`DIR/a.json: id "1": line 1, column 2: Wrong`,
				`DIR/a.json: id "2": line 1, column 2: Wrong`,
				`DIR/a.json: id "3": line 1, column 2: Wrong`,
				`DIR/a.json: id "4": line 1, column 2: Wrong`,
				`DIR/a.json: id "5": line 1, column 2: Wrong`,
				`DIR/a.json: id "6": line 1, column 2: Wrong`,
				`DIR/b.json: id "1": has another text in DIR/a.json`,
				`DIR/b.json: id "7": line 1, column 2: Wrong`,
				`DIR/b.json: id "8": line 1, column 2: Wrong`,
				`DIR/b.json: id "9": line 1, column 2: Wrong`,
				"and 2 more faults",
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, test.files)
			_, err := registered.Read(dir, compile)
			var got []string
			if err != nil {
				got = strings.Split(strings.ReplaceAll(err.Error(), dir, "DIR"), "\n")
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("faults (-want +got):\n%s", diff)
			}
		})
	}
}

func TestMissingFileIsNamedOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "none.json")
	if _, err := registered.Read(path, compile); err == nil || err.Error() != path+": no such file or directory" {
		t.Error(err)
	}
}
