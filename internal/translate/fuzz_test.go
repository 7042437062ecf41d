package translate_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"campaignql/internal/translate"
)

// FuzzTranslate translates any text: it covers the shell-line parser, the curl options and the
// decoder. The output must be valid against the schema, and an error must be one line.
func FuzzTranslate(f *testing.F) {
	files, err := filepath.Glob("testdata/golden/*.txtar")
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if request := string(archive.Files[0].Data); len(request) < 2000 {
			f.Add(request)
		}
	}
	f.Add("curl -d \"a=$(curl -d b)\" <<<x")
	f.Add("curl -d $'\\x00\\u0000\\400' $\"a\" `b` \"$((1+2))\" <(c) {d,e} ?(f)")
	f.Fuzz(func(t *testing.T, request string) {
		translation, err := translate.Translate(request)
		if err != nil {
			if text := err.Error(); text == "" || strings.ContainsAny(text, "\r\n") {
				t.Fatalf("not one line: %q", text)
			}
			return
		}
		for _, note := range translation.Notes {
			if note == "" || strings.ContainsAny(note, "\r\n") {
				t.Fatalf("not one line: %q", note)
			}
		}
		check(t, translation.String())
	})
}
