package transport

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/coder/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"campaignql/internal/gate"
)

// patience is the deadline for messages that must arrive.
const patience = 20 * time.Second

// conversation is a test client of the protocol.
type conversation struct {
	t *testing.T
	*websocket.Conn
	ctx context.Context
}

func converse(t *testing.T, s Socket, answers map[string]run) *conversation {
	t.Helper()
	return dial(t, newSocketServer(t, s, answers), subprotocol)
}

func newSocketServer(t *testing.T, s Socket, answers map[string]run) *httptest.Server {
	t.Helper()
	srv := newServerWith(t, func(srv *handler.Server) { srv.AddTransport(s) }, answers)
	server := httptest.NewServer(srv)
	t.Cleanup(server.Close)
	return server
}

func dial(t *testing.T, server *httptest.Server, protocols ...string) *conversation {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, server.URL, &websocket.DialOptions{Subprotocols: protocols})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return &conversation{t, conn, ctx}
}

func (c *conversation) say(texts ...string) {
	c.t.Helper()
	for _, text := range texts {
		if err := c.Write(c.ctx, websocket.MessageText, []byte(text)); err != nil {
			c.t.Fatal(err)
		}
	}
}

// hear reads messages and fails unless they are the given ones.
func (c *conversation) hear(want ...string) {
	c.t.Helper()
	for _, want := range want {
		_, got, err := c.Read(c.ctx)
		if err != nil || string(got) != want {
			c.t.Fatalf("got %s, %v\nwant %s", got, err, want)
		}
	}
}

// closed reads to the end of the connection and fails unless the connection was closed with this
// code.
func (c *conversation) closed(want int) {
	c.t.Helper()
	for {
		if _, _, err := c.Read(c.ctx); err != nil {
			if got := websocket.CloseStatus(err); int(got) != want {
				c.t.Errorf("closed with %v, want %d", err, want)
			}
			return
		}
	}
}

const (
	hello = `{"type":"connection_init"}`
	ack   = `{"type":"connection_ack"}`
)

func subscribe(id, query string) string {
	text, _ := json.Marshal(map[string]any{"id": id, "type": "subscribe", "payload": map[string]any{"query": query}})
	return string(text)
}

// ticks answers a subscription n times, or without end.
func ticks(n int) run {
	return func(ctx context.Context, _ *graphql.OperationContext) *graphql.Response {
		if n == 0 {
			return nil
		}
		n--
		return &graphql.Response{Data: []byte(`{"tick":"x"}`)}
	}
}

// waits answers once and then waits until the operation ends.
func waits() run {
	var told atomic.Bool
	return func(ctx context.Context, _ *graphql.OperationContext) *graphql.Response {
		if told.CompareAndSwap(false, true) {
			return &graphql.Response{Data: []byte(`{"tick":"x"}`)}
		}
		<-ctx.Done()
		return nil
	}
}

const tick = `{"id":"a","type":"next","payload":{"data":{"tick":"x"}}}`

func TestOperationsOfEveryKindRunOverASocket(t *testing.T) {
	t.Parallel()
	c := converse(
		t, Socket{},
		map[string]run{
			"S": ticks(2),
			"F": failWith(gqlerror.Errorf("bad luck")),
			"R": func(context.Context, *graphql.OperationContext) *graphql.Response {
				return &graphql.Response{Errors: gqlerror.List{gqlerror.Errorf("refused")}}
			},
		},
	)
	c.say(hello)
	c.hear(ack)
	c.say(subscribe("a", `subscription S { tick }`))
	c.hear(tick, tick, `{"id":"a","type":"complete"}`)
	c.say(subscribe("b", `mutation { shout }`))
	c.hear(`{"id":"b","type":"next","payload":{"data":{"hello":"world <3"}}}`, `{"id":"b","type":"complete"}`)
	c.say(subscribe("c", `query F { hello }`))
	c.hear(
		`{"id":"c","type":"next","payload":{"errors":[{"message":"bad luck"}],"data":null}}`,
		`{"id":"c","type":"complete"}`,
	)
	c.say(subscribe("d", `query R { hello }`))
	c.hear(`{"id":"d","type":"error","payload":[{"message":"refused","extensions":{"code":"BAD_REQUEST"}}]}`)
	c.say(subscribe("e", `{ nothing }`))
	c.hear(
		`{"id":"e","type":"error","payload":[{"message":"Cannot query field \"nothing\" on type \"Query\".","locations":[{"line":1,"column":3}],"extensions":{"code":"GRAPHQL_VALIDATION_FAILED"}}]}`,
	)
	c.say(`{"type":"ping","payload":{"x":1}}`, `{"type":"pong"}`)
	c.hear(`{"type":"pong","payload":{"x":1}}`)
}

func TestPanicIsAnErrorOfItsOperationAlone(t *testing.T) {
	t.Parallel()
	c := converse(
		t, Socket{},
		map[string]run{"P": func(context.Context, *graphql.OperationContext) *graphql.Response { panic("oh") }},
	)
	c.say(hello, subscribe("a", `query P { hello }`))
	c.hear(
		ack,
		`{"id":"a","type":"error","payload":[{"message":"internal system error","extensions":{"code":"BAD_REQUEST"}}]}`,
	)
	c.say(subscribe("a", `{ hello }`))
	c.hear(`{"id":"a","type":"next","payload":{"data":{"hello":"world <3"}}}`)
}

func TestWhatBreaksTheProtocolClosesTheConnection(t *testing.T) {
	t.Parallel()
	forbidding := func(context.Context, map[string]any) (Connection, error) {
		return Connection{}, &Closing{CloseForbidden, strings.Repeat("ä", 200)}
	}
	failing := func(context.Context, map[string]any) (Connection, error) { return Connection{}, errors.New("secret") }
	anonymous := func(ctx context.Context, _ map[string]any) (Connection, error) { return Connection{Context: ctx}, nil }
	gone := make(chan struct{})
	close(gone)
	ended := func(ctx context.Context, _ map[string]any) (Connection, error) {
		return Connection{Context: ctx, Known: true, Ended: gone}, nil
	}
	for name, tt := range map[string]struct {
		socket Socket
		say    []string
		want   int
	}{
		"no JSON":                           {Socket{}, []string{"hello"}, 4400},
		"no UTF-8":                          {Socket{}, []string{"{\"type\":\"ping\",\"id\":\"\xff\"}"}, 4400},
		"an unknown type":                   {Socket{}, []string{`{"type":"start"}`}, 4400},
		"a subscription before the ack":     {Socket{}, []string{subscribe("a", "{ hello }")}, 4401},
		"two introductions":                 {Socket{}, []string{hello, hello}, 4429},
		"an introduction that is refused":   {Socket{Init: forbidding}, []string{hello}, 4403},
		"an introduction that fails":        {Socket{Init: failing}, []string{hello}, 4500},
		"an introduction that is no object": {Socket{}, []string{`{"type":"connection_init","payload":[]}`}, 4400},
		"no introduction":                   {Socket{InitTimeout: time.Millisecond}, nil, 4408},
		"nobody after a while":              {Socket{Init: anonymous, AnonymousTimeout: time.Millisecond}, []string{hello}, 4401},
		"a caller who has ended":            {Socket{Init: ended}, []string{hello}, 4403},
		"the same id twice":                 {Socket{}, []string{hello, subscribe("a", "subscription W { tick }"), subscribe("a", "{ hello }")}, 4409},
		"a long id twice":                   {Socket{}, []string{hello, subscribe(strings.Repeat("ä", 90), "subscription W { tick }"), subscribe(strings.Repeat("ä", 90), "{ hello }")}, 4409},
		"an id that is too long":            {Socket{}, []string{hello, subscribe(strings.Repeat("x", 201), "{ hello }")}, 4400},
		"no id":                             {Socket{}, []string{hello, subscribe("", "{ hello }")}, 4400},
		"no document":                       {Socket{}, []string{hello, subscribe("a", "")}, 4400},
		"a message that is too long":        {Socket{MaxMessage: 100}, []string{hello, subscribe("a", "{ hello }"+strings.Repeat(" ", 100))}, 1009},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := converse(t, tt.socket, map[string]run{"W": waits()})
			c.say(tt.say...)
			c.closed(tt.want)
		})
	}
}

func TestAKnownCallerIsNotClosedForItsPlaceOrTime(t *testing.T) {
	t.Parallel()
	lobby := gate.NewLobby(1)
	known := func(ctx context.Context, payload map[string]any) (Connection, error) {
		return Connection{Context: ctx, Known: payload != nil}, nil
	}
	s := Socket{
		Init: known, AnonymousTimeout: 200 * time.Millisecond,
		Enter: func(context.Context) Place { return lobby.Enter("somewhere") },
	}
	server := newSocketServer(t, s, nil)
	c := dial(t, server, subprotocol)
	c.say(`{"type":"connection_init","payload":{"apiKey":"x"}}`)
	c.hear(ack)
	if within, lost := lobby.Counts(); within != 0 || lost != 0 {
		t.Errorf("%d within, %d lost", within, lost)
	}
	one, two := dial(t, server, subprotocol), dial(t, server, subprotocol)
	one.closed(-1) // without a close frame: the other connection took its place
	two.say(hello)
	two.closed(4401)
	c.say(subscribe("a", "{ hello }"))
	c.hear(`{"id":"a","type":"next","payload":{"data":{"hello":"world <3"}}}`)
}

func TestBinaryMessageClosesTheConnection(t *testing.T) {
	t.Parallel()
	c := converse(t, Socket{}, nil)
	if err := c.Write(c.ctx, websocket.MessageBinary, []byte(hello)); err != nil {
		t.Fatal(err)
	}
	c.closed(4400)
}

func TestOtherProtocolsAreNotSpoken(t *testing.T) {
	t.Parallel()
	server := newSocketServer(t, Socket{}, nil)
	for _, protocols := range [][]string{nil, {"graphql-ws"}} {
		dial(t, server, protocols...).closed(4406)
	}
	dial(t, server, "graphql-ws", subprotocol).say(hello)
}

func TestOperationsOfAConnectionAreLimited(t *testing.T) {
	t.Parallel()
	c := converse(t, Socket{MaxOperations: 1}, map[string]run{"W": waits()})
	c.say(hello, subscribe("a", "subscription W { tick }"))
	c.hear(ack, tick)
	c.say(subscribe("b", "{ hello }"))
	c.hear(
		`{"id":"b","type":"error","payload":[{"message":"This connection runs as many operations as it may: complete one first.","extensions":{"code":"RATE_LIMITED"}}]}`,
	)
	c.say(`{"id":"a","type":"complete"}`, subscribe("a", "{ hello }"))
	c.hear(`{"id":"a","type":"next","payload":{"data":{"hello":"world <3"}}}`, `{"id":"a","type":"complete"}`)
}

func TestClientThatAnswersNoPingIsLeft(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{})
	srv := newServerWith(t, func(srv *handler.Server) { srv.AddTransport(Socket{Ping: 20 * time.Millisecond}) }, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		srv.ServeHTTP(w, r)
		close(ended)
	}))
	defer server.Close()
	c := dial(t, server, subprotocol)
	c.say(hello) // the client then reads nothing, so it sends no pong
	select {
	case <-ended:
	case <-time.After(patience):
		t.Error("the connection stays open")
	}
}

func TestClientThatAnswersPingsStays(t *testing.T) {
	t.Parallel()
	c := converse(
		t, Socket{Ping: 20 * time.Millisecond},
		map[string]run{"W": func(ctx context.Context, _ *graphql.OperationContext) *graphql.Response {
			time.Sleep(200 * time.Millisecond) // longer than ten ping intervals
			return &graphql.Response{Data: []byte(`{"hello":"x"}`)}
		}},
	)
	c.say(hello, subscribe("a", "query W { hello }"))
	c.hear(ack, `{"id":"a","type":"next","payload":{"data":{"hello":"x"}}}`)
}

func TestStopLetsQueriesFinishAndEndsSubscriptions(t *testing.T) {
	t.Parallel()
	stopping, release, began := make(chan struct{}), make(chan struct{}), make(chan struct{})
	c := converse(
		t, Socket{Stopping: stopping},
		map[string]run{"W": waits(), "Q": func(context.Context, *graphql.OperationContext) *graphql.Response {
			close(began)
			<-release
			return &graphql.Response{Data: []byte(`{"hello":"late"}`)}
		}},
	)
	c.say(hello, subscribe("a", "subscription W { tick }"))
	c.hear(ack, tick)
	c.say(subscribe("b", "query Q { hello }"))
	<-began
	close(stopping)
	// A subscribe is rejected as soon as the server has noticed.
	for n := 0; ; n++ {
		c.say(subscribe("c", "subscription { tick }"))
		_, got, err := c.Read(c.ctx)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(got), "UNAVAILABLE") {
			break
		}
	}
	close(release)
	_, got, err := c.Read(c.ctx)
	for ; err == nil && !strings.Contains(string(got), `"b"`); _, got, err = c.Read(c.ctx) {
	}
	if string(got) != `{"id":"b","type":"next","payload":{"data":{"hello":"late"}}}` {
		t.Errorf("%s, %v", got, err)
	}
	c.closed(1001)
}

// TestIDIsFreeAsSoonAsItsOperationHasEnded uses the id for the next operation as soon as the last
// message of the previous one arrives. A client that counts its own operations may do this.
func TestIDIsFreeAsSoonAsItsOperationHasEnded(t *testing.T) {
	t.Parallel()
	c := converse(t, Socket{}, map[string]run{"R": func(context.Context, *graphql.OperationContext) *graphql.Response {
		return &graphql.Response{Errors: gqlerror.List{gqlerror.Errorf("refused")}}
	}})
	c.say(hello)
	c.hear(ack)
	for range 500 {
		c.say(subscribe("a", `{ hello }`))
		c.hear(`{"id":"a","type":"next","payload":{"data":{"hello":"world <3"}}}`, `{"id":"a","type":"complete"}`)
		c.say(subscribe("a", `query R { hello }`))
		c.hear(`{"id":"a","type":"error","payload":[{"message":"refused","extensions":{"code":"BAD_REQUEST"}}]}`)
	}
}

// TestStoppingServerDoesNotWaitForWhoReadsNothing fills the buffers of connections of both kinds
// and stops the server. The connections must be closed before the write timeout would close them.
func TestStoppingServerDoesNotWaitForWhoReadsNothing(t *testing.T) {
	t.Parallel()
	stopping, ended := make(chan struct{}), make(chan struct{}, 2)
	var made atomic.Int64
	big := []byte(`{"tick":"` + strings.Repeat("x", 1<<20) + `"}`)
	srv := newServerWith(t, func(srv *handler.Server) {
		srv.AddTransport(Socket{Stopping: stopping})
		srv.AddTransport(HTTP{Stopping: stopping})
	}, map[string]run{"B": func(context.Context, *graphql.OperationContext) *graphql.Response {
		made.Add(1)
		return &graphql.Response{Data: big}
	}})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		srv.ServeHTTP(w, r)
		ended <- struct{}{}
	}))
	defer server.Close()
	c := dial(t, server, subprotocol)
	c.say(hello, subscribe("a", "subscription B { tick }"))
	request, err := http.NewRequestWithContext(
		t.Context(), http.MethodPost, server.URL, strings.NewReader(`{"query":"subscription B { tick }"}`),
	)
	if err != nil {
		t.Fatal(err)
	}
	request.Header = http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	for before := int64(-1); before != made.Load(); time.Sleep(200 * time.Millisecond) {
		before = made.Load()
	}
	close(stopping)
	begin := time.Now()
	for range 2 {
		select {
		case <-ended:
		case <-time.After(patience):
			t.Fatal("a connection stays open")
		}
	}
	if took := time.Since(begin); took > 8*time.Second {
		t.Errorf("it took %s", took)
	}
}

// TestWhoReadsNothingCannotPileUpOperations sends operations that fail at once and reads no answer.
// The server must stop reading instead of holding all answers in memory.
func TestWhoReadsNothingCannotPileUpOperations(t *testing.T) {
	t.Parallel()
	var made atomic.Int64
	long := strings.Repeat("x", 1<<20)
	c := converse(
		t, Socket{MaxOperations: 2},
		map[string]run{"R": func(context.Context, *graphql.OperationContext) *graphql.Response {
			made.Add(1)
			return &graphql.Response{Errors: gqlerror.List{gqlerror.Errorf("%s", long)}}
		}},
	)
	c.say(hello)
	c.hear(ack)
	const asked = 200
	for n := range int64(asked) {
		c.say(subscribe(strconv.FormatInt(n, 10), "query R { hello }"))
		// The operations run one after the other, so that none is rejected: at most two may be
		// active.
		for deadline := time.Now().Add(time.Second); made.Load() <= n && time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		}
		if made.Load() <= n {
			break
		}
		time.Sleep(2 * time.Millisecond)
	}
	if n := made.Load(); n == 0 || n > asked/2 {
		t.Errorf("%d answers were made for nobody", n)
	}
}

func TestAMessageThatHasBegunMustEnd(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Socket{
		"silent within it": {MessageSilence: 200 * time.Millisecond},
		"slow":             {MessageTimeout: 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := converse(t, s, nil)
			c.say(hello)
			c.hear(ack)
			time.Sleep(700 * time.Millisecond) // a client may pause between messages
			c.say(`{"type":"ping"}`)
			c.hear(`{"type":"pong"}`)
			w, err := c.Writer(c.ctx, websocket.MessageText)
			if err != nil {
				t.Fatal(err)
			}
			part := make([]byte, 8<<10)
			_, _ = w.Write(part)
			closed := make(chan error, 1)
			go func() {
				_, _, err := c.Read(c.ctx)
				closed <- err
			}()
			for {
				select {
				case <-closed:
					if c.ctx.Err() != nil {
						t.Error("the connection is kept")
					}
					return
				case <-time.After(50 * time.Millisecond):
					if s.MessageTimeout > 0 {
						_, _ = w.Write(part)
					}
				}
			}
		})
	}
}
