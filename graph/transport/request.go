package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
)

// exchange is one request with what is needed to answer it. Exchanges are reused.
type exchange struct {
	w      http.ResponseWriter
	r      *http.Request
	exec   graphql.GraphExecutor
	media  *media
	body   bytes.Buffer
	params graphql.RawParams
	// stopping and heartbeat are those of the transport.
	stopping  <-chan struct{}
	heartbeat time.Duration
	// done, if not nil, is called when the request has been answered.
	done func()
}

var exchanges = sync.Pool{New: func() any { return new(exchange) }}

// maxKept is the size in bytes of the largest buffer that is kept for reuse.
const maxKept = 64 << 10

func acquire(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) *exchange {
	x := exchanges.Get().(*exchange)
	x.w, x.r, x.exec, x.media = w, r, exec, negotiate(r.Header)
	x.params.Headers = r.Header
	// Set before anything can fail, so that also gqlgen's answer to a panic has it.
	w.Header()["Content-Type"] = x.media.contentType
	return x
}

func (x *exchange) release() {
	if x.done != nil {
		x.done()
	}
	body := x.body
	if body.Cap() > maxKept {
		body = bytes.Buffer{}
	}
	body.Reset()
	*x = exchange{body: body}
	exchanges.Put(x)
}

// payload is the JSON object of a request. Fields it does not know are ignored, as the specification asks.
type payload struct {
	Query         string `json:"query"`
	OperationName string `json:"operationName"`
	Variables     object `json:"variables"`
	Extensions    object `json:"extensions"`
}

func (x *exchange) readPOST(t HTTP) *fault {
	if f := checkContent(x.r.Header); f != nil {
		return f
	}
	if f := x.readBody(t); f != nil {
		return f
	}
	body := x.body.Bytes()
	if len(body) == 0 {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the request has no body")
	}
	if !utf8.Valid(body) {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the request body is not UTF-8")
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return malformed(err, bodyName)
	}
	if len(body) > maxKept {
		x.body = bytes.Buffer{} // the payload is a copy: while the operation runs there need not be both
	}
	return x.accept(&p)
}

// readBody reads the body: what is larger than others' only when that is let through.
func (x *exchange) readBody(t HTTP) *fault {
	limit := t.maxBody()
	if x.r.ContentLength <= limit { // or not known
		if f := x.readUpTo(limit, t.Large == nil); f != nil || int64(x.body.Len()) <= limit {
			return f
		}
	}
	// Who is refused is answered at once, however much is still to come: the rest of the body is not waited for.
	switch {
	case t.Large == nil:
		return x.unread(tooLarge(limit))
	case x.r.ContentLength > t.MaxLarge:
		return x.unread(tooLarge(t.MaxLarge))
	}
	done, refusal := t.Large(x.r.Context())
	if refusal != nil {
		return x.unread(refusal.fault())
	}
	x.done = done
	if f := x.readUpTo(t.MaxLarge, true); f != nil {
		return f
	}
	if values(x.body.Bytes()) > maxValues {
		return refuse(http.StatusRequestEntityTooLarge, CodePayloadTooLarge, "the request body has more than %d values", maxValues)
	}
	return nil
}

// unread marks the connection to be closed after the answer, as the body is left unread.
func (x *exchange) unread(f *fault) *fault {
	x.w.Header().Set("Connection", "close")
	return f
}

// readUpTo reads on until the body ends. A longer one than the limit is refused or, when it is not the last word, read one byte further.
func (x *exchange) readUpTo(limit int64, last bool) *fault {
	left := limit - int64(x.body.Len())
	var from io.Reader = io.LimitReader(x.r.Body, left+1)
	if last {
		from = http.MaxBytesReader(x.w, x.r.Body, left)
	}
	if _, err := x.body.ReadFrom(from); err != nil {
		if tooLong := (*http.MaxBytesError)(nil); errors.As(err, &tooLong) {
			return tooLarge(limit)
		}
		return refuse(http.StatusBadRequest, CodeBadRequest, "the request body ended early")
	}
	return nil
}

// maxValues is the most values that a large body may hold: each takes dozens of bytes once it is read, however short it is.
const maxValues = 1 << 20

// values counts the values of a JSON text, roughly: what stands before or after them, outside of strings.
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

func (x *exchange) readGET(limit int64) *fault {
	x.w.Header().Add("Vary", "Accept")
	if int64(len(x.r.URL.RawQuery)) > limit {
		return refuse(http.StatusRequestURITooLong, CodePayloadTooLarge, "the query string is longer than %d bytes", limit)
	}
	values, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the query string is not form-urlencoded")
	}
	p := payload{Query: values.Get("query"), OperationName: values.Get("operationName")}
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
	return x.accept(&p)
}

// accept takes the payload over into the parameters of the operation.
func (x *exchange) accept(p *payload) *fault { return take(&x.params, p) }

func take(params *graphql.RawParams, p *payload) *fault {
	// A persisted query is sent by its hash alone; the extension that knows it fills the query in.
	if p.Query == "" && p.Extensions["persistedQuery"] == nil {
		return refuse(http.StatusBadRequest, CodeBadRequest, "the parameter query is missing: it must be a string with a GraphQL document")
	}
	params.Query = p.Query
	params.OperationName = p.OperationName
	params.Variables = p.Variables
	params.Extensions = p.Extensions
	return nil
}

// checkContent refuses what is not JSON in UTF-8. A form, which a page of another origin can post without asking,
// is refused with everything else.
func checkContent(header http.Header) *fault {
	if coding := header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return refuse(http.StatusUnsupportedMediaType, CodeUnsupportedMediaType, "the request body must not be compressed")
	}
	contentType := header.Get("Content-Type")
	if contentType == "application/json" {
		return nil
	}
	name, params, err := mime.ParseMediaType(contentType)
	if err != nil || name != "application/json" {
		return refuse(http.StatusUnsupportedMediaType, CodeUnsupportedMediaType, "the Content-Type of a POST must be application/json")
	}
	if charset, given := params["charset"]; given && !strings.EqualFold(charset, "utf-8") && !strings.EqualFold(charset, "utf8") {
		return refuse(http.StatusUnsupportedMediaType, CodeUnsupportedMediaType, "the charset of a POST must be UTF-8")
	}
	return nil
}

func tooLarge(limit int64) *fault {
	return refuse(http.StatusRequestEntityTooLarge, CodePayloadTooLarge, "the request body is larger than %d bytes", limit)
}

const bodyName = "the request body"

// malformed turns an error of encoding/json into a message about what, which is the body or a parameter of a URL.
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

// kind returns an article and the name of a JSON type as encoding/json tells it.
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

// object is a JSON object whose numbers keep their digits.
type object map[string]any

// UnmarshalJSON implements [json.Unmarshaler]. Null is no object and leaves o as it is.
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
