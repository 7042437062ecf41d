package transport

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const sse = "Accept: text/event-stream"

func TestEventsFollowTheirProtocol(t *testing.T) {
	t.Parallel()
	srv := newServer(t, HTTP{}, map[string]run{
		"S": ticks(2), "F": failWith(gqlerror.Errorf("bad luck")),
		"P": func(context.Context, *graphql.OperationContext) *graphql.Response { panic("oh") },
		"R": func(context.Context, *graphql.OperationContext) *graphql.Response {
			return &graphql.Response{Errors: gqlerror.List{gqlerror.Errorf("refused")}}
		},
		"L": ticksOf("{\"tick\":\r\n\"x\"}", 1),
	})
	const next, complete = "event: next\ndata: ", "event: complete\ndata:\n\n"
	for name, tt := range map[string]struct{ query, accept, want string }{
		"a subscription":       {"subscription S { tick }", sse, ":\n\n" + strings.Repeat(next+`{"data":{"tick":"x"}}`+"\n\n", 2) + complete},
		"a query":              {"{ hello }", sse, ":\n\n" + next + `{"data":{"hello":"world <3"}}` + "\n\n" + complete},
		"a query that fails":   {"query F { hello }", sse, ":\n\n" + next + `{"errors":[{"message":"bad luck"}],"data":null}` + "\n\n" + complete},
		"a refused operation":  {"subscription R { tick }", sse, ":\n\n" + next + `{"errors":[{"message":"refused","extensions":{"code":"BAD_REQUEST"}}]}` + "\n\n" + complete},
		"a panic":              {"subscription P { tick }", sse, ":\n\n" + next + `{"errors":[{"message":"internal system error","extensions":{"code":"BAD_REQUEST"}}]}` + "\n\n" + complete},
		"a document that errs": {"{ nothing }", sse, next + `{"errors":[{"message":"Cannot query field \"nothing\" on type \"Query\".","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}` + "\n\n" + complete},
		"data with a line end": {"subscription L { tick }", sse, ":\n\n" + next + `{"data":{"tick":  "x"}}` + "\n\n" + complete},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := ask(
				srv, http.MethodPost, "/", `{"query":"`+tt.query+`"}`, "Content-Type: application/json", tt.accept,
			)
			if got.Code != http.StatusOK || got.Header().Get("Content-Type") != "text/event-stream; charset=utf-8" ||
				got.Body.String() != tt.want {
				t.Errorf("%d %v\n%s\nwant\n%s", got.Code, got.Header(), got.Body, tt.want)
			}
		})
	}
}

// ticksOf answers n times with a text.
func ticksOf(text string, n int) run {
	return func(context.Context, *graphql.OperationContext) *graphql.Response {
		if n == 0 {
			return nil
		}
		n--
		return &graphql.Response{Data: []byte(text)}
	}
}

func TestEventsAreSentToThoseWhoAskForThem(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string][2]string{
		"":                                    {"application/json", "application/json"},
		"*/*":                                 {"application/json", "application/json"},
		"application/json":                    {"application/json", "application/json"},
		"text/event-stream;q=0":               {"application/json", "application/json"},
		"text/event-stream":                   {"text/event-stream", "text/event-stream"},
		"application/json, text/event-stream": {"application/json", "text/event-stream"},
		"text/event-stream, application/json;q=0.9": {"text/event-stream", "text/event-stream"},
		"text/event-stream, */*;q=0.1":              {"text/event-stream", "text/event-stream"},
	} {
		for i, query := range []string{"{ hello }", "subscription S { tick }"} {
			srv := newServer(t, HTTP{}, map[string]run{"S": ticks(1)})
			got := ask(
				srv, http.MethodPost, "/", `{"query":"`+query+`"}`, "Content-Type: application/json", "Accept: "+accept,
			)
			if contentType, _, _ := strings.Cut(got.Header().Get("Content-Type"), ";"); contentType != want[i] {
				t.Errorf("%q: %s is answered with %s, want %s", accept, query, contentType, want[i])
			}
		}
	}
}

func TestMutationIsNotSentByGETForItsEvents(t *testing.T) {
	t.Parallel()
	got := ask(newServer(t, HTTP{}, nil), http.MethodGet, "/?query=mutation{shout}", "", sse)
	if got.Code != http.StatusMethodNotAllowed {
		t.Errorf("%d %s", got.Code, got.Body)
	}
}

// TestStreamOutlivesTheTimeToReadARequest checks that the server's read timeout does not end a
// stream.
func TestStreamOutlivesTheTimeToReadARequest(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(newServer(t, HTTP{Heartbeat: 20 * time.Millisecond}, map[string]run{
		"S": func(ctx context.Context, _ *graphql.OperationContext) *graphql.Response {
			<-ctx.Done()
			return nil
		},
	}))
	server.Config.ReadTimeout, server.Config.WriteTimeout = 100*time.Millisecond, 100*time.Millisecond
	server.Start()
	defer server.Close()
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodPost, server.URL, strings.NewReader(`{"query":"subscription S { tick }"}`),
	)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "text/event-stream")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	begin, lines := time.Now(), bufio.NewReader(response.Body)
	for time.Since(begin) < 400*time.Millisecond {
		if line, err := lines.ReadString('\n'); err != nil || line != ":\n" && line != "\n" {
			t.Fatalf("%q, %v after %s", line, err, time.Since(begin))
		}
	}
}

// deaf accepts the header of a response and nothing of its body.
type deaf struct{ http.ResponseWriter }

func (deaf) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestStreamThatCannotBeWrittenEnds checks that the error of a write ends the stream. Here only
// that error shows that the client is gone.
func TestStreamThatCannotBeWrittenEnds(t *testing.T) {
	t.Parallel()
	made := 0
	srv := newServer(t, HTTP{}, map[string]run{"S": func(context.Context, *graphql.OperationContext) *graphql.Response {
		if made++; made > 100 {
			return nil
		}
		return &graphql.Response{Data: []byte(`{"tick":"x"}`)}
	}})
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(`{"query":"subscription S { tick }"}`))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "text/event-stream")
	srv.ServeHTTP(deaf{httptest.NewRecorder()}, r)
	if made > 1 {
		t.Errorf("%d responses were made for nobody", made)
	}
}
