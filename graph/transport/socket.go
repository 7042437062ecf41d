package transport

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/graphql"
	"github.com/coder/websocket"

	"campaignql/internal/apperr"
	"campaignql/internal/surface"
)

// subprotocol is the one that is spoken (https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md).
const subprotocol = "graphql-transport-ws"

// The codes with which the protocol closes a connection.
const (
	CloseInternal           = 4500
	CloseInvalid            = 4400
	CloseUnauthorized       = 4401
	CloseForbidden          = 4403
	CloseSubprotocol        = 4406
	CloseInitTimeout        = 4408
	CloseDuplicate          = 4409
	CloseTooManyInits       = 4429
	CloseTryLater           = int(websocket.StatusTryAgainLater)
	closeGoingAway          = int(websocket.StatusGoingAway)
	closeTooBig             = int(websocket.StatusMessageTooBig)
	maxReason, maxIDLength  = 100, 200
	CodeRateLimited         = "RATE_LIMITED"
	CodeUnavailable         = "UNAVAILABLE"
	codeUnauthenticated     = "UNAUTHENTICATED"
	defaultInitTimeout      = 10 * time.Second
	defaultAnonymousTimeout = 30 * time.Second
	// endedGrace is how long subscriptions may take to tell that their caller has ended.
	endedGrace              = time.Second
	defaultPing             = 20 * time.Second
	defaultSocketOperations = 32
	defaultMessageTimeout   = 2 * time.Minute
)

// Closing is an error that closes a connection with a code and a reason, which are told to the client.
type Closing struct {
	Code   int
	Reason string
}

// Error implements error.
func (c *Closing) Error() string { return c.Reason }

// Socket is the transport over WebSocket, for operations of every kind: the subprotocol
// graphql-transport-ws, and no other. Documents pass the same rules as those of HTTP. It does not
// look at the origin of a page: the middleware before it must.
type Socket struct {
	// MaxMessage is the largest message of a client in bytes; zero is DefaultMaxBody. A larger one
	// closes the connection with 1009.
	MaxMessage int64
	// Bodies admits messages that are not small, as bodies of HTTP; limits of their own by default. Identify, if set,
	// tells from the context that Init returned to whom the connection belongs.
	Bodies   *surface.Bodies
	Identify func(ctx context.Context) surface.Grant
	// MaxOperations is how many operations one connection may have running; zero is 32. Further
	// ones are refused, each by an error.
	MaxOperations int
	// InitTimeout is how long a client may take to send connection_init, 10 s by default.
	InitTimeout time.Duration
	// AnonymousTimeout is how long a connection may be open whose caller is not known; 30 s by default.
	AnonymousTimeout time.Duration
	// MessageSilence is how long a client may send nothing within a message, 30 s by default, and
	// MessageTimeout how long it may take to send one, 2 min by default.
	MessageSilence, MessageTimeout time.Duration
	// Ping is how often the client is asked whether it is there, and how long it may take to answer; 20 s by default.
	Ping time.Duration
	// Init reads the payload of connection_init. A *Closing refuses it.
	Init func(ctx context.Context, payload map[string]any) (Connection, error)
	// Enter, if set, takes a place for a connection whose caller is not known yet.
	Enter func(ctx context.Context) Place
	// Stopping is closed when the server begins to stop: subscriptions end, other operations are
	// let finish, then the connection is closed with 1001.
	Stopping <-chan struct{}
}

// Connection is what connection_init made of a connection.
type Connection struct {
	// Context is that of its operations.
	Context context.Context
	// Known reports that its caller is known.
	Known bool
	// Ended is closed when the caller may no longer act; never if nil. The connection is then closed with 4403.
	Ended <-chan struct{}
}

// Place is what a connection has until its caller is known.
type Place interface {
	// Lost is closed when another connection took the place: this one must end.
	Lost() <-chan struct{}
	// Leave gives it back. It may be called more than once.
	Leave()
}

var _ graphql.Transport = Socket{}

// Supports implements [graphql.Transport].
func (Socket) Supports(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket")
}

// Do implements [graphql.Transport]. It returns when the connection has ended.
func (t Socket) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	var place Place
	if t.Enter != nil {
		place = t.Enter(r.Context())
		defer place.Leave()
	}
	conn, err := websocket.Accept(
		w, r, &websocket.AcceptOptions{Subprotocols: []string{subprotocol}, InsecureSkipVerify: true},
	)
	if err != nil {
		return // Accept has answered
	}
	defer func() { _ = conn.CloseNow() }()
	if conn.Subprotocol() == "" {
		_ = conn.Close(CloseSubprotocol, "Subprotocol not acceptable: speak "+subprotocol)
		return
	}
	conn.SetReadLimit(orDefault(t.MaxMessage, DefaultMaxBody))
	ctx, cancel := context.WithCancel(r.Context())
	c := &socket{
		Socket: t, conn: conn, exec: exec, header: r.Header, ctx: ctx, place: place,
		active: map[string]*operation{}, acknowledged: make(chan struct{}),
	}
	c.connection.Context = ctx
	c.MaxOperations = orDefault(t.MaxOperations, defaultSocketOperations)
	c.Ping = orDefault(t.Ping, defaultPing)
	c.InitTimeout = orDefault(t.InitTimeout, defaultInitTimeout)
	c.AnonymousTimeout = orDefault(t.AnonymousTimeout, defaultAnonymousTimeout)
	c.places = make(chan struct{}, 2*c.MaxOperations)
	var background sync.WaitGroup
	background.Go(c.keep)
	if closing := c.read(); closing != nil {
		c.close(closing.Code, closing.Reason)
	}
	cancel()
	c.running.Wait()
	background.Wait()
}

func orDefault[T int | int64 | time.Duration](value, standard T) T {
	if value > 0 {
		return value
	}
	return standard
}

// socket is one connection.
type socket struct {
	Socket
	conn   *websocket.Conn
	exec   graphql.GraphExecutor
	header http.Header
	// ctx is that of the connection, and ends with it.
	ctx context.Context
	// place is the one of a connection whose caller is not known, nil without bounds.
	place Place
	// connection is what connection_init made of it; it may be read once acknowledged is closed.
	connection Connection
	// initialised is whether connection_init has come; acknowledged is closed when it was answered.
	initialised  bool
	acknowledged chan struct{}

	// places are taken by operations until they are wholly over: as many may be ending as may be
	// active, and the client's next message waits for one of them.
	places chan struct{}

	// sending is held while a message is being written, and writing is since when, in nanoseconds
	// of Unix time; zero while none is.
	sending sync.Mutex
	writing atomic.Int64

	mu       sync.Mutex
	active   map[string]*operation
	stopping bool
	// ended is whether the caller may no longer act.
	ended   bool
	running sync.WaitGroup
}

// message is one message of the protocol.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// read takes what the client sends until the connection ends; it returns how to close it, nil when
// it is closed already.
func (c *socket) read() *Closing {
	for {
		body := new(surface.Body)
		m, closing := c.receive(body)
		if m != nil && closing == nil {
			closing = c.handle(*m, body)
		} else {
			body.Release()
		}
		if m == nil || closing != nil {
			return closing
		}
	}
}

// frames is a message as the source of a body. A client that is silent within it, or takes too long
// for all of it, loses its connection: a message that has begun may hold a place of other
// connections.
type frames struct {
	io.Reader
	conn    *websocket.Conn
	late    *time.Timer
	silence time.Duration
	until   time.Time
}

// begun begins to read a message whose first frame has come.
func (c *socket) begun(reader io.Reader) *frames {
	f := &frames{Reader: reader, conn: c.conn, silence: orDefault(c.MessageSilence, surface.DefaultClientTimeout)}
	f.until = time.Now().Add(orDefault(c.MessageTimeout, defaultMessageTimeout))
	f.late = time.AfterFunc(f.silence, f.Interrupt)
	return f
}

// Read implements [io.Reader].
func (f *frames) Read(p []byte) (int, error) {
	f.late.Reset(min(f.silence, time.Until(f.until)))
	return f.Reader.Read(p)
}

// Interrupt implements [surface.Source].
func (f *frames) Interrupt() { _ = f.conn.CloseNow() }

// receive reads a message, nil when the connection has ended.
func (c *socket) receive(body *surface.Body) (*message, *Closing) {
	kind, reader, err := c.conn.Reader(c.ctx)
	if err != nil {
		return nil, nil
	}
	most := orDefault(c.MaxMessage, DefaultMaxBody)
	from := c.begun(reader)
	err = orOwn(c.Bodies).Read(c.ctx, body, surface.BodyRequest{
		From: from, Length: -1, MaxBody: most,
		Identify: func(context.Context, []byte) (surface.Grant, error) { return c.owner(), nil },
	})
	from.late.Stop()
	if all := apperr.All(err); len(all) > 0 {
		return nil, &Closing{CloseTryLater, "Try again later: " + all[0].Error()}
	}
	if large := (*http.MaxBytesError)(nil); errors.As(err, &large) {
		return nil, &Closing{closeTooBig, "Message too big"}
	}
	if err != nil {
		return nil, nil // too slow, or gone
	}
	done, err := body.Decoding(c.ctx)
	if err != nil {
		return nil, nil
	}
	defer done()
	defer body.Forget()
	m, text := new(message), body.Bytes()
	if f := charge(body, text); f != nil {
		return nil, &Closing{CloseTryLater, "Try again later: " + f.message}
	}
	if kind != websocket.MessageText || !utf8.Valid(text) || json.Unmarshal(text, m) != nil {
		return nil, &Closing{CloseInvalid, "Invalid message received"}
	}
	return m, nil
}

// owner is whose connection it is, as far as that is known.
func (c *socket) owner() surface.Grant {
	if c.Identify == nil {
		return surface.Grant{}
	}
	return c.Identify(c.connection.Context)
}

// handle does what a message asks for. An operation holds the body of its message until it has ended.
func (c *socket) handle(m message, body *surface.Body) *Closing {
	if m.Type == "subscribe" {
		select {
		case <-c.acknowledged:
			return c.subscribe(m, body)
		default:
			body.Release()
			return &Closing{CloseUnauthorized, "Unauthorized"}
		}
	}
	defer body.Release()
	switch m.Type {
	case "connection_init":
		return c.init(m)
	case "ping":
		c.send(message{Type: "pong", Payload: m.Payload})
	case "pong":
	case "complete":
		c.mu.Lock()
		defer c.mu.Unlock()
		if op := c.active[m.ID]; op != nil {
			op.cancel()
			delete(c.active, m.ID)
		}
	default:
		return &Closing{CloseInvalid, "Invalid message received"}
	}
	return nil
}

// init lets the client in, or not.
func (c *socket) init(m message) *Closing {
	if c.initialised {
		return &Closing{CloseTooManyInits, "Too many initialisation requests"}
	}
	c.initialised = true
	var payload object
	if len(m.Payload) > 0 && json.Unmarshal(m.Payload, &payload) != nil {
		return &Closing{CloseInvalid, "Invalid message received"}
	}
	if c.Init != nil {
		connection, err := c.Init(c.ctx, payload)
		if err != nil {
			return closingOf(err)
		}
		if c.connection = connection; connection.Known && c.place != nil {
			c.place.Leave()
		}
	}
	c.send(message{Type: "connection_ack"})
	close(c.acknowledged)
	return nil
}

func closingOf(err error) *Closing {
	if closing := (*Closing)(nil); errors.As(err, &closing) {
		return closing
	}
	return &Closing{CloseInternal, "Internal server error"}
}

// keep closes a connection whose client does not introduce itself, is gone, or may no longer act, and
// each connection when the server stops.
func (c *socket) keep() {
	tick := time.NewTicker(c.Ping)
	defer tick.Stop()
	late := time.NewTimer(c.InitTimeout)
	defer late.Stop()
	anonymous := time.NewTimer(c.AnonymousTimeout)
	defer anonymous.Stop()
	acknowledged := c.acknowledged
	var lost, ended <-chan struct{}
	if c.place != nil {
		lost = c.place.Lost()
	}
	var pong chan bool // where the answer is awaited when the client was asked
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-acknowledged:
			late.Stop()
			acknowledged = nil
			if c.Init == nil || c.connection.Known {
				anonymous.Stop()
				lost, ended = nil, c.connection.Ended
			}
		case <-late.C:
			c.close(CloseInitTimeout, "Connection initialisation timeout")
			return
		case <-anonymous.C:
			c.close(CloseUnauthorized, "Unauthorized: send an API key or a session with connection_init")
			return
		case <-lost:
			_ = c.conn.CloseNow() // no farewell, which would wait for the client
			return
		case <-ended:
			c.endSubscriptions(endedGrace)
			c.close(CloseForbidden, "Forbidden: the API key or session has ended")
			return
		case <-tick.C:
			if pong == nil {
				pong = make(chan bool, 1)
				go func(to chan<- bool) { to <- c.answers() }(pong)
			}
		case there := <-pong:
			if pong = nil; !there {
				_ = c.conn.CloseNow()
				return
			}
		case <-c.Stopping:
			c.finish()
			c.close(closeGoingAway, "The server is stopping")
			return
		}
	}
}

// endSubscriptions waits until every operation has ended by itself, but not for long. No other begins.
func (c *socket) endSubscriptions(grace time.Duration) {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.running.Wait()
	}()
	select {
	case <-done:
	case <-time.After(grace):
	}
}

func (c *socket) answers() bool {
	ctx, cancel := context.WithTimeout(c.ctx, c.Ping)
	defer cancel()
	return c.conn.Ping(ctx) == nil
}

// finish ends the subscriptions and waits for the other operations, but not for a client that reads nothing.
func (c *socket) finish() {
	deaf := time.AfterFunc(stoppingTimeout, func() {
		if since := c.writing.Load(); since != 0 && time.Since(time.Unix(0, since)) >= stoppingTimeout {
			_ = c.conn.CloseNow()
		}
	})
	defer deaf.Stop()
	c.mu.Lock()
	c.stopping = true
	for _, op := range c.active {
		if op.endless {
			op.cancel()
		}
	}
	c.mu.Unlock()
	c.running.Wait()
}

func (c *socket) close(code int, reason string) {
	for len(reason) > maxReason || !utf8.ValidString(reason) {
		reason = reason[:min(maxReason, len(reason)-1)]
	}
	_ = c.conn.Close(websocket.StatusCode(code), reason)
}

// send writes a message. A client that takes none for a while loses its connection, with which everything else ends.
func (c *socket) send(m message) {
	text, err := json.Marshal(m)
	if err != nil {
		return // made of what was JSON before
	}
	c.write(text)
}

// write writes the parts of a message. It puts them together when it is their turn, so that the
// answers that wait for a slow client are held once.
func (c *socket) write(parts ...[]byte) {
	c.sending.Lock()
	defer c.sending.Unlock()
	ctx, cancel := context.WithTimeout(c.ctx, writeTimeout)
	defer cancel()
	c.writing.Store(time.Now().UnixNano())
	defer c.writing.Store(0)
	_ = c.conn.Write(ctx, websocket.MessageText, bytes.Join(parts, nil))
}

// next writes a response without reading its data once more, as send would.
func (c *socket) next(id string, resp *graphql.Response) {
	before, after, err := frame(resp)
	if err != nil {
		before, after = []byte(unencodable), nil
		resp = &graphql.Response{}
	}
	name, err := json.Marshal(id)
	if err != nil {
		return // a string
	}
	c.write([]byte(`{"id":`), name, []byte(`,"type":"next","payload":`), before, resp.Data, after, []byte(`}`))
}
