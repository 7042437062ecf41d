package transport

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/go-cmp/cmp"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/internal/apperr"
	"campaignql/internal/surface"
)

const (
	sendsJSON   = "Content-Type: application/json"
	wantsNewer  = "Accept: application/graphql-response+json"
	typeJSON    = "application/json; charset=utf-8"
	typeNewer   = "application/graphql-response+json; charset=utf-8"
	helloResult = `{"data":{"hello":"world <3"}}`
)

func TestRequestsAreAnsweredByTheSpecification(t *testing.T) {
	t.Parallel()
	refusal := func(message, code string) string {
		return fmt.Sprintf(`{"errors":[{"message":%q,"extensions":{"code":%q}}]}`, message, code)
	}
	get := func(pairs ...string) string {
		values := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			values.Set(pairs[i], pairs[i+1])
		}
		return "/?" + values.Encode()
	}
	tests := []struct {
		name, method, target, body string
		headers                    []string
		status                     int
		want                       string
	}{
		{"query", "POST", "/", `{"query":"{hello}"}`, []string{sendsJSON}, 200, helloResult},
		{
			"query in the newer type", "POST", "/", `{"query":"{hello}"}`, []string{sendsJSON, wantsNewer}, 200,
			helloResult,
		},
		{
			"charset", "POST", "/", `{"query":"{hello}"}`, []string{"Content-Type: application/JSON; charset=UTF-8"},
			200, helloResult,
		},
		{
			"nulls", "POST", "/", `{"query":"{hello}","operationName":null,"variables":null,"extensions":null}`,
			[]string{sendsJSON}, 200, helloResult,
		},
		{"unknown members", "POST", "/", `{"query":"{hello}","id":7}`, []string{sendsJSON}, 200, helloResult},
		{"get", "GET", get("query", "{hello}"), "", nil, 200, helloResult},
		{
			"get with everything", "GET",
			get(
				"query", "query A($n:JSON){big(n:$n)} query B{hello}", "operationName", "B", "variables", `{"n":1}`,
				"extensions", `{"a":1}`,
			),
			"", nil, 200, helloResult,
		},
		{"head", "HEAD", get("query", "{hello}"), "", nil, 200, helloResult},
		{"mutation by post", "POST", "/", `{"query":"mutation{shout}"}`, []string{sendsJSON}, 200, helloResult},

		{
			"another charset", "POST", "/", `{}`, []string{"Content-Type: application/json; charset=latin1"}, 415,
			refusal("The charset of a POST must be UTF-8.", CodeUnsupportedMediaType),
		},
		{
			"no content type", "POST", "/", `{"query":"{hello}"}`, nil, 415,
			refusal("The Content-Type of a POST must be application/json.", CodeUnsupportedMediaType),
		},
		{
			"a form", "POST", "/", `query={hello}`, []string{"Content-Type: application/x-www-form-urlencoded"}, 415,
			refusal("The Content-Type of a POST must be application/json.", CodeUnsupportedMediaType),
		},
		{
			"text of json", "POST", "/", `{"query":"{hello}"}`, []string{"Content-Type: text/plain"}, 415,
			refusal("The Content-Type of a POST must be application/json.", CodeUnsupportedMediaType),
		},
		{
			"compressed", "POST", "/", compress(`{"query":"{hello}"}`), []string{sendsJSON, "Content-Encoding: gzip"},
			415, refusal("The request body must not be compressed.", CodeUnsupportedMediaType),
		},
		{"no body", "POST", "/", "", []string{sendsJSON}, 400, refusal("The request has no body.", CodeBadRequest)},
		{
			"not utf-8",
			"POST",
			"/",
			"{\"query\":\"{hello #\xff}\"}",
			[]string{sendsJSON},
			400,
			refusal("The request body is not UTF-8.", CodeBadRequest),
		},
		{
			"not json", "POST", "/", `{"query":"{secret}`, []string{sendsJSON}, 400,
			refusal("The request body is not valid JSON, as of byte 18.", CodeBadRequest),
		},
		{
			"more than json", "POST", "/", `{"query":"{hello}"} {}`, []string{sendsJSON}, 400,
			refusal("The request body is not valid JSON, as of byte 21.", CodeBadRequest),
		},
		{
			"a batch", "POST", "/", `[{"query":"{hello}"}]`, []string{sendsJSON}, 400,
			refusal(
				"The request body must be a JSON object, not an array (operations are sent one by one, not in batches).",
				CodeBadRequest,
			),
		},
		{
			"a string", "POST", "/", `"{hello}"`, []string{sendsJSON}, 400,
			refusal("The request body must be a JSON object, not a string.", CodeBadRequest),
		},
		{
			"no query", "POST", "/", `{"qeury":"{hello}"}`, []string{sendsJSON}, 400,
			refusal("The parameter query is missing: it must be a string with a GraphQL document.", CodeBadRequest),
		},
		{
			"no query in a get", "GET", "/", "", nil, 400,
			refusal("The parameter query is missing: it must be a string with a GraphQL document.", CodeBadRequest),
		},
		{
			"query of a wrong type", "POST", "/", `{"query":{"a":1}}`, []string{sendsJSON}, 400,
			refusal("The parameter query must be a string, not an object.", CodeBadRequest),
		},
		{
			"operationName of a wrong type", "POST", "/", `{"query":"{hello}","operationName":7}`, []string{sendsJSON},
			400, refusal("The parameter operationName must be a string, not a number.", CodeBadRequest),
		},
		{
			"variables as a string", "POST", "/", `{"query":"{hello}","variables":"{}"}`, []string{sendsJSON}, 400,
			refusal("The parameter variables must be a JSON object, not a string.", CodeBadRequest),
		},
		{
			"variables as a list", "POST", "/", `{"query":"{hello}","variables":[]}`, []string{sendsJSON}, 400,
			refusal("The parameter variables must be a JSON object, not an array.", CodeBadRequest),
		},
		{
			"extensions as a boolean", "POST", "/", `{"query":"{hello}","extensions":true}`, []string{sendsJSON}, 400,
			refusal("The parameter extensions must be a JSON object, not a boolean.", CodeBadRequest),
		},
		{
			"extensions as a number", "POST", "/", `{"query":"{hello}","extensions":-1}`, []string{sendsJSON}, 400,
			refusal("The parameter extensions must be a JSON object, not a number.", CodeBadRequest),
		},
		{
			"variables of a get", "GET", get("query", "{hello}", "variables", "{"), "", nil, 400,
			refusal("The parameter variables is not valid JSON, as of byte 1.", CodeBadRequest),
		},
		{
			"extensions of a get", "GET", get("query", "{hello}", "extensions", "7"), "", nil, 400,
			refusal("The parameter extensions must be a JSON object, not a number.", CodeBadRequest),
		},
		{
			"a broken query string", "GET", "/?query=%zz", "", nil, 400,
			refusal("The query string is not form-urlencoded.", CodeBadRequest),
		},
		{
			"a subscription", "POST", "/", `{"query":"subscription{tick}"}`, []string{sendsJSON}, 400,
			refusal("A subscription needs a WebSocket or server-sent events.", CodeBadRequest),
		},
		{
			"mutation by get", "GET", get("query", "mutation{shout}"), "", nil, 405,
			refusal("A mutation needs POST, GET is for queries.", CodeMethodNotAllowed),
		},
		{
			"another method", "PUT", "/", "", nil, 405,
			refusal("GraphQL is served by GET and POST, not by PUT.", CodeMethodNotAllowed),
		},
		{
			"a method of any length", strings.Repeat("X", 21), "/", "", nil, 405,
			refusal("GraphQL is served by GET and POST, not by this method.", CodeMethodNotAllowed),
		},
		{
			"parse error",
			"POST",
			"/",
			`{"query":"{"}`,
			[]string{sendsJSON},
			200,
			`{"errors":[{"message":"Expected Name, found \u003cEOF\u003e","locations":[{"line":1,"column":2}],"extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}`,
		},
		{
			"parse error in the newer type",
			"POST",
			"/",
			`{"query":"{"}`,
			[]string{sendsJSON, wantsNewer},
			400,
			`{"errors":[{"message":"Expected Name, found \u003cEOF\u003e","locations":[{"line":1,"column":2}],"extensions":{"code":"GRAPHQL_PARSE_FAILED"}}]}`,
		},
		{
			"validation error",
			"POST",
			"/",
			`{"query":"{nope}"}`,
			[]string{sendsJSON},
			200,
			`{"errors":[{"message":"Cannot query field \"nope\" on type \"Query\".","locations":[{"line":1,"column":2}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`,
		},
		{
			"validation error in the newer type",
			"GET",
			get("query", "{nope}"),
			"",
			[]string{wantsNewer},
			400,
			`{"errors":[{"message":"Cannot query field \"nope\" on type \"Query\".","locations":[{"line":1,"column":2}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`,
		},
		{
			"a persisted query not known",
			"POST",
			"/",
			`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}`,
			[]string{sendsJSON},
			200,
			refusal("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND"),
		},
		{
			"an error of an extension without a code",
			"POST",
			"/",
			`{"query":"{hello}","extensions":{"persistedQuery":{"version":1,"sha256Hash":"00"}}}`,
			[]string{sendsJSON, wantsNewer},
			400,
			refusal("provided APQ hash does not match query", CodeBadRequest),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := ask(newServer(t, HTTP{}, nil), tt.method, tt.target, tt.body, tt.headers...)
			if w.Code != tt.status {
				t.Errorf("status %d, want %d", w.Code, tt.status)
			}
			if got := w.Body.String(); got != tt.want {
				t.Errorf("body\n%s\nwant\n%s", got, tt.want)
			}
			wantType := typeJSON
			for _, header := range tt.headers {
				if header == wantsNewer {
					wantType = typeNewer
				}
			}
			if got := w.Header().Get("Content-Type"); got != wantType {
				t.Errorf("content type %q, want %q", got, wantType)
			}
			if got := w.Header().Get("Content-Length"); got != fmt.Sprint(len(tt.want)) {
				t.Errorf("content length %s, want %d", got, len(tt.want))
			}
			if !json.Valid(w.Body.Bytes()) {
				t.Error("the body is not JSON")
			}
		})
	}
}

func compress(s string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(s))
	_ = z.Close()
	return b.String()
}

func TestAllowHeaderNamesWhatWouldDo(t *testing.T) {
	t.Parallel()
	srv := newServer(t, HTTP{}, nil)
	for _, tt := range []struct {
		method, target string
		status         int
		want           string
	}{
		{"GET", "/?query=mutation{shout}", 405, "POST"},
		{"DELETE", "/", 405, "GET, HEAD, POST, OPTIONS"},
		{"OPTIONS", "/", 204, "GET, HEAD, POST, OPTIONS"},
	} {
		w := ask(srv, tt.method, tt.target, "")
		if got := w.Header().Get("Allow"); got != tt.want || w.Code != tt.status {
			t.Errorf("%s %s: %d, Allow %q, want %d, %q", tt.method, tt.target, w.Code, got, tt.status, tt.want)
		}
	}
}

func TestBodyLimitHoldsWithAndWithoutContentLength(t *testing.T) {
	t.Parallel()
	srv := newServer(t, HTTP{MaxBody: 100}, nil)
	within := `{"query":"{hello}"` + strings.Repeat(" ", 81) + "}"
	for _, tt := range []struct {
		name   string
		body   string
		length int64
		status int
	}{
		{"as long as allowed", within, 100, 200},
		{"one byte more", within + " ", 101, 413},
		{"one byte more of unknown length", within + " ", -1, 413},
		{"as long as allowed of unknown length", within, -1, 200},
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(tt.body))
		r.Header.Set("Content-Type", "application/json")
		r.ContentLength = tt.length
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		if w.Code != tt.status {
			t.Errorf("%s: status %d, want %d: %s", tt.name, w.Code, tt.status, w.Body)
		}
		if tt.status == 413 &&
			!strings.Contains(
				w.Body.String(),
				`"The request body is larger than 100 bytes.","extensions":{"code":"PAYLOAD_TOO_LARGE"}`,
			) {
			t.Errorf("%s: %s", tt.name, w.Body)
		}
	}
	if w := ask(srv, "GET", "/?query={hello}&pad="+strings.Repeat("x", 90), ""); w.Code != 414 ||
		!strings.Contains(w.Body.String(), CodePayloadTooLarge) {
		t.Errorf("a long query string: %d %s", w.Code, w.Body)
	}
	whole := `{"query":"{hello}","pad":"` + strings.Repeat("x", DefaultMaxBody-28) + `"}`
	def := newServer(t, HTTP{}, nil)
	if w := ask(def, "POST", "/", whole, sendsJSON); len(whole) != DefaultMaxBody || w.Code != 200 {
		t.Errorf("%d bytes: %d", len(whole), w.Code)
	}
	if w := ask(def, "POST", "/", whole+" ", sendsJSON); w.Code != 413 {
		t.Errorf("%d bytes: %d", len(whole)+1, w.Code)
	}
}

func TestLargeBodiesAreReadOnceTheyAreLetThrough(t *testing.T) {
	t.Parallel()
	asked := 0
	var grant surface.Grant
	var refusal error
	srv := newServer(
		t,
		HTTP{MaxBody: 100, MaxLarge: 200, LargerWith: "a key", Identify: func(context.Context) (surface.Grant, error) {
			asked++
			return grant, refusal
		}},
		nil,
	)
	padded := func(n int) string { return `{"query":"{hello}"` + strings.Repeat(" ", n-19) + "}" }
	nobody, writer, reader := surface.Grant{}, surface.Grant{
		Account: 1, MaxBody: 200,
	}, surface.Grant{
		Account: 1, MaxBody: 100,
	}
	unavailable := &apperr.Error{Code: apperr.Unavailable, Message: "later", RetryAfter: 1500 * time.Millisecond}
	for _, tt := range []struct {
		name          string
		size          int
		known         bool
		grant         surface.Grant
		refusal       error
		asked, status int
		says          string
	}{
		{"small", 100, true, nobody, nil, 0, 200, "world"},
		{"small, of unknown size", 100, false, nobody, nil, 0, 200, "world"},
		{"large", 101, true, writer, nil, 1, 200, "world"},
		{"large, of unknown size", 101, false, writer, nil, 1, 200, "world"},
		{"as large as allowed, of unknown size", 200, false, writer, nil, 1, 200, "world"},
		{"too large", 201, true, writer, nil, 0, 413, "The request body is larger than 200 bytes."},
		{"too large, of unknown size", 201, false, writer, nil, 1, 413, "The request body is larger than 200 bytes."},
		{"large of somebody who may not", 101, true, reader, nil, 1, 413,
			`"The request body is larger than 100 bytes; with a key up to 200 are read.","extensions":{"code":"PAYLOAD_TOO_LARGE"}`},
		{"large of nobody, of unknown size", 101, false, nobody, nil, 1, 413, "The request body is larger than 100 bytes; with a key"},
		{"large, when it cannot be told of whom", 101, false, nobody, unavailable, 1, 503,
			`"Later.","extensions":{"code":"UNAVAILABLE","retryAfterSeconds":2}`},
	} {
		asked, grant, refusal = 0, tt.grant, tt.refusal
		r := httptest.NewRequest("POST", "/", strings.NewReader(padded(tt.size)))
		r.Header.Set("Content-Type", "application/json")
		if !tt.known {
			r.ContentLength = -1
		}
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) || asked != tt.asked {
			t.Errorf("%s: asked %d times, %d %s", tt.name, asked, w.Code, w.Body)
		}
		if again := w.Header().Get("Retry-After"); (again == "2") != (tt.status == 503) {
			t.Errorf("%s: Retry-After %q", tt.name, again)
		}
	}
}

func TestALargeBodyHasABoundedNumberOfValues(t *testing.T) {
	t.Parallel()
	srv := newServer(t, HTTP{MaxBody: 100, MaxLarge: 16 << 20, Identify: func(context.Context) (surface.Grant, error) {
		return surface.Grant{Account: 1, MaxBody: 16 << 20}, nil
	}}, nil)
	for name, tt := range map[string]struct {
		variables string
		status    int
	}{
		"many numbers":        {"[" + strings.Repeat("1,", maxValues) + "1]", 413},
		"many empty lists":    {strings.Repeat("[", maxValues+1), 413},
		"a text with commas":  {`"` + strings.Repeat(",", 2*maxValues) + `"`, 200},
		"a text with quotes":  {`"` + strings.Repeat(`\",`, maxValues) + `"`, 200},
		"a text that is open": {`"` + strings.Repeat(`\`, 101), 400},
	} {
		w := ask(srv, "POST", "/", `{"query":"{hello}","variables":{"n":`+tt.variables+`}}`, sendsJSON)
		if w.Code != tt.status {
			t.Errorf("%s: %d %.200s", name, w.Code, w.Body)
		}
	}
}

func TestBrokenOffBodyIsABadRequest(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest(
		"POST", "/",
		io.MultiReader(strings.NewReader(`{"query":`), iotest.ErrReader(errors.New("secret of the network"))),
	)
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	newServer(t, HTTP{}, nil).ServeHTTP(w, r)
	want := `{"errors":[{"message":"The request body ended early.","extensions":{"code":"BAD_REQUEST"}}]}`
	if w.Code != 400 || w.Body.String() != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestVariablesKeepTheirDigits(t *testing.T) {
	t.Parallel()
	var got map[string]any
	srv := newServer(
		t, HTTP{},
		map[string]run{"A": func(_ context.Context, op *graphql.OperationContext) *graphql.Response {
			got = op.Variables
			return &graphql.Response{Data: []byte("{}")}
		}},
	)
	const vars = `{"n":{"id":9007199254740993,"rate":1.50}}`
	want := map[string]any{"n": map[string]any{"id": json.Number("9007199254740993"), "rate": json.Number("1.50")}}
	ask(srv, "POST", "/", `{"query":"query A($n:JSON){big(n:$n)}","variables":`+vars+`}`, sendsJSON)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("by POST (-want +got):\n%s", diff)
	}
	got = nil
	ask(srv, "GET", "/?query="+url.QueryEscape("query A($n:JSON){big(n:$n)}")+"&variables="+url.QueryEscape(vars), "")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("by GET (-want +got):\n%s", diff)
	}
}

func TestNothingOfOneRequestReachesTheNext(t *testing.T) {
	t.Parallel()
	srv := newServer(
		t, HTTP{},
		map[string]run{"A": func(_ context.Context, op *graphql.OperationContext) *graphql.Response {
			text, _ := json.Marshal([]any{op.Variables, op.Extensions, op.OperationName})
			return &graphql.Response{Data: text}
		}},
	)
	for range 20 {
		ask(
			srv, "POST", "/",
			`{"query":"query A($n:JSON){big(n:$n)}","operationName":"A","variables":{"n":"secret"},"extensions":{"a":"secret"}}`,
			sendsJSON,
		)
		w := ask(srv, "POST", "/", `{"query":"query A($n:JSON){big(n:$n)}","operationName":"A"}`, sendsJSON)
		if got, want := w.Body.String(), `{"data":[{},null,"A"]}`; got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
}

func TestExecutedOperationsHaveADataEntry(t *testing.T) {
	t.Parallel()
	more := true
	answers := map[string]run{
		"Failed": failWith(&gqlerror.Error{Message: "no"}),
		"Refused": func(ctx context.Context, _ *graphql.OperationContext) *graphql.Response {
			return graphql.ErrorResponse(ctx, "stop")
		},
		"Both": func(context.Context, *graphql.OperationContext) *graphql.Response {
			return &graphql.Response{Data: []byte(`{"hello":null}`), Errors: gqlerror.List{{Message: "no"}}}
		},
		"Deferred": func(context.Context, *graphql.OperationContext) *graphql.Response {
			return &graphql.Response{Data: []byte(`{}`), HasNext: &more}
		},
		"Cost": func(ctx context.Context, _ *graphql.OperationContext) *graphql.Response {
			graphql.RegisterExtension(ctx, "cost", 7)
			return &graphql.Response{Data: []byte(`{"hello":"x"}`)}
		},
		"Broken": func(ctx context.Context, _ *graphql.OperationContext) *graphql.Response {
			graphql.RegisterExtension(ctx, "f", func() {})
			return &graphql.Response{Data: []byte(`{}`)}
		},
	}
	tests := []struct {
		name         string
		plain, newer int
		want         string
	}{
		{"Failed", 200, 200, `{"errors":[{"message":"no"}],"data":null}`},
		{"Both", 200, 200, `{"errors":[{"message":"no"}],"data":{"hello":null}}`},
		{"Refused", 200, 400, `{"errors":[{"message":"stop","extensions":{"code":"BAD_REQUEST"}}]}`},
		{
			"Deferred", 200, 400,
			`{"errors":[{"message":"@defer needs a transport with more than one response.","extensions":{"code":"BAD_REQUEST"}}]}`,
		},
		{"Cost", 200, 200, `{"data":{"hello":"x"},"extensions":{"cost":7}}`},
		{
			"Broken", 500, 500,
			`{"errors":[{"message":"The response could not be encoded.","extensions":{"code":"INTERNAL"}}]}`,
		},
	}
	srv := newServer(t, HTTP{}, answers)
	for _, tt := range tests {
		body := fmt.Sprintf(`{"query":"query %s{hello}","operationName":%q}`, tt.name, tt.name)
		plain, newer := ask(srv, "POST", "/", body, sendsJSON), ask(srv, "POST", "/", body, sendsJSON, wantsNewer)
		if plain.Code != tt.plain || newer.Code != tt.newer {
			t.Errorf("%s: status %d and %d, want %d and %d", tt.name, plain.Code, newer.Code, tt.plain, tt.newer)
		}
		if plain.Body.String() != tt.want || newer.Body.String() != tt.want {
			t.Errorf("%s:\n%s\n%s\nwant\n%s", tt.name, plain.Body, newer.Body, tt.want)
		}
	}
}

func TestExtensionsOfTheServerReachRefusedRequests(t *testing.T) {
	t.Parallel()
	srv := newServer(t, HTTP{}, nil)
	srv.AroundResponses(func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		if graphql.GetOperationContext(ctx).Headers.Get("X-Request-Id") == "r1" {
			graphql.RegisterExtension(ctx, "request", "r1")
		}
		return next(ctx)
	})
	srv.SetErrorPresenter(func(_ context.Context, err error) *gqlerror.Error {
		return &gqlerror.Error{Message: "presented: " + err.(*gqlerror.Error).Message}
	})
	w := ask(srv, "PUT", "/", "", "X-Request-Id: r1")
	want := `{"errors":[{"message":"presented: GraphQL is served by GET and POST, not by PUT.","extensions":{"code":"BAD_REQUEST"}}],"extensions":{"request":"r1"}}`
	if got := w.Body.String(); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestTimeoutBeforeExecutionIsSaid(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	gone, cancelNow := context.WithCancel(t.Context())
	cancelNow()
	for want, ctx := range map[string]context.Context{"The request took too long.": ctx, "The request was cancelled.": gone} {
		r := httptest.NewRequestWithContext(ctx, "GET", "/?query={hello}", nil)
		w := httptest.NewRecorder()
		newServer(t, HTTP{}, nil).ServeHTTP(w, r)
		if w.Code != 503 || !strings.Contains(w.Body.String(), want) ||
			!strings.Contains(w.Body.String(), CodeCanceled) {
			t.Errorf("%d %s, want %q", w.Code, w.Body, want)
		}
	}
}

func TestUpgradesAreLeftToOtherTransports(t *testing.T) {
	t.Parallel()
	r := httptest.NewRequest("GET", "/", nil)
	if !(HTTP{}).Supports(r) {
		t.Error("a GET is not supported")
	}
	r.Header.Set("Upgrade", "websocket")
	if (HTTP{}).Supports(r) {
		t.Error("an upgrade is supported")
	}
}

func TestAcceptIsNegotiated(t *testing.T) {
	t.Parallel()
	const newer = "application/graphql-response+json"
	for _, tt := range []struct {
		accept []string
		want   *media
	}{
		{nil, plainJSON},
		{[]string{""}, plainJSON},
		{[]string{"*/*"}, plainJSON},
		{[]string{"application/*"}, plainJSON},
		{[]string{"application/json"}, plainJSON},
		{[]string{newer}, responseJSON},
		{[]string{newer + "; charset=utf-8, application/json; charset=utf-8"}, responseJSON},
		{[]string{"application/json, " + newer}, plainJSON},
		{[]string{"application/json;q=0.9, " + newer}, responseJSON},
		{[]string{newer + ";q=0.5,application/json;q=0.9"}, plainJSON},
		{[]string{"application/json;q=0.9", newer}, responseJSON},
		{[]string{newer + ";q=0, text/html"}, plainJSON},
		{[]string{"text/html,application/xhtml+xml,*/*;q=0.8"}, plainJSON},
		{[]string{"image/png"}, plainJSON},
		{[]string{";;;, " + newer}, responseJSON},
		{[]string{newer + ";q=high"}, responseJSON},
	} {
		if got := negotiate(http.Header{"Accept": tt.accept}); got != tt.want {
			t.Errorf("%q: %s, want %s", tt.accept, got.contentType, tt.want.contentType)
		}
	}
}
