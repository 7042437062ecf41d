package app_test

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"campaignql/internal/testkit"
)

// listed is a package in the output of go list.
type listed struct {
	ImportPath, Name, Doc, Dir, Export string
	GoFiles, Imports                   []string
}

// list runs go list in the module.
func list(t *testing.T, args ...string) []listed {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list"}, args...)...)
	command.Dir = filepath.Join("..", "..")
	out, err := command.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("go list: %v\n%s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	var packages []listed
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages
		} else if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// module returns the packages of the product.
func module(t *testing.T) []listed {
	t.Helper()
	return list(t, "-json=ImportPath,Name,Doc,Dir,GoFiles,Imports", "./...")
}

// files parses the files of a package that are compiled into the product.
func (p listed) files(t *testing.T, fset *token.FileSet) []*ast.File {
	t.Helper()
	parsed := make([]*ast.File, len(p.GoFiles))
	for i, name := range p.GoFiles {
		file, err := parser.ParseFile(
			fset, filepath.Join(p.Dir, name), nil, parser.ParseComments|parser.SkipObjectResolution,
		)
		if err != nil {
			t.Fatal(err)
		}
		parsed[i] = file
	}
	return parsed
}

// room returns the part of the product that a package belongs to. A package of internal that
// belongs to no other part is a domain.
func room(p listed) string {
	path := strings.TrimPrefix(p.ImportPath, "campaignql/")
	top, rest, _ := strings.Cut(path, "/")
	if top != "internal" {
		if path == "ent/schema" {
			return "schema"
		}
		return top // cmd, graph or ent
	}
	name, _, _ := strings.Cut(rest, "/")
	switch {
	case p.Name == "main", name == "bench":
		return "tool"
	case path == "internal/people/address":
		return "address"
	case path == "internal/message":
		return "message"
	case slices.Contains([]string{"app", "budget", "config", "explorer", "demo", "command", "gate", "translate", "store", "surface", "leave", "capture", "caller", "apperr", "kind", "secret", "mailer", "testkit"}, name):
		return name
	default:
		return "domain"
	}
}

// law maps each room to the rooms that it may import. testkit is in no list, because only tests
// import it. The room address is a part of the domain that the store may use too, because it knows
// no data. The room message knows no data either, and only the domain uses it.
var law = map[string][]string{
	"cmd": {"app", "config", "secret", "translate", "mailer", "domain", "store", "caller", "apperr", "kind", "ent"},
	"app": {
		"budget", "gate", "config", "explorer", "demo", "command", "leave", "capture", "graph", "surface", "domain", "store",
		"caller", "mailer", "secret", "apperr", "kind", "ent",
	},
	"graph": {
		"address", "budget", "gate", "capture", "graph", "surface", "domain", "store", "caller", "apperr", "kind", "ent",
	},
	"command": {"budget", "surface", "domain", "caller", "apperr", "kind", "ent"},
	// leave is a surface of its own, because its callers are recipients and have no account.
	"leave": {"surface", "domain", "apperr"},
	// capture is a mail server with pages.
	"capture": {"mailer", "caller", "apperr", "kind"},
	"demo":    {"capture", "domain", "mailer", "store", "caller", "apperr", "kind", "ent"},
	"domain": {
		"address", "budget", "domain", "mailer", "message", "secret", "store", "caller", "apperr", "kind", "ent",
	},
	"store":    {"address", "budget", "gate", "caller", "apperr", "kind", "ent"},
	"ent":      {"ent", "schema", "kind"},
	"schema":   {"kind"},
	"caller":   {"apperr", "kind"},
	"surface":  {"budget", "gate", "domain", "caller", "apperr", "kind"},
	"budget":   {"gate", "apperr"},
	"gate":     {"apperr"},
	"apperr":   {},
	"kind":     {},
	"secret":   {},
	"mailer":   {},
	"address":  {"kind"},
	"message":  {"address", "kind"},
	"config":   {},
	"explorer": {},
	// translate parses legacy requests like the bridge.
	"translate": {"command", "domain", "apperr", "kind"},
}

// servesHTTP are the rooms that may import net/http.
var servesHTTP = []string{"app", "surface", "graph", "command", "leave", "capture", "explorer"}

// ownCodeAlone are the rooms that import only the standard library, with the exceptions of each.
var ownCodeAlone = map[string][]string{
	"apperr":   nil,
	"caller":   nil,
	"config":   nil,
	"explorer": nil,
	"secret":   {"github.com/gofrs/flock"},
	"mailer":   {"github.com/emersion/go-sasl"},
	"address":  {"golang.org/x/net/idna", "golang.org/x/text/"},
	"kind":     {"golang.org/x/text/"},
	"message":  {"golang.org/x/net/html", "github.com/inbucket/html2text"},
}

func TestEveryRoomImportsOnlyWhatItMay(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	packages := module(t)
	rooms := map[string]string{}
	for _, p := range packages {
		rooms[p.ImportPath] = room(p)
	}
	for _, p := range packages {
		from := rooms[p.ImportPath]
		if from == "testkit" || from == "tool" {
			continue
		}
		allowed, known := law[from]
		if !known {
			t.Errorf("%s is in no room of the law", p.ImportPath)
		}
		for _, imported := range p.Imports {
			to, own := rooms[imported]
			switch {
			case own && !slices.Contains(allowed, to):
				t.Errorf("%s (%s) imports %s (%s)", p.ImportPath, from, imported, to)
			case (imported == "net/http" || strings.HasPrefix(imported, "net/http/")) && !slices.Contains(servesHTTP, from):
				t.Errorf("%s (%s) imports %s", p.ImportPath, from, imported)
			case !own && strings.Contains(strings.SplitN(imported, "/", 2)[0], "."):
				also, closed := ownCodeAlone[from]
				if closed &&
					!slices.ContainsFunc(
						also, func(prefix string) bool { return strings.HasPrefix(imported, prefix) },
					) {
					t.Errorf("%s (%s) imports %s", p.ImportPath, from, imported)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItOwns(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	for _, p := range module(t) {
		if p.Doc != "" ||
			slices.IndexFunc(
				p.files(t, token.NewFileSet()), func(f *ast.File) bool { return !ast.IsGenerated(f) },
			) < 0 {
			continue
		}
		t.Errorf("%s has no package comment", p.ImportPath)
	}
}

// TestOnlyCommandsEndTheProcess also checks that only main packages and the common base of the
// benchmarks use the command line and signals.
func TestOnlyCommandsEndTheProcess(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	forbidden := map[string][]string{
		"os": {
			"Exit", "Args",
		},
		"log":       {"Fatal", "Fatalf", "Fatalln"},
		"os/signal": {"Notify", "NotifyContext"},
		"flag":      {"Parse", "CommandLine"},
	}
	for _, p := range module(t) {
		if room(p) == "tool" || strings.HasPrefix(p.ImportPath, "campaignql/ent/") || p.Name == "main" {
			continue
		}
		fset := token.NewFileSet()
		for _, file := range p.files(t, fset) {
			names := map[string][]string{} // by the name under which the file imports the package
			for _, spec := range file.Imports {
				path := strings.Trim(spec.Path.Value, `"`)
				name := path[strings.LastIndexByte(path, '/')+1:]
				if spec.Name != nil {
					name = spec.Name.Name
				}
				names[name] = forbidden[path]
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if use, ok := n.(*ast.SelectorExpr); ok {
					if x, ok := use.X.(*ast.Ident); ok && slices.Contains(names[x.Name], use.Sel.Name) {
						t.Errorf("%s: %s.%s", fset.Position(use.Pos()), x.Name, use.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

// TestTheSurfacesTouchNoDatabase type-checks the surfaces. They may use the entities of Ent, their
// fields and constants. A call of a function or method of Ent, or a use of its client, would be a
// query or mutation outside the domains.
func TestTheSurfacesTouchNoDatabase(t *testing.T) {
	testkit.OncePerRun(t)
	t.Parallel()
	exports := map[string]string{}
	var surfaces []listed
	for _, p := range list(t, "-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles", "./graph/...", "./internal/command", "./internal/leave") {
		exports[p.ImportPath] = p.Export
		if p.ImportPath == "campaignql/internal/command" || p.ImportPath == "campaignql/internal/leave" || p.ImportPath == "campaignql/graph" ||
			strings.HasPrefix(p.ImportPath, "campaignql/graph/") {
			surfaces = append(surfaces, p)
		}
	}
	if len(surfaces) < 2 {
		t.Fatalf("go list finds the surfaces no more: %v", surfaces)
	}
	fset := token.NewFileSet()
	compiled := importer.ForCompiler(
		fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) },
	)
	uses := 0
	for _, p := range surfaces {
		info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
		if _, err := (&types.Config{Importer: compiled}).Check(p.ImportPath, fset, p.files(t, fset), info); err != nil {
			t.Fatal(err)
		}
		for ident, object := range info.Uses {
			if object.Pkg() == nil ||
				object.Pkg().Path() != "campaignql/ent" && !strings.HasPrefix(object.Pkg().Path(), "campaignql/ent/") {
				continue
			}
			uses++
			if !isData(object) {
				t.Errorf("%s uses %s", fset.Position(ident.Pos()), object)
			}
		}
	}
	if uses == 0 {
		t.Error("no use of Ent was found: the test has lost sight of it")
	}
}

// isData reports whether an object of Ent is an entity, a field of an entity, or a constant.
func isData(object types.Object) bool {
	switch object := object.(type) {
	case *types.PkgName, *types.Const:
		return true
	case *types.Var:
		return object.IsField()
	case *types.TypeName:
		// A type that can access the database contains a client, or has methods that take a
		// context.
		methods := types.NewMethodSet(types.NewPointer(object.Type()))
		for _, runs := range []string{"Save", "Exec", "All", "Count", "Close", "Commit"} {
			if methods.Lookup(nil, runs) != nil {
				return false
			}
		}
		return true
	default:
		return false
	}
}
