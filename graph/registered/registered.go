// Package registered owns registered operations: the documents that a server was started with and that
// it serves to the exclusion of all others. It reads the files that clients' compilers write, and finds
// the document of a request by its id or by its text.
//
// It must not know the schema, the limits or the transports: the caller brings a function that checks a
// document, and the transports bring all spellings of an id into one.
package registered

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/graph/transport"
	"campaignql/internal/kind"
)

// CodeNotRegistered is extensions.code of a request for a document that is not registered.
const CodeNotRegistered = "OPERATION_NOT_REGISTERED"

const (
	// maxFaults is the number of faults in the error of Read. One change of the schema may make
	// hundreds of documents invalid.
	maxFaults = 10
	// maxShownID is the number of characters of a client's id in a message.
	maxShownID = 100
	// hashPrefix marks an id as the SHA-256 hash of the text.
	hashPrefix = "sha256:"
)

// Compile parses and checks a document.
type Compile func(text string) (*ast.QueryDocument, gqlerror.List)

// Operations are registered documents. They do not change, so they may be used concurrently.
//
// They are an extension of gqlgen's server that finds the document of a request and rejects all others
// before anything is parsed. They are also its cache of parsed documents, to which no request adds.
type Operations struct {
	// texts are the documents by id. Each also has the hash of its text as an id.
	texts  map[string]string
	parsed map[string]*ast.QueryDocument
}

var (
	_ graphql.HandlerExtension          = (*Operations)(nil)
	_ graphql.OperationParameterMutator = (*Operations)(nil)
	_ graphql.Cache[*ast.QueryDocument] = (*Operations)(nil)
)

// Read reads and compiles the documents of a file or folder. The error names all faults, up to a limit:
// a file that cannot be read, a document that does not compile, an id with two texts, and if there is
// no document at all.
func Read(path string, compile Compile) (*Operations, error) {
	var files reader
	files.read(path)
	o := &Operations{texts: map[string]string{}, parsed: map[string]*ast.QueryDocument{}}
	origins := map[string]document{}
	for _, d := range files.found {
		for _, id := range slices.Compact([]string{strings.TrimPrefix(d.id, hashPrefix), hash(d.text)}) {
			if first, ok := origins[id]; !ok {
				origins[id], o.texts[id] = d, d.text
			} else if first.text != d.text {
				files.fault("%s: has another text in %s", d, first.file)
			}
		}
		if _, done := o.parsed[d.text]; done {
			continue
		}
		doc, errs := compile(d.text)
		o.parsed[d.text] = doc
		for _, err := range errs {
			files.fault("%s: %s", d, described(err))
		}
	}
	if len(files.found) == 0 && len(files.faults) == 0 {
		files.fault("%s: has no operations", path)
	}
	if more := len(files.faults) - maxFaults; more > 0 {
		files.faults = append(files.faults[:maxFaults], fmt.Errorf("and %d more faults", more))
	}
	if len(files.faults) > 0 {
		return nil, errors.Join(files.faults...)
	}
	return o, nil
}

// described returns the message of a fault with its place in the document.
func described(fault *gqlerror.Error) string {
	message := strings.TrimSuffix(fault.Message, ".")
	if len(fault.Locations) == 0 {
		return message
	}
	return fmt.Sprintf("line %d, column %d: %s", fault.Locations[0].Line, fault.Locations[0].Column, message)
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Len returns the number of documents.
func (o *Operations) Len() int { return len(o.parsed) }

// ExtensionName implements [graphql.HandlerExtension].
func (*Operations) ExtensionName() string { return "RegisteredOperations" }

// Validate implements [graphql.HandlerExtension].
func (*Operations) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationParameters implements [graphql.OperationParameterMutator]. It fills in the text of the
// document that the request names. A request with a text is found by the text alone.
func (o *Operations) MutateOperationParameters(_ context.Context, params *graphql.RawParams) *gqlerror.Error {
	if params.Query != "" {
		if _, ok := o.parsed[params.Query]; ok {
			return nil
		}
		return refusal("this document is none of them")
	}
	id := transport.DocumentID(params)
	text, ok := o.texts[strings.TrimPrefix(id, hashPrefix)]
	if !ok {
		return refusal("none has the id " + strconv.Quote(kind.Cut(kind.Clean(id), maxShownID)))
	}
	params.Query = text
	return nil
}

func refusal(reason string) *gqlerror.Error {
	return &gqlerror.Error{
		Message:    "This server serves registered operations only, and " + reason + ".",
		Extensions: map[string]any{"code": CodeNotRegistered},
	}
}

// Get implements [graphql.Cache]. It returns the parsed document of a text.
func (o *Operations) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	doc, ok := o.parsed[text]
	return doc, ok
}

// Add implements [graphql.Cache]. It does nothing.
func (*Operations) Add(context.Context, string, *ast.QueryDocument) {}
