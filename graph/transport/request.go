package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"

	"campaignql/internal/apperr"
	"campaignql/internal/surface"
)

// exchange is one request with everything needed to answer it. Exchanges are reused.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	exec   graphql.GraphExecutor
	media  *media
	body   surface.Body
	params graphql.RawParams
	// stopping and heartbeat are copied from the transport.
	stopping  <-chan struct{}
	heartbeat time.Duration
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

func acquire(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) *exchange {
	x := exchanges.Get().(*exchange)
	x.w, x.r, x.exec, x.media = w, r, exec, negotiate(r.Header)
	x.params.Headers = r.Header
	// The header is set before anything can fail, so that gqlgen's answer to a panic has it too.
	w.Header()["Content-Type"] = x.media.contentType
	return x
}

func (x *exchange) release() {
	x.body.Release()
	*x = exchange{body: x.body}
	exchanges.Put(x)
}

// payload is the JSON object of a request. Unknown fields are ignored, as the specification
// requires.
type payload struct {
	Query         string `json:"query"`
	OperationName string `json:"operationName"`
	Variables     object `json:"variables"`
	Extensions    object `json:"extensions"`
	// DocumentID, DocID and ID name a registered document. The first is the name of the specification's
	// draft, the others are those of Relay's clients.
	DocumentID documentID `json:"documentId"`
	DocID      documentID `json:"doc_id"`
	ID         documentID `json:"id"`
}

func (x *exchange) readPOST(t HTTP) *fault {
	if f := checkContent(x.r.Header); f != nil {
		return f
	}
	if f := x.readBody(t); f != nil {
		return f
	}
	var p payload
	if f := decodeBody(x.r.Context(), &x.body, &p); f != nil {
		return f
	}
	return x.accept(&p, t.Registered)
}

// readBody reads the body within the admitted limits. A rejected request is answered at once,
// without reading the rest of its body.
func (x *exchange) readBody(t HTTP) *fault {
	request := surface.BodyRequest{
		From:       surface.HTTPBody(x.w, x.r),
		Length:     x.r.ContentLength,
		MaxBody:    t.maxBody(),
		MaxGranted: max(t.maxBody(), t.MaxLarge),
	}
	if t.Identify != nil {
		asked := false
		request.Identify = func(ctx context.Context, _ []byte) (surface.Grant, error) {
			if asked {
				return surface.Grant{}, nil // the credentials are in the header
			}
			asked = true
			return t.Identify(ctx)
		}
	}
	err := t.bodies().Read(x.r.Context(), &x.body, request)
	if err == nil {
		return nil
	}
	surface.LeaveUnread(x.w)
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		if large.Limit < request.MaxGranted && t.LargerWith != "" {
			return refuse(
				http.StatusRequestEntityTooLarge, CodePayloadTooLarge,
				"the request body is larger than %d bytes; with %s up to %d are read", large.Limit, t.LargerWith,
				t.MaxLarge,
			)
		}
		return refuse(
			http.StatusRequestEntityTooLarge, CodePayloadTooLarge, "the request body is larger than %d bytes",
			large.Limit,
		)
	}
	return bodyFault(err)
}

// bodyFault returns the answer to a body that could not be read.
func bodyFault(err error) *fault {
	if errors.Is(err, surface.ErrSlowBody) {
		return refuse(
			http.StatusRequestTimeout, CodeRequestTimeout,
			"the request body came too slowly: without credentials in the header Authorization a large one has little time",
		)
	}
	if all := apperr.All(err); len(all) > 0 {
		refusal := Refusal{
			Status: surface.Status(all[0].Code), Code: surface.Code(all[0].Code),
			Message: all[0].Error(), RetryAfter: surface.RetryAfter(all[0]),
		}
		return refusal.fault()
	}
	return refuse(http.StatusBadRequest, CodeBadRequest, "the request body ended early")
}

const (
	// maxValues is the upper bound of JSON values in a body.
	maxValues = 1 << 20
	// valueSize is the approximate memory of a decoded value in bytes, however short its text is.
	valueSize = 48
	// manyValues is the size in bytes from which the values of a body are counted. A shorter body
	// has no room for many values.
	manyValues = 4 << 10
)

// decodeBody decodes the JSON of a client and then drops its text.
func decodeBody(ctx context.Context, body *surface.Body, into *payload) *fault {
	done, err := body.Decoding(ctx)
	if err != nil {
		return interrupted(ctx)
	}
	defer done()
	defer body.Forget()
	text := body.Bytes()
	switch {
	case len(text) == 0:
		return refuse(http.StatusBadRequest, CodeBadRequest, "the request has no body")
	case !utf8.Valid(text):
		return refuse(http.StatusBadRequest, CodeBadRequest, "the request body is not UTF-8")
	}
	if f := charge(body, text); f != nil {
		return f
	}
	if err := json.Unmarshal(text, into); err != nil {
		return malformed(err, bodyName)
	}
	return nil
}

// charge adds the memory that the decoded values of a text need to the charge of the body. The text
// itself is charged already.
func charge(body *surface.Body, text []byte) *fault {
	if len(text) < manyValues {
		return nil
	}
	n := values(text)
	if n > maxValues {
		return refuse(
			http.StatusRequestEntityTooLarge, CodePayloadTooLarge, "the request body has more than %d values",
			maxValues,
		)
	}
	if err := body.Charge(int64(n) * valueSize); err != nil {
		return bodyFault(err)
	}
	return nil
}

// values returns the approximate number of values of a JSON text: the number of separators and
// opening brackets outside of strings.
func values(text []byte) (n int) {
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ',', ':', '[', '{':
			n++
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		}
	}
	return n
}

func (x *exchange) readGET(t HTTP) *fault {
	limit := t.maxBody()
	x.w.Header().Add("Vary", "Accept")
	if int64(len(x.r.URL.RawQuery)) > limit {
		return refuse(
			http.StatusRequestURITooLong, CodePayloadTooLarge, "the query string is longer than %d bytes", limit,
		)
	}
	values, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the query string is not form-urlencoded")
	}
	p := payload{
		Query: values.Get("query"), OperationName: values.Get("operationName"),
		DocumentID: documentID(values.Get("documentId")), DocID: documentID(values.Get("doc_id")),
		ID: documentID(values.Get("id")),
	}
	for _, part := range []struct {
		name string
		into *object
	}{{"variables", &p.Variables}, {"extensions", &p.Extensions}} {
		text := values.Get(part.name)
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), part.into); err != nil {
			return malformed(err, "the parameter "+part.name)
		}
	}
	return x.accept(&p, t.Registered)
}

// accept copies the payload into the parameters of the operation.
func (x *exchange) accept(p *payload, registered bool) *fault { return take(&x.params, p, registered) }

// take copies a payload into parameters. registered reports whether the server serves registered
// documents, which have ids.
func take(params *graphql.RawParams, p *payload, registered bool) *fault {
	// A client may send a persisted query by its hash alone. The extension for persisted queries
	// then fills in the query.
	switch id := p.document(); {
	case p.Query != "":
	case registered && id == "":
		return refuse(
			http.StatusBadRequest, CodeBadRequest,
			"the request names no operation: send the id of a registered one as documentId, or its text as query",
		)
	case registered:
		p.Extensions = persisted(p.Extensions, id)
	case p.Extensions["persistedQuery"] == nil:
		return refuse(
			http.StatusBadRequest, CodeBadRequest,
			"the parameter query is missing: it must be a string with a GraphQL document",
		)
	}
	params.Query = p.Query
	params.OperationName = p.OperationName
	params.Variables = p.Variables
	params.Extensions = p.Extensions
	return nil
}

// checkContent rejects content that is not JSON in UTF-8. This includes forms, which a page of
// another origin can post without a preflight request.
func checkContent(header http.Header) *fault {
	if coding := header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return refuse(
			http.StatusUnsupportedMediaType, CodeUnsupportedMediaType, "the request body must not be compressed",
		)
	}
	contentType := header.Get("Content-Type")
	if contentType == "application/json" {
		return nil
	}
	name, params, err := mime.ParseMediaType(contentType)
	if err != nil || name != "application/json" {
		return refuse(
			http.StatusUnsupportedMediaType, CodeUnsupportedMediaType,
			"the Content-Type of a POST must be application/json",
		)
	}
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") &&
		!strings.EqualFold(charset, "utf8") {
		return refuse(http.StatusUnsupportedMediaType, CodeUnsupportedMediaType, "the charset of a POST must be UTF-8")
	}
	return nil
}

const bodyName = "the request body"

// malformed converts an error of encoding/json to a fault. what names the source: the body or a
// parameter of a URL.
func malformed(err error, what string) *fault {
	if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
		must, found := "a JSON object", kind(wrong.Value)
		switch wrong.Field {
		case "query", "operationName":
			must = "a string"
			fallthrough
		case "variables", "extensions":
			what = "the parameter " + wrong.Field
		}
		if what == bodyName && wrong.Value == "array" {
			found += " (operations are sent one by one, not in batches)"
		}
		return refuse(http.StatusBadRequest, CodeBadRequest, "%s must be %s, not %s", what, must, found)
	}
	if syntax := (*json.SyntaxError)(nil); errors.As(err, &syntax) {
		return refuse(http.StatusBadRequest, CodeBadRequest, "%s is not valid JSON, as of byte %d", what, syntax.Offset)
	}
	return refuse(http.StatusBadRequest, CodeBadRequest, "%s is not valid JSON", what)
}

// kind returns an article and the name of a JSON type, from the name that encoding/json uses.
func kind(value string) string {
	switch {
	case value == "object", value == "array":
		return "an " + value
	case value == "bool":
		return "a boolean"
	case strings.HasPrefix(value, "number"):
		return "a number"
	default:
		return "a " + value
	}
}

// object is a JSON object. Its numbers keep their digits.
type object map[string]any

// UnmarshalJSON implements [json.Unmarshaler]. Null leaves o unchanged.
func (o *object) UnmarshalJSON(text []byte) error {
	switch text[0] {
	case '{':
	case 'n':
		return nil
	case '[':
		return &json.UnmarshalTypeError{Value: "array"}
	case '"':
		return &json.UnmarshalTypeError{Value: "string"}
	case 't', 'f':
		return &json.UnmarshalTypeError{Value: "bool"}
	default:
		return &json.UnmarshalTypeError{Value: "number"}
	}
	if len(text) == 2 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	return decoder.Decode((*map[string]any)(o))
}
